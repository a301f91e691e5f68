"""Three providers that fail in turn for minutes: nearly all is answered, and nobody is stormed."""

from pathlib import Path

import pytest

from support.drill import PHASES, drill


@pytest.mark.timeout(300)  # ten to twenty seconds
async def test_the_fault_drill(tmp_path: Path):
    figures = await drill(tmp_path)
    print(*figures.lines(), sep="\n")
    assert figures.asked == 2_000
    assert figures.answered_share >= 0.999, figures.unanswered
    assert figures.sent_for_each <= 1.1
    assert figures.bursts >= 20
    assert figures.probes >= 20, "the drill has to meet providers in recovery"
    assert figures.herd == 1, "while a provider recovers, one request at a time finds out"
    back = {(one.what, one.name) for one in figures.recoveries}
    sure = {"503", "refused", "429", "silent", "503 at both"}
    assert back >= {(phase.what, name) for phase in PHASES if phase.what in sure for name in phase.names}
    late = [one for one in figures.recoveries if one.took_s > one.interval_s]
    assert not late, "used again within one probe interval of its recovery"
