"""Why a suggestion is withheld: it holds what the user would not see, and would have in the file by one key.

Pure. What the document itself holds already is the user's own, but for what no text may hold and what
would make code read as other code: one such mark in a file must not let a model's pass.
"""

from farebox.completion.window import Window
from farebox.unseen import DECEIVING, code_point, out_of_place

MAX_NAMED = 8


def hidden_in(text: str, window: Window) -> tuple[str, ...]:
    """Return the characters of a suggestion that nobody would see; with none it may be shown."""
    found = out_of_place(text, window.prefix, window.suffix)
    return tuple(char for char in found if not _is_the_users(char, window))


def why_withheld(hidden: tuple[str, ...]) -> str:
    """Say why a suggestion is not shown: for such characters, or for a mask that is all there is."""
    if masks := [one for one in hidden if len(one) > 1]:
        return f"withheld: it is what stands for a secret in the prompt: {masks[0]}"
    named = ", ".join(map(code_point, hidden[:MAX_NAMED]))
    return f"withheld: it holds what nobody would see: {named}"


def _is_the_users(char: str, window: Window) -> bool:
    is_nobodys = char == "\0" or "\ud800" <= char <= "\udfff" or char in DECEIVING
    return not is_nobodys and (char in window.prefix or char in window.suffix)
