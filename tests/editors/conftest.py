"""What tests of the clients share: each of Neovim's runs in the oldest supported one and in the newest."""

from collections.abc import Generator
from pathlib import Path

import pytest

from support.neovim import NEWEST, OLDEST, Editor, running
from support.vscode import chromium
from support.vscode_page import built, shown

__all__ = ["built", "chromium", "shown"]


@pytest.fixture(params=[OLDEST, NEWEST])
def version(request: pytest.FixtureRequest) -> str:
    """The version of Neovim that a test runs in."""
    return str(request.param)


@pytest.fixture
def editor(version: str, tmp_path: Path) -> Generator[Editor]:
    """A Neovim with the plugin, set up with the fake server (``fake`` in Lua)."""
    with running(version, tmp_path, setup="{ cmd = fake.start }") as editor:
        yield editor
