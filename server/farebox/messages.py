"""The words that every room speaks: prompts, stream events, usage, cost and routes.

Plain frozen data in the vocabulary of an editor. Nothing here knows a wire format, a provider's
quirk, LSP or SQL. Money is integer nano-dollars (1e-9 USD); token counts are inclusive: cached and
cache-written tokens are inside ``input_tokens``, reasoning tokens inside ``output_tokens``.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Literal, TypeAlias

Task = Literal[
    "chat",
    "complete",
    "explain",
    "generate",
    "edit",
    "fix",
    "tests",
    "document",
    "review",
    "plan",
    "apply",
    "commit",
    "title",
    "agent",
]
Phase = Literal["plan", "act", "check"]
Complexity = Literal["low", "medium", "high"]
Strategy = Literal["cheap", "balanced", "quality"]
Evidence = Literal["empty", "cutOff", "regenerated", "rejected", "undone", "errorsRemain"]
ReasoningEffort = Literal["none", "minimal", "low", "medium", "high", "xhigh", "max"]
TraceFormat = Literal["reasoning_details", "reasoning_content", "anthropic"]
FinishReason = Literal["stop", "length", "toolCalls", "contentFilter", "cancelled", "error"]
CostBasis = Literal["reported", "computed", "estimated", "unknown"]
Verdict = Literal["chosen", "fallback", "dropped"]
Tier = Literal["fast", "balanced", "strong"]
Ground = Literal["asked", "facts", "words", "nothing"]

NANODOLLARS_PER_USD = 10**9
MAX_NANODOLLARS = 2**63 - 1  # what an SQL integer holds


# --- prompts -----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Image:
    """One picture: ``mime`` such as ``image/png``, ``data`` in base64."""

    mime: str
    data: str


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A whole tool call; ``arguments`` is the JSON text that the model wrote."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class Tool:
    """What a model may call; ``parameters`` is the JSON schema of its arguments."""

    name: str
    description: str
    parameters: Mapping[str, object] = field(hash=False)


@dataclass(frozen=True, slots=True)
class OneTool:
    """The choice that leaves a model no other: call this tool."""

    name: str


ToolChoice: TypeAlias = Literal["auto", "required", "none"] | OneTool


@dataclass(frozen=True, slots=True)
class Trace:
    """A model's reasoning as its provider wants it back with the next turn, unchanged.

    ``blocks`` are JSON texts in order, in a ``format`` that only the adapter which wrote them reads. They are
    signed or encrypted for one ``model`` and mean nothing to another.
    """

    format: TraceFormat
    model: str
    blocks: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Message:
    """One turn of a conversation.

    ``tool_calls`` and ``trace`` belong to an assistant's turn, ``tool_call_id`` to a tool's, which is the
    result of one call. ``cache_here``: the prompt up to this turn will be sent again, so caching it pays.
    """

    role: Literal["system", "user", "assistant", "tool"]
    text: str
    images: tuple[Image, ...] = ()
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None
    trace: Trace | None = None
    cache_here: bool = False


@dataclass(frozen=True, slots=True)
class Chat:
    """A conversation to be continued by the assistant."""

    messages: tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class Infill:
    """A hole to be filled by a server that knows the model's format; ``extra``: names and texts beside it."""

    prefix: str
    suffix: str
    extra: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class RawText:
    """Text to be continued verbatim, with no chat template."""

    text: str


Prompt: TypeAlias = Chat | Infill | RawText


@dataclass(frozen=True, slots=True)
class Target:
    """A model at a provider. ``name`` is what users write: ``provider/model``."""

    provider: str
    model: str

    @property
    def name(self) -> str:
        """The full model name, as the user writes it."""
        return f"{self.provider}/{self.model}"


@dataclass(frozen=True, slots=True)
class Traits:
    """What is known of a model that changes how it is asked; None, or nothing in it, is not known.

    ``thinking`` is how a Claude model is told to think: ``adaptive`` by an effort, ``budget`` by a number of
    tokens. ``efforts`` are the reasoning efforts that the model takes, from weak to strong.
    """

    context_window: int | None = None
    max_output_tokens: int | None = None
    reasons: bool = False
    thinking: Literal["adaptive", "budget"] | None = None
    efforts: tuple[ReasoningEffort, ...] = ()


UNKNOWN_TRAITS = Traits()


@dataclass(frozen=True, slots=True)
class Call:
    """What one provider is asked, once.

    ``reasoning`` is an effort or a number of tokens. ``conversation`` is an opaque id: a provider that knows
    it can keep a conversation where its prompt is cached.
    """

    model: str
    prompt: Prompt
    max_output_tokens: int | None = None
    temperature: float | None = None
    stop: tuple[str, ...] = ()
    reasoning: ReasoningEffort | int | None = None
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice = "auto"
    parallel_tool_calls: bool = True
    conversation: str | None = None
    traits: Traits = UNKNOWN_TRAITS


# --- usage and cost ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Usage:
    """Inclusive token counts of one request."""

    input_tokens: int = 0
    cached_input_tokens: int = 0
    cache_write_tokens: int = 0
    output_tokens: int = 0
    reasoning_tokens: int = 0


@dataclass(frozen=True, slots=True)
class Cost:
    """What one request cost; an unknown price is ``None``, never zero."""

    nanodollars: int | None
    basis: CostBasis
    baseline_model: str | None = None
    baseline_nanodollars: int | None = None

    @property
    def saved_nanodollars(self) -> int | None:
        """What the baseline model would have cost more; negative if it would have been cheaper."""
        if self.nanodollars is None or self.baseline_nanodollars is None:
            return None
        return self.baseline_nanodollars - self.nanodollars


UNKNOWN_COST = Cost(nanodollars=None, basis="unknown")


def nanodollars_from_usd(usd: Decimal | float | int | str) -> int | None:
    """Return an amount of dollars as whole nano-dollars, or None if it is none from 0 to MAX_NANODOLLARS.

    A float is read by its shortest decimal form, which is what its sender wrote.
    """
    try:
        amount = usd if isinstance(usd, Decimal) else Decimal(str(usd))
    except InvalidOperation:
        return None
    if not amount.is_finite() or not 0 <= amount <= MAX_NANODOLLARS // NANODOLLARS_PER_USD:
        return None
    return int((amount * NANODOLLARS_PER_USD).to_integral_value(rounding=ROUND_HALF_UP))


def minute_text(moment: str) -> str:
    """Write a moment in ISO 8601 as people do: ``2026-03-12 00:00``."""
    return moment[:16].replace("T", " ")


def usd_text(nanodollars: int) -> str:
    """Write nano-dollars as an exact decimal string of dollars: 213000 -> ``0.000213``."""
    sign = "-" if nanodollars < 0 else ""
    dollars, rest = divmod(abs(nanodollars), NANODOLLARS_PER_USD)
    fraction = f"{rest:09d}".rstrip("0")
    return f"{sign}{dollars}.{fraction:0<2}"


# --- routes ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Candidate:
    """A target that was considered, and what became of it."""

    target: Target
    verdict: Verdict
    why: str
    estimated_nanodollars: int | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a request may cost at most, and what the baseline model would."""

    nanodollars: int | None
    baseline_model: str | None = None
    baseline_nanodollars: int | None = None

    @property
    def saved_percent(self) -> int | None:
        """How much cheaper than the baseline, in whole percent."""
        if self.nanodollars is None or not self.baseline_nanodollars:
            return None
        return round(100 * (self.baseline_nanodollars - self.nanodollars) / self.baseline_nanodollars)


@dataclass(frozen=True, slots=True)
class Attempt:
    """One try at one target: ``outcome`` is ``ok``, ``cancelled`` or an error kind."""

    target: Target
    outcome: str
    ms: int


@dataclass(frozen=True, slots=True)
class Route:
    """Where a request goes, what else was considered, and why.

    ``tier`` is what ``auto`` holds the work to deserve, None for a model that was named; ``ground`` is what
    the task was told by, ``evidence`` what lifted the tier.
    """

    requested: str
    task: Task
    phase: Phase
    complexity: Complexity
    strategy: Strategy
    target: Target
    reason: str
    fallbacks: tuple[Target, ...]
    candidates: tuple[Candidate, ...]
    estimate: Estimate
    attempts: tuple[Attempt, ...] = ()
    tier: Tier | None = None
    ground: Ground = "asked"
    evidence: tuple[Evidence, ...] = ()


# --- stream events -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Text:
    """More of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Reasoning:
    """More of the model's visible reasoning."""

    text: str


@dataclass(frozen=True, slots=True)
class Begun:
    """What an answer is called by a provider that can be asked later what it cost. Nobody is shown it."""

    generation_id: str


@dataclass(frozen=True, slots=True)
class Finish:
    """A provider's last word on one call. ``reported_nanodollars`` is its own figure, if it gave one."""

    reason: FinishReason
    usage: Usage | None = None
    reported_nanodollars: int | None = None
    served_model: str | None = None
    generation_id: str | None = None
    trace: Trace | None = None


@dataclass(frozen=True, slots=True)
class Routed:
    """The door has decided where the request goes."""

    route: Route


@dataclass(frozen=True, slots=True)
class Retrying:
    """An attempt failed before its first event; the same target is asked again after ``wait_s`` seconds."""

    attempt: int
    max_attempts: int
    target: Target
    wait_s: float
    error: str


@dataclass(frozen=True, slots=True)
class FellBack:
    """An attempt failed before its first event; the next target is asked."""

    attempt: int
    max_attempts: int
    failed: Target
    error: str


@dataclass(frozen=True, slots=True)
class Done:
    """The door's last word: what the whole request came to.

    ``usage`` and ``cost`` are those of all its attempts; the rest is the last one's, ``call_id`` its row.
    """

    finish_reason: FinishReason
    usage: Usage
    cost: Cost
    route: Route
    cancelled: bool = False
    first_token_ms: int | None = None
    total_ms: int = 0
    trace: Trace | None = None
    call_id: str | None = None


Delta: TypeAlias = Begun | Text | Reasoning | ToolCall | Finish
"""What a provider sends."""
Event: TypeAlias = Routed | Retrying | FellBack | Text | Reasoning | ToolCall | Done
"""What the door passes on."""
