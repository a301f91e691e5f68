"""The sweep must itself find what it is for, in whatever form, and nothing else."""

import base64
from pathlib import Path
from urllib.parse import quote

import pytest

from support.canary import ENDS, FILE_CANARY, KEY, KEY_WITH_ENDS
from support.sweep import CHUNK_BYTES, Sweep


@pytest.mark.parametrize(
    "written",
    [
        KEY,
        repr(KEY),
        KEY[:-4],
        quote(KEY),
        "".join(f"%{ord(one):02X}" for one in KEY),
        "".join(f"\\u{ord(one):04x}" for one in KEY),
        KEY.encode().hex(),
        *(
            base64.b64encode(before + KEY.encode() + b"after").decode()
            for before in (b"", b"x", b"xy", b"xyz")
        ),
        *ENDS,
        KEY_WITH_ENDS[::-1],
        FILE_CANARY,
    ],
)
def test_a_canary_is_found_however_it_is_written(written: str):
    sweep = Sweep()
    sweep.output("here", f"before {written} after")
    sweep.body("there", written.encode())
    assert [hit.partition(": ")[0] for hit in sweep.hits] == ["here", "there"]
    assert sweep.summary().startswith("canaries: 0 files, 1 bodies, 1 outputs searched: 2 hits\nhere: ")


def test_a_canary_is_found_in_files_also_between_two_parts_of_one(tmp_path: Path):
    (tmp_path / "ledger.db-wal").write_bytes(b"\0" * (CHUNK_BYTES - 5) + KEY.encode())
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "any.txt").write_text(KEY_WITH_ENDS, "utf-8")
    (tmp_path / "deep" / "keys.json").write_text(KEY, "utf-8")
    (tmp_path / "deep" / "secret.pem").write_text(FILE_CANARY, "utf-8")
    (tmp_path / "deep" / "20260101T000000Z-1-0.jsonl").write_text(FILE_CANARY, "utf-8")
    sweep = Sweep()
    sweep.folder(tmp_path)
    assert sweep.files == 4
    assert {Path(hit.partition(": ")[0]).name for hit in sweep.hits} == {
        "ledger.db-wal",
        "any.txt",
        "20260101T000000Z-1-0.jsonl",
    }
    for file in tmp_path.rglob("*.*"):
        file.unlink()  # or this would be found, in the end


def test_what_holds_none_is_no_hit():
    sweep = Sweep()
    sweep.output("here", "0123456789 sk-or- canary farebox")
    assert sweep.hits == []


def test_of_a_clone_the_tests_alone_are_left_out(tmp_path: Path):
    for name in ("tests/support/sweep.py", "tests/test_x.py", "server/x.py"):
        file = tmp_path / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(KEY, "utf-8")
    sweep = Sweep()
    sweep.folder(tmp_path)
    (tmp_path / "server/x.py").unlink()  # else the search at the end of the run would find it
    assert [Path(hit.partition(": ")[0]).parent.name for hit in sweep.hits] == ["server"]
