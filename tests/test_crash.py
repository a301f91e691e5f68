"""Crash files: written whatever has gone wrong, few, for their owner alone, and without anybody's words."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from farebox import crash
from farebox.crash import MAX_BY_PROCESS, MAX_FILES
from support.canary import KEY, keys_in
from support.environment import clean_environment
from support.patience import WAIT_S

BEGIN = f"""
import asyncio, logging, os, signal, sys, threading
from pathlib import Path
from farebox import crash, logs
folder = Path(sys.argv[1])
logs.begin(lambda: folder, is_debug=False)
crash.begin(lambda: folder)
crash.catch_all()
crash.catch_faults()

def fails(words="{KEY}"):
    raise RuntimeError(words)
"""

IN_A_LOOP = """
async def main():
    crash.watch(asyncio.get_running_loop())
    asyncio.get_running_loop().call_soon(fails)
    await asyncio.sleep(0)
    await asyncio.sleep(0)
asyncio.run(main())
"""

UNHEARD = """
class Broken:
    def __del__(self):
        fails()
Broken()
"""


def run(folder: Path, code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", BEGIN + code, str(folder)],
        env=clean_environment(folder.parent),
        capture_output=True,
        encoding="utf-8",
        check=False,
        timeout=WAIT_S,
    )


def reports(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(file.read_text("utf-8")) for file in crash.files(folder / "crashes")]


@pytest.mark.parametrize(
    ("where", "code"),
    [
        pytest.param("process", "fails()", id="the-main-thread"),
        pytest.param("thread", "threading.Thread(target=fails).start()", id="a-thread"),
        pytest.param("loop", IN_A_LOOP, id="a-callback"),
        pytest.param("loop", UNHEARD, id="a-finaliser"),
    ],
)
def test_what_nobody_catches_is_written_down_by_type_and_place(tmp_path: Path, where: str, code: str):
    folder = tmp_path / "data"
    done = run(folder, code)
    (report,) = reports(folder)
    assert report["where"] == where
    assert [one["name"] for one in report["errors"]] == ["RuntimeError"]
    assert report["errors"][0]["frames"][-1] == "elsewhere:12 fails"
    assert (report["farebox"], report["python"], "pygls" in report) == (
        crash.versions()["farebox"],
        crash.versions()["python"],
        True,
    )
    assert report["log"][-1]["event"] == "an internal error"
    written = "".join(file.read_text("utf-8") for file in folder.rglob("*") if file.is_file())
    assert keys_in(written + done.stdout + done.stderr) == []
    assert str(tmp_path) not in written + done.stderr
    assert f"farebox.crash: an internal error: {where}: RuntimeError: elsewhere:12 fails\n" in done.stderr
    if os.name == "posix":
        assert {file.stat().st_mode & 0o777 for file in (folder / "crashes").iterdir()} == {0o600}
        assert (folder / "crashes").stat().st_mode & 0o777 == 0o700


def test_a_bug_that_comes_again_is_written_down_once_and_many_are_not_all(tmp_path: Path):
    folder = tmp_path / "data"
    run(folder, "[crash.note(RuntimeError(str(number)), 'request') for number in range(99)]")
    assert len(reports(folder)) == 1
    run(folder, "[crash.note(type(f'Odd{number}', (Exception,), {})(), 'request') for number in range(99)]")
    assert len(reports(folder)) == 1 + MAX_BY_PROCESS


def test_only_the_newest_crash_files_stay(tmp_path: Path):
    folder = tmp_path / "data" / "crashes"
    folder.mkdir(parents=True)
    for number in range(MAX_FILES + 5):
        (folder / f"20200101T000000Z-{number:03}-0.json").write_text("{}", "utf-8")
    (folder / "notes.json").write_text("theirs", "utf-8")
    run(tmp_path / "data", "crash.note(RuntimeError(), 'request')")
    assert len(crash.files(folder)) == MAX_FILES
    assert crash.files(folder)[-1].stat().st_size > 2
    assert (folder / "notes.json").exists()


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGABRT])
def test_a_fatal_signal_is_told_by_the_process_that_comes_next(tmp_path: Path, number: signal.Signals):
    folder = tmp_path / "data"
    died = run(folder, f"def dies():\n    os.kill(os.getpid(), {int(number)})\ndies()")
    assert died.returncode == -number
    assert reports(folder) == []
    run(folder, "")
    (report,) = reports(folder)
    assert report["where"] == "fault"
    assert report["fault"][0].startswith("Fatal Python error: ")
    assert "elsewhere:16 dies" in report["fault"] or any(" dies" in line for line in report["fault"])
    assert str(tmp_path) not in json.dumps(report)
    run(folder, "")
    assert len(reports(folder)) == 1


@pytest.mark.parametrize("planted", ["a-file", "a-link"])
def test_where_nothing_can_be_written_nothing_else_fails(tmp_path: Path, planted: str):
    folder, elsewhere = tmp_path / "data", tmp_path / "elsewhere"
    folder.mkdir()
    if planted == "a-file":
        (folder / "crashes").write_text("", "utf-8")
    else:
        elsewhere.write_text("theirs", "utf-8")
        (folder / "crashes").mkdir()
        (folder / "crashes" / "faults.txt").symlink_to(elsewhere)
    done = run(folder, "crash.note(RuntimeError(), 'request'); print('alive')")
    assert (done.returncode, done.stdout) == (0, "alive\n")
    assert not elsewhere.exists() or elsewhere.read_text("utf-8") == "theirs"


def test_without_a_folder_it_is_only_logged(tmp_path: Path):
    done = run(
        tmp_path / "data", "crash.begin(None); crash.note(RuntimeError('x'), 'request'); print('alive')"
    )
    assert done.stdout == "alive\n"
    assert reports(tmp_path / "data") == []
