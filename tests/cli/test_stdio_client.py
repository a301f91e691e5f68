"""The demo's client: a server as a child process, and what becomes of those who wait when it dies."""

import asyncio
import os
import signal
from pathlib import Path

import pytest

from farebox.cli.stdio_client import (
    MAX_LAST_LINES,
    MAX_LINE_CHARS,
    Json,
    ServerDied,
    ServerError,
    StdioClient,
)
from support.environment import clean_environment
from support.guard.sitecustomize import watched
from support.patience import WAIT_S

INITIALIZE = {"processId": None, "rootUri": None, "capabilities": {}}

READ_ONE = "import sys; head = sys.stdin.buffer.readline(); sys.stdin.buffer.readline()"
DYING = {
    "at once": "",
    "after a request": READ_ONE,
    "inside a message": f"{READ_ONE}; sys.stdout.buffer.write(b'Content-Length: 99\\r\\n\\r\\n{{')",
    "with nonsense": f"{READ_ONE}; sys.stdout.buffer.write(b'Content-Length: 4\\r\\n\\r\\nnope')",
    "with a traceback on stdout": f"{READ_ONE}; print('Traceback: it broke\\n')",
    "with a wrong length": f"{READ_ONE}; sys.stdout.buffer.write(b'Content-Length: many\\r\\n\\r\\n')",
    "by a signal": f"{READ_ONE}; import os; os.abort()",
}


def ignore(method: str, params: Json) -> None:
    """Listen to nothing."""


async def test_a_request_is_answered_and_a_notification_heard(tmp_path: Path):
    heard: list[str] = []
    async with StdioClient(
        clean_environment(tmp_path), lambda method, _params: heard.append(method)
    ) as client:
        answer = await client.request("initialize", INITIALIZE)
        assert isinstance(answer, dict)
        assert answer["serverInfo"]["name"] == "farebox"
        await client.notify("initialized", {})
        assert await client.request("farebox/conversations", {}) == {"conversations": []}
        with pytest.raises(ServerError, match="no conversation") as caught:
            await client.request("farebox/conversation", {"conversation": "none"})
        assert caught.value.hint
        await client.request("shutdown", None)
        await client.notify("exit")
    assert set(heard) <= {"farebox/status", "window/logMessage", "client/registerCapability"}


@pytest.mark.parametrize("death", DYING)
async def test_whoever_waits_for_a_server_that_dies_is_told(tmp_path: Path, death: str):
    environment = another_server(tmp_path, DYING[death])
    async with asyncio.timeout(WAIT_S), StdioClient(environment, ignore) as client:
        for _ in range(2):
            with pytest.raises(ServerDied, match="the server has ended"):
                await client.request("initialize", INITIALIZE)
        await client.notify("exit")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        pytest.param("", ["It said nothing."], id="nothing"),
        pytest.param("one\n\ntwo", ["Its last lines:", "  one", "  two"], id="a-line-without-an-end"),
        pytest.param(
            "".join(f"line {number}\n" for number in range(10_000)),
            ["Its last lines:", *(f"  line {number}" for number in range(10_000 - MAX_LAST_LINES, 10_000))],
            id="more-than-a-pipe-holds",
        ),
        pytest.param("x" * 300_000, ["Its last lines:", f"  {'x' * MAX_LINE_CHARS}"], id="one-endless-line"),
        pytest.param("\xff\n", ["Its last lines:", "  \ufffd"], id="no-utf-8"),
    ],
)
async def test_the_last_lines_of_a_server_that_dies_are_told_and_none_reach_the_screen(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], written: str, told: list[str]
):
    (tmp_path / "words").write_bytes(written.encode("latin-1"))
    code = f"{READ_ONE}; sys.stderr.buffer.write(open({str(tmp_path / 'words')!r}, 'rb').read())"
    async with asyncio.timeout(WAIT_S), StdioClient(another_server(tmp_path, code), ignore) as client:
        with pytest.raises(ServerDied) as caught:
            await client.request("initialize", INITIALIZE)
    assert caught.value.hint.split("\n") == told
    assert capfd.readouterr() == ("", "")


async def test_whoever_holds_stderr_open_keeps_nobody_waiting(tmp_path: Path):
    pid = tmp_path / "pid"
    sleeper = "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdin=-3, stdout=-3)"
    code = f"{READ_ONE}; import subprocess; open({str(pid)!r}, 'w').write(str({sleeper}.pid))"
    async with asyncio.timeout(WAIT_S), StdioClient(another_server(tmp_path, code), ignore) as client:
        with pytest.raises(ServerDied):
            await client.request("initialize", INITIALIZE)
    os.kill(int(pid.read_text("utf-8")), signal.SIGTERM)  # it is still there


def another_server(folder: Path, code: str) -> dict[str, str]:
    """Put code in the place of farebox; return the environment in which it is found first."""
    (folder / "farebox").mkdir()
    (folder / "farebox" / "__init__.py").touch()
    (folder / "farebox" / "__main__.py").write_text(code, "utf-8")
    return watched({**clean_environment(folder), "PYTHONPATH": str(folder)})
