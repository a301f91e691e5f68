"""The diary: the last things that happened, and no more than that."""

import dataclasses

import pytest

from farebox.diary import MAX_ENTRIES, Diary, Entry
from farebox.errors import InvalidParams
from farebox.messages import Attempt, Estimate, Route, Target


def an_entry(name: str) -> Entry:
    return Entry(name, "completion", "asked")


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


def test_an_entry_has_no_place_for_a_prompt_an_answer_or_code():
    names = {field.name for field in dataclasses.fields(Entry)}
    times = {"first_token_ms", "total_ms"}
    assert names == {"id", "kind", "reason", "route", "usage", "cost", "shown", "accepted"} | times


def test_the_model_that_served_last_outlives_its_entry():
    diary = Diary()
    target, other = Target("openai", "gpt-4o-mini"), Target("openai", "gpt-4.1")
    diary.write(dataclasses.replace(an_entry("a"), route=a_route(target, "ok")))
    diary.write(dataclasses.replace(an_entry("b"), route=a_route(other, "overloaded")))
    for number in range(MAX_ENTRIES):
        diary.write(an_entry(str(number)))
    assert diary.last_model == "openai/gpt-4o-mini"
