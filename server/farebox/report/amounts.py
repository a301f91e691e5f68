"""How a report's values are written for people: dollars, tokens, shares, times and names.

The same in the table and on the page. Dollars are exact; what is not known is a dash. It must not know what a
report is.
"""

from fractions import Fraction

from farebox.messages import minute_text, usd_text
from farebox.unseen import clean

NONE = "–"  # noqa: RUF001  a dash stands for what is not known, or is not there

_SIGNIFICANT_DIGITS = 3
_CENT_DIGITS = 7
"""Of nano-dollars: that many are less than a cent."""
_SECOND_MS = 1_000


def name(value: str | None) -> str:
    """Write a name from outside, harmlessly; a dash if there is none."""
    return NONE if value is None else clean(value)


def dollars(nanodollars: int | None) -> str:
    """Write an amount exactly: ``$0.000213``, ``-$1.50``."""
    if nanodollars is None:
        return NONE
    return f"-${usd_text(-nanodollars)}" if nanodollars < 0 else f"${usd_text(nanodollars)}"


def about(nanodollars: int | None) -> str:
    """Write an average, whose further digits say nothing: three digits, but no less than cents."""
    if nanodollars is None:
        return NONE
    digits = min(len(str(abs(nanodollars))) - _SIGNIFICANT_DIGITS, _CENT_DIGITS)
    return dollars(round(nanodollars, -max(digits, 0)))


def tokens(count: int) -> str:
    """Write a token count short enough for a terminal: ``1,500``, ``21k``, ``3.4M``."""
    for unit, size in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= 10 * size:
            return f"{count // size:,}{unit}"
        if count >= size > 10**3:
            return f"{count // size}.{count % size * 10 // size}{unit}"
    return f"{count:,}"


def share_percent(part: int, whole: int) -> int | None:
    """Return how many of a hundred a part is; None without a whole."""
    return round(Fraction(100 * part, whole)) if whole else None


def percent(value: float | None) -> str:
    """Write a share: ``41 %``, ``2.3 %``."""
    return NONE if value is None else f"{value:,} %"


def milliseconds(ms: int | None) -> str:
    """Write how long something took, to two or three digits: ``340 ms``, ``1.2 s``, ``75 s``."""
    if ms is None:
        return NONE
    if ms < _SECOND_MS:
        return f"{ms} ms"
    if ms < 10 * _SECOND_MS - 50:
        return f"{(ms + 50) // 100 / 10} s"
    return f"{(ms + 500) // _SECOND_MS:,} s"


def requests(count: int) -> str:
    """Write how many requests."""
    return f"{count:,} request{'' if count == 1 else 's'}"


def period(since: str | None, until: str | None) -> str:
    """Write a time as in "costs since 2026-03-04 00:00"; both are ISO 8601."""
    begins = f"since {minute_text(since)}" if since else "so far"
    return f"{begins} until {minute_text(until)}" if until else begins
