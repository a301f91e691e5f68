"""A ledger of very many requests, made in seconds: SQL writes them, and their sums as a migration does.

Which cost what is arithmetic on a request's number: once in SQL, once in Python's integers to check it by.
"""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from farebox.ledger import rollup, schema
from farebox.ledger.records import MAX_CALL_NANODOLLARS

DAY_MS = 86_400_000
MODELS = 12
WORKSPACES = 8
CONVERSATIONS = 5_000


@dataclass(frozen=True, slots=True)
class Million:
    """So many requests since a moment, spread evenly over some days; they differ as their numbers do.

    ``dear`` ones cost almost as much as the ledger believes, and have as many tokens: a float would show.
    """

    since_ms: int
    rows: int = 1_000_000
    days: int = 30
    dear: bool = False

    @property
    def step_ms(self) -> int:
        """From one request to the next."""
        return self.days * DAY_MS // self.rows

    def started_ms(self, number: int) -> int:
        """When a request started."""
        return self.since_ms + number * self.step_ms

    def cost(self, number: int) -> int:
        """What it cost, in nano-dollars."""
        return MAX_CALL_NANODOLLARS - number % 99_991 if self.dear else number * 7_919 % 999_983

    def input_tokens(self, number: int) -> int:
        """How many tokens went in."""
        return 10**12 - number % 9_973 if self.dear else 200 + number * 31 % 9_973

    def output_tokens(self, number: int) -> int:
        """How many tokens came out."""
        return number * 17 % 997

    def model(self, number: int) -> str:
        """Who answered."""
        return f"openrouter/maker-{number % MODELS}/model"

    def sum(self, value: Callable[[int], int]) -> int:
        """Add something up over all of them."""
        return sum(map(value, range(self.rows)))

    def write(self, file: Path) -> None:
        """Write them into a ledger that is made for it."""
        file.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(file, isolation_level=None)
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            schema.migrate(connection)
            connection.execute("PRAGMA synchronous = OFF")
            connection.execute("BEGIN IMMEDIATE")
            triggers = "SELECT name, sql FROM sqlite_master WHERE type = 'trigger'"
            kept: list[tuple[str, str]] = connection.execute(triggers).fetchall()
            for name, _ in kept:
                connection.execute(f"DROP TRIGGER {name}")
            numbers = {"rows": self.rows, "since_ms": self.since_ms, "step_ms": self.step_ms}
            connection.execute(_rows(dear=self.dear), numbers)
            for statement in rollup.REBUILD:
                connection.execute(statement)
            for _, sql in kept:
                connection.execute(sql)
            connection.execute("COMMIT")
        finally:
            connection.close()


def _rows(*, dear: bool) -> str:
    cost, tokens = (
        (f"{MAX_CALL_NANODOLLARS} - n % 99991", "1000000000000 - n % 9973")
        if dear
        else ("n * 7919 % 999983", "200 + n * 31 % 9973")
    )
    model = f"'openrouter/maker-' || (n % {MODELS}) || '/model'"
    return f"""
        INSERT INTO calls (
            call_id, request_id, attempt, state, outcome, finish_reason, task, provider, model, conversation,
            workspace, client, language, started_ms, day, hour, input_tokens, cached_input_tokens,
            output_tokens, hold_nanodollars, cost_nanodollars, basis, reported_nanodollars,
            computed_nanodollars, baseline_model, baseline_nanodollars, first_token_ms, total_ms, shown,
            accepted
        )
        WITH RECURSIVE
            numbers (n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM numbers WHERE n + 1 < :rows),
            started (n, ms, at) AS (
                SELECT n, :since_ms + n * :step_ms, (:since_ms + n * :step_ms) / 1000 FROM numbers
            )
        SELECT
            printf('%032x', n), printf('%032x', n), 1, 'settled',
            CASE n % 20 WHEN 0 THEN 'cancelled' WHEN 1 THEN 'failed' ELSE 'ok' END, 'stop',
            CASE n % 4 WHEN 0 THEN 'chat' ELSE 'complete' END, 'openrouter', {model},
            'conversation-' || (n % {CONVERSATIONS}), '/src/folder-' || (n % {WORKSPACES}),
            CASE n % 3 WHEN 0 THEN 'neovim' ELSE 'vscode' END,
            CASE n % 5 WHEN 0 THEN 'python' ELSE 'rust' END,
            ms, strftime('%Y-%m-%d', at, 'unixepoch', 'localtime'),
            strftime('%Y-%m-%d %H:00', at, 'unixepoch', 'localtime'),
            {tokens}, n % 100, n * 17 % 997, {cost}, {cost}, 'reported', {cost}, {cost},
            'anthropic/claude-opus-5.5', {cost}, 100 + n * 13 % 3000, 500 + n * 37 % 9000, 1, n % 2
        FROM started
    """
