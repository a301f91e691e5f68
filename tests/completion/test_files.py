"""Which files are read: plain source files below the roots, whatever else lies there."""

import os
import sys
from pathlib import Path

import pytest

from farebox.completion import files
from farebox.completion.files import Found, Walk, read
from farebox.privacy import Rules


def make(root: Path, *names: str, text: str = "x = 1\n") -> None:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def walked(*roots: Path, exclude: tuple[str, ...] = (), first: tuple[Path, ...] = ()) -> list[str]:
    walk = Walk(Rules(tuple(map(str, roots)), exclude), tuple(map(str, first)))
    return [
        os.path.relpath(found.path, roots[0]).replace(os.sep, "/")
        for found in walk.files()
        if isinstance(found, Found)
    ]


def test_source_files_are_found_the_upper_ones_first(tmp_path: Path):
    make(tmp_path, "b/c/d.rs", "b/x.go", "a.py", "z.ts")
    assert walked(tmp_path) == ["a.py", "z.ts", "b/x.go", "b/c/d.rs"]


def test_the_folders_to_begin_with_come_first_and_nothing_comes_twice(tmp_path: Path):
    make(tmp_path, "a.py", "b/c/d.py", "b/e.py")
    assert walked(tmp_path, first=(tmp_path / "b/c",)) == ["b/c/d.py", "b/e.py", "a.py"]


def test_folders_outside_of_the_roots_are_not_begun_with(tmp_path: Path):
    make(tmp_path, "outside/a.py", "root/b.py")
    assert walked(tmp_path / "root", first=(tmp_path / "outside",)) == ["b.py"]


@pytest.mark.parametrize(
    "name",
    [
        "node_modules/a.js",
        "target/a.rs",
        "build/a.py",
        "__pycache__/a.py",
        ".hidden/a.py",
        ".hidden.py",
        ".git/a.py",
        "venv/a.py",
        "picture.png",
        "data.bin",
        "noextension",
        ".env",
        "id_rsa.py",
        "deep/.ssh/config.py",
    ],
)
def test_what_is_nobodys_source_is_passed_over(tmp_path: Path, name: str):
    make(tmp_path, "a.py", name)
    assert walked(tmp_path) == ["a.py"]
    below = (tmp_path / name).parent
    assert walked(tmp_path, first=(below,)) == ["a.py"]


def test_a_virtual_environment_is_passed_over_whatever_its_name(tmp_path: Path):
    make(tmp_path, "a.py", "my_env/pyvenv.cfg", "my_env/lib/b.py")
    assert walked(tmp_path) == ["a.py"]


def test_gitignore_files_hold_below_their_folder(tmp_path: Path):
    make(tmp_path, "a.py", "gen/a.py", "sub/gen/a.py", "sub/b.py", "sub/c.py", "logs/x.py")
    (tmp_path / ".gitignore").write_text("/gen/\nlogs\n# no\n[\n", "utf-8")
    (tmp_path / "sub" / ".gitignore").write_text("*\n!c.py\n", "utf-8")
    assert walked(tmp_path) == ["a.py", "sub/c.py"]
    assert walked(tmp_path, first=(tmp_path / "gen", tmp_path / "sub")) == ["sub/c.py", "a.py"]


def test_a_monstrous_gitignore_is_read_in_bounds(tmp_path: Path):
    make(tmp_path, "a.py", "b.py", "below/c.py")
    (tmp_path / "below" / ".gitignore").write_text("c.py\n" + "*a*b*c*d*e*\n" * 3_000, "utf-8")
    (tmp_path / ".gitignore").write_text("a.py\n", "utf-8")
    assert walked(tmp_path) == ["b.py"]
    (tmp_path / "below" / ".gitignore").write_text("x.py\n" * 40_000, "utf-8")
    assert walked(tmp_path) == ["b.py"], "what can't be read whole may name anything"


def test_the_users_patterns_and_links_are_honoured(tmp_path: Path):
    make(tmp_path, "root/a.py", "root/private/b.py", "outside/c.py")
    (tmp_path / "root/link.py").symlink_to(tmp_path / "outside/c.py")
    (tmp_path / "root/folder").symlink_to(tmp_path / "outside")
    (tmp_path / "root/loop").symlink_to(tmp_path / "root")
    assert walked(tmp_path / "root", exclude=("private/",)) == ["a.py"]
    assert walked(tmp_path / "root", exclude=("private/",), first=(tmp_path / "root/folder",)) == ["a.py"]


@pytest.mark.skipif(sys.platform == "win32", reason="there are no pipes in folders")
def test_a_pipe_is_never_opened(tmp_path: Path):
    os.mkfifo(tmp_path / "pipe.py")
    make(tmp_path, "a.py")
    assert walked(tmp_path) == ["a.py"]
    assert read(str(tmp_path / "pipe.py")) is None


@pytest.mark.skipif(sys.platform == "win32", reason="modes mean nothing there")
def test_folders_that_refuse_are_passed_over(tmp_path: Path):
    make(tmp_path, "a.py", "shut/b.py")
    (tmp_path / "shut").chmod(0)
    try:
        assert "a.py" in walked(tmp_path)
    finally:
        (tmp_path / "shut").chmod(0o700)


def test_what_is_not_there_is_nothing(tmp_path: Path):
    assert walked(tmp_path / "nowhere") == []
    assert read(str(tmp_path / "nowhere.py")) is None
    assert read("a\0b") is None
    assert read(str(tmp_path)) is None


def test_a_huge_tree_is_listed_in_bounds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(files, "MAX_FOLDERS", 5)
    monkeypatch.setattr(files, "MAX_FOLDER_ENTRIES", 10)
    make(tmp_path, *(f"f{folder}/a{number}.py" for folder in range(12) for number in range(12)))
    assert len(walked(tmp_path)) == 4 * 10


def test_no_more_files_come_than_asked_for(tmp_path: Path):
    make(tmp_path, *(f"a{number}.py" for number in range(20)))
    found = [file for file in Walk(Rules((str(tmp_path),)), most=7).files() if file is not None]
    assert len(found) == 7


@pytest.mark.parametrize(
    ("data", "text"),
    [
        pytest.param(b"x = 1\r\ny = 2\r\n", "x = 1\ny = 2\n", id="crlf"),
        pytest.param(b"\xef\xbb\xbfx = 1\n", "x = 1\n", id="a-byte-order-mark"),
        pytest.param("é\n".encode(), "é\n", id="utf-8"),
        pytest.param(b"a\0b", None, id="binary"),
        pytest.param(b"\xff\xfe\xfa", None, id="no-utf-8"),
        pytest.param(b"a" * 5_000, None, id="minified"),
        pytest.param(b"a\n" * 200_000, None, id="too-large"),
        pytest.param(b"", "", id="empty"),
    ],
)
def test_reading(tmp_path: Path, data: bytes, text: str | None):
    (tmp_path / "a.py").write_bytes(data)
    assert read(str(tmp_path / "a.py")) == text
