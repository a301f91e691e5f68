"""JSON as the standard has it, nothing more: what Python reads and writes beyond that ends here.

Errors never quote what was read: it is prompts and code.
"""

import json
import math
from collections.abc import Callable
from typing import Final, NoReturn, cast


class NotJson(Exception):
    """Bytes that are no JSON value, or one that can't be held."""


def parse(body: bytes) -> object:
    """Read a JSON value. Raises NotJson."""
    try:
        return cast("object", _DECODER.decode(body.decode("utf-8").removeprefix("\ufeff")))
    except NotJson:
        raise
    except UnicodeDecodeError:
        reason = "it is no UTF-8"
    except json.JSONDecodeError:
        reason = "it is no JSON"
    except ValueError:  # more digits than Python turns into a number
        reason = "a number in it is too long"
    except RecursionError:
        reason = "it is nested too deeply"
    raise NotJson(reason)


def is_json(body: bytes) -> bool:
    """Say whether bytes are one whole JSON value."""
    try:
        parse(body)
    except NotJson:
        return False
    return True


def dump(value: object, default: Callable[[object], object] | None = None) -> bytes:
    """Write a JSON value; ``default`` turns what is none into one. Raises NotJson."""
    try:
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=default)
    except RecursionError:
        raise NotJson("it is nested too deeply") from None
    except (TypeError, ValueError) as error:
        raise NotJson(f"it can't be written as JSON: {type(error).__name__}") from None
    try:
        return text.encode("utf-8")
    except UnicodeEncodeError:
        return _without_lone_surrogates(text).encode("utf-8")


def _without_lone_surrogates(text: str) -> str:
    """Join halves that meet; what is left alone becomes U+FFFD."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def _refuse_constant(_name: str) -> NoReturn:
    raise NotJson("it holds NaN or an infinity")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise NotJson("a number in it is too large")
    return number


_DECODER: Final = json.JSONDecoder(parse_constant=_refuse_constant, parse_float=_finite)
