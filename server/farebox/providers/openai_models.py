"""Names of models, as vendors of the OpenAI dialect write them: patterns over them and their parts.

Pure text. Knows no vendor: patterns come from ``vendors.toml``, and only the shape ``author/name:variant``,
which brokers such as OpenRouter use, is taken for granted.
"""

from collections.abc import Iterable
from fnmatch import fnmatchcase


def matches(model: str, patterns: Iterable[str]) -> bool:
    """Say whether the last pattern that fits a model picks it; one that begins with ``!`` leaves it out."""
    picked = False
    for pattern in patterns:
        if fnmatchcase(model, pattern.removeprefix("!")):
            picked = not pattern.startswith("!")
    return picked


def without_variant(model: str) -> str:
    """Drop an ending such as ``:free`` or ``:nitro``: it chooses a host or a price, not another model."""
    return model.partition(":")[0]


def author(model: str) -> str:
    """Return who made a model: ``anthropic`` of ``anthropic/claude`` and of the alias ``~anthropic/x``."""
    maker, slash, _ = model.partition("/")
    return maker.removeprefix("~") if slash else ""
