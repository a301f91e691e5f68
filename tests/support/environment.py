"""The environment that tests start farebox in: nothing of the developer's, everything below one folder."""

import os
import sqlite3
from pathlib import Path
from typing import Any

INHERITED = ("PATH", "LD_LIBRARY_PATH", "SYSTEMROOT", "LANG", "LC_ALL")


def clean_environment(folder: Path) -> dict[str, str]:
    """Return an environment without keys, whose home, data and config are in a folder."""
    kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
    return {
        **kept,
        "HOME": str(folder),
        "TMPDIR": str(folder),
        "FAREBOX_HOME": str(folder / "farebox"),
        "FAREBOX_CONFIG": str(folder / "config.toml"),
    }


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
{more}"""


def ledger_rows(folder: Path, order: str = "started_ms, rowid") -> list[dict[str, Any]]:
    """Read the calls in the ledger of ``clean_environment``, past all code of farebox."""
    connection = sqlite3.connect(f"file:{folder / 'farebox' / 'ledger.db'}?mode=ro", uri=True)
    try:
        connection.row_factory = sqlite3.Row
        return [dict(row) for row in connection.execute(f"SELECT * FROM calls ORDER BY {order}")]
    finally:
        connection.close()
