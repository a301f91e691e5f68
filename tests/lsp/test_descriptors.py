"""Bytes of a descriptor that somebody else has set not to wait: they come all the same."""

import os
import sys
import threading
from contextlib import suppress

import pytest

from farebox.lsp.descriptors import let_wait, read, write
from support.patience import WAIT_S

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="pipes there always wait")


def test_what_is_not_there_yet_is_waited_for() -> None:
    source, sink = os.pipe()
    os.set_blocking(source, False)
    got: list[bytes] = []
    reading = threading.Thread(target=lambda: got.extend((read(source, 9), read(source, 9))), daemon=True)
    reading.start()
    reading.join(0.05)
    assert got == [], "nothing yet is not the end"
    os.write(sink, b"x")
    os.close(sink)
    reading.join(WAIT_S)
    assert got == [b"x", b""]


def test_room_is_waited_for() -> None:
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    with suppress(BlockingIOError):
        while True:
            os.write(sink, b"x" * 4096)
    wrote: list[int] = []
    writing = threading.Thread(target=lambda: wrote.append(write(sink, b"end")), daemon=True)
    writing.start()
    while writing.is_alive():
        os.read(source, 65_536)
        writing.join(0.01)
    assert wrote == [3]


def test_a_descriptor_can_be_set_to_wait_again() -> None:
    source, _sink = os.pipe()
    os.set_blocking(source, False)
    let_wait(source)
    assert os.get_blocking(source)
    os.close(source)
    let_wait(source)  # there is nothing to do
