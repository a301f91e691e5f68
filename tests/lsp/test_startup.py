"""What the real server process has imported when ``initialize`` is answered (invariant 10)."""

import json
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
LAUNCHER = """
import atexit, json, pathlib, sys
file = pathlib.Path(sys.argv.pop(1))
atexit.register(lambda: file.write_text(json.dumps(sorted(sys.modules))))
from farebox.cli.main import main
main(["lsp"])
"""


@pytest.mark.parametrize("goodbye", ["shutdown and exit", "end of input"])
def test_initialize_is_answered_before_anything_slow_is_imported(tmp_path: Path, goodbye: str) -> None:
    # `initialized` is never sent: it is what starts the warming up.
    file = tmp_path / "modules.json"
    with Client(tmp_path, command=(sys.executable, "-c", LAUNCHER, str(file))) as client:
        defaults = {"processId": None, "rootUri": None, "capabilities": {}}
        assert client.request("initialize", defaults)["capabilities"]
        if goodbye == "end of input":
            client.close_stdin()
            client.wait_exit()
    modules = json.loads(file.read_text())
    assert "farebox.lsp.server" in modules
    assert [name for name in LATE if name in modules] == []


def test_initialized_warms_up_what_the_first_request_needs(tmp_path: Path) -> None:
    file = tmp_path / "modules.json"
    with Client(tmp_path, command=(sys.executable, "-c", LAUNCHER, str(file))) as client:
        client.initialize()
        client.request("farebox/conversations")
    modules = json.loads(file.read_text())
    assert {"httpx2", "pydantic", "sqlite3"} <= set(modules)
