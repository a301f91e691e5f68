"""How hard a model should think, in the words that it takes: our effort or token budget -> a vendor's field.

Pure. Wire facts: the OpenAI API reference (``reasoning_effort``), OpenRouter's reasoning guide
(``reasoning``), the thinking guides of DeepSeek and Z.ai (``thinking``). Who takes what is data.
"""

from typing import Final, assert_never

from farebox.messages import Call, ReasoningEffort
from farebox.providers.base import Quirks
from farebox.providers.openai_models import matches

BUDGET_TOKENS: Final[dict[ReasoningEffort, int]] = {
    "none": 0,
    "minimal": 128,
    "low": 1024,
    "medium": 2048,
    "high": 4096,
    "xhigh": 8192,
    "max": 16384,
}
"""What an effort comes to in tokens, from weak to strong (litellm's defaults)."""

MIN_BUDGET_TOKENS: Final = 1024
"""Anthropic takes no smaller one; an effort is fitted to the limit by OpenRouter."""

_ORDER: Final[tuple[ReasoningEffort, ...]] = tuple(BUDGET_TOKENS)


def reasoning_fields(call: Call, quirks: Quirks) -> dict[str, object]:
    """Return the fields of a chat request that ask for the call's reasoning; none if it asks for nothing."""
    if call.tools and matches(call.model, quirks.tools_without_reasoning):
        return {"reasoning_effort": "none"}
    wanted = call.reasoning
    if wanted is None or matches(call.model, quirks.no_effort):
        return {}
    if quirks.reasoning_field == "reasoning" and isinstance(wanted, int) and wanted > 0:
        limit = call.max_output_tokens
        budget = wanted if limit is None else min(wanted, limit - 1)  # what it writes must fit in as well
        if budget >= MIN_BUDGET_TOKENS:
            return {"reasoning": {"max_tokens": budget}}
        wanted = "low"
    supported = call.traits.efforts or quirks.efforts
    effort = nearest(effort_of(wanted) if isinstance(wanted, int) else wanted, supported)
    match quirks.reasoning_field:
        case "reasoning_effort":
            return {"reasoning_effort": effort}
        case "reasoning":
            return {"reasoning": {"effort": effort}}
        case "thinking":
            if effort == "none":
                return {"thinking": {"type": "disabled"}}
            return {"thinking": {"type": "enabled"}, "reasoning_effort": effort}
        case "none":
            return {}
        case _:
            assert_never(quirks.reasoning_field)


def effort_of(tokens: int) -> ReasoningEffort:
    """Return the effort whose usual budget is nearest to a number of tokens; the weaker one of two."""
    if tokens <= 0:
        return "none"
    return min(_ORDER[1:], key=lambda effort: abs(BUDGET_TOKENS[effort] - tokens))


def nearest(wanted: ReasoningEffort, supported: tuple[ReasoningEffort, ...]) -> ReasoningEffort:
    """Return the supported effort that is nearest; the weaker, cheaper one of two. None known: as wanted.

    Who wants some reasoning does not get ``none`` while there is anything else.
    """
    if not supported or wanted in supported:
        return wanted
    some: list[ReasoningEffort] = [effort for effort in _ORDER[1:] if effort in supported]
    if not some:
        return "none"
    rank = _ORDER.index(wanted)
    return min(some, key=lambda effort: abs(_ORDER.index(effort) - rank))
