"""A call as a request to the Messages API: options, thinking, tools and what is cached."""

import json
from dataclasses import replace

import pytest

from farebox.errors import Refused
from farebox.messages import (
    Call,
    Chat,
    Infill,
    Message,
    OneTool,
    Prompt,
    RawText,
    ReasoningEffort,
    Tool,
    ToolCall,
    ToolChoice,
    Trace,
    Traits,
)
from farebox.providers.anthropic_request import (
    DEFAULT_OUTPUT_TOKENS,
    MAX_BUDGET_TOKENS,
    MAX_CACHE_MARKS,
    MIN_BUDGET_TOKENS,
    request,
)
from farebox.providers.base import Endpoint
from farebox.providers.vendors import vendors

HELLO = Chat((Message("system", "Be brief."), Message("user", "Hello")))
TOOL = Tool("f", "Does f.", {"properties": {"x": {"type": "integer"}}})
MARK = {"cache_control": {"type": "ephemeral"}}
THOUGHT = {"type": "thinking", "thinking": "r", "signature": "sig"}
TRACE = Trace("anthropic", "m", (json.dumps(THOUGHT),))

SWITCHED = Traits(thinking="adaptive", efforts=("none", "low", "medium", "high", "xhigh", "max"))
ALWAYS = Traits(thinking="adaptive", efforts=("low", "medium", "high", "max"))
BUDGET = Traits(thinking="budget", max_output_tokens=64_000)
UNKNOWN = Traits()


ENDPOINT = Endpoint(provider="acme", dialect="anthropic", base_url="http://127.0.0.1:1/v1")


def body(prompt: Prompt = HELLO, /, **fields: object) -> dict[str, object]:
    call = Call("m", prompt, **fields)  # type: ignore[arg-type]
    path, sent = request(ENDPOINT, call)
    assert path == "/messages"
    assert json.dumps(sent, allow_nan=False)
    return sent


# --- options -----------------------------------------------------------------------------------


def test_a_chat_is_sent_as():
    assert body() == {
        "model": "m",
        "max_tokens": DEFAULT_OUTPUT_TOKENS,
        "stream": True,
        "system": [{"type": "text", "text": "Be brief.", **MARK}],
        "messages": [{"role": "user", "content": [{"type": "text", "text": "Hello"}]}],
    }


@pytest.mark.parametrize("prompt", [Infill("a", "b"), RawText("a")], ids=["a hole", "raw text"])
def test_what_is_no_conversation_is_refused(prompt: Prompt):
    with pytest.raises(Refused, match="acme takes conversations only") as caught:
        body(prompt)
    assert caught.value.hint == 'Set fill = "chat" in [providers.acme].'


@pytest.mark.parametrize(
    ("asked", "known", "expected"),
    [(9, 64_000, 9), (None, 64_000, 64_000), (9, None, 9), (None, None, DEFAULT_OUTPUT_TOKENS)],
)
def test_an_output_limit_is_always_sent(asked: int | None, known: int | None, expected: int):
    sent = body(max_output_tokens=asked, traits=Traits(max_output_tokens=known))
    assert sent["max_tokens"] == expected


@pytest.mark.parametrize(("asked", "expected"), [(0.0, 0.0), (0.7, 0.7), (1.6, 1.0), (-1.0, 0.0)])
def test_a_temperature_is_kept_between_0_and_1(asked: float, expected: float):
    assert body(temperature=asked)["temperature"] == expected


@pytest.mark.parametrize(
    ("reasoning", "traits"),
    [("low", UNKNOWN), (2000, UNKNOWN), ("high", BUDGET), ("low", SWITCHED), ("max", ALWAYS)],
)
def test_a_model_that_thinks_is_sent_no_temperature(reasoning: object, traits: Traits):
    assert "temperature" not in body(temperature=0.5, reasoning=reasoning, traits=traits)


@pytest.mark.parametrize(
    ("model", "refuses"),
    [
        ("claude-opus-5-5", True),
        ("claude-sonnet-5-5", True),
        ("claude-haiku-5-5", True),
        ("claude-fable-5-2", True),
        ("claude-mythos-preview", True),
        ("claude-opus-4-7", True),
        ("claude-opus-4-8-20260601", True),
        ("claude-quartz-6", True),
        ("claude-opus-4-6", False),
        ("claude-opus-4-5", False),
        ("claude-sonnet-4-5-20250929", False),
        ("claude-haiku-4-5", False),
        ("claude-opus-4-0", False),
        ("claude-opus-4-20250514", False),
        ("claude-sonnet-4-20250514", False),
        ("claude-3-7-sonnet-latest", False),
    ],
)
def test_anthropics_newer_models_are_sent_no_temperature(model: str, refuses: bool):
    vendor = replace(ENDPOINT, quirks=vendors()["anthropic"].quirks)
    sent = request(vendor, Call(model, HELLO, temperature=0, reasoning="none"))[1]
    assert ("temperature" not in sent) is refuses


def test_blank_stop_sequences_are_left_out():
    assert body(stop=("END", "", "\n", " ", "x\n"))["stop_sequences"] == ["END", "x\n"]
    assert "stop_sequences" not in body(stop=("\n",))


# --- thinking ----------------------------------------------------------------------------------

ADAPTIVE = {"type": "adaptive", "display": "summarized"}


def enabled(tokens: int) -> dict[str, object]:
    return {"type": "enabled", "budget_tokens": tokens}


@pytest.mark.parametrize(
    ("reasoning", "traits", "thinking", "effort"),
    [
        pytest.param(None, SWITCHED, None, None, id="nothing is asked"),
        pytest.param(None, BUDGET, None, None, id="nothing is asked of an older model"),
        pytest.param(None, ALWAYS, ADAPTIVE, None, id="nothing is asked of a model that always thinks"),
        pytest.param("high", SWITCHED, ADAPTIVE, "high", id="adaptive"),
        pytest.param("xhigh", SWITCHED, ADAPTIVE, "xhigh", id="adaptive, an effort of few models"),
        pytest.param("xhigh", ALWAYS, ADAPTIVE, "high", id="adaptive, an effort that the model lacks"),
        pytest.param("minimal", ALWAYS, ADAPTIVE, "low", id="adaptive, an effort below all of its own"),
        pytest.param("max", Traits(thinking="adaptive"), ADAPTIVE, "high", id="adaptive, efforts unknown"),
        pytest.param(8000, ALWAYS, ADAPTIVE, "high", id="adaptive, a number: most of the limit"),
        pytest.param(5000, ALWAYS, ADAPTIVE, "medium", id="adaptive, a number: half of the limit"),
        pytest.param(99_999, ALWAYS, ADAPTIVE, "max", id="adaptive, a number: more than the limit"),
        pytest.param(10, ALWAYS, ADAPTIVE, "low", id="adaptive, a number: hardly any"),
        pytest.param("none", SWITCHED, {"type": "disabled"}, None, id="off"),
        pytest.param(0, SWITCHED, {"type": "disabled"}, None, id="off, by a number"),
        pytest.param("none", ALWAYS, None, "low", id="off, where it can't be"),
        pytest.param("none", Traits(thinking="adaptive"), None, "low", id="off, efforts unknown"),
        pytest.param("none", BUDGET, None, None, id="off, for a model that thinks when told to"),
        pytest.param("none", UNKNOWN, None, None, id="off, unknown"),
        pytest.param(3000, BUDGET, enabled(3000), None, id="a budget"),
        pytest.param(1, BUDGET, enabled(1024), None, id="a budget that is too small"),
        pytest.param("high", BUDGET, enabled(8000), None, id="a budget for an effort"),
        pytest.param("minimal", BUDGET, enabled(1024), None, id="a budget for hardly any effort"),
        pytest.param("medium", UNKNOWN, ADAPTIVE, "medium", id="unknown, an effort"),
        pytest.param(3000, UNKNOWN, enabled(3000), None, id="unknown, a number"),
    ],
)
def test_reasoning_is_asked_for_by(
    reasoning: ReasoningEffort | int | None,
    traits: Traits,
    thinking: dict[str, object] | None,
    effort: str | None,
):
    sent = body(reasoning=reasoning, traits=traits, max_output_tokens=10_000)
    assert sent.get("thinking") == thinking
    assert sent.get("output_config") == ({"effort": effort} if effort is not None else None)
    assert sent["max_tokens"] == 10_000


@pytest.mark.parametrize(
    ("tokens", "limit", "budget"),
    [
        pytest.param(4000, 8000, 4000, id="it fits"),
        pytest.param(4000, 4000, 3800, id="some of the limit is left for the answer"),
        pytest.param(4000, 1000, None, id="no room: no thinking"),
        pytest.param(10, 8000, MIN_BUDGET_TOKENS, id="the smallest budget"),
        pytest.param(500_000, 200_000, MAX_BUDGET_TOKENS, id="the largest budget"),
    ],
)
def test_a_budget_stays_within_the_limit_that_money_is_held_for(tokens: int, limit: int, budget: int | None):
    traits = Traits(thinking="budget", max_output_tokens=400_000)
    sent = body(reasoning=tokens, max_output_tokens=limit, traits=traits)
    assert sent.get("thinking") == (None if budget is None else enabled(budget))
    assert sent["max_tokens"] == limit


def run_of_tools(trace: Trace | None) -> Chat:
    made = Message("assistant", "", tool_calls=(ToolCall("t", "f", "{}"),), trace=trace)
    return Chat((Message("user", "q"), made, Message("tool", "1", tool_call_id="t")))


def test_a_budget_is_not_asked_for_in_the_middle_of_a_run_of_tools():
    assert body(run_of_tools(TRACE), reasoning=2000, traits=BUDGET)["thinking"] == enabled(2000)
    assert "thinking" not in body(run_of_tools(None), reasoning=2000, traits=BUDGET)


BINDING = {"block_binding": {"prefix_mismatch_behavior": "drop_block"}}


@pytest.mark.parametrize(
    ("trace", "reasoning", "traits", "expected"),
    [
        pytest.param(TRACE, "high", ALWAYS, {**ADAPTIVE, **BINDING}, id="asked to think"),
        pytest.param(TRACE, None, SWITCHED, {"type": "adaptive", **BINDING}, id="thinking by default"),
        pytest.param(TRACE, "none", SWITCHED, {"type": "disabled"}, id="told not to think"),
        pytest.param(TRACE, 2000, BUDGET, enabled(2000), id="an older model"),
        pytest.param(TRACE, None, UNKNOWN, None, id="unknown"),
        pytest.param(None, "high", ALWAYS, ADAPTIVE, id="no reasoning goes back"),
    ],
)
def test_reasoning_whose_prompt_has_changed_may_be_dropped(
    trace: Trace | None,
    reasoning: ReasoningEffort | int | None,
    traits: Traits,
    expected: dict[str, object] | None,
):
    sent = body(run_of_tools(trace), reasoning=reasoning, traits=traits)
    assert sent.get("thinking") == expected
    thinks = trace is not None and expected != {"type": "disabled"}
    assert (json.dumps(THOUGHT) in json.dumps(sent)) is thinks


# --- tools -------------------------------------------------------------------------------------


def test_a_tool_is_sent_as():
    described, bare = body(tools=(TOOL, Tool("g", "", {})))["tools"]  # type: ignore[misc]
    assert described == {
        "name": "f",
        "description": "Does f.",
        "input_schema": {"type": "object", "properties": {"x": {"type": "integer"}}},
    }
    assert bare == {"name": "g", "input_schema": {"type": "object"}, **MARK}


ONE_AT_A_TIME = {"disable_parallel_tool_use": True}


@pytest.mark.parametrize(
    ("choice", "parallel", "expected"),
    [
        ("auto", True, {"type": "auto"}),
        ("required", True, {"type": "any"}),
        ("none", True, {"type": "none"}),
        (OneTool("f"), True, {"type": "tool", "name": "f"}),
        ("auto", False, {"type": "auto", **ONE_AT_A_TIME}),
        ("required", False, {"type": "any", **ONE_AT_A_TIME}),
        ("none", False, {"type": "none"}),
        (OneTool("f"), False, {"type": "tool", "name": "f", **ONE_AT_A_TIME}),
    ],
)
def test_a_choice_of_tools_is_sent_as(choice: ToolChoice, parallel: bool, expected: dict[str, object]):
    sent = body(tools=(TOOL,), tool_choice=choice, parallel_tool_calls=parallel)
    assert sent["tool_choice"] == expected


@pytest.mark.parametrize("choice", ["required", OneTool("f")])
@pytest.mark.parametrize(
    ("reasoning", "traits", "forced"),
    [
        ("high", SWITCHED, False),
        (2000, BUDGET, False),
        ("low", UNKNOWN, False),
        (None, ALWAYS, False),
        ("none", ALWAYS, False),
        (None, SWITCHED, True),
        ("none", SWITCHED, True),
        (None, BUDGET, True),
    ],
)
def test_a_tool_is_not_forced_on_a_model_that_thinks(
    choice: ToolChoice,
    reasoning: ReasoningEffort | int | None,
    traits: Traits,
    forced: bool,
):
    sent = body(tools=(TOOL,), tool_choice=choice, reasoning=reasoning, traits=traits)
    assert (sent["tool_choice"] == {"type": "auto"}) is not forced


def test_a_choice_without_tools_is_not_sent():
    assert not {"tools", "tool_choice"} & body(tool_choice="required", parallel_tool_calls=False).keys()


# --- caching -----------------------------------------------------------------------------------


def marked(*messages: Message, **fields: object) -> list[str]:
    """Return the text (or the kind) of every block that is marked, in the order of the prompt."""
    sent = body(Chat(messages), **fields)
    blocks = [*_list(sent.get("tools")), *_list(sent.get("system"))]
    blocks += [block for message in _list(sent["messages"]) for block in _list(message["content"])]
    assert all(block.get("cache_control", MARK["cache_control"]) == MARK["cache_control"] for block in blocks)
    found = [
        str(block.get("text") or block.get("name") or block["type"])
        for block in blocks
        if MARK.keys() <= block.keys()
    ]
    assert len(found) <= MAX_CACHE_MARKS
    return found


def _list(value: object) -> list[dict[str, object]]:
    return list(value) if isinstance(value, list) else []


SYSTEM = (Message("system", "s1"), Message("system", "s2"))
TURNS = (
    Message("user", "u1"),
    Message("assistant", "a1"),
    Message("user", "u2"),
    Message("assistant", "a2"),
    Message("user", "u3"),
)


def mark(text: str) -> tuple[Message, ...]:
    """Mark the turns whose text begins so."""
    return tuple(
        Message(one.role, one.text, cache_here=True) if one.text.startswith(text) else one for one in TURNS
    )


@pytest.mark.parametrize(
    ("messages", "fields", "expected"),
    [
        pytest.param((*SYSTEM, *TURNS), {}, ["s2"], id="a question that stands alone"),
        pytest.param((*SYSTEM, *TURNS), {"conversation": "c"}, ["s2", "u2", "u3"], id="a conversation"),
        pytest.param((*SYSTEM, *TURNS), {"tools": (TOOL,)}, ["f", "s2", "u2", "u3"], id="tools"),
        pytest.param((*SYSTEM, *mark("a1")), {"conversation": "c"}, ["s2", "a1"], id="a marked turn"),
        pytest.param((*SYSTEM, *mark("u")), {}, ["s2", "u1", "u2", "u3"], id="three marked turns"),
        pytest.param((*SYSTEM, *mark("")), {"tools": (TOOL,)}, ["f", "s2", "a2", "u3"], id="too many turns"),
        pytest.param(mark(""), {}, ["a1", "u2", "a2", "u3"], id="too many turns, nothing else"),
    ],
)
def test_the_cache_is_marked_after(
    messages: tuple[Message, ...], fields: dict[str, object], expected: list[str]
):
    assert marked(*messages, **fields) == expected


def test_the_last_part_of_a_turn_is_marked():
    chat = run_of_tools(TRACE)
    assert marked(*chat.messages, conversation="c") == ["q", "tool_result"]
    assert marked(*chat.messages, Message("user", "and?"), conversation="c") == ["q", "and?"]
