"""No prompt and no code in an error: errors are shown and logged, and providers like to quote what they got.

A quotation is seldom verbatim. Line ends have become spaces or ``\\n``, quotes ``\\"`` or ``&quot;``, letters
``\\u00e9``, once or several times over. So both texts are stripped of all that such writing changes, and
then compared.
"""

import html
import re
from typing import assert_never
from urllib.parse import unquote

from farebox.errors import ProviderError
from farebox.messages import Chat, Infill, Prompt, RawText
from farebox.providers.failures import KEY_LIKE, UNPRINTABLE
from farebox.unseen import shown

ECHO_CHARS = 20
"""As many of the prompt's characters in a row, blanks and quotes not counted, are no coincidence."""

FEWEST_CHARS = 8
"""A shorter prompt, such as ``hi``, is found in any sentence."""

ENTITY_LEVELS = 3

MAX_COMPARED_CHARS = 200_000
"""To compare a longer prompt would keep the event loop busy for more than some 50 ms."""

_ESCAPE = re.compile(
    r"(?<!\\)\\++(?:u([0-9a-fA-F]{4})|U[0-9a-fA-F]{8}|(x[0-9a-fA-F]{2}(?:\\++x[0-9a-fA-F]{2})*)|[abfnrtv0])"
)
_REWRITTEN = re.compile(r"[\s\\\"'`<>&+]+")


def drop_echo(error: ProviderError, prompt: Prompt) -> None:
    """Take a provider's words out of its error if they repeat the prompt, or may do so."""
    parts = _parts(prompt)
    if _is_repeated(parts, _bare(error.hint)):  # it may name models that the provider suggests
        error.hint = "Try again, or choose another model."
    if sum(map(len, parts)) > MAX_COMPARED_CHARS:
        why = "the prompt is too long to compare its words with"
    elif _is_repeated(parts, _bare(error.message)):
        why = "its words repeat the prompt and are left out"
    else:
        return
    error.message = f"{shown(error.provider)} failed ({error.kind}); {why}"
    error.args = (error.message,)


def _parts(prompt: Prompt) -> tuple[str, ...]:
    match prompt:
        case Chat(messages):
            images = (image.data for message in messages for image in message.images)
            calls = (call.arguments for message in messages for call in message.tool_calls)
            return *(message.text for message in messages), *images, *calls
        case Infill(prefix, suffix, extra):
            return prefix, suffix, *(text for _, text in extra)
        case RawText(text):
            return (text,)
        case _:
            assert_never(prompt)


def _is_repeated(parts: tuple[str, ...], words: str) -> bool:
    return any(_repeats(words, _bare(part)) for part in parts)


def _repeats(words: str, sent: str) -> bool:
    size = min(ECHO_CHARS, len(sent))
    if size < FEWEST_CHARS:
        return False
    return any(words[at : at + size] in sent for at in range(len(words) - size + 1))


def _bare(text: str) -> str:
    """Leave only what every way of quoting a text keeps."""
    text = KEY_LIKE.sub("<secret>", text)
    for _ in range(ENTITY_LEVELS):
        text = html.unescape(text)
    text = _ESCAPE.sub(_unescaped, unquote(text))
    return UNPRINTABLE.sub("", _REWRITTEN.sub("", text)).casefold()


def _unescaped(escape: re.Match[str]) -> str:
    if escape[1]:
        return chr(int(escape[1], 16))
    if not escape[2]:
        return " "
    raw = bytes.fromhex(re.sub(r"[x\\]", "", escape[2]))
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("latin-1")
