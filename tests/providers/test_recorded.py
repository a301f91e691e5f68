"""Every recorded answer, replayed by a real server in five ways, says what it says; cut off, it is broken.

What counts as whole: a stream that has said why it finished (``finish_reason``; at Anthropic ``stop_reason``)
or has sent its end mark, and a body that is one JSON object. Whatever ends before that is a ``brokenReply``
after what came, however politely the connection was closed.
"""

import json
import random
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import aclosing, closing
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.errors import BrokenReply, FareboxError
from farebox.messages import Call, Event, RawText, Text
from farebox.providers.http import Http
from farebox.providers.vendors import vendors
from farebox.router.door import Reply
from farebox.router.request import Request
from support import recorded
from support.recorded import (
    Entry,
    as_stream,
    before_cut,
    split_sizes,
    with_cache,
    with_comments,
    with_crlf,
)
from support.replay import HELLO, KEY, Heard, directory, hear
from support.upstream import Answer, Upstream

ENTRIES = recorded.entries()
if not ENTRIES:
    pytest.skip(recorded.ABSENT, allow_module_level=True)

ANSWERS = [entry for entry in ENTRIES if entry.api != "models"]
LISTS = [entry for entry in ENTRIES if entry.api == "models"]
PROVIDERS = sorted({entry.provider for entry in ANSWERS})
MAX_SHOWN = 20
RANDOM_CUTS = 3


def split(entry: Entry) -> Answer:
    return replace(entry.answer, chunk_sizes=split_sizes(entry.body, entry.file))


WAYS: dict[str, Callable[[Entry], Answer]] = {
    "whole": lambda entry: entry.answer,
    "split at random bytes": split,
    "with Windows line ends": lambda entry: with_crlf(entry).answer,
    "under no media type": lambda entry: replace(entry.answer, content_type=""),
    "with comments": lambda entry: with_comments(as_stream(entry)).answer,
    "as a stream, split, with Windows line ends and comments": lambda entry: split(
        with_crlf(with_comments(as_stream(entry)))
    ),
}
STREAMED_WAYS: dict[str, Callable[[bytes], bytes]] = {
    "with a byte order mark": lambda body: b"\xef\xbb\xbf" + body,
    "with carriage returns alone": lambda body: body.replace(b"\n", b"\r"),
    "with no space after the colon": lambda body: body.replace(b"data: ", b"data:"),
    "without its end mark": lambda body: body.replace(b"data: [DONE]\n\n", b""),
    "without its last line end": lambda body: body.rstrip(b"\n"),
    "with events of two data lines": lambda body: body.replace(b"data: {", b"data: {\ndata:"),
}
replays: dict[str, int] = {}
differences: list[str] = []


@pytest.fixture(scope="module", autouse=True)
def _counts() -> Iterator[None]:  # pyright: ignore[reportUnusedFunction]
    yield
    ways = sum(replays.values())
    print(f"\n{len(ENTRIES)} recorded bodies: {ways} replays, {len(differences)} differences; {replays}")


async def ask(upstream: Upstream, http: Http, entry: Entry, answer: Answer) -> Heard:
    prompt = RawText("Once") if entry.api == "openai.completions" else HELLO
    return await hear(upstream, http, answer, provider=entry.provider, model=entry.model, prompt=prompt)


def note(way: str, found: list[str], count: int) -> None:
    """Count a batch's replays, and fail with all of its differences at once."""
    replays[way] = replays.get(way, 0) + count
    differences.extend(found)
    more = f"\n… and {len(found) - MAX_SHOWN} more" if len(found) > MAX_SHOWN else ""
    assert not found, f"{len(found)} differences, {way}:\n" + "\n".join(found[:MAX_SHOWN]) + more


def of(provider: str) -> list[Entry]:
    return [entry for entry in ANSWERS if entry.provider == provider]


def compare(entry: Entry, heard: Heard) -> list[str]:
    if heard.error is not None:
        return [f"{entry.file}: {heard.error.kind}: {heard.error}"]
    return [f"{entry.file}: {found}" for found in entry.expected.differences(heard.said)]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_recorded_answer_says_what_is_expected(
    upstream: Upstream, http: Http, provider: str, way: str
):
    found: list[str] = []
    for entry in of(provider):
        found += compare(entry, await ask(upstream, http, entry, WAYS[way](entry)))
    note(way, found, len(of(provider)))


@pytest.mark.parametrize("way", STREAMED_WAYS)
async def test_a_recorded_stream_in_another_legal_form_says_the_same(
    upstream: Upstream, http: Http, way: str
):
    streams = [entry for entry in ANSWERS if entry.stream]
    found: list[str] = []
    for entry in streams:
        body = STREAMED_WAYS[way](entry.body)
        answer = Answer(body=body, content_type=entry.content_type, chunk_sizes=split_sizes(body, entry.file))
        found += compare(entry, await ask(upstream, http, entry, answer))
    note(way, found, len(streams))


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_recorded_answer_with_cached_tokens_counts_them(
    upstream: Upstream, http: Http, provider: str
):
    whole = [with_cache(entry) for entry in of(provider) if not entry.stream]
    found: list[str] = []
    for entry in (*whole, *map(as_stream, whole)):
        found += compare(entry, await ask(upstream, http, entry, entry.answer))
    note("with cached tokens", found, 2 * len(whole))


def test_the_recorded_answers_have_costs_and_counts_in_them():
    expected = [entry.expected for entry in ANSWERS]
    assert sum(said.reported_nanodollars is not None for said in expected) >= 20
    usages = [said.usage for said in expected if said.usage is not None]
    assert len(usages) >= 200
    assert any(usage.reasoning_tokens for usage in usages)


async def test_signed_thinking_is_kept_as_it_came(upstream: Upstream, http: Http):
    count = 0
    for entry in of("anthropic"):
        if entry.stream:
            continue
        content = json.loads(entry.body)["content"]
        thoughts = [block for block in content if block["type"] in ("thinking", "redacted_thinking")]
        for way in (entry, as_stream(entry)):
            heard = await ask(upstream, http, way, way.answer)
            assert heard.finish is not None
            trace = heard.finish.trace
            assert thoughts == [json.loads(block) for block in (trace.blocks if trace else ())], entry.file
        count += bool(thoughts)
    assert count >= 10


@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.file) for entry in LISTS])
async def test_a_recorded_list_of_models_is_read(upstream: Upstream, http: Http, entry: Entry):
    answers = [entry.answer, split(entry), with_crlf(entry).answer]
    for answer in answers:
        upstream.answer("/v1/models", answer)
        models = await directory(upstream, http, entry.provider).served_models(entry.provider)
        assert len(set(models)) == entry.n_models
    for at in (0, len(entry.body) // 2, len(entry.body.rstrip()) - 1):
        for answer in cuts(entry, at).values():
            upstream.answer("/v1/models", answer)
            with pytest.raises(FareboxError) as caught:
                await directory(upstream, http, entry.provider).served_models(entry.provider)
            assert caught.value.kind == "brokenReply"
    note("a list of models", [], len(answers))


# --- cut off -------------------------------------------------------------------------------------


def cuts(entry: Entry, at: int) -> dict[str, Answer]:
    """Return an answer that ends too soon: its connection breaks, or its body ends as if it were whole."""
    return {
        "aborted": replace(entry.answer, cut_after=at),
        "ended": replace(entry.answer, body=entry.body[:at]),
    }


def places(entry: Entry) -> list[int]:
    """Choose where to cut: nothing at all, anywhere, each side of the finish, and just before the end."""
    dice = random.Random(f"cut {entry.file}")
    last = len(entry.body.rstrip())
    chosen = {0, dice.randrange(last), last - 1}
    if entry.stream:
        chosen |= {dice.randrange(last) for _ in range(RANDOM_CUTS)}
        events = [at + 2 for at in range(last) if entry.body[at : at + 2] == b"\n\n"]
        chosen |= set(events[-3:]) | {dice.choice(events)}
    return sorted(chosen)


def judge(entry: Entry, at: int, way: str, heard: Heard) -> list[str]:
    """Say what is wrong with what was made of an answer that was cut off after some bytes."""
    expected, said = entry.expected, heard.said
    before = before_cut(entry, at) if entry.stream else recorded.Before("", "", 0)
    where = f"{entry.file} {way} after {at} of {len(entry.body)} bytes"
    wrong: list[str] = []
    if not said.text.startswith(before.text) or not said.reasoning.startswith(before.reasoning):
        wrong.append(f"{where}: what had come was not kept")
    if not expected.text.startswith(said.text) or not expected.reasoning.startswith(said.reasoning):
        wrong.append(f"{where}: more or other text than there was")
    if heard.error is not None:
        if heard.error.kind != "brokenReply":
            wrong.append(f"{where}: {heard.error.kind}: {heard.error}")
        if said.finish not in (None, "error") or said.tool_calls:
            wrong.append(f"{where}: it broke, but had finished or called a tool")
        if way == "ended" and before.finishes and at in whole_events(entry):
            wrong.append(f"{where}: it had finished, but {heard.error}")
        return wrong
    if not before.finishes:
        return [*wrong, f"{where}: a silent success"]
    if before.finishes < before_cut(entry, len(entry.body)).finishes and is_spliced(entry):
        return wrong  # several answers were recorded as one: whoever ends after the first is right
    told = expected.differences(
        replace(said, usage=expected.usage, reported_nanodollars=expected.reported_nanodollars)
    )
    wrong += [f"{where}: a success, but {difference}" for difference in told]
    if said.usage not in (None, expected.usage) and entry.api != "anthropic.messages":
        wrong.append(f"{where}: usage {said.usage}")
    return wrong


def whole_events(entry: Entry) -> set[int]:
    return {at + 2 for at in range(len(entry.body)) if entry.body[at : at + 2] == b"\n\n"}


def is_spliced(entry: Entry) -> bool:
    return entry.body.count(b'"type":"message_start"') > 1


@pytest.mark.parametrize("provider", PROVIDERS)
async def test_a_recorded_answer_that_is_cut_off_is_broken_and_keeps_what_came(
    upstream: Upstream, http: Http, provider: str
):
    found: list[str] = []
    count = 0
    for entry in of(provider):
        for at in places(entry):
            for way, answer in cuts(entry, at).items():
                found += judge(entry, at, way, await ask(upstream, http, entry, answer))
                count += 1
    note("cut off", found, count)


async def listen(reply: Reply, heard: list[Event]) -> None:
    async with aclosing(reply.events()) as events:
        async for event in events:
            heard.append(event)  # noqa: PERF401  what has come must be kept when an error ends it


def longest_streams() -> list[Entry]:
    """Choose one stream of each provider that has any: the one with the most text."""
    chats = [entry for entry in ANSWERS if entry.stream and entry.api != "openai.completions"]
    longest = {entry.provider: entry for entry in sorted(chats, key=lambda entry: len(entry.expected.text))}
    return list(longest.values())


@pytest.mark.parametrize("way", ["aborted", "ended"])
@pytest.mark.parametrize("entry", [pytest.param(entry, id=entry.file) for entry in longest_streams()])
async def test_the_door_passes_on_what_came_before_a_cut_and_books_it(
    tmp_path: Path, upstream: Upstream, entry: Entry, way: str
):
    at = len(entry.body) // 2
    before = before_cut(entry, at)
    upstream.queue(cuts(entry, at)[way])
    config = tmp_path / "config.toml"
    config.write_text(f'[providers.{entry.provider}]\nbase_url = "{upstream.base_url}"\n', "utf-8")
    environment = {"FAREBOX_HOME": str(tmp_path / "home"), "FAREBOX_CONFIG": str(config)}
    environment[vendors()[entry.provider].key_env[0]] = KEY
    app = App(Client(name="test"), environment=environment)
    request = Request(
        task="chat",
        render=lambda serving: Call(serving.model, HELLO, max_output_tokens=100),
        input_bytes=300,
        max_output_tokens=100,
        requested=f"{entry.provider}/{entry.model}",
    )
    reply = app.door().send(request)
    heard: list[Event] = []
    try:
        with pytest.raises(BrokenReply) as caught:
            await listen(reply, heard)
        await app.ledger.check()  # what was handed over before is written now
        with closing(sqlite3.connect(app.ledger.path)) as connection:
            connection.row_factory = sqlite3.Row
            (row,) = connection.execute("SELECT * FROM calls").fetchall()
    finally:
        await app.close()
    passed = "".join(event.text for event in heard if isinstance(event, Text))
    assert caught.value.after_first_event
    assert before.text
    assert passed.startswith(before.text)
    assert entry.expected.text.startswith(passed)
    assert reply.done is not None
    assert (reply.done.finish_reason, reply.done.cancelled) == ("error", False)
    assert reply.done.cost.basis in ("estimated", "unknown")
    assert (row["outcome"], row["error_kind"], row["basis"]) == (
        "failed",
        "brokenReply",
        reply.done.cost.basis,
    )
    assert row["output_tokens"] > 0
    assert (row["cost_nanodollars"] is None) == (row["basis"] == "unknown")
    assert len(upstream.requests) == 1  # nothing is asked again behind the caller's back
