"""``farebox status``: a line for a prompt, whatever the state of things."""

import json
import os
import re
import sqlite3
import subprocess
import sys
import time
from collections.abc import Callable
from contextlib import closing
from datetime import datetime
from pathlib import Path

import pytest

from farebox.ledger.records import Hold, Settlement
from farebox.ledger.schema import MIGRATIONS, migrate
from farebox.ledger.store import Ledger
from farebox.messages import Cost, Target, Usage
from support.command import read_until, run_farebox, terminal
from support.environment import clean_environment
from support.patience import WAIT_S
from support.programs import program

NEVER_IMPORTED = (
    "asyncio",
    "farebox.app",
    "farebox.catalog",
    "farebox.config",
    "farebox.prices",
    "genai_prices",
    "httpx2",
    "pydantic",
    "pygls",
    "rich",
)


def run(folder: Path, *arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run_farebox(folder, "status", *arguments, at=at)


async def spend(folder: Path, nanodollars: int, *, workspace: str | None = None) -> None:
    """Write one request of just now that has cost so much."""
    ledger = Ledger(folder / "farebox" / "ledger.db")
    target, call_id = Target("openai", "gpt"), f"c{nanodollars}"
    now_ms = time.time_ns() // 1_000_000
    await ledger.hold(Hold(call_id, call_id, 1, "chat", target, 1, now_ms, workspace=workspace), ())
    ledger.settle(Settlement(call_id, "ok", Usage(), Cost(nanodollars, "reported")))
    await ledger.close()


def test_before_anything_was_spent_it_says_so_and_creates_nothing(tmp_path: Path):
    done = run(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, "$0.00 today\n", "")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("nanodollars", "text"),
    [(420_000_000, "$0.42"), (12_345_678_901, "$12.35"), (1, "<$0.01"), (5_000_001, "$0.01"), (0, "$0.00")],
)
async def test_amounts_are_in_cents(tmp_path: Path, nanodollars: int, text: str):
    await spend(tmp_path, nanodollars)
    assert run(tmp_path).stdout == f"{text} today\n"


async def test_the_budget_that_is_nearest_to_its_limit_is_shown(tmp_path: Path):
    await spend(tmp_path, 420_000_000)
    (tmp_path / "config.toml").write_text("[budgets]\ndaily_usd = 5\nmonthly_usd = 100\n", "utf-8")
    done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "$0.42 today · 8 % of $5.00 daily\n"


async def test_the_current_folder_is_the_workspace_whose_budgets_count(tmp_path: Path):
    await spend(tmp_path, 500_000_000)
    project = tmp_path / "project"
    (project / "src").mkdir(parents=True)
    (project / ".farebox.toml").write_text("[budgets]\ndaily_usd = 1\n", "utf-8")
    assert run(tmp_path, at=project / "src").stdout == "$0.50 today · 50 % of $1.00 daily\n"
    assert run(tmp_path).stdout == "$0.50 today\n"


async def test_json_has_every_amount_exactly(tmp_path: Path):
    await spend(tmp_path, 420_000_001)
    (tmp_path / "config.toml").write_text("[budgets]\ndaily_usd = 0.5\n", "utf-8")
    value = json.loads(run(tmp_path, "--json").stdout)
    (budget,) = value.pop("budgets")
    assert value == {
        "todayUsd": "0.420000001",
        "monthUsd": "0.420000001",
        "requestsToday": 1,
        "heldUsd": "0.00",
        "unwritten": {"requests": 0, "usd": "0.00"},
        "damages": [],
    }
    resets_at = budget.pop("resetsAt")
    assert datetime.fromisoformat(resets_at) > datetime.now().astimezone()
    assert budget == {
        "name": "daily",
        "limitUsd": "0.50",
        "spentUsd": "0.420000001",
        "heldUsd": "0.00",
        "percent": 84,
        "step": "warn",
        "usedUp": False,
        "unchecked": False,
    }


@pytest.mark.parametrize(
    ("config", "words"),
    [
        pytest.param("daily_usd = 0\nmonthly_usd = 10", "4 % of $10.00 monthly", id="a-ban-is-not-near"),
        pytest.param("daily_usd = 0", "daily budget: nothing that costs money may be sent", id="only-a-ban"),
        pytest.param("daily_usd = 0.5", "84 % of $0.50 daily", id="nearly"),
        pytest.param(
            "daily_usd = 0.4",
            "105 % of $0.40 daily: used up: nothing that costs money is sent any more",
            id="used-up",
        ),
        pytest.param(
            "daily_usd = 1\n[budgets.ladder]\ncheaper = 40",
            "42 % of $1.00 daily: auto takes cheaper models",
            id="a-rung",
        ),
    ],
)
async def test_a_budget_says_what_follows_from_it(tmp_path: Path, config: str, words: str):
    await spend(tmp_path, 420_000_000)
    (tmp_path / "config.toml").write_text(f"[budgets]\n{config}\n", "utf-8")
    done = run(tmp_path)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"$0.42 today · {words}\n", "")


async def test_what_a_damage_may_have_lost_is_a_mark_and_a_word(tmp_path: Path):
    await spend(tmp_path, 420_000_000)
    with closing(sqlite3.connect(tmp_path / "farebox" / "ledger.db")) as connection, connection:
        connection.execute(
            "INSERT INTO damages (at_ms, file, saved_calls) VALUES (?, 'ledger.db', 123)",
            (time.time_ns() // 1_000_000,),
        )
    assert run(tmp_path).stdout == "$0.42 + ? today · ledger damaged\n"
    (tmp_path / "config.toml").write_text("[budgets]\ndaily_usd = 5\n", "utf-8")
    assert run(tmp_path).stdout == (
        "$0.42 + ? today · ledger damaged · daily budget: can't be checked: the ledger was damaged\n"
    )
    assert run(tmp_path, "--format", "{today} {month}").stdout == "$0.42 + ? $0.42 + ?\n"
    value = json.loads(run(tmp_path, "--json").stdout)
    (damage,) = value["damages"]
    assert (damage["file"], damage["savedCalls"]) == ("ledger.db", 123)
    assert datetime.fromisoformat(damage["at"]) <= datetime.now().astimezone()
    assert value["budgets"][0]["unchecked"] is True


async def test_a_budget_of_a_provider_that_is_none_is_no_budget(tmp_path: Path):
    await spend(tmp_path, 420_000_000)
    (tmp_path / "config.toml").write_text("[budgets.providers.opanai]\ndaily_usd = 5\n", "utf-8")
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (1, "$0.42 today · budgets ?\n")
    assert "there is no provider opanai" in done.stderr
    (tmp_path / "config.toml").write_text("[budgets.providers.openai]\ndaily_usd = 5\n", "utf-8")
    assert run(tmp_path).stdout == "$0.42 today · 8 % of $5.00 daily openai\n"


async def test_a_line_of_ones_own_has_what_is_asked_for(tmp_path: Path):
    await spend(tmp_path, 420_000_000)
    done = run(tmp_path, "--format", "{{{today}}} {month} {requests}x {held} [{budget}]")
    assert done.stdout == "{$0.42} $0.42 1x $0.00 []\n"


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{today} {tomorrow}", "there is no {tomorrow} in a status"),
        ("{}", "there is no {} in a status"),
        ("{today.__class__}", "there is no {today.__class__} in a status"),
        ("{today!r}", "there is no {today!r} in a status"),
        ("{today:>9}", "there is no {today:>9} in a status"),
        ("{today", "a brace in the format is not closed"),
    ],
)
def test_what_a_line_cannot_have_is_refused(refusal: Callable[..., str], line: str, words: str):
    said = refusal("status", "--format", line)
    assert words in said
    assert "Use {today} {month} {requests} {held} {budget}." in said or "Write {{" in said


def test_a_ledger_that_cannot_be_read_is_a_mark_and_a_reason(tmp_path: Path):
    path = tmp_path / "farebox" / "ledger.db"
    path.parent.mkdir()
    path.write_text("no database, and long enough to be taken for one " * 20, "utf-8")
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (1, "$? today\n")
    assert done.stderr.startswith(f"farebox: the ledger {path} can't be read: ")
    done = run(tmp_path, "--json")
    assert done.returncode == 1
    assert set(json.loads(done.stdout).values()) == {None}
    assert path.read_text("utf-8").startswith("no database")


async def test_budgets_that_cannot_be_read_hide_no_amount(tmp_path: Path):
    await spend(tmp_path, 420_000_000)
    (tmp_path / "config.toml").write_text("[budgets]\ndaily_us = 5\n", "utf-8")
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (1, "$0.42 today · budgets ?\n")
    assert "unknown key budgets.daily_us" in done.stderr
    value = json.loads(run(tmp_path, "--json").stdout)
    assert (value["todayUsd"], value["budgets"]) == ("0.42", None)


def test_an_older_ledger_is_brought_up_to_date(tmp_path: Path):
    path = tmp_path / "farebox" / "ledger.db"
    path.parent.mkdir()
    connection = sqlite3.connect(path)
    migrate(connection, last=len(MIGRATIONS) - 1)
    connection.close()
    assert run(tmp_path).stdout == "$0.00 today\n"
    assert run(tmp_path).stdout == "$0.00 today\n"


async def test_it_imports_nothing_that_a_prompt_would_have_to_wait_for(tmp_path: Path):
    await spend(tmp_path, 420_000_000)
    (tmp_path / "config.toml").write_text('[tasks]\nchat = "auto"\n', "utf-8")
    code = f"""
import sys
from farebox.cli.main import main
sys.argv = ["farebox", "status"]
code = main()
print([name for name in {NEVER_IMPORTED} if name in sys.modules])
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=clean_environment(tmp_path),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT_S,
    )
    assert done.stdout == "$0.42 today\n[]\n"


def snippet(name: str) -> str:
    """Return what the README says to put into a program's settings."""
    readme = (Path(__file__).parents[2] / "README.md").read_text("utf-8")
    (found,) = re.findall(rf"^- \*\*{name}\*\*.*?: `(.+)`$", readme, re.MULTILINE)
    return found


def with_farebox(folder: Path) -> dict[str, str]:
    environment = clean_environment(folder)
    return environment | {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{environment['PATH']}"}


async def with_budget(folder: Path) -> None:
    await spend(folder, 420_000_000)
    (folder / "config.toml").write_text("[budgets]\ndaily_usd = 5\n", "utf-8")


async def test_the_readmes_line_for_tmux_shows_it(tmp_path: Path):
    await with_budget(tmp_path)
    (tmp_path / "tmux.conf").write_text(snippet("tmux") + "\n", "utf-8")
    tmux = [program("tmux"), "-u", "-S", str(tmp_path / "s"), "-f", str(tmp_path / "tmux.conf")]
    environment = with_farebox(tmp_path) | {"TERM": "xterm"}
    with terminal() as (users, processes):
        shown = subprocess.Popen(
            [*tmux, "new-session", "-x", "80", "-y", "10"],
            env=environment,
            cwd=tmp_path,
            stdin=processes,
            stdout=processes,
            stderr=processes,
            start_new_session=True,
        )
        try:
            with os.fdopen(os.dup(users), encoding="utf-8") as screen:
                assert "$0.42 today · 8 % of $5.00 daily" in read_until(screen, "5.00 daily")
        finally:
            subprocess.run([*tmux, "kill-server"], env=environment, check=False, timeout=WAIT_S)
            shown.wait(WAIT_S)


async def test_the_readmes_line_for_zsh_shows_it(tmp_path: Path):
    await with_budget(tmp_path)
    line = snippet("zsh")
    done = subprocess.run(
        [program("zsh"), "-f", "-c", f'{line}; precmd; print -rP "$RPROMPT"'],
        env=with_farebox(tmp_path) | {"LC_ALL": "C.UTF-8"},  # else zsh writes it in ASCII
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert (done.stdout, done.stderr) == ("$0.42 today · 8 % of $5.00 daily\n", "")
