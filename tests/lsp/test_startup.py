"""What the real server process has imported when ``initialize`` is answered (invariant 10)."""

import sys
from pathlib import Path

import pytest

from support.client import Client

LATE = (
    "httpx2",
    "httpcore2",
    "httpx",
    "pydantic",
    "sqlite3",
    "genai_prices",
    "rich",
    "starlette",
    "argparse",
)
TOLD = (sys.executable, "-X", "importtime", "-m", "farebox", "lsp")
"""Python tells on stderr of each module that it imports."""


def imported(client: Client) -> set[str]:
    lines = [line for line in client.log.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


@pytest.mark.parametrize("goodbye", ["shutdown and exit", "end of input"])
def test_initialize_is_answered_before_anything_slow_is_imported(tmp_path: Path, goodbye: str) -> None:
    # `initialized` is never sent: it is what starts the warming up.
    with Client(tmp_path, command=TOLD) as client:
        defaults = {"processId": None, "rootUri": None, "capabilities": {}}
        assert client.request("initialize", defaults)["capabilities"]
        if goodbye == "end of input":
            client.close_stdin()
            client.wait_exit()
    modules = imported(client)
    assert "farebox.lsp.server" in modules
    assert [name for name in LATE if name in modules] == []


def test_initialized_warms_up_what_the_first_request_needs(tmp_path: Path) -> None:
    with Client(tmp_path, command=TOLD) as client:
        client.initialize()
        client.request("farebox/conversations")
    assert {"httpx2", "pydantic", "sqlite3"} <= imported(client)
