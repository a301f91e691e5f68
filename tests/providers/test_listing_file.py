"""The list of models on disk: fetched once a day, kept from others, and never the cause of an error."""

import asyncio
import json
import os
import stat
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.providers.base import Endpoint
from farebox.providers.http import Http
from farebox.providers.listing_file import (
    MAX_FILE_BYTES,
    NO_LISTING,
    PRICES_TTL_S,
    RETRY_S,
    TTL_S,
    ListingFile,
)
from farebox.secrets import Credential, Secret, origin_of
from support.openrouter_models import entry, models
from support.upstream import Answer, Upstream, json_answer

KEY = "sk-or-test-0123456789"
START_S = 1_800_000_000.0


class Clock:
    """A clock that is put forward by hand."""

    def __init__(self) -> None:
        self.now = START_S

    def __call__(self) -> float:
        return self.now


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as server:
        server.answer("/v1/models", json_answer(models(entry())))
        yield server


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "home" / "models.json"


def openrouter(upstream: Upstream) -> Endpoint:
    return Endpoint(provider="openrouter", dialect="openai", base_url=upstream.base_url)


async def test_a_list_is_fetched_kept_and_read_by_the_next_process(
    http: Http, upstream: Upstream, clock: Clock, file: Path
):
    listings = ListingFile(file, now=clock)
    assert listings.read() is NO_LISTING
    await listings.refresh(http, openrouter(upstream))
    assert [request.path for request in upstream.requests] == ["/v1/models"]
    listing = listings.at(upstream.base_url)
    assert list(listing.models) == ["acme/new"]
    assert listing.find("acme/new:floor") is listing.models["acme/new"]
    again = ListingFile(file, now=clock).at(upstream.base_url)
    assert (again.models, again.fetched_s) == (listing.models, START_S)


@pytest.mark.skipif(os.name != "posix", reason="permissions of POSIX")
async def test_the_file_is_its_owners_alone_and_nothing_is_left_beside_it(
    http: Http, upstream: Upstream, file: Path
):
    await ListingFile(file).refresh(http, openrouter(upstream))
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert [one.name for one in file.parent.iterdir()] == [file.name]


@pytest.mark.parametrize(
    ("later_s", "asked"),
    [
        pytest.param(0, 1, id="at once"),
        pytest.param(TTL_S - 1, 1, id="within a day"),
        pytest.param(TTL_S, 2, id="after a day"),
        pytest.param(-1, 2, id="when the clock was put back"),
    ],
)
async def test_a_list_is_fetched_once_a_day(
    *, http: Http, upstream: Upstream, clock: Clock, file: Path, later_s: float, asked: int
):
    await ListingFile(file, now=clock).refresh(http, openrouter(upstream))
    clock.now += later_s
    for listings in (ListingFile(file, now=clock), ListingFile(file, now=clock)):
        await listings.refresh(http, openrouter(upstream))
    assert len(upstream.requests) == asked


async def test_many_who_ask_at_once_fetch_it_once(http: Http, upstream: Upstream, file: Path):
    listings = ListingFile(file)
    await asyncio.gather(*(listings.refresh(http, openrouter(upstream)) for _ in range(8)))
    assert len(upstream.requests) == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(json_answer({"error": {"message": "no"}}, status=500), id="refused"),
        pytest.param(json_answer(models()), id="empty"),
        pytest.param(json_answer([1]), id="no object"),
        pytest.param(Answer(body=b"<html>", content_type="text/html"), id="a page"),
        pytest.param(Answer(body=b'{"data"', cut_after=4), id="cut off"),
    ],
)
async def test_while_it_can_not_be_renewed_the_old_list_stands(
    http: Http, upstream: Upstream, clock: Clock, file: Path, answer: Answer
):
    listings = ListingFile(file, now=clock)
    await listings.refresh(http, openrouter(upstream))
    before, written = listings.read(), file.read_bytes()
    clock.now += 2 * TTL_S
    upstream.queue(answer)
    for _ in range(3):
        await listings.refresh(http, openrouter(upstream))
    assert len(upstream.requests) == 2, "a failure is not repeated at once"
    assert listings.read() is before
    assert file.read_bytes() == written
    assert listings.has_fresh_prices(before)
    clock.now += RETRY_S
    await listings.refresh(http, openrouter(upstream))
    assert len(upstream.requests) == 3
    assert listings.read() is not before


async def test_prices_that_are_too_old_are_not_trusted(
    http: Http, upstream: Upstream, clock: Clock, file: Path
):
    listings = ListingFile(file, now=clock)
    assert not listings.has_fresh_prices(NO_LISTING)
    await listings.refresh(http, openrouter(upstream))
    assert listings.has_fresh_prices(listings.read())
    clock.now += PRICES_TTL_S
    assert not listings.has_fresh_prices(listings.read())
    clock.now = START_S - 1
    assert not listings.has_fresh_prices(listings.read())


async def test_the_list_of_another_address_is_none(http: Http, upstream: Upstream, file: Path):
    listings = ListingFile(file)
    await listings.refresh(http, openrouter(upstream))
    assert listings.at("https://openrouter.ai/api/v1") is NO_LISTING
    async with Upstream() as other:
        other.answer("/v1/models", json_answer(models(entry("b/c"))))
        await listings.refresh(http, openrouter(other))
        assert list(listings.at(other.base_url).models) == ["b/c"]
    assert listings.at(upstream.base_url) is NO_LISTING


GOOD = {"base_url": "", "fetched_s": int(START_S), "data": models(entry())["data"]}


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"\x00\xff" * 100, id="bytes"),
        pytest.param(b"[" * 100_000, id="nested"),
        pytest.param(b"[1]", id="no object"),
        pytest.param(json.dumps({**GOOD, "fetched_s": True}).encode(), id="no time"),
        pytest.param(json.dumps({**GOOD, "fetched_s": -5}).encode(), id="a time before time"),
        pytest.param(json.dumps({**GOOD, "data": {}}).encode(), id="no list"),
        pytest.param(b" " * (MAX_FILE_BYTES + 1) + json.dumps(GOOD).encode(), id="too large"),
    ],
)
async def test_a_file_that_is_broken_counts_as_none_and_is_replaced(
    http: Http, upstream: Upstream, file: Path, raw: bytes
):
    file.parent.mkdir()
    file.write_bytes(raw)
    listings = ListingFile(file)
    assert listings.read() is NO_LISTING
    await listings.refresh(http, openrouter(upstream))
    assert list(ListingFile(file).at(upstream.base_url).models) == ["acme/new"]


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in the file system")
async def test_what_is_no_plain_file_is_not_read(http: Http, upstream: Upstream, file: Path):
    file.parent.mkdir()
    os.mkfifo(file)
    assert ListingFile(file).read() is NO_LISTING
    file.unlink()
    (file.parent / "real").write_text(json.dumps(GOOD), "utf-8")
    file.symlink_to(file.parent / "real")
    listings = ListingFile(file)
    assert listings.read() is NO_LISTING
    await listings.refresh(http, openrouter(upstream))
    assert not file.is_symlink()
    assert json.loads((file.parent / "real").read_text("utf-8")) == GOOD


async def test_where_nothing_can_be_written_the_list_lasts_as_long_as_the_process(
    http: Http, upstream: Upstream, file: Path
):
    file.parent.write_text("a file where a folder should be")
    listings = ListingFile(file)
    await listings.refresh(http, openrouter(upstream))
    assert list(listings.at(upstream.base_url).models) == ["acme/new"]


async def test_in_local_only_mode_nobody_else_is_asked(http: Http, file: Path):
    elsewhere = Endpoint("openrouter", "openai", "https://openrouter.invalid/api/v1", loopback_only=True)
    listings = ListingFile(file)
    await listings.refresh(http, elsewhere)
    assert listings.read() is NO_LISTING


async def test_cancelling_leaves_it_as_it_was(http: Http, upstream: Upstream, file: Path):
    upstream.answer("/v1/models", Answer(hang=True))
    listings = ListingFile(file)
    task = asyncio.create_task(listings.refresh(http, openrouter(upstream)))
    await upstream.arrived.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert not file.exists()
    upstream.answer("/v1/models", json_answer(models(entry())))
    await listings.refresh(http, replace(openrouter(upstream)))
    assert list(listings.read().models) == ["acme/new"]


@pytest.mark.parametrize("field", ["id", "canonical_slug", "supported_parameters"])
async def test_a_model_that_repeats_the_key_is_neither_shown_nor_written(
    http: Http, upstream: Upstream, file: Path, field: str
):
    named = f"a/{KEY}"
    leaky = {**entry("acme/leaky"), field: [named] if field == "supported_parameters" else named}
    upstream.answer("/v1/models", json_answer(models(leaky, entry())))
    listings = ListingFile(file)
    credential = Credential(Secret(KEY), origin_of(upstream.base_url))
    await listings.refresh(http, replace(openrouter(upstream), credential=credential))
    assert all("authorization" in request.headers for request in upstream.requests)
    assert list(listings.read().models) == ["acme/new"]
    assert KEY not in file.read_text("utf-8")
