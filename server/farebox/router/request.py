"""What a room asks of the door, and what the door tells it when it is its turn to write the call.

A request is rendered anew for each target, because what a model accepts differs: one fills holes
natively, another needs its own tokens, a third only chats.
"""

from collections.abc import Callable
from dataclasses import dataclass

from farebox.config import FillStyle
from farebox.messages import Call, Target, Task

CHARS_PER_TOKEN = 4
"""Code and English come to 4 to 5 characters a token (cl100k: 4.66 on Python); few are assumed."""


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
    """One piece of work. ``sources`` are the files that its text comes from; ``roots`` the workspace's."""

    task: Task
    render: Callable[[Serving], Call]
    input_chars: int
    max_output_tokens: int
    requested: str | None = None
    images: bool = False
    sources: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()
    origin: Origin = NOBODY

    @property
    def input_tokens(self) -> int:
        """An estimate of the prompt's tokens."""
        return tokens_in(self.input_chars)


def tokens_in(chars: int) -> int:
    """Estimate how many tokens a text of so many characters has."""
    return -(-chars // CHARS_PER_TOKEN)
