"""A session: however it ends what it cost is written, a change always counts, and trouble is told once."""

import asyncio
import os
import signal
import sys
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.app import Client as Description
from farebox.errors import BudgetExceeded, Excluded
from farebox.lsp.documents import Documents
from farebox.lsp.session import Seen, Session
from farebox.router.purse import Spending
from support.client import AUTOMATIC, Client, Failed
from support.environment import clean_environment, ledger_rows, openrouter_config
from support.metamodel import Json
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, chunk, json_answer, openrouter_stream, sse

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


def test_what_was_stopped_costs_what_its_provider_has_booked(client: Client, upstream: Upstream) -> None:
    booked = {"total_cost": 0.000213457, "native_tokens_prompt": 97, "native_tokens_completion": 41}
    upstream.answer("/v1/generation", json_answer({"data": booked}))
    asked = begin(client, upstream)
    for request_id in asked:
        client.cancel(request_id)
    deadline_s = time.monotonic() + WAIT_S
    while (basis := client.request("farebox/costReport")["total"]["basis"])["reported"] < len(asked):
        assert time.monotonic() < deadline_s, basis
    client.close()
    check_settled(client, asked)
    assert {row["cost_nanodollars"] for row in ledger_rows(client.folder)} == {213_457}
    paths = {request.path for request in upstream.requests if request.method == "GET"}
    assert paths == {"/v1/generation?id=gen-1"}


# --- settings and folders that change ------------------------------------------------------------


class Nobody:
    """A connection that nobody reads; what was sent is kept."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, object]] = []
        self.documents = Documents()

    def notify_json(self, method: str, params: object) -> None:
        self.sent.append((method, params))

    def show_warning(self, message: str) -> None: ...


async def test_a_change_that_arrives_while_the_app_is_built_counts(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in clean_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    session = Session(Nobody())
    described = 0

    def describe() -> Description:
        nonlocal described
        described += 1
        if described > 1:
            return Description(name="an editor", settings={"privacy": {"local_only": True}})
        session.client_changed()  # after the settings were read, and before the App is there
        return Description(name="an editor")

    session.begin(describe)
    app = await session.app()
    assert app.config().privacy.local_only
    assert await session.app() is app
    assert described == 2
    await session.close()


async def test_who_is_cancelled_while_the_app_is_built_has_no_other_built(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in clean_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    session = Session(Nobody())
    described: list[Description] = []
    begun, go_on = threading.Event(), threading.Event()

    def describe() -> Description:
        described.append(Description(name="an editor"))
        begun.set()
        assert go_on.wait(WAIT_S)
        return described[-1]

    session.begin(describe)
    first, second = asyncio.create_task(session.app()), asyncio.create_task(session.app())
    await asyncio.to_thread(begun.wait, WAIT_S)
    first.cancel()
    await asyncio.wait([first])
    third = asyncio.create_task(session.app())
    go_on.set()
    assert await second is await third is await session.app()
    assert (first.cancelled(), len(described)) == (True, 1)
    await session.close()


async def test_an_app_that_could_not_be_built_is_built_anew() -> None:
    session = Session(Nobody())
    described = 0

    def describe() -> Description:
        nonlocal described
        described += 1
        raise OSError("no disk")

    session.begin(describe)
    for times in (1, 2):
        with pytest.raises(OSError, match="no disk"):
            await session.app()
        assert described == times
    await session.close()


async def test_a_refusal_stands_until_a_budget_may_have_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in clean_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    wire = Nobody()
    session = Session(wire)
    session.begin(lambda: Description(name="an editor"))
    app = await session.app()
    session._failed(BudgetExceeded("no room", hint="Wait."), quietly=False)
    before, spending = Seen("ledger", (321, 9), "settings"), Spending(500_000_000, ())
    for change, is_outdated in (({"ledger": "written"}, False), ({"hour": (321, 10)}, True)):
        assert session._is_outdated(replace(before, **change), before, spending) is is_outdated
    session._failed(Excluded("no", hint="Never."), quietly=False)
    for change, is_outdated in (({"hour": (321, 10)}, False), ({"settings": "others"}, True)):
        assert session._is_outdated(replace(before, **change), before, spending) is is_outdated
    session._send_ready(app, spending)
    assert [params for _, params in wire.sent] == [
        {"state": "budget", "message": "no room. Wait."},
        {"state": "inactive", "message": "no. Never."},
        {"state": "ready", "message": "ready"},
    ]
    await session.close()


# --- what is told --------------------------------------------------------------------------------

USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
POOR = """
[budgets]
daily_usd = 0.00000001
"""


@pytest.fixture
def typist(tmp_path: Path, upstream: Upstream) -> Iterator[Client]:
    """Open a document where completion answers."""
    body = openrouter_stream("<COMPLETION>1</COMPLETION>", USAGE)
    upstream.answer("/v1/chat/completions", Answer(body=body, content_type="text/event-stream"))
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
        client.initialize()
        client.open(URI, "x = \nlonger_than_nothing = 1\n")
        yield client


def alone(config: str) -> str:
    """Let no request be made but those that are asked for: one that ends late would count as an answer."""
    assert "[completion]" in config
    return config.replace("[completion]", "[completion]\nlook_ahead = false")


def told(client: Client) -> list[str]:
    """Return what was shown to the user, once all that was asked is answered."""
    client.request("farebox/conversations")
    return [str(shown["message"]) for shown in client.notifications("window/showMessage")]


def test_a_budget_that_is_exceeded_is_told_once_whatever_the_estimate(
    typist: Client, upstream: Upstream
) -> None:
    estimates: set[str] = set()
    for length in range(0, 900, 300):
        typist.write_config(openrouter_config(upstream.base_url, more=f"{POOR}# {length}"))  # ends the pause
        typist.type(URI, 0, 0, "y" * length)
        assert typist.ghost(URI, 0, 4 + sum(range(0, length + 1, 300)), AUTOMATIC) == []
        estimates.add(str(typist.request("farebox/explain")["reason"]))
    assert len(estimates) == 3, "the message changed while typing"
    (shown,) = told(typist)
    assert "budget" in shown


def test_what_went_wrong_is_told_again_after_completion_has_worked(
    typist: Client, upstream: Upstream
) -> None:
    poor, rich = (alone(openrouter_config(upstream.base_url, more=more)) for more in (POOR, ""))
    rounds = ((poor, 0, 1), (rich, 1, 1), (poor, 0, 2), (poor, 0, 2))
    for column, (config, found, times) in enumerate(rounds, start=5):
        typist.write_config(config)
        typist.type(URI, 0, 0, "y")  # what is known of another text serves no more
        assert len(typist.ghost(URI, 0, column, AUTOMATIC)) == found
        refused = [message for message in told(typist) if "may cost" in message]
        assert len(refused) == times  # that the budget is used up is another message, which may come between


def test_a_completion_that_was_not_asked_for_proves_nothing(typist: Client, upstream: Upstream) -> None:
    typist.write_config(openrouter_config(upstream.base_url, more=POOR))
    for column in (4, 1, 4):  # the second one is in the middle of a line
        assert typist.ghost(URI, 0, column, AUTOMATIC) == []
    assert len(told(typist)) == 1


def test_each_provider_has_its_trouble_told(typist: Client, upstream: Upstream) -> None:
    refusal = json_answer({"error": {"message": "no"}}, status=401)
    upstream.answer("/v1/chat/completions", refusal)
    again = openrouter_config(upstream.base_url, "mine/m") + (
        f'[providers.mine]\nbase_url = "{upstream.base_url}"\ndialect = "openai"\n'
    )
    for config in (openrouter_config(upstream.base_url), again, again):
        typist.write_config(config)
        assert typist.ghost(URI, 0, 4, AUTOMATIC) == []
    assert [("openrouter" in shown, "mine" in shown) for shown in told(typist)] == [
        (True, False),
        (False, True),
    ]


def test_trouble_with_all_of_them_is_told_once(typist: Client, upstream: Upstream) -> None:
    upstream.answer("/v1/chat/completions", json_answer({"error": {"message": "no"}}, status=401))
    chain = f"""
[tasks]
complete = ["openrouter/one", "mine/two"]
[providers.openrouter]
base_url = "{upstream.base_url}"
[providers.mine]
base_url = "{upstream.base_url}"
dialect = "openai"
"""
    typist.write_config(chain)
    for _ in range(3):
        assert typist.ghost(URI, 0, 4, AUTOMATIC) == []
    (shown,) = told(typist)
    assert "openrouter" in shown
    assert "mine" in shown


def test_each_mistake_in_the_settings_is_told_once(typist: Client) -> None:
    for mistake in ("strategi = 'cheap'\n", "[budget]\n", "[budget]\n", "strategi = 'cheap'\n"):
        typist.write_config(mistake)
        assert typist.ghost(URI, 0, 4, AUTOMATIC) == []
    assert [("strategi" in shown, "unknown key budget" in shown) for shown in told(typist)] == [
        (True, False),
        (False, True),
    ]


TWO_READERS = """def load(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def count(path):
    """


def test_who_has_no_key_gets_suggestions_from_own_files_and_is_told_so_once(tmp_path: Path) -> None:
    with Client(tmp_path) as client:
        client.initialize()
        client.open(URI, TWO_READERS)
        ghosts: list[object] = []
        for column, key in enumerate("with open(", start=4):
            client.type(URI, 6, column, key)
            ghosts += [item["insertText"] for item in client.ghost(URI, 6, column + 1, AUTOMATIC)][:1]
        entry = client.request("farebox/explain")
        assert (entry["source"], "embedded/workspace" in str(entry["reason"])) == ("embedded", True)
        status = client.wait_notification("farebox/status", lambda now: now["state"] == "inactive")
        total = client.request("farebox/costReport")["total"]
        (shown,) = told(client)
    assert ghosts
    assert 'path, encoding="utf-8") as file:'.startswith(str(ghosts[-1]))
    assert isinstance(total, dict)
    assert total["requests"] == 0
    for words in (str(status["message"]), shown):
        assert "OPENROUTER_API_KEY" in words
        assert "suggestions come from your own files (embedded/workspace)" in words


def test_nobody_is_told_of_suggestions_that_are_switched_off(tmp_path: Path) -> None:
    with Client(tmp_path, config="[completion]\nembedded = false\n") as client:
        client.initialize()
        client.open(URI, TWO_READERS)
        assert client.ghost(URI, 6, 4, AUTOMATIC) == []
        (shown,) = told(client)
    assert "OPENROUTER_API_KEY" in shown
    assert "your own files" not in shown
