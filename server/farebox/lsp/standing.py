"""What a server has by now, in its log: whoever looks for a leak can't count tasks from outside."""

import asyncio
import logging
import threading
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from farebox.app import App

EACH_S: Final = 15.0

_log = logging.getLogger("farebox.lsp")


async def watch(app: "App") -> None:
    """Tell it now and then, until cancelled; at once not where nobody debugs farebox."""
    while logging.getLogger().isEnabledFor(logging.DEBUG):
        _log.debug(
            "standing",
            extra={
                "tasks": len(asyncio.all_tasks()),
                "threads": threading.active_count(),
                "conversations": len(app.conversations.newest_first()),
            },
        )
        await asyncio.sleep(EACH_S)
