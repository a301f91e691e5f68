"""Looks through all that tests and their processes leave: output, bodies of requests, and files.

Nothing of it may hold a key, in whatever form, or what stands in a file that may not leave. Keys may only be
in the headers that carry them, and in the files that hold keys or that a test has written to give one away.
"""

import base64
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from support.canary import ENDS, FILE_CANARY, KEY, KEY_WITH_ENDS, keys_in

CHUNK_BYTES = 8 * 1024 * 1024
OVERLAP_BYTES = 512

GIVEN_AWAY = re.compile(r"keys\.json|config\.toml|\.farebox\.toml|\.env(?:\..*)?|.*\.pyc")
"""Files that hold keys because a test or the user has put them there, by their names."""

OWN = re.compile(r"\.?(?:ledger.*|.*\.db(?:-.*)?|.*\.jsonl|.*\.holds|faults\.txt|\d{8}T.*|farebox-report.*)")
"""Files that farebox writes: nor may they hold what stands in a file that may not leave."""


def _written(key: str) -> Iterator[bytes]:
    """Yield a key as it may be encoded."""
    raw = key.encode()
    for shift in range(3):  # where a group of base64 begins
        code = base64.b64encode(bytes(shift) + raw)
        yield code[4 if shift else 0 : -4]
    yield raw.hex().encode()
    yield "".join(f"%{one:02X}" for one in raw).encode()
    yield "".join(f"%{one:02x}" for one in raw).encode()
    yield "".join(f"\\u{one:04x}" for one in raw).encode()
    yield raw[::-1]


FORMS = (*_written(KEY), *_written(KEY_WITH_ENDS), *(end.encode() for end in ENDS))
_EVERY_KEY_HAS = b"012345"


@dataclass
class Sweep:
    """What was looked through, and where something was found."""

    outputs: int = 0
    bodies: int = 0
    files: int = 0
    hits: list[str] = field(default_factory=list[str])

    def output(self, where: str, written: str | bytes) -> None:
        """Look through what a process has written."""
        self.outputs += 1
        self._look(where, written.encode("utf-8", "replace") if isinstance(written, str) else written)

    def body(self, where: str, raw: bytes) -> None:
        """Look through what an upstream was sent."""
        self.bodies += 1
        self._look(where, raw)

    def folder(self, root: Path) -> None:
        """Look through all plain files below a folder; in a clone not the tests: they write keys."""
        for folder, folders, names in os.walk(root):
            if "tests" in folders and Path(folder, "tests", "support", "sweep.py").exists():
                folders.remove("tests")
            for name in names:
                path = Path(folder, name)
                if path.is_file() and not path.is_symlink() and not GIVEN_AWAY.fullmatch(name):
                    self._file(path)

    def _file(self, path: Path) -> None:
        self.files += 1
        is_own, kept = OWN.fullmatch(path.name) is not None, b""
        try:
            with path.open("rb") as file:
                while chunk := file.read(CHUNK_BYTES):
                    if self._look(str(path), kept + chunk, with_files=is_own):
                        return
                    kept = chunk[-OVERLAP_BYTES:]
        except OSError:
            self.files -= 1  # a test has made it unreadable

    def _look(self, where: str, raw: bytes, *, with_files: bool = True) -> bool:
        found = list(found_in(raw, with_files=with_files))
        self.hits += [f"{where}: {one}" for one in found[:1]]
        return bool(found)

    def summary(self) -> str:
        """Say in a line what was done, and below it what was found."""
        searched = f"{self.files} files, {self.bodies} bodies, {self.outputs} outputs searched"
        return "\n".join([f"canaries: {searched}: {len(self.hits)} hits", *self.hits])


def found_in(raw: bytes, *, with_files: bool = True) -> Iterator[str]:
    """Yield the canaries that bytes hold."""
    if _EVERY_KEY_HAS in raw:
        yield from keys_in(raw.decode("latin-1"))
    yield from (form.decode() for form in FORMS if form in raw)
    if with_files and FILE_CANARY.encode() in raw:
        yield FILE_CANARY


SWEEP = Sweep()
"""What is looked through in this process of tests."""
