"""What could not be written into the ledger, as lines of JSON: a line for each record, to be written later.

A line may be half of one, where its process died; it is passed over. pydantic reads them, and is imported
only when there is something to read or write.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, assert_never

from farebox.ledger.records import Hold, Money, Settlement, Withdrawal

if TYPE_CHECKING:
    from pydantic import TypeAdapter

_log = logging.getLogger("farebox.ledger")


@dataclass(frozen=True, slots=True)
class _Line:
    hold: Hold | None = None
    settlement: Settlement | None = None
    withdrawal: Withdrawal | None = None


def line(record: Money) -> bytes:
    """Write a record as a line."""
    match record:
        case Hold():
            kept = _Line(hold=record)
        case Settlement():
            kept = _Line(settlement=record)
        case Withdrawal():
            kept = _Line(withdrawal=record)
        case _:
            assert_never(record)
    return _adapter().dump_json(kept, exclude_defaults=True) + b"\n"


def records(lines: Iterable[bytes]) -> list[Money]:
    """Read the lines that can be read."""
    found: list[Money] = []
    for one in lines:
        try:
            kept = _adapter().validate_json(one)
        except ValueError:
            _log.warning("a line of what had to wait can't be read", extra={"bytes": len(one)})
            continue
        told = kept.hold or kept.settlement or kept.withdrawal
        found += [] if told is None else [told]
    return found


@cache
def _adapter() -> "TypeAdapter[_Line]":
    from pydantic import TypeAdapter  # noqa: PLC0415  deferred: only trouble needs it

    return TypeAdapter(_Line)
