"""``farebox costs``: the cost report as a table, JSON or CSV."""

import os
import shutil
from pathlib import Path
from typing import Literal

from farebox.app import App
from farebox.cli.running import with_app, workspace_of
from farebox.cli.terminal import note, show, show_json
from farebox.costs import DIMENSIONS, Report
from farebox.errors import InvalidParams
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
    groups = None if by is None else _groups(by)
    folders = (None,) if workspace is None else workspaces(workspace)

    async def ask(app: App) -> tuple[str | None, Report]:
        for folder in folders:
            report = await app.cost_report(since=since, until=until, by=groups, workspace=folder)
            if report.total.requests or report.held_requests:
                return folder, report
        return folders[0], await app.cost_report(since=since, until=until, by=groups, workspace=folders[0])

    folder, report = with_app(ask)
    if folder != folders[0]:
        note(f"costs of the workspace {folder}")
    match style:
        case "json":
            show_json(report_shape(report).json_value())
        case "csv":
            show(to_csv(report), end="")
        case "table":
            show(to_table(report, width=shutil.get_terminal_size((100, 24)).columns), end="")
    return 0


def _groups(by: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in by.split(",") if name.strip())
    if not names:
        raise InvalidParams("a report can't be grouped by nothing", hint=f"Use {', '.join(DIMENSIONS)}.")
    return names


def workspaces(folder: str) -> tuple[str, ...]:
    """Spell a folder as the ledger may know it, the likeliest first.

    The ledger has a workspace as its client named it: an editor's folder, links and all, or for the command
    line the nearest folder upward that is marked as a workspace, without links.
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
