"""Every policy that can be run in virtual time: farebox's own flow, and the peers."""

from collections.abc import Callable, Mapping

from bench.typing.peers import PEERS
from bench.typing.policy import Policy

FAREBOX = "farebox (virtual)"


def policies() -> Mapping[str, Callable[[], Policy]]:
    """Return them by name; farebox's first."""
    return {FAREBOX: _farebox, **PEERS}


def _farebox() -> Policy:
    from bench.typing.farebox_policy import FareboxPolicy

    return FareboxPolicy()
