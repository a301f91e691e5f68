"""Whether an address is on this machine, by its own words.

Pure: no name is looked up, for a name server is no witness. Knows no provider and no library for HTTP.
"""

import ipaddress
from urllib.parse import urlsplit


def is_loopback(url: str) -> bool:
    """Say whether an address is on this machine by its own words (no name is looked up)."""
    host = (urlsplit(url).hostname or "").lower()
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
