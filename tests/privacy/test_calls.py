"""No text of a call leaves with a secret in it, wherever in the call it stands."""

import json
import random
from dataclasses import fields, is_dataclass
from typing import cast

import pytest

from farebox.config import SecretsPolicy
from farebox.errors import Excluded
from farebox.messages import Call, Chat, Image, Infill, Message, Prompt, RawText, Tool, ToolCall, Trace
from farebox.privacy import Screen
from support.secret_samples import MAKERS, Dice

SECRET = MAKERS["GitHub token"](Dice(random.Random(5)))
OWN = "sk-or-canary-0123456789"
TEXT = f'x = 1\ntoken = "{SECRET}"\n'
MASKED = 'x = 1\ntoken = "<secret: GitHub token>"\n'


def texts_of(value: object) -> list[str]:
    """Return every text in a value, whatever fields it has: one that is added later is seen too."""
    if isinstance(value, str):
        return [value]
    if isinstance(value, dict):
        return [
            text
            for pair in cast("dict[object, object]", value).items()
            for one in pair
            for text in texts_of(one)
        ]
    if isinstance(value, list | tuple):
        return [text for one in cast("list[object]", value) for text in texts_of(one)]
    if is_dataclass(value):
        return [text for field in fields(value) for text in texts_of(getattr(value, field.name))]
    return []


PROMPTS: list[Prompt] = [
    Chat((Message("system", TEXT), Message("user", "hello"))),
    Chat((Message("user", TEXT, (Image("image/png", "AAAA"),)),)),
    Chat((Message("assistant", "", tool_calls=(ToolCall("1", "write", json.dumps({"text": TEXT})),)),)),
    Chat((Message("tool", TEXT, tool_call_id="1"),)),
    Chat((Message("assistant", "so", trace=Trace("anthropic", "m", ("ok", json.dumps({"t": TEXT})))),)),
    Infill(TEXT, "y = 2\n"),
    Infill("x = 1\n", TEXT),
    Infill("x = ", "\n", ((f"{SECRET}.py", "z = 1\n"), ("a.py", TEXT))),
    RawText(f"<fim_prefix>{TEXT}<fim_suffix><fim_middle>"),
]


@pytest.mark.parametrize("prompt", PROMPTS, ids=lambda prompt: type(prompt).__name__)
def test_every_text_is_looked_at(prompt: Prompt):
    tool = Tool("write", f"like {TEXT}", {"properties": {"text": {"enum": [TEXT], "maxLength": 9}}})
    left = Screen().call(Call("m", prompt, tools=(tool,)))
    assert not any(SECRET in text for text in texts_of(left))
    assert left.model == "m"
    with pytest.raises(Excluded, match=r"what looks like a secret \(GitHub token\)") as raised:
        Screen("block").call(Call("m", prompt))
    assert SECRET not in f"{raised.value.message} {raised.value.hint}"
    assert Screen("send").call(Call("m", prompt)).prompt is prompt


def test_what_is_masked_is_the_secret_alone():
    left = Screen().call(Call("m", Chat((Message("user", TEXT),)))).prompt
    assert isinstance(left, Chat)
    assert left.messages[0].text == MASKED


def test_the_arguments_of_a_tool_stay_json():
    arguments = json.dumps({"text": TEXT, "password": 'x7Kq2mPw9"', "n": 1})
    left = Screen().call(
        Call("m", Chat((Message("assistant", "", tool_calls=(ToolCall("1", "w", arguments),)),)))
    )
    assert isinstance(left.prompt, Chat)
    table = json.loads(left.prompt.messages[0].tool_calls[0].arguments)
    assert table["text"] == MASKED
    assert table["n"] == 1


@pytest.mark.parametrize("cut", range(1, len(SECRET), 5))
def test_a_secret_on_both_sides_of_a_hole_is_found(cut: int):
    at = TEXT.index(SECRET) + cut
    left = Screen().call(Call("m", Infill(TEXT[:at], TEXT[at:]))).prompt
    assert isinstance(left, Infill)
    assert SECRET[:cut] not in left.prefix or cut < 4
    assert SECRET[cut:] not in left.suffix or len(SECRET) - cut < 4
    assert left.prefix.startswith('x = 1\ntoken = "')
    assert left.suffix.endswith('"\n')


@pytest.mark.parametrize("policy", ["send", "mask"])
def test_a_key_of_our_own_never_leaves_in_a_text(policy: SecretsPolicy):
    screen = Screen(policy, (OWN, "k"))
    left = screen.call(Call("m", RawText(f"key: {OWN}\nkey: k {OWN}")))
    assert left.prompt == RawText("key: <secret: own key>\nkey: k <secret: own key>")


def test_a_key_of_our_own_blocks_where_secrets_do():
    with pytest.raises(Excluded, match=r"\(own key\)"):
        Screen("block", ("an-odd-key",)).call(Call("m", RawText("x = an-odd-key")))


def test_a_call_without_secrets_stays_the_very_same():
    prompt = Chat(
        (Message("user", "hello"), Message("assistant", "hi", trace=Trace("anthropic", "m", ("x",))))
    )
    call = Call("m", prompt, tools=(Tool("a", "b", {"type": "object"}),))
    assert Screen("block", (OWN,)).call(call) is call


@pytest.mark.parametrize(
    ("text", "where"),
    [
        pytest.param(f"# a.py\nx\n# sub/b.py\n{TEXT}", "sub/b.py", id="the-last-named"),
        pytest.param(f"# a.py\n{TEXT}# sub/b.py\n", "a.py", id="not-one-behind-it"),
        pytest.param(TEXT, "a.py", id="the-first-if-none-is-named"),
    ],
)
def test_a_refusal_names_the_file(text: str, where: str):
    screen = Screen("block", sources=("/ws/a.py", "/ws/sub/b.py"), roots=("/ws",))
    with pytest.raises(Excluded) as raised:
        screen.call(Call("m", RawText(text)))
    assert raised.value.message == f"{where} holds what looks like a secret (GitHub token)"
    with pytest.raises(Excluded, match=r"^this request holds"):
        Screen("block").call(Call("m", RawText(text)))
