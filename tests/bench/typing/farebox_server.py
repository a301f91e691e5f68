"""farebox itself, over stdio: the real server with the oracle as its llama.cpp, typed at in real time."""

import asyncio
import sys
import tempfile
from contextlib import suppress
from pathlib import Path

from bench.typing.document import Document
from bench.typing.oracle import Oracle
from bench.typing.realtime import Session
from bench.typing.tally import Tally
from bench.typing.texts import Target
from bench.typing.upstream import MODEL, Upstream
from bench.typing.wire import Wire, server
from support.client import AUTOMATIC
from support.environment import clean_environment
from support.metamodel import Json

COMMAND = (sys.executable, "-m", "farebox", "lsp")
READY_S, END_S = 20.0, 5.0


async def type_at_farebox(
    target: Target, oracle: Oracle, *, seed: int, slots: int, max_keys: int | None, explain: bool
) -> Tally:
    """Type one text before a server of its own."""
    tally = Tally()
    with tempfile.TemporaryDirectory(prefix="farebox-typing-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        async with Upstream(oracle, tally, slots=slots).running() as upstream:
            address = f"http://127.0.0.1:{upstream.port}/v1"
            config = f'[tasks]\ncomplete = "local/{MODEL}"\n[providers.local]\nbase_url = "{address}"\n'
            (folder / "config.toml").write_text(config, "utf-8")
            initialize: Json = {
                "processId": None,
                "rootUri": None,
                "capabilities": {},
                "clientInfo": {"name": "the typing bench"},
            }
            async with server(COMMAND, clean_environment(folder), folder, initialize) as wire:
                await wire.request("farebox/doctor", {}, READY_S)  # all is imported, and the provider known
                session = Session(target, tally, seed=seed)
                editor = FareboxDocument(wire, target, folder, session, explains=explain)
                editor.open()
                await session.type(editor, max_keys=max_keys)
                tally.unexplained = await editor.unexplained() if explain else 0
    return tally


class FareboxDocument(Document):
    """A document of farebox: it is told what was shown and what was taken."""

    def __init__(self, wire: Wire, target: Target, folder: Path, session: Session, *, explains: bool) -> None:
        """Open nothing yet. ``explains``: after each answer it is asked why there was ghost text or none."""
        super().__init__(wire, target, folder, session)
        self._explains = explains
        self._item: Json | None = None
        self._explained = 0
        self._settled = asyncio.Event()

    async def unexplained(self) -> int:
        """Wait until the last request is settled; return how many were answered without a reason, or not."""
        self._settled.clear()
        with suppress(TimeoutError):
            while self._explained < self._version - 1:
                await asyncio.wait_for(self._settled.wait(), END_S)
                self._settled.clear()
        return self._version - 1 - self._explained

    def _answer(self, _message: Json) -> None:
        """Ask for the reason once a request is settled: before, there is nothing to tell yet."""
        if self._explains:
            self._wire.ask("farebox/explain", {}, self._told)

    def _told(self, message: Json) -> None:
        entry = message.get("result")
        if isinstance(entry, dict):
            why = entry.get("source") or entry.get("silence")
            self._explained += bool(why and entry.get("reason"))
        self._settled.set()

    def _more(self) -> Json:
        return {"context": {"triggerKind": AUTOMATIC}}

    def _shown(self, item: Json) -> None:
        self._item = item
        self._wire.notify("textDocument/didShowCompletion", {"item": item})

    def _taken(self, text: str) -> None:
        """Run the item's command as editors do, or tell that a part was taken."""
        item = self._item
        if item is None:
            return
        command = item.get("command")
        if self._session.ghost is None and isinstance(command, dict):
            params = {"command": command["command"], "arguments": command.get("arguments", [])}
            self._wire.ask("workspace/executeCommand", params, lambda _: None)
            self._item = None
            return
        length = len(str(item["insertText"]).partition(text)[0]) + len(text)
        self._wire.notify(
            "textDocument/didPartiallyAcceptCompletion", {"item": item, "acceptedLength": length}
        )
