"""npm's tabby-agent, the real one, over stdio, with the oracle as its Tabby server, in real time.

1.5.0 answers ``textDocument/completion`` alone; its first item is taken as ghost text, as Tabby's own
extensions do with the same answer.
"""

import os
import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from bench.startup import installed_version
from bench.typing.document import Document
from bench.typing.oracle import Oracle
from bench.typing.realtime import Session
from bench.typing.tally import Tally
from bench.typing.texts import Target
from bench.typing.upstream import Upstream
from bench.typing.wire import server
from support.environment import clean_environment
from support.metamodel import Json

PACKAGE, VERSION = "tabby-agent", "1.5.0"


def tabby_command() -> tuple[str, ...] | None:
    """Install tabby-agent if need be and return what starts it; None, and a line why, if it can't be had."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if npm is None or node is None:
        print(f"{PACKAGE}: left out, there is no npm or no node on the PATH")
        return None
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "farebox-bench"
    package = cache / "node_modules" / PACKAGE
    if installed_version(package) != VERSION:
        print(f"installing {PACKAGE}@{VERSION} into {cache}", flush=True)
        cache.mkdir(parents=True, exist_ok=True)
        arguments = ["--no-save", "--no-audit", "--no-fund", "--prefix", str(cache)]
        done = subprocess.run(
            [npm, "install", *arguments, f"{PACKAGE}@{VERSION}"], capture_output=True, text=True, check=False
        )
        if done.returncode != 0:
            print(f"{PACKAGE}: left out, npm could not install it\n{done.stderr[-500:]}")
            return None
    # A version manager's shim may need the real HOME.
    real = subprocess.run([node, "-p", "process.execPath"], capture_output=True, text=True, check=True).stdout
    return (real.strip(), str(package / "dist" / "cli.js"), "--lsp", "--stdio")


async def type_at_tabby(
    command: Sequence[str], target: Target, oracle: Oracle, *, seed: int, slots: int, max_keys: int | None
) -> Tally:
    """Type one text before an agent of its own."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="tabby-typing-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        settings = folder / ".tabby-client" / "agent" / "config.toml"
        settings.parent.mkdir(parents=True)
        async with Upstream(oracle, tally, slots=slots).running() as upstream:
            settings.write_text(
                f'[server]\nendpoint = "http://127.0.0.1:{upstream.port}"\n'
                "[anonymousUsageTracking]\ndisable = true\n",
                "utf-8",
            )
            client = {"name": "the typing bench", "version": "1"}
            initialize: Json = {"processId": None, "rootUri": None, "capabilities": {}, "clientInfo": client}
            async with server(command, clean_environment(folder), folder, initialize) as wire:
                session = Session(target, tally, seed=seed)
                editor = TabbyDocument(wire, target, folder, session)
                editor.open()
                await session.type(editor, max_keys=max_keys)
    return tally


class TabbyDocument(Document):
    """A document of tabby-agent."""

    method = "textDocument/completion"

    def _insertion(self, item: Json) -> str | None:
        edit = item.get("textEdit")
        if not isinstance(edit, dict):
            return None
        # The edit begins at the start of the word before the cursor, and repeats it.
        repeated = int(self._place.here["character"]) - int(edit["range"]["start"]["character"])
        return str(edit["newText"])[repeated:] if repeated >= 0 else None
