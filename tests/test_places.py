"""Where things are: said by the environment, else by the platform; a workspace is found upward."""

from pathlib import Path

import pytest

from farebox.errors import ConfigError
from farebox.places import (
    WORKSPACE_FILE,
    config_file,
    data_folder,
    ledger_file,
    working_folder,
    workspace_of,
)


def test_folders_come_from_the_environment(tmp_path: Path):
    named = {"FAREBOX_HOME": str(tmp_path), "FAREBOX_CONFIG": str(tmp_path / "mine.toml")}
    assert data_folder(named) == tmp_path
    assert ledger_file(named) == tmp_path / "ledger.db"
    assert config_file(named) == tmp_path / "mine.toml"


def test_folders_come_from_the_platform_where_nobody_names_them():
    assert data_folder({}).name == "farebox"
    assert config_file({}).parts[-2:] == ("farebox", "config.toml")


@pytest.mark.parametrize("mark", [WORKSPACE_FILE, ".git"])
def test_the_nearest_marked_folder_upward_is_the_workspace(tmp_path: Path, mark: str):
    project = tmp_path / "project"
    below = project / "src" / "deep"
    below.mkdir(parents=True)
    assert workspace_of(below) == below
    (project / mark).touch()
    assert workspace_of(below) == project
    assert workspace_of(project) == project
    assert workspace_of(tmp_path) == tmp_path
    (below.parent / ".git").mkdir()
    assert workspace_of(below) == below.parent


def test_a_working_folder_that_was_deleted_is_said_to_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    with pytest.raises(ConfigError, match="the working folder was deleted"):
        working_folder()
