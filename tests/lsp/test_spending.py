"""Two editors and the command line on one ledger: each sees at once what the others spend."""

import json
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from support.client import AUTOMATIC, Client, Failed
from support.command import run_farebox
from support.environment import openrouter_config
from support.metamodel import Json
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
STATUS = "farebox/status"
URI = "file:///ws/area.py"
COST = 0.5
USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": COST}


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        answer = Answer(body=openrouter_stream("Hi", USAGE), content_type="text/event-stream")
        server.answer("/v1/chat/completions", answer)
        yield server


Open = Callable[[str], Client]


@pytest.fixture
def editor(tmp_path: Path, upstream: Upstream) -> Iterator[Open]:
    """Open an editor, in a workspace of its own; all share settings and a ledger."""
    with ExitStack() as stack:

        def open_editor(name: str) -> Client:
            (tmp_path / name).mkdir(exist_ok=True)
            client = stack.enter_context(Client(tmp_path / name, environment=environment(tmp_path)))
            workspace = {"uri": (tmp_path / name).as_uri(), "name": name}
            client.initialize(workspaceFolders=[workspace])
            client.open(URI, "x = \n")
            return client

        settings(tmp_path, upstream)
        yield open_editor


def environment(folder: Path) -> dict[str, str]:
    return {**KEY, "FAREBOX_HOME": str(folder / "shared"), "FAREBOX_CONFIG": str(folder / "config.toml")}


def settings(folder: Path, upstream: Upstream, more: str = "") -> None:
    (folder / "config.toml").write_text(openrouter_config(upstream.base_url, more=more), "utf-8")


def today(usd: str) -> Callable[[Json], bool]:
    return lambda status: status.get("todayUsd") == usd


def state(name: str) -> Callable[[Json], bool]:
    return lambda status: status["state"] == name


def messages(client: Client) -> list[str]:
    """Return what was shown to the user."""
    client.request("farebox/conversations")
    return [str(shown["message"]) for shown in client.notifications("window/showMessage")]


def test_what_one_editor_spends_is_seen_by_the_other_and_by_the_command_line(
    editor: Open, tmp_path: Path
) -> None:
    asks, sees = editor("a"), editor("b")
    asks.chat("Hello")
    sees.wait_notification(STATUS, today("0.50"))
    printed = run_farebox(tmp_path / "b", "costs", "--format", "json", environment=environment(tmp_path))
    assert json.loads(printed.stdout)["total"]["usd"] == "0.50"
    run_farebox(tmp_path / "b", "chat", "Hello", environment=environment(tmp_path))
    for client in (asks, sees):
        client.wait_notification(STATUS, today("1.00"))
    waits_ms: list[float] = []
    for usd in ("1.50", "2.00", "2.50", "3.00"):
        asks.chat("Hello")
        began_s = time.monotonic()
        sees.wait_notification(STATUS, today(usd))
        waits_ms.append((time.monotonic() - began_s) * 1000)
    print(f"seen after {min(waits_ms):.0f} to {max(waits_ms):.0f} ms")
    assert {status["state"] for status in sees.notifications(STATUS)} == {"ready"}


def test_an_editor_that_opens_is_told_what_today_has_cost(editor: Open) -> None:
    first = editor("a")
    first.chat("Hello")
    assert first.notifications(STATUS)[0]["state"] == "busy", (
        "where nothing was spent there is nothing to tell"
    )
    second = editor("b")
    assert second.wait_notification(STATUS) == {"state": "ready", "message": "ready", "todayUsd": "0.50"}


def test_every_editor_warns_once_of_a_budget(editor: Open, tmp_path: Path, upstream: Upstream) -> None:
    more = '[budgets]\ndaily_usd = 1.2\n[budgets.workspaces."*"]\nweekly_usd = 50\n'
    settings(tmp_path, upstream, more)
    asks, sees = editor("a"), editor("b")
    for usd in ("0.50", "1.00"):
        asks.chat("Hello")
        sees.wait_notification(STATUS, today(usd))
    status = sees.wait_notification(STATUS, today("1.00"))
    assert status["message"] == "ready; 83 % of the daily budget is spent"
    budgets = [(one["name"], one["spentUsd"], one["step"], one["percent"]) for one in status["budgets"]]
    assert budgets == [("daily", "1.00", "warn", 83), ("weekly b", "0.00", "ok", 0)]
    asks.ghost(URI, 0, 4)
    settings(tmp_path, upstream)
    asks.chat("Hello")
    settings(tmp_path, upstream, more)
    asks.ghost(URI, 0, 4, AUTOMATIC)
    for client in (asks, sees):
        (warned,) = [text for text in messages(client) if "% of" in text]
        assert warned.startswith(
            "farebox: 83 % of the daily budget is spent. It is $1.20, set by [budgets] daily"
        )


def test_the_words_of_a_refusal_stay_while_the_money_changes(
    editor: Open, tmp_path: Path, upstream: Upstream
) -> None:
    more = f'[budgets.workspaces."{tmp_path / "a"}"]\nhourly_usd = 0.00000001\n'
    settings(tmp_path, upstream, more)
    refused, other = editor("a"), editor("b")
    with pytest.raises(Failed, match="budget"):
        refused.chat("Hello")
    before = refused.wait_notification(STATUS, state("budget"))
    other.chat("Hello")
    after = refused.wait_notification(STATUS, today("0.50"))
    assert (after["state"], after["message"]) == ("budget", before["message"])
    settings(tmp_path, upstream)
    refused.wait_notification(STATUS, lambda one: state("ready")(one) and today("0.50")(one))


def test_a_setting_that_is_corrected_clears_what_was_said_of_it(
    editor: Open, tmp_path: Path, upstream: Upstream
) -> None:
    client = editor("a")
    client.chat("Hello")
    client.wait_notification(STATUS, today("0.50"))
    (tmp_path / "config.toml").write_text("[budget]\n", "utf-8")
    told = client.wait_notification(STATUS, state("error"))
    assert ("unknown key budget" in told["message"], told["todayUsd"]) == (True, "0.50")
    before = len(client.notifications(STATUS))
    settings(tmp_path, upstream)
    client.wait_notification(STATUS, lambda _: len(client.notifications(STATUS)) > before)
    assert client.notifications(STATUS)[-1]["state"] == "ready"


def test_who_is_busy_or_in_trouble_sees_what_others_spend(editor: Open, upstream: Upstream) -> None:
    busy, failed, asks = editor("a"), editor("b"), editor("c")
    upstream.queue(Answer(hang=True), json_answer({"error": {"message": "no"}}, status=401))
    running = busy.ask("farebox/chat", {"text": "Hello"})
    assert upstream.wait_for(lambda: len(upstream.requests) == 1)
    with pytest.raises(Failed):
        failed.chat("Hello")
    asks.chat("Hello")
    assert busy.wait_notification(STATUS, today("0.50"))["state"] == "busy"
    assert failed.wait_notification(STATUS, today("0.50"))["state"] == "error"
    busy.cancel(running)
