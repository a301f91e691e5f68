"""What is done at each key: a pure machine of events and actions, and the only state of completion.

``decide`` takes what has happened and says what is to be done; time comes with the events, so that the same
events give the same actions. It opens nothing and waits for nothing: ``completer`` is the shell that acts.

The rules: show at once what is known already, from an earlier answer or from one that is still growing; let a
running answer go on while it agrees with what is typed; else wait a moment and ask; stop an answer
when typing contradicts it, or when it has come to the end of a line, statement or block; ask for what
follows before it is needed; never change a suggestion under the user's eyes but for one that begins with it.
"""

import string
from typing import Final, assert_never

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
    Hushed,
    Learned,
    Silence,
    Start,
    Stop,
    Ticked,
    Wake,
    Withdrawn,
)
from farebox.completion.pages import Page, Shown, State, ghost_for, hidden_for
from farebox.completion.spot import MAX_TYPED_CHARS, Spot, typed_between
from farebox.completion.strand import Strand, Wanted
from farebox.completion.trim import trim

MAX_PAGES: Final = 32
FIRST_PAUSE_S: Final = 2.0
MAX_PAUSE_S: Final = 60.0
PATIENCE_S: Final = 0.1
"""What the embedded completer has to say is shown where a model's answer is further away than this."""
LINES: Final = 4
"""How many lines are asked for at once: the first is shown, the others are there when it is taken."""
WORD: Final = "_" + string.ascii_letters + string.digits
LAPSE_S: Final = 1.0
"""How long an answer goes on after its request was taken back, for the next one to take it up."""
CLOCK_STEP_S: Final = 0.001
"""A timer may ring that much early: clocks round."""


def decide(event: Event, state: State) -> list[Action]:
    """Say what is to be done about an event, and remember it."""
    match event:
        case Asked():
            return _asked(event, state)
        case Guessed():
            return _guessed(event, state)
        case Changed():
            return _changed(event, state)
        case Withdrawn():
            return _withdrawn(event, state)
        case Came():
            return _came(event, state)
        case Ended():
            return _ended(event, state)
        case Learned():
            return _learned(event, state)
        case Hushed():
            return _hushed(event, state)
        case Ticked():
            return _ticked(event, state)
        case Closed():
            return _closed(event, state)
        case _:
            assert_never(event)


# --- keys ----------------------------------------------------------------------------------------


def _asked(event: Asked, state: State) -> list[Action]:
    page = state.page(event.spot.document)
    actions = [*_leave_others(page, state), *_release(page, "superseded")]
    state.pace.keyed(event.at_s)
    has_accepted = page.shown is not None and _has_accepted(page.shown, page.last, event.spot)
    page.last, page.due_s, page.lapses_s = event, None, None
    actions += _stop_contradicted(page, event.spot)
    ghost = ghost_for(page, event, state)
    if ghost is not None:
        return [*actions, *_show(page, event, ghost), *_look_ahead(page, event.at_s, state)]
    page.shown = None
    if not _may_ask(event, state):
        page.waiting = event
        return [*actions, Guess(event.request, event.window)]
    page.waiting = event
    running = page.running()
    moment_s = _moment_s(event, state, has_accepted=has_accepted)
    used_up = _used_up(page, event) if not running else None
    if used_up is not None and (go_on := _go_on(used_up, "", event, event.at_s, state)):
        return [*actions, *go_on]
    if not running:
        page.due_s = event.at_s + moment_s
        actions.append(Wake(page.due_s))
    elapsed_s = max((event.at_s - strand.began_s for strand in running), default=-moment_s)
    if state.pace.first_token_s - elapsed_s > PATIENCE_S:
        actions.append(Guess(event.request, event.window))
    return actions


def _used_up(page: Page, event: Asked) -> Strand | None:
    """Find a whole line that was expected and is all there now: what comes next is the next line."""
    return next(
        (one for one in reversed(page.strands) if one.is_whole and one.rest_at(event.spot) == ""), None
    )


def _may_ask(event: Asked, state: State) -> bool:
    return event.may_ask and event.at_s >= state.paused_until_s


def _has_accepted(shown: Shown, last: Asked | None, now: Spot) -> bool:
    """Whether a suggestion was taken just now: it is there all at once."""
    typed = typed_between(shown.spot, now)
    before = typed_between(last.spot, now) if last is not None else None
    return typed == shown.ghost.text and before is not None and len(before) > 1


def _moment_s(event: Asked, state: State, *, has_accepted: bool) -> float:
    if state.policy.debounce_s is not None:
        return state.policy.debounce_s
    line = event.window.line_before
    if has_accepted or not line.strip():
        return 0.0
    return state.pace.moment_s(letters=len(line) - len(line.rstrip(WORD)))


def _leave_others(page: Page, state: State) -> list[Action]:
    """One types in one place: what nobody waits for in other documents is of no use any more."""
    actions: list[Action] = []
    for other in state.pages.values():
        if other is not page:
            other.shown = None
            if other.waiting is None:
                other.due_s = None
                actions += _stop_all(other)
    while len(state.pages) > MAX_PAGES:
        _, oldest = state.pages.popitem(last=False)
        actions += [*_release(oldest, "superseded"), *_stop_all(oldest)]
    return actions


def _release(page: Page, silence: Silence, hidden: tuple[str, ...] = ()) -> list[Action]:
    """Answer whoever waits: a request is answered once, and a newer one or an edit makes it pointless."""
    waiting, page.waiting = page.waiting, None
    return [] if waiting is None else [Answer(waiting.request, None, silence, hidden)]


def _stop_contradicted(page: Page, spot: Spot) -> list[Action]:
    return _stop([strand for strand in page.running() if strand.rest_at(spot) is None])


def _stop_all(page: Page) -> list[Action]:
    return _stop(page.running())


def _stop(strands: list[Strand]) -> list[Action]:
    for strand in strands:
        strand.stop()
    return [Stop(strand.id) for strand in strands]


def _changed(event: Changed, state: State) -> list[Action]:
    page = state.pages.get(event.document)
    if page is None:
        return []
    page.due_s = None
    actions = _release(page, "changed")
    if event.spot is None:
        page.shown = None
        return [*actions, *_stop_all(page)]
    return [*actions, *_stop_contradicted(page, event.spot)]


def _withdrawn(event: Withdrawn, state: State) -> list[Action]:
    """Editors take a request back at each key, and ask again at once: what is under way may serve that."""
    for page in state.pages.values():
        if page.waiting is not None and page.waiting.request == event.request:
            page.due_s, page.lapses_s = None, event.at_s + LAPSE_S
            return [*_release(page, "withdrawn"), Wake(page.lapses_s)]
    return []


def _closed(event: Closed, state: State) -> list[Action]:
    page = state.pages.pop(event.document, None)
    return [] if page is None else [*_release(page, "changed"), *_stop_all(page)]


# --- what to show --------------------------------------------------------------------------------


def _show(page: Page, asked: Asked, ghost: Ghost) -> list[Action]:
    page.waiting = None
    page.shown = Shown(ghost, asked.spot)
    return [Answer(asked.request, ghost)]


def _guessed(event: Guessed, state: State) -> list[Action]:
    for page in state.pages.values():
        waiting = page.waiting
        if waiting is None or waiting.request != event.request:
            continue
        if event.text is not None:
            ghost = Ghost(f"embedded.{event.request}", event.text, "embedded", None)
            return _show(page, waiting, ghost)
        if page.due_s is None and not page.running():
            is_paused = state.failed_s < waiting.at_s < state.paused_until_s
            return _release(page, "backOff" if is_paused else "failed" if waiting.may_ask else "notAsked")
    return []


# --- answers -------------------------------------------------------------------------------------


def _learned(event: Learned, state: State) -> list[Action]:
    page = state.page(event.spot.document)
    strand = Strand(event.strand, event.spot, None, one_line=False, wanted=Wanted(1, 0), began_s=event.at_s)
    strand.text, strand.is_whole = event.text, True
    page.keep(strand)
    if event.shown is not None:
        page.shown = Shown(event.shown, event.spot)
    return []


def _hushed(event: Hushed, state: State) -> list[Action]:
    if event.spot is None:
        pages = list(state.pages.values())
    else:
        page = state.pages.get(event.spot.document)
        pages = [] if page is None else [page]
    actions: list[Action] = []
    for page in pages:
        page.due_s = page.shown = None
        actions += _release(page, "superseded")
        actions += (
            _stop_all(page) if event.stops or event.spot is None else _stop_contradicted(page, event.spot)
        )
    return actions


def _ticked(event: Ticked, state: State) -> list[Action]:
    actions: list[Action] = []
    for page in state.pages.values():
        if page.due_s is None or page.due_s > event.at_s + CLOCK_STEP_S or page.last is None:
            continue
        page.due_s = None
        actions += _ask(page, event.at_s, state)
    for page in state.pages.values():
        if page.lapses_s is not None and page.lapses_s <= event.at_s + CLOCK_STEP_S:
            page.lapses_s = None
            actions += _stop_all(page)
    times = (time for page in state.pages.values() for time in (page.due_s, page.lapses_s))
    later = [time for time in times if time is not None]
    return [*actions, Wake(min(later))] if later else actions


def _ask(page: Page, at_s: float, state: State) -> list[Action]:
    """Ask a model about the last place."""
    last = page.last
    if last is None:
        return []
    if not last.may_ask or at_s < state.paused_until_s:
        return [] if page.waiting is None else [Guess(page.waiting.request, page.waiting.window)]
    strand = Strand(state.next_name("s"), last.spot, last.window, last.window.one_line, _wanted(state), at_s)
    call = state.next_name("c")
    strand.calls = ((0, call),)
    actions = _stop_all(page)
    page.keep(strand)
    return [*actions, Start(strand.id, call, last.window, last.spot, state.policy.one_line, is_ahead=False)]


def _wanted(state: State) -> Wanted:
    return Wanted(1 if state.policy.one_line else LINES, state.pace.enough_chars)


def _came(event: Came, state: State) -> list[Action]:
    found = state.page_of(event.strand)
    if event.first_token_s is not None:
        state.pace.answered(event.first_token_s)
        state.pause_s = 0.0
    if found is None or not found[1].is_running:
        return []
    page, strand = found
    strand.text += event.text
    if strand.goes_astray:
        strand.give_up()
        state.ends_lines = True
        return [Stop(strand.id), *_serve_the_last(page, event.at_s, state)]
    last = page.last
    if last is not None and strand.rest_at(last.spot) is None:
        return [*_stop([strand]), *_ask_again(page, event.at_s, state)]
    if "\n" in event.text and strand.is_enough:
        strand.finish()
        return [Stop(strand.id), *_serve_the_last(page, event.at_s, state)]
    return _serve(page, event.at_s, state)


def _ask_again(page: Page, at_s: float, state: State) -> list[Action]:
    """Ask about the last place, after all, if somebody waits there for an answer that was of no use."""
    waiting = page.waiting
    if waiting is None or page.running() or page.due_s is not None:
        return []
    due_s = waiting.at_s + _moment_s(waiting, state, has_accepted=False)
    if due_s <= at_s:
        return _ask(page, at_s, state)
    page.due_s = due_s
    return [Wake(due_s)]


def _ended(event: Ended, state: State) -> list[Action]:
    if event.pauses:
        state.pause_s = min(max(FIRST_PAUSE_S, 2 * state.pause_s), MAX_PAUSE_S)
        state.paused_until_s = event.at_s + state.pause_s
        state.failed_s = event.at_s
    found = state.page_of(event.strand)
    if found is None:
        return []
    page, strand = found
    if strand.is_running and not event.has_failed:
        strand.finish()
        strand.is_closed = not strand.text[strand.asked_from :].strip()
    strand.stop()
    if not event.has_failed:
        return _serve_the_last(page, event.at_s, state)
    actions = _serve(page, event.at_s, state)
    if page.waiting is None or page.running() or page.due_s is not None:
        return actions
    return [*actions, Guess(page.waiting.request, page.waiting.window)]


def _serve_the_last(page: Page, at_s: float, state: State) -> list[Action]:
    """Answer whoever waits, with nothing if there is nothing to show: no more will come."""
    actions = _serve(page, at_s, state)
    if page.running() or page.due_s is not None:
        return actions
    hidden = hidden_for(page, page.waiting, state) if page.waiting is not None else ()
    return [*actions, *_release(page, "hidden" if hidden else "nothing", hidden)]


def _serve(page: Page, at_s: float, state: State) -> list[Action]:
    """Answer whoever waits, if there is something to show by now; and look ahead."""
    waiting = page.waiting
    if waiting is None:
        return []
    ghost = ghost_for(page, waiting, state)
    if ghost is None:
        return []
    if ghost.source == "cache":
        ghost = Ghost(ghost.id, ghost.text, "model", ghost.strand)
    page.due_s = None
    return [*_show(page, waiting, ghost), *_look_ahead(page, at_s, state)]


def _look_ahead(page: Page, at_s: float, state: State) -> list[Action]:
    """Ask for what follows the suggestion that is shown, when little of it is left."""
    last, shown = page.last, page.shown
    if last is None or shown is None or page.running() or not state.policy.may_look_ahead:
        return []
    strand = next((one for one in page.strands if one.id == shown.ghost.strand), None)
    rest = strand.rest_at(last.spot) if strand is not None else None
    if strand is None or rest is None or len(rest.rstrip()) > state.pace.look_ahead_chars:
        return []
    return _go_on(strand, rest, last, at_s, state)


def _go_on(strand: Strand, rest: str, last: Asked, at_s: float, state: State) -> list[Action]:
    """Ask for the line that follows a strand's text, of which ``rest`` is not typed yet."""
    if strand.is_running or strand.is_closed or not _may_ask(last, state) or last.window.line_after.strip():
        return []
    if rest.strip() and trim(rest, last.window) != rest.rstrip():
        strand.is_closed = True
        return []
    typed = strand.text[: len(strand.text) - len(rest)]
    if len(typed) > MAX_TYPED_CHARS // 2:
        strand.forget_typed(typed)
        typed = ""
    rest = rest.rstrip() + ("\n" if state.ends_lines else "")
    window = last.window.after(rest)
    call = state.next_name("c")
    strand.go_on(window, typed + rest, at_s, _wanted(state), call)
    return [Start(strand.id, call, window, last.spot.onward(rest), one_line=False, is_ahead=True)]
