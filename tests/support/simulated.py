"""The simulated provider in a thread, for tests that wait for processes."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager

from farebox.providers.simulated import SimulatedServer
from support.patience import WAIT_S


@contextmanager
def simulated_in_thread() -> Generator[str]:
    """Run a simulated provider; give its base URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = SimulatedServer(word_delay_s=0)
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(WAIT_S)
    try:
        yield server.base_url
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(WAIT_S)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(WAIT_S)
        loop.close()
