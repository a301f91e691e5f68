"""The [budgets] table: what it may say, and whose ceilings count."""

from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from farebox.budget_settings import PERIODS, Budgets, Ceilings, Ladder, TaskBudgets, WorkspaceBudgets
from farebox.errors import ConfigError
from farebox.messages import Task
from support.settings import check

ALL = """
[budgets]
hourly_usd = 1
daily_usd = 5
weekly_usd = 20
monthly_usd = 50
request_usd = 0.5
[budgets.tasks.complete]
hourly_usd = 0.25
[budgets.providers.openrouter]
monthly_usd = 30
[budgets.workspaces."/src/acme/"]
daily_usd = 2
[budgets.workspaces."*"]
weekly_usd = 9
[budgets.ladder]
warn = 50
cheaper = 60
local = 60
stop = 100
"""


def test_everything_that_can_be_set_is_read(user_file: Path):
    budgets = check(user_file, ALL).budgets
    assert [getattr(budgets.own, period) for period in PERIODS] == [1, 5, 20, 50]
    assert budgets.request_usd == Decimal("0.5")
    assert budgets.of_tasks == (("complete", Ceilings(hourly_usd=Decimal("0.25"))),)
    assert budgets.providers == {"openrouter": Ceilings(monthly_usd=Decimal(30))}
    assert budgets.ladder == Ladder(warn=50, cheaper=60, local=60, stop=100)


def test_two_names_of_one_folder_are_refused(user_file: Path, tmp_path: Path):
    (tmp_path / "link").symlink_to(tmp_path)
    tables = f'[budgets.workspaces."{tmp_path}"]\n[budgets.workspaces."{tmp_path}/link"]\n'
    with pytest.raises(ConfigError, match=r"link are one folder: keep one of their tables"):
        check(user_file, tables)


def test_there_is_a_table_for_every_task():
    assert tuple(TaskBudgets.model_fields) == get_args(Task)


def test_without_a_ladder_one_is_warned_and_that_is_all(user_file: Path):
    assert check(user_file, "[budgets]\ndaily_usd = 5\n").budgets.ladder == Ladder(
        warn=80, cheaper=None, local=None, stop=None
    )


def test_a_workspace_goes_by_its_own_table_or_else_by_that_of_each(user_file: Path):
    budgets = check(user_file, ALL).budgets
    assert budgets.of_workspace("/src/acme") == Ceilings(daily_usd=Decimal(2))
    assert budgets.of_workspace("/src/other") == Ceilings(weekly_usd=Decimal(9))
    assert budgets.workspace_key("/src/other") == "*"


def test_a_workspace_may_be_written_as_below_the_users_home(user_file: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("HOME", "/Users/me")
    monkeypatch.setenv("USERPROFILE", "/Users/me")
    budgets = check(user_file, '[budgets.workspaces."~/acme"]\ndaily_usd = 2\n').budgets
    assert list(budgets.workspaces) == [str(Path("/Users/me/acme"))]


@pytest.mark.parametrize(
    ("text", "has_ceilings"),
    [
        ("", False),
        ("[budgets]\nrequest_usd = 1\n[budgets.ladder]\nstop = 90\n[budgets.providers.x]\n", False),
        ("[budgets]\nweekly_usd = 1\n", True),
        ("[budgets.tasks.chat]\nweekly_usd = 1\n", True),
        ("[budgets.providers.x]\nweekly_usd = 1\n", True),
        ('[budgets.workspaces."*"]\nweekly_usd = 0\n', True),
    ],
)
def test_one_can_tell_at_once_whether_there_is_anything_to_keep_to(
    user_file: Path, text: str, *, has_ceilings: bool
):
    assert check(user_file, text).budgets.has_ceilings is has_ceilings


@pytest.mark.parametrize(
    ("rungs", "words"),
    [
        pytest.param("local = 80\ncheaper = 90", "local = 80 can't come before cheaper = 90", id="two"),
        pytest.param("warn = 90\nstop = 80", "stop = 80 can't come before warn = 90", id="with-a-gap"),
        pytest.param("stop = 101", "less than or equal to 100", id="beyond-all"),
        pytest.param("warn = 0", "greater than or equal to 1", id="of-nothing"),
    ],
)
def test_a_ladder_must_lead_upward(user_file: Path, rungs: str, words: str):
    with pytest.raises(ConfigError) as raised:
        check(user_file, f"[budgets.ladder]\n{rungs}\n")
    assert "budgets.ladder" in raised.value.message
    assert words in raised.value.message


def test_a_rung_below_the_one_that_nobody_has_set_is_no_mistake(user_file: Path):
    assert check(user_file, "[budgets.ladder]\ncheaper = 50\n").budgets.ladder.cheaper == 50


@pytest.mark.parametrize("name", ["acme", "", "./acme", "**"])
def test_a_workspace_without_a_full_path_is_refused(user_file: Path, name: str):
    with pytest.raises(ConfigError, match="write its folder in full") as raised:
        check(user_file, f'[budgets.workspaces."{name}"]\ndaily_usd = 2\n')
    assert "budgets.workspaces" in raised.value.message


def test_a_workspaces_own_table_does_not_undo_that_of_each():
    each = Budgets(workspaces={"*": Ceilings(daily_usd=Decimal(2))})
    own = WorkspaceBudgets(workspaces={"/w": Ceilings(daily_usd=Decimal(9), hourly_usd=Decimal(1))})
    assert each.tightened(own).of_workspace("/w") == Ceilings(daily_usd=Decimal(2), hourly_usd=Decimal(1))


def test_a_workspace_that_names_no_rung_leaves_the_users():
    ladder = Ladder(warn=95, stop=100)
    assert Budgets(ladder=ladder).tightened(WorkspaceBudgets()).ladder == ladder


def test_equal_budgets_are_one_key_of_a_cache(user_file: Path):
    first, second = check(user_file, ALL).budgets, check(user_file, ALL).budgets
    assert first is not second
    assert {first: "known"}[second] == "known"
