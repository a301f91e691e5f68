"""What a generation came to: how it is asked for, how often, what is believed, and that all may go wrong."""

import json
import time
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.messages import Usage
from farebox.providers.base import Deadlines, Endpoint, Quirks
from farebox.providers.generation import (
    MAX_ATTEMPTS,
    MAX_ID_CHARS,
    ONCE,
    Billed,
    Pace,
    begun_in,
    billed_in,
    can_ask,
    lookup,
)
from farebox.providers.http import Http
from farebox.providers.json_value import parse_object
from support.upstream import Answer, Upstream, json_answer

AT_ONCE = Pace(first_s=0, base_s=0, most_s=0)
ROW = {
    "id": "gen-1",
    "model": "acme/new",
    "total_cost": 0.0015,
    "native_tokens_prompt": 120,
    "native_tokens_completion": 30,
    "native_tokens_reasoning": 10,
    "native_tokens_cached": 100,
    "tokens_prompt": 99,
    "is_byok": False,
    "upstream_inference_cost": 0.0015,
}
USAGE = Usage(input_tokens=120, cached_input_tokens=100, output_tokens=30, reasoning_tokens=10)
BOOKED = Billed(USAGE, 1_500_000, "acme/new")
NOT_YET = json_answer({"error": {"code": 404, "message": "not found"}}, status=404)


def openrouter(address: str, path: str | None = "/generation") -> Endpoint:
    return Endpoint(
        provider="openrouter",
        dialect="openai",
        base_url=address,
        quirks=Quirks(generation_path=path),
        deadlines=Deadlines(connect_s=1),
    )


async def test_a_row_is_asked_for_by_its_id(http: Http, upstream: Upstream):
    upstream.answer("/v1/generation", json_answer({"data": ROW}))
    assert await lookup(http, openrouter(upstream.base_url), "gen-a/b &c=d", pace=AT_ONCE) == BOOKED
    (asked,) = upstream.requests
    assert asked.method == "GET"
    assert parse_qs(urlsplit(asked.path).query, strict_parsing=True) == {"id": ["gen-a/b &c=d"]}


@pytest.mark.parametrize(
    "failures",
    [
        pytest.param([], id="at once"),
        pytest.param([NOT_YET] * 3, id="not booked yet"),
        pytest.param([json_answer({}), json_answer([]), Answer(body=b"<html>")], id="nonsense"),
        pytest.param([json_answer({"data": {"id": "gen-1"}})], id="a row without amounts"),
        pytest.param([Answer(body=b'{"data"', cut_after=3), NOT_YET], id="cut off"),
    ],
)
async def test_a_failure_is_followed_by_another_attempt(
    http: Http, upstream: Upstream, failures: list[Answer]
):
    upstream.queue(*failures, json_answer({"data": ROW}))
    assert await lookup(http, openrouter(upstream.base_url), "gen-1", pace=AT_ONCE) == BOOKED
    assert len(upstream.requests) == len(failures) + 1


async def test_after_four_attempts_nothing_is_known(http: Http, upstream: Upstream):
    upstream.answer("/v1/generation", NOT_YET)
    assert await lookup(http, openrouter(upstream.base_url), "gen-1", pace=AT_ONCE) is None
    assert len(upstream.requests) == MAX_ATTEMPTS


async def test_who_comes_back_by_himself_asks_once_and_at_once(http: Http, upstream: Upstream):
    upstream.answer("/v1/generation", NOT_YET)
    assert await lookup(http, openrouter(upstream.base_url), "gen-1", pace=ONCE) is None
    assert len(upstream.requests) == 1
    assert list(ONCE.waits_s()) == [0]


async def test_a_server_that_never_answers_ends_the_look_up_at_its_own_deadline(
    http: Http, upstream: Upstream
):
    upstream.answer("/v1/generation", Answer(hang=True))
    pace = Pace(first_s=0, base_s=0, most_s=0, total_s=0.2)
    started = time.monotonic()
    assert await lookup(http, openrouter(upstream.base_url), "gen-1", pace=pace) is None
    assert time.monotonic() - started < 1.2


async def test_nobody_there_is_no_error(http: Http):
    async with Upstream() as gone:
        address = gone.base_url
    assert await lookup(http, openrouter(address), "gen-1", pace=AT_ONCE) is None


@pytest.mark.parametrize(
    ("path", "name"),
    [
        pytest.param(None, "gen-1", id="a vendor without such an address"),
        pytest.param("/generation", "", id="no id"),
        pytest.param("/generation", "x" * (MAX_ID_CHARS + 1), id="an id without end"),
    ],
)
async def test_what_can_not_be_asked_is_not_asked(
    http: Http, upstream: Upstream, path: str | None, name: str
):
    assert await lookup(http, openrouter(upstream.base_url, path), name, pace=AT_ONCE) is None
    assert upstream.connections == 0


@pytest.mark.parametrize(
    ("path", "name", "expected"),
    [
        pytest.param("/generation", "gen-1", True, id="a name"),
        pytest.param("/generation", None, False, id="no name"),
        pytest.param("/generation", "", False, id="an empty name"),
        pytest.param("/generation", "x" * (MAX_ID_CHARS + 1), False, id="a name without end"),
        pytest.param(None, "gen-1", False, id="a vendor that can't be asked"),
    ],
)
def test_a_provider_can_be_asked_by(path: str | None, name: str | None, *, expected: bool):
    endpoint = openrouter("http://127.0.0.1:9/v1", path)
    assert can_ask(endpoint, name) is expected
    headers = {} if name is None else {"x-generation-id": name}
    assert begun_in(endpoint, headers) == (name if expected else None)


async def test_half_an_emoji_in_an_id_is_no_error(http: Http, upstream: Upstream):
    assert await lookup(http, openrouter(upstream.base_url), "gen-\ud83d", pace=AT_ONCE) is None


def test_the_usual_waits_are_half_a_second_and_then_ever_longer_up_to_one():
    assert list(Pace().waits_s()) == [0.5, 0.25, 0.5, 1.0]
    assert list(Pace(most_s=0.3).waits_s()) == [0.5, 0.25, 0.3, 0.3]


@pytest.mark.parametrize(
    ("change", "nanodollars"),
    [
        pytest.param({}, 1_500_000, id="its total"),
        pytest.param({"is_byok": True}, 3_000_000, id="the user's own upstream key paid as well"),
        pytest.param({"is_byok": None}, 1_500_000, id="not said whose key paid"),
        pytest.param({"total_cost": None, "usage": 0.25}, 250_000_000, id="its older name"),
        pytest.param({"total_cost": 0}, 0, id="nothing"),
        pytest.param({"total_cost": -1}, None, id="negative"),
        pytest.param({"total_cost": "0.1"}, None, id="a string"),
        pytest.param({"total_cost": None}, None, id="none"),
    ],
)
def test_what_was_charged_is(change: dict[str, object], nanodollars: int | None):
    table = parse_object(json.dumps({"data": {**ROW, **change}}))
    assert table is not None
    billed = billed_in(table)
    assert billed is not None
    assert billed.reported_nanodollars == nanodollars
    assert billed.usage == USAGE


def test_the_models_own_counts_go_before_normalised_ones():
    billed = billed_in({"data": {"tokens_prompt": 7, "tokens_completion": 3, "native_tokens_cached": 50}})
    assert billed == Billed(Usage(input_tokens=7, cached_input_tokens=7, output_tokens=3), None, None)


_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=9),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(sorted(ROW)), inner),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(sorted(ROW)), _values))
def test_whatever_a_row_holds_it_is_read_within_bounds(data: dict[str, object]):
    billed = billed_in({"data": data})
    if billed is not None:
        assert 0 <= billed.usage.cached_input_tokens <= billed.usage.input_tokens
        assert 0 <= billed.usage.reasoning_tokens <= billed.usage.output_tokens
        assert billed.reported_nanodollars is None or billed.reported_nanodollars >= 0
