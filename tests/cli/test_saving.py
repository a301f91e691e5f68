"""A file is written whole or not at all: what was there stays until all of the new is on the disk."""

import os
import threading
from pathlib import Path

import pytest

from farebox.cli.saving import save
from farebox.errors import InvalidParams
from support.patience import WAIT_S

posix = pytest.mark.skipif(os.name != "posix", reason="links, pipes and permissions as POSIX has them")
LINES = "a;b\nnaïve;漢字\n"


def test_what_is_written_is_utf_8_with_the_line_ends_it_has(tmp_path: Path):
    save(LINES, tmp_path / "costs.csv")
    assert (tmp_path / "costs.csv").read_bytes() == LINES.encode()
    assert [file.name for file in tmp_path.iterdir()] == ["costs.csv"]


def test_an_older_file_is_replaced(tmp_path: Path):
    file = tmp_path / "costs.csv"
    file.write_text("older, and longer than what is new" * 10)
    save(LINES, file)
    assert file.read_text("utf-8") == LINES


@posix
def test_a_new_file_may_be_read_as_the_user_has_it_and_an_old_one_as_before(tmp_path: Path):
    before = os.umask(0o027)
    try:
        save(LINES, tmp_path / "new")
        (tmp_path / "old").touch()
        (tmp_path / "old").chmod(0o604)
        save(LINES, tmp_path / "old")
    finally:
        os.umask(before)
    assert (tmp_path / "new").stat().st_mode & 0o777 == 0o640
    assert (tmp_path / "old").stat().st_mode & 0o777 == 0o604


def test_what_cannot_be_written_whole_leaves_the_older_file(tmp_path: Path):
    file = tmp_path / "costs.csv"
    file.write_text("older")
    with pytest.raises(InvalidParams, match="surrogates"):
        save("x" * 100_000 + "\ud800", file)
    assert file.read_text() == "older"
    assert [file.name for file in tmp_path.iterdir()] == ["costs.csv"]


@posix
def test_a_link_stays_one(tmp_path: Path):
    (tmp_path / "there").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "there" / "costs.csv")
    save(LINES, tmp_path / "link")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "there" / "costs.csv").read_text("utf-8") == LINES


@posix
def test_a_pipe_is_written_to_and_not_replaced(tmp_path: Path):
    pipe, heard = tmp_path / "pipe", list[str]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: heard.append(pipe.read_text("utf-8")), daemon=True)
    reader.start()
    save(LINES, pipe)
    reader.join(WAIT_S)
    assert heard == [LINES]
    assert pipe.is_fifo()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_named():
    with pytest.raises(InvalidParams, match=r"'/dev/full' can't be written: No space left") as refused:
        save(LINES, Path("/dev/full"))
    assert refused.value.hint == "Name another file."


@pytest.mark.parametrize(
    ("name", "words"),
    [
        pytest.param("gone/costs.csv", "there is no folder", id="no-folder"),
        pytest.param("file/costs.csv", "there is no folder", id="a-file-for-a-folder"),
        pytest.param("folder", "is a folder", id="folder"),
        pytest.param("circle/costs.csv", "can't be written", id="links-in-a-circle", marks=posix),
    ],
)
def test_a_place_where_nothing_can_be_written_is_named(tmp_path: Path, name: str, words: str):
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    if os.name == "posix":
        (tmp_path / "circle").symlink_to("circle")
    with pytest.raises(InvalidParams, match=words) as refused:
        save(LINES, tmp_path / name)
    assert name in refused.value.message
    assert refused.value.hint
