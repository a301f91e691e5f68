"""Chat over real stdio: what goes to the provider, what comes back, and how a chat is stopped."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from farebox.chat.prompts import SYSTEM
from farebox.messages import usd_text
from support.client import Client, Failed
from support.environment import ledger_rows, openrouter_config
from support.metamodel import Json
from support.upstream import Answer, Upstream, chunk, json_answer, openrouter_stream, sse

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
STREAM = "text/event-stream"
URI = "file:///ws/area.py"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        body = openrouter_stream("Hello there.", {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.5})
        server.answer("/v1/chat/completions", Answer(body=body, content_type=STREAM))
        yield server


@pytest.fixture
def client(tmp_path: Path, upstream: Upstream) -> Iterator[Client]:
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
        client.initialize()
        yield client


def test_a_chat_is_streamed_before_it_is_answered(client: Client) -> None:
    result = client.chat("Hello")
    events = [params["event"] for params in client.notifications("farebox/chatEvent")]
    assert [event["type"] for event in events] == ["route", "text", "text", "done"]
    assert "".join(event["text"] for event in events[1:3]) == result["text"] == "Hello there."
    done = events[3]
    assert (done["cancelled"], done["finishReason"], done["cost"]) == (False, "stop", result["cost"])
    kinds = [message.get("method", "the answer") for message in client.received]
    assert kinds.index("the answer", 1) > kinds.index("farebox/chatEvent")


def test_an_attempt_that_failed_is_told_before_the_next(client: Client, upstream: Upstream) -> None:
    upstream.queue(json_answer({"error": {"message": "busy"}}, status=503))
    assert client.chat("Hello")["text"] == "Hello there."
    events = [params["event"] for params in client.notifications("farebox/chatEvent")]
    assert [event["type"] for event in events] == ["route", "retry", "text", "text", "done"]
    assert events[1] == {
        "type": "retry",
        "attempt": 1,
        "maxAttempts": 3,
        "model": "openrouter/openai/gpt-4o-mini",
        "error": "openrouter answered 503: busy",
    }


@pytest.mark.parametrize("as_command", [False, True], ids=["request", "command"])
def test_a_cancelled_chat_tells_what_it_cost(client: Client, upstream: Upstream, as_command: bool) -> None:
    begun = sse(chunk({"role": "assistant", "content": "Hello, this is going to be long"}), done=False)
    upstream.queue(Answer(body=begun, content_type=STREAM, hang=True))
    params: Json = {"text": "Hello"}
    command: Json = {"command": "farebox.chat", "arguments": [params]}
    chat = client.ask(*(("workspace/executeCommand", command) if as_command else ("farebox/chat", params)))
    client.wait_notification("farebox/chatEvent", lambda told: told["event"]["type"] == "text")
    client.cancel(chat)
    with pytest.raises(Failed) as failed:
        client.answer(chat)
    assert failed.value.code == -32800
    assert upstream.wait_for(upstream.requests[0].closed.is_set), "the provider's socket was not closed"
    assert client.request("farebox/explain")["reason"] == "it was stopped"
    done = client.notifications("farebox/chatEvent")[-1]["event"]
    assert isinstance(done, dict)
    assert (done["type"], done["cancelled"], done["finishReason"]) == ("done", True, "cancelled")
    assert done["cost"]["basis"] == "estimated"
    client.close()
    row = ledger_rows(client.folder)[0]
    assert (row["state"], row["outcome"], row["basis"]) == ("settled", "cancelled", "estimated")
    assert isinstance(row["cost_nanodollars"], int)
    assert usd_text(row["cost_nanodollars"]) == done["cost"]["usd"]


def test_a_chat_cancelled_before_the_first_word_is_answered_too(client: Client, upstream: Upstream) -> None:
    upstream.queue(Answer(hang=True))
    chat = client.ask("farebox/chat", {"text": "Hello"})
    assert upstream.wait_for(lambda: bool(upstream.requests))
    client.cancel(chat)
    with pytest.raises(Failed) as failed:
        client.answer(chat)
    assert failed.value.code == -32800
    assert upstream.wait_for(upstream.requests[0].closed.is_set)
    assert client.chat("Hello")["text"] == "Hello there."


def test_the_second_question_carries_the_first_turn(client: Client, upstream: Upstream) -> None:
    first = client.chat("What is a fare?")
    second = client.chat("And a box?", conversation=first["conversation"])
    assert second["conversation"] == first["conversation"]
    assert second["turn"] != first["turn"]
    sent = upstream.requests[1].json["messages"]
    assert isinstance(sent, list)
    assert [(message["role"], message["content"]) for message in sent[1:]] == [
        ("user", "What is a fare?"),
        ("assistant", "Hello there."),
        ("user", "And a box?"),
    ]
    whole = client.request("farebox/conversation", {"conversation": first["conversation"]})
    turns = whole["turns"]
    assert isinstance(turns, list)
    assert [turn["question"] for turn in turns] == ["What is a fare?", "And a box?"]


def test_a_deleted_conversation_is_gone(client: Client) -> None:
    conversation = client.chat("Hello")["conversation"]
    client.request("farebox/deleteConversation", {"conversation": conversation})
    assert client.request("farebox/conversations") == {"conversations": []}
    with pytest.raises(Failed, match="no conversation") as failed:
        client.chat("Again", conversation=conversation)
    assert failed.value.data["kind"] == "invalidParams"


def test_a_chat_that_failed_is_explained(client: Client, upstream: Upstream) -> None:
    upstream.queue(json_answer({"error": {"message": "out of paper"}}, status=400))
    with pytest.raises(Failed) as failed:
        client.chat("Hello")
    entry = client.request("farebox/explain")
    assert (entry["kind"], entry["reason"]) == ("turn", failed.value.message)
    assert "out of paper" in failed.value.message


def test_a_chat_that_failed_before_it_began_leaves_no_conversation(client: Client) -> None:
    with pytest.raises(Failed, match="is not open"):
        client.chat("?", attachments=[{"uri": "file:///ws/closed.py"}])
    with pytest.raises(Failed, match="stays on this machine"):
        client.chat("?", attachments=[{"name": ".env", "text": "K=1"}])
    with pytest.raises(Failed, match="is empty"):
        client.chat(" ")
    assert client.request("farebox/conversations") == {"conversations": []}


def test_a_conversation_is_listed_from_its_first_event_on(client: Client, upstream: Upstream) -> None:
    upstream.queue(json_answer({"error": {"message": "no"}}, status=400))
    with pytest.raises(Failed):
        client.chat("Hello")
    told = client.notifications("farebox/chatEvent")[0]["conversation"]
    (line,) = client.request("farebox/conversations")["conversations"]
    assert line["id"] == told
    assert client.chat("Again", conversation=told)["conversation"] == told


def test_a_conversation_runs_one_turn_at_a_time(client: Client, upstream: Upstream) -> None:
    begun = sse(chunk({"role": "assistant", "content": "Hello"}), done=False)
    upstream.queue(Answer(body=begun, content_type=STREAM, hang=True))
    running = client.ask("farebox/chat", {"text": "Hello"})
    told = client.wait_notification("farebox/chatEvent", lambda told: told["event"]["type"] == "text")
    conversation = told["conversation"]
    with pytest.raises(Failed, match="a turn is running in this conversation") as failed:
        client.chat("And?", conversation=conversation)
    assert failed.value.data["kind"] == "invalidParams"
    assert "stop it" in str(failed.value.data["hint"])
    client.cancel(running)
    with pytest.raises(Failed):
        client.answer(running)
    assert client.chat("And?", conversation=conversation)["text"] == "Hello there."


def test_a_question_right_after_a_stop_waits_until_the_stopped_answer_has_ended(
    client: Client, upstream: Upstream
) -> None:
    begun = sse(chunk({"role": "assistant", "content": "Hello"}), done=False)
    upstream.queue(Answer(body=begun, content_type=STREAM, hang=True))
    running = client.ask("farebox/chat", {"text": "Hello", "conversation": "mine", "history": []})
    client.wait_notification("farebox/chatEvent", lambda told: told["event"]["type"] == "text")
    client.cancel(running)
    assert client.chat("And?", conversation="mine")["text"] == "Hello there."
    with pytest.raises(Failed):
        client.answer(running)
    turns = client.request("farebox/conversation", {"conversation": "mine"})["turns"]
    assert [(turn["question"], turn["answer"]) for turn in turns] == [
        ("Hello", "Hello"),
        ("And?", "Hello there."),
    ]


def test_a_turn_is_asked_anew_in_its_conversation(client: Client, upstream: Upstream) -> None:
    kept = [{**HISTORY[0], "id": "mine_0"}]
    first = client.chat("Hello", conversation="mine", turn="mine_1", history=kept)
    assert first["turn"] == "mine_1"
    assert {told["turn"] for told in client.notifications("farebox/chatEvent")} == {"mine_1"}
    planned = client.request(
        "farebox/route", {"text": "Hello", "conversation": "mine", "replaces": first["turn"]}
    )
    again = client.chat("Hello", conversation="mine", replaces=first["turn"])
    assert planned["model"] == again["route"]["model"]
    assert sent_turns(upstream)[-2:] == [("assistant", "Two."), ("user", "Hello")]
    turns = client.request("farebox/conversation", {"conversation": "mine"})["turns"]
    assert [turn["id"] for turn in turns] == ["mine_0", "mine_1", again["turn"]]
    assert [turn.get("replaces") for turn in turns] == [None, None, "mine_1"]
    told = {"conversation": "mine", "turn": "mine_0", "outcome": "rejected"}
    assert client.request("farebox/feedback", told) == {}
    with pytest.raises(Failed, match="there is a turn mine_1 already") as failed:
        client.chat("Hello", conversation="mine", turn="mine_1")
    assert failed.value.data["kind"] == "invalidParams"
    with pytest.raises(Failed, match="turn"):
        client.chat("Hello", conversation="mine", turn="mine 2")


def test_a_conversation_deleted_while_its_turn_runs_stays_deleted(client: Client, upstream: Upstream) -> None:
    conversation = client.chat("Hello")["conversation"]
    upstream.queue(Answer(hang=True))
    running = client.ask("farebox/chat", {"text": "Again", "conversation": conversation})
    assert upstream.wait_for(lambda: len(upstream.requests) == 2)
    client.request("farebox/deleteConversation", {"conversation": conversation})
    client.cancel(running)
    with pytest.raises(Failed):
        client.answer(running)
    assert client.request("farebox/conversations") == {"conversations": []}


HISTORY: list[Json] = [
    {
        "text": "What is a fare?",
        "attachments": [{"name": "fares.py", "text": "fare = 2"}],
        "answer": "Two.",
    },
    {"text": "Lost?", "answer": ""},
]


def sent_turns(upstream: Upstream) -> list[tuple[str, str]]:
    """Return of the last request all messages but the system's, each by its role and last line."""
    messages = upstream.requests[-1].json["messages"]
    assert isinstance(messages, list)
    return [(message["role"], message["content"].split("\n")[-1]) for message in messages[1:]]


def test_a_conversation_outlives_its_server(client: Client, upstream: Upstream) -> None:
    planned = client.request("farebox/route", {"text": "And?", "conversation": "mine", "history": HISTORY})
    assert client.request("farebox/conversations") == {"conversations": []}
    result = client.chat("And?", conversation="mine", history=HISTORY)
    assert (result["conversation"], {**result["route"], "attempts": []}) == (
        "mine",
        {**planned, "attempts": []},
    )
    assert sent_turns(upstream) == [("user", "What is a fare?"), ("assistant", "Two."), ("user", "And?")]
    assert "fare = 2" in upstream.requests[-1].raw.decode()
    (line,) = client.request("farebox/conversations")["conversations"]
    assert line == {"id": "mine", "title": "What is a fare?", "turns": 3}
    turns = client.request("farebox/conversation", {"conversation": "mine"})["turns"]
    assert [(turn["question"], turn["answer"]) for turn in turns] == [
        ("What is a fare?", "Two."),
        ("Lost?", ""),
        ("And?", "Hello there."),
    ]
    assert [turn["id"] for turn in turns][2] == result["turn"]
    assert ["cost" in turn for turn in turns] == [False, False, True]
    client.chat("More?", conversation="mine", history=[{"text": "Another's", "answer": "Told twice."}])
    assert [text for _, text in sent_turns(upstream)][-3:] == ["And?", "Hello there.", "More?"]
    assert "Told twice." not in upstream.requests[-1].raw.decode()


def test_a_client_names_its_conversation_before_the_first_event(client: Client, upstream: Upstream) -> None:
    assert client.chat("Hello", conversation="mine_1", history=[])["conversation"] == "mine_1"
    told = {params["conversation"] for params in client.notifications("farebox/chatEvent")}
    assert told == {"mine_1"}
    assert client.chat("Again", conversation="mine_1")["text"] == "Hello there."
    with pytest.raises(Failed, match="a history, but no conversation") as failed:
        client.chat("Hello", history=[])
    assert failed.value.data["kind"] == "invalidParams"
    with pytest.raises(Failed, match="history"):
        client.chat("Hello", conversation="mine", history=[{"text": " ", "answer": "a"}])
    with pytest.raises(Failed, match="at most 200"):
        client.chat("Hello", conversation="mine", history=[{"text": "q", "answer": "a"}] * 201)
    assert len(upstream.requests) == 2


@pytest.mark.parametrize("name", ["", "x" * 65, "a b", "é", "a\n", "../a"])
def test_a_clients_ids_are_plain(client: Client, upstream: Upstream, name: str) -> None:
    for ids in ({"conversation": name}, {"conversation": "mine", "turn": name}):
        with pytest.raises(Failed, match=f"{[*ids][-1]}: String should match") as failed:
            client.chat("Hello", history=[], **ids)
        assert failed.value.data["kind"] == "invalidParams"
    assert upstream.requests == []


def test_of_two_chats_that_begin_one_conversation_at_once_the_second_is_refused(
    client: Client, upstream: Upstream
) -> None:
    begins: Json = {"text": "Hello", "conversation": "mine", "history": HISTORY}
    first, second = client.ask("farebox/chat", begins), client.ask("farebox/chat", begins)
    with pytest.raises(Failed, match="a turn is running in this conversation"):
        client.answer(second)
    assert client.answer(first)["text"] == "Hello there."
    assert len(upstream.requests) == 1
    (line,) = client.request("farebox/conversations")["conversations"]
    assert line["turns"] == 3


def test_what_a_kept_turn_quotes_is_kept_here_as_any_text_is(client: Client, upstream: Upstream) -> None:
    guarded = [{"text": "?", "attachments": [{"name": "deploy/.env", "text": "K=1"}], "answer": "One."}]
    for method in ("farebox/chat", "farebox/route"):
        with pytest.raises(Failed, match="stays on this machine"):
            client.request(method, {"text": "And?", "conversation": "mine", "history": guarded})
    assert client.request("farebox/conversations") == {"conversations": []}
    key = "ghp_" + "a1B2" * 9
    told = [{"text": f"token = {key}", "attachments": [{"name": "n", "text": key}], "answer": f"Use {key}."}]
    client.chat("And?", conversation="mine", history=told)
    assert upstream.requests[-1].raw.decode().count("<secret") == 3
    assert key not in upstream.requests[-1].raw.decode()
    assert len(upstream.requests) == 1


def last_question(upstream: Upstream) -> str:
    messages = upstream.requests[-1].json["messages"]
    assert isinstance(messages, list)
    return str(messages[-1]["content"])


def test_an_open_document_is_attached_as_it_is_in_the_editor(client: Client, upstream: Upstream) -> None:
    client.open(URI, "a = 1\n")
    client.type(URI, 0, 5, "2")
    client.chat("What is this?", attachments=[{"uri": URI}])
    assert last_question(upstream) == '<attachment name="area.py">\na = 12\n\n</attachment>\n\nWhat is this?'


def test_a_range_of_a_document_counts_in_the_negotiated_encoding(client: Client, upstream: Upstream) -> None:
    client.open(URI, 'smile = "😀😀"; frown = "x"\nsecond\n')
    # In UTF-16 each smiley is two units long.
    part = {"start": {"line": 0, "character": 16}, "end": {"line": 0, "character": 27}}
    client.chat("?", attachments=[{"uri": URI, "range": part}])
    assert last_question(upstream).split("\n")[1] == 'frown = "x"'


def test_text_is_attached_under_its_name(client: Client, upstream: Upstream) -> None:
    client.chat("?", attachments=[{"name": "the terminal", "text": "Segmentation fault"}])
    assert '<attachment name="the terminal">\nSegmentation fault\n' in last_question(upstream)


def test_a_closed_document_is_never_read_from_disk(
    client: Client, upstream: Upstream, tmp_path: Path
) -> None:
    file = tmp_path / "closed.py"
    file.write_text("the_secret_plan = 1\n")
    with pytest.raises(Failed, match="is not open") as failed:
        client.chat("?", attachments=[{"uri": file.as_uri()}])
    assert failed.value.data["hint"]
    client.open(file.as_uri(), "open_text = 1\n")
    client.notify("textDocument/didClose", {"textDocument": {"uri": file.as_uri()}})
    with pytest.raises(Failed, match="is not open"):
        client.chat("?", attachments=[{"uri": file.as_uri()}])
    with pytest.raises(Failed, match="is not open"):
        client.request("farebox/complete", {"uri": file.as_uri(), "position": {"line": 0, "character": 0}})
    assert client.ghost(file.as_uri(), 0, 0) == []
    assert upstream.requests == []


def test_a_workspace_that_is_not_trusted_sends_nothing(tmp_path: Path, upstream: Upstream) -> None:
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
        client.initialize(initializationOptions={"workspaceTrusted": False})
        client.open(URI, "x = \n")
        with pytest.raises(Failed, match="not trusted") as failed:
            client.chat("Hello")
        assert (failed.value.code, failed.value.data["kind"]) == (-32063, "excluded")
        with pytest.raises(Failed, match="not trusted"):
            client.ghost(URI, 0, 4)
        with pytest.raises(Failed, match="not trusted"):
            client.request("farebox/route", {"text": "Hello"})
        assert client.request("farebox/costReport")["rows"] == []
    assert upstream.requests == []


def test_a_secret_file_is_never_sent(client: Client, upstream: Upstream) -> None:
    for uri in ("file:///ws/.env", "file:///ws/.ENV", "file:///ws/deploy/.env.production"):
        client.open(uri, "TOKEN=\n", "dotenv")
        with pytest.raises(Failed, match="stays on this machine"):
            client.chat("?", attachments=[{"uri": uri}])
        with pytest.raises(Failed, match="stays on this machine"):
            client.ghost(uri, 0, 6)
        assert client.ghost(uri, 0, 6, kind=2) == []
    assert upstream.requests == []


def test_what_was_attached_stays_guarded_when_its_rule_comes_later(
    client: Client, upstream: Upstream
) -> None:
    client.open(URI, "x = 1\n")
    first = client.chat("?", attachments=[{"uri": URI}])
    exclude = {"privacy": {"exclude": ["area.py"]}}
    client.notify("workspace/didChangeConfiguration", {"settings": {"farebox": exclude}})
    with pytest.raises(Failed, match="stays on this machine"):
        client.chat("And?", conversation=first["conversation"])
    assert len(upstream.requests) == 1


AGENTS = """
[agents.poet]
system = "You rhyme."
order = ["Poets"]
[agents.reviewer]
model = "openrouter/openai/gpt-5"
[agents.home]
local = {{ base_url = "{}" }}
[agents.guest]
model = "local"
"""


def sent(upstream: Upstream) -> tuple[object, object, object]:
    """Return of the last request the model, the system text and OpenRouter's hosts."""
    table = upstream.requests[-1].json
    messages, provider = table["messages"], table.get("provider")
    assert isinstance(messages, list)
    return table["model"], messages[0]["content"], provider["order"] if isinstance(provider, dict) else None


def test_each_agent_asks_its_own_way_and_may_go_on_in_anothers_conversation(
    tmp_path: Path, upstream: Upstream
) -> None:
    with Upstream.in_thread() as home, Upstream.in_thread() as shared:
        for server in (home, shared):
            server.answer("/v1/models", json_answer({"data": [{"id": "qwen"}]}))
            body = openrouter_stream("At home.", {"prompt_tokens": 20, "completion_tokens": 4})
            server.answer("/v1/chat/completions", Answer(body=body, content_type=STREAM))
        config = openrouter_config(upstream.base_url, more=AGENTS.format(home.base_url))
        environment = {**KEY, "FAREBOX_LOCAL_BASE_URL": shared.base_url}
        with Client(tmp_path, config=config, environment=environment) as client:
            client.initialize()
            conversation = client.chat("Hello")["conversation"]
            assert sent(upstream) == ("openai/gpt-4o-mini", SYSTEM, None)
            client.chat("Hello", conversation=conversation, agent="poet")
            assert sent(upstream) == ("openai/gpt-4o-mini", "You rhyme.", ["Poets"])
            client.chat("Hello", conversation=conversation, agent="reviewer")
            assert sent(upstream) == ("openai/gpt-5", SYSTEM, None)
            client.chat("Hello", agent="reviewer", model="openrouter/openai/gpt-4o")
            assert sent(upstream)[0] == "openai/gpt-4o"
            asked = len(upstream.requests)
            assert client.chat("Hello", agent="home", conversation=conversation)["text"] == "At home."
            assert (sent(home)[0], len(shared.requests)) == ("qwen", 0)
            route = client.chat("Hello", agent="guest")["route"]
            assert sent(shared)[0] == "qwen"
            assert route["provider"] == "local"
            assert len(upstream.requests) == asked
            turns = client.request("farebox/conversation", {"conversation": conversation})["turns"]
            assert isinstance(turns, list)
            assert len(turns) == 4
            assert client.request("farebox/route", {"text": "?", "agent": "home"})["model"] == "local/default"
            assert client.request("farebox/route", {"text": "?"})["model"] == "openrouter/openai/gpt-4o-mini"


@pytest.mark.parametrize("method", ["farebox/chat", "farebox/route"])
def test_an_agent_that_is_none_is_told_with_those_that_are(
    tmp_path: Path, upstream: Upstream, method: str
) -> None:
    config = openrouter_config(upstream.base_url, more=AGENTS.format("http://127.0.0.1:9/v1"))
    with Client(tmp_path, config=config, environment=KEY) as client:
        client.initialize()
        with pytest.raises(Failed, match="there is no agent pot") as failed:
            client.request(method, {"text": "Hello", "agent": "pot"})
        assert failed.value.data["kind"] == "invalidParams"
        assert str(failed.value.data["hint"]).startswith("Known: guest, home, poet, reviewer.")
        assert client.request("farebox/conversations") == {"conversations": []}
    assert upstream.requests == []


def test_an_agent_from_the_editors_settings_is_asked_too(client: Client, upstream: Upstream) -> None:
    agents = {"agents": {"poet": {"system": "You rhyme."}}}
    client.notify("workspace/didChangeConfiguration", {"settings": {"farebox": agents}})
    client.chat("Hello", agent="poet")
    assert sent(upstream)[1] == "You rhyme."
