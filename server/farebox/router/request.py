"""What a room asks of the door, and what the door tells it when it is its turn to write the call.

A request is rendered anew for each target, because what a model accepts differs: one fills holes
natively, another needs its own tokens, a third only chats.
"""

import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from farebox.config import FillStyle
from farebox.messages import Call, Evidence, Target, Task, Traits
from farebox.router.classify import NO_FACTS, Facts, Work, classify

BYTES_PER_TOKEN = 4
"""Code and English come to 4 to 5 bytes a token (cl100k: 4.66 on Python); few are assumed."""

FEWEST_BYTES_PER_TOKEN = 3
"""What money is held for: dense code and text outside ASCII have more tokens than the usual."""

CONTEXT_MARGIN_TOKENS = 64
"""What chat templates add to a prompt of few messages."""

FEWEST_OUTPUT_TOKENS = 16
"""Some of OpenRouter's hosts refuse a smaller limit."""

MIN_CACHED_TOKENS = 1_024
"""Shorter prompts are cached nowhere (OpenAI's and Anthropic's guides to prompt caching)."""

ESTIMATE_BITS = 6
"""How many significant bits are left of a number of tokens that is rounded up: 1/32 is added at most."""

MAX_ROUNDED_TOKENS = 30_000
"""Longer prompts are seldom as long as another, and the price of a token may change where they grow."""

IMAGE_TOKENS = 1_600
"""The most that a picture of ordinary size counts for (Anthropic's vision guide; OpenAI's is lower)."""


@dataclass(frozen=True, slots=True)
class Serving:
    """Who is about to serve a request: the target, the model's name there, and what it can do."""

    target: Target
    model: str
    fill: FillStyle
    max_output_tokens: int | None = None
    reasons: bool = False


@dataclass(frozen=True, slots=True)
class Origin:
    """Who asks, for the ledger; no text, no code."""

    workspace: str | None = None
    client: str | None = None
    conversation: str | None = None


NOBODY = Origin()


CACHE_S: Final = 300.0
"""How long a prompt stays cached after its last use, at least (Anthropic's and OpenRouter's guides)."""


@dataclass(frozen=True, slots=True)
class Kept:
    """What a conversation has left in the prompt cache of a model that served it.

    ``tokens`` is the length of the prompt and answer that are there, ``age_s`` how long ago that was.
    """

    target: Target
    tokens: int
    age_s: float


@dataclass(frozen=True, slots=True)
class Request:
    """One piece of work; ``images`` counts them.

    ``task`` is what the client has asked for, ``work`` what it turns out to be by that and the ``facts``.
    ``sources`` are the files that its text comes from, ``roots`` the workspace's folders; ``language``
    is what code to be completed is written in. ``evidence`` says why the conversation's last answer did
    not help, ``kept`` where how much of it is cached, ``caches`` that this one's is to be. ``known_work`` is
    what it was found to be when it was planned before.

    ``input_tokens`` is an estimate of the prompt's tokens, ``most_input_tokens`` what money is held for: the
    most that it may have.
    """

    task: Task
    render: Callable[[Serving], Call]
    input_bytes: int
    max_output_tokens: int
    requested: str | None = None
    images: int = 0
    caches: bool = False
    sources: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    origin: Origin = NOBODY
    language: str | None = None
    facts: Facts = NO_FACTS
    evidence: tuple[Evidence, ...] = ()
    kept: tuple[Kept, ...] = ()
    known_work: Work | None = None
    work: Work = field(init=False)
    input_tokens: int = field(init=False)
    most_input_tokens: int = field(init=False)

    def __post_init__(self) -> None:
        """Find out what it is, once."""
        of_images = self.images * IMAGE_TOKENS
        object.__setattr__(self, "input_tokens", tokens_in(self.input_bytes) + of_images)
        most = -(-self.input_bytes // FEWEST_BYTES_PER_TOKEN) + of_images
        object.__setattr__(self, "most_input_tokens", most)
        work = self.known_work or classify(
            self.task, self.facts, input_tokens=self.input_tokens, images=self.images
        )
        object.__setattr__(self, "work", work)


def clamped_output(wanted: int | None, input_tokens: int, traits: Traits) -> int | None:
    """Lower an output limit to what the model gives, and to what its context leaves beside the prompt.

    Servers refuse a larger one, or silently cut the prompt. None, no limit, stays so: the server decides.
    """
    if wanted is None:
        return None
    limits = [wanted]
    if traits.max_output_tokens is not None:
        limits.append(traits.max_output_tokens)
    if traits.context_window is not None:
        limits.append(traits.context_window - input_tokens - CONTEXT_MARGIN_TOKENS)
    return max(min(limits), FEWEST_OUTPUT_TOKENS)


def new_id() -> str:
    """Return a name for a request or an attempt that no other has: 32 hexadecimal digits.

    It begins with the time, so that new names stand together at the end of the ledger's indexes (RFC 9562,
    section 5.7, without the version bits).
    """
    return f"{time.time_ns() // 1_000_000:012x}{os.urandom(10).hex()}"


def tokens_in(size_bytes: int) -> int:
    """Estimate how many tokens a text of so many bytes has."""
    return -(-size_bytes // BYTES_PER_TOKEN)


def rounded_up(tokens: int) -> int:
    """Round a count up to one with few significant bits, unless it is large."""
    if tokens > MAX_ROUNDED_TOKENS:
        return tokens
    step = 1 << max(tokens.bit_length() - ESTIMATE_BITS, 0)
    return -(-tokens // step) * step


def bytes_in(text: str) -> int:
    """Return the size of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", errors="replace"))
