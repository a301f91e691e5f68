"""Markers, fences and sentences are no code, but a file's own text is."""

import pytest

from farebox.completion.families import all_markers
from farebox.completion.stray import is_introduction, marker_at, unwrapped, without_markers


@pytest.mark.parametrize("marker", all_markers())
def test_every_marker_ends_an_answer(marker: str):
    assert marker_at(f"a = 1{marker}b") == 5


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("a = 1", "a = 1", id="none"),
        pytest.param("<fim_middle>a<fim_prefix>b", "a", id="leading"),
        pytest.param("a<|fim_mi", "a", id="half"),
        pytest.param("a < b", "a < b", id="less-than"),
        pytest.param("List<int", "List<int", id="generic"),
    ],
)
def test_an_answer_is_cut_at_a_marker(text: str, kept: str):
    assert without_markers(text) == kept


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        pytest.param("a = 1\n\nb = 2", "a = 1\n\nb = 2", id="plain"),
        pytest.param("```python\na = 1\n```", "a = 1", id="fenced"),
        pytest.param("```\na = 1", "a = 1", id="fence-without-an-end"),
        pytest.param("Here is the code:\n\n```py\na = 1\n```\nDone.", "a = 1", id="prose-and-fence"),
        pytest.param("a = 1\n```\nThis adds one.", "a = 1", id="only-the-end-of-a-fence"),
        pytest.param("Here is the completed code:\na = 1", "a = 1", id="prose-without-a-fence"),
        pytest.param("a = 1\n\nThis code sets a.", "a = 1\n", id="prose-behind"),
        pytest.param("I'm sorry, but I cannot do that.", "", id="refusal"),
        pytest.param("here = a[1:]", "here = a[1:]", id="a-name-like-prose"),
    ],
)
def test_code_is_taken_out_of_what_is_around_it(text: str, kept: str):
    assert unwrapped(text, in_code=True) == kept


def test_prose_in_a_comment_is_kept():
    assert unwrapped("Here is the code:\nmore", in_code=False) == "Here is the code:\nmore"


def test_an_introduction_is_a_sentence():
    assert is_introduction("Sure! Here is the missing part:")
    assert not is_introduction("sure = True")
