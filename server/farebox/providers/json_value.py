"""Careful reading of JSON that a stranger sent: whatever is missing or of a wrong type reads as nothing.

Adapters look values up through these functions, so that no shape of a body can raise anything but
what they mean to raise.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias, cast

JsonObject: TypeAlias = Mapping[str, object]
EMPTY: JsonObject = {}
MAX_TOKEN_COUNT = 10**9
MAX_EXPONENT = 30
MAX_VALUES = 200_000
"""An empty list takes 30 times the memory of its three characters: 200,000 of anything stay below 30 MB."""

_FEW_CHARS = MAX_VALUES
_BLANK = " \t\n\r"


def _fraction(digits: str) -> Decimal:
    """Read a fraction exactly; one with an exponent beyond all reason is no number."""
    try:
        return Decimal(digits)
    except ArithmeticError:
        return _NO_NUMBER


_NO_NUMBER = Decimal("NaN")
_DECODER = json.JSONDecoder(parse_float=_fraction)


def parse_object(text: str) -> JsonObject | None:
    """Parse JSON text; None if it is no object, or one of too many values. Fractions are read exactly."""
    value = _parse(text)
    return cast("JsonObject", value) if isinstance(value, dict) else None


def parse_error(text: str) -> JsonObject | None:
    """Parse an error body: an object, or, at Google's compatible endpoint, a list that holds one."""
    value = _parse(text)
    if isinstance(value, list):
        value = next(iter(cast("list[object]", value)), None)
    return cast("JsonObject", value) if isinstance(value, dict) else None


def _parse(text: str) -> object:
    if len(text) > _FEW_CHARS and sum(map(text.count, ",[{")) > MAX_VALUES:
        return None
    bare = text.strip(_BLANK)
    try:
        value, end = cast("tuple[object, int]", _DECODER.raw_decode(bare))
    except (ValueError, RecursionError):
        return None
    return value if end == len(bare) else None


def obj(value: object, *path: str) -> JsonObject:
    """Walk down a path of keys to an object; an empty one if it is not there."""
    for key in path:
        value = cast("JsonObject", value).get(key) if isinstance(value, dict) else None
    return cast("JsonObject", value) if isinstance(value, dict) else EMPTY


def text(table: JsonObject, key: str) -> str:
    """Return a string, or an empty one."""
    value = table.get(key)
    return value if isinstance(value, str) else ""


def array(table: JsonObject, key: str) -> list[object]:
    """Return a list, or an empty one."""
    value = table.get(key)
    return cast("list[object]", value) if isinstance(value, list) else []


def count(table: JsonObject, key: str) -> int | None:
    """Return a token count: a whole number from 0 to a billion, or None."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value <= MAX_TOKEN_COUNT:
        return None
    return value


def decimal(table: JsonObject, key: str) -> Decimal | None:
    """Return a number exactly as it was written, or None if it is so large or small that none is meant."""
    value = table.get(key)
    if isinstance(value, bool) or not isinstance(value, int | Decimal):
        return None
    try:
        number = Decimal(value)
    except ArithmeticError:
        return None
    is_plausible = number.is_finite() and (not number or abs(number.adjusted()) <= MAX_EXPONENT)
    return number if is_plausible else None
