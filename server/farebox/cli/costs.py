"""``farebox costs``: the cost report as a table, JSON or CSV."""

import shutil
from typing import Literal

from farebox.cli.running import with_app
from farebox.cli.terminal import show, show_json
from farebox.report import to_csv, to_table
from farebox.shapes import report_shape


def print_costs(
    *,
    since: str | None,
    until: str | None,
    by: str | None,
    workspace: str | None,
    style: Literal["table", "json", "csv"],
) -> int:
    """Print what was spent."""
    groups = tuple(name.strip() for name in by.split(",") if name.strip()) if by is not None else None
    report = with_app(lambda app: app.cost_report(since=since, until=until, by=groups, workspace=workspace))
    match style:
        case "json":
            show_json(report_shape(report).json_value())
        case "csv":
            show(to_csv(report), end="")
        case "table":
            show(to_table(report, width=shutil.get_terminal_size((100, 24)).columns), end="")
    return 0
