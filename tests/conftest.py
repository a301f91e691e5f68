"""What holds for every test: nothing beyond loopback, nobody's real keyring, no key of the developer's."""

import ipaddress
import os
import sys
from collections.abc import Generator
from pathlib import Path

import pytest

from farebox.config import WORKSPACE_FILE

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
for name in [name for name in os.environ if name.endswith("_API_KEY") or name.startswith("FAREBOX_LOCAL")]:
    del os.environ[name]

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


@pytest.fixture
def user_file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.fixture
def workspace_file(tmp_path: Path) -> Path:
    return tmp_path / WORKSPACE_FILE
