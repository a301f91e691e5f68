"""What is code, what a comment and what a string: by hand, against a slow reader, and on any text."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.languages import language_of, languages
from farebox.completion.lexing import (
    LOOK_BACK_CHARS,
    Kind,
    brackets,
    inside_at_end,
    kind_at_end,
    spans,
)
from farebox.completion.scan import Inside

IDS = sorted(language.id for language in languages())
LANGUAGE_IDS = st.sampled_from(IDS)
HOSTILE = "\"'`/*-#[](){}<>=!$@Rr\\\n\r\t aéx0"
TEXTS = st.text(HOSTILE, max_size=60) | st.text(max_size=40)
MARKS = {"code": ".", "comment": "c", "string": "s"}


def drawn(text: str, language_id: str) -> str:
    """Write a letter for each character of a text."""
    return "".join(
        MARKS[kind] * (end - start) for kind, start, end, _ in spans(text, language_of(language_id))
    )


@pytest.mark.parametrize(
    ("language_id", "text", "kinds"),
    [
        pytest.param("python", "x = 'a' # b", "....sss.ccc", id="python"),
        pytest.param("python", "'''a\n'b'''+1", "ssssssssss..", id="python-triple"),
        pytest.param("python", 'rb"\\""+x', "..ssss..", id="python-prefix"),
        pytest.param("python", "x = 'a\ny", "....ss..", id="python-unclosed"),
        pytest.param("python", "'a\\\nb'+c", "ssssss..", id="python-escaped-line-end"),
        pytest.param("javascript", "a`${b}\n`//c", ".sssssssccc", id="template"),
        pytest.param("javascript", "x = /[\"']/ + 1", "....ssssss....", id="regular-expression"),
        pytest.param("javascript", "a / b / c", ".........", id="division"),
        pytest.param("javascript", "/*a*//*b", "cccccccc", id="two-block-comments"),
        pytest.param("go", "`a\\`+'b'", "ssss.sss", id="go-raw"),
        pytest.param("rust", "&'a str, 'b'", ".........sss", id="lifetime"),
        pytest.param("rust", 'r#"a"b"#+"c"', ".sssssss.sss", id="rust-raw"),
        pytest.param("rust", "/*a/*b*/c*/d", "ccccccccccc.", id="nested-comment"),
        pytest.param("c", "/*a/*b*/c*/d", "cccccccc....", id="comment-that-does-not-nest"),
        pytest.param("c", "'\\''+\"'\"", "ssss.sss", id="char-literal"),
        pytest.param("cpp", "1'000'000+'a'", "..........sss", id="digit-separator"),
        pytest.param("cpp", 'R"x()")x"+1', ".ssssssss..", id="cpp-raw"),
        pytest.param("csharp", '@"a""\\"+"b"', ".ssssss.sss", id="verbatim"),
        pytest.param("csharp", '""""a"""b""""+1', "sssssssssssss..", id="csharp-raw"),
        pytest.param("lua", "[==[a]]]==]--b", "sssssssssssccc", id="long-bracket"),
        pytest.param("lua", "--[[a\n]]b--[c", "cccccccc.cccc", id="long-comment"),
        pytest.param("ruby", "=begin\n'\n=end\nx", "ccccccccccccc..", id="ruby-comment"),
        pytest.param("shellscript", 'a#b $# "#" #c', ".......sss.cc", id="shell"),
        pytest.param("shellscript", "echo \\' # a", "........ccc", id="shell-escape"),
        pytest.param("php", "#[A]\n#b", ".....cc", id="attribute"),
        pytest.param("sql", "'it''s' -- a", "sssssss.cccc", id="sql"),
        pytest.param("sql", "$x$ ' $x$ 'b'", "sssssssss.sss", id="dollar-quoted"),
        pytest.param("yaml", "a: it's # b", "........ccc", id="apostrophe"),
        pytest.param("yaml", "a: 'b # c' #d", "...sssssss.cc", id="yaml-quotes"),
        pytest.param("swift", '#"a"b"#+1', "sssssss..", id="swift-raw"),
        pytest.param("html", '<a b="c">it\'s<!--d-->', ".....sss.....cccccccc", id="html"),
        pytest.param("markdown", 'it\'s "so" # not', "." * 15, id="markdown"),
        pytest.param("kotlin", '"""\\"""+1', "sssssss..", id="kotlin-raw"),
        pytest.param("haskell", "f' x = 'a' -- b", ".......sss.cccc", id="primes"),
        pytest.param("dockerfile", "#a\nRUN x#y", "cc........", id="dockerfile"),
        pytest.param("wat", 'it\'s "so"', ".....ssss", id="unknown"),
    ],
)
def test_what_a_text_is_made_of(language_id: str, text: str, kinds: str):
    assert f"\n{text!r}\n{drawn(text, language_id)}" == f"\n{text!r}\n{kinds}"


@pytest.mark.parametrize(
    ("language_id", "text", "kind"),
    [
        pytest.param("python", "", "code", id="nothing"),
        pytest.param("python", "x = ", "code", id="code"),
        pytest.param("python", "x = '", "string", id="after-an-opening-quote"),
        pytest.param("python", "x = 'a'", "code", id="after-a-closing-quote"),
        pytest.param("python", "x = 'a\n", "code", id="after-a-string-that-was-given-up"),
        pytest.param("python", "# a", "comment", id="in-a-line-comment"),
        pytest.param("python", "# a\n", "code", id="below-a-line-comment"),
        pytest.param("python", '"""doc', "string", id="in-a-docstring"),
        pytest.param("python", '"""doc\nThese are four words and more.\n', "string", id="prose"),
        pytest.param("java", "/** a", "comment", id="in-a-block-comment"),
        pytest.param("java", "/** a */", "code", id="after-a-block-comment"),
        pytest.param("rust", "/* a /* b */", "comment", id="in-the-outer-comment"),
        pytest.param("rust", "fn f<'a", "code", id="in-a-lifetime"),
        pytest.param("lua", "x = [[\n", "string", id="in-a-long-bracket"),
        pytest.param("markdown", "it's", "code", id="prose-is-code"),
    ],
)
def test_what_a_cursor_is_in(language_id: str, text: str, kind: Kind):
    assert kind_at_end(text, language_of(language_id)) == kind


DOC = """
    The value that was found is kept for the next request.
    Nothing else is kept, and a second call returns the same value again.
    \"\"\"
    value = self.find(key)
    return value


def other(key: str) -> str:
    \"\"\"Say what the key of this one stands for.\"\"\"
    return str(key)
"""
JAVADOC = """ * The value that was found is kept, so don't ask for it again.
 * @param key what the value was found by
 */
public int find(String key) {
    return 1;
}
"""


@pytest.mark.parametrize(
    ("language_id", "text", "kind"),
    [
        pytest.param("python", DOC, "code", id="below-a-docstring"),
        pytest.param("python", DOC + '\n\ndef f():\n    """Do', "string", id="in-the-next-docstring"),
        pytest.param("python", 4 * DOC.partition('"""')[0], "string", id="nothing-else"),
        pytest.param("java", JAVADOC, "code", id="below-a-javadoc"),
        pytest.param("java", JAVADOC + "/** more", "comment", id="in-the-next-javadoc"),
        pytest.param("javascript", "// src/**/*.ts\nx = 'src/**/*.js'\n", "code", id="globs-are-no-ends"),
        pytest.param("rust", " a * b */\nlet x = 1;\n", "code", id="below-a-nested-comment"),
        pytest.param("markdown", "These are many words of plain prose.\n" * 9, "code", id="prose"),
        pytest.param("go", "type row struct {\n\tname string\n}\n" * 9, "code", id="words-of-code"),
    ],
)
def test_a_text_may_begin_inside_a_comment_or_a_string(language_id: str, text: str, kind: Kind):
    assert kind_at_end(text, language_of(language_id)) == kind


def test_no_more_than_the_end_of_a_long_text_is_looked_at():
    python = language_of("python")
    assert kind_at_end('"""' + "x = 1\n" * LOOK_BACK_CHARS, python) == "code"
    assert kind_at_end("x = 1\n" * LOOK_BACK_CHARS + '"""a', python) == "string"


@pytest.mark.parametrize(
    ("language_id", "text", "found"),
    [
        pytest.param("python", "f([1, {", "([{", id="openers"),
        pytest.param("python", "a)]", ")]", id="closers"),
        pytest.param("python", "f(')', # )\n", "(", id="strings-and-comments-do-not-count"),
        pytest.param("rust", "fn f<'a>(x: &'a [u8]) {", "([]){", id="lifetimes"),
        pytest.param("shellscript", "\\( (", "(", id="an-escaped-bracket"),
    ],
)
def test_brackets_of_code_are_found(language_id: str, text: str, found: str):
    assert "".join(bracket for _, bracket in brackets(text, language_of(language_id))) == found


# --- any text ---------------------------------------------------------------------------------------


def reference(text: str, quotes: str, raw: str) -> str:
    """Read a language of the family of C, one character at a time: ``raw`` quotes go over lines."""
    out, at, state = "", 0, "."
    while at < len(text):
        char, two, length, kind = text[at], text[at : at + 2], 1, "s"
        if state == ".":
            kind = "c" if two in ("//", "/*") else "s" if char in quotes + raw else "."
            state = two if kind == "c" else char if kind == "s" else "."
            length = len(two) if kind == "c" else 1
        elif state == "//" or (state in quotes and char == "\n"):
            kind = "." if char == "\n" else "c"
            state = "." if char == "\n" else state
        elif state == "/*":
            kind = "c"
            length = 2 if two == "*/" else 1
            state = "." if two == "*/" else state
        elif char == "\\" and state in quotes:
            length = len(text[at : at + (3 if text[at + 1 : at + 3] == "\r\n" else 2)])
        elif char == state:
            state = "."
        out, at = out + kind * length, at + length
    return out


@pytest.mark.parametrize(
    ("language_id", "quotes", "raw"),
    [
        pytest.param("c", "\"'", "", id="c"),
        pytest.param("go", "\"'", "`", id="go"),
        pytest.param("terraform", '"', "", id="terraform"),
    ],
)
@given(text=st.text("/*\"'`\\\n\r a(", max_size=40))
def test_a_slow_reader_comes_to_the_same(language_id: str, quotes: str, raw: str, text: str):
    assert drawn(text, language_id) == reference(text, quotes, raw)


@given(text=TEXTS, language_id=LANGUAGE_IDS)
def test_spans_cover_a_text_without_a_gap(text: str, language_id: str):
    found = list(spans(text, language_of(language_id)))
    assert "".join(text[span.start : span.end] for span in found) == text
    assert all(span.start < span.end for span in found)
    assert all(before.end == after.start for before, after in pairwise(found))
    assert all(not (a.kind == b.kind == "code") for a, b in pairwise(found))
    assert all(span.closed for span in found[:-1])


@given(text=TEXTS, language_id=LANGUAGE_IDS)
def test_only_what_is_left_open_is_gone_on_with(text: str, language_id: str):
    language = language_of(language_id)
    found = list(spans(text, language))
    inside = inside_at_end(text, language)
    assert kind_at_end(text, language) == ("code" if inside is None else inside.kind)
    if not any(form.lines for form in (*language.comments, *language.strings)):
        assert (inside is None) == (not found or found[-1].closed)


@given(before=TEXTS, after=TEXTS, language_id=LANGUAGE_IDS)
def test_any_text_can_be_read_from_inside_of_another(before: str, after: str, language_id: str):
    language = language_of(language_id)
    start = inside_at_end(before, language)
    found = list(spans(after, language, start))
    assert "".join(after[span.start : span.end] for span in found) == after
    if start is not None and after[:1].isalnum():
        assert found[0].kind == start.kind


@given(first=st.text("ab /*", max_size=20), second=st.text("ab /*", max_size=20))
def test_a_text_in_two_pieces_is_read_like_the_whole(first: str, second: str):
    swift = language_of("swift")
    if first.endswith(("/", "*")) or "/*" not in first:
        return
    start = inside_at_end(first, swift) if drawn(first, "swift").endswith("c") else None
    pieces = drawn(first, "swift") + "".join(
        MARKS[span.kind] * (span.end - span.start) for span in spans(second, swift, start)
    )
    assert start is None or pieces == drawn(first + second, "swift")


@given(text=TEXTS, language_id=LANGUAGE_IDS)
def test_brackets_are_where_they_are_said_to_be(text: str, language_id: str):
    language = language_of(language_id)
    found = list(brackets(text, language))
    assert all(text[at] == bracket for at, bracket in found)
    assert [at for at, _ in found] == sorted({at for at, _ in found})


PIECES = (
    '"', "'", "`", "/*", "#", '#"', '"""', "[=", "--[[", "$a",
    "\\", "'a", "/", 'R"(', "<!--", "=begin\n", "(", "x ",
)  # fmt: skip


@pytest.mark.parametrize("language_id", IDS)
def test_hostile_text_is_read_to_its_end(language_id: str):
    language = language_of(language_id)
    for piece in PIECES:
        text = piece * (4_000 // len(piece))
        assert sum(span.end - span.start for span in spans(text, language)) == len(text)
        assert kind_at_end(text, language) in MARKS


def test_what_a_text_begins_in_is_told_by_what_came_before():
    python = language_of("python")
    start = inside_at_end('f("""a', python)
    assert isinstance(start, Inside)
    assert [span.kind for span in spans('b"""', python, start)] == ["string"]
    assert list(brackets('( """)', python, start)) == [(5, ")")]
    assert list(brackets("a)", python, inside_at_end("# b", python))) == []
