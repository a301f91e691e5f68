"""What a key may still spend, in words, from the answer to the question whether the key works.

Wire facts: OpenRouter's API reference, ``GET /key``. The key's label is never repeated: it holds a part of
the key unless the user has named it.
"""

from decimal import Decimal
from typing import Final

from farebox.providers.json_value import JsonObject, decimal, obj

_RESETS: Final = ("daily", "weekly", "monthly")
_CENT: Final = Decimal("0.01")
_MOST_USD: Final = Decimal(10**9)


def words(table: JsonObject) -> str | None:
    """Say it as ``$3.20 of $10.00 left, resets monthly; $6.80 used``; None if the answer does not."""
    data = obj(table, "data")
    limit, left, used = (_usd(data, key) for key in ("limit", "limit_remaining", "usage"))
    parts: list[str] = []
    if left is not None:
        of = f" of {limit}" if limit is not None else ""
        parts.append(f"{left}{of} left{_resets(data)}")
    elif limit is not None:
        parts.append(f"a limit of {limit}{_resets(data)}")
    elif "limit" in data:
        parts.append("no limit")
    if used is not None:
        parts.append(f"{used} used")
    if data.get("is_free_tier") is True:
        parts.append("free tier")
    return "; ".join(parts) or None


def _resets(data: JsonObject) -> str:
    reset = data.get("limit_reset")
    return f", resets {reset}" if reset in _RESETS else ""


def _usd(data: JsonObject, key: str) -> str | None:
    """Write an amount in cents; one below zero, which is overspent, as none."""
    amount = decimal(data, key)
    if amount is None or abs(amount) > _MOST_USD:
        return None
    return f"${max(amount, Decimal(0)).quantize(_CENT)}"
