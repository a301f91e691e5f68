"""VS Code's server as a process, and farebox's below it."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

from support import tap
from support.guard.sitecustomize import watched
from support.patience import WAIT_S
from support.vscode_extension import installation, node

POLL_S = 0.02
TRAFFIC = "traffic"
"""The folder, in a window's home, of what goes over the pipe."""


@contextmanager
def vscode_server(
    home: Path,
    *,
    settings: Mapping[str, object],
    environment: Mapping[str, str],
    extensions: Path | None,
    options: tuple[str, ...] = (),
) -> Generator[tuple[int, "subprocess.Popen[bytes]"]]:
    """Run VS Code's server; yields its port and process."""
    data = home / "data"
    (data / "User").mkdir(parents=True, exist_ok=True)
    (data / "User" / "settings.json").write_text(json.dumps(settings), "utf-8")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = int(free.getsockname()[1])
    log = (home / "vscode.log").open("wb")
    process = subprocess.Popen(
        [
            str(node()),
            str(installation() / "vscode" / "out" / "server-main.js"),
            *("--host", "127.0.0.1", "--port", str(port), "--without-connection-token"),
            *("--accept-server-license-terms", "--disable-telemetry"),
            "--force-disable-user-env",  # no shell's profile is run, and the PATH is the test's
            *("--server-data-dir", str(home / "server"), "--user-data-dir", str(data)),
            *("--extensions-dir", str(extensions or home / "extensions"), *options),
        ],
        env={"PATH": os.environ["PATH"], **environment},
        stdout=log,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        _wait_for_port(port, process, home / "vscode.log")
        yield port, process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        try:
            process.wait(WAIT_S)
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
        log.close()


def _wait_for_port(port: int, process: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + WAIT_S
    while time.monotonic() < deadline and process.poll() is None:
        with (
            suppress(OSError, urllib.error.URLError),
            urllib.request.urlopen(f"http://127.0.0.1:{port}/version"),
        ):
            return
        time.sleep(POLL_S)
    raise AssertionError(f"VS Code has not started: {log.read_text('utf-8', 'replace')}")


def server_command(home: Path, *, is_tapped: bool = False) -> Path:
    """Write the command that the extension finds: this farebox, watched as all that tests start."""
    command = home / "farebox"
    exports = "".join(f"export {name}='{value}'\n" for name, value in watched({}).items())
    traffic = home / TRAFFIC
    traffic.mkdir(exist_ok=True)
    python = f"'{sys.executable}'"
    tapped = f"{python} '{tap.__file__}' \"$(mktemp -d '{traffic}/XXXXXX')\"" if is_tapped else ""
    command.write_text(f'#!/bin/sh\n{exports}exec {tapped} {python} -m farebox "$@"\n', "utf-8")
    command.chmod(0o755)
    return command


def farebox_pids(ancestor: int) -> list[int]:
    """Return the servers below a process, from the system's own list."""
    listed = subprocess.run(["ps", "-ewwo", "pid=,ppid=,args="], capture_output=True, text=True, check=True)
    rows = [line.split(None, 2) for line in listed.stdout.splitlines()]
    parents = {int(pid): int(parent) for pid, parent, *_ in rows}
    words = {int(row[0]): row[2] if len(row) > 2 else "" for row in rows}

    def is_below(pid: int) -> bool:
        while pid in parents and pid > 1:
            if (pid := parents[pid]) == ancestor:
                return True
        return False

    def is_server(command: str) -> bool:
        return command.endswith("-m farebox lsp") and tap.__file__ not in command

    return [pid for pid in parents if is_server(words[pid]) and is_below(pid)]
