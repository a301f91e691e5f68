"""An App for the length of one command."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from farebox.app import App, Client
from farebox.config import WORKSPACE_FILE

_MARKS = (WORKSPACE_FILE, ".git")
_T = TypeVar("_T")


def with_app(work: Callable[[App], Awaitable[_T]], *, file: Path | None = None) -> _T:
    """Run work with an App of the command line, in the workspaces of a file and of the current folder."""
    folders = [Path.cwd()] if file is None else [_plain(file).parent, Path.cwd()]
    roots = tuple(dict.fromkeys(str(workspace_of(folder)) for folder in folders))

    async def run() -> _T:
        app = App(Client(name="command line", roots=roots))
        try:
            return await work(app)
        finally:
            await app.close()

    return asyncio.run(run())


def workspace_of(folder: Path) -> Path:
    """Return the nearest folder, upward from one, that is a workspace's; else the folder itself."""
    marked = (above for above in (folder, *folder.parents) if any((above / name).exists() for name in _MARKS))
    return next(marked, folder)


def _plain(path: Path) -> Path:
    """Spell a path from the root and without ``..``; links stay, as in what is sent to a model."""
    return Path(os.path.normpath(path.absolute()))
