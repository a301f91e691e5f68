"""What had to wait comes back from its lines as it was; a line that is half of one hurts nobody."""

from hypothesis import given
from hypothesis import strategies as st

from farebox.ledger.records import Hold, Money, Routing, Settlement, Withdrawal
from farebox.ledger.spill import line, records
from farebox.messages import Cost, Target, Usage

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
counts = st.integers(0, 2**60)

routings = st.builds(
    Routing,
    texts,
    st.sampled_from(["cheap", "balanced", "quality"]),
    st.sampled_from(["plan", "act"]),
    st.sampled_from(["low", "medium", "high"]),
    st.none() | st.sampled_from(["fast", "balanced", "strong"]),
    st.lists(st.sampled_from(["empty", "cutOff"]), max_size=2).map(tuple),
    *[counts] * 1,
    st.booleans(),
    st.booleans(),
    counts,
    counts,
)
holds = st.builds(
    Hold,
    texts,
    texts,
    st.integers(0, 9),
    st.sampled_from(["chat", "complete"]),
    st.builds(Target, texts, texts),
    st.none() | counts,
    counts,
    workspace=st.none() | texts,
    routing=st.none() | routings,
    language=st.none() | texts,
)
settlements = st.builds(
    Settlement,
    texts,
    st.sampled_from(["ok", "cancelled", "failed"]),
    st.builds(Usage, *[counts] * 5),
    st.builds(Cost, st.none() | counts, st.sampled_from(["reported", "unknown"])),
    generation_id=st.none() | texts,
    target=st.none() | st.builds(Target, texts, texts),
    correctable=st.booleans(),
)


@given(st.lists(holds | settlements | st.builds(Withdrawal, texts), max_size=5))
def test_records_come_back_as_they_were(kept: list[Money]):
    text = b"".join(map(line, kept))
    assert text.count(b"\n") == len(kept)
    assert records(one for one in text.split(b"\n") if one) == kept


@given(holds | settlements, st.data())
def test_a_line_that_was_cut_off_is_passed_over(record: Hold | Settlement, data: st.DataObject):
    whole = line(record).rstrip()
    cut = whole[: data.draw(st.integers(1, len(whole) - 1))]
    assert records([cut, whole]) == [record]


@given(st.binary(max_size=50))
def test_no_bytes_make_the_reader_fail(raw: bytes):
    records([raw])


def test_what_a_later_farebox_adds_to_a_line_is_no_hindrance():
    hold = Hold("c", "r", 1, "chat", Target("p", "m"), 5, 7)
    later = line(hold).replace(b'"call_id"', b'"tomorrow":[1],"call_id"', 1)
    assert records([later]) == [hold]
