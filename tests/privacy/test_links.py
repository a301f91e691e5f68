"""Other names of a file, as far as they can be found."""

import os
from pathlib import Path

import pytest

from farebox.privacy import links
from farebox.privacy.links import other_names

pytestmark = pytest.mark.skipif(os.name != "posix", reason="links need a right of their own on Windows")


def test_names_are_found_beside_a_file_and_below_the_roots(tmp_path: Path):
    root, beside = tmp_path / "ws", tmp_path / "elsewhere"
    (root / "a" / "b").mkdir(parents=True)
    beside.mkdir()
    (beside / "one").write_text("x", "utf-8")
    for name in (beside / "two", root / "three", root / "a" / "b" / "four"):
        name.hardlink_to(beside / "one")
    (root / "five").symlink_to(beside / "one")
    found = other_names(str(beside / "one"), (str(root),))
    assert set(found) == {str(beside / "two"), str(root / "three"), str(root / "a" / "b" / "four")}


def test_a_file_of_one_name_is_not_looked_for(tmp_path: Path):
    (tmp_path / "one").write_text("x", "utf-8")
    for path in (tmp_path / "one", tmp_path, tmp_path / "nothing", Path("/a\0b")):
        assert other_names(str(path), (str(tmp_path),)) == ()


def test_the_look_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(links, "MAX_ENTRIES", 5)
    (tmp_path / "z").write_text("x", "utf-8")
    for number in range(20):
        (tmp_path / f"{number}").write_text("x", "utf-8")
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "y").hardlink_to(tmp_path / "z")
    assert other_names(str(tmp_path / "z"), (str(tmp_path / "nowhere"),)) == ()
