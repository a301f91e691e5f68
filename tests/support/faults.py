"""What may happen to a file while processes use it, made to happen for as long as a block runs; for tests."""

import ctypes
import os
import random
import sqlite3
import threading
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path

PAGE_BYTES = 4096

_READ_ONLY, _REMOUNT, _DETACH = 0x1, 0x20, 0x2


class NoMounts(Exception):
    """This process may mount nothing, or the system can't."""


@contextmanager
def disk(folder: Path, *, size_bytes: int) -> Generator[None]:
    """Put a small disk of its own at a folder. Raises NoMounts."""
    folder.mkdir(exist_ok=True)
    _mount(folder, 0, f"size={size_bytes}")
    try:
        yield
    finally:
        _system().umount2(os.fsencode(folder), _DETACH)


@contextmanager
def read_only_disk(folder: Path) -> Generator[None]:
    """Let nothing be written on a ``disk``, on which no file may be open."""
    _mount(folder, _REMOUNT | _READ_ONLY, None)
    try:
        yield
    finally:
        _mount(folder, _REMOUNT, None)


def _mount(folder: Path, flags: int, options: str | None) -> None:
    data = None if options is None else options.encode()
    try:
        mount = _system().mount
    except AttributeError:
        raise NoMounts("the system has no such call") from None
    if mount(b"none", os.fsencode(folder), b"tmpfs", flags, data) != 0:
        number = ctypes.get_errno()
        raise NoMounts(os.strerror(number))


def _system() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


@contextmanager
def full(folder: Path) -> Generator[None]:
    """Leave no room on the disk that a folder is on: a small one."""
    filler = folder / "filler"
    with filler.open("wb", buffering=0) as file, suppress(OSError):
        while True:
            file.write(bytes(PAGE_BYTES))
    try:
        yield
    finally:
        filler.unlink()


@contextmanager
def locked(file: Path) -> Generator[None]:
    """Let nobody else write a database."""
    connection = sqlite3.connect(file, timeout=30, isolation_level=None)
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        connection.execute("ROLLBACK")
        connection.close()


@contextmanager
def locked_now_and_then(file: Path, *, seconds: float = 0.6) -> Generator[None]:
    """Let nobody else write a database for half of the time."""
    stop = threading.Event()

    def lock() -> None:
        while not stop.wait(seconds):
            with locked(file):
                stop.wait(seconds)

    thread = threading.Thread(target=lock, name="locker")
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


@contextmanager
def closed(folder: Path) -> Generator[None]:
    """Let nobody write a folder and the files in it, as far as modes can do that."""
    things = [folder, *folder.rglob("*")]
    modes = [(thing, thing.stat().st_mode & 0o777) for thing in things]
    for thing, mode in reversed(modes):
        thing.chmod(mode & 0o555)
    try:
        yield
    finally:
        for thing, mode in modes:
            thing.chmod(mode)


@contextmanager
def replaced_by_a_folder(file: Path) -> Generator[None]:
    """Put a folder in the place of a file."""
    away = file.with_name(f"{file.name}.away")
    file.rename(away)
    file.mkdir()
    try:
        yield
    finally:
        file.rmdir()
        away.rename(file)


@contextmanager
def of_a_newer_version(file: Path, version: int = 999) -> Generator[None]:
    """Make a database say that a later farebox has written it."""
    before = _set_version(file, version)
    try:
        yield
    finally:
        _set_version(file, before)


def _set_version(file: Path, version: int) -> int:
    connection = sqlite3.connect(file, timeout=30, isolation_level=None)
    try:
        (before,) = connection.execute("PRAGMA user_version").fetchone()
        connection.execute(f"PRAGMA user_version = {version}")
    finally:
        connection.close()
    return before


# --- damage, which does not end ----------------------------------------------------------------------


def overwrite_pages(file: Path, *, share: float = 0.3, first: int = 1, seed: int = 7) -> None:
    """Write noise over some of a file's pages, but not the first ones."""
    dice = random.Random(seed)
    data = bytearray(file.read_bytes())
    for at in range(first * PAGE_BYTES, len(data), PAGE_BYTES):
        if dice.random() < share:
            data[at : at + PAGE_BYTES] = dice.randbytes(PAGE_BYTES)
    _write(file, bytes(data))


def overwrite_header(file: Path, *, size_bytes: int = 100) -> None:
    """Write noise over the beginning of a file."""
    _write(file, random.Random(7).randbytes(size_bytes) + file.read_bytes()[size_bytes:])


def truncate(file: Path, *, share: float) -> None:
    """Leave only the first part of a file."""
    os.truncate(file, int(file.stat().st_size * share))


def _write(file: Path, data: bytes) -> None:
    with file.open("r+b") as opened:  # the file stays the same one for who has it open
        opened.write(data)
