"""No prompt and no code in an error: errors are shown and logged, and providers like to quote what they got.

A quotation is seldom verbatim. Line ends have become spaces or ``\\n``, quotes ``\\"`` or ``&quot;``, letters
``\\u00e9``, once or several times over. So both texts are stripped of all that such writing changes, and
then compared.
"""

import re
from typing import assert_never

from farebox.errors import ProviderError
from farebox.messages import Chat, Infill, Prompt, RawText
from farebox.providers.failures import KEY_LIKE, UNPRINTABLE

ECHO_CHARS = 20
"""As many of the prompt's characters in a row, blanks and quotes not counted, are no coincidence."""

FEWEST_CHARS = 8
"""A shorter prompt, such as ``hi``, is found in any sentence."""

_ESCAPE = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|x([0-9a-fA-F]{2})|U[0-9a-fA-F]{8}|[abfnrtv0])")
_ENTITY = re.compile(r"&(?:amp;)*#?[A-Za-z0-9]{1,31};")
_REWRITTEN = re.compile(r"[\s\\\"'`<>&]+")


def drop_echo(error: ProviderError, prompt: Prompt) -> None:
    """Take a provider's words out of its error if they repeat the prompt."""
    words = _bare(error.message)
    if not any(_repeats(words, _bare(part)) for part in _parts(prompt)):
        return
    error.message = f"{error.provider} failed ({error.kind}); its words repeat the prompt and are left out"
    error.args = (error.message,)


def _parts(prompt: Prompt) -> tuple[str, ...]:
    match prompt:
        case Chat(messages):
            return tuple(message.text for message in messages)
        case Infill(prefix, suffix):
            return prefix, suffix
        case RawText(text):
            return (text,)
        case _:
            assert_never(prompt)


def _repeats(words: str, sent: str) -> bool:
    size = min(ECHO_CHARS, len(sent))
    if size < FEWEST_CHARS:
        return False
    return any(words[at : at + size] in sent for at in range(len(words) - size + 1))


def _bare(text: str) -> str:
    """Leave only what every way of quoting a text keeps."""
    text = _ESCAPE.sub(_unescaped, KEY_LIKE.sub("<secret>", text))
    return UNPRINTABLE.sub("", _REWRITTEN.sub("", _ENTITY.sub("", text)))


def _unescaped(escape: re.Match[str]) -> str:
    digits = escape[1] or escape[2]
    return chr(int(digits, 16)) if digits else " "
