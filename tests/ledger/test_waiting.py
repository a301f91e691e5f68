"""What waits: in order, in bounds, and never given up while it is on the disk."""

from pathlib import Path

import pytest

from farebox.ledger import spill
from farebox.ledger.owner import estate, owners
from farebox.ledger.records import Hold, Mark, Settlement, Shown, Withdrawal
from farebox.ledger.waiting import MAX_IN_MEMORY, Waiting
from farebox.messages import Cost, Target, Usage


@pytest.fixture
def waiting(tmp_path: Path):
    waiting = Waiting(tmp_path / "owners")
    yield waiting
    waiting.close()


def a_hold(call_id: str, conversation: str | None = None) -> Hold:
    return Hold(call_id, call_id, 1, "chat", Target("p", "m"), 9, 1, conversation=conversation)


def a_settlement(call_id: str) -> Settlement:
    return Settlement(call_id, "ok", Usage(), Cost(7, "computed"))


def test_records_wait_in_order_and_money_has_its_line(waiting: Waiting):
    assert not waiting
    told = [a_hold("c1"), Mark("c1", 5), a_settlement("c1"), Shown("c1", 1), a_hold("c2")]
    for record in told:
        waiting.keep(record)
    assert waiting
    assert waiting.records() == told
    assert waiting.unwritten == (2, 7)
    waiting.forget()
    assert (bool(waiting), waiting.records(), waiting.unwritten) == (False, [], (0, 0))


def test_what_is_settled_again_counts_once(waiting: Waiting):
    for record in (a_hold("c1"), a_settlement("c1"), a_settlement("c2"), a_settlement("c1"), a_hold("c1")):
        waiting.keep(record)
    assert waiting.unwritten == (2, 14)
    waiting.keep(Withdrawal("c1"))
    assert waiting.unwritten == (1, 7)


def test_what_is_withdrawn_is_no_request(waiting: Waiting):
    waiting.keep(a_hold("c1"))
    waiting.keep(Withdrawal("c1"))
    assert waiting.unwritten == (0, 0)
    assert waiting.records() == [a_hold("c1"), Withdrawal("c1")]


def test_what_memory_has_no_room_for_is_read_from_the_disk(tmp_path: Path):
    waiting = Waiting(tmp_path / "owners")
    waiting.keep(a_hold("first"))
    for number in range(MAX_IN_MEMORY):
        waiting.keep(Shown(f"c{number}", shown=1))
    waiting.keep(a_settlement("first"))
    waiting.keep(a_hold("last"))
    kept = waiting.records()
    assert kept[:3] == [a_hold("first"), a_settlement("first"), a_hold("last")]
    assert len(kept) == MAX_IN_MEMORY + 2
    waiting.close()


def test_without_a_disk_the_oldest_is_given_up_and_said(tmp_path: Path, caplog: pytest.LogCaptureFixture):
    (tmp_path / "owners").touch()
    waiting = Waiting(tmp_path / "owners")
    for number in range(MAX_IN_MEMORY + 1):
        waiting.keep(a_hold(f"c{number}"))
    assert waiting.owner_id is None
    assert waiting.records()[0] == a_hold("c1")
    assert "oldest of it is given up" in caplog.text
    waiting.close()


def test_text_that_has_no_line_waits_in_memory(waiting: Waiting):
    waiting.keep(a_hold("c1", conversation="\ud800"))
    assert waiting.records() == [a_hold("c1", conversation="\ud800")]


def test_at_the_end_the_file_stays_for_its_lines(tmp_path: Path):
    waiting = Waiting(tmp_path / "owners")
    waiting.keep(a_hold("c1"))
    assert waiting.is_on_disk
    waiting.close()
    (owner,) = owners(tmp_path / "owners")
    with estate(tmp_path / "owners", owner) as lines:
        assert lines is not None
        assert spill.records(lines) == [a_hold("c1")]
