"""An answer is told as it comes, and nothing in it is hidden, however its stream was cut."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.chat.answer import Seen
from farebox.messages import Event, Reasoning, Text, ToolCall
from farebox.unseen import shown

PIECES = st.lists(st.text("a\x1b\u202e\u200d👩💻\ud83d\ude00\r\n א\u200f"))
CALL = ToolCall("id", "read", "{}")


def told(*events: Event) -> list[Event]:
    seen = Seen()
    return [one for event in events for one in seen.told(event)]


@given(pieces=PIECES)
def test_the_pieces_of_a_text_give_what_the_whole_would(pieces: list[str]):
    texts = [one.text for one in told(*map(Text, pieces), CALL) if isinstance(one, Text)]
    assert "".join(texts) == shown("".join(pieces))
    assert all(texts)


@pytest.mark.parametrize(
    ("events", "expected"),
    [
        pytest.param([Text("a"), Text("b")], [Text("a"), Text("b")], id="plain"),
        pytest.param([Text("a\x1b"), CALL], [Text("a"), Text("\\u{1b}"), CALL], id="before-a-call"),
        pytest.param(
            [Text("a\r"), Reasoning("hm"), Text("\n")],
            [Text("a"), Text("\\u{d}"), Reasoning("hm"), Text("\n")],
            id="before-reasoning",
        ),
        pytest.param(
            [Reasoning("a\u202e"), Text("b")],
            [Reasoning("a"), Reasoning("\\u{202e}"), Text("b")],
            id="reasoning-before-text",
        ),
        pytest.param([Text("👩\u200d"), Text("💻")], [Text("👩"), Text("\u200d💻")], id="one-picture"),
        pytest.param([CALL], [CALL], id="another-event"),
    ],
)
def test_what_was_held_back_comes_before_anything_else(events: list[Event], expected: list[Event]):
    assert told(*events, CALL)[: len(expected)] == expected
