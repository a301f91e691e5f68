"""``farebox route``: where a question would go, without asking anyone."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from farebox.cli.main import main
from farebox.shapes import RouteShape
from support.environment import clean_environment
from support.upstream import Upstream


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "farebox", "route", *arguments],
        env=clean_environment(folder),
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def a_chain(folder: Path, address: str) -> None:
    config = f'[tasks]\nchat = ["openai/gpt-5", "box/m", "box/n"]\n[providers.box]\nbase_url = "{address}"\n'
    (folder / "config.toml").write_text(config, "utf-8")


def test_it_says_where_why_and_what_else(tmp_path: Path):
    with Upstream.in_thread() as upstream:
        a_chain(tmp_path, upstream.base_url)
        done = run(tmp_path, "how", "are", "you?")
        assert upstream.connections == 0
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "box/m: set for the task chat",
        "  dropped   openai/gpt-5  no key for openai",
        "  chosen    box/m         set for the task chat",
        "  fallback  box/n         set for the task chat",
    ]


def test_json_is_the_route_of_the_protocol(tmp_path: Path):
    a_chain(tmp_path, "http://127.0.0.1:9/v1")
    done = run(tmp_path, "--json", "--task", "complete", "--model", "box/fast")
    table = json.loads(done.stdout)
    assert RouteShape.model_validate(table).json_value() == table
    assert (table["task"], table["model"], table["requested"]) == ("complete", "box/fast", "box/fast")
    assert "attempts" not in table


def test_a_task_that_is_none_is_said_with_those_that_are(capsys: pytest.CaptureFixture[str]):
    assert main(["route", "--task", "sing"]) == 1
    assert capsys.readouterr().err.startswith("farebox: there is no task sing\n  Tasks: chat, complete,")
