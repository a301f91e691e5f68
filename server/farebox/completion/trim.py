"""What of a model's answer is worth showing at the cursor. Pure: text in, text out.

The parts each know one fault, and are asked again until nothing changes: what one has cut may end in
another's fault. Whatever is not certainly a fault stays. An answer with nothing left is None, and so is
one that holds what nobody would see: ``hidden`` says what. It ends before what stands for a secret in what
the model was sent.
"""

import re

from farebox.completion.closers import without_closers
from farebox.completion.echo import without_echo
from farebox.completion.hidden import hidden_in
from farebox.completion.indentation import indented
from farebox.completion.overlap import without_overlap
from farebox.completion.repetition import without_repetition
from farebox.completion.scope import without_next_scope
from farebox.completion.stray import unwrapped, without_markers
from farebox.completion.surroundings import Around, around, one_line_end
from farebox.completion.window import Window
from farebox.privacy import MASK

MAX_ANSWER_CHARS = 16_000
MAX_LINES = 80
"""More than any answer within the limits of tokens that are asked for."""
MAX_ROUNDS = 12


def trim(answer: str, window: Window) -> str | None:
    """Return the insertion, or None if nothing worth showing is left, or not all of it would be seen.

    Its line ends are the document's. Space at its end is dropped; only a line put before another one keeps
    the line end between them.
    """
    here = around(window)
    text = _trimmed(_before_mask(answer, window), here)
    return None if text is None or hidden_in(text, window) else text.replace("\n", here.line_ends)


def hidden(answer: str, window: Window) -> tuple[str, ...]:
    """Return what an answer is withheld for: characters that nobody would see, or what hides a secret."""
    text = _trimmed(_before_mask(answer, window), around(window))
    if text is None:
        return () if (mask := _mask_in(answer, window)) is None else (mask[0],)
    return hidden_in(text, window)


def _mask_in(answer: str, window: Window) -> re.Match[str] | None:
    """Find what stands for a secret in the prompt, unless the document itself says it."""
    masks = MASK.finditer(answer[:MAX_ANSWER_CHARS])
    return next((one for one in masks if one[0] not in window.prefix and one[0] not in window.suffix), None)


def _before_mask(answer: str, window: Window) -> str:
    """Return the lines before the first one with a mask; it is no code, and hides what the user has there."""
    mask = _mask_in(answer, window)
    return answer if mask is None else answer[: max(answer.rfind(end, 0, mask.start()) for end in "\r\n") + 1]


def _trimmed(answer: str, here: Around) -> str | None:
    text = one_line_end(answer[:MAX_ANSWER_CHARS])
    for _ in range(MAX_ROUNDS):
        shorter = _once(text, here)
        if shorter == text:
            break
        text = shorter
    else:
        return None
    return text if text.strip() else None


def _once(text: str, here: Around) -> str:
    text = without_markers(text, here.text)
    if not here.is_prose:
        text = unwrapped(text, in_code=here.inside is None)
    begun = text.lstrip()
    text = without_echo(text, here)
    text = without_repetition(text, here.line_before)
    text = indented(text, here)
    text = without_overlap(text, here)
    text = without_next_scope(text, here)
    text = without_closers(text, here)
    text = "\n".join(text.split("\n")[:MAX_LINES])
    shown = text.rstrip()
    ends_line = here.at_line_start and bool(here.rest.strip()) and "\n" in begun
    return shown + "\n" if ends_line and shown else shown
