"""The text before the cursor as tokens, kept while one types."""

import tracemalloc

from hypothesis import given, settings
from hypothesis import strategies as st

from farebox.completion.draft import FIRST_CHARS, KEPT_CHARS, MAX_CHARS, Draft
from farebox.completion.shelf import Shelf

MAX_TOKEN_BYTES = 47
TEXTS = st.text(st.sampled_from("ab (\n.="), max_size=300)


def state(draft: Draft) -> tuple[list[str], str, str, list[int]]:
    texts = draft.shelf.words.texts
    tokens = [texts[number] for number in draft.grams.tokens]
    return tokens, draft.last, draft.indent, sorted(at for at, _ in draft.grams.places(draft.context(), 99))


@given(st.lists(TEXTS, min_size=1, max_size=6))
@settings(deadline=None)
def test_any_way_to_a_text_leads_to_the_same_draft(texts: list[str]):
    shelf = Shelf()
    draft = Draft(shelf)
    for text in texts:
        draft.read(text)
    fresh = Draft(shelf)
    fresh.read(texts[-1])
    assert state(draft) == state(fresh)


@given(TEXTS)
@settings(deadline=None)
def test_typing_a_text_is_reading_it(text: str):
    shelf = Shelf()
    draft = Draft(shelf)
    for end in range(len(text) + 1):
        draft.read(text[:end])
    fresh = Draft(shelf)
    fresh.read(text)
    assert state(draft) == state(fresh)


def lines(count: int) -> str:
    return "".join(f"value_{number} = {number}\n" for number in range(count))


def test_what_the_window_no_longer_shows_is_still_known():
    text = lines(200)
    draft = Draft(Shelf())
    draft.read(text)
    draft.read(text[2_000:] + "v")
    assert "value_5" in state(draft)[0]
    assert draft.last == "v"


def test_a_document_is_met_some_way_above_the_cursor_from_a_line_on():
    text = lines(5_000)
    draft = Draft(Shelf())
    draft.read(text)
    tokens = state(draft)[0]
    assert tokens[1].startswith("value_")
    assert sum(map(len, tokens)) <= FIRST_CHARS + 1_000


def test_a_draft_that_gets_too_long_forgets_what_is_oldest():
    text = lines(10_000)[: 50 * FIRST_CHARS]
    draft = Draft(Shelf())
    kept = list[int]()
    for end in range(FIRST_CHARS, len(text) + 1, FIRST_CHARS):
        draft.read(text[:end])
        kept.append(len("".join(state(draft)[0]).replace("\n>", "\n")) + len(draft.last))
    assert KEPT_CHARS <= min(kept[MAX_CHARS // FIRST_CHARS :]) <= max(kept) <= MAX_CHARS
    rest = text[-kept[-1] :]
    fresh = Draft(draft.shelf)
    for end in (*range(0, len(rest), FIRST_CHARS), len(rest)):
        fresh.read(rest[:end])
    assert state(draft) == state(fresh)


def test_a_word_without_end_is_no_draft_without_end():
    draft = Draft(Shelf())
    for end in range(FIRST_CHARS, 3 * MAX_CHARS, FIRST_CHARS):
        draft.read("x" * end)
        assert len(draft.last) <= MAX_CHARS


def test_a_long_draft_takes_few_bytes_a_token():
    text = "    value = measure(first, 1)\n        rest(1)\n" * 1_000
    draft = Draft(Shelf())
    draft.read(text)  # its words are numbered
    tracemalloc.start()
    try:
        draft = Draft(draft.shelf)
        for end in range(0, len(text), FIRST_CHARS):
            draft.read(text[:end])
        size, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    count = len(draft.grams.tokens)
    assert count > 10_000
    assert size / count < MAX_TOKEN_BYTES


def test_the_newline_is_the_documents_own():
    draft = Draft(Shelf())
    draft.read("a\r\nb")
    assert draft.newline == "\r\n"
