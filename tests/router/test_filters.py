"""The hard filters of a plan: what each lets through, and the reason that it gives."""

import pytest

from farebox.errors import BudgetExceeded
from farebox.messages import Call, Chat, Target
from farebox.providers.base import Endpoint, Wire
from farebox.router.filters import Room, is_elsewhere, not_local, too_dear, unfit
from farebox.router.request import Request, Serving

TARGET = Target("acme", "m")
ROOM = Room("daily", 1_000_000, "2026-11-22T00:00:00+00:00")


def request() -> Request:
    def render(serving: Serving) -> Call:
        return Call(serving.model, Chat(()))

    return Request("chat", render, input_bytes=400, max_output_tokens=100)


def test_nothing_is_held_against_a_model_of_which_nothing_is_known():
    assert unfit(TARGET, None, request()) is None


@pytest.mark.parametrize(
    ("most", "room"),
    [
        pytest.param(10**12, None, id="no budget"),
        pytest.param(1_000_000, ROOM, id="to the last cent"),
        pytest.param(0, Room("daily", -5, ROOM.resets_at), id="free, though the budget is overspent"),
    ],
)
def test_a_budget_has_room_for(most: int, room: Room | None):
    assert too_dear(TARGET, most, room) is None


@pytest.mark.parametrize(("most", "word"), [(1_000_001, "may cost $0.001000001"), (None, "no known price")])
def test_a_budget_has_no_room_for(most: int | None, word: str):
    reason = too_dear(TARGET, most, ROOM)
    assert isinstance(reason, BudgetExceeded)
    assert word in reason.message
    assert "daily_usd" in reason.hint


@pytest.mark.parametrize(
    ("dialect", "model", "elsewhere"),
    [
        ("ollama", "gpt-oss:120b-cloud", True),
        ("local", "glm-4.7:cloud", True),
        ("ollama", "qwen2.5-coder:7b", False),
        ("openai", "gpt-oss:120b-cloud", True),
    ],
)
def test_a_server_on_this_machine_may_ask_for_a_model_elsewhere(dialect: Wire, model: str, elsewhere: bool):
    endpoint = Endpoint("mine", dialect, "http://127.0.0.1:9")
    assert is_elsewhere(endpoint, model) is elsewhere
    assert "local-only" in not_local(Target("mine", model)).message
