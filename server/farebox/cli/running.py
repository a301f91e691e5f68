"""An App for the length of one command."""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from farebox.app import App, Client

_T = TypeVar("_T")


def with_app(work: Callable[[App], Awaitable[_T]]) -> _T:
    """Run work with an App of the command line, in the folder where it was started."""

    async def run() -> _T:
        app = App(Client(name="command line", roots=(str(Path.cwd()),)))
        try:
            return await work(app)
        finally:
            await app.close()

    return asyncio.run(run())
