"""The demo's client: a server as a child process, and what becomes of those who wait when it dies."""

import asyncio
from pathlib import Path

import pytest

from farebox.cli.stdio_client import Json, ServerError, StdioClient
from support.environment import clean_environment

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
    (tmp_path / "farebox").mkdir()
    (tmp_path / "farebox" / "__init__.py").touch()  # it is found before the real one
    (tmp_path / "farebox" / "__main__.py").write_text(DYING[death], "utf-8")
    environment = {**clean_environment(tmp_path), "PYTHONPATH": str(tmp_path)}
    async with asyncio.timeout(20), StdioClient(environment, ignore) as client:
        for _ in range(2):
            with pytest.raises(ServerError, match="the server has ended"):
                await client.request("initialize", INITIALIZE)
        await client.notify("exit")
