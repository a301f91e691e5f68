"""tests/bench/typing: the typist, the model that it has before it, and every policy in virtual time."""

import asyncio

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bench.typing.client import Screen
from bench.typing.farebox_server import type_at_farebox
from bench.typing.oracle import Oracle
from bench.typing.peers import PEERS
from bench.typing.policies import policies
from bench.typing.policy import Call, Change, Quiet, World
from bench.typing.tally import Figures, Tally, figures, total
from bench.typing.texts import Target, default_files, targets
from bench.typing.typist import Typist
from bench.typing.verdict import verdicts
from bench.typing.virtual import RestlessError, run

BEFORE = "import math\n\n\n"
REGION = """def distance(first, second):
    horizontal = first.left - second.left
    vertical = first.top - second.top
    if horizontal == 0:
        return abs(vertical)

    return math.sqrt(horizontal * horizontal + vertical * vertical)"""
AFTER = "\n\n\nprint(distance(here, there))\n"
TARGET = Target("area.py:4", "python", BEFORE, REGION, AFTER)


def oracle(hard: float = 0.0, latency_ms: float = 100.0) -> Oracle:
    return Oracle([TARGET], latency_ms=latency_ms, hard=hard, seed=1)


@given(st.text("ab(\n\t =", min_size=1, max_size=80), st.integers())
def test_the_keys_make_the_text(text: str, seed: int) -> None:
    typist, typed = Typist(text, str(seed)), ""
    while not typist.done:
        key = typist.next_key()
        typist.press(key)
        typed = typed[: len(typed) - key.erase] + key.insert
        assert key.gap_ms > 0
    assert typed == text


def test_the_time_to_a_key_depends_on_the_place_alone() -> None:
    slow, fast = Typist(REGION, "1"), Typist(REGION, "1")
    while slow.at < 40:
        slow.press(slow.next_key())
    fast.accept(REGION[: slow.at])
    slow.press(slow.next_key())
    while fast.at < slow.at:
        fast.press(fast.next_key())
    assert fast.next_key() == slow.next_key()


@pytest.mark.parametrize(
    ("ghost", "taken"),
    [
        ("def distance(first", "def distance(first"),
        ("def distance(first, second):\n    wrong", "def distance(first, second):"),
        ("def distance(first\n", None),
        ("def di", "def di"),
        ("def d", None),
        ("def remove", None),
    ],
    ids=["whole", "first line", "half a line", "six characters", "five", "wrong"],
)
def test_what_is_right_is_taken(ghost: str, taken: str | None) -> None:
    assert Typist(REGION, "1").taken(ghost) == taken


def test_the_model_goes_on_to_the_next_blank_line() -> None:
    start = len("def distance")
    text = oracle().reply(BEFORE + REGION[:start], AFTER, max_tokens=500).text
    assert REGION[start:].startswith(text)
    assert text.endswith("return abs(vertical)")


def test_the_model_obeys_its_limits() -> None:
    model, prefix = oracle(), BEFORE + REGION[:4]
    assert model.reply(prefix, AFTER, max_tokens=500, stop=["\n"]).text == "distance(first, second):"
    short = model.reply(prefix, AFTER, max_tokens=3)
    assert (len(short.tokens), short.limited) == (3, True)
    timed = model.reply(prefix, AFTER, max_tokens=500, limit_ms=10.0)
    assert timed.text.count("\n") == 1


def test_a_hard_word_is_wrong_until_half_of_it_is_typed() -> None:
    model, start = oracle(hard=1.0), len("def ")

    def first_word(typed: str) -> str:
        text = model.reply(BEFORE + REGION[:start] + typed, AFTER, max_tokens=500).text
        return (typed + text).partition("(")[0]

    assert first_word("") != "distance"
    assert first_word("dis") != "distance"
    assert first_word("dist") == "distance"


def test_a_typo_leads_the_model_astray() -> None:
    text = oracle().reply(BEFORE + "def distx", AFTER, max_tokens=500).text
    assert not REGION.removeprefix("def dist").startswith(text[:10])


def test_a_ghost_stays_while_the_typing_agrees() -> None:
    typist, tally = Typist(REGION, "1"), Tally()
    screen = Screen(typist, tally)
    screen.show(0, "def distance")
    for moment, char in enumerate("def "):
        key = typist.next_key()
        assert key.insert == char
        typist.press(key)
        screen.key(moment, key)
    assert (screen.ghost, screen.since_ms, tally.flickers) == ("distance", 0, 0)
    screen.show(5, None)
    screen.show(6, "distance")
    assert tally.flickers == 1
    screen.show(7, "removal")
    assert (tally.flickers, tally.wrong_ghosts) == (2, 1)


@pytest.mark.parametrize("name", policies())
def test_each_policy_types_the_text_and_always_in_the_same_way(name: str) -> None:
    made = policies()[name]
    first, second = (run(made(), TARGET, oracle(), seed=1) for _ in range(2))
    assert first == second
    assert first.chars == len(REGION)
    assert 0 < first.accepted_chars <= len(REGION)
    assert first.requests > 0
    assert first.tokens > 0


@pytest.mark.parametrize("name", ["llama.vim", "cody", "copilot", "continue"])
def test_one_slot_makes_nobody_faster(name: str) -> None:
    many, one = (run(PEERS[name](), TARGET, oracle(0.2, 300.0), seed=1, slots=slots) for slots in (0, 1))
    assert one.time_ms >= many.time_ms


def test_a_run_may_stop_after_some_keys() -> None:
    tally = run(PEERS["naive 300 ms"](), TARGET, oracle(), seed=1, max_keys=10)
    assert tally.keys == 10
    assert tally.chars < len(REGION)


def test_a_policy_that_never_rests_is_an_error() -> None:
    class Restless(Quiet):
        def changed(self, world: World, _change: Change) -> None:
            world.wake(0, "again")

        def timer(self, world: World, _name: str) -> None:
            world.wake(0, "again")

    with pytest.raises(RestlessError):
        run(Restless(), TARGET, oracle(), seed=1)


def test_a_server_replies_once_to_each_request() -> None:
    class Eager(Quiet):
        def changed(self, world: World, _change: Change) -> None:
            world.show("one")
            world.show("two")

    with pytest.raises(AssertionError, match="second reply"):
        run(Eager(), TARGET, oracle(), seed=1)


def test_a_closed_request_costs_what_was_sent_of_it() -> None:
    class Closing(Quiet):
        streams = True

        def changed(self, world: World, _change: Change) -> None:
            if world.now_ms and not self.asked:
                self.asked = True
                world.ask(world.prefix, world.suffix, max_tokens=50)

        def progress(self, world: World, call: Call) -> None:
            if call.text.count(" ") > 1:
                world.close(call)

        asked = False

    tally = run(Closing(), TARGET, oracle(), seed=1)
    assert tally.requests == 1
    assert 1 < tally.tokens < 20


@settings(max_examples=5)
@given(st.integers(0, 1_000))
def test_regions_stand_in_their_files(seed: int) -> None:
    for target in targets(default_files()[:3], count=4, seed=seed):
        assert target.region.count("\n") >= 7
        assert not target.region.endswith("\n")
        assert target.before.endswith("\n")
        assert target.after.startswith("\n")


def test_the_verdict_is_about_the_best_peer() -> None:
    def made(accepted: int, requests: int, tokens: int) -> Figures:
        return figures(
            total([Tally(chars=100, keys=100, accepted_chars=accepted, requests=requests, tokens=tokens)])
        )

    peers = {"weak": made(5, 1, 1), "best": made(40, 40, 400)}
    good = verdicts("farebox", made(40, 20, 100), peers)
    poor = verdicts("farebox", made(39, 21, 101), peers)
    assert [one.partition(":")[0] for one in good + poor] == ["PASS"] * 3 + ["FAIL"] * 3
    assert "(best)" in good[0]


def test_the_real_server_is_typed_at_over_stdio() -> None:
    typing = type_at_farebox(TARGET, oracle(0.0, 20.0), seed=1, slots=0, max_keys=6, explain=False)
    tally = asyncio.run(typing)
    assert 0 < tally.keys <= 6
    assert tally.requests > 0
    assert tally.keys_with_ghost > 0
