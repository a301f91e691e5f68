"""The shape of the ledger on disk, as an ordered list of migrations.

A migration that has been released is never edited: a change is a new entry at the end. The SQL stays
portable, because a team's PostgreSQL comes later: the user's local day and hour are stored as text when
a call is written, so grouping needs no date function. No column holds a prompt, a reply or code.
"""

from pathlib import Path
from typing import TYPE_CHECKING, cast

from farebox.errors import FareboxError
from farebox.ledger import rollup

if TYPE_CHECKING:  # `initialize` is answered before SQLite is imported: only store.py needs it to run
    from sqlite3 import Connection

MIGRATIONS: tuple[tuple[str, ...], ...] = (
    (
        """
        CREATE TABLE calls (
            call_id              TEXT PRIMARY KEY,
            request_id           TEXT NOT NULL,
            attempt              INTEGER NOT NULL,
            state                TEXT NOT NULL CHECK (state IN ('held', 'settled')),
            outcome              TEXT CHECK (outcome IN ('ok', 'cancelled', 'failed')),
            error_kind           TEXT,
            finish_reason        TEXT,
            task                 TEXT NOT NULL,
            provider             TEXT NOT NULL,
            model                TEXT NOT NULL,
            served_model         TEXT,
            generation_id        TEXT,
            conversation         TEXT,
            workspace            TEXT,
            client               TEXT,
            started_ms           BIGINT NOT NULL,
            day                  TEXT NOT NULL,
            hour                 TEXT NOT NULL,
            input_tokens         BIGINT NOT NULL DEFAULT 0,
            cached_input_tokens  BIGINT NOT NULL DEFAULT 0,
            cache_write_tokens   BIGINT NOT NULL DEFAULT 0,
            output_tokens        BIGINT NOT NULL DEFAULT 0,
            reasoning_tokens     BIGINT NOT NULL DEFAULT 0,
            hold_nanodollars     BIGINT CHECK (hold_nanodollars >= 0),
            cost_nanodollars     BIGINT CHECK (cost_nanodollars >= 0),
            basis                TEXT NOT NULL DEFAULT 'unknown'
                                 CHECK (basis IN ('reported', 'computed', 'estimated', 'unknown')),
            reported_nanodollars BIGINT,
            computed_nanodollars BIGINT,
            baseline_model       TEXT,
            baseline_nanodollars BIGINT,
            first_token_ms       BIGINT,
            total_ms             BIGINT,
            UNIQUE (request_id, attempt),
            CHECK ((state = 'held') = (outcome IS NULL)),
            CHECK ((basis = 'unknown') = (cost_nanodollars IS NULL))
        )
        """,
        # Holds the columns that a budget check sums, so that the check never visits the table itself.
        "CREATE INDEX calls_by_start ON calls (started_ms, state, cost_nanodollars, hold_nanodollars)",
    ),
    # How a request was routed, so that it can be planned again; NULL in older rows.
    (
        "ALTER TABLE calls ADD COLUMN requested TEXT",
        "ALTER TABLE calls ADD COLUMN strategy TEXT",
        "ALTER TABLE calls ADD COLUMN phase TEXT",
        "ALTER TABLE calls ADD COLUMN complexity TEXT",
        "ALTER TABLE calls ADD COLUMN tier TEXT",
        "ALTER TABLE calls ADD COLUMN evidence TEXT",
        "ALTER TABLE calls ADD COLUMN images BIGINT",
        "ALTER TABLE calls ADD COLUMN tools BIGINT",
        "ALTER TABLE calls ADD COLUMN caches BIGINT",
        "ALTER TABLE calls ADD COLUMN input_bytes BIGINT",
        "ALTER TABLE calls ADD COLUMN max_output_tokens BIGINT",
        "ALTER TABLE calls ADD COLUMN taken_for TEXT",
    ),
    # Who holds, how far it has come, what became of its ghost text, when to ask what it cost; and the sums.
    (
        "ALTER TABLE calls ADD COLUMN language TEXT",
        "ALTER TABLE calls ADD COLUMN owner TEXT",
        "ALTER TABLE calls ADD COLUMN seen_nanodollars BIGINT",
        "ALTER TABLE calls ADD COLUMN shown BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE calls ADD COLUMN accepted BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE calls ADD COLUMN partly BIGINT NOT NULL DEFAULT 0",
        "ALTER TABLE calls ADD COLUMN ask_at_ms BIGINT",
        "ALTER TABLE calls ADD COLUMN asked BIGINT NOT NULL DEFAULT 0",
        "DROP INDEX calls_by_start",
        "CREATE INDEX calls_started ON calls (started_ms)",
        "CREATE INDEX calls_held ON calls (started_ms) WHERE state = 'held'",
        "CREATE INDEX calls_to_ask ON calls (ask_at_ms) WHERE ask_at_ms IS NOT NULL",
        """
        CREATE TABLE damages (
            at_ms       BIGINT NOT NULL,
            file        TEXT NOT NULL,
            saved_calls BIGINT NOT NULL,
            accepted_ms BIGINT
        )
        """,
        *rollup.TABLES,
        *rollup.FILL,
        *rollup.TRIGGERS,
    ),
)


class LedgerUnusable(FareboxError):
    """The ledger's file can't be opened, read or written."""

    kind = "config"


def refuse_newer(connection: "Connection", path: Path) -> None:
    """Raise LedgerUnusable, and change nothing, if a later farebox has written this file."""
    version = _version(connection)
    if version > len(MIGRATIONS):
        raise LedgerUnusable(
            f"the ledger {path} was written by a newer farebox (schema {version}, "
            f"this farebox knows {len(MIGRATIONS)})",
            hint="update farebox, or set FAREBOX_HOME to another folder",
        )


def is_older(connection: "Connection") -> bool:
    """Say whether an earlier farebox has written this file, and it has to be brought up to date."""
    return _version(connection) < len(MIGRATIONS)


def migrate(connection: "Connection", *, last: int = len(MIGRATIONS)) -> None:
    """Bring a database up to date, or to the schema of that number, each migration in its own transaction."""
    for number, statements in enumerate(MIGRATIONS[:last], start=1):
        if _version(connection) < number:
            _apply(connection, number, statements)


def _apply(connection: "Connection", number: int, statements: tuple[str, ...]) -> None:
    with connection:
        connection.execute("BEGIN IMMEDIATE")
        if _version(connection) >= number:  # another process was faster
            return
        for statement in statements:
            connection.execute(statement)
        connection.execute(f"PRAGMA user_version = {number}")


def _version(connection: "Connection") -> int:
    return cast("int", connection.execute("PRAGMA user_version").fetchone()[0])
