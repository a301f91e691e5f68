"""Where a repository's own list is, and that its files lead to no other machine."""

import os
from pathlib import Path

import pytest

from farebox.privacy.repositories import MAX_POINTER_BYTES, exclude_file, list_for_all


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


# --- the user's list for all repositories ----------------------------------------------------------


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    for name in ("GIT_CONFIG_GLOBAL", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    return Path(os.path.realpath(tmp_path))


def test_the_users_list_is_where_git_looks_for_it(home: Path, monkeypatch: pytest.MonkeyPatch):
    assert list_for_all() == str(home / ".config" / "git" / "ignore")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(home / "settings"))
    assert list_for_all() == str(home / "settings" / "git" / "ignore")


@pytest.mark.parametrize(
    ("settings", "name"),
    [
        pytest.param("[core]\n\texcludesFile = ~/mine\n", "mine", id="from-home"),
        pytest.param("[CORE]\nEXCLUDESFILE=~/mine ; as ever\n", "mine", id="in-any-case-with-a-comment"),
        pytest.param('[core] excludesfile = "~/my \\"list\\"" # as ever\n', 'my "list"', id="quoted"),
        pytest.param("[core]\nexcludesfile = ~/a\nexcludesfile = ~/mine\n", "mine", id="the-last-one"),
        pytest.param("[user]\nname = A\n[core]\nexcludesfile = ~/mine\r\n", "mine", id="below-another"),
        pytest.param("\ufeff[core]\nexcludesfile = ~/mine\n", "mine", id="a-byte-order-mark"),
        pytest.param('[core]\nexcludesfile = ~/"mi;n"e\n', "mi;ne", id="partly-quoted"),
        pytest.param("[core]\nexcludesfile = ~/mi\\\nne\n", "mine", id="on-two-lines"),
        pytest.param('[core]\nexcludesfile = ~/a \\"b\\"\n', 'a "b"', id="escaped"),
        pytest.param("[core]\nexcludesfile = ~/mi\u2028ne\n", "mi\u2028ne", id="what-ends-no-line"),
    ],
)
def test_gits_settings_name_it(home: Path, settings: str, name: str):
    (home / ".gitconfig").write_text(settings, "utf-8", newline="\n")
    assert list_for_all() == str(home / name)


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param("[other]\nexcludesfile = ~/mine\n", id="of-another-section"),
        pytest.param('[alias "core"]\nexcludesfile = ~/mine\n', id="of-a-part-of-another"),
        pytest.param('[core "x"]\nexcludesfile = ~/mine\n', id="of-a-part-of-it"),
        pytest.param("[core]\na = \\\nexcludesfile = ~/mine\n", id="in-the-value-of-another"),
        pytest.param("[" + " " * 200_000 + "\n", id="endless"),
        pytest.param("[core]\n# excludesfile = ~/mine\n", id="a-comment"),
        pytest.param("[core\nexcludesfile\n", id="broken"),
    ],
)
def test_what_does_not_name_it_leaves_it_where_it_is(home: Path, settings: str):
    (home / ".gitconfig").write_text(settings, "utf-8")
    assert list_for_all() == str(home / ".config" / "git" / "ignore")


@pytest.mark.parametrize("said", ["", "~/mi\0ne", "~mi\0ne/list"])
def test_nobody_has_one_who_says_so_or_names_none(home: Path, said: str):
    (home / ".gitconfig").write_text(f"[core]\nexcludesfile ={said}\n", "utf-8")
    assert list_for_all() is None


def test_a_relative_path_is_one_from_the_top(home: Path):
    (home / ".gitconfig").write_text("[core]\nexcludesfile = mine\n", "utf-8")
    assert list_for_all() == "mine"


def test_an_empty_name_of_the_settings_means_none(home: Path, monkeypatch: pytest.MonkeyPatch):
    (home / ".gitconfig").write_text("[core]\nexcludesfile = ~/mine\n", "utf-8")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "")
    assert list_for_all() == str(home / ".config" / "git" / "ignore")


def test_a_link_is_followed_and_a_list_can_be_named_for_one_program(
    home: Path, monkeypatch: pytest.MonkeyPatch
):
    (home / "dotfiles").mkdir()
    (home / "dotfiles" / "ignore").write_text("*.mine\n", "utf-8")
    (home / "dotfiles" / "config").write_text("[core]\nexcludesfile = ~/link\n", "utf-8")
    try:
        (home / "link").symlink_to(home / "dotfiles" / "ignore")
        (home / "config").symlink_to(home / "dotfiles" / "config")
    except OSError:
        pytest.skip("this user may make no links")
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(home / "config"))
    assert list_for_all() == str(home / "dotfiles" / "ignore")
