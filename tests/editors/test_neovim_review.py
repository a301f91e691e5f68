"""Neovim: the code of an answer, proposed in a buffer and accepted or rejected hunk by hunk."""

import itertools
from collections.abc import Generator, Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from support.neovim import OLDEST, Editor, running

OLD = "import os\n\n\ndef one():\n    return 1\n\n\ndef two():\n\tx = 2\n    return x\n"
NEW = "import os\n\n\ndef one():\n    return 10\n\n\ndef two():\n    # ünï\n\tx = 20\n    return x\n"

Spans = list[list[dict[str, int]]]

PROPOSE = """
local code, range, buffer = ...
outcomes = outcomes or {}
require("farebox.review").propose({
  buffer = buffer or vim.api.nvim_get_current_buf(),
  code = code,
  range = range or nil,
  on_done = function(outcome) table.insert(outcomes, outcome) end,
})
"""


def propose(editor: Editor, code: str, place: Sequence[int] | None = None, buffer: int | None = None) -> None:
    editor.lua(PROPOSE, code, place or False, buffer or False)
    editor.settle()


def outcomes(editor: Editor) -> list[str]:
    editor.settle()
    return list(editor.lua("return outcomes or {}"))


def traces(editor: Editor) -> list[object]:
    """Return what a review has in the current buffer: marks, maps and autocmds."""
    return list(
        editor.lua(
            """
            local left = vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, {})
            for _, map in ipairs(vim.api.nvim_buf_get_keymap(0, "n")) do
              if (map.desc or ""):find("^farebox") then table.insert(left, map.lhs) end
            end
            for _, autocmd in ipairs(vim.api.nvim_get_autocmds({ buffer = 0 })) do
              if (autocmd.group_name or ""):find("review") then table.insert(left, autocmd.event) end
            end
            return left
            """
        )
    )


def told(editor: Editor) -> list[str]:
    editor.settle()
    return [line for line in editor.messages().split("\n") if "farebox" in line and "/" not in line]


def test_a_diff_is_accepted_and_rejected_by_hunk(editor: Editor):
    editor.open("a.txt", OLD)
    propose(editor, NEW)
    assert editor.buffer_text + "\n" == OLD
    shown = editor.screen().split("\n~")[0]
    assert shown == (
        "import os\n"
        "\n"
        "\n"
        "def one():\n"
        "    return 1\n"
        "    return 10\n"
        "hunk 1 of 2: gha accept · ghr reject · ghA all · ghR none\n"
        "\n"
        "\n"
        "def two():\n"
        "        x = 2\n"
        "    # ünï\n"
        "        x = 20\n"
        "hunk 2 of 2\n"
        "    return x"
    )
    assert editor.cursor == (4, 0)
    editor.keys("gha")
    assert editor.lines()[4] == "    return 10"
    assert editor.lines()[8] == "\tx = 2"
    assert "hunk 2 of 2: gha" in editor.screen()
    editor.keys("ghr")
    assert outcomes(editor) == ["partly"]
    assert editor.buffer_text + "\n" == OLD.replace("return 1\n", "return 10\n")
    assert traces(editor) == []
    assert "hunk" not in editor.screen()
    editor.keys("u")
    assert editor.buffer_text + "\n" == OLD


def test_undo_and_redo_take_a_hunk_back_into_the_review_and_out_of_it(editor: Editor):
    editor.open("a.txt", OLD)
    propose(editor, NEW)
    editor.keys("gha")
    editor.keys("u")
    assert editor.buffer_text + "\n" == OLD
    assert editor.screen().count("hunk ") == 2
    editor.keys("<C-r>")
    assert editor.screen().count("hunk ") == 1
    editor.keys("u")
    editor.keys("ghA")
    assert outcomes(editor) == ["accepted"]
    assert editor.buffer_text + "\n" == NEW
    editor.keys("u")
    assert editor.buffer_text + "\n" == OLD
    assert told(editor) == []


def test_each_accept_is_a_step_of_undo_of_its_own(editor: Editor):
    editor.open("a.txt", OLD)
    editor.command("set noautoindent")
    editor.keys("Gotyped<Esc>gg")
    propose(editor, NEW + "typed\n")
    editor.keys("gha")
    editor.keys("gha")
    assert outcomes(editor) == ["accepted"]
    assert editor.buffer_text == NEW + "typed"
    editor.keys("u")
    assert editor.buffer_text == OLD.replace("return 1\n", "return 10\n") + "typed"
    editor.keys("u")
    assert editor.buffer_text == OLD + "typed"


def test_hunks_follow_edits_and_one_whose_lines_changed_is_only_rejected(editor: Editor):
    editor.open("a.txt", OLD)
    propose(editor, NEW)
    editor.keys("ggOabove<Esc>")
    editor.keys("/return 1<CR>Oright above<Esc>joright below<Esc>")
    editor.keys("]h")
    editor.keys("[h")
    editor.keys("gha")
    assert editor.lines()[4:8] == ["def one():", "    right above", "    return 10", "    right below"]
    editor.keys("/x = 2<CR>A2<Esc>")
    assert "hunk 2 of 2: its lines have changed · ghr reject" in editor.screen()
    text = editor.buffer_text
    editor.keys("gha")
    assert editor.buffer_text == text
    assert told(editor) == ["farebox: one change was not accepted: its lines have changed (ghr)"]
    editor.keys("u")
    assert "hunk 2 of 2: gha" in editor.screen()
    editor.keys("<C-r>ghr")
    assert outcomes(editor) == ["partly"]
    assert editor.buffer_text == text


@pytest.mark.parametrize(
    ("old", "new", "go", "come"),
    [
        pytest.param(["return x + 1"], ["return x + 10"], [["1"]], [["10"]], id="a-word"),
        pytest.param(["f(a, b)"], ["f(a, c, b)"], [[]], [["c, "]], id="only-new-ones"),
        pytest.param(["total = of(ünï)"], ["total = of(ünö)"], [["ünï"]], [["ünö"]], id="beyond-ascii"),
        pytest.param(["total = add(a, b)"], ["while True:"], [[]], [[]], id="another-line"),
        pytest.param(["y = f(x)"], ["# why", "y = f(x, z)"], [[]], [[], [", z"]], id="a-line-before"),
        pytest.param(["a = 1", "b = f(2)"], ["b = f(3)"], [[], ["2"]], [["3"]], id="a-line-less"),
        pytest.param(
            ["a = 1", "beta = 2"], ["f(a)", "beta = 20"], [[], ["2"]], [[], ["20"]], id="one-of-two-lines"
        ),
        pytest.param([], ["x = 1"], [], [[]], id="nothing-before"),
        pytest.param(["x = 1"], [], [[]], [], id="nothing-after"),
    ],
)
def test_words_that_differ_are_found(
    editor: Editor, old: list[str], new: list[str], go: list[list[str]], come: list[list[str]]
):
    assert [words(lines, spans) for lines, spans in differences(editor, old, new)] == [go, come]


def differences(editor: Editor, old: list[str], new: list[str]) -> list[tuple[list[str], Spans]]:
    """Return the old lines and the new ones, each with the bytes that differ."""
    in_old, in_new = editor.lua("return { require('farebox.review.words').between(...) }", old, new)
    return [(old, in_old), (new, in_new)]


def words(lines: list[str], spans: Spans) -> list[list[str]]:
    return [
        [line.encode()[span["from"] : span["to"]].decode() for span in of_line]
        for line, of_line in zip(lines, spans, strict=True)
    ]


SHORT_LINES = st.lists(st.text("ab_ü𝄞( ,\t\0", max_size=12), max_size=4)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(old=SHORT_LINES, new=SHORT_LINES)
def test_words_that_differ_are_whole_and_in_order(editor: Editor, old: list[str], new: list[str]):
    for lines, spans in differences(editor, old, new):
        assert all(all(found) for found in words(lines, spans)), "each has characters, and whole ones"
        for of_line in spans:
            ends = [at for span in of_line for at in (span["from"], span["to"])]
            assert ends == sorted(set(ends))


def test_words_that_differ_stand_out_in_the_lines_that_go_and_in_those_that_come(editor: Editor):
    editor.open("a.txt", "one\n\tx = f(a, 1)\nthree\n")
    propose(editor, "one\n\tx = f(a, 2)\nthree\n")
    marks = editor.lua(
        """
        local review = vim.api.nvim_get_namespaces()["farebox.review"]
        return vim.api.nvim_buf_get_extmarks(0, review, 0, -1, { details = true })
        """
    )
    (gone,) = [mark for mark in marks if mark[3].get("hl_group")]
    assert (gone[1:3], gone[3]["end_col"], gone[3]["hl_group"]) == ([1, 10], 11, "FareboxRemovedText")
    (come,) = [mark[3]["virt_lines"][0] for mark in marks if mark[3].get("virt_lines")]
    assert [chunk for chunk in come if chunk[0].strip()] == [
        ["        x = f(a, ", "FareboxAdded"],
        ["2", "FareboxAddedText"],
        [")", "FareboxAdded"],
    ]
    assert sum(len(chunk[0]) for chunk in come) == 80


def test_keys_go_from_hunk_to_hunk_and_the_command_does_the_same_from_elsewhere(editor: Editor):
    editor.open("a.txt", OLD)
    propose(editor, NEW)
    rows = []
    for key in ("]h", "]h", "[h", "gg]h", "G[h"):
        editor.keys(key)
        rows.append(editor.cursor[0])
    assert rows == [8, 4, 8, 4, 8]
    editor.command("new")
    editor.command("Farebox review previous")
    assert editor.lines()[0] == "import os"
    assert editor.cursor[0] == 4
    editor.command("Farebox review accept")
    editor.command("Farebox review reject-all")
    assert outcomes(editor) == ["partly"]
    editor.command("Farebox review next")
    editor.command("Farebox review nonsense")
    nothing, unknown = told(editor)
    assert nothing == "farebox: there is nothing to review"
    assert unknown.startswith("farebox: there is no :Farebox review nonsense; th")


def test_the_buffers_own_maps_are_as_they_were(editor: Editor):
    editor.open("a.txt", OLD)
    editor.command("nnoremap <buffer> <expr> <silent> gha 'x'")
    editor.command("map <buffer> ]h <Nop>")
    editor.lua("vim.keymap.set('n', 'ghR', function() end, { buffer = true, desc = 'mine' })")
    maps = """
        local maps = vim.api.nvim_buf_get_keymap(0, "n")
        for _, map in ipairs(maps) do map.callback = type(map.callback) map.lnum = nil map.sid = nil end
        table.sort(maps, function(a, b) return a.lhs < b.lhs end)
        return vim.tbl_map(function(map) return vim.inspect(map) end, maps)
    """
    before = editor.lua(maps)
    propose(editor, NEW)
    assert editor.lua(maps) != before
    propose(editor, NEW)
    assert outcomes(editor) == ["rejected"]
    editor.lua("vim.keymap.set('n', 'ghr', 'x', { buffer = true, desc = 'set meanwhile' })")
    editor.keys("ghA")
    assert outcomes(editor) == ["rejected", "accepted"]
    assert editor.lua("return vim.fn.maparg('ghr', 'n')") == "x"
    editor.command("nunmap <buffer> ghr")
    assert editor.lua(maps) == before
    assert traces(editor) == []


@pytest.mark.parametrize("end", ["bwipeout!", "bunload!", "bdelete!", "edit!"])
def test_a_buffer_that_goes_ends_its_review(editor: Editor, end: str):
    editor.open("a.txt", OLD)
    editor.command("nnoremap <buffer> gha x")
    buffer = editor.nvim.current.buffer.number
    editor.command("new | wincmd p")
    propose(editor, NEW)
    editor.command(end)
    editor.wait("the end", "return #outcomes == 1")
    assert outcomes(editor) == ["rejected"]
    if end in ("bunload!", "edit!"):
        editor.command(f"buffer {buffer}")
        assert editor.lua("return vim.fn.maparg('gha', 'n')") == "x"
    assert traces(editor) == []
    assert told(editor) == []


def test_what_cannot_be_proposed_is_said(editor: Editor):
    editor.open("a.txt", OLD)
    propose(editor, OLD + "\n\n")
    propose(editor, "\n")
    propose(editor, NEW)
    editor.command("set nomodifiable")
    editor.keys("gha")
    editor.keys("ghR")
    propose(editor, NEW)
    propose(editor, NEW, buffer=99)
    assert outcomes(editor) == ["accepted", "rejected", "rejected", "rejected", "rejected"]
    assert told(editor) == [
        "farebox: a.txt already has this",
        "farebox: the code block is empty",
        "farebox: one change was not accepted: the buffer cannot be changed",
        "farebox: a.txt cannot be changed",
        "farebox: the buffer that was asked about is gone",
    ]
    assert editor.buffer_text + "\n" == OLD


def test_it_is_shown_in_a_window_for_files_and_not_in_the_chats(editor: Editor):
    editor.open("a.txt", OLD)
    (buffer,) = editor.lua("return { vim.api.nvim_get_current_buf() }")
    chat = "vertical botright new | setlocal buftype=nofile bufhidden=hide"
    editor.command(chat)
    propose(editor, NEW, buffer=buffer)
    assert editor.lua("return { vim.fn.winnr(), vim.fn.winnr('$') }") == [1, 2]
    editor.keys("ghR")
    editor.open("b.txt", "b\n")
    editor.command("wincmd l")
    propose(editor, NEW, buffer=buffer)
    assert editor.lua("return { vim.fn.winnr(), vim.fn.winnr('$'), vim.fn.bufnr() }") == [1, 2, buffer]
    editor.keys("ghR")
    editor.command("wincmd l | only")
    editor.keys("i")
    propose(editor, NEW, buffer=buffer)
    assert editor.lua("return { vim.fn.winnr(), vim.fn.winnr('$'), vim.fn.bufnr() }") == [1, 2, buffer]
    assert editor.mode == "n"


def test_what_would_come_is_folded_anew_when_its_window_has_another_width(editor: Editor):
    line = ("word " * 12).strip()
    editor.open("a.txt", "a\n")
    editor.command("vertical new | wincmd p")
    propose(editor, f"a\n{line}\n")
    assert line not in editor.screen()
    editor.command("only")
    editor.wait_for_text(line)


def test_line_ends_stay_and_an_empty_buffer_is_filled(editor: Editor):
    dos = editor.folder / "dos.txt"
    dos.write_bytes(b"one\r\ntwo\r\nthree")
    editor.command(f"edit {dos}")
    propose(editor, "one\r\n2\r\nthree\r\n")
    editor.keys("gha")
    editor.command("set nofixendofline | write")
    assert dos.read_bytes() == b"one\r\n2\r\nthree"
    editor.command("enew!")
    propose(editor, "a\nb\n")
    editor.keys("gha")
    assert editor.lines() == ["a", "b"]
    propose(editor, "new\na\nb\n")
    assert editor.screen().split("\n")[:4] == [
        "new",
        "hunk 1 of 1: gha accept · ghr reject · ghA all · ghR none",
        "a",
        "b",
    ]
    editor.keys("gha")
    assert editor.lines() == ["new", "a", "b"]


FILE = """\
import os
import sys

def one(a):
    x = a
    return x

class Two:
    def first(self):
        return 1

    @cached
    def second(self):
        y = 2
        return y

def three():
    pass
"""

REWRITTEN = FILE.replace("import sys\n", "").replace("y = 2", "y = 3")

LUA = (
    "local M = {}\n\nfunction M.a()\n\tif x then\n\t\treturn 1\n\tend\nend\n\n"
    "function M.b()\n\treturn 2\nend\n\nreturn M\n"
)

JS = "class A {\n  m1() {\n    a();\n  }\n  m2() {\n    b();\n  }\n}\n"

PLACES: list[tuple[str, str, str, list[int] | None, str]] = [
    ("the lines that were asked about", FILE, "    x = b\n", [4, 5], FILE.replace("x = a", "x = b")),
    ("those lines, indented again", FILE, "y = 3\nreturn y\n", [13, 15], FILE.replace("y = 2", "y = 3")),
    ("a range beyond the end", "a\n", "b\n", [7, 99], "a\nb\n"),
    (
        "another function than the lines that were asked about",
        FILE,
        "def three():\n    return 3\n",
        [3, 6],
        FILE.replace("    pass", "    return 3"),
    ),
    (
        "the function that those lines are in",
        FILE,
        "def one(a):\n    return a\n",
        [4, 6],
        FILE.replace("    x = a\n    return x", "    return a"),
    ),
    ("a rewrite", FILE, REWRITTEN, None, REWRITTEN),
    (
        "one function",
        FILE,
        "def one(a, b):\n    return a + b\n",
        None,
        FILE.replace("one(a):\n    x = a\n    return x", "one(a, b):\n    return a + b"),
    ),
    (
        "one method, dedented",
        FILE,
        "def second(self):\n    return 3\n",
        None,
        FILE.replace("        y = 2\n        return y", "        return 3"),
    ),
    (
        "one of a small file",
        "import os\n\ndef f():\n    a\n    b\n    c\n",
        "def f():\n    a\n    b\n    d\n",
        None,
        "import os\n\ndef f():\n    a\n    b\n    d\n",
    ),
    (
        "two functions, and what is between them",
        FILE,
        "def one(a):\n    return a\n\ndef three():\n    return 3\n",
        None,
        FILE.replace("    x = a\n    return x", "    return a").replace("    pass", "    return 3"),
    ),
    (
        "a new function after a known one",
        FILE,
        "def one(a):\n    x = a\n    return x\n\ndef new():\n    pass\n",
        None,
        FILE.replace("    return x\n", "    return x\n\ndef new():\n    pass\n"),
    ),
    (
        "tabs as in the buffer",
        LUA,
        "if x then\n    return 3\nend\n",
        [3, 6],
        LUA.replace("return 1", "return 3"),
    ),
    (
        "a function of Lua",
        LUA,
        "function M.b()\n\treturn 3\nend\n",
        None,
        LUA.replace("return 2", "return 3"),
    ),
    (
        "nothing known: at the cursor",
        FILE,
        "print(1)\n",
        None,
        FILE.replace("import os\n", "import os\nprint(1)\n"),
    ),
    (
        "an import among others",
        FILE,
        "import os\nimport re\nimport sys\n",
        None,
        FILE.replace("import sys", "import re\nimport sys"),
    ),
    (
        "a comment for the rest of a body",
        FILE,
        "def one(a: int):\n    # ... existing code ...\n    return x\n",
        None,
        FILE.replace("one(a)", "one(a: int)"),
    ),
    (
        "comments between functions",
        FILE,
        "# ...\n\ndef one(a):\n    return 5\n\n# ... rest of the file unchanged ...\n",
        None,
        FILE.replace("    x = a\n    return x", "    return 5"),
    ),
    (
        "comments around a new method",
        JS,
        "class A {\n  // ... existing code ...\n  m3() {\n    c();\n  }\n}\n",
        None,
        JS.replace("    b();\n  }\n", "    b();\n  }\n  m3() {\n    c();\n  }\n"),
    ),
    (
        "one of two methods whose names differ in their first letter",
        "class A {\n  getName() {\n    a();\n  }\n  setName() {\n    b();\n  }\n}\n",
        "setName() {\n  c();\n}\n",
        None,
        "class A {\n  getName() {\n    a();\n  }\n  setName() {\n    c();\n  }\n}\n",
    ),
    (
        "a comment for lines of the range",
        "a1\nb2\nc3\nd = 4\n",
        "a1\n// ...\nd = 5\n",
        [0, 4],
        "a1\nb2\nc3\nd = 5\n",
    ),
    ("a comment that is in the buffer too", "x1\n# ...\ny2\n", "x2\n# ...\ny2\n", [0, 3], "x2\n# ...\ny2\n"),
    (
        "an ellipsis that is code",
        "def f():\n    pass\n",
        "def f():\n    ...\n",
        [0, 2],
        "def f():\n    pass\n",
    ),
    ("blank lines at the ends", "\n\na\n\n", "\na\n", None, "\n\na\n\n"),
    ("an empty buffer", "", "a\n", None, "a\n"),
]

PLACE = """
local lines, code, range = ...
local placing = require("farebox.review.placing").place(lines, code, { range = range or nil, cursor = 0 })
local result = vim.list_slice(lines, 1, placing.first)
vim.list_extend(result, placing.lines)
return vim.list_extend(result, vim.list_slice(lines, placing.last + 1))
"""


def lines_of(text: str) -> list[str]:
    return text.removesuffix("\n").split("\n")


def test_code_is_placed_where_it_belongs(editor: Editor):
    for case, before, code, place, after in PLACES:
        assert editor.lua(PLACE, lines_of(before), lines_of(code), place or False) == lines_of(after), case


FILL = """
outcomes = {}
vim.cmd("enew! | setlocal undolevels=-1 | messages clear")
vim.api.nvim_buf_set_lines(0, 0, -1, false, ...)
vim.cmd("setlocal undolevels=1000")
"""

CODE_LINES = st.lists(
    st.sampled_from(
        [
            "",
            "a",
            "b",
            "c = 1",
            "c = 2",
            "def f():",
            "    x",
            "\ty",
            "    # ... existing code ...",
            "}",
            "...",
            "ü😀",
            "class A {",
        ]
    ),
    max_size=12,
)


@pytest.fixture(scope="module")
def kept(tmp_path_factory: pytest.TempPathFactory) -> Generator[Editor]:
    """One Neovim for all examples."""
    folder = tmp_path_factory.mktemp("review")
    with running(OLDEST, folder, setup="{ cmd = fake.start }") as editor:
        yield editor


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    before=CODE_LINES,
    code=CODE_LINES.filter(lambda lines: any(line.strip() for line in lines)),
    place=st.none() | st.tuples(st.integers(0, 12), st.integers(0, 12)),
    order=st.lists(st.sampled_from(["gha", "ghr", "u", "<C-r>", "]h", "[h", "gg", "G"]), max_size=12),
)
def test_all_accepted_is_the_placed_text_and_all_rejected_the_old_one(
    kept: Editor, before: list[str], code: list[str], place: tuple[int, int] | None, order: list[str]
):
    editor = kept
    editor.command("silent! enew!")
    for end, mixed in itertools.product(("accept-all", "reject-all"), ([], order)):
        editor.lua(FILL, before)
        old = editor.lines()
        placed = editor.lua(PLACE, old, code, place or False) or [""]
        propose(editor, "\n".join(code), place)
        hunks = editor.lua("return #vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, {})")
        for key in mixed:
            if outcomes(editor):
                break
            editor.keys(key)
        if not outcomes(editor):
            editor.command(f"Farebox review {end}")
        assert len(outcomes(editor)) == 1
        assert traces(editor) == []
        assert told(editor) == [] or "already has this" in told(editor)[-1]
        if not mixed and hunks:
            assert editor.lines() == (placed if end == "accept-all" else old)
        if mixed and outcomes(editor) == ["accepted"]:
            assert editor.lines() == placed
        if mixed and outcomes(editor) == ["rejected"] and not {"u", "<C-r>"} & set(order):
            assert editor.lines() == old
    assert "E5108" not in editor.messages()
