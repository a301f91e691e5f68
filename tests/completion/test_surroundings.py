"""What stands around a cursor is read the same whatever the text is."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.surroundings import DEFINITION, around, indent_of, opens_block
from farebox.completion.window import Window

SCRAPS = st.lists(
    st.sampled_from(["a", "(", ")", "{", "}", '"', "\n", "    ", "\t", "def f():", "\r\n"])
).map("".join)


def test_what_is_open_and_what_follows_is_known():
    here = around(Window("a.js", "javascript", "f(function () {\n  ", "\n})\n"))
    assert [opener.bracket for opener in here.opened] == ["(", "{"]
    assert here.floor == 2
    assert here.at_line_start
    assert here.opens_block


def test_what_follows_may_leave_a_block_open():
    here = around(Window("a.js", "javascript", "f {\n  if (a) {\n", "\n}\n"))
    assert here.floor == 1


def test_a_closer_without_an_opener_is_needed():
    here = around(Window("a.js", "javascript", "f {\n  ", "\n    a()\n  }\n}\n"))
    assert here.needed == (("}", 2),)


def test_the_lines_around_are_those_that_show_anything():
    here = around(Window("a.py", "python", "a\n\nb\n  ", "\n\nc \n"))
    assert here.before == ("a", "b")
    assert here.following == ("c",)


def test_line_ends_are_the_document_s():
    assert around(Window("a.py", "python", "a\r\n", "")).line_ends == "\r\n"
    assert around(Window("a.py", "python", "a\n", "")).line_ends == "\n"


def test_the_definition_around_a_line_is_the_outermost_below_a_class():
    before = "class C:\n    def f(self):\n        def g():\n"
    assert around(Window("a.py", "python", before, "")).outside(12) == 4
    assert around(Window("a.py", "python", "x = 1\n", "")).outside(0) == -1


@pytest.mark.parametrize(
    "line",
    [
        "def f():", "async def f():", "class C:", "export default function f() {",
    "  public static void f(int a) {",
        "func (s *S) f() int {", "pub fn f() {", "local function f()", "const f = (a) => {", "int f(void) {",
        "  method(a) {",
    ],
)  # fmt: skip
def test_a_definition_is_known(line: str):
    assert DEFINITION.match(line)


@pytest.mark.parametrize(
    "line", ["x = 1", "if (a) {", "for (;;) {", "return f(a)", "f(a);", "} else {", "define(a)"]
)
def test_other_code_is_no_definition(line: str):
    assert not DEFINITION.match(line)


@pytest.mark.parametrize("line", ["if a:", "f(", "x = {", "then", "function f(a)", "xs.each do |x|", "a =>"])
def test_a_line_opens_a_block(line: str):
    assert opens_block(line)


def test_a_tab_is_as_wide_as_a_terminal_s():
    assert indent_of("\tx") == indent_of("    \tx") == 8


@given(before=SCRAPS, after=SCRAPS)
def test_any_text_can_be_read(before: str, after: str):
    here = around(Window("a.py", "python", before, after))
    assert 0 <= here.floor <= len(here.opened)
    assert here.indent_at_start("  x") >= 0
