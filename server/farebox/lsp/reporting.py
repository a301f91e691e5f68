"""``farebox/costReport``: the report of the ledger as JSON, and as text where a client asks for a format.

It decides nothing: what a report says is ``costs``' matter, and how it looks that of ``report``.
"""

import asyncio
from typing import TYPE_CHECKING

from farebox.costs import DEFAULT_BY
from farebox.errors import InvalidParams
from farebox.lsp.methods import CostReportParams
from farebox.report.csv_lines import to_csv
from farebox.report.page import to_page
from farebox.report.shapes import ReportShape, report_shape
from farebox.report.table import to_table

if TYPE_CHECKING:
    from farebox.app import App


async def cost_report(app: "App", asked: CostReportParams) -> ReportShape:
    """Answer what was spent. Raises InvalidParams.

    The text is written in a thread: some thousand rows take their time.
    """
    if asked.format == "html":
        return await _page(app, asked)
    report = await app.cost_report(
        since=asked.since,
        until=asked.until,
        by=None if asked.by is None else tuple(asked.by),
        workspace=asked.workspace,
    )
    if asked.format is None:
        return report_shape(report)
    text = await asyncio.to_thread(to_csv if asked.format == "csv" else to_table, report)
    return report_shape(report, text=text)


async def _page(app: "App", asked: CostReportParams) -> ReportShape:
    if asked.by is not None:
        raise InvalidParams(
            "a page shows the costs by everything at once, so by has no place there",
            hint="Leave by out, or choose another format.",
        )
    overview = await app.cost_overview(since=asked.since, until=asked.until, workspace=asked.workspace)
    return report_shape(overview.by(*DEFAULT_BY), text=await asyncio.to_thread(to_page, overview))
