"""A page as a tree, and a judge of its figures: each must be the JSON's, and say where it stands there.

The judge knows how numbers are written for people only by reading them back: ``$1.20`` is right for anything
from 1.195 to 1.205.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from decimal import Decimal
from html.parser import HTMLParser
from typing import Any

from farebox.report.amounts import NONE
from farebox.unseen import clean

VOID = {"meta", "wbr", "br", "img", "link", "input"}
NO_FIGURES = {"p50", "p90", "p99"}
"""Words with digits that are no figures."""

_SHOWN = re.compile(r"(?P<sign>-?)(?P<dollar>\$?)(?P<digits>[\d,]+(?:\.\d+)?)(?P<unit>k|M|B| %| ms| s)?")
_UNITS = {"k": 10**3, "M": 10**6, "B": 10**9, " s": 1000}
_ROUNDED_DOWN = {"k", "M", "B"}
_PX, _PERCENT = Decimal("0.02"), Decimal("0.01")


@dataclass
class Element:
    """An element with its attributes; ``parts`` are its texts and elements in their order."""

    tag: str
    attributes: dict[str, str]
    parts: list["Element | str"] = field(default_factory=list)

    @property
    def text(self) -> str:
        """All text in it."""
        return "".join(part if isinstance(part, str) else part.text for part in self.parts)

    def __iter__(self) -> Iterator["Element"]:
        """Go through it and all elements in it."""
        yield self
        for part in self.parts:
            if isinstance(part, Element):
                yield from part

    def all(self, tag: str, having: str = "", kind: str = "") -> list["Element"]:
        """Return the elements of a kind in it, those having an attribute, those of a class."""
        return [
            one
            for one in self
            if one.tag == tag
            and (not having or having in one.attributes)
            and (not kind or kind in one.attributes.get("class", "").split())
        ]


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self._open = [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        element = Element(tag, {name: value or "" for name, value in attrs})
        assert len(element.attributes) == len(attrs), f"an attribute twice in {attrs}"
        self._open[-1].parts.append(element)
        if tag not in VOID:
            self._open.append(element)

    def handle_endtag(self, tag: str) -> None:
        if tag in VOID:
            return
        assert self._open[-1].tag == tag, f"</{tag}> ends <{self._open[-1].tag}>"
        self._open.pop()

    def handle_data(self, data: str) -> None:
        self._open[-1].parts.append(data)

    def done(self) -> Element:
        self.close()
        assert len(self._open) == 1, f"<{self._open[-1].tag}> has no end"
        return self.root


def parsed(html: str) -> Element:
    """Read a page; raise AssertionError where an element does not end where it should."""
    reader = _Reader()
    reader.feed(html)
    return reader.done()


def at(json: Mapping[str, Any], path: str) -> Any:
    """Return the value at a path such as ``by=model/rows/0/usd``."""
    value: Any = json
    for key in path.split("/"):
        value = value[int(key)] if isinstance(value, list) else value[key]
    return value


def wrong_figures(page: Element, json: Mapping[str, Any]) -> list[str]:
    """Return what on the page is not as in the JSON, or says something in numbers that has no place there."""
    (body,) = page.all("body")
    return [*_wrong(body, json), *_wrong_bars(body, json), *_numbers_of_nobody(body)]


def _wrong(body: Element, json: Mapping[str, Any]) -> Iterator[str]:
    for one in body:
        path = one.attributes.get("data-path")
        if path is None or one.tag == "rect":
            continue
        value = at(json, path)
        match one.tag:
            case "data":
                right = one.attributes["value"] == ("" if value is None else str(value))
                right = right and (
                    one.text == NONE if value is None else reads_as(one.text, Decimal(str(value)))
                )
                right = right and one.attributes.get("title", _exact(value)) == _exact(value)
            case "time":
                right = one.attributes["datetime"] == value and one.text in _dates(value, path)
            case "span":
                right = one.text == clean(value)
            case "i":
                right = _is_part(one, json, Decimal(str(value)))
            case _:
                right = False
        if not right:
            yield f"{path} is {value!r}, shown as {one.text!r} {one.attributes}"


def _exact(value: Any) -> str:
    return f"-${str(value)[1:]}" if str(value).startswith("-") else f"${value}"


def reads_as(shown: str, value: Decimal) -> bool:
    """Say whether a number as it is shown is a value, rounded to as many digits as are shown."""
    if shown in ("< 0.1 %", "> -0.1 %"):
        return 0 < abs(value) < Decimal("0.1") and (value < 0) == shown.startswith(">")
    found = _SHOWN.fullmatch(shown)
    if found is None:
        return False
    digits = Decimal(found["digits"].replace(",", ""))
    exponent = digits.as_tuple().exponent
    assert isinstance(exponent, int)
    unit = _UNITS.get(found["unit"] or "", 1)
    read = digits * unit * (-1 if found["sign"] else 1)
    last_digit = Decimal(1).scaleb(exponent) * unit
    exact = unit == 1 and not found["dollar"] and found["unit"] != " %"
    if exact:
        return read == value
    if found["unit"] in _ROUNDED_DOWN:
        return read <= value < read + last_digit
    return abs(read - value) <= last_digit / 2


def _dates(value: str, path: str) -> set[str]:
    moment = datetime.fromisoformat(value)
    day = f"{moment.day} {moment:%b} {moment.year}"
    if (moment.hour, moment.minute, moment.second) != (0, 0, 0):
        return {f"{day}, {moment:%H:%M}"}
    eve = moment - timedelta(days=1)
    return {f"{eve.day} {eve:%b} {eve.year}" if path.endswith("/until") else day}


def _is_part(one: Element, json: Mapping[str, Any], value: Decimal) -> bool:
    name, _, size = one.attributes["style"].partition(":")
    if name == "flex-grow":
        return Decimal(size) == value
    whole = Decimal(str(at(json, one.attributes["data-of"])))
    width = min(100 * value / whole, Decimal(100)) if whole else Decimal(100)
    return name == "width" and abs(Decimal(size.removesuffix("%")) - width) <= _PERCENT


# --- the chart -----------------------------------------------------------------------------------


def _wrong_bars(body: Element, json: Mapping[str, Any]) -> Iterator[str]:
    """Judge the heights of bars by the axis, their places by the dates, and that no value is left out."""
    for plot in body.all("svg"):
        ticks = [(Decimal(tick.attributes["data-axis"]), tick) for tick in plot.all("text", kind="tick")]
        (_, floor), *_, (top_value, top) = ticks
        bottom = Decimal(floor.attributes["y"])
        px = (bottom - Decimal(top.attributes["y"])) / top_value
        for value, tick in ticks:
            if not reads_as(tick.text, value):
                yield f"the axis says {tick.text} at {value}"
            if abs(bottom - value * px - Decimal(tick.attributes["y"])) > _PX:
                yield f"{tick.text} is at the wrong height"
        for label in plot.all("text", kind="date"):
            day = date.fromisoformat(label.attributes["data-axis"])
            if label.text not in (f"{day.day} {day:%b}", f"{day:%b} {day.year}"):
                yield f"the axis says {label.text} at {day}"
        yield from _wrong_heights(plot.all("rect"), bottom, px, json)


def _wrong_heights(
    bars: Sequence[Element], bottom: Decimal, px: Decimal, json: Mapping[str, Any]
) -> Iterator[str]:
    seen: list[str] = []
    tops: dict[str, Decimal] = {}
    for bar in bars:
        paths = bar.attributes["data-path"].split()
        seen += paths
        rows = [at(json, path.rpartition("/")[0]) for path in paths]
        value = sum((Decimal(str(at(json, path) or 0)) for path in paths), Decimal(0))
        height, x = Decimal(bar.attributes["height"]), bar.attributes["x"]
        foot = Decimal(bar.attributes["y"]) + height
        if abs(value * px - height) > _PX or abs(foot - tops.get(x, bottom)) > 2 * _PX:
            yield f"{paths} together are {value}: the bar is {height} high and stands on {foot}"
        tops[x] = Decimal(bar.attributes["y"])
        if not reads_as(bar.text.rpartition(": ")[2], value):
            yield f"{paths} together are {value}: the tooltip says {bar.text}"
        if any(not bar.attributes["data-first"] <= row["day"] <= bar.attributes["data-last"] for row in rows):
            yield f"{paths} are drawn where their day is not"
    key = seen[0].rpartition("/")[2]
    rows = json["by=day,model"]["rows"]
    paid = [f"by=day,model/rows/{n}/{key}" for n, row in enumerate(rows) if Decimal(str(row[key] or 0)) > 0]
    free = {path for path in seen if not Decimal(str(at(json, path) or 0))}
    if sorted(set(seen) - free) != sorted(paid) or len(seen) != len(set(seen)):
        yield "not every day and model is drawn, once"


# --- all else ------------------------------------------------------------------------------------


def _numbers_of_nobody(element: Element) -> Iterator[str]:
    if "data-path" in element.attributes or "data-axis" in element.attributes:
        return
    for part in element.parts:
        if isinstance(part, Element):
            yield from _numbers_of_nobody(part)
            continue
        words = re.findall(r"\S*\d\S*", part)
        yield from (
            f"{word} has no place in the JSON" for word in words if word.strip(".,") not in NO_FIGURES
        )
