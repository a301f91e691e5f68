"""What is shown: never a marker, never an invisible character, and a good answer as it is."""

import gzip
import json
import unicodedata
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.context import Window, window
from farebox.completion.prompt import all_markers
from farebox.completion.trim import MAX_LINES, MAX_REPEATS, trim

HOLES = Path(__file__).parents[3] / "shared" / "data" / "human-eval-infilling"
HOLES_CHECKED = 300
BIDI = {"LRE", "RLE", "LRO", "RLO", "PDF", "LRI", "RLI", "FSI", "PDI"}
BIDI_MARKS = "\u061c\u200e\u200f"

PIECES = [
    *all_markers(), "x = 1", "foo(", ")", "]", "}", '"', "'", "    ", "\n", "\r\n", "\r", "\t", "return x",
    "\u202e", "\u2066", "\x00", "\x1b[31m", "\x0c", "\u200f", "\U000e0041", "é", "😀",
]  # fmt: skip
SCRAPS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))
NAMES = st.lists(st.from_regex(r"[a-z]{3,8}", fullmatch=True), min_size=1, max_size=MAX_LINES, unique=True)


def check(answer: str, before: str = "", after: str = "") -> str | None:
    return trim(answer, Window("a.py", "python", before, after))


@pytest.mark.parametrize(
    ("answer", "before", "after", "shown"),
    [
        pytest.param("r * r", "return ", "", "r * r", id="as-it-is"),
        pytest.param("r * r  \n\n", "return ", "", "r * r", id="space-at-the-end"),
        pytest.param("", "", "", None, id="nothing"),
        pytest.param(" \n \n", "", "", None, id="blank"),
        pytest.param("a\r\nb\rc", "", "", "a\nb\nc", id="foreign-line-ends"),
        # markers
        pytest.param("r * r<|fim_middle|>x", "return ", "", "r * r", id="marker"),
        pytest.param("r * r<|endoftext|>", "return ", "", "r * r", id="end-of-text"),
        pytest.param("<fim_suffix>", "", "", None, id="only-a-marker"),
        pytest.param("r <MID><|fim_prefix|>", "", "", "r", id="the-first-of-two-markers"),
        # invisible characters
        pytest.param("a = '\u202e1'", "", "", None, id="text-turned-round"),
        pytest.param("a = '\u20661'", "", "", None, id="text-isolated"),
        pytest.param("a = '\u200f1'", "", "", None, id="direction-mark"),
        pytest.param("a\x1b[31m", "", "", None, id="terminal-escape"),
        pytest.param("a\x00", "", "", None, id="zero-byte"),
        pytest.param("a\U000e0041", "", "", None, id="tag-character"),
        pytest.param("a\ud83d", "", "", None, id="half-a-character"),
        pytest.param("\ta = 'né 😀'", "", "", "\ta = 'né 😀'", id="tab-accent-and-emoji"),
        # echo
        pytest.param("    return r * r", "def f():\n    return ", "", "r * r", id="echo-of-the-line"),
        pytest.param("return a - b", "        return ", "", "a - b", id="echo-without-its-indentation"),
        pytest.param("    return r", "    ", "", "    return r", id="an-indent-is-no-echo"),
        pytest.param("i = 1", "i", "", "i = 1", id="a-letter-is-no-echo"),
        # one line
        pytest.param("a + b\nc = 3", "x = ", "", "a + b", id="a-statement-ends-with-its-line"),
        pytest.param("a, b)\nc()", "f(", ")", "a, b", id="text-follows"),
        pytest.param("\n    return 1\n", "def f():", "", "\n    return 1", id="a-block-opens"),
        # the rest of the line
        pytest.param("a, b)", "f(", ")", "a, b", id="a-closer-too-many"),
        pytest.param("g(a)", "f(", ")", "g(a)", id="a-closer-of-its-own"),
        pytest.param("g(a))", "f(", ")", "g(a)", id="a-closer-of-its-own-and-one-too-many"),
        pytest.param("a[0]", "b[", "]", "a[0]", id="a-bracket-of-its-own"),
        pytest.param('hello")', 'print("', '")', "hello", id="a-quote-and-a-closer-too-many"),
        pytest.param('hello"', 'x = "', '"', "hello", id="a-quote-too-many"),
        pytest.param("f(1);", "x = ", ";", "f(1)", id="a-semicolon-too-many"),
        pytest.param("a = 1; b = total", "", " = total", "a = 1; b", id="words-too-many"),
        pytest.param("max", "foo(", "x", "max", id="a-letter-in-common"),
        pytest.param("climax", "foo(", "max", "climax", id="the-end-of-a-word-in-common"),
        # the lines that follow
        pytest.param("    a = 1\n    return a", "", "\n    return a\n", "    a = 1", id="the-next-line"),
        pytest.param(
            "    a = 1\n    return a\n\ndef g():\n    b = 2",
            "",
            "\n    return a\n\ndef g():\n    pass",
            "    a = 1",
            id="several-next-lines",
        ),
        pytest.param("f(\n    a,\n)", "", "\n)\n", "f(\n    a,\n)", id="a-closing-line-of-its-own"),
        pytest.param("    a,\n)", "", "\n)\n", "    a,", id="a-closing-line-too-many"),
        pytest.param(
            "if a:\n    x()\nelse:\n    y()",
            "",
            "\n    x()\n",
            "if a:\n    x()\nelse:\n    y()",
            id="one-line-that-repeats-by-right",
        ),
        # loops
        pytest.param("a()\n" * 9, "", "", "\n".join(["a()"] * MAX_REPEATS), id="a-line-loops"),
        pytest.param("a()\nb()\n" * 9, "", "", "\n".join(["a()\nb()"] * MAX_REPEATS), id="two-lines-loop"),
        pytest.param("}\n" * 9, "", "", "\n".join(["}"] * 9), id="closers-are-no-loop"),
    ],
)  # fmt: skip
def test_trims(answer: str, before: str, after: str, shown: str | None):
    assert check(answer, before, after) == shown


def test_a_return_in_each_branch_is_no_loop():
    answer = "\n".join(f"    if a == {number}:\n        return False" for number in range(6))
    assert check(answer) == answer


def test_an_answer_without_an_end_is_cut():
    answer = "\n".join(f"line_{number}()" for number in range(MAX_LINES * 3))
    assert (check(answer) or "").count("\n") == MAX_LINES - 1


@given(answer=SCRAPS, before=SCRAPS, after=SCRAPS)
def test_whatever_comes_nothing_that_must_not_be_shown_is(answer: str, before: str, after: str):
    shown = check(answer, before, after)
    if shown is None:
        return
    assert shown.strip()
    assert shown == shown.rstrip()
    assert not [marker for marker in all_markers() if marker in shown]
    for char in shown:
        assert char in "\n\t" or unicodedata.category(char) not in ("Cc", "Cs")
        assert unicodedata.bidirectional(char) not in BIDI
        assert char not in BIDI_MARKS
    assert shown.count("\n") < MAX_LINES
    assert shown in answer.replace("\r\n", "\n").replace("\r", "\n")


@given(names=NAMES, indent=st.sampled_from(["", "    ", "\t"]))
def test_lines_that_stand_nowhere_else_are_untouched(names: list[str], indent: str):
    answer = "\n".join(f"{indent}{name} = [compute({name!r}, 1)]" for name in names)
    assert check(answer, "import os\n", "\nprint(done)\n)\n") == answer


@pytest.mark.parametrize(
    "split", [pytest.param("SingleLine", id="single-line"), pytest.param("MultiLine", id="multi-line")]
)
def test_the_true_middle_of_a_real_hole_is_untouched(split: str):
    file = HOLES / f"HumanEval-{split}Infilling.jsonl.gz"
    if not file.exists():
        pytest.skip(f"no HumanEval-Infilling beside the repository: {file} is absent")
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        holes = [json.loads(line) for line, _ in zip(lines, range(HOLES_CHECKED), strict=False)]
    # An editor's cursor stands on an empty line: the middle's own line end is already there.
    middles = [hole["canonical_solution"].rstrip() for hole in holes]
    windows = [window("a.py", "python", hole["prompt"], "\n" + hole["suffix"]) for hole in holes]
    untouched = sum(trim(middle, hole) == middle for middle, hole in zip(middles, windows, strict=True))
    print(f"HumanEval-Infilling {split}: {untouched} of {len(holes)} true middles untouched")
    assert len(holes) == HOLES_CHECKED
    assert untouched >= 0.99 * len(holes)
