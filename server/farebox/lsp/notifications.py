"""What the server tells a client unasked: the events of a running turn, and its own state.

The params of ``farebox/chatEvent`` and ``farebox/status``, part of what ``farebox schema`` prints.
"""

from typing import Annotated, Literal

from pydantic import Field

from farebox.messages import FinishReason
from farebox.report.shapes import BudgetShape
from farebox.shapes import CostShape, RouteShape, Shape, UsageShape


class RouteEvent(Shape):
    """Where the question goes."""

    type: Literal["route"] = "route"
    route: RouteShape


class TextEvent(Shape):
    """More of the answer."""

    type: Literal["text"] = "text"
    text: str

    json_value = Shape.exact_value  # a piece: what is unseen in it was judged with what is around it


class ReasoningEvent(Shape):
    """More of the reasoning."""

    type: Literal["reasoning"] = "reasoning"
    text: str

    json_value = Shape.exact_value


class ToolCallEvent(Shape):
    """A whole tool call."""

    type: Literal["toolCall"] = "toolCall"
    id: str
    name: str
    arguments: dict[str, object]


class RetryEvent(Shape):
    """An attempt at ``model`` failed; the next one begins, there or at another model."""

    type: Literal["retry"] = "retry"
    attempt: int
    max_attempts: int
    model: str
    error: str


class DoneEvent(Shape):
    """The end, also of a turn that was stopped."""

    type: Literal["done"] = "done"
    finish_reason: FinishReason
    usage: UsageShape
    cost: CostShape
    cancelled: bool


class ChatEventParams(Shape):
    """One event of a running turn."""

    conversation: str
    turn: str
    event: Annotated[
        RouteEvent | TextEvent | ReasoningEvent | ToolCallEvent | RetryEvent | DoneEvent,
        Field(discriminator="type"),
    ]


class StatusParams(Shape):
    """What farebox is doing, what was spent today, and the budgets; once ready, which model served last."""

    state: Literal["ready", "busy", "offline", "budget", "error", "inactive"]
    message: str
    model: str | None = None
    today_usd: str | None = None
    budgets: list[BudgetShape] | None = None
