"""The cost report as one HTML page that needs nothing but itself: no script, no font, no address.

It is drawn from the same JSON that ``farebox costs --format json`` writes, and each figure says where it
stands there. It must not compute an amount of its own, ask the ledger, or know how it is shown: a browser,
paper and a panel of an editor get the same page.
"""

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal
from importlib.resources import files
from typing import cast

from farebox.costs import Overview
from farebox.ledger.limits import Step, standing_words
from farebox.report.charts import OTHERS, Measure, Series, bars, unit_of
from farebox.report.notes import ACCEPT
from farebox.report.page_figures import (
    Place,
    count,
    moment,
    moment_text,
    money,
    name,
    percent,
    text,
    token_count,
)
from farebox.report.page_tables import (
    ACCEPTED,
    CACHED,
    COST,
    FIRST_P50,
    FIRST_P90,
    FIRST_P99,
    INPUT,
    OUTPUT,
    PARTLY,
    PER_ACCEPTED,
    RATE,
    REQUESTS,
    SAVED,
    SHOWN,
    WHOLE_P50,
    WHOLE_P90,
    WHOLE_P99,
    by_cost,
    table,
)
from farebox.report.shapes import report_shape

MAX_COLOURS = 6
"""So many models have a colour of their own; the others share one."""

_POLICY = "default-src 'none'; style-src 'unsafe-inline'"

_BASES = (
    ("reported", "reported by the provider"),
    ("computed", "computed from the price table"),
    ("estimated", "estimated"),
    ("unknown", "without a known price, so not in the cost"),
)


def to_page(overview: Overview) -> str:
    """Return a whole HTML document; each figure names its place as in ``by=model/rows/0/usd``."""
    reports = {
        f"by={','.join(report.by)}": Place(f"by={','.join(report.by)}", report_shape(report).json_value())
        for report in overview.reports
    }
    whole = reports["by="]
    anything = whole["total"]["requests"].amount
    sections = _sections(reports) if anything else (_nothing_yet(whole), _budgets(whole))
    style = files("farebox.report").joinpath("page.css").read_text("utf-8")
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta name="color-scheme" content="light dark">\n<title>farebox: what was spent</title>\n'
        f"<style>\n{style}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(filter(None, (_header(whole), *sections, _footnotes(whole))))
        + "\n</main>\n</body>\n</html>\n"
    )


def _sections(reports: Mapping[str, Place]) -> tuple[str, ...]:
    """Return what is told of a time in which there were requests."""
    whole, models = reports["by="], by_cost(list(reports["by=model"]["rows"]))
    total = whole["total"]
    part = "usd" if total["usd"].amount > 0 else "requests"  # who pays nothing is shown the work instead
    colours = {row["model"].text: min(rank, MAX_COLOURS) for rank, row in enumerate(models)}
    return (
        _tiles(whole),
        _budgets(whole),
        _by_day(reports, colours, part),
        _card(
            "By model",
            table(
                "What each model was asked, and what it cost",
                ("model",),
                models,
                (REQUESTS, INPUT, CACHED, OUTPUT, COST, SAVED, FIRST_P50, FIRST_P90),
                total=reports["by=model"]["total"],
                part=part,
                colours=colours,
            ),
        ),
        _by_others(reports, part),
        _tab_completion(reports),
        _latency(models),
        _how_sure(total),
    )


# --- above all -----------------------------------------------------------------------------------


def _header(whole: Place) -> str:
    since, until = whole["since"], whole["until"]
    begins = f"{moment(since)} to " if since.text else "until "
    ends = moment(until, ends=True) if until.text else "now"
    if since.text and until.text and moment_text(since.text) == moment_text(until.text, ends=True):
        begins, ends = "", moment(since)
    workspace = whole["workspace"]
    where = f'<p class="period">in {name(workspace)}</p>' if workspace.text is not None else ""
    return (
        '<header><p class="brand">farebox</p><h1>What was spent</h1>'
        f'{where}<p class="period">{begins}{ends}</p></header>'
    )


def _tiles(whole: Place) -> str:
    total = whole["total"]
    unknown = total["basis"]["unknown"]
    more = f", without {count(unknown)} of unknown price" if unknown.amount else ""
    more += ", without what a damaged ledger had" if list(whole["damages"]) else ""
    tiles = [_tile("Spent", money(total["usd"]), f"for {_requests(total['requests'])}{more}")]
    if total["savedUsd"].number is not None:
        tiles.append(_tile("Saved", money(total["savedUsd"]), "against sending all to your strongest model"))
    if total["cachedPercent"].number is not None:
        tokens = f"{token_count(total['cachedInputTokens'])} of {token_count(total['inputTokens'])}"
        tiles.append(_tile("Read from a cache", percent(total["cachedPercent"]), f"{tokens} input tokens"))
    if total["shown"].amount:
        taken = f"{count(total['accepted'])} of {count(total['shown'])} suggestions taken"
        tiles.append(_tile("Per accepted completion", money(total["usdPerAccepted"]), taken))
    return f'<section aria-label="In short"><dl class="tiles">{"".join(tiles)}</dl></section>'


def _tile(title: str, figure: str, about: str) -> str:
    return f'<div><dt>{title}</dt><dd class="figure">{figure}</dd><dd class="about">{about}</dd></div>'


def _budgets(whole: Place) -> str:
    return _card("Budgets", "".join(map(_budget, whole["budgets"])), "budgets")


def _budget(budget: Place) -> str:
    step, whole = cast("Step", budget["step"].text), budget["percent"]
    used, unchecked = whole.number, budget["unchecked"].value is True
    words = standing_words(
        step, None if used is None else int(used), unchecked=unchecked, written=percent(whole)
    )
    kind = "unchecked" if unchecked else "used-up" if budget["usedUp"].value else f"step-{step}"
    held = f", {money(budget['heldUsd'])} held" if budget["heldUsd"].amount else ""
    return (
        f'<div class="budget {kind}"><h3>{name(budget["name"])}<span class="chip">{words}</span></h3>'
        f"{_meter(budget)}"
        f"<p><span>{money(budget['spentUsd'])} of {money(budget['limitUsd'])}{held}</span> "
        f"<span>resets {moment(budget['resetsAt'])}</span></p></div>"
    )


def _meter(budget: Place) -> str:
    """Draw what is spent and what is held; a budget of nothing has no parts."""
    if not budget["limitUsd"].amount:
        return ""
    return f'<p class="meter">{_part(budget, "spentUsd")}{_part(budget, "heldUsd")}</p>'


def _part(budget: Place, key: str) -> str:
    part, limit = budget[key], budget["limitUsd"]
    width = min(100 * part.amount / limit.amount, 100)
    return f'<i class="{key}" style="width:{width:.2f}%" data-path="{part.path}" data-of="{limit.path}"></i>'


def _nothing_yet(whole: Place) -> str:
    if list(whole["damages"]):
        return (
            '<section class="card nothing"><h2>Nothing is known</h2>'
            "<p>The ledger was damaged, and no request of this time could be saved.</p></section>"
        )
    return (
        '<section class="card nothing"><h2>Nothing was spent</h2><p>No request was made in this time. As '
        "soon as farebox completes a line or answers a question, what that cost is told here.</p></section>"
    )


# --- by this and that ----------------------------------------------------------------------------


def _by_day(reports: Mapping[str, Place], colours: Mapping[str | None, int], part: str) -> str:
    days = sorted(reports["by=day"]["rows"], key=lambda row: row["day"].text or "", reverse=True)
    if len(days) < 2:  # noqa: PLR2004  one bar tells nothing
        return ""
    measure: Measure = "dollars" if part == "usd" else "requests"
    series = _series(list(reports["by=day,model"]["rows"]), colours, part)
    unit = unit_of([day for one in series for day, _ in one.values])
    heading = f"{'Spending' if measure == 'dollars' else 'Requests'} by {unit}"
    legend = "".join(
        f'<li><i class="dot series-{one.colour}"></i>{name(one.name) if one.name else OTHERS}</li>'
        for one in series
    )
    picture = bars(
        series,
        measure,
        unit,
        title=f"{heading} and model",
        description="The table below has it by day, in numbers.",
    )
    listing = table(
        "What was spent on each day",
        ("day",),
        days,
        (REQUESTS, INPUT, CACHED, OUTPUT, COST, SAVED),
        total=reports["by=day"]["total"],
        limit=len(days),
    )
    return _card(
        heading,
        f'<figure>{picture}<figcaption><ul class="legend">{legend}</ul></figcaption></figure>'
        f"<details><summary>Day by day</summary>{listing}</details>",
        "over-time",
    )


def _series(rows: Sequence[Place], colours: Mapping[str | None, int], part: str) -> list[Series]:
    """Return the values by day of each model that has a colour, and of all others together."""
    values: dict[int, list[tuple[date, Place]]] = {}
    names: dict[int, Place] = {}
    for row in rows:
        colour = colours.get(row["model"].text, MAX_COLOURS)  # it may be newer than the report by model
        names[colour] = row["model"]
        values.setdefault(colour, []).append((date.fromisoformat(row["day"].text or ""), row[part]))
    return [
        Series(names[colour] if colour < MAX_COLOURS else None, colour, tuple(values[colour]))
        for colour in sorted(values)
    ]


def _by_others(reports: Mapping[str, Place], part: str) -> str:
    """Show the dimensions in which there is something to compare."""
    cards = [
        _card(
            f"By {dimension}",
            table(
                f"What was spent, by {dimension}",
                (dimension,),
                by_cost(list(reports[f"by={dimension}"]["rows"])),
                (REQUESTS, COST, SAVED),
                total=reports[f"by={dimension}"]["total"],
                part=part,
            ),
        )
        for dimension in ("task", "workspace", "client", "provider")
        if len(list(reports[f"by={dimension}"]["rows"])) > 1
    ]
    return f'<div class="cards">{"".join(cards)}</div>' if cards else ""


def _tab_completion(reports: Mapping[str, Place]) -> str:
    if not reports["by="]["total"]["shown"].amount:
        return ""
    tables = {
        dimensions: table(
            f"What became of suggestions, by {' and '.join(dimensions)}",
            dimensions,
            sorted(_shown(reports[f"by={','.join(dimensions)}"]), key=_times_shown, reverse=True),
            (SHOWN, ACCEPTED, *((PARTLY,) if len(dimensions) > 1 else ()), RATE, PER_ACCEPTED),
        )
        for dimensions in (("model",), ("language",), ("model", "language"))
    }
    return _card(
        "Tab completion",
        '<p class="lead">What an accepted suggestion costs includes those that were not accepted.</p>'
        f'<div class="pair">{tables["model",]}{tables["language",]}</div>'
        f"<details><summary>By model and language</summary>{tables['model', 'language']}</details>",
    )


def _shown(report: Place) -> list[Place]:
    return [row for row in report["rows"] if _times_shown(row) or row["accepted"].amount]


def _times_shown(row: Place) -> Decimal:
    return row["shown"].amount


def _latency(models: Sequence[Place]) -> str:
    timed = [row for row in models if row["firstTokenMs"].value or row["totalMs"].value]
    if not timed:
        return ""
    return _card(
        "How long answers took",
        '<p class="lead">Half of the answers came within p50, nine in ten within p90, '
        "all but one in a hundred within p99.</p>"
        + table(
            "Latency of each model",
            ("model",),
            timed,
            (FIRST_P50, FIRST_P90, FIRST_P99, WHOLE_P50, WHOLE_P90, WHOLE_P99),
        ),
    )


# --- how far to trust it -------------------------------------------------------------------------


def _how_sure(total: Place) -> str:
    bases = [(basis, total["basis"][basis], words) for basis, words in _BASES]
    bar = "".join(
        f'<i class="{basis}" style="flex-grow:{place.amount}" data-path="{place.path}"></i>'
        for basis, place, _ in bases
        if place.amount
    )
    items = "".join(
        f'<li><i class="dot {basis}"></i>{count(place)} {words}</li>'
        for basis, place, words in bases
        if place.amount
    )
    ends = "".join(
        f"<li>{count(total[key])} {words}</li>"
        for key, words in (
            ("cancelled", "stopped before their end"),
            ("failed", "failed"),
            ("uncertain", "uncertain: farebox was killed, and they are charged what they may have cost"),
        )
        if total[key].amount
    )
    among = f"<p>Among all requests are</p><ul>{ends}</ul>" if ends else ""
    return _card(
        "How sure this is",
        f'<p>Of {_requests(total["requests"])} the cost is</p><p class="basis">{bar}</p>'
        f'<ul class="legend">{items}</ul>{among}{_drift(total["drift"])}',
        "sure",
    )


def _drift(drift: Place) -> str:
    if not drift["requests"].amount or drift["percent"].number is None:
        return ""
    return (
        f"<p>For {_requests(drift['requests'])} the cost is known twice. Their providers reported "
        f"{money(drift['reportedUsd'])}; the price table comes to {money(drift['computedUsd'])}, off by "
        f"{percent(drift['percent'])}.</p>"
    )


def _footnotes(whole: Place) -> str:
    held, unwritten = whole["heldRequests"], whole["unwrittenRequests"]
    notes = (
        f"{_requests(held)} without an end, in no figure here: still running, or farebox was killed.",
        f"{_requests(unwritten)} ({money(whole['unwrittenUsd'])}) not yet written, in no figure here either.",
    )
    shown = [f"<li>{_damage(lost)}</li>" for lost in whole["damages"]]
    shown += [
        f"<li>{note}</li>" for place, note in zip((held, unwritten), notes, strict=True) if place.amount
    ]
    if (why := whole["budgetsError"]).text is not None:
        shown.append(f"<li>Budgets are not shown: {text(why)}</li>")
    return f"<footer><ul>{''.join(shown)}</ul></footer>" if shown else ""


def _damage(lost: Place) -> str:
    saved = lost["savedCalls"]
    return (
        f"The ledger was damaged on {moment(lost['at'])}: {_requests(saved)} of {text(lost['file'])} "
        f"{'was' if saved.amount == 1 else 'were'} saved, what else was spent is not known: "
        f"<code>{ACCEPT}</code>"
    )


def _requests(place: Place) -> str:
    return f"{count(place)} request{'' if place.amount == 1 else 's'}"


def _card(title: str, content: str, kind: str = "") -> str:
    if not content:
        return ""
    return f'<section class="{f"card {kind}".strip()}"><h2>{title}</h2>{content}</section>'
