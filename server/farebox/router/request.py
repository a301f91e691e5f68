"""What a room asks of the door, and what the door tells it when it is its turn to write the call.

A request is rendered anew for each target, because what a model accepts differs: one fills holes
natively, another needs its own tokens, a third only chats.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass

from farebox.config import FillStyle
from farebox.messages import Call, Target, Task, Traits

BYTES_PER_TOKEN = 4
"""Code and English come to 4 to 5 bytes a token (cl100k: 4.66 on Python); few are assumed."""

FEWEST_BYTES_PER_TOKEN = 3
"""What money is held for: dense code and text outside ASCII have more tokens than the usual."""

CONTEXT_MARGIN_TOKENS = 64
"""What chat templates add to a prompt of few messages."""

FEWEST_OUTPUT_TOKENS = 16
"""Some of OpenRouter's hosts refuse a smaller limit."""

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


@dataclass(frozen=True, slots=True)
class Request:
    """One piece of work; ``images`` counts them.

    ``sources`` are the files that its text comes from, ``roots`` the workspace's folders.
    """

    task: Task
    render: Callable[[Serving], Call]
    input_bytes: int
    max_output_tokens: int
    requested: str | None = None
    images: int = 0
    sources: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    origin: Origin = NOBODY

    @property
    def input_tokens(self) -> int:
        """An estimate of the prompt's tokens."""
        return tokens_in(self.input_bytes) + self.images * IMAGE_TOKENS

    @property
    def most_input_tokens(self) -> int:
        """What money is held for: the most tokens that the prompt may have."""
        return -(-self.input_bytes // FEWEST_BYTES_PER_TOKEN) + self.images * IMAGE_TOKENS


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
    """Return a name for a request or an attempt that no other has: 32 hexadecimal digits."""
    return os.urandom(16).hex()


def tokens_in(size_bytes: int) -> int:
    """Estimate how many tokens a text of so many bytes has."""
    return -(-size_bytes // BYTES_PER_TOKEN)


def bytes_in(text: str) -> int:
    """Return the size of a text in UTF-8."""
    return len(text) if text.isascii() else len(text.encode("utf-8", errors="replace"))
