"""The environment that tests start farebox in: nothing of the developer's, everything below one folder."""

import os
import sqlite3
from datetime import datetime
from pathlib import Path
from typing import Any

from support.guard.sitecustomize import watched

INHERITED = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL", "TZ")
STEERING = ("FAREBOX_REQUIRE_", "FAREBOX_TEST_")
"""How the variables begin that steer the tests themselves."""

NOON = 12


def clean_environment(folder: Path) -> dict[str, str]:
    """Return an environment without keys, whose home, data and config are in a folder."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    own = {
        **kept,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "FAREBOX_HOME": str(folder / "farebox"),
        "FAREBOX_CONFIG": str(folder / "config.toml"),
        "FAREBOX_FETCH_MODELS": "off",  # no test asks OpenRouter itself
    }
    return watched(own)


def is_the_developers(name: str) -> bool:
    """Say whether a variable holds a key, or steers a farebox: no test may find it."""
    if name.startswith("FAREBOX_"):
        return not name.startswith(STEERING)
    return name.endswith(("_API_KEY", "_TOKEN"))


def zone_where_it_is_noon(now: datetime) -> str:
    """Return a TZ in which it is past twelve, so that no day ends between two lines of a test."""
    return f"NOON{now.hour - NOON:+d}"  # POSIX counts what to add to reach UTC


def openrouter_config(base_url: str, model: str = "openrouter/openai/gpt-4o-mini", more: str = "") -> str:
    """Return a config whose every task goes to a server of the test in the place of OpenRouter."""
    return f"""
[tasks]
chat = "{model}"
complete = "{model}"
[providers.openrouter]
base_url = "{base_url}"
[completion]
debounce_ms = 0
candidates = 1
{more}"""


def ledger_rows(folder: Path, order: str = "started_ms, rowid") -> list[dict[str, Any]]:
    """Read the calls in the ledger of ``clean_environment``, past all code of farebox."""
    connection = sqlite3.connect(f"file:{folder / 'farebox' / 'ledger.db'}?mode=ro", uri=True)
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM calls ORDER BY {order}")]
    finally:
        connection.close()
