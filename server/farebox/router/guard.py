"""What stands at the door: whether a request may leave at all, and what of its texts.

Every request of every feature passes here twice: its files before it is planned, its texts when they have
been written for the one who is asked next.
"""

from farebox import privacy
from farebox.config import Privacy
from farebox.errors import Excluded
from farebox.messages import Call
from farebox.router.request import Request


def let_pass(request: Request, settings: Privacy, *, trusted: bool) -> None:
    """Raise Excluded if the request may not leave the machine at all. Of an untrusted one no file is read."""
    require_trust(trusted=trusted)
    privacy.check(request.sources, privacy.rules_from(settings, request.roots))


def require_trust(*, trusted: bool) -> None:
    """Raise Excluded for a workspace that nobody trusts: nothing leaves, nobody is asked anything."""
    if not trusted:
        raise Excluded(
            "this workspace is not trusted, so nothing of it is sent",
            hint="Trust the workspace in your editor to use completion and chat here.",
        )


def screened(call: Call, request: Request, settings: Privacy, own_keys: tuple[str, ...]) -> Call:
    """Return a call as it may leave, without secrets. Raises Excluded where these are to stop it."""
    return privacy.Screen(settings.secrets, own_keys, request.sources, request.roots).call(call)
