"""Tables of the page: one row for each group of a report, and those columns that have something to say.

On a narrow screen the style sheet turns each row into a small list. So every cell carries its column's
heading, and every part its role: a browser forgets what a table is once it is laid out otherwise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from html import escape
from typing import Final

from farebox.report.page_figures import Place, count, duration, moment, money, name, percent, token_count

MAX_ROWS = 30
"""Of more groups than this only the first are shown."""

_FEW_COLUMNS = 4
"""So many, and the name, fit beside each other on a telephone."""

Write = Callable[[Place], str]


@dataclass(frozen=True, slots=True)
class Column:
    """A column: its heading, the path to its value from a row, and how that is written."""

    heading: str
    keys: tuple[str, ...]
    write: Write

    def of(self, row: Place) -> Place:
        """Return its value in a row."""
        for key in self.keys:
            row = row[key]
        return row

    def cell(self, row: Place) -> str:
        """Write its value in a row."""
        return self.write(self.of(row))


def _cost(usd: Place, row: Place) -> str:
    """Write what a group has cost, as far as that is known."""
    if not row["basis"]["unknown"].amount:
        return money(usd)
    return "unknown" if usd.number is None else f'<span><span class="before">≥ </span>{money(usd)}</span>'


REQUESTS: Final = Column("Requests", ("requests",), count)
INPUT: Final = Column("Input", ("inputTokens",), token_count)
CACHED: Final = Column("Cached", ("cachedPercent",), percent)
OUTPUT: Final = Column("Output", ("outputTokens",), token_count)
COST: Final = Column("Cost", (), lambda row: _cost(row["usd"], row))
SAVED: Final = Column("Saved", ("savedUsd",), money)
FIRST_P50: Final = Column("First token p50", ("firstTokenMs", "p50"), duration)
FIRST_P90: Final = Column("First token p90", ("firstTokenMs", "p90"), duration)
FIRST_P99: Final = Column("First token p99", ("firstTokenMs", "p99"), duration)
WHOLE_P50: Final = Column("Whole answer p50", ("totalMs", "p50"), duration)
WHOLE_P90: Final = Column("Whole answer p90", ("totalMs", "p90"), duration)
WHOLE_P99: Final = Column("Whole answer p99", ("totalMs", "p99"), duration)
SHOWN: Final = Column("Shown", ("shown",), count)
ACCEPTED: Final = Column("Accepted", ("accepted",), count)
PARTLY: Final = Column("In part", ("partlyAccepted",), count)
RATE: Final = Column("Rate", ("acceptedPercent",), percent)
PER_ACCEPTED: Final = Column("Per accepted", ("usdPerAccepted",), money)


def by_cost(rows: Sequence[Place]) -> list[Place]:
    """Put the dearest first, among equals those with more requests."""
    return sorted(rows, key=lambda row: (row["usd"].amount, row["requests"].amount), reverse=True)


def table(
    caption: str,
    dimensions: Sequence[str],
    rows: Sequence[Place],
    columns: Sequence[Column],
    *,
    total: Place | None = None,
    part: str | None = None,
    colours: Mapping[str | None, int] | None = None,
    limit: int = MAX_ROWS,
) -> str:
    """Draw the rows of a report, each named by its dimensions.

    ``total`` is a last row; ``part`` names the value of which a bar below each name shows its part of the
    total's. ``colours`` are those of the first dimension's values in the chart.
    """
    used = [column for column in columns if not column.keys or any(column.of(row).amount for row in rows)]
    head = "".join(_th("col", escape(dimension.capitalize())) for dimension in dimensions[:1])
    head += "".join(_th("col", escape(column.heading)) for column in used)
    body = "".join(
        _row(_label(row, dimensions, colours) + _bar(row, total, part), row, used) for row in rows[:limit]
    )
    foot = f'<tfoot role="rowgroup">{_row("All", total, used)}</tfoot>' if total and len(rows) > 1 else ""
    kind = "many" if len(used) > _FEW_COLUMNS else "few"
    return (
        f'<table role="table" class="{kind}"><caption>{escape(caption)}</caption>'
        f'<thead role="rowgroup"><tr role="row">{head}</tr></thead>'
        f'<tbody role="rowgroup">{body}</tbody>{foot}</table>{_rest(dimensions) if len(rows) > limit else ""}'
    )


def _row(label: str, row: Place, columns: Sequence[Column]) -> str:
    cells = "".join(
        f'<td role="cell" data-head="{escape(column.heading)}">{column.cell(row)}</td>' for column in columns
    )
    return f'<tr role="row">{_th("row", label)}{cells}</tr>'


def _th(scope: str, label: str) -> str:
    return f'<th scope="{scope}" role="{scope}{"umn" if scope == "col" else ""}header">{label}</th>'


def _label(row: Place, dimensions: Sequence[str], colours: Mapping[str | None, int] | None) -> str:
    first, *others = dimensions
    dot = "" if colours is None else f'<i class="dot series-{colours[row[first].text]}"></i>'
    key = moment(row[first]) if first == "day" else name(row[first])
    more = "".join(f'<span class="before"> · </span>{name(row[other])}' for other in others)
    return f'<span class="label">{dot}<span>{key}{more}</span></span>'


def _bar(row: Place, total: Place | None, part: str | None) -> str:
    if total is None or part is None or not total[part].amount:
        return ""
    width = 100 * row[part].amount / total[part].amount
    bar = f'<i style="width:{width:.2f}%" data-path="{row[part].path}" data-of="{total[part].path}"></i>'
    return f'<span class="part">{bar if width else ""}</span>'


def _rest(dimensions: Sequence[str]) -> str:
    by = ",".join(dimensions)
    return f'<p class="note">There are more: <code>farebox costs --by {by}</code> lists all of them.</p>'
