"""Whom a server has connected to, beside whom it was told of: nobody else may be among them.

What counts as told: every address in its settings, its environment and the messages that it got, and those
on this machine at which farebox itself looks for servers (``vendors.toml``, ``local.py``). So an address
that is only quoted in a message counts too: that nobody asks there, each test has to say of its own
listeners. On Windows this sees nothing.
"""

import re
import sys
from collections.abc import Iterable
from pathlib import Path

import farebox

_ADDRESS = re.compile(r"https?://(?:[^/@\s\"'\\]*@)?(\[[0-9A-Fa-f:.]+\]|[^/:\s\"'\\]+):(\d+)")
_LOOPBACK = ("127.0.0.1", "::1")
_PROVIDERS = Path(farebox.__file__).parent / "providers"
_EXPECTED = "".join((_PROVIDERS / name).read_text("utf-8") for name in ("vendors.toml", "local.py"))


def strangers(log: Path, told: Iterable[str]) -> list[str]:
    """Return the addresses in a guard's log that nobody has told of."""
    if sys.platform == "win32" or not log.exists():  # there a socket pair connects to itself
        return []
    known = addresses(" ".join([*told, _EXPECTED]))
    contacted = {tuple(line.split(" ", 1)) for line in log.read_text("utf-8").splitlines()}
    return sorted(f"{host} {port}" for host, port in contacted - known)


def addresses(text: str) -> set[tuple[str, ...]]:
    """Return the hosts and ports of all addresses in a text; ``localhost`` is both of loopback's."""
    found: set[tuple[str, ...]] = set()
    for host, port in _ADDRESS.findall(text):
        names = _LOOPBACK if host.lower() == "localhost" else (host.strip("[]").lower(),)
        found |= {(name, port) for name in names}
    return found
