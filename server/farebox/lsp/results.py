"""What rooms answer, as the results of our own methods: models, completions, turns.

The shapes themselves stand in ``methods``. Pure, and shared with the command line.
"""

from decimal import Decimal

from farebox.chat.conversation import Turn
from farebox.completion.engine import Completion
from farebox.completion.hidden import why_withheld
from farebox.lsp import methods as m
from farebox.router.inventory import ModelLine
from farebox.shapes import cost_shape, route_shape, usage_shape


def model_shape(line: ModelLine) -> m.ModelShape:
    """Shape one model of the inventory."""
    return m.ModelShape(
        id=line.target.name,
        provider=line.target.provider,
        context_window=line.context_window,
        max_output_tokens=line.max_output_tokens,
        input_usd_per_mtok=_decimal_text(line.input_usd_per_mtok),
        output_usd_per_mtok=_decimal_text(line.output_usd_per_mtok),
        capabilities=list(line.capabilities),
        state=line.state,
    )


def complete_result(answer: Completion) -> m.CompleteResult:
    """Shape a completion."""
    shut = answer.shut
    return m.CompleteResult(
        items=[m.ItemShape(id=item.id, text=item.text) for item in answer.items],
        reason=shut.reason if shut is not None else "hidden" if answer.hidden else None,
        why=shut.detail if shut is not None else why_withheld(answer.hidden) if answer.hidden else None,
        route=route_shape(answer.route) if answer.route is not None else None,
        usage=usage_shape(answer.usage),
        cost=cost_shape(answer.cost) if answer.cost is not None else None,
    )


def turn_shape(turn: Turn) -> m.TurnShape:
    """Shape one turn of a conversation."""
    shape = m.TurnShape(
        id=turn.id, question=turn.question.text, answer=turn.answer, replaces=turn.question.replaces
    )
    if turn.done is None:
        return shape
    return shape.model_copy(
        update={
            "finish_reason": turn.done.finish_reason,
            "usage": usage_shape(turn.done.usage),
            "cost": cost_shape(turn.done.cost),
        }
    )


def _decimal_text(value: Decimal | None) -> str | None:
    return None if value is None else f"{value.normalize():f}"
