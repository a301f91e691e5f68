"""What is done at each key: the rules one by one, and what holds whatever happens."""

from dataclasses import dataclass, field, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from farebox.completion.flow import FIRST_PAUSE_S, MAX_PAGES, MAX_PAUSE_S, decide
from farebox.completion.moves import (
    Action,
    Answer,
    Asked,
    Came,
    Changed,
    Closed,
    Ended,
    Event,
    Ghost,
    Guess,
    Guessed,
    Learned,
    Start,
    Stop,
    Ticked,
    Wake,
    Withdrawn,
)
from farebox.completion.pace import MAX_MOMENT_S
from farebox.completion.pages import MAX_STRANDS, Policy, State, ghost_now
from farebox.completion.spot import Spot, spot_in, typed_between
from farebox.completion.window import Window, window

BEFORE = "import os\n\n\ndef main():\n    x = "
AFTER = "\n"
FOUR_LINES = "foo(bar)\n    y = 1\n    z = 2\n    w = 3\n"
LATER_S = 2 * MAX_MOMENT_S


def place(prefix: str, suffix: str = AFTER, document: str = "a.py") -> tuple[Spot, Window]:
    return spot_in(document, prefix, suffix), window(document, "python", prefix, suffix)


@dataclass
class Editor:
    """A user at a machine of events: keeps the time, the text, and all that was decided."""

    state: State = field(default_factory=State)
    at_s: float = 100.0
    text: str = BEFORE
    after: str = AFTER
    document: str = "a.py"
    guess: str | None = None
    may_ask: bool = True
    number: int = 0
    actions: list[Action] = field(default_factory=list[Action])

    def tell(self, event: Event) -> list[Action]:
        """Tell of an event; a guess that is wanted is given at once, as the shell does."""
        actions = decide(event, self.state)
        self.actions += actions
        for action in actions:
            if isinstance(action, Guess):
                actions = [*actions, *self.tell(Guessed(self.at_s, action.request, self.guess))]
        return actions

    def spot(self) -> Spot:
        return spot_in(self.document, self.text, self.after)

    def ask(self, typed: str = "", after: str | None = None) -> Answer | None:
        """Type something and ask; return the answer if it comes at once."""
        self.text += typed
        self.after = self.after if after is None else after
        self.at_s += 0.1
        self.number += 1
        here = place(self.text, self.after, self.document)
        request = f"r{self.number}"
        actions = self.tell(Asked(self.at_s, request, *here, self.may_ask))
        return next((one for one in actions if isinstance(one, Answer) and one.request == request), None)

    def wait(self) -> list[Action]:
        """Wait until what is due is asked for."""
        self.at_s += LATER_S
        return self.tell(Ticked(self.at_s))

    def come(self, text: str, strand: str | None = None, first_token_s: float | None = None) -> list[Action]:
        self.at_s += 0.01
        return self.tell(Came(self.at_s, strand or self.strand, text, first_token_s))

    def end(self, strand: str | None = None, *, fails: bool = False) -> list[Action]:
        self.at_s += 0.01
        return self.tell(Ended(self.at_s, strand or self.strand, has_failed=fails, pauses=fails))

    def all(self, kind: type[Action]) -> list[Action]:
        return [action for action in self.actions if isinstance(action, kind)]

    @property
    def starts(self) -> list[Start]:
        return [action for action in self.actions if isinstance(action, Start)]

    @property
    def strand(self) -> str:
        """The answer that was asked for last."""
        return self.starts[-1].strand


def running(answer: str = "", policy: Policy | None = None) -> Editor:
    """Return an editor that waits, while so much of an answer has come."""
    editor = Editor(State(policy=policy or Policy()))
    assert editor.ask() is None
    editor.wait()
    if answer:
        editor.come(answer)
    return editor


def answered(text: str = FOUR_LINES, policy: Policy | None = None) -> Editor:
    """Return an editor that was shown the whole answer of a model."""
    editor = running(text, policy or Policy(may_look_ahead=False))
    editor.end()
    return editor


def shown(actions: list[Action]) -> Ghost | None:
    return next((one.ghost for one in actions if isinstance(one, Answer)), None)


def text_of(answer: Answer | None) -> str | None:
    return answer.ghost.text if answer is not None and answer.ghost is not None else None


def stopped(actions: list[Action]) -> list[str]:
    return [action.strand for action in actions if isinstance(action, Stop)]


# --- asking ---------------------------------------------------------------------------------------


def test_a_model_is_asked_after_a_moment_and_once():
    editor = Editor()
    assert editor.ask() is None
    assert editor.starts == []
    (wake,) = editor.all(Wake)
    assert isinstance(wake, Wake)
    assert editor.tell(Ticked(wake.at_s - 0.01)) == [wake]
    (start,) = editor.tell(Ticked(wake.at_s))
    assert start == Start("s1", "c2", place(BEFORE)[1], place(BEFORE)[0], one_line=False, is_ahead=False)
    assert editor.tell(Ticked(wake.at_s + 1)) == []


def test_each_key_begins_the_moment_anew():
    editor = Editor()
    for letter in "foo":
        editor.ask(letter)
    editor.wait()
    assert [start.window.line_before for start in editor.starts] == ["    x = foo"]


def test_the_moment_is_that_of_the_settings():
    editor = Editor(State(policy=Policy(debounce_s=1.5)))
    editor.ask()
    assert editor.all(Wake) == [Wake(editor.at_s + 1.5)]


def test_the_settings_may_want_no_more_than_a_line():
    editor = running("foo(bar)\n", Policy(one_line=True))
    assert editor.starts[0].one_line
    assert stopped(editor.actions) == ["s1"]


def test_a_newer_request_wins():
    editor = Editor()
    editor.ask()
    editor.ask("f")
    editor.wait()
    editor.come(FOUR_LINES[1:])
    assert [(one.request, one.silence) for one in editor.actions if isinstance(one, Answer)] == [
        ("r1", "superseded"),
        ("r2", None),
    ]


# --- running answers ------------------------------------------------------------------------------


def test_an_answer_is_shown_as_soon_as_its_line_is_whole():
    editor = running("foo(b")
    assert shown(editor.actions) is None
    ghost = shown(editor.come("ar)\n"))
    assert ghost is not None
    assert ghost.text == "foo(bar)"
    assert stopped(editor.actions) == []


def test_typing_along_a_running_answer_asks_for_nothing_more():
    editor = running()
    for letter in "foo":
        assert editor.ask(letter) is None
    ghost = shown(editor.come("foo(bar)\n"))
    assert ghost is not None
    assert (ghost.text, ghost.source) == ("(bar)", "running")
    assert text_of(editor.ask("(")) == "bar)"
    editor.wait()
    assert len(editor.starts) == 1
    assert stopped(editor.actions) == []


def test_what_has_come_of_a_running_answer_is_shown_at_once():
    editor = running("foo(bar)\n    y")
    editor.ask("f")
    assert text_of(editor.ask("o")) == "o(bar)"


def test_divergence_stops_a_running_answer_and_asks_anew():
    editor = running("foo(b")
    assert editor.ask("z") is None
    assert stopped(editor.actions) == ["s1"]
    editor.wait()
    assert [start.window.line_before for start in editor.starts] == ["    x = ", "    x = z"]


def test_an_answer_that_contradicts_what_was_typed_before_it_came_is_asked_for_anew():
    editor = running()
    editor.ask("z")
    editor.come("foo(bar)\n")
    assert stopped(editor.actions) == ["s1"]
    editor.wait()
    assert editor.starts[-1].window.line_before == "    x = z"
    ghost = shown(editor.come("oo()\n", editor.strand))
    assert ghost is not None
    assert ghost.text == "oo()"


def test_divergence_is_heard_of_before_anybody_asks():
    editor = running("foo(b")
    spot, _ = place(BEFORE + "z")
    actions = editor.tell(Changed(editor.at_s, "a.py", spot))
    assert actions == [Answer("r1", None, "changed"), Stop("s1")]
    assert editor.wait() == []


def test_an_edit_that_agrees_lets_the_answer_run():
    editor = running("foo(b")
    actions = editor.tell(Changed(editor.at_s, "a.py", place(BEFORE + "fo")[0]))
    assert actions == [Answer("r1", None, "changed")]
    editor.come("ar)\n")
    assert text_of(editor.ask("fo")) == "o(bar)"


def test_an_edit_elsewhere_stops_all_and_leaves_nothing_shown():
    editor = running("foo(bar)\n    y")
    actions = editor.tell(Changed(editor.at_s, "a.py", None))
    assert actions == [Stop("s1")]
    editor.text = "import sys\n" + editor.text
    assert editor.ask() is None


def test_an_answer_is_stopped_at_its_end_and_the_rest_is_kept():
    editor = running(policy=Policy(may_look_ahead=False))
    actions = editor.come(FOUR_LINES)
    assert stopped(actions) == ["s1"]
    assert text_of(editor.ask("foo(bar)")) == "\n    y = 1"
    assert text_of(editor.ask("\n    y = 1\n    z")) == " = 2"
    assert len(editor.starts) == 1


def test_an_answer_that_ends_without_a_word_is_said_to_be_nothing():
    editor = running()
    assert editor.end() == [Answer("r1", None, "nothing")]


def test_an_answer_that_is_stopped_at_its_end_with_nothing_to_show_leaves_nobody_waiting():
    editor = Editor(text="import os\n\n\ndef main():\n    run(", after="))\n")
    editor.ask()
    editor.wait()
    actions = editor.come("))\n    y = 1\n    z = 2\n    w = 3\n")
    assert stopped(actions) == [editor.strand]
    assert [action.silence for action in actions if isinstance(action, Answer)] == ["nothing"]


def test_what_comes_after_an_answer_was_stopped_changes_nothing():
    editor = running("foo(b")
    editor.ask("z")
    assert editor.come("ar)\n", "s1") == []
    assert editor.end("s1") == []
    assert editor.come("x", "unheard of") == []


def test_a_request_that_is_withdrawn_lets_its_answer_run_for_the_next_one():
    editor = running("foo(b")
    answer, _ = editor.tell(Withdrawn(editor.at_s, "r1"))
    assert answer == Answer("r1", None, "withdrawn")
    assert editor.tell(Withdrawn(editor.at_s, "r1")) == []
    editor.come("ar)\n")
    assert text_of(editor.ask()) == "foo(bar)"
    assert len(editor.starts) == 1


def test_an_answer_that_nobody_takes_up_again_lapses():
    editor = running("foo(b")
    _, wake = editor.tell(Withdrawn(editor.at_s, "r1"))
    assert isinstance(wake, Wake)
    assert editor.tell(Ticked(wake.at_s - 0.1)) == [wake]
    assert editor.tell(Ticked(wake.at_s)) == [Stop("s1")]


def test_nothing_is_asked_for_a_request_that_is_withdrawn_in_time():
    editor = Editor()
    editor.ask()
    editor.tell(Withdrawn(editor.at_s, "r1"))
    assert editor.wait() == []


# --- what is known --------------------------------------------------------------------------------


def test_a_cached_answer_comes_at_once():
    editor = answered()
    assert text_of(editor.ask("foo(b")) == "ar)"
    editor.ask("!")
    editor.text = BEFORE
    again = editor.ask()
    assert again is not None
    assert again.ghost is not None
    assert (again.ghost.text, again.ghost.source) == ("foo(bar)", "cache")
    assert len(editor.starts) == 1


def test_an_id_stays_the_same_while_one_types_along():
    editor = running("foo(bar)\n")
    ids = {ghost.id for ghost in [shown(editor.actions)] if ghost is not None}
    for letter in "foo(b":
        answer = editor.ask(letter)
        assert answer is not None
        assert answer.ghost is not None
        ids.add(answer.ghost.id)
    assert len(ids) == 1
    editor.ask("ar)")
    editor.come("\n    y = 1\n", editor.strand)
    other = editor.ask("\n")
    assert other is not None
    assert other.ghost is not None
    assert other.ghost.id not in ids


@pytest.mark.parametrize(
    ("typed", "after", "rest"),
    [
        pytest.param("foo(", ")\n", "bar", id="a-bracket-is-closed"),
        pytest.param("foo(b", ")\n", "ar", id="and-typed-into"),
        pytest.param("foo(bar", ")\n", None, id="nothing-is-left"),
    ],
)
def test_a_bracket_that_the_editor_has_closed_is_neither_divergence_nor_doubled(
    typed: str, after: str, rest: str | None
):
    editor = answered()
    assert text_of(editor.ask(typed, after)) == rest
    assert stopped(editor.actions) == ["s1"]


def test_quotes_closed_by_the_editor_and_typed_over_are_no_divergence():
    editor = running()
    editor.ask("'", "'\n")
    editor.ask("a", "'\n")
    editor.ask("'", "\n")
    ghost = shown(editor.come("'a' + b\n"))
    assert ghost is not None
    assert ghost.text == " + b"
    assert len(editor.starts) == 1


def test_a_line_that_the_editor_has_indented_is_no_divergence():
    editor = answered()
    assert text_of(editor.ask("foo(bar)\n    ")) == "y = 1\n    z = 2\n    w = 3"


def test_a_newer_answer_changes_a_shown_one_only_by_going_on():
    editor = answered("foo(bar)\n")
    for number, text in enumerate(("foo(other)", "foo(bar, baz)", "fob")):
        spot, _ = place(BEFORE)
        editor.tell(Learned(editor.at_s, f"hand{number}", spot, text))
    assert text_of(editor.ask("fo")) == "o(bar)"


def test_what_was_asked_for_by_hand_is_known():
    editor = Editor()
    spot, _ = place(BEFORE)
    editor.tell(Learned(1.0, "hand", spot, "foo(bar)"))
    ghost = ghost_now(editor.state, *place(BEFORE + "foo("))
    assert ghost is not None
    assert (ghost.text, ghost.strand) == ("bar)", "hand")
    assert text_of(editor.ask("f")) == "oo(bar)"
    assert ghost_now(editor.state, *place(BEFORE, document="b.py")) is None


# --- ahead ----------------------------------------------------------------------------------------


def test_what_follows_is_asked_for_when_little_is_left():
    editor = answered("foo(bar, a_rather_long_name_of_something, and_another_one_that_is_as_long)\n")
    editor.state.policy = Policy()
    editor.ask("foo(bar, a_")
    assert len(editor.starts) == 1
    editor.ask("rather_long_name_of_something, and_another_one_that_is_as_")
    assert [start.is_ahead for start in editor.starts] == [False, True]
    assert editor.starts[1].window.line_before.endswith("and_another_one_that_is_as_long)")


def test_right_after_an_accept_what_follows_is_there_already():
    editor = running(policy=Policy())
    editor.come("foo(bar)\n")
    editor.end()
    editor.ask("f")
    assert [start.is_ahead for start in editor.starts] == [False, True]
    editor.come("\n    y = 1\n", editor.strand)
    answer = editor.ask("oo(bar)")
    assert text_of(answer) == "\n    y = 1"
    assert answer is not None
    assert answer.ghost is not None
    assert answer.ghost.source == "ahead"


def test_who_takes_a_suggestion_does_not_wait_a_moment():
    editor = answered("foo(bar)\n")
    assert editor.ask("foo(bar)") is None
    editor.tell(Ticked(editor.at_s))
    assert len(editor.starts) == 2


def test_nothing_is_asked_ahead_where_that_is_switched_off():
    editor = running("foo(bar)\n", Policy(may_look_ahead=False))
    editor.end()
    for letter in "foo(ba":
        editor.ask(letter)
    assert not any(start.is_ahead for start in editor.starts)


def test_a_look_ahead_that_fails_leaves_what_was_known():
    editor = running("foo(bar)\n", Policy())
    editor.end()
    editor.ask("f")
    editor.end(fails=True)
    assert text_of(editor.ask("oo(b")) == "ar)"
    editor.tell(Asked(editor.at_s, "elsewhere", *place(BEFORE, document="b.py")))
    editor.text = BEFORE
    assert text_of(editor.ask()) == "foo(bar)"


def test_a_look_ahead_that_changes_the_shown_line_is_stopped_and_not_shown():
    editor = running("foo(bar)\n", Policy())
    editor.end()
    editor.ask("f")
    assert editor.come("foo(bar)") == [Stop("s1")]
    assert text_of(editor.ask("o")) == "o(bar)"
    assert len(editor.starts) == 2


def test_in_a_line_that_was_begun_by_hand_what_follows_begins_there():
    editor = answered("foo(bar)\n")
    editor.ask("foo(bar)\n")
    editor.wait()
    assert editor.starts[-1].window.line_before == ""
    editor.come("    y = 1\n", editor.strand)
    ghost = shown(editor.end())
    assert ghost is not None
    assert ghost.text == "    y = 1"
    assert len(editor.starts) == 2


# --- failures -------------------------------------------------------------------------------------


def failing(times: int) -> tuple[Editor, list[float]]:
    """Fail so many times, each as soon as one may; return how long each pause was."""
    editor, pauses_s = running(), list[float]()
    for _ in range(times):
        ended_s = editor.at_s + 0.01
        editor.end(fails=True)
        pauses_s.append(editor.state.paused_until_s - ended_s)
        editor.at_s = editor.state.paused_until_s
        editor.ask("x")
        editor.wait()
    return editor, [round(pause_s, 6) for pause_s in pauses_s]


def test_after_each_failure_the_pause_is_twice_as_long_up_to_a_minute():
    _, pauses_s = failing(7)
    assert (FIRST_PAUSE_S, MAX_PAUSE_S) == (2, 60)
    assert pauses_s == [2, 4, 8, 16, 32, 60, 60]


def test_while_it_lasts_no_model_is_asked_and_that_is_said():
    editor = running()
    answers = [one for one in editor.end(fails=True) if isinstance(one, Answer)]
    assert [(one.request, one.ghost) for one in answers] == [("r1", None)]
    assert answers[0].silence in ("failed", "backOff")
    answer = editor.ask("x")
    assert answer is not None
    assert answer.silence == "backOff"
    assert editor.wait() == []


def test_what_was_due_when_another_document_failed_is_not_asked():
    editor = running()
    editor.tell(Asked(editor.at_s, "other", *place(BEFORE, document="b.py")))
    editor.end(fails=True)
    actions = editor.wait()
    assert Answer("other", None, "failed") in actions
    assert len(editor.starts) == 1


def test_an_answer_ends_the_doubling():
    editor, _ = failing(3)
    editor.come("foo", editor.strand, first_token_s=0.2)
    assert editor.state.pause_s == 0


def test_new_settings_end_a_pause():
    editor = running()
    editor.end(fails=True)
    editor.state.paused_until_s = editor.state.pause_s = 0.0
    assert editor.ask("x") is None
    editor.wait()
    assert len(editor.starts) == 2


# --- the user's own files -------------------------------------------------------------------------


def test_while_no_model_is_expected_soon_the_users_own_files_speak():
    editor = Editor(guess="own(1)")
    editor.state.pace.answered(1.0)
    answer = editor.ask()
    assert answer is not None
    assert answer.ghost is not None
    assert (answer.ghost.text, answer.ghost.source, answer.ghost.strand) == ("own(1)", "embedded", None)
    assert editor.wait(), "the model is asked nevertheless"


def test_a_model_that_is_fast_is_waited_for():
    editor = Editor(guess="own(1)")
    editor.state.pace.answered(0.05)
    assert editor.ask() is None
    assert editor.all(Guess) == []


def test_where_no_model_may_be_asked_the_users_own_files_speak_or_nobody():
    editor = Editor(guess="own(1)", may_ask=False)
    editor.state.pace.answered(0.05)
    assert text_of(editor.ask()) == "own(1)"
    editor.guess = None
    answer = editor.ask("z")
    assert answer is not None
    assert (answer.ghost, answer.silence) == (None, "notAsked")
    assert editor.wait() == []


def test_when_a_model_fails_the_users_own_files_speak():
    editor = running()
    editor.guess = "own(1)"
    ghost = shown(editor.end(fails=True))
    assert ghost is not None
    assert ghost.source == "embedded"
    assert text_of(editor.ask("own")) == "(1)"


def test_an_embedded_suggestion_keeps_its_id_and_its_place():
    editor = Editor(guess="own(1)")
    editor.state.pace.answered(1.0)
    first = editor.ask()
    editor.guess = "own(2)"
    editor.wait()
    editor.come("owl()\n")
    then = editor.ask("own")
    assert first is not None
    assert first.ghost is not None
    assert then is not None
    assert then.ghost == replace(first.ghost, text="(1)")


# --- documents ------------------------------------------------------------------------------------


def test_who_turns_to_another_document_leaves_the_answer_that_nobody_waits_for():
    editor = running("foo(bar)\n    y")
    actions = editor.tell(Asked(editor.at_s, "there", *place(BEFORE, document="b.py")))
    assert stopped(actions) == ["s1"]


def test_who_waits_in_another_document_is_still_answered():
    editor = running()
    editor.tell(Asked(editor.at_s, "there", *place(BEFORE, document="b.py")))
    actions = editor.come("foo(bar)\n", "s1")
    assert [one.request for one in actions if isinstance(one, Answer)] == ["r1"]


def test_a_closed_document_is_forgotten():
    editor = running("foo(b")
    assert editor.tell(Closed("a.py")) == [Answer("r1", None, "changed"), Stop("s1")]
    assert editor.tell(Closed("a.py")) == []
    assert editor.tell(Changed(editor.at_s, "a.py", None)) == []
    assert not editor.state.pages


def test_more_documents_than_are_kept_leave_nobody_waiting():
    editor = running()
    actions: list[Action] = []
    for number in range(MAX_PAGES):
        actions += editor.tell(Asked(editor.at_s, f"d{number}", *place(BEFORE, document=f"{number}.py")))
    assert Answer("r1", None, "superseded") in actions
    assert stopped(actions) == ["s1"]
    assert len(editor.state.pages) == MAX_PAGES


def test_more_answers_than_are_kept_make_room_but_not_for_the_running_one():
    editor = running("foo(b")
    spot, _ = place(BEFORE + "zz")
    for number in range(2 * MAX_STRANDS):
        editor.tell(Learned(editor.at_s, f"h{number}", spot, f"{number}"))
    assert len(editor.state.pages["a.py"].strands) == MAX_STRANDS
    assert shown(editor.come("ar)\n", "s1")) is not None


# --- whatever happens -----------------------------------------------------------------------------

TRUTH = "foo(bar)\n    y = [\n        1,\n    ]\n    z = 2\n\n    return y\n"
DOCUMENTS = ("a.py", "b.py", "c.py")


@dataclass
class Machine:
    """Events as an editor, a clock and models send them, and what must hold after each of them."""

    state: State = field(default_factory=State)
    at_s: float = 100.0
    typed: dict[str, str] = field(default_factory=lambda: dict.fromkeys(DOCUMENTS, ""))
    events: list[Event | Policy] = field(default_factory=list[Event | Policy])
    decided: list[list[Action]] = field(default_factory=list[list[Action]])
    requests: dict[str, tuple[Spot, Window]] = field(default_factory=dict[str, tuple[Spot, Window]])
    answers: dict[str, Answer] = field(default_factory=dict[str, Answer])
    running: dict[str, Start] = field(default_factory=dict[str, Start])
    ended: list[str] = field(default_factory=list[str])
    wake_s: float | None = None
    shown: dict[str, tuple[Spot, str]] = field(default_factory=dict[str, tuple[Spot, str]])
    guess: str | None = None

    def tell(self, event: Event) -> None:
        self.events.append(event)
        actions = decide(event, self.state)
        self.decided.append(actions)
        for action in actions:
            self.check(action, event)
        for action in actions:
            if isinstance(action, Guess):
                self.tell(Guessed(self.at_s, action.request, self.guess))

    def follow(self, policy: Policy) -> None:
        self.events.append(policy)
        self.state.policy = policy

    def check(self, action: Action, event: Event) -> None:
        match action:
            case Answer(request=request, ghost=ghost):
                assert request in self.requests, "nobody has asked"
                assert request not in self.answers, "it was answered already"
                self.answers[request] = action
                assert (ghost is None) is (action.silence is not None)
                if ghost is not None:
                    self.check_ghost(ghost, self.requests[request][0])
            case Start(strand=strand, spot=spot):
                self.running[strand] = action
                there = [one for one in self.running.values() if one.spot.document == spot.document]
                assert len(there) == 1, "two answers for one document"
                assert self.at_s >= self.state.paused_until_s, "in a pause"
                assert not action.is_ahead or self.state.policy.may_look_ahead
            case Stop(strand=strand):
                assert strand in self.running, "it does not run"
                del self.running[strand]
                self.ended.append(strand)
            case Wake(at_s=at_s):
                self.wake_s = at_s if self.wake_s is None else min(at_s, self.wake_s)
            case Guess(request=request):
                assert request not in self.answers
                assert not isinstance(event, Guessed)

    def check_ghost(self, ghost: Ghost, spot: Spot) -> None:
        assert ghost.text.strip()
        before = self.shown.get(spot.document)
        if before is not None:
            typed = typed_between(before[0], spot)
            if typed is not None and before[1].startswith(typed):
                rest = before[1][len(typed) :]
                assert not rest.strip() or ghost.text.startswith(rest), "changed under the user's eyes"
        self.shown = {spot.document: (spot, ghost.text)}
        page = self.state.pages[spot.document]
        strand = next((one for one in page.strands if one.id == ghost.strand), None)
        if strand is not None:
            typed = typed_between(strand.spot, spot)
            assert typed is not None
            expected, offered = strand.text[len(typed) :].split(), ghost.text.split()
            assert strand.text.startswith(typed)
            assert "".join(expected).startswith("".join(offered)), "not what was expected here"

    def settle(self) -> None:
        """Check what must hold between two events."""
        assert len(self.state.pages) <= MAX_PAGES
        for page in self.state.pages.values():
            assert len(page.strands) <= MAX_STRANDS
            known = {strand.id for strand in page.running()}
            assert known <= set(self.running)
            assert page.waiting is None or page.due_s is not None or known, "nobody will answer"
            assert page.due_s is None or (self.wake_s is not None and self.wake_s <= page.due_s), "no alarm"
        unanswered = {page.waiting.request for page in self.state.pages.values() if page.waiting is not None}
        assert set(self.requests) - set(self.answers) == unanswered


class Story:
    """Lets things happen to a machine, as they are drawn: one method for each sort of event."""

    def __init__(self, data: st.DrawFn) -> None:
        self.draw = data
        self.machine = Machine()
        self.document = DOCUMENTS[0]
        self.number = 0

    def here(self) -> tuple[Spot, Window]:
        return place(BEFORE + self.machine.typed[self.document], document=self.document)

    def ask(self) -> None:
        """Type a key, or more, mostly along what a model would say; an edit may be heard of before."""
        machine, typed = self.machine, self.machine.typed[self.document]
        more = self.draw(st.sampled_from([0, 1, 1, 1, 2, 8]))
        along = TRUTH[len(typed) : len(typed) + more]
        edit = self.draw(st.sampled_from([along, along, along, "z", "\n    "]))
        machine.typed[self.document] = (typed + edit)[:200]
        here = self.here()
        if self.draw(st.booleans()):
            machine.tell(Changed(machine.at_s, self.document, here[0]))
        machine.requests[f"r{self.number}"] = here
        may_ask = self.draw(st.sampled_from([True, True, True, False]))
        machine.tell(Asked(machine.at_s, f"r{self.number}", *here, may_ask))

    def tick(self) -> None:
        machine = self.machine
        if machine.wake_s is not None:
            machine.at_s, machine.wake_s = max(machine.at_s, machine.wake_s), None
            machine.tell(Ticked(machine.at_s))

    def come(self) -> None:
        """Let a model say what is true, or something else."""
        machine = self.machine
        if not machine.running:
            return
        strand = self.draw(st.sampled_from(sorted(machine.running)))
        known = machine.running[strand].spot.before[len(BEFORE) :]
        text = self.draw(st.sampled_from([TRUTH, TRUTH, "zap()\n", "\n", "    z = 2\n"]))
        start = self.draw(st.integers(min_value=0, max_value=len(text)))
        if text == TRUTH and TRUTH.startswith(known):
            start = len(known)
        size = self.draw(st.integers(min_value=1, max_value=30))
        machine.tell(Came(machine.at_s, strand, text[start : start + size], 0.3))

    def end(self) -> None:
        machine = self.machine
        if machine.running:
            strand = self.draw(st.sampled_from(sorted(machine.running)))
            fails = self.draw(st.booleans())
            del machine.running[strand]
            machine.tell(Ended(machine.at_s, strand, has_failed=fails, pauses=fails))

    def come_late(self) -> None:
        """Let more come of what has ended already: it does not matter any more."""
        gone = self.draw(st.sampled_from(["unheard of", *self.machine.ended]))
        if gone not in self.machine.running:
            self.machine.tell(Came(self.machine.at_s, gone, "late"))
            self.machine.tell(Ended(self.machine.at_s, gone))

    def paste(self) -> None:
        self.machine.typed[self.document] = self.draw(st.sampled_from(["", "fo", "q"]))
        self.machine.shown.pop(self.document, None)
        self.machine.tell(Changed(self.machine.at_s, self.document, None))

    def withdraw(self) -> None:
        waiting = sorted(set(self.machine.requests) - set(self.machine.answers))
        self.machine.tell(Withdrawn(self.machine.at_s, self.draw(st.sampled_from(["unheard of", *waiting]))))

    def switch(self) -> None:
        self.document = self.draw(st.sampled_from(DOCUMENTS))

    def close(self) -> None:
        self.machine.shown.pop(self.document, None)
        self.machine.tell(Closed(self.document))

    def know(self) -> None:
        self.machine.guess = self.draw(st.sampled_from([None, "foo(", "zip"]))

    def follow(self) -> None:
        debounce_s = self.draw(st.sampled_from([None, 0.0, 0.05]))
        self.machine.follow(Policy(debounce_s, self.draw(st.booleans()), self.draw(st.booleans())))

    def learn(self) -> None:
        rest = TRUTH[len(self.machine.typed[self.document]) :]
        text = self.draw(st.sampled_from([rest, "zip()", f"{rest[:2]}zip()"]))
        spot, _ = self.here()
        self.machine.tell(Learned(self.machine.at_s, f"h{self.number}", spot, text))


OFTEN = (Story.ask, Story.tick, Story.come)
NOW_AND_THEN = (Story.end, Story.end, Story.learn, Story.learn, Story.withdraw, Story.switch, Story.paste)
SELDOM = (Story.come_late, Story.close, Story.know, Story.follow)


@st.composite
def stories(draw: st.DrawFn) -> Machine:
    """Let anything happen in any order."""
    story = Story(draw)
    steps = draw(st.lists(st.sampled_from([*OFTEN * 4, *NOW_AND_THEN, *SELDOM]), min_size=1, max_size=40))
    for number, step in enumerate(steps):
        story.number = number
        story.machine.at_s += draw(st.sampled_from([0.0, 0.02, 0.1, 0.5, 3.0, 70.0]))
        step(story)
        story.machine.settle()
    return story.machine


@settings(max_examples=200, deadline=None)
@given(stories())
def test_whatever_happens_each_request_is_answered_once_and_no_ghost_flickers(machine: Machine):
    for document in DOCUMENTS:
        machine.shown.pop(document, None)
        machine.tell(Closed(document))
        machine.settle()
    assert set(machine.answers) == set(machine.requests)
    assert not machine.running


@settings(max_examples=100, deadline=None)
@given(stories())
def test_the_same_events_give_the_same_actions(machine: Machine):
    state, decided = State(), list[list[Action]]()
    for event in machine.events:
        if isinstance(event, Policy):
            state.policy = event
        else:
            decided.append(decide(event, state))
    assert decided == machine.decided
    assert state == machine.state
