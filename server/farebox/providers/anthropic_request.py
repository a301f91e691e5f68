"""One call as a request to Anthropic's Messages API.

Wire facts: Anthropic's API reference (Messages), its guides to thinking, effort, preserved thinking, tool use
and prompt caching, and the migration guides of its models. What differs from model to model is data: the
call's traits (``catalog.toml``) and the endpoint's quirks (``vendors.toml``).
"""

from dataclasses import dataclass
from typing import Final, assert_never

from farebox.errors import Refused
from farebox.messages import Call, Chat, Infill, Message, OneTool, RawText, ReasoningEffort, Tool, Traits
from farebox.providers.anthropic_turns import Block, Turn, system_blocks, turns
from farebox.providers.base import Endpoint
from farebox.providers.openai_models import matches

DEFAULT_OUTPUT_TOKENS: Final = 8192
"""``max_tokens`` is required: what is sent where neither the call nor the model's traits name a limit."""
MIN_BUDGET_TOKENS: Final = 1024
MAX_BUDGET_TOKENS: Final = 128_000
MAX_CACHE_MARKS: Final = 4
USER_TURNS_TO_CACHE: Final = 2
BINDING_BETA: Final = "thinking-binding-controls-2026-08-01"
"""The ``anthropic-beta`` value that ``thinking.block_binding`` needs."""

_EVERY_EFFORT: Final[tuple[ReasoningEffort, ...]] = (
    "none",
    "minimal",
    "low",
    "medium",
    "high",
    "xhigh",
    "max",
)
_USUAL_EFFORTS: Final[tuple[ReasoningEffort, ...]] = ("low", "medium", "high")
"""What every model with an effort takes; ``xhigh`` and ``max`` are refused by some."""
_SHARES: Final[dict[ReasoningEffort, float]] = {
    "max": 0.95,
    "xhigh": 0.95,
    "high": 0.8,
    "medium": 0.5,
    "low": 0.2,
    "minimal": 0.1,
}
"""The part of the output limit that an effort may think for (OpenRouter's guide to reasoning tokens)."""


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a call is to think: the ``thinking`` object, the effort, and an output limit with room for it."""

    max_tokens: int
    thinking: Block | None = None
    effort: ReasoningEffort | None = None

    @property
    def kind(self) -> object:
        return self.thinking.get("type") if self.thinking is not None else None

    @property
    def thinks(self) -> bool:
        return self.kind in ("adaptive", "enabled")


def request(endpoint: Endpoint, call: Call) -> tuple[str, dict[str, object]]:
    """Return the path and the JSON body that ask for a call.

    Raises Refused for what this API can't do: a hole to fill, raw text, a picture of an unknown kind. The
    conversation is put right where the API would refuse it; see ``anthropic_turns.turns``.

    Reasoning follows ``call.traits.thinking``. ``adaptive``: an effort, the nearest that the model takes; a
    number of tokens becomes the effort that would spend it. ``budget``: a number of tokens; an effort becomes
    a share of the output limit. Where the traits are not known, a number is sent as a budget and an effort as
    adaptive thinking, as current models want it. "none" turns thinking off where the model's efforts say that
    this can be done, asks a model that always thinks for its weakest effort, and says nothing to others. None
    leaves a model to its default. A forced choice of a tool gives way to thinking: the API takes only one.
    """
    messages = _messages(endpoint, call)
    plan = _plan(call, call.max_output_tokens or call.traits.max_output_tokens or DEFAULT_OUTPUT_TOKENS)
    conversation = turns(endpoint, call, messages, traces=plan.kind != "disabled")
    plan = _fitted(plan, call.traits, conversation)
    system, tools = system_blocks(messages), _tools(call)
    _mark_cache(call, system, tools, conversation)
    body: dict[str, object] = {"model": call.model, "max_tokens": plan.max_tokens, "stream": True}
    if system:
        body["system"] = system
    body["messages"] = [{"role": turn.role, "content": turn.content} for turn in conversation]
    if tools:
        body["tools"] = tools
        _add_tool_choice(call, plan, body)
    if plan.thinking is not None:
        body["thinking"] = plan.thinking
    if plan.effort is not None:
        body["output_config"] = {"effort": plan.effort}
    fixed = plan.thinks or matches(call.model, endpoint.quirks.fixed_temperature)
    if call.temperature is not None and not fixed:
        body["temperature"] = min(max(call.temperature, 0.0), 1.0)
    if stop := [one for one in call.stop if one.strip()]:
        body["stop_sequences"] = stop
    return "/messages", body


def _messages(endpoint: Endpoint, call: Call) -> tuple[Message, ...]:
    match call.prompt:
        case Chat(messages):
            return messages
        case Infill() | RawText():
            raise Refused(
                f"{endpoint.provider} takes conversations only, no text to be filled in or continued",
                hint=f'Set fill = "chat" in [providers.{endpoint.provider}].',
                provider=endpoint.provider,
                model=call.model,
            )
        case _:
            assert_never(call.prompt)


# --- thinking ----------------------------------------------------------------------------------


def _plan(call: Call, limit: int) -> _Plan:
    wanted, traits = call.reasoning, call.traits
    if wanted is None:
        return _Plan(limit, _adaptive() if _always_thinks(traits) else None)
    if wanted == "none" or (isinstance(wanted, int) and wanted <= 0):
        return _off(limit, traits)
    style = traits.thinking or ("budget" if isinstance(wanted, int) else "adaptive")
    match style:
        case "adaptive":
            effort = _effort_for(wanted / limit) if isinstance(wanted, int) else wanted
            return _Plan(limit, _adaptive(), _nearest(effort, traits))
        case "budget":
            tokens = wanted if isinstance(wanted, int) else round(limit * _SHARES[wanted])
            return _budgeted(tokens, limit)
        case _:
            assert_never(style)


def _off(limit: int, traits: Traits) -> _Plan:
    if traits.thinking != "adaptive":
        return _Plan(limit)
    if "none" in traits.efforts:
        return _Plan(limit, {"type": "disabled"})
    return _Plan(limit, effort=_nearest("none", traits))


def _nearest(wanted: ReasoningEffort, traits: Traits) -> ReasoningEffort:
    """Return the strongest effort of the model that is not above the wanted one, else its weakest."""
    known: list[ReasoningEffort] = [effort for effort in traits.efforts if effort != "none"]
    takes = known or _USUAL_EFFORTS
    nearest = takes[0]
    for effort in takes:
        if _EVERY_EFFORT.index(effort) <= _EVERY_EFFORT.index(wanted):
            nearest = effort
    return nearest


def _effort_for(share: float) -> ReasoningEffort:
    """Return the effort that would think for this part of the output limit."""
    for effort, least in _SHARES.items():
        if share >= least:
            return effort
    return "minimal"


def _budgeted(wanted: int, limit: int) -> _Plan:
    """Think within the output limit, which is what money is held for; not at all where it is too small."""
    most = min(round(limit * _SHARES["max"]), MAX_BUDGET_TOKENS)
    tokens = min(max(wanted, MIN_BUDGET_TOKENS), most)
    return _Plan(limit, _enabled(tokens) if tokens >= MIN_BUDGET_TOKENS else None)


def _always_thinks(traits: Traits) -> bool:
    return traits.thinking == "adaptive" and bool(traits.efforts) and "none" not in traits.efforts


def _adaptive() -> Block:
    """Newer models think in silence, for minutes, unless they are asked for a summary of it."""
    return {"type": "adaptive", "display": "summarized"}


def _enabled(tokens: int) -> Block:
    return {"type": "enabled", "budget_tokens": tokens}


def _fitted(plan: _Plan, traits: Traits, conversation: list[Turn]) -> _Plan:
    """Fit a plan to the conversation.

    Within a run of tool calls, thinking by a budget must have begun before them (Anthropic's guide to
    extended thinking). Newer models bind reasoning to the very prompt before it and would refuse one that has
    been cut or changed since; they are told to drop such reasoning instead.
    """
    answers = [turn for turn in conversation if turn.role == "assistant"]
    in_a_run = bool(conversation) and bool(conversation[-1].results)
    if plan.kind == "enabled" and in_a_run and not answers[-1].thinks_first:
        return _Plan(plan.max_tokens)
    if traits.thinking == "adaptive" and any(turn.thinks_first for turn in answers):
        binding = {"prefix_mismatch_behavior": "drop_block"}
        thinking = {**(plan.thinking or {"type": "adaptive"}), "block_binding": binding}
        return _Plan(plan.max_tokens, thinking, plan.effort)
    return plan


# --- tools -------------------------------------------------------------------------------------


def _tools(call: Call) -> list[Block]:
    return [_tool(tool) for tool in call.tools]


def _tool(tool: Tool) -> Block:
    described: Block = {"description": tool.description} if tool.description.strip() else {}
    return {"name": tool.name, **described, "input_schema": {"type": "object", **tool.parameters}}


def _add_tool_choice(call: Call, plan: _Plan, body: dict[str, object]) -> None:
    may_force = not plan.thinks and not _always_thinks(call.traits)
    choice: Block = {"type": "auto"}
    match call.tool_choice:
        case "none":
            body["tool_choice"] = {"type": "none"}
            return
        case "required" if may_force:
            choice = {"type": "any"}
        case OneTool(name) if may_force:
            choice = {"type": "tool", "name": name}
        case "auto" | "required" | OneTool():
            pass
        case _:
            assert_never(call.tool_choice)
    if not call.parallel_tool_calls:
        choice["disable_parallel_tool_use"] = True
    body["tool_choice"] = choice


# --- caching -----------------------------------------------------------------------------------


def _mark_cache(call: Call, system: list[Block], tools: list[Block], conversation: list[Turn]) -> None:
    """Mark where the prompt is worth caching: after the tools, the system text and the marked turns.

    Where no turn is marked it is the last two of the user, if the conversation goes on: writing to the cache
    costs more than not writing, so a question that stands alone is left out.
    """
    heads = [blocks[-1] for blocks in (tools, system) if blocks]
    marked = [turn for turn in conversation if turn.cache_here]
    if not marked and (call.conversation is not None or call.tools):
        marked = [turn for turn in conversation if turn.role == "user"][-USER_TURNS_TO_CACHE:]
    for block in [*heads, *(turn.content[-1] for turn in marked[len(heads) - MAX_CACHE_MARKS :])]:
        block["cache_control"] = {"type": "ephemeral"}
