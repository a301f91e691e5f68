"""The figures of the page: each is taken out of the report's JSON, and says from where it was taken.

So no number can be on the page that the JSON does not have. What is written here is escaped here: a name from
outside is text, never markup. It must not know what a report is about.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal, InvalidOperation
from html import escape
from typing import cast

from farebox.report.amounts import NONE, milliseconds, tokens
from farebox.unseen import clean

MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")

_WHOLE_CENTS = Decimal("0.1")
"""From here on an amount is written in whole cents, below with two digits that say something."""

_CENT = Decimal("0.01")


@dataclass(frozen=True, slots=True)
class Place:
    """A value of the JSON and the path to it: ``by=model/rows/0/usd``."""

    path: str
    value: object

    def __getitem__(self, key: str) -> "Place":
        """Return a member of an object, which must have it; null has any, and each is null."""
        value = cast("Mapping[str, object]", self.value)[key] if isinstance(self.value, Mapping) else None
        return Place(f"{self.path}/{key}", value)

    def __iter__(self) -> Iterator["Place"]:
        """Go through an array."""
        items = cast("Sequence[object]", self.value) if isinstance(self.value, list) else ()
        return (Place(f"{self.path}/{index}", item) for index, item in enumerate(items))

    @property
    def text(self) -> str | None:
        """The value as text, if it is one."""
        return self.value if isinstance(self.value, str) else None

    @property
    def number(self) -> Decimal | None:
        """The value as a number, also a decimal one in quotes; None if it is not known."""
        if not isinstance(self.value, int | float | str):
            return None
        try:
            return Decimal(str(self.value))
        except InvalidOperation:
            return None

    @property
    def amount(self) -> Decimal:
        """The number; what is not known counts nothing."""
        return self.number or Decimal(0)


def count(place: Place) -> str:
    """Write a whole number."""
    return _figure(place, None if place.number is None else f"{place.number:,}")


def token_count(place: Place) -> str:
    """Write how many tokens, rounded down to what a person reads."""
    return _figure(place, None if place.number is None else tokens(int(place.number)))


def money(place: Place) -> str:
    """Write dollars; the exact amount is in the tooltip."""
    if place.number is None:
        return _figure(place, None)
    shown, exact = dollars_text(place.number), f"{'-' if place.number < 0 else ''}${abs(place.number):f}"
    return _figure(place, shown, "" if shown == exact else f' title="{exact}"')


def duration(place: Place) -> str:
    """Write milliseconds."""
    return _figure(place, None if place.number is None else milliseconds(int(place.number)))


def percent(place: Place) -> str:
    """Write a number that is a percentage already."""
    return _figure(place, None if place.number is None else percent_text(place.number))


def name(place: Place, otherwise: str = NONE) -> str:
    """Write a name from outside; the part after its last slash is what one looks for."""
    value = place.text
    if value is None:
        return f'<span class="name none">{escape(otherwise)}</span>'
    folder, slash, last = clean(value).rpartition("/")
    before = f'<span class="before">{escape(folder + slash).replace("/", "/<wbr>")}</span>' if slash else ""
    return f'<span class="name" data-path="{place.path}">{before}{escape(last)}</span>'


def text(place: Place) -> str:
    """Write words from outside as they are."""
    return f'<span data-path="{place.path}">{escape(clean(place.text or ""))}</span>'


def moment(place: Place, *, ends: bool = False) -> str:
    """Write a moment as a day, with the time unless that is midnight; ``ends`` is a day that is over then."""
    text = place.text or ""
    return f'<time datetime="{escape(text)}" data-path="{place.path}">{moment_text(text, ends=ends)}</time>'


# --- how they are written ------------------------------------------------------------------------


def dollars_text(amount: Decimal) -> str:
    """Write dollars to the cent, less than ten cents to two digits that say something: ``$0.0031``."""
    size = abs(amount)
    if 0 < size < _WHOLE_CENTS:
        size = size.quantize(Decimal(1).scaleb(size.adjusted() - 1))
    if size >= _WHOLE_CENTS or not size:
        size = size.quantize(_CENT)
    return f"{'-' if amount < 0 else ''}${size:,f}"


def percent_text(percentage: Decimal) -> str:
    """Write a share to the whole percent, a small one to a tenth; something is never ``0 %``."""
    if 0 < abs(percentage) < Decimal("0.1"):
        return "< 0.1 %" if percentage > 0 else "> -0.1 %"
    tenths = percentage.quantize(Decimal("0.1"))
    return f"{tenths if 0 < abs(tenths) < 1 else percentage.quantize(Decimal(1)):f} %"


def day_text(day: date, *, year: bool = True) -> str:
    """Write a day in any reader's order: ``1 Nov 2026``."""
    return f"{day.day} {MONTHS[day.month - 1]}{f' {day.year}' if year else ''}"


def moment_text(iso: str, *, ends: bool = False) -> str:
    """Write an ISO 8601 moment; ``ends`` names the last day that was before a midnight."""
    try:
        at = datetime.fromisoformat(iso)
    except ValueError:
        return clean(iso)
    if at.time() != time.min:
        return f"{day_text(at.date())}, {at:%H:%M}"
    return day_text(at.date() - timedelta(days=1) if ends else at.date())


def _figure(place: Place, text: str | None, more: str = "") -> str:
    if text is None:
        return f'<data value="" data-path="{place.path}" class="none">{NONE}</data>'
    return f'<data value="{place.value}" data-path="{place.path}"{more}>{text}</data>'
