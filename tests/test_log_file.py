"""Log files: few, small, one a process, and in nobody's way."""

import os
from pathlib import Path

import pytest

from farebox.log_file import MAX_FILE_BYTES, MAX_FILES, LogFile, files

LINE = b"x" * 999 + b"\n"


def test_there_is_no_file_before_the_first_line(tmp_path: Path):
    log = LogFile(lambda: tmp_path / "logs")
    assert not (tmp_path / "logs").exists()
    log.append(LINE)
    log.append(LINE)
    log.close()
    (file,) = files(tmp_path / "logs")
    assert file.read_bytes() == LINE * 2


def test_a_file_that_is_full_is_followed_by_another_and_the_oldest_go(tmp_path: Path):
    log = LogFile(lambda: tmp_path)
    for _ in range(MAX_FILES + 3):
        log.append(b"y" * MAX_FILE_BYTES)
    found = files(tmp_path)
    log.close()
    assert len(found) == MAX_FILES
    assert {file.stat().st_size for file in found} == {MAX_FILE_BYTES}


def test_files_of_others_are_left_alone(tmp_path: Path):
    (tmp_path / "notes.jsonl").write_text("theirs", "utf-8")
    log = LogFile(lambda: tmp_path)
    for _ in range(MAX_FILES + 1):
        log.append(b"y" * MAX_FILE_BYTES)
    log.close()
    assert (tmp_path / "notes.jsonl").read_text("utf-8") == "theirs"


def test_two_logs_do_not_share_a_file_and_neither_follows_a_link(tmp_path: Path):
    one, other = LogFile(lambda: tmp_path), LogFile(lambda: tmp_path)
    one.append(b"one\n")
    other.append(b"other\n")  # within a second its name is taken: it gives up, and tries again later
    one.close()
    other.close()
    assert files(tmp_path)[0].read_bytes() == b"one\n"


@pytest.mark.parametrize("broken", ["a-file", "nul", "raises"])
def test_a_folder_that_can_not_be_had_is_asked_for_once_in_a_while(tmp_path: Path, broken: str):
    (tmp_path / "a-file").write_text("", "utf-8")
    asked: list[str] = []

    def folder() -> Path:
        asked.append(broken)
        if broken == "raises":
            raise OSError(broken)
        return tmp_path / {"a-file": "a-file", "nul": "\0"}[broken] / "logs"

    log = LogFile(folder)
    for _ in range(5):
        log.append(LINE)
    assert asked == [broken]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_silent(tmp_path: Path):
    log = LogFile(lambda: tmp_path)
    log.append(LINE)
    assert log._file is not None  # pyright: ignore[reportPrivateUsage]
    full = os.open("/dev/full", os.O_WRONLY)
    os.dup2(full, log._file)  # pyright: ignore[reportPrivateUsage]
    os.close(full)
    log.append(LINE)
    log.append(LINE)
    assert log._file is None  # pyright: ignore[reportPrivateUsage]
