"""The simulated provider in a thread, for tests that wait for processes."""

import asyncio
import threading
from collections.abc import Generator
from contextlib import contextmanager

from farebox.providers.simulated import SimulatedServer


@contextmanager
def simulated_in_thread() -> Generator[str]:
    """Run a simulated provider; give its base URL."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    server = SimulatedServer(word_delay_s=0)
    asyncio.run_coroutine_threadsafe(server.start(), loop).result(10)
    try:
        yield server.base_url
    finally:
        asyncio.run_coroutine_threadsafe(server.close(), loop).result(10)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
