"""What a text comes to, whether it is read at once or grows key by key."""

from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.languages import language_of, languages
from farebox.completion.reading import CLOSER_OF, STEP_CHARS, likely_inside, read
from farebox.completion.scan import tokens

LANGUAGE_IDS = st.sampled_from(sorted(language.id for language in languages()))
TEXTS = st.text("\"'`/*-#[](){}<>=!$@Rr\\\n\n\r\t aéx0", max_size=80)
LONG = st.builds(lambda text, times: text * times, TEXTS, st.integers(1, 60))


def opened_slowly(text: str, language_id: str) -> tuple[tuple[int, str], ...]:
    opened: list[tuple[int, str]] = []
    for token in tokens(text, language_of(language_id)):
        if token.form is not None or token.opaque:
            continue
        for at in range(token.start, token.end):
            if text[at] in CLOSER_OF:
                opened.append((at, text[at]))
            elif opened and CLOSER_OF[opened[-1][1]] == text[at]:
                opened.pop()
    return tuple(opened)


@given(LONG, TEXTS, LANGUAGE_IDS)
def test_what_is_kept_of_a_text_is_what_a_reader_without_memory_finds(text: str, more: str, language_id: str):
    language = language_of(language_id)
    for upto in range(len(more) + 1):
        grown = text + more[:upto]
        found = read(grown, language)
        assert found.opened == opened_slowly(grown, language_id)
        last = list(tokens(grown, language))[-1:]
        assert found.inside == (last[0].inside if last else None)


def test_a_text_that_is_edited_above_is_read_anew():
    python = language_of("python")
    text = "x = (1)\n" * STEP_CHARS
    assert read(text, python).inside is None
    inside = read('"""\n' + text, python).inside
    assert inside is not None
    assert inside.kind == "string"
    assert read(text, python).inside is None


def test_prose_where_code_should_be_costs():
    python = language_of("python")
    prose = "    The value that was found is kept.\n    Nothing else is kept of it.\n"
    assert read(prose, python).cost > read("value = found(kept)\n" * 9, python).cost
    inside = likely_inside(prose * 4, python)
    assert inside is not None
    assert inside.kind == "string"


def test_a_closer_that_does_not_fit_closes_nothing():
    python = language_of("python")
    assert read("call([1)\nmore{", python).opened == ((4, "("), (5, "["), (13, "{"))
