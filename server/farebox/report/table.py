"""One cost report as a table for a terminal: what matters first, in the room that there is.

The names in a report (models, workspaces, conversations) come from outside, so they are cleaned. A narrow
terminal gets fewer columns and folded names, never an amount that is cut. Dollars are exact.

It is drawn here and not by rich, which takes many seconds over the thousands of rows that a report may have.
"""

import textwrap
import unicodedata
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from itertools import zip_longest

from farebox.costs import BudgetLine, Report, ReportRow
from farebox.ledger.queries import Latency
from farebox.report.amounts import (
    NONE,
    about,
    dollars,
    milliseconds,
    name,
    percent,
    period,
    share_percent,
    tokens,
)
from farebox.report.notes import budget_text, footnotes, standing_text, summary

MIN_WIDTH_COLUMNS = 60
BAR_COLUMNS = 10
KEY_COLUMNS = 18
"""A longer name is folded before a column that matters more than a detail is left out."""
MIN_KEY_COLUMNS = 6

_SHARE = "share"
_MOST_IMPORTANT_FIRST = (
    "saved",
    _SHARE,
    "accepted",
    "per accepted",
    "input",
    "cached",
    "output",
    "first token",
)
_ALWAYS = frozenset({"requests", "cost"})
_DETAILS = frozenset({"per accepted", "input", "cached", "output", "first token"})
"""No name is folded for the sake of these."""

_EIGHTHS = " ▏▎▍▌▋▊▉"


@dataclass(frozen=True, slots=True)
class _Column:
    header: str
    cells: tuple[str, ...]
    footer: str
    is_key: bool = False

    @property
    def is_empty(self) -> bool:
        """Say whether no row has anything to say in it."""
        return all(cell in ("", NONE) for cell in self.cells)

    @property
    def width(self) -> int:
        return max(map(_columns_of, (self.header, self.footer, *self.cells)))

    @property
    def least_width(self) -> int:
        return min(self.width, KEY_COLUMNS) if self.is_key else self.width

    def placed(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Put numbers to the right, whose points are below each other already; all else is on the left."""
        if self.is_key or self.header == _SHARE:
            return tuple(texts)
        width = self.width
        return tuple(text.rjust(width) for text in texts)


def to_table(report: Report, *, width: int = 100) -> str:
    """Draw a report for a terminal that is ``width`` columns wide, without colour."""
    width = max(width, MIN_WIDTH_COLUMNS)
    whose = "" if report.workspace is None else f"of {name(report.workspace)} "
    when = whose + period(report.since, report.until)
    if report.rows:
        parts = [textwrap.wrap(f"Costs {when}", width), _drawn(_fitting(_columns(report), width), width)]
    else:
        known = " are known" if report.damages else ""
        parts = [textwrap.wrap(f"No requests{known} {when}.", width)]
    for words in (summary(report), map(_budget_line, report.budgets), footnotes(report)):
        parts.append([line for text in words for line in textwrap.wrap(text, width)])
    return "\n".join("\n".join((*part, "")) for part in parts if part)


def _drawn(columns: tuple[_Column, ...], width: int) -> list[str]:
    widths = _widths(columns, width)
    rule = " " + "─" * (sum(widths) + 2 * len(widths) - 2)
    rows = zip(*(column.placed(column.cells) for column in columns), strict=True)
    headers, footers = zip(
        *(column.placed((column.header, column.footer)) for column in columns), strict=True
    )
    return [
        *_lines(headers, widths),
        rule,
        *(line for row in rows for line in _lines(row, widths)),
        rule,
        *_lines(footers, widths),
    ]


def _widths(columns: tuple[_Column, ...], width: int) -> tuple[int, ...]:
    """Share out the room: the longest names are folded until all fits, and numbers never are."""
    widths = [column.width for column in columns]
    keys = [index for index, column in enumerate(columns) if column.is_key]
    while keys and sum(widths) + 2 * len(widths) > width:
        longest = max(keys, key=lambda index: widths[index])
        if widths[longest] <= MIN_KEY_COLUMNS:
            break
        widths[longest] -= 1
    return tuple(widths)


def _lines(texts: Iterable[str], widths: tuple[int, ...]) -> Iterator[str]:
    """Draw one row, in as many lines as its longest name is folded into."""
    folded = (_folded(text, width) for text, width in zip(texts, widths, strict=True))
    for parts in zip_longest(*folded, fillvalue=""):
        padded = (part + " " * (width - _columns_of(part)) for part, width in zip(parts, widths, strict=True))
        yield f" {'  '.join(padded)}".rstrip()


def _folded(text: str, width: int) -> list[str]:
    if _columns_of(text) <= width:
        return [text]
    lines, used = [""], 0
    for char in text:
        used += _columns_of(char)
        if used > width:
            lines.append("")
            used = _columns_of(char)
        lines[-1] += char
    return lines


def _columns_of(text: str) -> int:
    """Return how many columns of a terminal a text takes: Chinese ones take two, combining ones none."""
    if text.isascii():
        return len(text)
    return sum(
        0 if unicodedata.combining(char) else 2 if unicodedata.east_asian_width(char) in "WF" else 1
        for char in text
    )


def _columns(report: Report) -> tuple[_Column, ...]:
    rows, total = report.rows, report.total
    known = total.cost_nanodollars or 0

    def each(header: str, cell: Callable[[ReportRow], str]) -> _Column:
        return _Column(header, tuple(map(cell, rows)), cell(total))

    keys = tuple(
        _Column(key, tuple(name(row.keys[index][1]) for row in rows), "" if index else "total", is_key=True)
        for index, key in enumerate(report.by)
    )
    sums = (
        each("requests", lambda row: f"{row.requests:,}"),
        each("input", lambda row: tokens(row.usage.input_tokens)),
        each("cached", _cached),
        each("output", lambda row: tokens(row.usage.output_tokens)),
        _aligned(each("cost", _cost)),
        _aligned(each("saved", lambda row: dollars(row.saved_nanodollars))),
        _Column(_SHARE, tuple(_share(row, known) for row in rows), ""),
        each("accepted", _accepted),
        _aligned(each("per accepted", lambda row: about(row.suggestions.nanodollars_per_accepted))),
        each("first token", lambda row: _waits(row.first_token)),
    )
    return (*keys, *(column for column in sums if not column.is_empty))


def _aligned(column: _Column) -> _Column:
    """Put the points of a column of dollars below each other."""
    texts = (*column.cells, column.footer)
    tails = [len(text) - text.index(".") if "." in text else 0 for text in texts]
    longest = max(tails)
    *cells, footer = (
        text + " " * (longest - tail if tail else 0) for text, tail in zip(texts, tails, strict=True)
    )
    return _Column(column.header, tuple(cells), footer)


def _fitting(columns: tuple[_Column, ...], width: int) -> tuple[_Column, ...]:
    """Leave out what there is no room for, the least important first."""
    kept = [column for column in columns if column.is_key or column.header in _ALWAYS]
    room = width - 2 - sum(column.least_width + 2 for column in kept)
    unfolding = sum(column.width - column.least_width for column in kept)
    others = {column.header: column for column in columns if column not in kept}
    for header in _MOST_IMPORTANT_FIRST:
        if header not in others:
            continue
        needed = others[header].width + 2
        if needed <= room - (unfolding if header in _DETAILS else 0):
            kept.append(others[header])
            room -= needed
    return tuple(column for column in columns if column in kept)


def _cost(row: ReportRow) -> str:
    if row.cost_nanodollars is None:
        return "unknown"
    return f"{dollars(row.cost_nanodollars)}{' + ?' if row.basis.unknown else ''}"


def _cached(row: ReportRow) -> str:
    cached = row.usage.cached_input_tokens
    return percent(share_percent(cached, row.usage.input_tokens)) if cached else NONE


def _accepted(row: ReportRow) -> str:
    taken = row.suggestions
    return f"{taken.accepted:,} of {taken.shown:,}" if taken.shown else NONE


def _waits(latency: Latency | None) -> str:
    """Write how long half of the requests took at most, and nine in ten."""
    return NONE if latency is None else f"{milliseconds(latency.p50_ms)}, {milliseconds(latency.p90_ms)}"


def _share(row: ReportRow, whole: int) -> str:
    """Draw which part of the known cost is a row's."""
    return NONE if row.cost_nanodollars is None else _bar(row.cost_nanodollars, whole)


def _bar(part: int, whole: int) -> str:
    if whole <= 0:
        return ""
    eighths = min(part, whole) * BAR_COLUMNS * 8 // whole
    full, rest = divmod(max(eighths, 1 if part > 0 else 0), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def _budget_line(budget: BudgetLine) -> str:
    used = _bar(budget.spent_nanodollars + budget.held_nanodollars, budget.limit_nanodollars)
    return "  ".join(filter(None, (budget_text(budget), used, standing_text(budget))))
