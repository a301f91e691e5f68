"""Reasoning that has to come back: collected in order, sent unchanged, and only to whom it belongs."""

import json

import pytest

from farebox.messages import Trace, TraceFormat
from farebox.providers.base import Quirks
from farebox.providers.openai_trace import (
    MAX_TRACE_BLOCKS,
    MAX_TRACE_CHARS,
    TraceCollector,
    shown_words,
    thought_by,
    trace_fields,
)

MODEL = "anthropic/claude-sonnet-5.5"
SIGNED = {"type": "reasoning.text", "text": "Hm.", "signature": "c2ln", "format": "anthropic-claude-v1"}
ENCRYPTED = {"type": "reasoning.encrypted", "data": "b3BhcXVl", "id": "rs_1", "format": "openai-responses-v1"}


def check(*chunks: list[object], is_whole: bool = False) -> list[object]:
    """Collect chunks of reasoning_details; return the blocks of the trace, parsed."""
    collector = TraceCollector("reasoning_details", is_whole=is_whole)
    for details in chunks:
        collector.add(details, "")
    trace = collector.trace(MODEL)
    if trace is None:
        return []
    assert (trace.format, trace.model) == ("reasoning_details", MODEL)
    return [json.loads(block) for block in trace.blocks]


def fragment(text: str | None = None, index: int | None = 0, **fields: object) -> dict[str, object]:
    kept = {"index": index} if index is not None else {}
    return {"type": "reasoning.text"} | ({"text": text} if text is not None else {}) | fields | kept


@pytest.mark.parametrize(
    ("chunks", "expected"),
    [
        pytest.param([[SIGNED]], [SIGNED], id="a whole block"),
        pytest.param([[ENCRYPTED], [ENCRYPTED]], [ENCRYPTED, ENCRYPTED], id="encrypted ones stay apart"),
        pytest.param([[fragment("a")], [fragment("b")]], [fragment("ab")], id="fragments of one index"),
        pytest.param(
            [[fragment("a")], [fragment(signature="s")]],
            [fragment("a", signature="s")],
            id="a signature that comes alone, later",
        ),
        pytest.param(
            [[fragment("a", signature=None)], [fragment("", signature="s")], [fragment("b", signature=None)]],
            [fragment("ab", signature="s")],
            id="the last signature that is not null",
        ),
        pytest.param(
            [[fragment("a", 0)], [fragment("b", 1)], [fragment("c", 0)]],
            [fragment("ac", 0), fragment("b", 1)],
            id="by index, interleaved",
        ),
        pytest.param(
            [[fragment("a")], [{"type": "reasoning.encrypted", "data": "x", "index": 0}], [fragment("b")]],
            [fragment("ab"), {"type": "reasoning.encrypted", "data": "x", "index": 0}],
            id="another type of the same index",
        ),
        pytest.param(
            [
                [{"type": "reasoning.summary", "summary": "a"}],
                [{"type": "reasoning.summary", "summary": "b"}],
            ],
            [{"type": "reasoning.summary", "summary": "ab"}],
            id="a summary without an index",
        ),
        pytest.param(
            [[fragment("a", None, signature="s")], [fragment("b", None)]],
            [fragment("a", None, signature="s"), fragment("b", None)],
            id="without an index a signature ends a block",
        ),
        pytest.param(
            [[fragment("a", id="1")], [fragment("b", id="2")]],
            [fragment("a", id="1"), fragment("b", id="2")],
            id="two ids are two blocks",
        ),
        pytest.param([[7, None, "x", {}]], [], id="nonsense"),
        pytest.param(
            [[{"type": "reasoning.new", "list": [1, {"ä": 0.5}]}]],
            [{"type": "reasoning.new", "list": [1, {"ä": 0.5}]}],
            id="a type that nobody knows",
        ),
    ],
)
def test_blocks_are_collected_in_order(chunks: list[list[object]], expected: list[object]):
    assert check(*chunks) == expected


def test_the_blocks_of_a_whole_body_are_kept_as_they_are():
    blocks: list[object] = [fragment("a", None), fragment("b", None)]
    assert check(blocks, is_whole=True) == blocks


def test_a_vendor_that_wants_text_gets_one_text():
    collector = TraceCollector("reasoning_content")
    for words in ("Hm, ", "", "ja."):
        collector.add([SIGNED], words)
    assert collector.trace("m") == Trace("reasoning_content", "m", ('"Hm, ja."',))


@pytest.mark.parametrize("wanted", [None, "reasoning_details", "reasoning_content"])
def test_no_reasoning_is_no_trace(wanted: TraceFormat | None):
    collector = TraceCollector(wanted)
    collector.add([], "")
    assert collector.trace("m") is None


def test_a_vendor_that_wants_nothing_back_costs_no_memory():
    collector = TraceCollector(None)
    collector.add([SIGNED], "Hm.")
    assert collector.trace("m") is None


@pytest.mark.parametrize(
    ("wanted", "chunks"),
    [
        pytest.param("reasoning_details", [[fragment("x" * MAX_TRACE_CHARS)]], id="a long block"),
        pytest.param("reasoning_details", [[ENCRYPTED] * (MAX_TRACE_BLOCKS + 1)], id="many blocks"),
        pytest.param(
            "reasoning_details", [[fragment("x" * (MAX_TRACE_CHARS // 2))]] * 2, id="one block in fragments"
        ),
        pytest.param(
            "reasoning_details",
            [[fragment("", signature=str(at) * (MAX_TRACE_CHARS // 2))] for at in range(2)],
            id="signatures, each another",
        ),
        pytest.param("reasoning_content", ["x" * (MAX_TRACE_CHARS // 2)] * 3, id="words"),
    ],
)
def test_a_trace_beyond_its_bounds_is_dropped_for_good(wanted: TraceFormat, chunks: list[list[object] | str]):
    collector = TraceCollector(wanted)
    for one in chunks:
        assert not collector.was_dropped
        collector.add(*(([], one) if isinstance(one, str) else (one, "")))
    assert collector.was_dropped
    collector.add([fragment("late")], "late")
    assert collector.trace(MODEL) is None


def test_what_each_fragment_repeats_counts_once():
    repeated = fragment() | {"format": "x" * 1_000, "signature": "s" * 1_000, "id": "r" * 1_000}
    collector = TraceCollector("reasoning_details")
    for _ in range(MAX_TRACE_BLOCKS + 1):
        collector.add([repeated | {"text": "a"}], "")
    assert not collector.was_dropped
    trace = collector.trace(MODEL)
    assert trace is not None
    assert json.loads(trace.blocks[0]) == repeated | {"text": "a" * (MAX_TRACE_BLOCKS + 1)}


def test_what_people_may_read_of_blocks_is_their_text_and_their_summary():
    blocks = [SIGNED, ENCRYPTED, {"type": "reasoning.summary", "summary": " So."}, 7]
    assert shown_words(blocks) == "Hm. So."


DETAILS = Trace("reasoning_details", MODEL, (json.dumps(SIGNED), json.dumps(ENCRYPTED)))
CONTENT = Trace("reasoning_content", "deepseek-v4-pro", ('"Hm."',))


@pytest.mark.parametrize(
    ("trace", "wanted", "model", "with_tools", "expected"),
    [
        pytest.param(
            DETAILS,
            "reasoning_details",
            MODEL,
            False,
            {"reasoning_details": [SIGNED, ENCRYPTED]},
            id="blocks, to the model that wrote them",
        ),
        pytest.param(
            DETAILS,
            "reasoning_details",
            f"{MODEL}:nitro",
            True,
            {"reasoning_details": [SIGNED, ENCRYPTED]},
            id="blocks, to a variant of it",
        ),
        pytest.param(DETAILS, "reasoning_details", "openai/gpt-5", True, {}, id="blocks, to another"),
        pytest.param(DETAILS, "reasoning_content", MODEL, True, {}, id="blocks, where text is wanted"),
        pytest.param(DETAILS, None, MODEL, True, {}, id="blocks, where nothing is wanted"),
        pytest.param(
            CONTENT, "reasoning_content", "glm-5.3", True, {"reasoning_content": "Hm."}, id="text, with tools"
        ),
        pytest.param(CONTENT, "reasoning_content", "glm-5.3", False, {}, id="text, without tools"),
        pytest.param(None, "reasoning_details", MODEL, True, {}, id="nothing"),
        pytest.param(
            Trace("reasoning_details", MODEL, ("{", '{"n": NaN}')),
            "reasoning_details",
            MODEL,
            True,
            {"reasoning_details": [{"n": None}]},
            id="a broken block",
        ),
        pytest.param(Trace("anthropic", MODEL, ("{}",)), "anthropic", MODEL, True, {}, id="not ours"),
    ],
)
def test_a_trace_is_sent_back(
    trace: Trace | None,
    wanted: TraceFormat | None,
    model: str,
    with_tools: bool,
    expected: dict[str, object],
):
    assert trace_fields(trace, model, Quirks(trace=wanted), with_tools=with_tools) == expected


@pytest.mark.parametrize(
    ("trace", "with_tools", "expected"),
    [
        pytest.param(None, True, {"reasoning_content": " "}, id="no reasoning"),
        pytest.param(DETAILS, True, {"reasoning_content": " "}, id="another vendor's"),
        pytest.param(CONTENT, True, {"reasoning_content": "Hm."}, id="its own"),
        pytest.param(None, False, {}, id="no tools"),
    ],
)
def test_a_vendor_that_refuses_an_answer_without_reasoning_gets_what_stands_for_none(
    trace: Trace | None, with_tools: bool, expected: dict[str, object]
):
    quirks = Quirks(trace="reasoning_content", no_reasoning=" ")
    assert trace_fields(trace, "m", quirks, with_tools=with_tools) == expected


@pytest.mark.parametrize(
    ("asked", "served", "fallbacks", "expected"),
    [
        pytest.param(MODEL, "", (), MODEL, id="nobody says who"),
        pytest.param(MODEL, MODEL, (), MODEL, id="the model asked"),
        pytest.param(f"{MODEL}:free", MODEL, (), f"{MODEL}:free", id="a variant"),
        pytest.param(MODEL, "anthropic/claude-5.5-sonnet-20260901", (), MODEL, id="its long name"),
        pytest.param("~anthropic/latest", MODEL, (), "~anthropic/latest", id="an alias"),
        pytest.param(MODEL, "openai/gpt-5", ("openai/gpt-5",), "openai/gpt-5", id="a fallback"),
        pytest.param(
            MODEL, "openai/gpt-5-2025", ("openai/gpt-5",), "openai/gpt-5-2025", id="a fallback's long name"
        ),
        pytest.param(
            MODEL,
            "anthropic/claude-x-2026",
            ("anthropic/claude-x",),
            "anthropic/claude-x-2026",
            id="a fallback by the same author may have answered",
        ),
        pytest.param("gpt-5", "gpt-5-2025-08-07", (), "gpt-5", id="no broker"),
        pytest.param(MODEL, "claude", (), MODEL, id="a name without an author"),
        pytest.param(MODEL, "claude", ("openai/gpt-5",), "claude", id="a name that may be anybody's"),
    ],
)
def test_a_trace_belongs_to_the_model_that_thought(
    asked: str, served: str, fallbacks: tuple[str, ...], expected: str
):
    assert thought_by(asked, served, fallbacks) == expected
