"""``farebox costs``: the cost report as a table, JSON, CSV or a page, printed or written into a file."""

import json
import os
import shutil
import sys
from pathlib import Path
from typing import Literal, assert_never

from farebox.app import App
from farebox.cli.running import with_app
from farebox.cli.saving import save
from farebox.cli.terminal import note, show
from farebox.costs import DIMENSIONS, Report
from farebox.errors import InvalidParams
from farebox.places import workspace_of
from farebox.report.csv_lines import to_csv
from farebox.report.page import to_page
from farebox.report.shapes import report_shape
from farebox.report.table import to_table

STDOUT = "-"
"""Instead of a file's name: print it."""


def print_costs(
    *,
    since: str | None,
    until: str | None,
    by: str | None,
    workspace: str | None,
    style: Literal["table", "json", "csv", "html"],
    output: str | None,
) -> int:
    """Print what was spent, or write it into a file. Raises InvalidParams."""
    groups = None if by is None else _groups(by)
    if output == "":
        raise InvalidParams("no file has an empty name", hint=f"Name a file; {STDOUT} is standard output.")
    if output == STDOUT:
        output = None
    folders = (None,) if workspace is None else workspaces(workspace)
    if style == "html":
        _require_place_for_a_page(by, output)

    async def ask(app: App) -> tuple[str | None, str]:
        folder = await _first_with_costs(app, folders, since=since, until=until)
        if style == "html":
            return folder, to_page(await app.cost_overview(since=since, until=until, workspace=folder))
        report = await app.cost_report(since=since, until=until, by=groups, workspace=folder)
        return folder, _text(report, style)

    folder, text = with_app(ask)
    if folder != folders[0]:
        note(f"costs of the workspace {folder}")
    if output is None:
        show(text, end="")
    else:
        save(text, Path(output))
    return 0


async def _first_with_costs(
    app: App, folders: tuple[str | None, ...], *, since: str | None, until: str | None
) -> str | None:
    """Choose among the spellings of a workspace; the last resort is the first of them."""
    first, *others = folders
    if not others:
        return first  # nothing to choose: a large ledger need not be asked twice
    for folder in folders:
        sums = await app.cost_report(since=since, until=until, by=(), workspace=folder)
        if sums.total.requests or sums.held_requests:
            return folder
    return first


def _text(report: Report, style: Literal["table", "json", "csv"]) -> str:
    match style:
        case "json":
            return json.dumps(report_shape(report).json_value(), indent=2) + "\n"
        case "csv":
            return to_csv(report)
        case "table":
            return to_table(report, width=shutil.get_terminal_size((100, 24)).columns)
        case _:
            assert_never(style)


def _require_place_for_a_page(by: str | None, output: str | None) -> None:
    if by is not None:
        raise InvalidParams(
            "a page shows the costs by everything at once, so --by has no place there",
            hint="Leave --by out, or choose another format.",
        )
    if output is None and sys.stdout.isatty():
        raise InvalidParams(
            "a page is nothing for a terminal", hint="farebox costs --format html --output costs.html"
        )


def _groups(by: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in by.split(",") if name.strip())
    if not names:
        raise InvalidParams("a report can't be grouped by nothing", hint=f"Use {', '.join(DIMENSIONS)}.")
    return names


def workspaces(folder: str) -> tuple[str, ...]:
    """Spell a folder as the ledger may know it, the likeliest first.

    The ledger has a workspace without links: an editor's folder, or for the command line the nearest folder
    upward that is marked as one. Older rows have an editor's folder as the editor spelt it.
    """
    if not folder.strip():
        raise InvalidParams("no workspace has an empty name", hint="Name a folder; . is this one.")
    try:
        as_named = Path(os.path.normpath(Path(folder).expanduser().absolute()))
        without_links = as_named.resolve()
    except (OSError, RuntimeError, ValueError):  # no such user's home, links in a circle, a NUL
        raise InvalidParams(
            f"{folder[:200]!r} names no folder", hint="Name a folder; . is this one."
        ) from None
    above = (workspace_of(one) for one in (as_named, without_links))
    return tuple(dict.fromkeys(str(one) for one in (as_named, without_links, *above)))
