"""Whether an address is on this machine, by its own words.

Pure: no name is looked up, for neither a name server nor a hosts file is a witness. ``localhost`` is no name
here but two addresses, so that what is said of it holds for the connection too; every other name may lead
anywhere, and may lead elsewhere the next time. Knows no provider and no library for HTTP.
"""

import ipaddress
from typing import Final
from urllib.parse import urlsplit

LOCALHOST: Final = "localhost"
AS_WRITTEN: Final = "127.0.0.1, [::1] or localhost"
"""How a user writes that a server is on this machine."""

_OF_LOCALHOST: Final = ("127.0.0.1", "::1")
_LOOPBACK_4: Final = ipaddress.IPv4Network("127.0.0.0/8")
_LOOPBACK_6: Final = ipaddress.IPv6Address("::1")


def loopback_addresses(host: str) -> tuple[str, ...]:
    """Return where to connect for a host on this machine, in this order; nothing for any other host.

    Refused are, though some systems take them for this machine: ``0.0.0.0`` and ``::`` (every interface),
    IPv4 inside IPv6 (whether that is loopback depends on the version of Python), an address with a scope,
    a number in another notation and ``localhost.`` (which are looked up as names).
    """
    if host.lower() == LOCALHOST:
        return _OF_LOCALHOST
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return ()
    if isinstance(address, ipaddress.IPv4Address):
        return (str(address),) if address in _LOOPBACK_4 else ()
    return (str(address),) if address == _LOOPBACK_6 else ()


def is_loopback(url: str) -> bool:
    """Say whether an address is on this machine by its own words (no name is looked up)."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return False
    if not url.lower().startswith(f"{parts.scheme}://"):  # what was before it has been dropped
        return False
    return bool(loopback_addresses(parts.hostname or ""))
