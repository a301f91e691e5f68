"""Whether a completion is worth asking for at all, before anything is spent on it.

Each reason has a name that ``explain`` and the status can show. An invoked completion (the user asked
for it) passes the gates that only guess at what the user wants.
"""

import re
from typing import Literal, TypeAlias

from farebox.completion.context import Window
from farebox.config import CompletionSettings

Reason: TypeAlias = Literal["disabled", "language", "empty", "mid-line"]

_CLOSERS = re.compile(r"""^\s*[)>}\]"'`]*\s*[:{;,]?\s*$""")


def closed(window: Window, settings: CompletionSettings, *, invoked: bool) -> Reason | None:
    """Return why no completion is asked for here, or None."""
    if not settings.enabled:
        return "disabled"
    if window.language in settings.disabled_languages:
        return "language"
    if not window.prefix.strip() and not window.suffix.strip():
        return "empty"
    if invoked:
        return None
    # Text right of the cursor other than closing brackets: an insertion there is rarely meant.
    return None if _CLOSERS.match(window.line_after) else "mid-line"
