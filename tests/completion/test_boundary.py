"""Running text is cut at the same place however it comes, at a line's or statement's end."""

import gc

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.boundary import MAX_LINES, MAX_LINES_KEPT, boundary
from farebox.completion.surroundings import Around
from farebox.completion.trim import trim
from farebox.completion.window import Window

PIECES = [
    "x = 1", "if a:", "foo(", ")", "]", "}", "{", "    ", "\n", "\n\n", "\t", "return x", "end",
    "else:", '"""',
    "<|endoftext|>", "<fim_middle>", "```", "```python\n", "Here is the code:\n", "def f():\n", "a()\n",
    "import os\n", "`", "[[", "/*", ";", ",\n", ".map", "do\n",
]  # fmt: skip
SCRAPS = st.one_of(st.text(), st.lists(st.sampled_from(PIECES)).map("".join))
LANGUAGES = st.sampled_from(["python", "javascript", "lua", "markdown", "shellscript"])


def kept(text: str, before: str, after: str, *, one_line: bool, language: str = "python") -> str | None:
    at = boundary(text, Window("a", language, before, after), one_line=one_line)
    return None if at is None else text[:at]


@pytest.mark.parametrize(
    ("text", "before", "shown"),
    [
        pytest.param("a + b", "x = ", None, id="the-line-goes-on"),
        pytest.param("a + b\n", "x = ", "a + b", id="the-line-has-ended"),
        pytest.param("f(\n  1", "x = ", "f(", id="one-line-is-one-line"),
        pytest.param("\n    return 1\n", "def f():", "\n    return 1", id="blank-lines-first"),
        pytest.param("```python\n", "x = ", None, id="only-a-fence"),
        pytest.param("```python\na + b\n", "x = ", "```python\na + b", id="behind-a-fence"),
        pytest.param("Here is the code:\na\n", "x = ", "Here is the code:\na", id="behind-prose"),
        pytest.param("b = 2\nx = 1\n", "b = 2\nx = ", "b = 2\nx = 1", id="behind-an-echo"),
        pytest.param("a<|endoftext|>", "x = ", "a", id="a-marker"),
        pytest.param("<fim_middle>a\n", "x = ", "<fim_middle>a", id="a-marker-first"),
    ],
)
def test_one_line_ends_with_the_first_that_shows_anything(text: str, before: str, shown: str | None):
    assert kept(text, before, "", one_line=True) == shown


@pytest.mark.parametrize(
    ("text", "before", "after", "shown"),
    [
        pytest.param("    a = 1\n    b = 2\n", "def f():\n", "", None, id="the-body-goes-on"),
        pytest.param("    a = 1\n\ndef g():\n", "def f():\n", "", "    a = 1", id="dedent"),
        pytest.param("    a = 1\nx = 2\n", "if a:\n", "", "    a = 1", id="dedent-without-a-definition"),
        pytest.param("    a = 1\n\n    b = 2\n", "def f():\n", "", "    a = 1", id="paragraph"),
        pytest.param("    f(\n\n    1)\n", "def f():\n", "", None, id="no-paragraph-in-brackets"),
        pytest.param("    again()\n" * 3, "def f():\n", "", "    again()", id="third-time"),
        pytest.param(
            "    a = 1\n    return a\n", "d:\n", "\n    return a\n", "    a = 1",
            id="suffix-reached",
        ),
        pytest.param(
            "    a = 1\n", "    b = 2\n", "\n    c = 3\n", "    a = 1",
            id="one-statement-is-enough",
        ),
        pytest.param("    a = f(\n", "    b = 2\n", "\n    c = 3\n", None, id="a-statement-goes-on"),
        pytest.param(
            "    a = f(\n        1)\n", "    b = 2\n", "\n    c = 3\n", "    a = f(\n        1)",
            id="balanced",
        ),
        pytest.param("    if a:\n        b\n", "    b = 2\n", "\n    c = 3\n", None, id="a-block-goes-on"),
        pytest.param(
            "    if a:\n        b\n    d\n", "    b\n", "\n    c\n", "    if a:\n        b",
            id="block",
        ),
        pytest.param(
            "```python\n    a = 1\n```\n", "def f():\n", "", "```python\n    a = 1",
            id="fence-ends",
        ),
    ],
)  # fmt: skip
def test_a_block_ends_with_its_statement(text: str, before: str, after: str, shown: str | None):
    assert kept(text, before, after, one_line=False) == shown


@pytest.mark.parametrize(
    ("text", "before", "after", "shown"),
    [
        pytest.param("  a()\n}\n", "if (x) {\n", "", "  a()\n}", id="its-own-closer"),
        pytest.param("  a()\n}\n", "if (x) {\n", "\n}\n", "  a()", id="a-closer-that-follows"),
        pytest.param("  a()\n} else {\n", "if (x) {\n", "", None, id="the-statement-goes-on"),
    ],
)
def test_a_block_in_braces_ends_with_its_closer(text: str, before: str, after: str, shown: str | None):
    assert kept(text, before, after, one_line=False, language="javascript") == shown


@pytest.mark.parametrize(
    ("language", "text", "shown"),
    [
        pytest.param("python", 'sql = """\n    select 1\n    """', None, id="python"),
        pytest.param("javascript", "const s = `\n    a\n    b`;", None, id="a-template"),
        pytest.param("go", "s := `\n    a\n    b\n    `", "\n    t()", id="go"),
        pytest.param("java", 'var s = """\n    a\n    """;', None, id="java"),
        pytest.param("lua", "s = [[\n    a\n    ]]", "\n    t()", id="lua"),
    ],
)
def test_nothing_is_cut_within_a_string_of_several_lines(language: str, text: str, shown: str | None):
    before, after = "d\n    a = 1\n    ", "\n    return s\n"
    assert kept(f"{text}{shown or ''}\n", before, after, one_line=False, language=language) == text


def test_one_line_goes_on_to_the_end_of_its_string():
    text = '"""\n    a\n    """'
    assert kept('"""\n    a\n', "x = ", "", one_line=True) is None
    assert kept(text + "\n", "x = ", "", one_line=True) == text


def test_a_line_of_a_string_that_is_closed_behind_may_be_enough():
    assert kept("b\n", 'x = """\na ', '\n"""\n', one_line=True) == "b"
    assert kept("b\n", 'x = """\na ', "\ny = 2\n", one_line=True) is None


@pytest.mark.parametrize(
    ("language", "text"),
    [
        pytest.param("c", "if (a)\n    {\n        b();\n    }", id="a-brace-below"),
        pytest.param("csharp", "if (a)\n    {\n        b();\n    }\n    else\n    {\n    }", id="and-else"),
        pytest.param("c", "if (a)\n        return 1;", id="no-brace"),
        pytest.param("c", "x = a\n    + b;", id="an-operator-first"),
        pytest.param("cpp", "out\n    << a;", id="a-stream"),
        pytest.param("ruby", "if x\n      y\n    end", id="ruby"),
        pytest.param("shellscript", "while read -r x\n    do\n      y\n    done", id="a-shell"),
        pytest.param("javascript", "a\n    .map(b)\n    .c()", id="a-chain"),
        pytest.param("rust", "let a = b\n        .iter()\n        .sum();", id="a-deeper-chain"),
        pytest.param("go", "a := 1", id="no-sign-at-its-end"),
        pytest.param("javascript", "// why\n    a()", id="behind-a-comment"),
    ],
)
def test_a_statement_is_whole_when_the_next_one_begins(language: str, text: str):
    before, after = "d {\n    first()\n    ", "\n    last()\n"
    running = f"{text}\n    next()\n"
    assert kept(running, before, after, one_line=False, language=language) == text
    for end in range(text.rindex("\n") + 1 if "\n" in text else 0):
        assert kept(running[:end], before, after, one_line=False, language=language) is None


def test_an_item_of_a_list_is_enough():
    before, after = "x = [\n    a,\n", "\n    c,\n]\n"
    assert kept("    b,\n", before, after, one_line=False, language="javascript") == "    b,"


def test_one_line_is_the_first_though_it_may_have_been_an_echo():
    before = "if a:\n    x()\n    y()\n"
    assert kept("    x()\n", before, "", one_line=True) is None
    assert kept("    x()\n    z()\n", before, "", one_line=True) == "    x()"


def test_blank_lines_without_end_are_an_end():
    assert kept("    a = 1\n\n\n", "def f():\n", "", one_line=False) is None
    assert kept("    a = 1\n\n  \n\n", "def f():\n", "", one_line=False) == "    a = 1"
    assert kept("\n" * 600, "def f():\n", "", one_line=False) == ""


def test_text_without_an_end_is_cut():
    text = "".join(f"line_{number}()\n" for number in range(MAX_LINES * 2))
    assert (kept(text, "", "", one_line=False) or "").count("\n") == MAX_LINES - 1


@given(text=SCRAPS, before=SCRAPS, after=SCRAPS, one_line=st.booleans(), language=LANGUAGES)
def test_more_text_changes_nothing(text: str, before: str, after: str, one_line: bool, language: str):
    window = Window("a", language, before, after)
    found: int | None = None
    for end in range(len(text) + 1):
        at = boundary(text[:end], window, one_line=one_line)
        assert found is None or at == found
        assert at is None or 0 <= at <= end
        found = at


@given(text=SCRAPS, before=SCRAPS, after=SCRAPS, one_line=st.booleans())
def test_what_was_cut_can_be_trimmed(text: str, before: str, after: str, one_line: bool):
    window = Window("a", "python", before, after)
    at = boundary(text, window, one_line=one_line)
    shown = trim(text[:at], window)
    assert shown is None or shown.strip()


def test_what_was_decided_holds_the_text_around_few_cursors():
    for number in range(4 * MAX_LINES_KEPT):
        kept("a + b\n", f"x{number} = ", "\n", one_line=True)
    gc.collect()
    alive = sum(isinstance(one, Around) for one in gc.get_objects())
    assert alive <= 2 * MAX_LINES_KEPT
