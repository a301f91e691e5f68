"""What holds for every test: nothing beyond loopback, no keyring, key or setting of the developer's, noon.

All loggers are at debug level, and no record of theirs may hold a key.
"""

import ipaddress
import logging
import os
import sys
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from farebox.config import WORKSPACE_FILE
from support.canary import Watch
from support.environment import is_the_developers, zone_where_it_is_noon

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
for name in filter(is_the_developers, list(os.environ)):
    del os.environ[name]

os.environ["TZ"] = zone_where_it_is_noon(datetime.now(UTC))
if hasattr(time, "tzset"):
    time.tzset()

_strangers: list[object] = []


def _watch(event: str, arguments: tuple[object, ...]) -> None:
    """Note every connection of this process that is not to this machine."""
    if event != "socket.connect":
        return
    address = arguments[1]
    if isinstance(address, tuple) and not _is_loopback(str(address[0])):
        _strangers.append(address)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


sys.addaudithook(_watch)


@pytest.fixture(autouse=True)
def _no_stranger_is_called() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]
    _strangers.clear()
    yield
    assert not _strangers, f"a test connected to {_strangers}"


_watch_for_keys = Watch()
logging.getLogger().addHandler(_watch_for_keys)
logging.getLogger().setLevel(logging.DEBUG)


@pytest.fixture(autouse=True)
def _no_key_is_logged() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]
    _watch_for_keys.leaks.clear()
    yield
    assert not _watch_for_keys.leaks, f"a key was logged: {_watch_for_keys.leaks}"


@pytest.fixture
def user_file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.fixture
def workspace_file(tmp_path: Path) -> Path:
    return tmp_path / WORKSPACE_FILE
