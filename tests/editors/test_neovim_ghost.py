"""Neovim: ghost text as a person meets it, key by key, with a server that says what the test wants."""

import json
from pathlib import Path

import pytest

from support.neovim import OLDEST, Editor, running

INLINE = "textDocument/inlineCompletion"
GHOST = "require('farebox.ghost').is_visible()"


def attached(editor: Editor, text: str = "", name: str = "a.py") -> None:
    """Open a file and wait until the server has it."""
    editor.open(name, text)
    editor.wait(
        "the server", "return require('farebox.server').client_of(vim.api.nvim_get_current_buf()) ~= nil"
    )


def suggest(editor: Editor, *texts: str) -> None:
    """Have the server suggest these from now on."""
    editor.lua("fake.ghost = vim.json.decode(...)", json.dumps(texts))


def typed(editor: Editor, text: str) -> None:
    """Type in insert mode, and wait until a suggestion is drawn."""
    editor.text(text)
    editor.wait("a suggestion", f"return {GHOST}")


def asked(editor: Editor) -> int:
    """Count the requests for ghost text so far."""
    return int(editor.lua("return fake.count(...)", INLINE))


def open_requests(editor: Editor) -> int:
    """Count the requests that Neovim thinks are under way."""
    return int(editor.lua("return vim.tbl_count(require('farebox.server').client().requests)"))


def first_lines(screen: str, count: int) -> str:
    return "\n".join(screen.split("\n")[:count])


def calm(editor: Editor) -> None:
    """Hold that nothing went wrong that a person would see."""
    messages = editor.messages()
    assert "Error" not in messages, messages
    assert "E5108" not in messages, messages
    assert editor.nvim.api.get_mode()["blocking"] is False


def test_what_is_suggested_is_drawn_at_the_cursor_and_tab_takes_it(editor: Editor):
    attached(editor, "def add(a, b):\n    \n\nprint(1)\n")
    suggest(editor, "return a + b\n\n\ndef sub(a, b):\n    return a - b")
    editor.keys("jA")
    typed(editor, "x = 1; ")
    assert first_lines(editor.screen(), 8) == (
        "def add(a, b):\n    x = 1; return a + b\n\n\ndef sub(a, b):\n    return a - b\n\nprint(1)"
    )
    suggest(editor)
    editor.keys("<Tab>")
    assert editor.lines() == [
        "def add(a, b):",
        "    x = 1; return a + b",
        "",
        "",
        "def sub(a, b):",
        "    return a - b",
        "",
        "print(1)",
    ]
    assert editor.cursor == (5, len("    return a - b"))
    told = editor.lua(
        "return { fake.told('textDocument/didShowCompletion'), fake.told('workspace/executeCommand') }"
    )
    shown, (accepted,) = told
    assert accepted["arguments"] == shown[-1]["item"]["command"]["arguments"]
    calm(editor)


def test_how_many_lines_do_not_fit_below_the_cursor_is_said(version: str, tmp_path: Path):
    with running(version, tmp_path, setup="{ cmd = fake.start }", columns=40, lines=9) as editor:
        editor.command("set winbar=bar")
        attached(editor, "1\n2\n3\n4\n5\n")
        suggest(editor, "a\nb\nc\nd")
        editor.keys("Go")
        typed(editor, "x")
        assert first_lines(editor.screen(), 7) == "bar\n1\n2\n3\n4\n5\nxa (+3 lines)"
        editor.keys("<Esc>zt5GO")
        typed(editor, "x")
        assert first_lines(editor.screen(), 7) == "bar\nxa\nb\nc\nd\n5\nx"
        calm(editor)


def test_typing_along_asks_nothing_and_the_end_asks_for_more(editor: Editor):
    attached(editor)
    suggest(editor, "hello\nworld")
    editor.keys("i")
    typed(editor, "x")
    before = asked(editor)
    suggest(editor, "!")
    for index, key in enumerate("hello"):
        editor.text(key)
        assert first_lines(editor.screen(), 2) == "xhello\nworld"
        assert editor.cursor == (0, index + 2)
    editor.keys("<CR>")
    editor.text("worl")
    assert asked(editor) == before
    assert editor.lua("return fake.count('textDocument/didShowCompletion')") == 1
    editor.text("d")
    editor.wait("another request", lambda: asked(editor) == before + 1)
    editor.wait_for_text("world!")
    calm(editor)


def test_typing_something_else_asks_again_and_what_was_asked_is_taken_back(editor: Editor):
    attached(editor)
    editor.lua("fake.holds[...] = true", INLINE)
    editor.keys("i")
    for key in "abc":
        editor.text(key)
    waiting = editor.wait(
        "requests", "return fake.count('textDocument/inlineCompletion') >= 3 and fake.waiting()"
    )
    assert len(waiting) == 1, "all but the last are taken back"
    suggest(editor, "def")
    editor.lua("fake.reply(...)", waiting[0])
    editor.wait_for_text("abcdef")
    editor.keys("z")
    assert "def" not in editor.screen()
    editor.keys("<Esc>")
    assert editor.wait("no request", "return #fake.waiting() == 0")
    assert open_requests(editor) == 0
    cancelled = editor.lua("return fake.count('$/cancelRequest')")
    assert cancelled == asked(editor) - 1
    calm(editor)


def test_an_answer_that_comes_late_goes_on_from_what_was_typed(editor: Editor):
    attached(editor)
    editor.lua("fake.holds[...] = true", INLINE)
    editor.keys("i")
    editor.text("a")
    (request,) = editor.wait("a request", "return #fake.waiting() == 1 and fake.waiting()")
    suggest(editor, "bcd")
    # The key and the answer come in one breath: the answer is looked at before the key is.
    editor.lua("vim.api.nvim_feedkeys('b', 'n', false); fake.reply(...)", request)
    editor.wait_for_text("abcd")
    assert editor.buffer_text == "ab"
    calm(editor)


@pytest.mark.parametrize(
    ("change", "is_drawn"),
    [
        ("vim.cmd.redraw()", True),
        ("vim.api.nvim_buf_set_text(0, 0, 1, 0, 1, { ')' })", False),  # as a plugin that closes pairs
        ("vim.api.nvim_buf_set_text(0, 0, 0, 0, 1, { 'b' })", False),  # as an abbreviation
        ("vim.api.nvim_buf_set_lines(0, 0, 0, false, { 'above' })", False),
        ("vim.api.nvim_buf_set_lines(0, -1, -1, false, { 'below' })", False),
    ],
)
def test_an_answer_to_what_has_changed_since_in_another_way_is_not_drawn(
    editor: Editor, change: str, is_drawn: bool
):
    attached(editor)
    editor.lua("fake.holds[...] = true", INLINE)
    suggest(editor, "GHOST")
    editor.keys("ia")
    (request,) = editor.wait("a request", "return #fake.waiting() == 1 and fake.waiting()")
    # In one breath, and without the events: the answer is looked at before the change is.
    editor.lua(f"vim.o.eventignore = 'all'; {change}; fake.reply(...)", request)
    editor.wait("the answer", lambda: open_requests(editor) == 0)
    editor.settle()
    assert editor.lua(f"return {GHOST}") is is_drawn
    assert ("GHOST" in editor.screen()) is is_drawn


def test_what_is_not_where_the_cursor_is_any_more_is_not_accepted(editor: Editor):
    attached(editor)
    editor.lua("fake.holds[...] = true", INLINE)
    suggest(editor, "GHOST")
    editor.keys("ia")
    (request,) = editor.wait("a request", "return #fake.waiting() == 1 and fake.waiting()")
    editor.command("set eventignore=all")
    editor.keys("<Insert>")
    assert editor.mode == "R"
    editor.lua("fake.reply(...)", request)
    editor.settle()
    assert "GHOST" not in editor.screen(), "nothing is drawn out of insert mode"
    editor.command("set eventignore=")
    editor.lua("fake.holds = {}")
    editor.keys("<Esc>A")
    typed(editor, "b")
    for change in (
        "vim.api.nvim_buf_set_text(0, 0, 2, 0, 2, { ')' })",
        "vim.api.nvim_win_set_cursor(0, { 1, 1 })",
    ):
        assert editor.lua(f"{change}; return require('farebox.ghost').accept()") is False
    assert editor.buffer_text == "ab)"
    calm(editor)


def test_a_cursor_that_moves_on_takes_back_what_was_asked(editor: Editor):
    attached(editor, "text")
    editor.lua("fake.holds[...] = true", INLINE)
    for leave in ("<Left>", "<Cmd>vsplit<CR>", "<Cmd>tabnew<CR>"):
        editor.keys("<Esc>Ax")
        (request,) = editor.wait("a request", "return #fake.waiting() == 1 and fake.waiting()")
        editor.keys(leave)
        assert request not in editor.lua("return fake.waiting()"), leave
    editor.keys("<Esc>:tabclose<CR>")
    editor.lua("fake.holds = {}")
    suggest(editor, "GHOST")
    editor.keys("A")
    typed(editor, "y")
    editor.lua("fake.holds[...] = true", INLINE)
    editor.keys("<Cmd>wincmd p<CR>")  # to the other window of this buffer
    assert "GHOST" not in editor.screen()
    calm(editor)


@pytest.mark.parametrize(
    ("text", "keys", "parts"),
    [
        (
            "foo.bar(1)\nx",
            "<M-Right>",
            ["foo", "foo.", "foo.bar", "foo.bar(", "foo.bar(1", "foo.bar(1)", "foo.bar(1)\nx"],
        ),
        ("  einzig Ärger", "<M-Right>", ["  einzig", "  einzig Ärger"]),
        ("é😀 日本語 x", "<M-Right>", ["é😀", "é😀 日本語", "é😀 日本語 x"]),
        ("one two\n  three\n\nfour", "<M-Down>", ["one two", "one two\n  three", "one two\n", ""]),
    ],
)
def test_words_and_lines_are_taken_one_by_one(editor: Editor, text: str, keys: str, parts: list[str]):
    attached(editor, name="a.txt")
    suggest(editor, text)
    editor.keys("i")
    typed(editor, ">")
    suggest(editor)
    before, seen = asked(editor), []
    while editor.lua(f"return {GHOST}"):
        editor.keys(keys)
        seen.append(editor.buffer_text.removeprefix(">"))
    if keys == "<M-Right>":
        assert seen == parts
    else:
        assert seen == ["one two", "one two\n  three", "one two\n  three\n", "one two\n  three\n\nfour"]
    assert seen[-1] == text
    lengths = editor.lua(
        """
        return vim.tbl_map(function(told) return told.acceptedLength end,
          fake.told('textDocument/didPartiallyAcceptCompletion'))
        """
    )
    assert lengths == [len(part.encode("utf-16-le")) // 2 for part in seen[:-1]]
    assert editor.lua("return fake.count('workspace/executeCommand')") == 1
    assert asked(editor) == before + 1, "only the end asks"
    calm(editor)


def test_what_was_taken_is_an_undo_step_of_its_own(editor: Editor):
    attached(editor)
    suggest(editor, "taken")
    editor.keys("i")
    typed(editor, "typed ")
    suggest(editor)
    editor.keys("<Tab>")
    editor.text(" after")
    editor.keys("<Esc>")
    steps = [editor.buffer_text]
    for _ in range(3):
        editor.keys("u")
        steps.append(editor.buffer_text)
    assert steps == ["typed taken after", "typed taken", "typed ", ""]
    editor.keys("<C-r><C-r><C-r>")
    assert editor.buffer_text == "typed taken after"


def test_others_are_asked_for_once_and_gone_through_round_and_round(editor: Editor):
    attached(editor)
    suggest(editor, "one", "two", "three")
    editor.keys("i")
    typed(editor, "x")
    assert first_lines(editor.screen(), 1) == "xone"
    before = asked(editor)
    editor.keys("<M-]>")
    editor.wait_for_text("xtwo (2/3)")
    editor.keys("<M-]>")
    assert first_lines(editor.screen(), 1) == "xthree (3/3)"
    editor.keys("<M-]>")
    assert first_lines(editor.screen(), 1) == "xone (1/3)"
    editor.keys("<M-[>")
    assert first_lines(editor.screen(), 1) == "xthree (3/3)"
    assert asked(editor) == before + 1
    editor.text("t")  # both of "two" and "three" go on, and what is seen stays
    assert first_lines(editor.screen(), 1) == "xthree (2/2)"
    suggest(editor)
    editor.keys("<Tab>")
    assert editor.buffer_text == "xthree"
    calm(editor)


def test_what_is_dismissed_comes_back_only_when_something_is_typed(editor: Editor):
    attached(editor)
    suggest(editor, "ghost")
    editor.keys("i")
    typed(editor, "x")
    before = asked(editor)
    editor.keys("<C-]>")
    assert first_lines(editor.screen(), 1) == "x"
    editor.keys("<Left><Right>")
    assert (first_lines(editor.screen(), 1), asked(editor)) == ("x", before)
    editor.lua(
        """
        vim.api.nvim_exec_autocmds('LspAttach', { buffer = 0, modeline = false, data = { client_id = 99 } })
        """
    )
    editor.settle()
    assert asked(editor) == before, "another server has come"
    typed(editor, "y")
    assert first_lines(editor.screen(), 1) == "xyghost"
    calm(editor)


def test_suggestions_are_asked_for_by_hand(editor: Editor):
    attached(editor)
    editor.keys("i")
    editor.text("x")
    suggest(editor, "one", "two")
    editor.keys("<Left><M-Bslash>")
    editor.wait_for_text("one (1/2)x")
    (context,) = editor.lua("return { fake.told(...)[#fake.told(...)].context }", INLINE)
    assert context == {"triggerKind": 1}
    suggest(editor)
    editor.keys("<C-]><M-Bslash>")
    editor.wait("words", lambda: "farebox: there is nothing to suggest here" in editor.messages())
    error = {
        "code": -32051,
        "message": "no key for openrouter",
        "data": {"kind": "missingKey", "hint": "Set it."},
    }
    editor.lua(
        "local m, e = ...; fake.results[m] = function() return nil, vim.json.decode(e) end",
        INLINE,
        json.dumps(error),
    )
    editor.keys("<M-Bslash>")
    editor.wait("words", lambda: "farebox: no key for openrouter. Set it." in editor.messages())
    calm(editor)


def test_a_ghost_leaves_with_insert_mode_the_window_and_the_cursor(editor: Editor):
    suggest(editor, "GHOST")
    for leave in ("<Esc>", "<C-o>:new<CR>", "<Up>", "<C-c>"):
        attached(editor, "1\n2\n", name=f"{ord(leave[1])}.py")
        editor.keys("GA")
        typed(editor, "x")
        assert "xGHOST" in editor.screen()
        editor.keys(leave)
        assert "GHOST" not in editor.screen(), leave
        editor.keys("<Esc>")
        assert open_requests(editor) == 0
    calm(editor)


@pytest.mark.parametrize("choice", ["hide", "show"])
def test_the_popup_menu_and_ghost_text_do_not_fight(version: str, tmp_path: Path, choice: str):
    options = f"{{ cmd = fake.start, ghost = {{ popup_menu = '{choice}' }} }}"
    with running(version, tmp_path, setup=options) as editor:
        attached(editor, "alpha alpine\n")
        editor.command("set completeopt=menuone,noselect")
        suggest(editor, "GHOST")
        editor.keys("o")
        typed(editor, "al")
        editor.keys("<C-n>")
        editor.wait("the menu", "return vim.fn.pumvisible() == 1")
        assert ("alGHOST" in editor.screen()) == (choice == "show")
        editor.keys("<Down><C-y>")
        editor.wait("no menu", "return vim.fn.pumvisible() == 0")
        editor.wait_for_text("alphaGHOST")
        assert editor.lines()[1] == "alpha"
        calm(editor)


@pytest.mark.parametrize("plugin", ["blink", "cmp"])
def test_a_completion_plugin_hides_ghost_text_and_what_was_typed_meanwhile_is_asked_about(
    editor: Editor, plugin: str
):
    editor.lua(
        """
        local is_open, heard = false, {}
        function menu(opens)
          is_open = opens
          for _, callback in ipairs(heard[opens and "menu_opened" or "menu_closed"] or {}) do
            callback({})
          end
        end
        if ... == "blink" then
          function menu(opens)
            local name = opens and "BlinkCmpMenuOpen" or "BlinkCmpMenuClose"
            vim.api.nvim_exec_autocmds("User", { pattern = name })
          end
        else
          local event = {}
          function event:on(name, callback)
            heard[name] = heard[name] or {}
            table.insert(heard[name], callback)
          end
          package.loaded.cmp = { visible = function() return is_open end, event = event }
        end
        """,
        plugin,
    )
    attached(editor)
    suggest(editor, "GHOST")
    editor.keys("i")
    typed(editor, "a")
    for step in ("", "b"):
        editor.lua("menu(true)")
        editor.settle()
        before = asked(editor)
        editor.keys(f"{step}<Tab><BS>" if step else "<Tab><BS>")
        assert "GHOST" not in editor.screen(), "nor is it accepted"
        assert asked(editor) == before
        editor.lua("menu(false)")
        editor.wait_for_text(f"a{step}GHOST")
    editor.keys("<C-]>")
    editor.lua("menu(true); menu(false)")
    editor.settle()
    assert "GHOST" not in editor.screen(), "what is dismissed stays so"
    calm(editor)


@pytest.mark.parametrize("choice", ["hide", "show"])
def test_what_is_taken_while_a_completion_goes_on_is_not_taken_for_its_own(
    version: str, tmp_path: Path, choice: str
):
    options = f"{{ cmd = fake.start, ghost = {{ popup_menu = '{choice}' }} }}"
    with running(version, tmp_path, setup=options) as editor:
        attached(editor, "alphabet\n")
        editor.command("set completeopt=menu")  # one match opens no menu
        suggest(editor, "ghost\ntext")
        editor.keys("o")
        typed(editor, "al")
        editor.keys("<C-n>")
        editor.wait_for_text("alphabetghost")
        assert editor.nvim.api.get_mode()["mode"] == "ic"
        suggest(editor)
        editor.keys("<Tab>")
        assert editor.nvim.api.get_mode()["mode"] == "i"
        editor.keys("<C-n><C-e>")
        assert editor.lines() == ["alphabet", "alphabetghost", "text"]
        calm(editor)


def test_ghost_text_is_switched_off_for_a_buffer_a_filetype_and_all(editor: Editor):
    attached(editor)
    suggest(editor, "ghost")
    uri = editor.lua("return vim.uri_from_bufnr(0)")
    for scope in ("", "filetype", "buffer"):
        editor.command(f"Farebox disable {scope}")
        before = asked(editor)
        editor.keys("ix<Esc>")
        assert asked(editor) == before, scope
        if scope == "buffer":
            assert editor.lua("return fake.told('textDocument/didClose')") == [{"textDocument": {"uri": uri}}]
        editor.command(f"Farebox toggle {scope}")
        editor.wait(
            "the server", "return require('farebox.server').client_of(vim.api.nvim_get_current_buf()) ~= nil"
        )
        editor.keys("i")
        typed(editor, "x")
        editor.keys("<Esc>")
    editor.command("Farebox disable nonsense")
    editor.wait_for_text('there is no "nonsense" to switch')
    calm(editor)


def test_files_that_the_user_keeps_out_are_never_shown_to_the_server(editor: Editor):
    editor.lua(
        """
        vim.api.nvim_create_autocmd('BufReadPre', { pattern = '*.txt', callback = function()
          vim.b.farebox_enabled = false
        end })
        """
    )
    attached(editor, "a", name="a.py")
    editor.open("private.txt", "secret")
    editor.keys("ix<Esc>")
    assert "secret" not in editor.lua("return vim.json.encode(fake.log)")


def test_tabs_wide_characters_and_long_texts_are_drawn_where_they_will_be(editor: Editor):
    attached(editor, name="a.go")
    editor.command("set tabstop=4 noexpandtab")
    suggest(editor, "\tif é😀 {\n\t\treturn 1\t// one\n\t}")
    editor.keys("i")
    typed(editor, "日 ")
    before = first_lines(editor.screen(), 3)
    suggest(editor)
    editor.keys("<Tab>")
    assert first_lines(editor.screen(), 3) == before
    assert editor.lines() == ["日 \tif é😀 {", "\t\treturn 1\t// one", "\t}"]
    calm(editor)


@pytest.mark.parametrize(
    "answer",
    [
        "nil",
        "vim.NIL",
        "{}",
        "{ items = vim.NIL }",
        "{ items = { vim.NIL, 1, {}, { insertText = 1 }, { insertText = '' } } }",
        "{ items = { { insertText = { kind = 'snippet', value = 'x$1' } } } }",
        "{ items = { { insertText = 'far', range = { start = { line = 9, character = 0 } } } } }",
        "'text'",
    ],
)
def test_an_answer_that_makes_no_sense_draws_nothing(editor: Editor, answer: str):
    attached(editor)
    editor.lua(f"fake.results['{INLINE}'] = function() return {answer} end")
    editor.keys("i")
    editor.text("xy")
    editor.wait("an answer", lambda: open_requests(editor) == 0)
    assert first_lines(editor.screen(), 1) == "xy"
    calm(editor)


def test_a_bare_list_without_ranges_and_commands_is_an_answer_too(editor: Editor):
    attached(editor)
    editor.lua(f"fake.results['{INLINE}'] = function() return {{ {{ insertText = 'a\\r\\nb' }} }} end")
    editor.keys("i")
    typed(editor, "x")
    editor.keys("<M-Right><Tab>")
    assert editor.lines()[:2] == ["xa", "b"]
    calm(editor)


def test_a_macro_asks_nothing(editor: Editor):
    attached(editor, "1\n2\n3\n")
    suggest(editor, "ghost")
    editor.keys("qaAx<Esc>jq")
    before = asked(editor)
    editor.keys("2@a")
    assert asked(editor) == before
    assert editor.lines() == ["1x", "2x", "3x"]


def test_a_buffer_that_is_wiped_while_it_is_asked_about_is_no_error(editor: Editor):
    attached(editor)
    editor.lua("fake.holds[...] = true", INLINE)
    suggest(editor, "ghost")
    editor.keys("ix")
    (request,) = editor.wait("a request", "return #fake.waiting() == 1 and fake.waiting()")
    editor.lua("vim.cmd('bwipeout!'); pcall(fake.reply, ...)", request)
    editor.settle()
    assert "ghost" not in editor.screen()
    calm(editor)


@pytest.mark.parametrize(
    ("mapping", "expected"),
    [
        ("", "x\t"),
        ("inoremap <Tab> (mapped)", "x(mapped)"),
        ("inoremap <expr> <Tab> 'a' .. 'b'", "xab"),
        ("lua vim.keymap.set('i', '<Tab>', function() return 'lua' end, { expr = true })", "xlua"),
        (
            "lua vim.keymap.set('i', '<Tab>', function() vim.api.nvim_put({'put'}, 'c', false, true) end)",
            "xput",
        ),
        ("inoremap (a) recursive|imap <Tab> (a)", "xrecursive"),
    ],
)
def test_tab_does_what_it_did_where_nothing_is_suggested(
    version: str, tmp_path: Path, mapping: str, expected: str
):
    with running(version, tmp_path, setup=None) as editor:
        if mapping:
            editor.command(mapping) if not mapping.startswith("inoremap (a)") else [
                editor.command(one) for one in mapping.split("|")
            ]
        editor.lua("require('farebox').setup({ cmd = fake.start })")
        attached(editor, name="a.txt")
        editor.command("set noexpandtab")
        editor.keys("ix<Tab>")
        assert editor.buffer_text == expected
        suggest(editor, "ghost")
        typed(editor, "y")
        suggest(editor)
        editor.keys("<Tab>")
        assert editor.buffer_text == f"{expected}yghost"
        calm(editor)


def test_keys_of_others_stay_theirs_and_plug_maps_take_their_place(version: str, tmp_path: Path):
    with running(version, tmp_path, setup=None) as editor:
        editor.command("inoremap <M-]> theirs")
        editor.command("imap <C-l> <Plug>(farebox-accept)")
        editor.lua("require('farebox').setup({ cmd = fake.start, keys = { accept_word = '<C-g>w' } })")
        attached(editor, name="a.txt")
        suggest(editor, "one two")
        editor.keys("i")
        typed(editor, "x")
        editor.keys("<M-]>")
        assert editor.buffer_text == "xtheirs"
        editor.wait("a suggestion", f"return {GHOST}")
        editor.keys("<C-g>w")
        assert editor.buffer_text == "xtheirsone"
        suggest(editor)
        editor.keys("<C-l>")
        assert editor.buffer_text == "xtheirsone two"
        assert (
            editor.lua("return vim.fn.maparg('<Tab>', 'i', false, true).desc")
            != "farebox: accept the suggestion"
        )
        assert editor.lua("return require('farebox.keys').skipped()") == {"next": "<M-]>"}
        calm(editor)


def test_no_keys_are_bound_if_the_user_wants_none(version: str, tmp_path: Path):
    with running(version, tmp_path, setup="{ cmd = fake.start, keys = false }") as editor:
        ours = editor.lua(
            """
            return vim.iter(vim.api.nvim_get_keymap("i")):filter(function(map)
              return (map.desc or ""):match("^farebox: ")
            end):map(function(map) return map.lhs end):totable()
            """
        )
        assert ours
        assert all(lhs.startswith("<Plug>") for lhs in ours)


def test_the_newest_neovim_can_draw_by_itself(version: str, tmp_path: Path):
    with running(version, tmp_path, setup="{ cmd = fake.start, ghost = { native = true } }") as editor:
        attached(editor)
        suggest(editor, "one two")
        editor.keys("ix")
        if version == OLDEST:  # it can't, so ours is drawn
            editor.wait("a suggestion", f"return {GHOST}")
        editor.wait_for_text("xone two")
        editor.keys("<M-Right>")
        editor.wait("a word", lambda: editor.buffer_text == "xone")
        suggest(editor, " three")
        editor.keys("y")
        editor.wait_for_text("xoney three")
        suggest(editor)
        editor.keys("<Tab>")
        editor.wait("the rest", lambda: editor.buffer_text == "xoney three")
        calm(editor)
