"""The server over real stdio: what it offers, how every request is answered, and how it ends."""

from collections.abc import Iterator
from pathlib import Path

import pytest

import farebox
from farebox.lsp.names import METHODS
from support.anthropic_events import answer as messages_answer
from support.anthropic_events import end, start, text
from support.client import Client, Failed
from support.environment import openrouter_config
from support.metamodel import Json
from support.traffic import frame
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
USAGE: Json = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
URI = "file:///ws/area.py"
VOLATILE = {"id", "conversation", "conversations", "turn", "ms", "since", "totalMs", "firstTokenMs"}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        answer = Answer(body=openrouter_stream("Hello there.", USAGE), content_type="text/event-stream")
        server.answer("/v1/chat/completions", answer)
        server.answer("/v1/key", json_answer({"data": {}}))
        yield server


@pytest.fixture
def client(tmp_path: Path, upstream: Upstream) -> Iterator[Client]:
    """Start a server whose providers are the test's; on leaving, all that it sent is judged."""
    mistral = f'[providers.mistral]\nbase_url = "{upstream.base_url}"\n'
    with Client(
        tmp_path, config=openrouter_config(upstream.base_url, more=mistral), environment=KEY
    ) as client:
        yield client


def test_initialize_tells_what_the_server_can_do(client: Client) -> None:
    result = client.initialize()
    capabilities = result["capabilities"]
    assert isinstance(capabilities, dict)
    assert result["serverInfo"] == {"name": "farebox", "version": farebox.__version__}
    assert capabilities["inlineCompletionProvider"] == {}
    assert capabilities["textDocumentSync"]["openClose"] is True
    assert capabilities["textDocumentSync"]["change"] == 2
    assert capabilities["positionEncoding"] == "utf-16"
    assert capabilities["experimental"] == {"farebox": {"protocol": 1}}
    commands = capabilities["executeCommandProvider"]["commands"]
    assert set(commands) == {f"farebox.{name}" for name in METHODS} | {"farebox.didAcceptCompletionItem"}


def params_of(client: Client, name: str) -> Json:
    """Return valid params for a method; a method on a conversation gets one of its own."""
    match name:
        case "chat":
            return {"text": "Hello"}
        case "complete":
            return {"uri": URI, "position": {"line": 0, "character": 4}}
        case "route":
            return {"text": "Hello", "task": "review"}
        case "costReport":
            return {"since": "7d", "by": ["task", "provider"]}
        case "setCredential":
            return {"provider": "mistral", "secret": "k-1"}
        case "pause":
            return {"paused": True}
        case "setModel":
            return {"task": "fix", "model": "openrouter/openai/gpt-4.1-mini"}
        case "conversation" | "deleteConversation":
            return {"conversation": client.chat("Begin")["conversation"]}
        case "feedback":
            return {"conversation": client.chat("Begin")["conversation"], "outcome": "rejected"}
        case _:
            return {}


def lasting(value: object) -> object:
    """Drop what differs from one call to the next: ids and times."""
    if isinstance(value, dict):
        return {key: lasting(inner) for key, inner in value.items() if key not in VOLATILE}
    return [lasting(inner) for inner in value] if isinstance(value, list) else value


def test_every_method_answers_as_a_request_and_as_a_command(client: Client) -> None:
    client.initialize()
    client.open(URI, "x = \n")
    client.chat("So that there is something to explain")
    for name in METHODS:
        asked = client.request(f"farebox/{name}", params_of(client, name))
        command = {"command": f"farebox.{name}", "arguments": [params_of(client, name)]}
        commanded = client.request("workspace/executeCommand", command)
        assert lasting(asked) == lasting(commanded), name


def test_unknown_params_are_refused_by_name(client: Client) -> None:
    client.initialize()
    client.open(URI, "x = \n")
    for name in METHODS:
        with pytest.raises(Failed, match="colour") as failed:
            client.request(f"farebox/{name}", {**params_of(client, name), "colour": "red"})
        assert (failed.value.code, failed.value.data["kind"]) == (-32065, "invalidParams")
        assert "farebox schema" in str(failed.value.data["hint"])


@pytest.mark.parametrize(
    ("method", "params"),
    [
        pytest.param("textDocument/inlineCompletion", {"position": "here"}, id="a standard request"),
        pytest.param("textDocument/inlineCompletion", None, id="no params"),
        pytest.param("workspace/executeCommand", {"command": 7, "arguments": 8}, id="a command's frame"),
        pytest.param("workspace/executeCommand", {"command": "farebox.none"}, id="an unknown command"),
    ],
)
def test_unreadable_params_are_answered(client: Client, method: str, params: object) -> None:
    client.initialize()
    with pytest.raises(Failed) as failed:
        client.request(method, params)
    assert failed.value.code == -32602
    assert client.request("farebox/conversations") == {"conversations": []}


def test_a_command_with_no_arguments_and_a_method_with_no_params_are_answered(client: Client) -> None:
    client.initialize()
    assert client.request("workspace/executeCommand", {"command": "farebox.conversations"})
    client.send({"jsonrpc": "2.0", "id": "a string", "method": "farebox/conversations"})
    client.wait(lambda: next((m for m in client.received if m.get("id") == "a string"), None), "the answer")
    with pytest.raises(Failed, match="farebox/chat: params"):
        client.request("farebox/chat", [1, 2])
    lua_table: list[object] = []  # an empty table is written as a list by editors in Lua
    assert client.request("farebox/conversations", lua_table) == {"conversations": []}
    command = {"command": "farebox.conversations", "arguments": [lua_table]}
    assert client.request("workspace/executeCommand", command) == {"conversations": []}


@pytest.mark.parametrize(
    ("method", "params", "words"),
    [
        pytest.param("complete", {"path": "a.py"}, "farebox/complete: language: ", id="a hole in text"),
        pytest.param("complete", {"uri": URI}, "farebox/complete: position: ", id="a hole in a document"),
        pytest.param(
            "complete",
            {"uri": URI, "position": {"line": -1, "character": 0}},
            "farebox/complete: position.line: ",
            id="a position",
        ),
        pytest.param("route", {}, "farebox/route: text: ", id="a route for nothing"),
        pytest.param(
            "chat",
            {"text": "a", "attachments": [{"name": "a.py"}]},
            "farebox/chat: attachments.0.text: ",
            id="an attached text",
        ),
        pytest.param(
            "chat",
            {"text": "a", "attachments": [{}]},
            "farebox/chat: attachments.0.uri: ",
            id="an attachment",
        ),
    ],
)
def test_an_error_names_the_field_that_was_meant(
    client: Client, method: str, params: Json, words: str
) -> None:
    client.initialize()
    with pytest.raises(Failed) as failed:
        client.request(f"farebox/{method}", params)
    assert failed.value.message.startswith(words)


def test_an_unknown_method_is_answered(client: Client) -> None:
    client.initialize()
    with pytest.raises(Failed) as failed:
        client.request("farebox/none", {})
    assert failed.value.code == -32601


def test_a_request_before_initialize_is_answered(client: Client) -> None:
    with pytest.raises(Failed) as failed:
        client.request("farebox/conversations", {})
    assert failed.value.code == -32002
    client.initialize()
    assert client.request("farebox/conversations", {}) == {"conversations": []}


def test_a_request_after_shutdown_is_answered(client: Client) -> None:
    client.initialize()
    assert client.raw_answer(client.ask("shutdown")) is None
    with pytest.raises(Failed) as failed:
        client.request("farebox/conversations", {})
    assert failed.value.code == -32600
    client.notify("exit")
    assert client.wait_exit() == 0


def test_shutdown_while_a_chat_runs_answers_both(client: Client, upstream: Upstream) -> None:
    upstream.queue(Answer(hang=True))
    client.initialize()
    chat = client.ask("farebox/chat", {"text": "Hello"})
    assert upstream.wait_for(lambda: bool(upstream.requests))
    assert client.raw_answer(client.ask("shutdown")) is None
    with pytest.raises(Failed) as failed:
        client.answer(chat)
    assert failed.value.code == -32800
    client.notify("exit")
    assert client.wait_exit() == 0


def test_exit_without_shutdown_is_a_failure(client: Client) -> None:
    client.initialize()
    client.request("farebox/conversations", {})
    client.notify("exit")
    assert client.wait_exit() == 1


def test_the_server_ends_when_its_client_is_gone(client: Client) -> None:
    client.initialize()
    client.request("farebox/conversations", {})
    client.close_stdin()
    assert client.wait_exit() == 1


def test_changed_settings_hold_from_the_next_request_on(client: Client, upstream: Upstream) -> None:
    client.initialize()
    client.chat("Hello")
    changed = {"tasks": {"chat": "openrouter/openai/gpt-4.1-mini"}}
    client.notify("workspace/didChangeConfiguration", {"settings": {"farebox": changed}})
    client.chat("Hello")
    client.notify("workspace/didChangeConfiguration", {"settings": {"farebox": {}}})
    client.chat("Hello")
    models = [request.json["model"] for request in upstream.requests]
    assert models == ["openai/gpt-4o-mini", "openai/gpt-4.1-mini", "openai/gpt-4o-mini"]


def test_settings_come_with_initialize(client: Client, upstream: Upstream) -> None:
    settings = {"tasks": {"chat": "openrouter/openai/gpt-4.1-mini"}}
    client.initialize(initializationOptions={"settings": settings})
    client.chat("Hello")
    assert upstream.requests[0].json["model"] == "openai/gpt-4.1-mini"


@pytest.mark.parametrize(
    "changed",
    [None, {}, {"farebox": None}, {"farebox": "x"}, {"python": {"a": 1}}, {"privacy": {}}, [], "x"],
    ids=str,
)
def test_a_change_of_other_settings_changes_none_of_ours(
    client: Client, upstream: Upstream, changed: object
) -> None:
    client.initialize(initializationOptions={"settings": {"privacy": {"local_only": True}}})
    client.notify("workspace/didChangeConfiguration", {"settings": changed})
    with pytest.raises(Failed) as failed:
        client.chat("Hello", model="openai/gpt-4.1-mini")
    assert failed.value.data["kind"] == "localOnly"
    assert upstream.requests == []


def test_a_second_initialize_is_refused_and_changes_nothing(client: Client) -> None:
    client.initialize(initializationOptions={"workspaceTrusted": False})
    client.open(URI, "x = \n")
    again = {"processId": None, "rootUri": None, "capabilities": {}}
    with pytest.raises(Failed, match="initialize") as failed:
        client.request("initialize", again)
    assert failed.value.code == -32600
    with pytest.raises(Failed, match="not trusted"):
        client.ghost(URI, 0, 4)


@pytest.mark.parametrize("method", [7, None, ["a"], {"a": 1}], ids=str)
def test_a_method_that_is_no_text_is_answered(client: Client, method: object) -> None:
    client.initialize()
    # Past the judge, who knows no request without a method.
    client.send_bytes(frame({"jsonrpc": "2.0", "id": 2**20, "method": method, "params": {}}))
    with pytest.raises(Failed, match="method must be a string") as failed:
        client.raw_answer(2**20)
    assert (failed.value.code, failed.value.data) == (-32600, {})
    client.send_bytes(frame({"jsonrpc": "2.0", "method": method}))
    assert client.request("farebox/conversations") == {"conversations": []}
    assert "Traceback" not in client.log
    client.received[:] = [one for one in client.received if one.get("id", 0) not in (2**20, None)]


def test_the_status_says_busy_and_then_ready_with_what_today_cost(client: Client) -> None:
    client.initialize()
    client.chat("Hello")
    assert client.wait_notification("farebox/status")["state"] == "busy"
    ready = client.wait_notification("farebox/status", lambda status: status["state"] == "ready")
    assert (ready["todayUsd"], ready["model"]) == ("0.000213", "openrouter/openai/gpt-4o-mini")


def test_a_key_set_by_the_client_is_used_and_forgotten(tmp_path: Path, upstream: Upstream) -> None:
    with Client(tmp_path, config=openrouter_config(upstream.base_url)) as client:
        client.initialize()
        with pytest.raises(Failed) as failed:
            client.chat("Hello")
        assert failed.value.data["kind"] == "missingKey"
        client.request("farebox/setCredential", {"provider": "openrouter", "secret": "sk-or-mine-012345"})
        client.chat("Hello")
        client.request("farebox/setCredential", {"provider": "openrouter", "secret": None})
        with pytest.raises(Failed, match="no key"):
            client.chat("Hello")
        assert [request.headers["authorization"] for request in upstream.requests] == [
            "Bearer sk-or-mine-012345"
        ]
    assert "sk-or-mine-012345" not in client.log
    assert not any("sk-or-mine-012345" in str(message) for message in client.received)


def test_a_key_for_an_unknown_provider_is_refused(client: Client) -> None:
    client.initialize()
    with pytest.raises(Failed, match="there is no provider nosuch") as failed:
        client.request("farebox/setCredential", {"provider": "nosuch", "secret": "sk-or-mine-012345"})
    assert failed.value.data["kind"] == "invalidParams"
    assert "openrouter" in failed.value.data["hint"]


def test_anthropics_second_variable_holds_a_key_too(tmp_path: Path, upstream: Upstream) -> None:
    model = "anthropic/claude-sonnet-4-5"
    config = openrouter_config(upstream.base_url, model).replace("openrouter]", "anthropic]")
    upstream.answer("/v1/messages", messages_answer(start(), *text(0, "Hello"), *end()))
    with Client(tmp_path, config=config, environment={"ANTHROPIC_AUTH_TOKEN": "sk-ant-012345"}) as client:
        client.initialize()
        client.chat("Hello")
    assert upstream.requests[0].headers["authorization"] == "Bearer sk-ant-012345"


def test_a_model_set_for_a_task_is_used_for_it_alone(client: Client, upstream: Upstream) -> None:
    client.initialize()
    client.request("farebox/setModel", {"task": "fix", "model": "openrouter/openai/gpt-4.1-mini"})
    client.chat("Hello", task="fix")
    client.chat("Hello")
    assert [r.json["model"] for r in upstream.requests] == ["openai/gpt-4.1-mini", "openai/gpt-4o-mini"]
    with pytest.raises(Failed) as failed:
        client.request("farebox/setModel", {"task": "fix", "model": "nobody/knows"})
    assert failed.value.data["kind"] == "modelNotFound"


def test_what_is_asked_first_of_all_is_asked_of_the_text_as_it_was(
    client: Client, upstream: Upstream
) -> None:
    client.initialize()
    client.open(URI, "x = \n")
    ghost = client.ask_ghost(URI, 0, 4)
    hole = client.ask("farebox/complete", {"uri": URI, "position": {"line": 0, "character": 4}})
    chat = client.ask("farebox/chat", {"text": "?", "attachments": [{"uri": URI}]})
    client.edit(URI, ((0, 0), (0, 0), "LATER = 1\n"))  # while the App is built
    with pytest.raises(Failed) as failed:
        client.answer(ghost)
    assert failed.value.code == -32800
    assert "items" in client.answer(hole)
    assert client.answer(chat)["text"]
    asked = [request for request in upstream.requests if request.path == "/v1/chat/completions"]
    assert len(asked) == 2
    assert "LATER" not in str([request.json for request in asked])
