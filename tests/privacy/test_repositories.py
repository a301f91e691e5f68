"""Where a repository's own list is, and that its files lead to no other machine."""

import os
from pathlib import Path

import pytest

from farebox.privacy.repositories import MAX_POINTER_BYTES, exclude_file


def pointing(folder: Path, text: str) -> str | None:
    (folder / ".git").write_text(text, "utf-8")
    found = exclude_file(str(folder))
    return os.path.normpath(found) if found is not None else None


def test_a_folder_without_a_repository_has_none(tmp_path: Path):
    assert exclude_file(str(tmp_path)) is None
    (tmp_path / ".git").mkdir()
    assert exclude_file(str(tmp_path)) == str(tmp_path / ".git" / "info" / "exclude")


def test_a_worktree_shares_the_list_of_its_clone_and_a_submodule_has_its_own(tmp_path: Path):
    git = tmp_path / "main" / ".git"
    (git / "worktrees" / "w").mkdir(parents=True)
    (git / "worktrees" / "w" / "commondir").write_text("../..\n", "utf-8")
    (tmp_path / "w").mkdir()
    assert pointing(tmp_path / "w", f"gitdir: {git / 'worktrees' / 'w'}\n") == str(git / "info" / "exclude")
    module = git / "modules" / "m" / "info" / "exclude"
    assert pointing(tmp_path / "w", "gitdir: ../main/.git/modules/m\n") == str(module)


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("gitdir: //host/share/x", id="a-share"),
        pytest.param("gitdir: \\\\host\\share\\x", id="a-share-as-windows-writes-it"),
        pytest.param("gitdir: \\/host/share", id="a-share-spelled-both-ways"),
        pytest.param("gitdir:", id="nothing"),
        pytest.param("elsewhere", id="no-pointer"),
        pytest.param("gitdir: a\ngitdir: b", id="two-lines"),
        pytest.param("gitdir: a\0b", id="nul"),
        pytest.param("gitdir: " + "a" * MAX_POINTER_BYTES, id="long"),
    ],
)
def test_a_pointer_that_is_none_or_leads_to_another_machine_is_not_followed(tmp_path: Path, text: str):
    assert pointing(tmp_path, text) is None


def test_nor_is_one_from_there_on(tmp_path: Path):
    (tmp_path / "git").mkdir()
    (tmp_path / "git" / "commondir").write_text("//host/share\n", "utf-8")
    assert pointing(tmp_path, "gitdir: git\n") == str(tmp_path / "git" / "info" / "exclude")
