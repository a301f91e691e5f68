"""Charts of the page as inline SVG: bars over time, drawn from the figures of the JSON.

A bar's place and width are shares of the picture, so that it fits a telephone and a wide screen alike, and no
text is ever scaled. A bar names the values that it stands for. It must not know what the values are about.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_CEILING, Decimal
from html import escape
from typing import Literal, assert_never

from farebox.report.amounts import NONE
from farebox.report.page_figures import MONTHS, Place, day_text, dollars_text
from farebox.unseen import clean

MAX_BARS = 100
"""More days than this are drawn as weeks, and more weeks as months."""

HEIGHT_PX, TOP_PX, BOTTOM_PX = 240, 14, 26
OTHERS = "others"
MAX_LABELS, MAX_LABELS_NARROW = 11, 4

_BAR_SHARE = Decimal("0.74")
_MAX_BAR_PERCENT = Decimal(6)
_ROUND_STEPS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5), Decimal(10))
_MAX_TICKS = 5

Unit = Literal["day", "week", "month"]
Measure = Literal["dollars", "requests"]

_LONGEST_DAYS: dict[Unit, int] = {"day": 1, "week": 7, "month": 31}


@dataclass(frozen=True, slots=True)
class Series:
    """One colour of a chart: whose it is (None: everybody else's), and the value of each day that has one."""

    name: Place | None
    colour: int
    values: tuple[tuple[date, Place], ...]


@dataclass(frozen=True, slots=True)
class Span:
    """The days that one bar stands for, from ``first`` to ``last``."""

    first: date
    last: date


@dataclass(frozen=True, slots=True)
class _Scale:
    """How high a value is drawn, and how it is written."""

    px: Decimal
    measure: Measure

    def height(self, value: Decimal) -> Decimal:
        return value * self.px

    def y(self, value: Decimal) -> Decimal:
        return HEIGHT_PX - BOTTOM_PX - value * self.px

    def written(self, value: Decimal) -> str:
        return dollars_text(value) if self.measure == "dollars" else f"{value:,f}"


def bars(series: Sequence[Series], measure: Measure, unit: Unit, *, title: str, description: str) -> str:
    """Draw stacked bars, one for each ``unit`` of the time of the series, the first series at the bottom.

    ``title`` and ``description`` are for those who can't see the picture.
    """
    spans = _cut([day for one in series for day, _ in one.values], unit)
    stacks = [[(one, _within(one, span)) for one in series] for span in spans]
    highest = max(sum((_sum(places) for _, places in stack), Decimal(0)) for stack in stacks)
    ticks = ticks_up_to(highest, whole=measure == "requests")
    slot = Decimal(100) / len(spans)
    scale = _Scale(Decimal(HEIGHT_PX - TOP_PX - BOTTOM_PX) / ticks[-1], measure)
    drawn = (
        *(_gridline(tick, scale) for tick in ticks),
        *(
            _bar(stack, span, slot * index + slot / 2, min(slot * _BAR_SHARE, _MAX_BAR_PERCENT), scale)
            for index, (stack, span) in enumerate(zip(stacks, spans, strict=True))
        ),
        *_labels(spans, unit),
    )
    return (
        f'<svg class="plot" role="img" width="100%" height="{HEIGHT_PX}"'
        ' aria-labelledby="plot-title plot-desc">'
        f'<title id="plot-title">{escape(title)}</title><desc id="plot-desc">{escape(description)}</desc>'
        f"{''.join(drawn)}</svg>"
    )


def unit_of(days: Sequence[date]) -> Unit:
    """Return what a bar stands for, so that there are not too many from the first day to the last."""
    if len(_cut(days, "day")) <= MAX_BARS:
        return "day"
    return "week" if len(_cut(days, "week")) <= MAX_BARS else "month"


def ticks_up_to(highest: Decimal, *, whole: bool) -> tuple[Decimal, ...]:
    """Return round values from 0 to no less than the highest bar."""
    if highest <= 0:
        return (Decimal(0), Decimal(1))
    unit = Decimal(1).scaleb((highest / _MAX_TICKS).adjusted())
    step = next(unit * factor for factor in _ROUND_STEPS if unit * factor * _MAX_TICKS >= highest)
    if whole:
        step = max(step, Decimal(1)).to_integral_value()
    steps = (highest / step).to_integral_value(ROUND_CEILING)
    return tuple(step * index for index in range(int(steps) + 1))


def _cut(days: Sequence[date], unit: Unit) -> tuple[Span, ...]:
    """Cut the time from the first day to the last, without gaps."""
    spans: list[Span] = []
    begins = _begin(min(days), unit)
    while begins <= max(days):
        following = _begin(begins + timedelta(days=_LONGEST_DAYS[unit]), unit)
        spans.append(Span(begins, following - timedelta(days=1)))
        begins = following
    return tuple(spans)


def _begin(day: date, unit: Unit) -> date:
    match unit:
        case "day":
            return day
        case "week":
            return day - timedelta(days=day.weekday())
        case "month":
            return day.replace(day=1)
        case _:
            assert_never(unit)


def _within(series: Series, span: Span) -> list[Place]:
    return [place for day, place in series.values if span.first <= day <= span.last]


def _sum(places: Sequence[Place]) -> Decimal:
    return sum((place.amount for place in places), Decimal(0))


def _gridline(value: Decimal, scale: _Scale) -> str:
    y = _px(scale.y(value))
    return (
        f'<line class="grid" x1="0" x2="100%" y1="{y}" y2="{y}"/>'
        f'<text class="tick" x="-8" y="{y}" dy="0.32em" data-axis="{value:f}">{scale.written(value)}</text>'
    )


def _bar(
    stack: Sequence[tuple[Series, Sequence[Place]]],
    span: Span,
    middle: Decimal,
    width: Decimal,
    scale: _Scale,
) -> str:
    """Draw one bar, a rectangle for each series with a value there; ``middle`` and ``width`` in percent."""
    when = day_text(span.first) + (f" to {day_text(span.last)}" if span.last > span.first else "")
    below, drawn = Decimal(0), list[str]()
    for series, places in stack:
        value = _sum(places)
        if value <= 0:
            continue
        below += value
        drawn.append(
            f'<rect class="series-{series.colour}"'
            f' x="{_percent(middle - width / 2)}" width="{_percent(width)}"'
            f' y="{_px(scale.y(below))}" height="{_px(scale.height(value))}"'
            f' data-path="{" ".join(place.path for place in places)}"'
            f' data-first="{span.first}" data-last="{span.last}">'
            f"<title>{escape(_called(series))}, {when}: {scale.written(value)}</title></rect>"
        )
    return "".join(drawn)


def _called(series: Series) -> str:
    return OTHERS if series.name is None else clean(series.name.text or NONE)


def _labels(spans: Sequence[Span], unit: Unit) -> list[str]:
    """Write as many dates below the bars as there is room for; a narrow screen shows fewer of them."""
    every = -(-len(spans) // MAX_LABELS)
    among = every * -(-len(spans) // (every * MAX_LABELS_NARROW))
    slot = Decimal(100) / len(spans)
    return [
        f'<text class="date{" wide" if index % among else ""}" x="{_percent(slot * index + slot / 2)}"'
        f' y="{HEIGHT_PX - 6}" data-axis="{span.first}">{_date(span.first, unit)}</text>'
        for index, span in enumerate(spans)
        if index % every == 0
    ]


def _date(day: date, unit: Unit) -> str:
    return f"{MONTHS[day.month - 1]} {day.year}" if unit == "month" else day_text(day, year=False)


def _px(value: Decimal) -> str:
    return f"{value:.2f}"


def _percent(value: Decimal) -> str:
    return f"{value:.3f}%"
