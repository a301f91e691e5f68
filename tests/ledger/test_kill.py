"""Whatever moment a process is killed at: what was billed has one row, and nothing is held for the dead.

The thousand kills are tests/bench/kill.py; this is the same with fewer.
"""

import sys
import time
from pathlib import Path

import pytest

from support import billing, books
from support.ledger_worker import environment, until, worker, write_config
from support.lives import kills, life_of

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="there is no fork")

KILLS = 40
SOME = 10
"""On a busy machine most of those that die at a random moment have not come to a request."""

OUTLIVES_S = 60


async def test_what_was_billed_has_one_row_and_no_hold_outlives_its_owner(tmp_path: Path):
    env = environment(tmp_path)
    with billing.provider(env) as provider:
        write_config(tmp_path, provider.base_url)
        async with worker(tmp_path) as observer:
            assert await observer.look() == "ok"
            died_s: dict[str, float] = {}
            with kills(KILLS, env, seed=20_261) as deaths:
                for death in deaths:
                    died_s[death.life] = death.died_s
                    assert not overdue(tmp_path, died_s)
            await until(lambda: not books.held(tmp_path), OUTLIVES_S)
            audit = books.audit(tmp_path, provider.billed())
    assert audit.faults == {}
    assert audit.rows >= SOME


def overdue(folder: Path, died_s: dict[str, float]) -> list[str]:
    """Return what is held for those who have been dead for too long."""
    latest_s = time.time() - OUTLIVES_S
    return [marker for marker in books.held(folder) if died_s.get(life_of(marker), latest_s + 1) < latest_s]
