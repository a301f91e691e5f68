"""Compares the ledger with a provider's bill, and the sums that it keeps with its rows; past its own code.

A request is known by its marker, which is its row's conversation.
"""

import sqlite3
from collections import Counter
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_SUMS = """
    outcome = 'failed', outcome = 'cancelled', COALESCE(error_kind, '') = 'uncertain', input_tokens,
    cached_input_tokens, output_tokens, reasoning_tokens, COALESCE(cost_nanodollars, 0), basis = 'reported',
    basis = 'computed', basis = 'estimated', basis = 'unknown', shown, accepted, partly
"""
_KEPT = """
    failed, cancelled, uncertain, input_tokens, cached_input_tokens, output_tokens, reasoning_tokens,
    cost_nanodollars, reported, computed, estimated, unknown, shown, accepted, partly
"""
_GROUP = "day, hour, task, provider, model"
_SCOPES = """
    scope = 'all' OR scope = 'task:' || task OR scope = 'provider:' || provider
    OR scope = 'workspace:' || COALESCE(workspace, '')
"""


@dataclass(frozen=True, slots=True)
class Audit:
    """What is wrong with a ledger, as markers and words; all of it is empty for one that is right.

    ``missing`` were billed and have no row, ``doubled`` have more than one, ``misbooked`` ended well and cost
    something else than was billed, ``held`` have no end yet. ``sums`` are those that are not the rows'.
    """

    rows: int
    missing: tuple[str, ...]
    doubled: tuple[str, ...]
    misbooked: tuple[str, ...]
    held: tuple[str, ...]
    sums: tuple[str, ...]
    integrity: str

    @property
    def faults(self) -> dict[str, object]:
        """Only what is wrong."""
        names = ("missing", "doubled", "misbooked", "held", "sums")
        found: dict[str, object] = {name: getattr(self, name) for name in names if getattr(self, name)}
        return found if self.integrity == "ok" else {**found, "integrity": self.integrity}


def ledger_file(folder: Path) -> Path:
    """Return the ledger that counts: the one with the highest number, where one was damaged."""
    files = list((folder / "farebox").glob("ledger*.db"))
    return max(files, key=lambda file: int(file.stem.partition("-")[2] or 1))


@contextmanager
def reading(folder: Path) -> Generator[sqlite3.Connection]:
    """Open the ledger of ``clean_environment`` as another program does that only reads."""
    path = ledger_file(folder)
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=30, isolation_level=None)
    try:
        yield connection
    finally:
        connection.close()


def audit(folder: Path, billed: Mapping[str, int]) -> Audit:
    """Compare the ledger of a folder with a bill: nano-dollars by marker."""
    with reading(folder) as connection:
        connection.execute("BEGIN")  # one moment of the ledger, whoever writes meanwhile
        rows = connection.execute(
            "SELECT conversation, state, outcome, cost_nanodollars FROM calls"
        ).fetchall()
        sums = wrong_sums(connection)
    counted = Counter(row[0] for row in rows)
    return Audit(
        rows=len(rows),
        missing=tuple(sorted(billed.keys() - counted.keys())),
        doubled=tuple(sorted(marker for marker, count in counted.items() if count > 1)),
        misbooked=tuple(row[0] for row in rows if row[2] == "ok" and row[3] != billed.get(row[0])),
        held=tuple(row[0] for row in rows if row[1] == "held"),
        sums=sums,
        integrity=integrity(folder),
    )


def integrity(folder: Path) -> str:
    """Return "ok", or SQLite's complaint."""
    with reading(folder) as connection:
        return connection.execute("PRAGMA integrity_check").fetchone()[0]


def wrong_sums(connection: sqlite3.Connection) -> tuple[str, ...]:
    """Return the sums that the ledger keeps and that are not those of its rows."""
    return (
        *_differ(
            connection,
            f"SELECT {_GROUP}, COUNT(*), {_each(_SUMS)} FROM calls WHERE state = 'settled' GROUP BY {_GROUP}",
            f"SELECT {_GROUP}, SUM(requests), {_each(_KEPT)} FROM hourly"
            f" GROUP BY {_GROUP} HAVING SUM(requests)",
        ),
        *_differ(
            connection,
            "SELECT day, model, 'first', COUNT(*) FROM calls WHERE state = 'settled'"
            " AND first_token_ms IS NOT NULL GROUP BY day, model UNION ALL "
            "SELECT day, model, 'total', COUNT(*) FROM calls WHERE outcome = 'ok' AND total_ms IS NOT NULL"
            " GROUP BY day, model",
            "SELECT day, model, kind, SUM(calls) FROM latencies GROUP BY day, model, kind HAVING SUM(calls)",
        ),
        *_differ(
            connection,
            "SELECT scope, since_ms, (SELECT COALESCE(SUM(cost_nanodollars), 0) FROM calls WHERE"
            f" state = 'settled' AND started_ms >= since_ms AND ({_SCOPES})) FROM counters",
            "SELECT scope, since_ms, nanodollars FROM counters",
        ),
    )


def _each(columns: str) -> str:
    """Sum each of some columns."""
    depth, parts = 0, [""]
    for character in columns:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append("")
        else:
            parts[-1] += character
    return ", ".join(f"SUM({part.strip()})" for part in parts)


def _differ(connection: sqlite3.Connection, rows: str, kept: str) -> list[str]:
    of_rows, as_kept = (set(connection.execute(sql).fetchall()) for sql in (rows, kept))
    return [f"rows: {one}" for one in of_rows - as_kept] + [f"kept: {one}" for one in as_kept - of_rows]


def held(folder: Path) -> tuple[str, ...]:
    """Return the markers of the requests that are held at this moment."""
    with reading(folder) as connection:
        rows = connection.execute("SELECT conversation FROM calls WHERE state = 'held'").fetchall()
    return tuple(marker for (marker,) in rows)


def costs(folder: Path, by: str = "conversation") -> dict[str, int | None]:
    """Return what each request has cost by its row; None while it is held, or unknown. Empty without one."""
    try:
        with reading(folder) as connection:
            return dict(connection.execute(f"SELECT {by}, cost_nanodollars FROM calls").fetchall())
    except (sqlite3.Error, ValueError):
        return {}


def spent_or_held(folder: Path, since_ms: int = 0) -> int:
    """Return what is settled and held since a moment, in nano-dollars."""
    sql = (
        "SELECT COALESCE(SUM(CASE state WHEN 'settled' THEN cost_nanodollars ELSE hold_nanodollars END), 0)"
        " FROM calls WHERE started_ms >= ?"
    )
    with reading(folder) as connection:
        return connection.execute(sql, (since_ms,)).fetchone()[0]
