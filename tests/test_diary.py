"""The diary: the last things that happened, and no more than that."""

import dataclasses

import pytest

from farebox.diary import MAX_ENTRIES, Diary, Entry
from farebox.errors import InvalidParams
from farebox.messages import Attempt, Cost, Done, Estimate, Route, Target, Usage

LENGTH = 10


def an_entry(name: str) -> Entry:
    return Entry(name, "completion", "asked", call_id=f"call of {name}", length=LENGTH)


def a_route(target: Target, outcome: str) -> Route:
    attempts = (Attempt(target, outcome, 1),)
    return Route("m", "complete", "act", "low", "balanced", target, "why", (), (), Estimate(None), attempts)


def test_the_last_entry_is_the_default():
    diary = Diary()
    diary.write(an_entry("a"))
    diary.write(an_entry("b"))
    assert diary.read(None).id == "b"
    assert diary.read("a").id == "a"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        pytest.param(None, "nothing has happened yet", id="empty"),
        pytest.param("x", "nothing is known of x", id="unknown"),
    ],
)
def test_what_is_not_there_is_said(asked: str | None, words: str):
    with pytest.raises(InvalidParams, match=words):
        Diary().read(asked)


def test_the_oldest_entries_make_room():
    diary = Diary()
    for number in range(MAX_ENTRIES + 1):
        diary.write(an_entry(str(number)))
    with pytest.raises(InvalidParams):
        diary.read("0")
    assert diary.read("1").id == "1"
    assert diary.read(None).id == str(MAX_ENTRIES)


def test_an_entry_written_again_takes_the_place_of_the_old():
    diary = Diary()
    diary.write(an_entry("a"))
    diary.write(dataclasses.replace(an_entry("a"), reason="stopped"))
    assert diary.read("a").reason == "stopped"


def test_a_completion_offered_again_keeps_what_was_done_with_it():
    diary = Diary()
    diary.write(dataclasses.replace(an_entry("a"), source="model", waited_ms=300))
    diary.write(an_entry("b"))
    diary.mark_shown("a")
    rest = dataclasses.replace(
        an_entry("a"), length=4, call_id="another", source="running", waited_ms=1, reason="typed along"
    )
    diary.write(rest)
    entry = diary.read(None)
    assert (entry.id, entry.shown, entry.call_id) == ("a", True, "call of a")
    assert (entry.length, entry.source, entry.waited_ms, entry.reason) == (4, "running", 1, "typed along")


def test_what_was_taken_in_parts_while_it_was_typed_counts_once():
    heard: Told = []
    diary = Diary(lambda *news: heard.append(news))
    diary.write(an_entry("a"))
    diary.mark_answered("a")
    diary.mark_accepted("a", 4)
    diary.write(dataclasses.replace(an_entry("a"), length=6))
    diary.mark_answered("a")
    diary.mark_accepted("a")
    assert heard == [("call of a", 1, 0, 0), ("call of a", 0, 1, 1), ("call of a", 0, 0, -1)]


def a_done(call_id: str | None, target: Target) -> Done:
    usage, cost = Usage(output_tokens=8), Cost(7, "computed")
    route = a_route(target, "ok")
    return Done("stop", usage, cost, route, first_token_ms=120, total_ms=340, call_id=call_id)


def test_what_a_call_came_to_is_written_where_it_was_offered():
    diary = Diary()
    for name in ("a", "b"):
        diary.write(dataclasses.replace(an_entry(name), call_id="c"))
    diary.write(an_entry("other"))
    diary.mark_shown("a")
    diary.note_call(a_done("c", Target("openai", "gpt-4o-mini")))
    diary.note_call(a_done(None, Target("openai", "gpt-4.1")))
    for name in ("a", "b"):
        entry = diary.read(name)
        assert (entry.total_ms, entry.first_token_ms, entry.usage) == (340, 120, Usage(output_tokens=8))
    assert diary.read("a").shown
    assert diary.read("other").cost is None
    assert diary.last_model == "openai/gpt-4o-mini", "whoever served while it was offered has served"


def test_what_the_user_did_is_noted():
    diary = Diary()
    diary.write(an_entry("a"))
    diary.write(an_entry("b"))
    diary.mark_shown("a")
    diary.mark_accepted("b")
    assert (diary.read("a").shown, diary.read("a").accepted) == (True, False)
    assert (diary.read("b").shown, diary.read("b").accepted) == (True, True)


def test_what_is_too_old_to_be_known_is_passed_over():
    diary = Diary()
    diary.mark_shown("gone")
    diary.mark_accepted("gone")
    with pytest.raises(InvalidParams):
        diary.read("gone")


Told = list[tuple[str, int, int, int]]

SHOWN = None


@pytest.mark.parametrize(
    ("steps", "told", "state"),
    [
        pytest.param([SHOWN], [(1, 0, 0)], (True, False, False), id="shown"),
        pytest.param([SHOWN, SHOWN], [(1, 0, 0)], (True, False, False), id="shown-twice"),
        pytest.param([SHOWN, "all"], [(1, 0, 0), (0, 1, 0)], (True, True, False), id="accepted"),
        pytest.param(["all"], [(1, 1, 0)], (True, True, False), id="accepted-without-a-word-of-being-shown"),
        pytest.param(["all", "all", SHOWN], [(1, 1, 0)], (True, True, False), id="accepted-twice"),
        pytest.param([SHOWN, 4], [(1, 0, 0), (0, 1, 1)], (True, True, True), id="a-part"),
        pytest.param([4, 7, 7], [(1, 1, 1)], (True, True, True), id="part-after-part"),
        pytest.param([4, "all"], [(1, 1, 1), (0, 0, -1)], (True, True, False), id="a-part-then-all"),
        pytest.param([4, LENGTH], [(1, 1, 1), (0, 0, -1)], (True, True, False), id="two-parts-that-are-all"),
        pytest.param([LENGTH], [(1, 1, 0)], (True, True, False), id="a-part-that-is-all"),
        pytest.param([LENGTH + 1], [(1, 1, 0)], (True, True, False), id="more-than-there-is"),
        pytest.param(["all", 4], [(1, 1, 0)], (True, True, False), id="a-part-of-what-was-taken-whole"),
        pytest.param([0, -3], [], (False, False, False), id="nothing"),
    ],
)
def test_whatever_an_editor_says_how_often_each_thing_counts_once(
    steps: list[int | str | None], told: list[tuple[int, int, int]], state: tuple[bool, bool, bool]
):
    heard: Told = []
    diary = Diary(lambda *news: heard.append(news))
    diary.write(an_entry("a"))
    for step in steps:
        if step is None:
            diary.mark_shown("a")
        else:
            diary.mark_accepted("a", step if isinstance(step, int) else None)
    assert heard == [("call of a", *news) for news in told]
    entry = diary.read("a")
    assert (entry.shown, entry.accepted, entry.partly) == state


def test_what_was_answered_counts_as_shown_until_a_client_says_itself_what_is():
    heard: Told = []
    diary = Diary(lambda *news: heard.append(news))
    for name in ("a", "b"):
        diary.write(an_entry(name))
        diary.mark_answered(name)
    diary.mark_shown("b")
    diary.mark_accepted("b")
    diary.write(an_entry("c"))
    diary.mark_answered("c")
    assert heard == [("call of a", 1, 0, 0), ("call of b", 1, 0, 0), ("call of b", 0, 1, 0)]


def test_each_item_of_a_call_counts():
    heard: Told = []
    diary = Diary(lambda *news: heard.append(news))
    for name in ("a", "b"):
        diary.write(dataclasses.replace(an_entry(name), call_id="c"))
        diary.mark_shown(name)
    diary.mark_accepted("b")
    assert heard == [("c", 1, 0, 0), ("c", 1, 0, 0), ("c", 0, 1, 0)]


def test_what_offered_nothing_can_not_be_taken():
    heard: Told = []
    diary = Diary(lambda *news: heard.append(news))
    diary.write(dataclasses.replace(an_entry("a"), length=None))
    diary.write(Entry("t", "turn", "asked", shown=True))
    for name in ("a", "t", "unknown"):
        diary.mark_shown(name)
        diary.mark_accepted(name)
    assert heard == []
    assert not diary.read("t").accepted


def test_an_entry_has_no_place_for_a_prompt_an_answer_or_code():
    names = {field.name for field in dataclasses.fields(Entry)}
    numbers = {"first_token_ms", "total_ms", "length", "waited_ms", "snippets"}
    names -= {"source", "silence"}  # words of our own
    taken = {"shown", "accepted", "partly"}
    assert names == {"id", "call_id", "kind", "reason", "route", "usage", "cost"} | numbers | taken


def test_the_model_that_served_last_outlives_its_entry():
    diary = Diary()
    target, other = Target("openai", "gpt-4o-mini"), Target("openai", "gpt-4.1")
    diary.write(dataclasses.replace(an_entry("a"), route=a_route(target, "ok")))
    diary.write(dataclasses.replace(an_entry("b"), route=a_route(other, "overloaded")))
    for number in range(MAX_ENTRIES):
        diary.write(an_entry(str(number)))
    assert diary.last_model == "openai/gpt-4o-mini"
