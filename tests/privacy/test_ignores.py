"""What ignore files keep here: git's as git reads them, held against git itself; and ours."""

import os
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from farebox.privacy.ignore_lists import MAX_IGNORE_BYTES, MAX_IGNORE_LINES
from farebox.privacy.ignores import MAX_FOLDERS, Ignores
from farebox.privacy.names import plain

GIT = shutil.which("git")


def write(root: Path, files: Mapping[str, str]) -> None:
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8", newline="\n")


def rule(root: Path, name: str, *, gitignore: bool = True) -> str | None:
    return Ignores((str(root),), gitignore=gitignore).rule(plain(str(root / name)))


@pytest.mark.parametrize(
    ("files", "name", "expected"),
    [
        pytest.param({".gitignore": "*.local\n"}, "a.local", ".gitignore: *.local", id="a-name"),
        pytest.param({".gitignore": "*.local\n"}, "a/b/c.local", ".gitignore: *.local", id="anywhere-below"),
        pytest.param({".gitignore": "/a.py\n"}, "b/a.py", None, id="only-at-the-top"),
        pytest.param({".gitignore": "out/\n"}, "out/a/b.py", ".gitignore: out/", id="all-of-a-folder"),
        pytest.param({".gitignore": "OUT/\n"}, "out/a.py", ".gitignore: OUT/", id="in-any-case"),
        pytest.param({"b/.gitignore": "a.py\n"}, "b/c/a.py", "b/.gitignore: a.py", id="a-deeper-file"),
        pytest.param({"b/.gitignore": "a.py\n"}, "a.py", None, id="not-above-it"),
        pytest.param({".gitignore": "*.log\n", "b/.gitignore": "!a.log\n"}, "b/a.log", None, id="taken-back"),
        pytest.param(
            {".gitignore": "b/\n", "b/.gitignore": "!a.log\n"}, "b/a.log", ".gitignore: b/", id="no-way-back"
        ),
        pytest.param(
            {".gitignore": "!a.log\n", "b/.gitignore": "*.log\n"},
            "b/a.log",
            "b/.gitignore: *.log",
            id="deeper",
        ),
        pytest.param(
            {".git/info/exclude": "mine.py\n"}, "b/mine.py", ".git/info/exclude: mine.py", id="of-one-clone"
        ),
        pytest.param(
            {".git/info/exclude": "mine.py\n", ".gitignore": "!mine.py\n"}, "mine.py", None, id="a-file-wins"
        ),
        pytest.param({".gitignore": "a[[:digit:]].py\n"}, "a1.py", ".gitignore: a*.py", id="an-unknown-set"),
        pytest.param({".gitignore": "*.py\n!a[[:digit:]].py\n"}, "a1.py", ".gitignore: *.py", id="not-back"),
        pytest.param({".gitignore": "a\\\nb.py\r\n"}, "b.py", ".gitignore: b.py", id="a-broken-line"),
        pytest.param({".gitignore": "\ufeffa.py\n"}, "a.py", ".gitignore: a.py", id="a-byte-order-mark"),
        pytest.param({".gitignore": "a.py\n!a.py\na.py\n"}, "a.py", ".gitignore: a.py", id="the-last-counts"),
        pytest.param({".gitignore": "a.py\n!a.py\n"}, "a.py", None, id="the-last-takes-back"),
        pytest.param(
            {".gitignore": 'say "hi"\x1b\n'}, 'say "hi"\x1b', ".gitignore: say 'hi' ", id="on-one-line"
        ),
        pytest.param({".fareboxignore": "*.sql\n"}, "b/a.sql", ".fareboxignore: *.sql", id="ours"),
        pytest.param(
            {".fareboxignore": "*.sql\n", "b/.fareboxignore": "!a.sql\n", "b/.gitignore": "!a.sql\n"},
            "b/a.sql",
            ".fareboxignore: *.sql",
            id="ours-is-not-taken-back",
        ),
        pytest.param(
            {".gitignore": "*.sql\n", ".fareboxignore": "!a.sql\n"},
            "a.sql",
            ".gitignore: *.sql",
            id="nor-by-ours",
        ),
        pytest.param({".fareboxignore": "*.sql\n!a.sql\n"}, "a.sql", None, id="within-one-file"),
    ],
)
def test_a_rule_is_named_with_the_file_it_is_in(
    tmp_path: Path, files: dict[str, str], name: str, expected: str | None
):
    write(tmp_path, files)
    assert rule(tmp_path, name) == expected
    assert Ignores((str(tmp_path),)).rule(plain(name)) == expected, "a file without a folder"


def test_without_gitignore_only_ours_holds(tmp_path: Path):
    write(tmp_path, {".gitignore": "a.py\n", ".fareboxignore": "b.py\n", ".git/info/exclude": "c.py\n"})
    found = [rule(tmp_path, name, gitignore=False) for name in ("a.py", "b.py", "c.py")]
    assert found == [None, ".fareboxignore: b.py", None]


def test_the_repository_begins_above_an_opened_folder(tmp_path: Path):
    write(tmp_path, {".gitignore": "*.local\n", "sub/.git/HEAD": "x", "sub/.gitignore": "*.own\n"})
    deep = tmp_path / "sub" / "deep"
    deep.mkdir()
    assert rule(deep, "a.own") == "../.gitignore: *.own"
    assert rule(deep, "a.local") is None, "what is above the repository is none of ours"


def test_a_changed_file_holds_at_once(tmp_path: Path):
    write(tmp_path, {".gitignore": "a.py\n"})
    assert rule(tmp_path, "a.py") is not None
    write(tmp_path, {".gitignore": "b.py\n"})
    assert (rule(tmp_path, "a.py"), rule(tmp_path, "b.py")) == (None, ".gitignore: b.py")
    (tmp_path / ".gitignore").unlink()
    assert rule(tmp_path, "b.py") is None


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("x" * (MAX_IGNORE_BYTES + 1), id="bytes"),
        pytest.param("".join(f"a{number}\n" for number in range(5_000)), id="patterns"),
        pytest.param("".join(f"[a-z]*{number}\n" for number in range(600)), id="work"),
    ],
)
def test_what_cant_be_read_whole_keeps_all_below_it(tmp_path: Path, text: str):
    write(tmp_path, {"b/.gitignore": text})
    assert rule(tmp_path, "b/c/d.py") == "b/.gitignore: more than can be read in time"
    assert rule(tmp_path, "d.py") is None
    assert rule(tmp_path, "x/" * (MAX_FOLDERS + 2) + "a.py") == f"a file more than {MAX_FOLDERS} folders deep"


def test_all_files_on_a_way_share_one_bound(tmp_path: Path):
    half = "".join(f"a{number}\n" for number in range(MAX_IGNORE_LINES // 2))
    write(tmp_path, {".gitignore": half, "b/.gitignore": half, "b/c/.gitignore": "x\n"})
    assert rule(tmp_path, "b/d.py") is None
    assert rule(tmp_path, "b/c/d.py") == "b/c/.gitignore: more than can be read in time"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        pytest.param(b"a" * 201, "a line has more than 200 characters", id="long"),
        pytest.param(b"*a" * 33, "a line has more than 32 wildcards", id="wildcards"),
        pytest.param(b"geh\xe9im.py\n", "it is no text in UTF-8", id="latin"),
        pytest.param(b"a.py\0b.py\n", "it is no text in UTF-8", id="nul"),
        pytest.param("a.py\n".encode("utf-16-le"), "it is no text in UTF-8", id="utf-16-without-a-mark"),
    ],
)
@pytest.mark.parametrize("name", [".gitignore", ".fareboxignore", ".git/info/exclude"])
def test_a_line_that_cant_be_understood_keeps_all_below_it(
    tmp_path: Path, name: str, data: bytes, problem: str
):
    write(tmp_path, {name: ""})
    (tmp_path / name).write_bytes(b"b.py\n" + data)
    assert rule(tmp_path, "d.py") == f"{name}: {problem}"


def test_a_comment_may_hold_anything_and_a_windows_shell_may_write_the_file(tmp_path: Path):
    (tmp_path / ".gitignore").write_bytes(b"# geh\xe9im " + b"*=" * 300 + b"\na.py\n")
    assert (rule(tmp_path, "a.py"), rule(tmp_path, "b.py")) == (".gitignore: a.py", None)
    (tmp_path / ".gitignore").write_bytes("\ufeffa.py\r\n".encode("utf-16-le"))
    assert (rule(tmp_path, "a.py"), rule(tmp_path, "b.py")) == (".gitignore: a.py", None)


def test_a_file_outside_of_all_folders_has_the_rules_of_its_repository(tmp_path: Path):
    files = {"repo/.git/HEAD": "x", "repo/.gitignore": "*.local\n", "repo/sub/.fareboxignore": "own.py\n"}
    write(tmp_path, {**files, "alone/.fareboxignore": "mine.py\n", "ws/main.py": "x"})
    for roots in ((), (str(tmp_path / "ws"),)):
        found = [
            Ignores(roots).rule(plain(str(tmp_path / name)))
            for name in ("repo/sub/a.local", "repo/sub/own.py", "alone/mine.py", "repo/sub/a.py")
        ]
        assert found == [
            ".gitignore: *.local",
            "sub/.fareboxignore: own.py",
            ".fareboxignore: mine.py",
            None,
        ]


def test_the_list_of_one_clone_holds_in_its_worktrees_and_of_a_nested_one_too(tmp_path: Path):
    write(
        tmp_path,
        {
            "main/.git/info/exclude": "mine.py\n",
            "main/.git/worktrees/w/commondir": "../..\n",
            "w/.git": f"gitdir: {(tmp_path / 'main/.git/worktrees/w').as_posix()}\n",
            "main/nested/.git/info/exclude": "own.py\n",
        },
    )
    assert rule(tmp_path / "w", "a/mine.py") == ".git/info/exclude: mine.py"
    assert rule(tmp_path / "main", "nested/own.py") == "nested/.git/info/exclude: own.py"
    assert rule(tmp_path / "main", "own.py") is None


@pytest.mark.skipif(os.name != "posix", reason="links and pipes are others on Windows")
def test_a_link_or_a_pipe_is_not_followed(tmp_path: Path):
    (tmp_path / "list").write_text("a.py\n", "utf-8")
    (tmp_path / ".gitignore").symlink_to("list")
    assert rule(tmp_path, "a.py") is None, "nor does git"
    os.mkfifo(tmp_path / ".fareboxignore")
    assert rule(tmp_path, "a.py") == ".fareboxignore: more than can be read in time"


@pytest.mark.timeout(20)
def test_hostile_ignore_files_are_answered_at_once(tmp_path: Path):
    lines = "*a*a*a*a*a*a*a*a*a*b\n!*a*a*a*a*a*a*a*a*a*c\n" * 10
    write(tmp_path, {f"{'a/' * depth}.gitignore": lines + f"# {depth}\n" for depth in range(20)})
    assert rule(tmp_path, "a/" * 20 + "a" * 200) is None


# --- against git itself --------------------------------------------------------------------------

NAMES = ["a", "b", "c.py", "d.log"]
LINES = st.lists(
    st.sampled_from(
        [
            "a",
            "b/",
            "/a",
            "*.py",
            "a/b",
            "**/b",
            "a/**",
            "!a",
            "!*.py",
            "!c.py",
            "!b/",
            "d.*",
            "*",
            "!*/",
            "# x",
            "",
        ]
    ),
    max_size=5,
)
FOLDERS = ["", "a/", "a/b/", "b/"]


@pytest.mark.skipif(GIT is None, reason="there is no git here")
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lists=st.lists(LINES, min_size=4, max_size=4), own=LINES, for_all=LINES)
def test_gitignore_files_mean_what_git_makes_of_them(
    tmp_path_factory: pytest.TempPathFactory, lists: list[list[str]], own: list[str], for_all: list[str]
):
    root, home = tmp_path_factory.mktemp("repository"), tmp_path_factory.mktemp("home")
    write(home, {"config": f"[core]\nexcludesFile = {home.as_posix()}/list\n", "list": "\n".join(for_all)})
    environment = {**os.environ, "GIT_CONFIG_NOSYSTEM": "1", "GIT_CONFIG_GLOBAL": str(home / "config")}
    assert GIT is not None
    subprocess.run([GIT, "init", "-q", "."], cwd=root, check=True, env=environment)
    write(
        root,
        {
            f"{folder}.gitignore": "\n".join(lines) + "\n"
            for folder, lines in zip(FOLDERS, lists, strict=True)
        },
    )
    write(root, {".git/info/exclude": "\n".join(own) + "\n"})
    names = [f"{folder}{name}" for folder in FOLDERS for name in ("c.py", "d.log", "e")]
    write(root, dict.fromkeys(names, "x"))
    listed = subprocess.run(
        [GIT, "-c", "core.ignorecase=true", "check-ignore", "--no-index", "--stdin"],
        cwd=root,
        input="\n".join(names),
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    ).stdout.split()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GIT_CONFIG_GLOBAL", environment["GIT_CONFIG_GLOBAL"])
        kept = [name for name in names if rule(root, name) is not None]
    assert kept == [name for name in names if name in listed]


def test_the_users_list_holds_in_each_repository_and_a_gitignore_takes_back(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(
        tmp_path, {"config": f"[core]\nexcludesFile = {tmp_path.as_posix()}/list\n", "list": "*.mine\n/top\n"}
    )
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    write(tmp_path, {"a/.git/HEAD": "", "a/b/.git/HEAD": "", "a/b/.gitignore": "!kept.mine\n", "c/x": ""})
    assert rule(tmp_path / "a", "x.mine") == rule(tmp_path / "a", "b/x.mine") == "core.excludesFile: *.mine"
    assert rule(tmp_path / "a", "b/top") == "core.excludesFile: /top"
    assert rule(tmp_path / "a", "b/kept.mine") is None
    assert rule(tmp_path / "a", "x.mine", gitignore=False) is None
    assert rule(tmp_path / "c", "x.mine") is None, "no repository"
    within = Ignores((str(tmp_path / "a" / "b"),)).rule(plain(str(tmp_path / "a" / "b" / "x.mine")))
    assert within == "core.excludesFile: *.mine"


def test_a_long_list_for_all_counts_once_however_many_repositories_lie_in_one_another(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    write(tmp_path, {"config": f"[core]\nexcludesFile = {tmp_path.as_posix()}/list\n"})
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", str(tmp_path / "config"))
    many = "".join(f"/no{number}\n" for number in range(MAX_IGNORE_LINES // 2 + 1))
    write(tmp_path, {"list": f"{many}*.mine\n", ".git/HEAD": "", "b/.git/HEAD": "", "b/c/.git/HEAD": ""})
    assert rule(tmp_path, "b/c/x.mine") == "core.excludesFile: *.mine"
    assert rule(tmp_path, "b/c/x.py") is None
