"""What may be a few seconds old, and is then forgotten."""

import gc
import weakref

from farebox.privacy.lately import lately


class Answer:
    """Something that one can see being let go."""


def test_an_answer_is_given_again_until_its_time_is_over():
    now_s, asked = 12.0, list[str]()

    @lately(5, most=8, clock=lambda: now_s)
    def ask(name: str) -> int:
        asked.append(name)
        return len(asked)

    assert (ask("a"), ask("b"), ask("a")) == (1, 2, 1)
    now_s = 14.9
    assert ask("a") == 1
    now_s = 15.0
    assert (ask("a"), ask("a")) == (3, 3)
    assert asked == ["a", "b", "a"]


def test_what_is_over_is_let_go_though_there_is_room_for_it():
    now_s = 0.0

    @lately(5, most=1_000, clock=lambda: now_s)
    def ask(_name: str) -> Answer:
        return Answer()

    old = [weakref.ref(ask(name)) for name in "abc"]
    assert all(answer() is not None for answer in old)
    now_s = 5.0
    ask("d")
    gc.collect()
    assert all(answer() is None for answer in old)


def test_an_answer_that_comes_when_its_time_is_over_goes_with_the_old_ones():
    now_s, late = 0.0, list[weakref.ref[Answer]]()

    @lately(5, most=8, clock=lambda: now_s)
    def ask(name: str) -> Answer:
        nonlocal now_s
        answer = Answer()
        if name == "slow":
            now_s = 5.0  # somebody else asks meanwhile, when it is over
            ask("quick")
            late.append(weakref.ref(answer))
        return answer

    ask("slow")
    gc.collect()
    assert late[0]() is None


def test_no_more_answers_are_kept_than_asked_for():
    @lately(5, most=2, clock=lambda: 0.0)
    def ask(_name: str) -> Answer:
        return Answer()

    first = weakref.ref(ask("a"))
    ask("b")
    ask("c")
    gc.collect()
    assert first() is None
