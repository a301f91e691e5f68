"""What auto chooses from: in which groups, in which order, and with which words."""

from collections.abc import Callable
from dataclasses import replace
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.catalog import load
from farebox.messages import Complexity, Evidence, Phase, Strategy, Target, Task, Tier
from farebox.router.auto import DESERVED, FIRST, OTHERS, Auto, Choice, is_auto
from farebox.router.classify import Work
from farebox.router.tiers import RANKS, deserved

HOSTED = ("anthropic", "openrouter", "openai", "deepseek", "box")
EASY, MEDIUM = Work("chat", "act", "low"), Work("edit", "act", "medium")
PLAN, TAB, COMMIT = Work("plan", "plan", "low"), Work("complete", "act", "low"), Work("commit", "act", "low")
HAIKU, SONNET, OPUS = "anthropic/claude-haiku-5-5", "anthropic/claude-sonnet-5-5", "anthropic/claude-opus-5-5"

Role = Callable[[Tier], tuple[Target, ...]]


def no_role(_: Tier) -> tuple[Target, ...]:
    return ()


def own(tier: Tier) -> tuple[Target, ...]:
    models: dict[Tier, str] = {"strong": "planner", "balanced": "coder", "fast": "quick"}
    return (Target("own", models[tier]),)


def choices(
    work: Work,
    *,
    hosted: tuple[str, ...] = ("anthropic",),
    local: tuple[str, ...] = (),
    strategy: Strategy = "balanced",
    evidence: tuple[Evidence, ...] = (),
    role: Role = no_role,
) -> tuple[Choice, ...]:
    return Auto(load(), hosted, local, work, evidence).choices(strategy, role)


def names(found: tuple[Choice, ...]) -> list[str]:
    return [choice.target.name for choice in found]


@pytest.mark.parametrize(
    ("work", "order"),
    [
        pytest.param(EASY, [HAIKU, SONNET, OPUS], id="fast-then-balanced-then-strong"),
        pytest.param(MEDIUM, [SONNET, OPUS, HAIKU], id="balanced-then-strong-then-fast"),
        pytest.param(PLAN, [OPUS, SONNET, HAIKU], id="strong-then-balanced-then-fast"),
        pytest.param(TAB, [HAIKU], id="tab-completion-stays-with-its-own-list"),
    ],
)
def test_the_deserved_tier_goes_first_then_what_is_near_it(work: Work, order: list[str]):
    assert names(choices(work)) == order


@pytest.mark.parametrize(
    ("task", "strategy", "first"),
    [
        ("generate", "balanced", "coder"),
        ("edit", "balanced", "coder"),
        ("fix", "balanced", "coder"),
        ("agent", "balanced", "coder"),
        ("chat", "balanced", "quick"),
        ("explain", "balanced", "quick"),
        ("commit", "balanced", "quick"),
        ("complete", "balanced", "quick"),
        ("plan", "balanced", "planner"),
        ("review", "balanced", "planner"),
        ("generate", "cheap", "quick"),
        ("generate", "quality", "planner"),
    ],
)
def test_each_of_the_users_own_models_has_its_work(task: Task, strategy: Strategy, first: str):
    work = Work(task, "plan" if task == "plan" else "act", "low")
    found = choices(work, strategy=strategy, role=own)
    assert found[0].target.model == first
    assert found[0].why.endswith("(your own choice)")


def test_after_an_answer_that_did_not_help_the_coding_model_does_not_code_on():
    assert choices(Work("fix", "act", "low"), evidence=("undone",), role=own)[0].target.model == "planner"


@given(
    work=st.builds(
        Work,
        task=st.sampled_from(get_args(Task)),
        phase=st.sampled_from(get_args(Phase)),
        complexity=st.sampled_from(get_args(Complexity)),
    ),
    hosted=st.lists(st.sampled_from(HOSTED), unique=True).map(tuple),
    local=st.sampled_from([(), ("local",), ("local", "ollama")]),
    strategy=st.sampled_from(get_args(Strategy)),
    evidence=st.sampled_from([(), ("rejected",)]),
)
def test_groups_rise_with_the_distance_from_what_is_deserved(
    *,
    work: Work,
    hosted: tuple[str, ...],
    local: tuple[str, ...],
    strategy: Strategy,
    evidence: tuple[Evidence, ...],
):
    found = choices(work, hosted=hosted, local=local, strategy=strategy, evidence=evidence)
    assert len({choice.target for choice in found}) == len(found)
    assert {choice.target.provider for choice in found} == {*hosted, *local} - _without_a_list(work, hosted)
    assert [choice.group for choice in found] == sorted(choice.group for choice in found)
    assert all(choice.why.startswith("auto: ") for choice in found)
    if work.task == "complete":
        return
    wanted = RANKS[deserved(strategy, work, evidence)]
    for choice in found:
        info = load().info(choice.target.provider, choice.target.model)
        if FIRST < choice.group < OTHERS:
            assert info is not None
            assert info.tier is not None
            distance = RANKS[info.tier] - wanted
            # a list may hold a model that is better than its tier, and at its end weaker ones
            if choice.group == DESERVED:
                assert distance >= 0
            else:
                assert (distance > 0) if choice.group <= DESERVED + 2 else (distance <= 0)


def _without_a_list(work: Work, hosted: tuple[str, ...]) -> set[str]:
    """Return whose models are on no list of this work: none but where there is nothing for ghost text."""
    if work.task != "complete":
        return set()
    listed = load().preferred("complete", "fast")
    sells = {name for name in hosted if any(load().target(model, name) for model in listed)}
    return {name for name in hosted if load().models_at(name)} - sells


def a_role(**tiers: tuple[str, ...]) -> Role:
    chosen = {tier: tuple(Target(*name.split("/", 1)) for name in names) for tier, names in tiers.items()}
    return lambda tier: chosen.get(tier, ())


def test_a_role_goes_first_in_the_order_that_the_user_has_written():
    found = choices(EASY, role=a_role(fast=("box/b", "box/a")))
    assert names(found) == ["box/b", "box/a", HAIKU, SONNET, OPUS]
    assert [(choice.group, choice.position) for choice in found[:2]] == [(FIRST, 0), (FIRST, 1)]
    assert found[0].why.endswith("(your own choice)")


def test_a_role_that_names_a_model_of_the_list_has_it_once_and_first():
    found = choices(EASY, role=a_role(fast=(OPUS,)))
    assert names(found) == [OPUS, HAIKU, SONNET]
    assert found[0].group == FIRST


def test_a_role_of_another_tier_goes_first_in_the_group_of_that_tier():
    found = choices(EASY, role=a_role(balanced=("box/b",), strong=("box/s",)))
    assert [(choice.target.name, choice.position) for choice in found] == [
        (HAIKU, 0),
        ("box/b", -1),
        (SONNET, 0),
        ("box/s", -1),
        (OPUS, 0),
    ]
    assert found[1].why == "auto: the balanced tier, if the fast one fails (your own choice)"


def test_ghost_text_does_not_take_a_role_of_another_tier():
    assert "box/b" not in names(choices(TAB, role=a_role(balanced=("box/b",))))


@pytest.mark.parametrize(
    ("work", "strategy", "first"),
    [
        pytest.param(TAB, "quality", True, id="ghost-text"),
        pytest.param(EASY, "cheap", True, id="easy-and-cheap"),
        pytest.param(COMMIT, "cheap", True, id="small-and-cheap"),
        pytest.param(EASY, "balanced", False, id="easy"),
        pytest.param(PLAN, "cheap", False, id="planning-and-cheap"),
    ],
)
def test_the_users_own_server_goes_first_where_it_is_good_enough(work: Work, strategy: Strategy, first: bool):
    found = choices(work, strategy=strategy, local=("local",))
    server = found[0] if first else found[-1]
    assert server.target == Target("local", "default")
    assert server.group == (FIRST if first else OTHERS)


def test_evidence_moves_easy_work_away_from_the_users_own_server():
    found = choices(EASY, strategy="cheap", local=("local",), evidence=("rejected",))
    assert names(found) == [SONNET, OPUS, HAIKU, "local/default"]


def test_a_server_of_which_no_model_is_known_goes_last():
    found = choices(EASY, hosted=("box", "anthropic"))
    assert names(found) == [HAIKU, SONNET, OPUS, "box/default"]
    assert found[-1].why == "auto: the provider that you have set up"


def test_with_no_provider_there_is_no_choice():
    assert choices(EASY, hosted=()) == ()


def test_a_model_that_stands_in_the_list_of_a_tier_other_than_its_own_is_grouped_by_its_own():
    found = {choice.target.name: choice.group for choice in choices(PLAN, hosted=("deepseek", "openai"))}
    assert found["openai/gpt-6.1-sol"] == DESERVED
    assert found["deepseek/deepseek-v4-pro"] == found["openai/gpt-6.1-terra"] > DESERVED


@pytest.mark.parametrize(
    ("work", "evidence", "why"),
    [
        (TAB, (), "auto: a fast model, as tab completion needs"),
        (TAB, ("rejected",), "auto: a fast model, as tab completion needs"),
        (COMMIT, (), "auto: the task commit needs no more than a fast model"),
        (PLAN, (), "auto: planning takes the strong tier"),
        (Work("review", "check", "low"), (), "auto: review takes the strong tier"),
        (MEDIUM, (), "auto: the balanced tier for the task edit, of medium complexity"),
        (EASY, ("empty",), "auto: the strong tier, because the last answer was empty"),
        (EASY, ("cutOff",), "auto: the strong tier, because the last answer was cut off"),
        (EASY, ("regenerated",), "auto: the strong tier, because the last answer was asked for again"),
        (COMMIT, ("rejected",), "auto: the strong tier, because the last answer was rejected"),
        (EASY, ("undone",), "auto: the strong tier, because the last answer was undone"),
        (
            EASY,
            ("errorsRemain",),
            "auto: the strong tier, because the last answer was applied and errors remain in the file",
        ),
        (
            EASY,
            ("cutOff", "undone"),
            "auto: the strong tier, because the last answer was cut off and was undone",
        ),
    ],
)
def test_the_reason_says_what_it_was_chosen_by(work: Work, evidence: tuple[Evidence, ...], why: str):
    assert choices(work, evidence=evidence)[0].why == why


def test_whoever_sells_a_model_is_a_choice_at_the_same_place():
    found = choices(replace(EASY, ground="words"), hosted=("openrouter", "anthropic"))
    places = {choice.target.name: choice.position for choice in found}
    assert places["openrouter/anthropic/claude-haiku-5.5"] == places[HAIKU] == 0


@pytest.mark.parametrize(
    ("name", "expected"),
    [("auto", True), ("auto:cheap", True), ("auto:x", True), ("autos", False), ("a/auto", False)],
)
def test_a_name_leaves_the_choice_to_us(name: str, expected: bool):
    assert is_auto(name) is expected
