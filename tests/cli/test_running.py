"""The workspaces of a command: a workspace's rules hold from its sub-folders and from above it."""

import subprocess
from pathlib import Path

import pytest

from farebox.app import App
from farebox.cli.running import with_app
from farebox.config import WORKSPACE_FILE
from support.command import run_farebox


@pytest.fixture
def below(tmp_path: Path) -> Path:
    """Return a folder two levels below a workspace's."""
    folder = tmp_path / "project" / "src" / "deep"
    folder.mkdir(parents=True)
    return folder


def run(folder: Path, home: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_farebox(home, *arguments, at=folder)


def test_a_files_workspace_comes_first_and_the_current_folders_holds_too(
    tmp_path: Path, below: Path, monkeypatch: pytest.MonkeyPatch
):
    (tmp_path / "project" / ".git").mkdir()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)

    async def roots(app: App) -> tuple[str, ...]:
        return app.client.roots

    assert with_app(roots) == (str(elsewhere),)
    file = Path("..") / "project" / "src" / "x.py"
    assert with_app(roots, file=file) == (str(tmp_path / "project"), str(elsewhere))
    monkeypatch.chdir(below)
    assert with_app(roots, file=Path("x.py")) == (str(tmp_path / "project"),)


@pytest.mark.parametrize(
    ("folder", "place"),
    [
        pytest.param("project", "src/deep/x.py:1:1", id="in-the-workspace"),
        pytest.param("project/src/deep", "x.py:1:1", id="below"),
        pytest.param(".", "project/src/deep/x.py:1:1", id="above"),
    ],
)
def test_the_rules_of_a_files_workspace_hold_from_wherever_it_is_named(
    tmp_path: Path, below: Path, folder: str, place: str
):
    (below / "x.py").write_text("x", "utf-8")
    assert "no model provider is set up" in run(tmp_path / folder, tmp_path, "complete", place).stderr
    (tmp_path / "project" / WORKSPACE_FILE).write_text("[budgets]\ndaily_us = 1", "utf-8")
    done = run(tmp_path / folder, tmp_path, "complete", place)
    assert done.returncode == 1
    assert "unknown key budgets.daily_us" in done.stderr


def test_a_workspaces_rules_hold_for_a_question_from_below(tmp_path: Path, below: Path):
    (tmp_path / "project" / WORKSPACE_FILE).write_text("[privacy]\nlocal_only = true", "utf-8")
    (tmp_path / "config.toml").write_text(
        '[tasks]\nchat = "box/m"\n[providers.box]\nbase_url = "http://a.test/v1"'
    )
    done = run(below, tmp_path, "chat", "hello")
    assert done.returncode == 1
    assert "local-only mode is on" in done.stderr
