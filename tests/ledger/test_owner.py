"""Who lives: a lock says so, whatever ends the process; and what it leaves behind is taken over once."""

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from farebox.ledger.owner import MAX_SPILL_BYTES, Owner, estate, owners
from support.guard.sitecustomize import watched
from support.patience import WAIT_S

LIVING = """
import sys
from pathlib import Path
from farebox.ledger.owner import Owner
owner = Owner.claim(Path(sys.argv[1]))
owner.append(b"a line\\n")
print(owner.id, flush=True)
sys.stdin.readline()
"""


def test_nobody_takes_over_from_the_living_and_everybody_from_the_dead(tmp_path: Path):
    process = subprocess.Popen(
        [sys.executable, "-c", LIVING, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=watched({**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}),
    )
    assert process.stdout is not None
    name = process.stdout.readline().strip()
    with estate(tmp_path, name) as lines:
        assert lines is None
    process.kill()
    process.communicate(timeout=WAIT_S)
    assert process.returncode in (-getattr(signal, "SIGKILL", 9), 1)
    with estate(tmp_path, name) as lines:
        assert lines == [b"a line"]
    assert owners(tmp_path) == ()


def test_two_owners_of_one_process_are_two(tmp_path: Path):
    first, second = Owner.claim(tmp_path), Owner.claim(tmp_path)
    assert set(owners(tmp_path)) == {first.id, second.id}
    with estate(tmp_path, first.id) as lines:
        assert lines is None
    first.release(keeps_lines=False)
    assert owners(tmp_path) == (second.id,)
    second.release(keeps_lines=False)


def test_an_owner_without_a_file_is_dead_and_leaves_nothing(tmp_path: Path):
    with estate(tmp_path, "nobody") as lines:
        assert lines == []


def test_what_could_not_be_taken_over_stays_for_the_next(tmp_path: Path):
    owner = Owner.claim(tmp_path)
    owner.append(b"one\n")
    owner.append(b"two\n")
    owner.release(keeps_lines=True)
    with pytest.raises(RuntimeError), estate(tmp_path, owner.id):
        raise RuntimeError("the ledger is locked")
    with estate(tmp_path, owner.id) as lines:
        assert lines == [b"one", b"two"]
    assert owners(tmp_path) == ()


def test_cleared_lines_are_gone(tmp_path: Path):
    owner = Owner.claim(tmp_path)
    owner.append(b"one\n")
    owner.clear()
    owner.append(b"two\n")
    owner.release(keeps_lines=True)
    with estate(tmp_path, owner.id) as lines:
        assert lines == [b"two"]


def test_what_would_make_the_file_too_large_is_refused_whole(tmp_path: Path):
    owner = Owner.claim(tmp_path)
    owner.append(b"x" * (MAX_SPILL_BYTES - 1))
    with pytest.raises(OSError, match="full") as caught:
        owner.append(b"two\n")
    assert caught.value.errno == errno.EFBIG
    owner.release(keeps_lines=True)
    with estate(tmp_path, owner.id) as lines:
        assert lines is not None
        assert [len(line) for line in lines] == [MAX_SPILL_BYTES - 1]


def test_a_folder_that_can_not_be_made_is_an_error_and_has_no_owners(tmp_path: Path):
    (tmp_path / "file").touch()
    with pytest.raises(OSError, match="file"):
        Owner.claim(tmp_path / "file" / "owners")
    assert owners(tmp_path / "file" / "owners") == ()
