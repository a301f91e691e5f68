"""A tap on stdio: ``python tap.py FOLDER COMMAND…`` runs a server and keeps both directions in FOLDER.

Foreign clients run it in place of the server. It only copies bytes; what they say is judged afterwards.
"""

import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

PIECE_BYTES = 64 * 1024
SENT, RECEIVED = "client.bin", "server.bin"


def main(folder: Path, command: list[str]) -> int:
    """Run the server; return its exit code."""
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    assert server.stdin is not None
    assert server.stdout is not None
    threading.Thread(
        target=_copy, args=(sys.stdin.buffer, server.stdin, folder / SENT), daemon=True, name="to the server"
    ).start()
    _copy(server.stdout, sys.stdout.buffer, folder / RECEIVED)
    return server.wait()


def _copy(source: IO[bytes], target: IO[bytes], file: Path) -> None:
    with file.open("wb", buffering=0) as kept:
        while piece := os.read(source.fileno(), PIECE_BYTES):
            kept.write(piece)
            try:
                target.write(piece)
                target.flush()
            except OSError:
                break  # the other side has gone
    try:
        target.close()
    except OSError:
        return


if __name__ == "__main__":
    code = main(Path(sys.argv[1]), sys.argv[2:])
    sys.stdout = None  # _copy has closed it
    os._exit(code)
