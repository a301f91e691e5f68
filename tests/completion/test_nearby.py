"""What the text at the cursor is about."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.nearby import nearby, rarity
from farebox.completion.window import Window

COUNTS = {"common": 50, "rare": 1, "other": 1}


def words(prefix: str, suffix: str = "", *, messages: tuple[str, ...] = ()) -> dict[str, float]:
    around = Window("a.py", "python", prefix, suffix)
    near = nearby(around, count=lambda word: COUNTS.get(word, 0), files=50, messages=messages)
    assert list(near.words) == sorted(near.words, key=lambda pair: (-pair[1], pair[0]))
    return dict(near.words)


def test_rare_words_count_more_than_common_ones():
    found = words("rare common\n")
    assert found["rare"] > found.get("common", 0.0)


def test_near_words_count_more_than_far_ones_and_far_ones_not_at_all():
    found = words("other\n" + "\n" * 5 + "rare\n")
    assert found["rare"] > found["other"] > 0
    assert "other" not in words("other\n" + "\n" * 60 + "rare\n")


def test_the_next_lines_and_messages_count_too():
    assert "rare" in words("x\n", "\nrare\n")
    assert "rare" in words("x\n", messages=("what is rare?",))


def test_what_the_window_shows_is_seen():
    around = Window("a.py", "python", "first_word\n  line = 1\n", "\nlast_word\n")
    near = nearby(around, count=lambda _: 1, files=2)
    assert {"first_word", "line", "last_word"} <= near.seen
    assert near.lines == {"first_word", "line = 1", "last_word"}


@given(
    *[st.text(st.sampled_from("ab \t\r\n\f\x1c\x85\u2028\u3000😀"), max_size=20)] * 2,
)
def test_lines_are_shown_without_the_space_around_them(prefix: str, suffix: str):
    near = nearby(Window("a.py", "python", prefix, suffix), count=lambda _: 1, files=2)
    lines = [line.strip() for text in (prefix, suffix) for line in text.split("\n")]
    assert near.lines == {line for line in lines if line}


@pytest.mark.parametrize("files", [0, 1, 10, 2_000])
def test_rarity_is_a_share_and_falls_with_the_number_of_files(files: int):
    shares = [rarity(count, files) for count in range(1, files + 1)]
    assert all(0 <= share <= 1.2 for share in shares)
    assert shares == sorted(shares, reverse=True)
    assert 0 < rarity(0, files) < 1
