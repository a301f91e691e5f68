"""One cost report as a table for a terminal, or as CSV for a spreadsheet.

The names in a report (models, workspaces, conversations) come from outside: control characters are
taken out everywhere, and a cell that a spreadsheet would run is quoted. Dollars are exact.
"""

import csv
import io
import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from farebox.costs import BudgetLine, Report, ReportRow
from farebox.messages import minute_text, usd_text

if TYPE_CHECKING:
    from rich.table import Table

MIN_WIDTH_COLUMNS = 60
BAR_COLUMNS = 10
KEY_COLUMNS = 18
"""A longer name is folded before any other column is left out."""

_SHARE = "share"
_LEAST_IMPORTANT_FIRST = ("output", "input", _SHARE, "saved")
_NONE = "–"  # noqa: RUF001  a dash stands for what is not known, or is not there

_UNSAFE_CATEGORIES = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
"""Control, direction-changing and surrogate characters, and Unicode's own line breaks."""

_FORMULA_STARTS = ("=", "+", "-", "@")
_EIGHTHS = " ▏▎▍▌▋▊▉"
_CSV_SUMS = (
    "requests",
    "inputTokens",
    "cachedInputTokens",
    "cacheWriteTokens",
    "outputTokens",
    "reasoningTokens",
    "usd",
    "savedUsd",
    "reported",
    "computed",
    "estimated",
    "unknown",
)


@dataclass(frozen=True, slots=True)
class _Column:
    header: str
    cells: tuple[str, ...]
    footer: str
    is_key: bool = False

    @property
    def is_empty(self) -> bool:
        """Say whether no row has anything to say in it."""
        return all(cell in ("", _NONE) for cell in self.cells)

    @property
    def width(self) -> int:
        return max(map(len, (self.header, self.footer, *self.cells)))

    def placed(self, texts: Iterable[str]) -> tuple[str, ...]:
        """Put numbers to the right, whose points are below each other already; all else is on the left."""
        is_text = self.is_key or self.header == _SHARE
        return tuple(text if is_text else text.rjust(self.width) for text in texts)


def to_table(report: Report, *, width: int = 100) -> str:
    """Draw a report for a terminal that is ``width`` columns wide, without colour."""
    # Deferred: rich takes tens of milliseconds to import and no other surface needs it.
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    out = io.StringIO()
    width = max(width, MIN_WIDTH_COLUMNS)
    console = Console(file=out, width=width, color_system=None, force_terminal=False)
    if report.rows:
        console.print(_table(report, width))
    else:
        console.print(Text(f"No requests {_period(report)}."))
    for line in (*map(_budget_line, report.budgets), *_footnotes(report)):
        console.print(Text(line))
    return "\n".join(line.rstrip() for line in out.getvalue().rstrip().splitlines()) + "\n"


def to_csv(report: Report) -> str:
    """Write one line for each row; there is no total line, so that a sum over a column is right.

    ``usd`` is the sum of the known costs and empty if none is known; ``unknown`` counts the requests
    that are missing from it.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow((*report.by, *_CSV_SUMS))
    for row in report.rows:
        writer.writerow((*(_inert(value) for _, value in row.keys), *_csv_sums(row)))
    return out.getvalue()


def _table(report: Report, width: int) -> "Table":
    from rich import box  # noqa: PLC0415  as above
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    title = Text(f"Costs {_period(report)}")
    table = Table(
        title=title,
        title_justify="left",
        box=box.SIMPLE,
        show_footer=True,
        padding=(0, 1, 0, 0),
        pad_edge=False,
    )
    columns = _fitting(_columns(report), width)
    for column in columns:
        header, footer = column.placed((column.header, column.footer))
        if column.is_key:
            table.add_column(header, footer=footer, overflow="fold")
        else:  # a minimum, so that rich folds a name and never cuts an amount
            table.add_column(header, footer=footer, no_wrap=True, min_width=column.width)
    for cells in zip(*(column.placed(column.cells) for column in columns), strict=True):
        table.add_row(*(Text(cell) for cell in cells))  # Text: a name like [red] is no markup
    return table


def _columns(report: Report) -> tuple[_Column, ...]:
    rows, total = report.rows, report.total
    known = total.cost_nanodollars or 0
    keys = tuple(
        _Column(
            name, tuple(_shown(row.keys[index][1]) for row in rows), "" if index else "total", is_key=True
        )
        for index, name in enumerate(report.by)
    )
    sums = (
        _Column("requests", tuple(f"{row.requests:,}" for row in rows), f"{total.requests:,}"),
        _Column(
            "input",
            tuple(_tokens(row.usage.input_tokens) for row in rows),
            _tokens(total.usage.input_tokens),
        ),
        _Column(
            "output",
            tuple(_tokens(row.usage.output_tokens) for row in rows),
            _tokens(total.usage.output_tokens),
        ),
        _amounts("cost", tuple(map(_cost, rows)), _cost(total)),
        _amounts("saved", tuple(map(_saved, rows)), _saved(total)),
        _Column(_SHARE, tuple(_share(row, known) for row in rows), ""),
    )
    return (*keys, *(column for column in sums if not column.is_empty))


def _amounts(header: str, cells: tuple[str, ...], footer: str) -> _Column:
    """Make a column of dollars with their points below each other."""
    tails = [len(text) - text.index(".") if "." in text else 0 for text in (*cells, footer)]
    *aligned, last = (
        text + " " * (max(tails) - tail if tail else 0)
        for text, tail in zip((*cells, footer), tails, strict=True)
    )
    return _Column(header, tuple(aligned), last)


def _fitting(columns: tuple[_Column, ...], width: int) -> tuple[_Column, ...]:
    for header in _LEAST_IMPORTANT_FIRST:
        needed = sum(min(column.width, KEY_COLUMNS) if column.is_key else column.width for column in columns)
        if needed + 2 * len(columns) + 2 <= width:
            break
        columns = tuple(column for column in columns if column.header != header)
    return columns


def _period(report: Report) -> str:
    since = f"since {minute_text(report.since)}" if report.since else "so far"
    return f"{since} until {minute_text(report.until)}" if report.until else since


def _tokens(count: int) -> str:
    """Write a token count short enough for a terminal; CSV has it whole."""
    for unit, size in (("B", 10**9), ("M", 10**6), ("k", 10**3)):
        if count >= 10 * size:
            return f"{count // size:,}{unit}"
        if count >= size > 10**3:
            return f"{count // size}.{count % size * 10 // size}{unit}"
    return f"{count:,}"


def _cost(row: ReportRow) -> str:
    if row.cost_nanodollars is None:
        return "unknown"
    return f"${usd_text(row.cost_nanodollars)}{' + ?' if row.basis.unknown else ''}"


def _saved(row: ReportRow) -> str:
    return _NONE if row.saved_nanodollars is None else _dollars(row.saved_nanodollars)


def _share(row: ReportRow, whole: int) -> str:
    """Draw which part of the known cost is a row's."""
    return _NONE if row.cost_nanodollars is None else _bar(row.cost_nanodollars, whole)


def _dollars(nanodollars: int) -> str:
    return f"-${usd_text(-nanodollars)}" if nanodollars < 0 else f"${usd_text(nanodollars)}"


def _bar(part: int, whole: int) -> str:
    if whole <= 0:
        return ""
    eighths = min(part, whole) * BAR_COLUMNS * 8 // whole
    full, rest = divmod(max(eighths, 1 if part > 0 else 0), 8)
    return "█" * full + (_EIGHTHS[rest] if rest else "")


def _budget_line(budget: BudgetLine) -> str:
    spent, held, limit = budget.spent_nanodollars, budget.held_nanodollars, budget.limit_nanodollars
    return (
        f"{clean(budget.name)} budget: {_dollars(spent)} of {_dollars(limit)} spent, {_dollars(held)} held, "
        f"resets at {minute_text(budget.resets_at)}  {_bar(spent + held, limit)}"
    )


def _footnotes(report: Report) -> tuple[str, ...]:
    notes: list[str] = []
    basis = report.total.basis
    if basis.unknown:
        notes.append(f"{_requests(basis.unknown)} with an unknown price: not in the cost (unknown, + ?)")
    if basis.estimated:
        notes.append(f"{_requests(basis.estimated)} with an estimated cost")
    if report.held_requests:
        notes.append(
            f"{_requests(report.held_requests)} without an end: still running, or farebox was killed"
        )
    return tuple(notes)


def _requests(count: int) -> str:
    return f"{count:,} request{'' if count == 1 else 's'}"


def _shown(value: str | None) -> str:
    return _NONE if value is None else clean(value)


def _csv_sums(row: ReportRow) -> tuple[int | str, ...]:
    usage, basis = row.usage, row.basis
    return (
        row.requests,
        usage.input_tokens,
        usage.cached_input_tokens,
        usage.cache_write_tokens,
        usage.output_tokens,
        usage.reasoning_tokens,
        "" if row.cost_nanodollars is None else usd_text(row.cost_nanodollars),
        "" if row.saved_nanodollars is None else usd_text(row.saved_nanodollars),
        basis.reported,
        basis.computed,
        basis.estimated,
        basis.unknown,
    )


def _inert(value: str | None) -> str:
    """Quote text that a spreadsheet would take for a formula, also in full-width characters."""
    text = clean(value or "")
    starts_formula = unicodedata.normalize("NFKC", text).lstrip().startswith(_FORMULA_STARTS)
    return f"'{text}" if starts_formula else text


def clean(text: str) -> str:
    """Take out what moves a cursor, turns the direction of text or breaks a line."""
    return "".join(char for char in text if unicodedata.category(char) not in _UNSAFE_CATEGORIES)
