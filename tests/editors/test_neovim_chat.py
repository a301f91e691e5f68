"""Neovim: the chat, from a question to its answer, and whatever may come between."""

import re
from collections.abc import Generator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest

from support.neovim import Editor, running
from support.patience import WAIT_S

ROUTE = {"model": "mistral/codestral-latest", "reason": "a small question: the fast tier"}
COST = {"usd": "0.0021", "basis": "reported"}
USAGE = {"inputTokens": 412, "outputTokens": 85}
FOOTER = "> mistral/codestral-latest · 412 in, 85 out · $0.0021 · a small question: the fast tier"
PROMPT = ["", "## You", "", ""]


class Chat:
    """The chat of one Neovim, and the server that a test plays: questions are held until it answers them."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        editor.lua("fake.holds['farebox/chat'] = true")

    # --- the user ---

    def open(self, words: str = "") -> None:
        self.editor.command(f"Farebox chat {words}")

    def ask(self, question: str) -> dict[str, Any]:
        """Type a question at the end and send it; return what the server is asked."""
        before = self.count()
        self.editor.keys("Go<Esc>")
        self.editor.lua("vim.api.nvim_paste(...)", question, False, -1)
        self.editor.keys("<CR>")
        return self.asked(before + 1)

    def lines(self, number: int = 1) -> list[str]:
        found: list[str] = self.editor.lua(
            "return vim.api.nvim_buf_get_lines(vim.fn.bufnr('^farebox://chat/' .. ... .. '$'), 0, -1, false)",
            number,
        )
        return found

    def wait_for(self, line: str, number: int = 1) -> list[str]:
        """Wait until the chat has a line; return all."""
        self.editor.wait(f"the line {line!r} in the chat", lambda: line in self.lines(number))
        return self.lines(number)

    # --- the server ---

    def count(self) -> int:
        return int(self.editor.lua("return fake.count('farebox/chat')"))

    def asked(self, count: int = 1) -> dict[str, Any]:
        self.editor.wait(f"{count} questions", lambda: self.count() >= count)
        found: dict[str, Any] = self.editor.lua("return fake.told('farebox/chat')[...]", count)
        return found

    def event(self, event: Mapping[str, object], *, turn: int | None = None) -> None:
        """Tell of a turn, by default of the last: its number is that of its question."""
        asked = self.asked(turn or max(1, self.count()))
        told = {"conversation": asked["conversation"], "turn": asked["turn"], "event": event}
        self.editor.lua("fake.notify('farebox/chatEvent', ...)", told)

    def stream(self, *texts: str, turn: int | None = None) -> None:
        for text in texts:
            self.event({"type": "text", "text": text}, turn=turn)

    def finish(self, text: str, **more: object) -> None:
        """Answer the oldest question, and wait until the answer's end is drawn."""
        result = {
            "text": text,
            "finishReason": "stop",
            "route": ROUTE,
            "usage": USAGE,
            "cost": COST,
        }
        self.editor.lua("fake.reply(fake.waiting()[1], ...)", {**result, **more})
        self.settle()

    def fail(
        self, message: str, *, kind: str = "unreachable", hint: str | None = "Check the network."
    ) -> None:
        error = {"code": -32050, "message": message, "data": {"kind": kind, "hint": hint}}
        self.editor.lua("fake.reply(fake.waiting()[1], nil, ...)", error)
        self.settle()

    def settle(self) -> None:
        """Wait until all that has come is drawn."""
        self.editor.settle()
        self.editor.lua(
            """
            local timer, is_drawn = vim.uv.new_timer(), false
            -- Timers end in order, and what draws waits for less.
            timer:start(60, 0, vim.schedule_wrap(function() is_drawn = true end))
            vim.wait(..., function() return is_drawn end, 5)
            timer:close()
            """,
            round(WAIT_S * 1000),
        )

    # --- what is there ---

    def views(self) -> list[dict[str, Any]]:
        """Return the view of each window of the chat."""
        found: list[dict[str, Any]] = self.editor.lua(
            """
            local views = {}
            for _, window in ipairs(vim.fn.win_findbuf(vim.fn.bufnr("farebox://chat/1"))) do
              views[#views + 1] = vim.api.nvim_win_call(window, vim.fn.winsaveview)
            end
            return views
            """
        )
        return found


def assert_quiet(editor: Editor) -> None:
    """Nothing asks for a key, and nothing has gone wrong."""
    assert editor.nvim.api.get_mode()["blocking"] is False
    assert not re.search(r"E\d+:|[Ee]rror|stack traceback", editor.messages()), editor.messages()
    assert editor.lua("return vim.v.errmsg") == ""


@pytest.fixture
def chat(editor: Editor) -> Generator[Chat]:
    yield Chat(editor)
    assert_quiet(editor)


def chosen_in_lists(editor: Editor, title: str) -> None:
    """Choose the entry with a title in every list from now on; what was offered is the global ``offered``."""
    editor.lua(
        """
        local title = ...
        vim.ui.select = function(items, options, on_choice)
          offered = vim.tbl_map(options.format_item, items)
          for index, item in ipairs(items) do
            if options.format_item(item):find(title, 1, true) then return on_choice(item, index) end
          end
          on_choice(nil)
        end
        """,
        title,
    )


# --- turns ------------------------------------------------------------------------------------------------


def test_a_question_and_its_answer_are_turns_with_a_footer(version: str, tmp_path: Any):
    with running(
        version, tmp_path, setup="{ cmd = fake.start, chat = { size = 62 } }", columns=100
    ) as editor:
        chat = Chat(editor)
        editor.open("greet.py", "def greet():\n    pass\n")
        editor.lua("vim.cmd.cd(...)", str(tmp_path))
        editor.lua(
            """
            heard = {}
            vim.api.nvim_create_autocmd("User", { pattern = "FareboxChat*", callback = function(event)
              table.insert(heard, { event.match, vim.tbl_get(event.data, "cost", "usd") })
            end })
            """
        )
        editor.command("1,2Farebox chat What does it do?")
        asked = chat.asked()
        assert "│… · $0.00 · 1 turn" in editor.screen()
        assert re.fullmatch("[0-9a-f]{32}", asked["conversation"])
        assert (asked["text"], asked["history"]) == ("What does it do?", [])
        chat.event({"type": "route", "route": ROUTE})
        assert "## farebox mistral/codestral-latest…" in editor.screen()
        chat.event({"type": "reasoning", "text": "secret thoughts"})
        assert "## farebox thinking…" in editor.screen()
        chat.stream("Nothing,\r", "\nyet.\n\n```py\nx = '%s'\n```\n")
        chat.finish("Nothing,\r\nyet.\n\n```py\nx = '%s'\n```\n")
        editor.command("wincmd =")
        assert editor.screen() == (
            "def greet():                         │codestral-latest · $0.0021 · 1 turn\n"
            "    pass                             │## You\n"
            "~                                    │+ greet.py:1-2\n"
            "~                                    │\n"
            "~                                    │What does it do?\n"
            "~                                    │\n"
            "~                                    │## farebox\n"
            "~                                    │\n"
            "~                                    │Nothing,\n"
            "~                                    │yet.\n"
            "~                                    │\n"
            "~                                    │```py\n"
            "~                                    │x = '%s'\n"
            "~                                    │```\n"
            "~                                    │\n"
            "~                                    │> mistral/codestral-latest · 412 in, 85 out · $0.0021 · a\n"  # noqa: E501
            "~                                    │small question: the fast tier\n"
            "~                                    │\n"
            "~                                    │## You\n"
            "~                                    │\n"
            "~                                    │\n"
            "~                                    │~\n"
            "greet.py           1,1            All farebox://chat/1                            18,0-1         All"  # noqa: E501
        )
        assert editor.lua("return heard") == [["FareboxChatStarted"], ["FareboxChatFinished", "0.0021"]]
        groups = editor.lua(
            """
            local found = {}
            local marks = vim.api.nvim_buf_get_extmarks(0, -1, 0, -1, { details = true, type = "highlight" })
            for _, mark in ipairs(marks) do
              local group = mark[4].hl_group or ""
              if group:match("^Farebox") then found[#found + 1] = { mark[2], group } end
            end
            return found
            """
        )
        assert groups == [
            [0, "FareboxUser"],
            [4, "FareboxAnswer"],
            [13, "FareboxFooter"],
            [15, "FareboxUser"],
        ]
        options = editor.lua(
            "local o = vim.bo; return { o.filetype, o.buftype, o.bufhidden, vim.wo.conceallevel, o.modeline }"
        )
        assert options == ["markdown", "nofile", "hide", 0, False]
        editor.command("wincmd p")
        assert not editor.lua("return vim.wo.winbar")
        assert_quiet(editor)


@pytest.mark.parametrize(
    ("cost", "usage", "words"),
    [
        ({"usd": None, "basis": "unknown"}, USAGE, "> m/x · 412 in, 85 out · cost unknown · why"),
        ({"usd": "0", "basis": "computed"}, USAGE, "> m/x · 412 in, 85 out · free · why"),
        ({"usd": "0.5", "basis": "estimated"}, {"inputTokens": None}, "> m/x · ~$0.50 · why"),
        (None, None, "> m/x · why"),
    ],
)
def test_a_footer_says_what_is_known(chat: Chat, cost: object, usage: object, words: str):
    chat.open("What?")
    chat.asked()
    chat.finish("So.", cost=cost, usage=usage, route={"model": "m/x", "reason": " why\n"})
    assert chat.lines()[6:] == ["So.", "", words, *PROMPT]


def test_odd_answers_do_no_harm(chat: Chat):
    chat.open("What?")
    chat.asked()
    odd: Sequence[Mapping[str, object]] = (
        {},
        {"type": "unheard-of"},
        {"type": "text"},
        {"type": "text", "text": None},
        {"type": "route", "route": None},
        {"type": "retry", "attempt": None},
        {"type": "done", "usage": None, "cost": 7},
    )
    for event in odd:
        chat.event(event)
    chat.editor.lua("fake.notify('farebox/chatEvent', vim.NIL)")
    chat.editor.lua("fake.notify('farebox/chatEvent', { conversation = 3, turn = {}, event = 'x' })")
    chat.stream("vim: set modifiable! :\nNUL \0 and \x1b[31m and %#Error# and ünïcödé 😀\rlast")
    chat.settle()
    assert chat.lines()[6:9] == [
        "vim: set modifiable! :",
        "NUL  and \x1b[31m and %#Error# and ünïcödé 😀",
        "last",
    ]
    chat.editor.lua("fake.reply(fake.waiting()[1], vim.NIL)")
    chat.settle()
    assert chat.lines()[-4:] == PROMPT
    chat.ask("And now?")
    chat.finish("x" * 100_000, route=None, usage=None, cost=None, finishReason=None)
    assert chat.lines()[-5:] == ["x" * 100_000, *PROMPT]


def test_an_empty_prompt_sends_nothing(chat: Chat):
    chat.open()
    chat.editor.keys("<CR>i  <C-s><C-u><Esc><CR>")
    assert chat.count() == 0
    chat.editor.keys("Sone<CR>two<Esc><CR>")
    assert chat.asked()["text"] == "one\ntwo"
    chat.editor.keys("Sthree<Esc><CR>")
    chat.editor.settle()
    assert chat.count() == 1, "an answer is coming"
    assert chat.lines()[-1] == "three"


# --- while the answer comes ---------------------------------------------------------------------------------


def test_two_thousand_small_pieces_are_drawn_completely_and_in_order(chat: Chat):
    chat.open("Count.")
    chat.asked()
    changes = chat.editor.lua("return vim.b.changedtick")
    chat.editor.lua(
        """
        local asked = fake.told("farebox/chat")[1]
        local told = { conversation = asked.conversation, turn = asked.turn }
        for number = 1, 2000 do
          told.event = { type = "text", text = number .. (number % 10 == 0 and "\\n" or " ") }
          fake.notify("farebox/chatEvent", told)
        end
        """
    )
    counted = [" ".join(map(str, range(first, first + 10))) for first in range(1, 2000, 10)]
    chat.wait_for(counted[-1])
    assert chat.lines()[6:206] == counted
    assert chat.editor.lua("return vim.b.changedtick") - changes < 30, "they are written together"


def test_a_reader_stays_and_who_is_at_the_end_goes_along(chat: Chat):
    editor = chat.editor
    chat.open("Tell.")
    chat.asked()
    chat.stream("".join(f"line {number}\n" for number in range(40)))
    chat.settle()
    editor.command("split")
    editor.keys("gg12jzt4l")
    chat.settle()
    reader, writer = chat.views()
    if reader["lnum"] > writer["lnum"]:
        reader, writer = writer, reader
    assert writer["lnum"] == len(chat.lines())
    for number in range(40, 60):
        chat.stream(f"line {number}\n")
        chat.settle() if number % 5 == 0 else None
    chat.settle()
    after = sorted(chat.views(), key=lambda view: int(view["lnum"]))
    assert after[0] == reader
    assert after[1]["lnum"] == len(chat.lines())
    assert "line 59" in editor.screen()
    chat.finish("".join(f"line {number}\n" for number in range(60)))
    after = sorted(chat.views(), key=lambda view: int(view["lnum"]))
    assert after[0] == reader
    assert FOOTER[:20] in editor.screen(), "it is above the prompt of who is at the end"


def test_who_is_at_the_end_of_the_answer_goes_along_too(chat: Chat):
    chat.open("Tell.")
    chat.asked()
    chat.stream("one\ntwo")
    chat.settle()
    chat.editor.keys("gg7j$")
    assert chat.editor.nvim.current.line == "two"
    chat.stream("\nthree\nfour")
    chat.settle()
    assert chat.editor.nvim.current.line == "four"
    chat.editor.keys("k")
    chat.stream("\nfive" * 40)
    chat.settle()
    assert chat.editor.nvim.current.line == "three"
    assert chat.views()[0]["topline"] == 1


def test_a_stream_into_a_window_that_is_not_the_current_one_is_followed(chat: Chat):
    chat.editor.open("a.py", "x = 1\n")
    chat.open("Tell.")
    chat.asked()
    chat.editor.command("wincmd p")
    chat.stream("".join(f"line {number}\n" for number in range(60)))
    chat.settle()
    assert "line 59" in chat.editor.screen()
    assert chat.editor.buffer_text == "x = 1"


def test_the_next_question_is_typed_while_the_answer_comes(chat: Chat):
    editor = chat.editor
    chat.open("First?")
    chat.asked()
    editor.keys("i")
    for number in range(12):
        editor.text(f"wörd{number} ")
        chat.stream(f"answer {number}\n")
        if number % 3 == 0:
            chat.settle()
        if number == 6:
            editor.keys("<CR>")
    chat.settle()
    assert editor.mode == "i"
    typed = [
        "".join(f"wörd{number} " for number in range(7)),
        "".join(f"wörd{number} " for number in range(7, 12)),
    ]
    assert chat.lines()[-4:] == ["## You", "", *typed]
    assert [line for line in chat.lines() if line.startswith("answer")] == [f"answer {n}" for n in range(12)]
    editor.keys("<BS><Left><Left>!")
    chat.stream("more")
    chat.settle()
    assert chat.lines()[-1] == typed[1][:-3] + "!" + typed[1][-3:-1]
    assert editor.cursor[1] == len(typed[1][:-3].encode()) + 1
    chat.finish("".join(f"answer {number}\n" for number in range(12)) + "more")
    editor.keys("<C-s>")
    second = chat.asked(2)
    assert second["text"] == typed[0] + "\n" + typed[1][:-3] + "!" + typed[1][-3:-1]
    assert "history" not in second
    assert editor.mode == "i"


def test_undo_takes_back_what_was_typed_and_never_an_answer(chat: Chat):
    editor = chat.editor
    chat.open("First?")
    chat.asked()
    chat.stream("one\n")
    chat.settle()
    editor.keys("uuuiabc<Esc>")
    assert chat.lines()[-1] == "abc"
    editor.keys("u")
    assert chat.lines()[6:] == ["one", "", *PROMPT]
    editor.keys("iabc<Esc>")
    chat.stream("two\n")
    chat.settle()
    editor.keys("adef")
    chat.stream("three\n")
    chat.settle()
    editor.keys("ghi<Esc>")
    assert chat.lines()[-1] == "abcdefghi"
    chat.finish("one\ntwo\nthree\n")
    answered = chat.lines()[:-1]
    editor.keys("u")
    assert chat.lines() == [*answered, ""]
    editor.keys("<C-r>")
    assert chat.lines() == [*answered, "abcdefghi"]
    editor.keys("A!<Esc>u")
    assert chat.lines() == [*answered, "abcdefghi"]
    editor.keys("uuuuuuu")
    assert chat.lines() == [*answered, ""]
    editor.keys("5<C-r>")
    editor.keys("<CR>")
    editor.keys("uuuuu")
    chat.asked(2)
    assert chat.lines()[: len(answered) - 3] == answered[:-3]
    assert "## farebox" in chat.lines()[len(answered) :]


def test_whatever_the_user_deletes_the_chat_goes_on(chat: Chat):
    editor = chat.editor
    chat.open("First?")
    chat.asked()
    chat.stream("one\n")
    chat.settle()
    editor.command("%delete")
    chat.stream("two\n")
    chat.settle()
    chat.finish("one\ntwo\n")
    assert "two" in chat.lines()
    assert chat.lines()[-4:] == PROMPT
    editor.command("%delete")
    editor.text("iSecond?")
    editor.keys("<Esc>")
    editor.keys("<CR>")
    assert chat.asked(2)["text"] == "Second?"
    chat.finish("yes")
    assert chat.lines()[-9:] == ["## farebox", "", "yes", "", FOOTER, *PROMPT]
    editor.command("edit")
    editor.lua("vim.v.errmsg = ''")  # Neovim's own, of undoing the filetype's keys
    assert [line for line in chat.lines() if not line.startswith(">")] == [
        *("## You", "", "First?", "", "## farebox", "", "one", "two", "", ""),
        *("## You", "", "Second?", "", "## farebox", "", "yes", "", "", "## You", "", ""),
    ]
    assert editor.lua("return { vim.bo.filetype, vim.bo.modeline }") == ["markdown", False]


def test_a_completion_keeps_what_comes_waiting_until_it_has_ended(chat: Chat):
    editor = chat.editor
    chat.open("alpha alphabet")
    chat.asked()
    editor.keys("GoA line above.<CR>alp<C-n>")
    chat.stream("one\ntwo\n")
    chat.finish("one\ntwo\n")
    assert "one" not in chat.lines()
    editor.keys("<C-n>")
    editor.text(" done")
    chat.wait_for(FOOTER)
    assert chat.lines()[6:] == ["one", "two", "", FOOTER, *PROMPT, "A line above.", "alphabet done"]
    editor.keys("<CR>alp<C-n><C-s>")
    assert chat.asked(2)["text"] == "A line above.\nalphabet done\nalpha"
    editor.text("next")
    assert chat.lines()[-4:] == ["", "## You", "", "next"]
    editor.keys("<Esc>")


def test_what_is_typed_outlives_edit_and_names_with_underscores_are_no_errors(chat: Chat):
    editor = chat.editor
    chat.open("What is a_long_name?")
    chat.asked()
    chat.stream("one_two")
    chat.settle()
    editor.keys("Goa_draft<Esc>")
    seen = """
    local names = {}
    for row = 1, vim.fn.line("$") do
      for column = 1, vim.fn.col({ row, "$" }) do
        names[vim.fn.synIDattr(vim.fn.synID(row, column, 1), "name")] = true
      end
    end
    return names.markdownError == nil
    """
    assert editor.lua(seen)
    editor.command("edit")
    chat.stream("_three")
    chat.wait_for("one_two_three")
    assert chat.lines()[-1] == "a_draft"
    editor.command("syntax off | syntax on")
    editor.settle()
    assert editor.lua(seen)
    editor.lua("vim.v.errmsg = ''")  # Neovim's own, of undoing the filetype's keys


def test_nothing_that_the_user_is_in_the_middle_of_is_disturbed(chat: Chat):
    editor = chat.editor
    chat.open("First?")
    chat.asked()
    chat.stream("one\n")
    chat.settle()
    editor.keys(":<C-f>")
    chat.stream("two\n")
    chat.settle()
    assert editor.lua("return vim.fn.getcmdwintype()") == ":"
    editor.keys("<C-c><C-c>")
    editor.keys("<Esc>")
    editor.keys("gg6jV")
    chat.stream("three\n")
    chat.settle()
    editor.keys("jy")
    assert editor.lua("return vim.fn.getreg('\"')") == "one\ntwo\n"
    editor.keys("Gix<CR>y<Esc>d")
    chat.stream("four\n")
    chat.settle()
    editor.keys("d")
    chat.wait_for("four")
    assert chat.lines()[6:] == ["one", "two", "three", "four", "", "", "## You", "", "x"]


# --- how it ends ------------------------------------------------------------------------------------------


def test_stop_closes_the_answer_and_says_later_what_it_cost(chat: Chat):
    chat.open("First?")
    chat.stream("one ", "two")
    chat.editor.keys("<C-c>")
    assert chat.editor.lua("return #vim.tbl_filter(function(m) return m.kind == 'cancel' end, fake.log)") == 1
    assert chat.lines()[6:] == ["one two", "", "> stopped", *PROMPT]
    chat.event({"type": "text", "text": "three"})
    chat.ask("Second?")
    done = {"type": "done", "finishReason": "cancelled", "usage": USAGE, "cost": COST, "cancelled": True}
    chat.event(done, turn=1)
    chat.stream("yes", turn=2)
    chat.finish("yes", cost={"usd": "0.5"})
    assert chat.lines()[6:9] == ["one two", "", "> stopped · 412 in, 85 out · $0.0021"]
    assert "· $0.50 · 2 turns" in chat.editor.screen()
    chat.ask("Third?")
    chat.editor.command("Farebox cancel")
    chat.event({**done, "cost": {"usd": "1"}}, turn=3)
    assert chat.lines()[-5] == "> stopped · 412 in, 85 out · $1.00"
    chat.editor.command("Farebox cancel")


def test_a_failure_shows_what_to_do_and_returns_the_question(chat: Chat):
    editor = chat.editor
    editor.open("a.py", "x = 1\n")
    chat.open()
    editor.command("Farebox attach buffer")
    assert "a.py" in editor.screen()
    editor.text("iWhy?\nSay!")
    editor.keys("<Esc><CR>")
    assert len(chat.asked()["attachments"]) == 1
    chat.event({"type": "retry", "attempt": 2, "maxAttempts": 3, "error": "overloaded"})
    assert "attempt 2 of 3" in editor.screen()
    chat.fail("the provider cannot be reached")
    failed = ["Say!", "", "## farebox", "", "> the provider cannot be reached", "> Check the network."]
    assert chat.lines() == ["## You", "", "Why?", *failed, "", "## You", "", "Why?", "Say!"]
    assert "attempt" not in editor.screen()
    assert "a.py" in editor.screen().partition("Check the")[2], "it is attached again"
    groups = "return vim.inspect(vim.api.nvim_buf_get_extmarks(0, -1, {7, 0}, {9, 0}, { details = true }))"
    assert "FareboxFailure" in editor.lua(groups)
    editor.keys("<CR>")
    again = chat.asked(2)
    assert (again["text"], len(again["attachments"]), "history" in again) == ("Why?\nSay!", 1, False)
    editor.text("iNext.")
    editor.keys("<Esc>")
    chat.stream("Because", turn=2)
    chat.fail("it broke", hint=None)
    assert (
        chat.lines()[-11:]
        == ["## farebox", "", "Because", "", "> it broke", "", "## You", "", "Why?", "Say!", "", "Next."][
            -11:
        ]
    )
    assert editor.nvim.current.line == "Next."


def test_retry_asks_the_last_question_again_in_the_place_of_its_answer(chat: Chat):
    editor = chat.editor
    chat.open("First?")
    first = chat.asked()
    assert "replaces" not in first
    chat.finish("one")
    second = chat.ask("Second?")
    chat.finish("two")
    editor.text("iA draft.")
    editor.keys("<Esc>gR")
    third = chat.asked(3)
    assert third["text"] == "Second?"
    assert (third["conversation"], third["replaces"]) == (first["conversation"], second["turn"])
    assert len({first["turn"], second["turn"], third["turn"]}) == 3
    assert "history" not in third
    chat.stream("three", turn=3)
    chat.finish("three")
    assert chat.lines() == [
        *("## You", "", "First?", "", "## farebox", "", "one", "", FOOTER, ""),
        *("## You", "", "Second?", "", "## farebox", "", "three", "", FOOTER, ""),
        *("## You", "", "A draft."),
    ]
    assert "· $0.0063 · 2 turns" in editor.screen(), "the dropped answer has cost something too"
    editor.keys("S<Esc>")
    chat.ask("Third?")
    chat.fail("no")
    editor.command("Farebox retry")
    assert chat.asked(5)["text"] == "Third?"
    chat.editor.settle()
    assert chat.lines()[-1] == "", "the question that was returned is asked now"
    editor.keys("gR")
    assert chat.asked(6)["text"] == "Third?"
    assert sum(line == "Third?" for line in chat.lines()) == 1


def test_the_first_words_of_a_turn_are_drawn_also_right_after_the_end_of_another(chat: Chat):
    chat.editor.lua(
        "defer_fn, due = vim.defer_fn, {}; vim.defer_fn = function(...) due[#due + 1] = { ... } end"
    )
    chat.open("First?")
    chat.stream("one")
    chat.finish("one")
    chat.ask("Second?")
    chat.stream("two")
    chat.settle()
    chat.editor.lua("vim.defer_fn = defer_fn; for _, call in ipairs(due) do call[1]() end")
    chat.wait_for("two")


def test_what_comes_late_of_a_dropped_answer_is_not_taken_for_the_next_one(chat: Chat):
    chat.open("First?")
    chat.asked()
    chat.editor.keys("gR")
    chat.asked(2)
    chat.event({"type": "text", "text": "late"}, turn=1)
    chat.stream("new", turn=2)
    chat.settle()
    assert chat.lines()[6] == "new"


def test_a_dead_server_leaves_the_answer_and_the_next_one_is_told_all(chat: Chat):
    editor = chat.editor
    editor.open("a.py", "x = 1\n")
    editor.wait(
        "a client", "return require('farebox.server').client_of(vim.api.nvim_get_current_buf()) ~= nil"
    )
    editor.command("1Farebox chat First?")
    first = chat.asked()
    assert "text" not in first["attachments"][0]
    chat.finish("one")
    second = chat.ask("Second?")
    chat.stream("tw")
    editor.settle()
    editor.lua("fake.exit(1, 9)")
    chat.wait_for("> the server has ended")
    cut = ["> the server has ended", "> Ask again.", "> cost unknown"]
    assert chat.lines()[-9:] == ["tw", "", *cut, *PROMPT]
    assert "$0.0021 and unknown · 2 turns" in editor.screen()
    third = chat.ask("Third?")
    assert third["conversation"] == first["conversation"]
    attached = [{"name": str(editor.folder / "a.py"), "text": "x = 1"}]
    assert third["history"] == [
        {"id": first["turn"], "text": "First?", "attachments": attached, "answer": "one"},
        {"id": second["turn"], "text": "Second?", "answer": "tw"},
    ]
    chat.finish("three")
    assert "history" not in chat.ask("Fourth?")
    editor.settle()
    editor.lua("fake.exit(1, 9)")
    chat.wait_for("> Ask again.")
    editor.wait("the question in the prompt", lambda: chat.lines()[-1] == "Fourth?")


def test_a_server_that_has_forgotten_is_told_once_more(chat: Chat):
    chat.open("First?")
    first = chat.asked()
    chat.finish("one")
    chat.ask("Second?")
    chat.fail("there is no conversation abc", kind="invalidParams")
    again = chat.asked(3)
    assert again["text"] == "Second?"
    assert again["history"] == [{"id": first["turn"], "text": "First?", "answer": "one"}]
    chat.fail("there is no conversation abc", kind="invalidParams")
    chat.wait_for("> there is no conversation abc")
    assert chat.count() == 3


def test_a_closed_window_loses_nothing_and_a_wiped_buffer_stops_the_answer(chat: Chat):
    editor = chat.editor
    chat.open("First?")
    chat.asked()
    editor.keys("q")
    chat.stream("one")
    chat.finish("one")
    chat.open()
    assert chat.lines()[6:] == ["one", "", FOOTER, *PROMPT]
    editor.command("only")
    editor.keys("q")
    assert not editor.nvim.current.buffer.name.startswith("farebox")
    for command in ("Farebox chat", "only", "set winfixbuf"):
        editor.command(command)
    editor.keys("q")
    assert editor.nvim.current.buffer.name.startswith("farebox")
    editor.command("set nowinfixbuf")
    editor.keys("q")
    for command in ("bwipeout!", "bdelete!"):
        editor.command("Farebox new")
        chat.ask("Second?")
        chat.stream("two")
        editor.command(command)
        editor.wait("it is cancelled", "return #fake.waiting() == 0")
        chat.stream("three")
        chat.settle()
    chat.open()
    assert editor.lines() == ["## You", "", ""]


def test_a_chat_opens_also_where_another_neovim_has_a_swap_file_of_its_name(version: str, tmp_path: Any):
    swap_files = f"set swapfile updatecount=200 directory={tmp_path}//"
    with running(version, tmp_path, setup=None) as other:
        other.command(swap_files)
        other.command("file farebox://chat/1")
        assert list(tmp_path.glob("farebox*.swp"))
        with running(version, tmp_path, setup="{ cmd = fake.start }") as editor:
            editor.command(swap_files)
            editor.command("Farebox chat")
            assert editor.lines() == PROMPT[1:]
            assert_quiet(editor)


def test_a_session_brings_back_no_window_of_a_chat_that_is_gone(version: str, tmp_path: Any):
    session = tmp_path / "Session.vim"
    with running(version, tmp_path, setup="{ cmd = fake.start }") as editor:
        editor.open("a.py", "x = 1\n")
        editor.command("Farebox chat")
        editor.command(f"mksession {session}")
    with running(version, tmp_path, setup="{ cmd = fake.start }") as editor:
        editor.command(f"source {session}")
        assert [window.buffer.name for window in editor.nvim.windows] == [str(tmp_path / "a.py")]
        assert [name for name in editor.nvim.command_output("ls!").split('"') if "farebox://" in name] == []
        editor.command("Farebox chat")
        assert editor.lines() == PROMPT[1:]
        assert_quiet(editor)


def test_two_chats_get_their_own_events(chat: Chat):
    chat.open("First?")
    first = chat.asked()["conversation"]
    chat.editor.command("Farebox new")
    second = chat.ask("Second?")["conversation"]
    assert first != second
    for number in range(10):
        chat.stream(f"a{number}", turn=1)
        chat.stream(f"b{number}", turn=2)
    for conversation in (first, "of another"):
        nobodys = {"conversation": conversation, "turn": "x", "event": {"type": "text", "text": "nobody's"}}
        chat.editor.lua("fake.notify('farebox/chatEvent', ...)", nobodys)
    chat.settle()
    assert chat.lines(1)[6] == "".join(f"a{number}" for number in range(10))
    assert chat.lines(2)[6] == "".join(f"b{number}" for number in range(10))


# --- history ------------------------------------------------------------------------------------------------


def test_an_earlier_chat_is_chosen_from_those_here_and_the_servers(chat: Chat):
    editor = chat.editor
    chat.open("Mine?")
    mine = chat.asked()["conversation"]
    chat.finish("yes")
    turn = {
        "id": "t9",
        "question": "Old?",
        "answer": "long ago",
        "finishReason": "stop",
        "usage": USAGE,
        "cost": COST,
    }
    lines = [{"id": mine, "title": "Mine?", "turns": 1}, {"id": "abc", "title": "Old?", "turns": 2}]
    editor.lua("fake.results['farebox/conversations'] = { conversations = ... }", lines)
    running_turn = {"id": "t10", "question": "Again?", "answer": ""}
    editor.lua(
        "fake.results['farebox/conversation'] = ...",
        {"id": "abc", "title": "Old?", "turns": [turn, running_turn]},
    )
    chosen_in_lists(editor, "Old?")
    editor.keys("gh")
    editor.wait("the old chat", lambda: "long ago" in editor.lines())
    assert editor.lua("return offered") == ["Mine? (1 turn)", "Old? (2 turns)"]
    assert editor.lines() == [
        *("## You", "", "Old?", "", "## farebox", "", "long ago", "", "> 412 in, 85 out · $0.0021", ""),
        *("## You", "", "Again?", "", "## farebox", "", "", "", "## You", "", ""),
    ]
    asked = chat.ask("And?")
    assert (asked["conversation"], "history" in asked) == ("abc", False)
    chosen_in_lists(editor, "Mine?")
    editor.command("Farebox history")
    editor.wait("my chat", lambda: "Mine?" in editor.lines())
    assert len(editor.lua("return offered")) == 2
    chosen_in_lists(editor, "nothing")
    editor.command("Farebox history")


# --- attachments --------------------------------------------------------------------------------------------


def test_each_kind_of_attachment_is_sent_as_it_is_by_then(chat: Chat):
    editor = chat.editor
    file = editor.open("a.py", "one\ntwö\nthree\nfour")
    editor.wait(
        "a client", "return require('farebox.server').client_of(vim.api.nvim_get_current_buf()) ~= nil"
    )
    uri = file.as_uri()
    other = editor.folder / "notes ü.txt"
    other.write_bytes(b"a note\xff\n")
    editor.lua(
        """
        local here = vim.api.nvim_get_current_buf()
        vim.diagnostic.set(vim.api.nvim_create_namespace("test"), here, {
          { lnum = 1, col = 0, end_lnum = 1, end_col = 4, severity = 2, message = "bad" .. ("x"):rep(5000) },
          { lnum = 3, col = 0, message = "worse" },
        })
        """
    )
    editor.keys("ggVj<Esc>")
    editor.command("Farebox attach selection")
    editor.command("3,4Farebox attach selection")
    editor.command("Farebox attach buffer")
    editor.command("1,2Farebox attach diagnostics")
    editor.command("Farebox attach diagnostics")
    editor.command(f"Farebox attach {other}")
    editor.command("Farebox attach buffer")
    editor.keys("ggO\u00e9a<Esc>")
    chat.open("Well?")
    asked = chat.asked()

    def span(first: int, last: int, character: int = 0) -> dict[str, Any]:
        return {"start": {"line": first, "character": 0}, "end": {"line": last, "character": character}}

    assert asked["attachments"] == [
        {"uri": uri, "range": span(1, 3)},
        {"uri": uri, "range": span(3, 4, 4)},
        {"name": str(other), "text": "a note\N{REPLACEMENT CHARACTER}\n"},
        {"uri": uri},
    ]
    changes = [
        change["text"]
        for told in editor.lua("return fake.told('textDocument/didChange')")
        for change in told["contentChanges"]
    ]
    assert "éa" in "".join(changes), "the server has the latest text"
    first, *rest = asked["diagnostics"]
    assert (first["uri"], first["severity"], len(first["message"])) == (uri, "warning", 4000)
    assert first["range"] == {"start": {"line": 1, "character": 0}, "end": {"line": 1, "character": 3}}
    assert [(one["severity"], one["range"]["start"]["line"]) for one in rest] == [
        ("warning", 1),
        ("error", 3),
    ]
    chat.finish("So.")
    assert "attachments" not in chat.ask("And?"), "they go once"


def test_a_question_that_comes_back_brings_no_more_than_what_can_be_sent(chat: Chat):
    editor = chat.editor
    for number in range(67):
        (editor.folder / f"{number}.txt").write_text("a", "utf-8")
    chat.open()

    def attach(first: int, last: int) -> None:
        for number in range(first, last):
            editor.command(f"Farebox attach {editor.folder}/{number}.txt")

    attach(0, 64)
    assert len(chat.ask("Well?")["attachments"]) == 64
    attach(64, 67)
    chat.fail("no")
    editor.keys("G<CR>")
    names = [Path(attached["name"]).stem for attached in chat.asked(2)["attachments"]]
    assert names == [str(number) for number in range(64)]


def test_a_name_that_is_no_utf8_and_diagnostics_that_are_gone_do_not_spoil_the_history(chat: Chat):
    editor = chat.editor
    editor.lua(
        """
        namespace = vim.api.nvim_create_namespace("test")
        vim.cmd.file("b\\255.py")
        vim.diagnostic.set(namespace, 0, { { lnum = 0, col = 0, message = "bad\\27[31m" } })
        """
    )
    for question in ("First?", "Second?"):
        editor.command("Farebox attach diagnostics")
        if question == "Second?":
            editor.lua("vim.diagnostic.reset(namespace)")
        chat.ask(question) if chat.count() else chat.open(question)
        chat.asked(1 if question == "First?" else 2)
        chat.finish("So.")
    editor.lua("fake.exit(1, 9)")
    history = chat.ask("Third?")["history"]
    (attached,) = history[0]["attachments"]
    assert attached["name"].endswith("b\N{REPLACEMENT CHARACTER}.py")
    assert attached["text"].endswith("b\N{REPLACEMENT CHARACTER}.py:1: error: bad[31m")
    assert "attachments" not in history[1]


def test_what_is_not_attached_to_the_server_goes_as_text(chat: Chat):
    editor = chat.editor
    editor.lua(
        """
        vim.cmd.enew()
        vim.b.farebox_enabled = false
        vim.api.nvim_buf_set_lines(0, 0, -1, false, { "a", "b", "c" })
        """
    )
    editor.command("2,3Farebox chat Well?")
    assert chat.asked()["attachments"] == [{"name": "untitled", "text": "b\nc"}]
    chat.finish("So.")
    for words in (
        "Farebox attach nowhere.txt",
        "Farebox attach diagnostics",
        "Farebox attach selection",
        "Farebox attach /",
    ):
        editor.command(words)
    editor.settle()
    told = editor.messages()
    for words in ("there is no file nowhere.txt", "no diagnostics", "nothing is selected"):
        assert words in told
    assert "attachments" not in chat.ask("And?")
    chat.finish("So.")
    editor.command("Farebox attach buffer")
    editor.command("wincmd p")
    editor.command("bwipeout!")
    editor.command("Farebox chat Gone?")
    assert chat.asked(3)["attachments"] == [{"name": "untitled", "text": "a\nb\nc"}]
    chat.finish("So.")
    editor.open("a.py", "x = 1\n")
    editor.command("Farebox chat")
    editor.command("bdelete a.py")
    editor.command("Farebox attach buffer")
    assert "attachments" not in chat.ask("And that?"), "it is closed"


# --- code ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "blocks"),
    [
        ("no code", []),
        ("```py\na\nb\n```", [[1, 4, "py", "a\nb"]]),
        ("x\n~~~\na\n```\n~~~\ny", [[2, 5, "", "a\n```"]]),
        ("````md\n```py\na\n```\n````", [[1, 5, "md", "```py\na\n```"]]),
        ("- one\n\n  ```lua\n  a\n    b\n\n  ```", [[3, 7, "lua", "a\n  b\n"]]),
        ("1. ```sh\n   ls\n   ```", [[1, 3, "sh", "ls"]]),
        ("```py title=x\na\n  ``` \n```\nb", [[1, 3, "py", "a"], [4, 5, "", "b"]]),
        ("```py\na", [[1, 2, "py", "a"]]),
        ("``` a`b\nx", []),
        ("```\n```", [[1, 2, "", ""]]),
        ("a ``` b\n``\nc", []),
        ("~~~py\na\n~~~~~", [[1, 3, "py", "a"]]),
    ],
)
def test_code_blocks_are_found(editor: Editor, text: str, blocks: list[list[object]]):
    found = editor.lua(
        """
        return vim.tbl_map(function(block)
          return { block.first, block.last, block.language, block.code }
        end, require("farebox.chat.fences").blocks(vim.split(..., "\\n")))
        """,
        text,
    )
    assert found == blocks


def test_code_is_copied_and_applied_where_it_was_asked_about(chat: Chat):
    editor = chat.editor
    editor.lua(
        """
        package.loaded["farebox.review"] = { propose = function(proposal) proposed = proposal end }
        package.loaded["farebox.explain"] = { show = function(id) explained = id end }
        package.loaded["farebox.models"] = { pick = function(on_choice) on_choice("m/chosen") end }
        """
    )
    editor.open("a.py", "one\ntwo\nthree\n")
    chat.open()
    editor.keys("gyga")
    editor.settle()
    assert "there is no code block here" in editor.messages()
    editor.command("wincmd p")
    editor.command("2,3Farebox chat Better?")
    asked = chat.asked()
    answer = "First\n\n```py\na = 1\nb = 2\n```\n\nor\n\n```py\nc = 3\n```"
    chat.stream(answer[:-4])
    chat.settle()
    editor.keys("gy")
    assert editor.lua("return vim.fn.getreg('\"')") == "c = 3\n", "it is not closed yet"
    chat.finish(answer)
    editor.keys("gg/b = 2<CR>gy")
    assert editor.lua("return { vim.fn.getreg('\"'), vim.fn.getregtype('\"') }") == ["a = 1\nb = 2\n", "V"]
    source = editor.lua("return vim.fn.bufnr('a.py')")
    editor.lua("vim.api.nvim_buf_set_lines(..., 0, 0, false, { 'zero' })", source)
    chat.editor.keys("G")
    chat.ask("Only that?")
    chat.finish("Yes:\n\n```\nd = 4")
    assert chat.lines()[-8:-4] == ["d = 4", "```", "", FOOTER], "an open block ends with its answer"
    editor.keys("ga")
    proposal = "return { proposed.buffer, proposed.code, proposed.range }"
    assert editor.lua(proposal) == [source, "d = 4", [2, 4]]
    editor.keys("gg/a = 1<CR>ga")
    assert editor.lua(proposal) == [source, "a = 1\nb = 2", [2, 4]]
    for outcome in ("accepted", "partly", "rejected", "whatever"):
        editor.lua("proposed.on_done(...)", outcome)
    told = editor.lua("return fake.told('farebox/feedback')")
    assert [one["outcome"] for one in told] == ["applied", "applied", "rejected"]
    assert {(one["conversation"], one["turn"]) for one in told} == {(asked["conversation"], asked["turn"])}
    editor.keys("gx")
    assert editor.lua("return explained") == asked["turn"]
    editor.keys("gm")
    editor.settle()
    assert "chosen · $0.0042 · 2 turns" in editor.screen()
    editor.keys("[[")
    assert editor.cursor == (0, 0)
    editor.keys("]]")
    assert editor.nvim.current.line == "## You"
    assert editor.cursor[0] > 0
    assert chat.ask("Which?")["model"] == "m/chosen"
    editor.keys("g?")
    assert "copy the code block" in editor.screen()
    editor.keys("q")


def test_code_goes_into_the_file_that_was_asked_about_also_if_it_is_not_open(chat: Chat):
    editor = chat.editor
    old, new = "def f():\n    return 3\n", "def f():\n    return 5"
    unopened = editor.folder / "unopened.py"
    unopened.write_text(old, "utf-8")
    begun = str(unopened)[:-4]
    assert editor.nvim.funcs.getcompletion(f"Farebox attach {begun}", "cmdline") == [str(unopened)]
    closed = editor.open("closed.py", old)
    editor.open("another.py", "x = 3\n")
    for file in (unopened, closed):
        editor.command("Farebox new")
        editor.command(f"Farebox attach {file}")
        if file == closed:
            editor.command("bdelete closed.py")
        chat.ask("Better?")
        chat.finish(f"```\n{new}\n```")
        editor.keys("ga")
        assert editor.nvim.current.buffer.name == str(file)
        editor.keys("ghA")
        assert editor.buffer_text == new


@pytest.mark.parametrize("position", ["left", "below", "above", "tab"])
def test_the_chat_opens_where_the_user_wants_it(version: str, tmp_path: Any, position: str):
    setup = (
        f"{{ cmd = fake.start, chat = {{ position = '{position}', size = {30 if position == 'left' else 8}, "
        "keys = { retry = false } } }"
    )
    with running(version, tmp_path, setup=setup) as editor:
        editor.open("a.py", "x = 1\n")
        editor.command("Farebox chat")
        assert editor.nvim.current.buffer.name == "farebox://chat/1"
        place = editor.lua(
            "local w = vim.api.nvim_win_get_position(0); return { w[1], w[2], vim.fn.tabpagenr() }"
        )
        size = editor.lua("return { vim.api.nvim_win_get_width(0), vim.api.nvim_win_get_height(0) }")
        expected = {
            "left": (place[1], size[0]),
            "below": (0, size[1]),
            "above": (place[0], size[1]),
            "tab": (place[2], 2),
        }
        assert expected[position] in {(0, 30), (0, 8), (2, 2)}, (place, size)
        assert editor.lua("return vim.fn.maparg('gR', 'n')") == ""
        editor.keys("q")
        assert editor.nvim.current.buffer.name.endswith("a.py")
        editor.command("Farebox chat")
        editor.command("silent! only | silent! tabonly")
        for _ in range(2):
            editor.keys("q")
            editor.command("Farebox chat")
        assert_quiet(editor)


def test_of_a_long_chat_the_newest_turns_are_told_to_a_new_server(editor: Editor) -> None:
    told = editor.lua(
        """
        local Conversation = require('farebox.chat.conversation')
        local function told(count, bytes)
          local turns = {}
          for number = 1, count do
            turns[number] = { question = "q" .. number, answer = ("a"):rep(bytes), texts = {} }
          end
          return vim.tbl_map(function(turn) return turn.text end,
            Conversation.history_before({ turns = turns }, turns[count]))
        end
        return { told(300, 10), told(9, 1000000) }
        """
    )
    assert told == [[f"q{number}" for number in range(150, 300)], ["q5", "q6", "q7", "q8"]]
