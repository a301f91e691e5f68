"""Sums are exact integers, of a million rows and near the largest figures; what is settled stays so."""

import asyncio
import json
import time
from collections import Counter
from collections.abc import Generator
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.ledger.limits import Limit
from farebox.messages import NANODOLLARS_PER_USD
from support import billing, books
from support.billing import Billing, Script
from support.ledger_worker import MODEL, environment, worker, write_config
from support.million import DAY_MS, Million
from support.openrouter_models import models, priced

ROWS = 1_000_000
MORE = 50


@pytest.fixture
def provider(tmp_path: Path) -> Generator[Billing]:
    with billing.provider(environment(tmp_path)) as provider:
        yield provider


@pytest.mark.slow
@pytest.mark.timeout(400)
async def test_sums_of_a_million_rows_near_the_largest_figures_are_those_of_pythons_integers(
    tmp_path: Path, provider: Billing
):
    since_ms = time.time_ns() // 1_000_000 - 31 * DAY_MS
    million = Million(since_ms, ROWS, dear=True)
    million.write(tmp_path / "farebox" / "ledger.db")
    cost, tokens = million.sum(million.cost), million.sum(million.input_tokens)
    assert cost > 2**53 * 100, "beyond what a float counts exactly"
    write_config(tmp_path, provider.base_url)
    script = Script(pieces=1, base=999_999_999_999, each=1)
    async with worker(tmp_path) as one:  # as the ledger itself adds
        await asyncio.gather(*(one.ask(f"more-{number}", script) for number in range(MORE)))
        assert await one.spent() == cost + MORE * script.most_nanodollars
    app = App(Client("test"), environment=environment(tmp_path))
    try:
        report = await app.cost_report(since="2000-01-01", by=("model",))
        assert report.total.requests == ROWS + MORE
        assert report.total.cost_nanodollars == cost + MORE * script.most_nanodollars
        assert report.total.usage.input_tokens == tokens + MORE * 10
        by_model = Counter[str]()
        for number in range(ROWS):
            by_model[million.model(number)] += million.cost(number)
        found = {dict(row.keys)["model"]: row.cost_nanodollars for row in report.rows}
        assert {model: found[model] for model in by_model} == by_model
        moments = [since_ms + n * 7_654_321 for n in (0, 1, 100, 333)]
        limits = [Limit("window", 1, moment, "", setting="") for moment in moments]
        for moment, spent in zip(moments, await app.ledger.spent_by(limits), strict=True):
            first = -(-(moment - since_ms) // million.step_ms)
            in_window = sum(map(million.cost, range(first, ROWS)))
            assert spent.settled_nanodollars == in_window + MORE * script.most_nanodollars
    finally:
        await app.close()


async def test_another_price_changes_no_row_and_no_report_of_the_past(tmp_path: Path, provider: Billing):
    """The provider tells tokens alone, so each request is priced by the list of its day."""
    write_config(tmp_path, provider.base_url)
    script = Script(pieces=7, tells="tokens")
    costs: list[int | None] = []
    rows: list[list[tuple[object, ...]]] = []
    reports: list[dict[str, object]] = []
    for day, price in enumerate((None, "0.0000011", "0.5")):
        if price is not None:
            write_listing(tmp_path, provider, price)
        async with worker(tmp_path) as one:
            reports.append(await one.report(since="2000-01-01", by=["conversation"]))
            costs.append((await one.ask(f"day-{day}", script)).nanodollars)
        rows.append(all_rows(tmp_path))
    assert costs == [10 * 250 + 7 * 2_000, 17 * 1_100, 17 * NANODOLLARS_PER_USD // 2]
    assert rows[0] == rows[1][:1] == rows[2][:1]
    assert rows[1] == rows[2][:2]
    assert [one["rows"] for one in reports] == [[], *(day_rows(costs[:count]) for count in (1, 2))]


def day_rows(costs: list[int | None]) -> list[dict[str, object]]:
    return [
        {"conversation": f"day-{day}", "requests": 1, "nanodollars": cost} for day, cost in enumerate(costs)
    ]


def all_rows(folder: Path) -> list[tuple[object, ...]]:
    with books.reading(folder) as connection:
        return connection.execute("SELECT * FROM calls ORDER BY started_ms").fetchall()


def write_listing(folder: Path, provider: Billing, price: str) -> None:
    """Give the model another price, for input and output alike, in what is kept of OpenRouter's list."""
    listed = models(priced(MODEL.partition("/")[2], price, price))
    kept = {"base_url": provider.base_url, "fetched_s": int(time.time()), **listed}
    (folder / "farebox" / "openrouter-models.json").write_text(json.dumps(kept), "utf-8")
