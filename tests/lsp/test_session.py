"""However a session ends in the middle of an answer, what it cost is written and the request answered."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client import Client, Failed
from support.environment import ledger_rows, openrouter_config
from support.metamodel import Json
from support.upstream import Answer, Upstream, chunk, sse

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
URI = "file:///ws/area.py"
LAUNCHER = """
import os, pathlib
pathlib.Path("pid").write_text(str(os.getpid()))
from farebox.cli.main import main
main(["lsp"])
"""


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        body = sse(chunk({"role": "assistant", "content": "This is going to be long"}), done=False)
        server.answer("/v1/chat/completions", Answer(body=body, content_type="text/event-stream", hang=True))
        yield server


@pytest.fixture
def client(tmp_path: Path, upstream: Upstream) -> Iterator[Client]:
    config = openrouter_config(upstream.base_url)
    command = (sys.executable, "-c", LAUNCHER)
    with Client(tmp_path, config=config, environment=KEY, command=command) as client:
        client.initialize()
        client.open(URI, "x = \n")
        yield client


def begin(client: Client, upstream: Upstream) -> list[int]:
    """Begin one request of every sort and wait until each is on its way."""
    hole = {"path": "/ws/b.py", "language": "python", "prefix": "y = ", "suffix": "\n"}
    asked = [
        client.ask("farebox/chat", {"text": "Hello"}),
        client.ask("farebox/complete", hole),
        client.ask_ghost(URI, 0, 4),
        client.ask("workspace/executeCommand", {"command": "farebox.chat", "arguments": [{"text": "Hi"}]}),
    ]

    def has_begun(told: Json) -> bool:
        return told["event"]["type"] == "text"

    first = client.wait_notification("farebox/chatEvent", has_begun)["turn"]
    client.wait_notification("farebox/chatEvent", lambda told: has_begun(told) and told["turn"] != first)
    assert upstream.wait_for(lambda: len(upstream.requests) == len(asked))
    return asked


def check_settled(client: Client, asked: list[int]) -> None:
    """Check that every request was answered as cancelled and that its row says so."""
    for request_id in asked:
        with pytest.raises(Failed) as failed:
            client.answer(request_id)
        assert failed.value.code == -32800
    rows = ledger_rows(client.folder)
    assert [(row["state"], row["outcome"]) for row in rows] == [("settled", "cancelled")] * len(asked)


def test_shutdown_stops_and_settles_what_runs(client: Client, upstream: Upstream) -> None:
    asked = begin(client, upstream)
    assert client.raw_answer(client.ask("shutdown")) is None
    answered = [message["id"] for message in client.received if "method" not in message]
    assert set(asked) < set(answered[:-1]), "shutdown was answered first"
    client.notify("exit")
    assert client.wait_exit() == 0
    check_settled(client, asked)


def test_a_request_that_comes_while_shutdown_runs_is_refused(client: Client, upstream: Upstream) -> None:
    begin(client, upstream)
    shutdown = client.ask("shutdown")
    late = client.ask("farebox/chat", {"text": "Hello"})
    with pytest.raises(Failed) as failed:
        client.answer(late)
    assert failed.value.code == -32600
    assert client.raw_answer(shutdown) is None
    client.notify("exit")
    assert client.wait_exit() == 0


def test_the_end_of_input_settles_what_runs(client: Client, upstream: Upstream) -> None:
    asked = begin(client, upstream)
    client.close_stdin()
    assert client.wait_exit() == 1
    check_settled(client, asked)


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no SIGTERM")
def test_a_terminated_server_settles_what_runs(client: Client, upstream: Upstream) -> None:
    asked = begin(client, upstream)
    os.kill(int((client.folder / "pid").read_text()), signal.SIGTERM)
    assert client.wait_exit() == -signal.SIGTERM
    check_settled(client, asked)
