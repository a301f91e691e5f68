"""What Ollama is sent: its own names, a context that fits, thoughts as the model takes them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.errors import ContextTooLong, Refused
from farebox.messages import (
    Call,
    Chat,
    Image,
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
from farebox.providers.base import Endpoint
from farebox.providers.json_value import obj
from farebox.providers.local_model import UNKNOWN_MODEL, LocalModel
from farebox.providers.ollama_request import DEFAULT_NUM_CTX, context_for, request, think_value

HELLO = Chat((Message("system", "Be brief."), Message("user", "Hello")))
LARGE = LocalModel(context_tokens=131_072)
WEATHER = Tool("weather", "Tells it", {"type": "object", "properties": {"city": {"type": "string"}}})
NOW = Tool("now", "", {"type": "object", "properties": {}})


def endpoint(**fields: object) -> Endpoint:
    return Endpoint("ollama", "ollama", "http://127.0.0.1:1/api", **fields)  # type: ignore[arg-type]


def check(call: Call, model: LocalModel = LARGE, **fields: object) -> dict[str, object]:
    path, body = request(endpoint(**fields), call, model)
    json.dumps(body, allow_nan=False)
    assert (body.pop("model"), body.pop("stream")) == (call.model, True)
    assert (body.pop("truncate"), body.pop("shift")) == (False, False), "Ollama would cut silently"
    return {"path": path, **body}


@pytest.mark.parametrize(
    ("prompt", "expected"),
    [
        pytest.param(
            HELLO,
            {
                "path": "/chat",
                "messages": [
                    {"role": "system", "content": "Be brief."},
                    {"role": "user", "content": "Hello"},
                ],
            },
            id="a chat",
        ),
        pytest.param(
            Chat((Message("user", "What is it?", (Image("image/png", "AAAA"),)),)),
            {
                "path": "/chat",
                "messages": [{"role": "user", "content": "What is it?", "images": ["AAAA"]}],
            },
            id="a picture",
        ),
        pytest.param(
            Infill("def f(", "):"), {"path": "/generate", "prompt": "def f(", "suffix": "):"}, id="a hole"
        ),
        pytest.param(
            Infill("def f(", ""),
            {"path": "/generate", "prompt": "def f(", "suffix": "\n"},
            id="a hole at the end, which without a suffix would be chatted about",
        ),
        pytest.param(
            RawText("<PRE> a"), {"path": "/generate", "prompt": "<PRE> a", "raw": True}, id="raw text"
        ),
    ],
)
def test_a_prompt_is_sent_as(prompt: Prompt, expected: dict[str, object]):
    assert check(Call("m", prompt)) == {**expected, "options": {"num_ctx": DEFAULT_NUM_CTX}}


def test_a_picture_that_no_vendor_takes_is_refused_before_it_is_sent():
    with pytest.raises(Refused, match="ollama takes no picture of the type image/bmp"):
        check(Call("m", Chat((Message("user", "What?", (Image("image/bmp", "AAAA"),)),))))


def test_the_limits_of_a_call_are_options():
    call = Call("m", HELLO, max_output_tokens=9, temperature=0.0, stop=("\n", "x"))
    assert check(call)["options"] == {
        "num_ctx": DEFAULT_NUM_CTX,
        "num_predict": 9,
        "temperature": 0.0,
        "stop": ["\n", "x"],
    }


@pytest.mark.parametrize(("setting", "sent"), [("10m", "10m"), ("-1", -1), ("300", 300), ("0", 0)])
def test_how_long_a_model_stays_loaded_is_sent_as_ollama_reads_it(setting: str, sent: object):
    assert check(Call("m", HELLO), keep_alive=setting)["keep_alive"] == sent


# --- tools -------------------------------------------------------------------------------------


def test_a_tool_call_and_its_result_go_back_by_name():
    turns = (
        Message("user", "Weather?"),
        Message("assistant", "", tool_calls=(ToolCall("call_0", "weather", '{"city": "Rom", "x": 1.5}'),)),
        Message("tool", "11 degrees", tool_call_id="call_0"),
        Message("assistant", "", tool_calls=(ToolCall("call_0", "now", "{}"),)),
        Message("tool", "12:00", tool_call_id="call_0"),
    )
    assert check(Call("m", Chat(turns), tools=(NOW,)))["messages"] == [
        {"role": "user", "content": "Weather?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [
                {"id": "call_0", "function": {"name": "weather", "arguments": {"city": "Rom", "x": 1.5}}}
            ],
        },
        {"role": "tool", "content": "11 degrees", "tool_call_id": "call_0", "tool_name": "weather"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"id": "call_0", "function": {"name": "now", "arguments": {}}}],
        },
        {"role": "tool", "content": "12:00", "tool_call_id": "call_0", "tool_name": "now"},
    ]


@pytest.mark.parametrize(
    ("choice", "offered"),
    [
        ("auto", ["weather", "now"]),
        ("required", ["weather", "now"]),
        ("none", None),
        (OneTool("now"), ["now"]),
    ],
)
def test_a_tool_choice_is_met_by_what_is_offered(choice: ToolChoice, offered: list[str] | None):
    tools = check(Call("m", HELLO, tools=(WEATHER, NOW), tool_choice=choice)).get("tools")
    if offered is None:
        assert tools is None
        return
    assert isinstance(tools, list)
    assert [obj(tool, "function").get("name") for tool in tools] == offered
    assert all(obj(tool).get("type") == "function" for tool in tools)


@given(st.text(max_size=40) | st.sampled_from(['{"a": NaN}', '{"a": 1e999}', "[1]", '{"a": {"b": null}}']))
def test_whatever_a_model_wrote_as_arguments_can_be_sent_back(written: str):
    turn = Message("assistant", "", tool_calls=(ToolCall("1", "f", written),))
    check(Call("m", Chat((turn,))))


@pytest.mark.parametrize(
    ("trace", "thinking"),
    [
        pytest.param(Trace("reasoning_content", "m", ('"why"',)), "why", id="its own"),
        pytest.param(Trace("reasoning_content", "other", ('"why"',)), None, id="another model's"),
        pytest.param(Trace("anthropic", "m", ("{}",)), None, id="another dialect's"),
        pytest.param(Trace("reasoning_content", "m", ("oops",)), None, id="unreadable"),
        pytest.param(Trace("reasoning_content", "m", ()), None, id="empty"),
    ],
)
def test_a_model_gets_its_own_thoughts_back_with_its_tool_call(trace: Trace, thinking: str | None):
    turn = Message("assistant", "", tool_calls=(ToolCall("1", "f", "{}"),), trace=trace)
    messages = check(Call("m", Chat((turn,))))["messages"]
    assert isinstance(messages, list)
    assert obj(messages[0]).get("thinking") == thinking


# --- thinking ----------------------------------------------------------------------------------

SWITCH = LocalModel(think=(False, True))
LEVELS = LocalModel(think=("low", "medium", "high"))


@pytest.mark.parametrize(
    ("model", "reasoning", "expected"),
    [
        pytest.param(SWITCH, None, None, id="not asked"),
        pytest.param(SWITCH, "none", False, id="off"),
        pytest.param(SWITCH, "high", True, id="on"),
        pytest.param(SWITCH, 2048, True, id="a number of tokens"),
        pytest.param(SWITCH, 0, False, id="no tokens"),
        pytest.param(LEVELS, "none", "low", id="levels: can't be off"),
        pytest.param(LEVELS, "minimal", "low", id="levels: below"),
        pytest.param(LEVELS, "medium", "medium", id="levels: exact"),
        pytest.param(LEVELS, "max", "high", id="levels: above"),
        pytest.param(LEVELS, 2048, "medium", id="levels: a number of tokens"),
        pytest.param(LocalModel(think=(False, "high", "max")), "none", False, id="levels and off"),
        pytest.param(LocalModel(think=()), "high", None, id="a model that can't: it would be refused"),
        pytest.param(UNKNOWN_MODEL, "high", None, id="unknown"),
    ],
)
def test_think_is(model: LocalModel, reasoning: ReasoningEffort | int | None, expected: object):
    assert think_value(Call("m", HELLO, reasoning=reasoning), model) == expected


def test_a_model_that_is_known_to_reason_is_told_so_where_the_server_says_nothing():
    call = Call("m", HELLO, reasoning="low", traits=Traits(reasons=True))
    assert think_value(call, UNKNOWN_MODEL) is True


def test_a_hole_is_filled_without_thoughts():
    assert check(Call("m", Infill("a", "b")), SWITCH)["think"] is False
    assert "think" not in check(Call("m", Infill("a", "b")), LocalModel(think=()))


# --- the context -------------------------------------------------------------------------------


def chat_of(size_bytes: int, **fields: object) -> Call:
    return Call("m", Chat((Message("user", "x" * size_bytes),)), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("size_bytes", "model", "fields", "num_ctx"),
    [
        pytest.param(100, LARGE, {}, 16_384, id="a short prompt: the usual"),
        pytest.param(100, LocalModel(context_tokens=8_192), {}, 8_192, id="never more than the model has"),
        pytest.param(60_000, LARGE, {}, 32_768, id="doubled"),
        pytest.param(120_000, LARGE, {}, 65_536, id="doubled twice"),
        pytest.param(120_000, LocalModel(context_tokens=40_000), {}, 40_000, id="up to the model's own"),
        pytest.param(100, LocalModel(131_072, num_ctx=32_768), {}, 32_768, id="as it is loaded"),
        pytest.param(100, LocalModel(131_072, num_ctx=4_096), {}, 4_096, id="as its Modelfile says"),
        pytest.param(15_000, LocalModel(131_072, num_ctx=4_096), {}, 8_192, id="and doubled from there"),
        pytest.param(100, UNKNOWN_MODEL, {}, 16_384, id="a length that is not known"),
        pytest.param(100, LARGE, {"context_tokens": 4_096}, 4_096, id="what the user has set"),
        pytest.param(100, LocalModel(2_048), {"context_tokens": 4_096}, 2_048, id="if the model has it"),
    ],
)
def test_the_context_is(size_bytes: int, model: LocalModel, fields: dict[str, object], num_ctx: int):
    assert context_for(endpoint(**fields), chat_of(size_bytes), model) == num_ctx


def test_the_answer_needs_room_too():
    assert context_for(endpoint(), chat_of(100, max_output_tokens=20_000), LARGE) == 32_768


@pytest.mark.parametrize(
    ("model", "fields", "hint"),
    [
        pytest.param(LocalModel(context_tokens=8_192), {}, "larger context", id="the model's own"),
        pytest.param(UNKNOWN_MODEL, {}, "larger context", id="unknown"),
        pytest.param(
            LARGE, {"context_tokens": 8_192}, "raise context_tokens in [providers.ollama]", id="set"
        ),
    ],
)
@pytest.mark.parametrize(
    "prompt",
    [
        Chat((Message("user", "x" * 90_000),)),
        Chat((Message("user", "", tuple(Image("image/png", "A") for _ in range(70))),)),
        Infill("x" * 90_000, ""),
        RawText("x" * 90_000),
    ],
    ids=["chat", "pictures", "hole", "raw"],
)
def test_a_prompt_that_does_not_fit_is_refused_here(
    model: LocalModel, fields: dict[str, object], hint: str, prompt: Prompt
):
    with pytest.raises(ContextTooLong) as caught:
        request(endpoint(**fields), Call("m", prompt), model)
    assert hint in caught.value.hint
    assert not caught.value.may_be_billed
    assert "ollama/m" in caught.value.message


def test_tools_count_as_part_of_the_prompt():
    tool = Tool("f", "x" * 90_000, {"type": "object"})
    with pytest.raises(ContextTooLong):
        request(endpoint(), Call("m", HELLO, tools=(tool,)), LocalModel(context_tokens=8_192))
    request(endpoint(), Call("m", HELLO, tools=(tool,), tool_choice="none"), LocalModel(context_tokens=8_192))


def test_a_model_that_runs_elsewhere_has_the_context_that_it_has_there():
    assert check(chat_of(200_000), LocalModel(remote=True))["options"] == {}


@given(
    size_bytes=st.integers(0, 600_000),
    length=st.integers(512, 1_000_000),
    loaded=st.none() | st.integers(1, 1_000_000),
)
def test_a_context_fits_its_prompt_and_its_model(size_bytes: int, length: int, loaded: int | None):
    model = LocalModel(context_tokens=length, num_ctx=loaded)
    try:
        num_ctx = context_for(endpoint(), chat_of(size_bytes), model)
    except ContextTooLong:
        assert size_bytes // 5 + 16 > length
        return
    assert size_bytes // 5 < num_ctx <= length
    assert num_ctx == length or num_ctx > size_bytes // 3 + 2_000, "there is room for the answer"
    assert num_ctx >= min(loaded or 0, length), "it never shrinks: that would load the model anew"
