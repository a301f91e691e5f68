"""What may leave the machine: which files, and what of their texts. The door asks for every request.

``rules`` are about files, ``calls`` about what is in a text; both are asked of every request, so that nothing
depends on which feature a text came through. Nothing here knows providers or editors.
"""

from farebox.privacy.blanks import blanked
from farebox.privacy.calls import Screen
from farebox.privacy.named_values import is_random
from farebox.privacy.names import shown_name
from farebox.privacy.plain_files import read_plain
from farebox.privacy.rules import NO_RULES, Look, Rules, check, kept, rules_from
from farebox.privacy.texts import MASK, secrets_in, splits_secret

__all__ = [
    "MASK",
    "NO_RULES",
    "Look",
    "Rules",
    "Screen",
    "blanked",
    "check",
    "is_random",
    "kept",
    "read_plain",
    "rules_from",
    "secrets_in",
    "shown_name",
    "splits_secret",
]
