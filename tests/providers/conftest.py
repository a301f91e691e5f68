"""What nearly every test of an adapter needs: connections of farebox's own, and a server to speak to."""

from collections.abc import AsyncIterator

import pytest

from farebox.providers.http import Http
from support.upstream import Upstream


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    """Open connections that are closed in the end."""
    client = Http()
    yield client
    await client.aclose()


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    """Start a server that answers as it is scripted."""
    async with Upstream() as server:
        yield server
