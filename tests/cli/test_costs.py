"""``farebox costs``: one report in four forms, with the exact figures of the ledger."""

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from farebox.report.shapes import ReportShape
from support.command import run_farebox, terminal
from support.environment import clean_environment
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, openrouter_stream


def run(folder: Path, *arguments: str, at: Path | None = None) -> subprocess.CompletedProcess[str]:
    return run_farebox(folder, *arguments, at=at)


@pytest.fixture(scope="module")
def spent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where two questions were asked: one whose cost was reported, one whose price is unknown."""
    folder = tmp_path_factory.mktemp("spent")
    with Upstream.in_thread() as upstream:
        usage = {"prompt_tokens": 30, "completion_tokens": 8}
        for one in ({**usage, "cost": 0.000213}, usage):
            upstream.queue(Answer(body=openrouter_stream("Hi", one), content_type="text/event-stream"))
        config = f'[providers.box]\nbase_url = "{upstream.base_url}"\n'
        (folder / "config.toml").write_text(config, "utf-8")
        for model in ("box/priced", "box/mystery"):
            assert run(folder, "chat", "hi", "--model", model).returncode == 0
    return folder


def test_the_table_has_both_and_says_what_is_missing(spent: Path):
    done = run(spent, "costs")
    assert (done.returncode, done.stderr) == (0, "")
    assert "$0.000213 + ?" in done.stdout
    assert "1 request with an unknown price" in done.stdout
    assert "box/mystery" in done.stdout


def test_json_is_the_report_of_the_protocol(spent: Path):
    done = run(spent, "costs", "--since", "today", "--by", "model, task", "--format", "json")
    table = json.loads(done.stdout)
    assert ReportShape.model_validate(table).json_value() == table
    assert table["by"] == ["model", "task"]
    rows = {row["model"]: (row["usd"], row["inputTokens"], row["task"]) for row in table["rows"]}
    assert rows == {"box/priced": ("0.000213", 30, "chat"), "box/mystery": (None, 30, "chat")}
    assert table["total"]["basis"] == {"reported": 1, "computed": 0, "estimated": 0, "unknown": 1}


def test_csv_has_a_line_for_each_row(spent: Path):
    done = run(spent, "costs", "--by", "client,workspace,model", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["model"], row["usd"], row["unknown"]) for row in rows] == [
        ("box/mystery", "", "1"),
        ("box/priced", "0.000213", "0"),
    ]
    assert {row["client"] for row in rows} == {"command line"}
    assert {row["workspace"] for row in rows} == {str(spent)}


def test_the_costs_of_each_language_can_be_asked_for(spent: Path):
    done = run(spent, "costs", "--by", "language", "--format", "json")
    assert done.returncode == 0, done.stderr
    assert [row["language"] for row in json.loads(done.stdout)["rows"]] == [None]


def test_a_page_goes_into_a_pipe_with_the_figures_of_the_report(spent: Path):
    done = run(spent, "costs", "--format", "html")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("<!doctype html>")
    assert done.stdout.endswith("</html>\n")
    assert "mystery" in done.stdout
    assert "0.000213" in done.stdout


@pytest.mark.skipif(os.name != "posix", reason="terminals as POSIX has them")
def test_a_page_is_not_written_over_a_terminal(spent: Path):
    arguments = [sys.executable, "-m", "farebox", "costs", "--format", "html"]
    with terminal() as (user, its):
        done = subprocess.run(
            arguments,
            env=clean_environment(spent),
            cwd=spent,
            stdout=its,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=WAIT_S,
            check=False,
        )
        os.set_blocking(user, False)
        with pytest.raises(BlockingIOError):
            os.read(user, 1)
    assert done.returncode == 2
    assert "farebox costs --format html --output costs.html" in done.stderr


@pytest.mark.parametrize("style", ["table", "json", "csv", "html"])
def test_any_format_goes_into_a_file_as_it_would_be_printed(spent: Path, tmp_path: Path, style: str):
    arguments = ("costs", "--since", "2026-01-01", "--format", style)
    done = run(spent, *arguments, "--output", str(tmp_path / "costs"))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert (tmp_path / "costs").read_bytes().decode() == run(spent, *arguments).stdout
    assert [file.name for file in tmp_path.iterdir()] == ["costs"]


@pytest.mark.parametrize("style", ["table", "html"])
def test_a_dash_for_a_file_is_standard_output(spent: Path, style: str):
    done = run(spent, "costs", "--since", "2026-01-01", "--format", style, "--output", "-")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == run(spent, "costs", "--since", "2026-01-01", "--format", style).stdout
    assert not (spent / "-").exists()


def test_the_workspace_is_named_in_what_is_printed(spent: Path):
    assert run(spent, "costs", "--workspace", ".").stdout.startswith(f"Costs of {spent} since")
    done = run(spent, "costs", "--workspace", ".", "--format", "json")
    assert json.loads(done.stdout)["workspace"] == str(spent)
    assert json.loads(run(spent, "costs", "--format", "json").stdout)["workspace"] is None


def test_a_broken_config_says_why_there_are_no_budgets(tmp_path: Path):
    (tmp_path / "config.toml").write_text("[budgets]\ndaily_us = 5\n", "utf-8")
    done = run(tmp_path, "costs")
    assert done.returncode == 0
    assert "budgets are not shown: " in done.stdout
    error = json.loads(run(tmp_path, "costs", "--format", "json").stdout)["budgetsError"]
    assert error.endswith("config.toml, line 2: unknown key budgets.daily_us")


def test_a_file_that_cannot_be_written_is_named(spent: Path):
    done = run(spent, "costs", "--format", "csv", "--output", "no/such/folder/costs.csv")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no folder 'no/such/folder'" in done.stderr


@pytest.mark.parametrize(
    "name", [".", "..", "~/project", "{folder}/project/", "../../link/src", "{folder}/link"]
)
def test_a_workspace_may_be_named_in_any_way_that_leads_to_it(tmp_path: Path, name: str):
    project = tmp_path / "project"
    (project / ".git").mkdir(parents=True)
    (project / "src").mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "link").symlink_to(project, target_is_directory=True)
    with Upstream.in_thread() as upstream:
        stream = openrouter_stream("Hi", {"prompt_tokens": 30, "completion_tokens": 8, "cost": 0.000213})
        upstream.answer("/v1/chat/completions", Answer(body=stream, content_type="text/event-stream"))
        config = f'[providers.box]\nbase_url = "{upstream.base_url}"\n'
        (tmp_path / "config.toml").write_text(config, "utf-8")
        for folder in (project, tmp_path / "other"):
            assert run(tmp_path, "chat", "hi", "--model", "box/priced", at=folder).returncode == 0
    named = name.format(folder=tmp_path)
    arguments = ("costs", "--by", "workspace", "--format", "csv", "--workspace", named)
    done = run(tmp_path, *arguments, at=project / "src")
    rows = list(csv.DictReader(io.StringIO(done.stdout)))
    assert [(row["workspace"], row["requests"]) for row in rows] == [(str(project), "1")]
    assert done.stderr == (
        "" if named in ("..", "~/project", f"{project}/") else f"costs of the workspace {project}\n"
    )


def test_a_workspace_without_a_cost_has_none(spent: Path):
    (spent / "sub" / ".git").mkdir(parents=True)
    done = run(spent, "costs", "--workspace", "sub")
    assert (done.returncode, done.stderr) == (0, "")
    assert f"No requests of {spent / 'sub'} since" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--since", "sometime"], "'sometime' is no moment in time", id="since"),
        pytest.param(["--by", "mood"], "can't be grouped by 'mood'", id="by"),
        pytest.param(["--by", ""], "can't be grouped by nothing", id="by-nothing"),
        pytest.param(["--by", " , "], "can't be grouped by nothing", id="by-commas"),
        pytest.param(["--since", "today", "--until", "yesterday"], "no time between", id="backwards"),
        pytest.param(["--since", ""], "'' is no moment in time", id="since-nothing"),
        pytest.param(["--workspace", ""], "empty name", id="no-workspace"),
        pytest.param(["--output", ""], "no file has an empty name", id="no-file"),
        pytest.param(["--format", "html", "--by", "model"], "--by has no place", id="page-by-one"),
        pytest.param(["--workspace", "~nobody-of-that-name/x"], "names no folder", id="nobodys-home"),
    ],
)
def test_what_cannot_be_asked_is_said(refusal: Callable[..., str], arguments: list[str], words: str):
    assert words in refusal("costs", *arguments)
