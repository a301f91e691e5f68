"""The text around the cursor: cut at line starts, within its limit, and the same head while one types."""

from itertools import cycle, islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.window import CUT_STEP_LINES, MAX_PREFIX_CHARS, MAX_SUFFIX_CHARS, Window, window

LINES = st.lists(st.text("ab \t)é\x0c\u2028😀", max_size=30), max_size=120)
LIMITS = st.integers(1, 400)


def check(prefix: str, suffix: str = "", *, max_prefix_chars: int = 6_000, max_suffix_chars: int = 2_000):
    cut = window(
        "a.py", "python", prefix, suffix, max_prefix_chars=max_prefix_chars, max_suffix_chars=max_suffix_chars
    )
    assert (cut.name, cut.language) == ("a.py", "python")
    return cut


@given(before=LINES, after=LINES, max_prefix=LIMITS, max_suffix=LIMITS)
def test_a_window_is_a_part_of_the_document_around_the_cursor(
    before: list[str], after: list[str], max_prefix: int, max_suffix: int
):
    prefix, suffix = "\n".join(before), "\n".join(after)
    cut = check(prefix, suffix, max_prefix_chars=max_prefix, max_suffix_chars=max_suffix)
    assert len(cut.prefix) <= max_prefix
    assert len(cut.suffix) <= max_suffix
    assert prefix.endswith(cut.prefix)
    assert suffix.startswith(cut.suffix)


@given(before=LINES, after=LINES, limit=LIMITS)
def test_a_cut_is_at_a_line_start_unless_one_line_is_longer_than_all(
    before: list[str], after: list[str], limit: int
):
    prefix, suffix = "\n".join(before), "\n".join(after)
    cut = check(prefix, suffix, max_prefix_chars=limit, max_suffix_chars=limit)
    at = len(prefix) - len(cut.prefix)
    last_line = prefix.removesuffix("\n").rpartition("\n")[2]
    assert at == 0 or prefix[at - 1] == "\n" or len(last_line) >= limit
    rest = len(cut.suffix)
    assert rest == len(suffix) or suffix[rest - 1] == "\n" or len(suffix.partition("\n")[0]) >= limit


@given(before=LINES, after=LINES)
def test_a_document_within_the_limits_is_whole(before: list[str], after: list[str]):
    prefix, suffix = "\n".join(before), "\n".join(after)
    limits = {"max_prefix_chars": len(prefix) + 400, "max_suffix_chars": len(suffix) + 400}
    cut = check(prefix, suffix, **limits)
    assert cut.prefix + cut.suffix == prefix + suffix


@given(typed=st.text("abc( )", min_size=1, max_size=300), widths=st.lists(st.integers(10, 60), min_size=1))
def test_typing_on_a_line_moves_the_cut_in_steps(typed: str, widths: list[int]):
    document = "".join("x" * width + "\n" for width in islice(cycle(widths), 300))
    starts = {
        len(document + typed[:count]) - len(check(document + typed[:count]).prefix)
        for count in range(len(typed) + 1)
    }
    # 300 characters push at most 30 lines of 10 out of the window: less than one step.
    assert len(starts) <= 2
    assert {document.count("\n", 0, start) % CUT_STEP_LINES for start in starts} == {0}


@given(typed=st.text("abc( )", min_size=1, max_size=390), above=st.lists(st.integers(0, 90)))
def test_typing_on_a_line_never_moves_a_cut(typed: str, above: list[int]):
    document = "".join("x" * width + "\n" for width in 12 * above)
    whole = [check(document + typed[:count], typed[count:] + "\n" + document) for count in range(len(typed))]
    starts = {len(document) + count - len(cut.prefix) for count, cut in enumerate(whole)}
    ends = {len(cut.suffix) + count for count, cut in enumerate(whole)}
    assert len(starts) == 1
    assert len(ends) == 1


def test_a_new_line_leaves_the_cut_where_it_is_63_times_of_64():
    document = "".join(f"line_{number:04} = {number:04}\n" for number in range(1_000))
    starts = []
    for count in range(320):
        text = document + "x = 123456789012\n" * count
        starts.append(len(text) - len(check(text).prefix))
    assert starts == sorted(starts)
    assert len(set(starts)) <= 320 / CUT_STEP_LINES + 1


def test_few_long_lines_are_not_stepped_away():
    document = "".join("y" * 900 + "\n" for _ in range(40))
    cut = check(document)
    assert 0 < len(cut.prefix) <= MAX_PREFIX_CHARS
    assert cut.prefix.count("\n") >= 1


@pytest.mark.parametrize(
    ("prefix", "suffix", "kept_prefix", "kept_suffix"),
    [
        pytest.param("one\ntwo\nthree", "", "two\nthree", "", id="whole-lines-before"),
        pytest.param("", "one\ntwo\nthree", "", "one\ntwo\n", id="whole-lines-after"),
        pytest.param("0123456789abc", "0123456789abc", "3456789abc", "0123456789", id="one-long-line"),
        pytest.param("a\x0cbcdefgh\nij", "", "ij", "", id="a-form-feed-is-no-line-end"),
        pytest.param("ab\r\ncdefghij", "ab\r\ncdefghij", "cdefghij", "ab\r\n", id="crlf"),
        pytest.param("", "", "", "", id="an-empty-document"),
    ],
)
def test_cuts(prefix: str, suffix: str, kept_prefix: str, kept_suffix: str):
    cut = check(prefix, suffix, max_prefix_chars=10, max_suffix_chars=10)
    assert (cut.prefix, cut.suffix) == (kept_prefix, kept_suffix)


def test_the_default_limits_hold():
    cut = window("a.py", "python", "z" * 20_000, "z" * 20_000)
    assert (len(cut.prefix), len(cut.suffix)) == (MAX_PREFIX_CHARS, MAX_SUFFIX_CHARS)


@pytest.mark.parametrize(
    ("prefix", "suffix", "before", "after"),
    [
        pytest.param("a\nfoo(", ")\nb", "foo(", ")", id="inside"),
        pytest.param("foo", "bar", "foo", "bar", id="only-line"),
        pytest.param("a\n", "\nb", "", "", id="empty-line"),
        pytest.param("", "", "", "", id="empty-document"),
    ],
)
def test_the_current_line_is_known(prefix: str, suffix: str, before: str, after: str):
    cut = Window("a.py", "python", prefix, suffix)
    assert (cut.line_before, cut.line_after) == (before, after)


@pytest.mark.parametrize(
    ("prefix", "suffix", "one_line"),
    [
        pytest.param("x = ", "\n", True, id="a-statement-has-begun"),
        pytest.param("call(a", ")\n", True, id="text-follows"),
        pytest.param("def f():", "\n", False, id="a-block-opens"),
        pytest.param("call(", "\n", False, id="a-bracket-opens"),
        pytest.param("a\n    ", "\n", False, id="an-empty-line"),
        pytest.param("a\n", "  \nb", False, id="only-space-follows"),
    ],
)
def test_one_line_is_wanted_where_a_statement_has_begun(prefix: str, suffix: str, one_line: bool):
    assert Window("a.py", "python", prefix, suffix).one_line is one_line
