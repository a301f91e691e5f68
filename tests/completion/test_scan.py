"""A text's tokens, and that those of whole lines do not depend on what comes below."""

from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.languages import language_of, languages
from farebox.completion.scan import tokens

LANGUAGE_IDS = st.sampled_from(sorted(language.id for language in languages()))
TEXTS = st.text("\"'`/*-#[](){}<>=!$@Rr\\\n\n\r\t aéx0", max_size=80)


@given(TEXTS, LANGUAGE_IDS)
def test_tokens_leave_no_gap(text: str, language_id: str):
    found = list(tokens(text, language_of(language_id)))
    assert all(one.end == other.start for one, other in pairwise(found))
    assert "".join(text[token.start : token.end] for token in found) == text


@given(TEXTS, TEXTS, LANGUAGE_IDS)
def test_a_token_that_ends_within_a_line_stays_whatever_is_below(head: str, below: str, language_id: str):
    head += "\n"
    language = language_of(language_id)
    ended = [token for token in tokens(head, language) if token.end < len(head)]
    assert list(tokens(head + below, language))[: len(ended)] == ended


@given(TEXTS, LANGUAGE_IDS)
def test_reading_on_where_a_token_ends_finds_the_same(text: str, language_id: str):
    language = language_of(language_id)
    found = list(tokens(text, language))
    for number, token in enumerate(found):
        assert list(tokens(text, language, None, token.end)) == found[number + 1 :]
