"""What is shown: never a marker, never an invisible character, and a good answer as it is."""

import gzip
import json
from keyword import iskeyword
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.families import all_markers
from farebox.completion.trim import MAX_LINES, hidden, trim
from farebox.completion.window import Window, window
from support.unseen import LEGITIMATE, dangerous

HOLES = Path(__file__).parents[3] / "shared" / "data" / "human-eval-infilling"
HOLES_CHECKED = 300

PIECES = [
    *all_markers(), "x = 1", "foo(", ")", "]", "}", '"', "'", "    ", "\n", "\r\n", "\r", "\t", "return x",
    "```", "```python\n", "Here is the code:\n", "def f():\n", "a()\n", "\u202e", "\u2066",
    "\x00", "\x1b[31m", "\x0c", "\u200f", "\U000e0041", "é", "😀",
]  # fmt: skip
SCRAPS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))
NAME = st.from_regex(r"[a-z]{3,8}", fullmatch=True).filter(lambda name: not iskeyword(name))
NAMES = st.lists(NAME, min_size=1, max_size=20, unique=True)


def check(answer: str, before: str = "", after: str = "", language: str = "python") -> str | None:
    return trim(answer, Window("a", language, before, after))


@pytest.mark.parametrize(
    ("answer", "before", "after", "shown"),
    [
        pytest.param("r * r", "return ", "", "r * r", id="as-it-is"),
        pytest.param("r * r  \n\n", "return ", "", "r * r", id="space-at-the-end"),
        pytest.param("", "", "", None, id="nothing"),
        pytest.param(" \n \n", "", "", None, id="blank"),
        pytest.param(")", "f(", "", ")", id="a-bracket-is-enough"),
        pytest.param("a\r\nb\rc", "", "", "a\nb\nc", id="foreign-line-ends"),
        pytest.param("a\nb", "x\r\n", "\r\n", "a\r\nb", id="the-line-ends-of-the-file"),
        pytest.param(
            "    a = 1\n", "def f():\n", "    return a\n", "    a = 1\n",
            id="a-line-before-another",
        ),
        # markers
        pytest.param("r * r<|fim_middle|>x", "return ", "", "r * r", id="marker"),
        pytest.param("<|fim_middle|>r * r", "return ", "", "r * r", id="marker-before-the-answer"),
        pytest.param("r * r<|endoftext|>", "return ", "", "r * r", id="end-of-text"),
        pytest.param("r * r<|im_end|>", "return ", "", "r * r", id="end-of-a-chat"),
        pytest.param("r * r<|endoft", "return ", "", "r * r", id="half-a-marker"),
        pytest.param("<fim_suffix>", "", "", None, id="only-a-marker"),
        pytest.param("r <MID><|fim_prefix|>", "", "", "r", id="the-first-of-two-markers"),
        pytest.param(
            "b <filename>'", "a = 'x <filename>'\nc = '", "\n", "b <filename>'",
            id="the-file-s-own",
        ),
        # invisible characters
        pytest.param("a = '\u202e1'", "", "", None, id="text-turned-round"),
        pytest.param("a = '\u202e1'", "b = '\u202e2'\n", "", None, id="text-turned-round-as-in-the-file"),
        pytest.param("a = '\u20661'", "", "", None, id="text-isolated"),
        pytest.param("a = '\u200f1'", "", "", None, id="direction-mark"),
        pytest.param("a = '\u200b1'", "", "", None, id="space-of-no-width"),
        pytest.param("a\x1b[31m", "", "", None, id="terminal-escape"),
        pytest.param("a\x00", "", "", None, id="zero-byte"),
        pytest.param("a\U000e0041", "", "", None, id="tag-character"),
        pytest.param("a\ud83d", "", "", None, id="half-a-character"),
        pytest.param("\ta = 'né 😀'", "", "", "\ta = 'né 😀'", id="tab-accent-and-emoji"),
        # what stands for a secret in the prompt
        pytest.param('x="<secret: password>")', "f(", "", None, id="a-mask"),
        pytest.param("a=1,\n  b='<secret>',\n  c=2", "f(", "", "a=1,", id="lines-before-a-mask"),
        pytest.param("a=1\rb='<secret: own key>'", "f(", "", "a=1", id="a-mask-after-a-lone-return"),
        pytest.param("a\nb='<secret: GitH", "", "", "a", id="a-mask-that-is-still-written"),
        pytest.param("'db://a:***@b'", "u = ", "", None, id="the-shortest-mask"),
        pytest.param("'***'", "u = ", "", "'***'", id="stars-are-none"),
        pytest.param("'<secret>'", "a = '<secret>'\nb = ", "", "'<secret>'", id="the-file-s-own-mask"),
        # the parts one after the other
        pytest.param("```python\n    return r\n```", "def f():\n", "", "    return r", id="fence"),
        pytest.param("    return r * r", "def f():\n    return ", "", "r * r", id="echo"),
        pytest.param("    return r", "    ", "", "    return r", id="an-indent-is-no-echo"),
        pytest.param("a, b)\nc()", "f(", ")", "a, b", id="a-closer-of-what-follows"),
        pytest.param("\n    return 1\n", "def f():", "", "\n    return 1", id="a-block-opens"),
        pytest.param("    a = 1\n    return a", "", "\n    return a\n", "    a = 1", id="the-next-line"),
        pytest.param("a()\n" * 9, "", "", "a()", id="a-line-loops"),
        pytest.param("}\n" * 3, "{{{\n", "", "}\n}\n}", id="closers-are-no-loop"),
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


@pytest.mark.parametrize("text", [text for text in LEGITIMATE.values() if "\r" not in text], ids=ascii)
def test_what_people_write_is_shown(text: str):
    assert check(f"x = '{text}'") == f"x = '{text}'"


@pytest.mark.parametrize(
    ("answer", "before", "after"),
    [
        pytest.param("a = '\u200b1'", "b = '\u200b2'\n", "", id="before"),
        pytest.param("a\u200bb", "", "\nc\u200bd", id="after"),
        pytest.param("\u200d💻'", "x = '👩", "", id="the-other-half-of-a-picture"),
        pytest.param("\ufeffx = 1", "", "\n", id="a-byte-order-mark-at-the-start"),
        pytest.param("x = 1\n\x0c\ny = 2", "\x0c\n", "", id="a-form-feed-in-a-file-with-some"),
    ],
)
def test_what_the_document_holds_already_is_the_users_own(answer: str, before: str, after: str):
    assert check(answer, before, after) == answer


@pytest.mark.parametrize("char", ["\0", "\ud83d"], ids=ascii)
def test_no_text_may_hold_a_zero_byte_or_half_a_character_even_if_the_document_does(char: str):
    assert check(f"a{char}", f"b{char}\n") is None


@given(
    answer=SCRAPS, before=SCRAPS, after=SCRAPS, language=st.sampled_from(["python", "lua", "c", "markdown"])
)
def test_whatever_comes_nothing_that_must_not_be_shown_is(
    answer: str, before: str, after: str, language: str
):
    shown = check(answer, before, after, language)
    if shown is None:
        return
    assert shown.strip()
    own = f"{before}\n{after}"
    assert not [marker for marker in all_markers() if marker in shown and marker not in own]
    assert not {code for code in dangerous(shown) if code not in dangerous(own)}
    assert not {"\0", *"\ud800\ud83d\udfff"} & {*shown}
    assert shown.count("\n") <= MAX_LINES


@given(answer=SCRAPS, before=SCRAPS, after=SCRAPS, language=st.sampled_from(["python", "javascript", ""]))
def test_what_has_been_trimmed_needs_no_more(answer: str, before: str, after: str, language: str):
    shown = check(answer, before, after, language)
    assert shown is None or check(shown, before, after, language) == shown


@given(names=NAMES, indent=st.sampled_from(["", "    ", "\t"]))
def test_lines_that_stand_nowhere_else_are_untouched(names: list[str], indent: str):
    answer = "\n".join(f"{indent}{name} = [compute({name!r}, 1)]" for name in names)
    assert check(answer, "import os\n", "\nprint(done)\n)\n") == answer


@st.composite
def programs(draw: st.DrawFn) -> str:
    """A function in Python of some depth."""
    lines = [f"def {draw(NAME)}(a):"]
    depth = 1
    for name in draw(NAMES):
        opens = draw(st.booleans())
        lines.append("    " * depth + (f"for {name} in a:" if opens else f"{name} = [f(a, '{name}'), (1)]"))
        depth = depth + 1 if opens else draw(st.integers(1, depth))
    lines.append("    " * depth + "return a")
    return "\n".join(lines) + "\n"


@given(program=programs(), data=st.data())
def test_the_lines_of_a_program_fit_where_they_were(program: str, data: st.DataObject):
    lines = program.splitlines()
    start = data.draw(st.integers(1, len(lines) - 1))
    end = data.draw(st.integers(start + 1, len(lines)))
    middle = "\n".join(lines[start:end])
    before = "".join(line + "\n" for line in lines[:start])
    after = "".join("\n" + line for line in lines[end:]) + "\n"
    indent = middle[: len(middle) - len(middle.lstrip())]
    assert check(middle, before, after) == middle
    assert check(middle.lstrip(), before + indent, after) == middle.lstrip()


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
    assert untouched >= 0.995 * len(holes)


def test_an_answer_that_is_only_a_mask_says_so():
    here = Window("a", "python", "f(", ")")
    assert hidden('x="<secret: password>"', here) == ("<secret: password>",)
    assert hidden("x=1,\ny='<secret>'", here) == ()
    assert hidden(" ", here) == ()
