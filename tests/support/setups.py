"""Set-ups for tests of routing: any keys, servers, roles, agents and budgets, and one server that plays all.

What a provider is asked for arrives under its name, so a test can see who was asked.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

import support.anthropic_events as claude
from farebox.app import App, Client
from support.upstream import Answer, JsonTable, Recorded, Upstream, json_answer, openrouter_stream

KEYS: Final = {
    "anthropic": "ANTHROPIC_API_KEY",
    "openrouter": "OPENROUTER_API_KEY",
    "openai": "OPENAI_API_KEY",
    "deepseek": "DEEPSEEK_API_KEY",
}
STREAM: Final = "text/event-stream"
LOADED: Final = "qwen"
"""The model that the local server has loaded."""

NAMES: Final = (
    "auto",
    "auto:cheap",
    "auto:balanced",
    "auto:quality",
    "mine",
    "own",
    "sonnet",
    "haiku-4.5",
    "deepseek",
    "luna",
    "local",
    "local/x",
    "openrouter/openai/gpt-5-mini",
    "openrouter/acme/unheard-of",
    "anthropic/claude-opus-5-5",
    "openai/gpt-6.1-terra",
    "deepseek/deepseek-v4-pro",
    "nowhere/m",
)
"""What a user may ask for: aliases of theirs and of the catalogue, full names, and one that means nothing."""

_MODELS: Final = tuple(name for name in NAMES if not name.startswith("auto") and name != "mine")
_LADDERS: Final = st.sampled_from(
    [{}, {}, {"cheaper": 1}, {"cheaper": 2, "local": 60}, {"local": 90, "stop": 99}, {"stop": 3}]
)
_DOLLARS: Final = st.sampled_from([None, None, None, None, 5.0, 0.5, 0.05, 0.005, 0.0])
_KEYS: Final = st.sampled_from(
    [
        ("anthropic", "openrouter", "openai", "deepseek"),
        ("anthropic", "openrouter"),
        ("openrouter",),
        ("anthropic",),
        ("openai", "deepseek"),
        ("anthropic", "deepseek"),
        (),
    ]
)


@dataclass(frozen=True, slots=True)
class Setup:
    """One user's settings; ``moved`` are the hosted providers whose address is the test's."""

    table: JsonTable
    keys: tuple[str, ...]
    moved: tuple[str, ...]
    has_server: bool
    agent: str | None

    @property
    def reachable(self) -> tuple[str, ...]:
        """Who can be asked without a network."""
        return (*self.moved, "local")

    def app(self, folder: Path, upstream: Upstream) -> App:
        """Open farebox with it."""
        moved = {name: {"base_url": address(upstream, name)} for name in self.moved}
        (folder / "config.toml").write_text(toml(self.table) + toml({"providers": moved}), "utf-8")
        keys = {KEYS[name]: "k" for name in self.keys}
        server = {"FAREBOX_LOCAL_BASE_URL": address(upstream, "local")} if self.has_server else {}
        folders = {"FAREBOX_HOME": str(folder / "home"), "FAREBOX_CONFIG": str(folder / "config.toml")}
        return App(Client(name="test"), environment={**folders, **keys, **server})


def address(upstream: Upstream, provider: str) -> str:
    """Return where a provider is to be asked."""
    return f"{upstream.origin}/{provider}/v1"


def toml(table: Mapping[str, object], path: str = "") -> str:
    """Write a table with dotted keys; what is None is left out."""
    lines = ""
    for key, value in table.items():
        dotted = f"{path}.{key}" if path else key
        if isinstance(value, Mapping):
            lines += toml(value, dotted)
        elif value is not None:
            lines += f"{dotted} = {json.dumps(value)}\n"
    return lines


def play(upstream: Upstream, text: str = "Hello you", *, input_tokens: int = 3_000) -> None:
    """Let a server answer well in every provider's place."""
    usage = {"prompt_tokens": input_tokens, "completion_tokens": 60}
    spoken = Answer(body=openrouter_stream(text, usage), content_type=STREAM)
    for name in (*KEYS, "local"):
        upstream.answer(f"/{name}/v1/chat/completions", spoken)
    begin = claude.start("m", {"input_tokens": input_tokens})
    words = claude.text(0, text) if text else []
    upstream.answer("/anthropic/v1/messages", claude.answer(begin, *words, *claude.end()))
    upstream.answer("/local/v1/models", json_answer({"data": [{"id": LOADED}]}))


def arrived_at(request: Recorded) -> str:
    """Return the provider that a request was for."""
    return request.path.split("/")[1]


def _chain(names: tuple[str, ...]) -> st.SearchStrategy[list[str] | None]:
    some = st.lists(st.sampled_from(names), min_size=1, max_size=3)
    return st.integers(0, 3).flatmap(lambda dice: some if dice == 3 else st.none())


@st.composite
def setups(draw: st.DrawFn) -> Setup:
    """Draw any set-up."""
    keys = draw(_KEYS)
    moved = tuple(name for name in keys if draw(st.sampled_from([True, True, True, False])))
    agents: dict[str, JsonTable] = {
        "plain": {"system": "Be brief."},
        "own": {
            "model": draw(_chain(NAMES)),
            "providers": draw(st.lists(st.sampled_from([*KEYS]), max_size=2, unique=True)),
        },
    }
    table: JsonTable = {
        "strategy": draw(st.sampled_from(["cheap", "balanced", "quality"])),
        "models": {"mine": "auto:quality", "own": "local/x"},
        "tasks": {task: draw(_chain(NAMES)) for task in ("chat", "complete", "plan", "commit")},
        "roles": {role: draw(_chain(_MODELS[:-1])) for role in ("planning", "coding", "fast")},
        "budgets": {
            **{f"{name}_usd": draw(_DOLLARS) for name in ("daily", "monthly", "request")},
            "tasks": {"plan": {"weekly_usd": draw(_DOLLARS)}},
            "providers": {"anthropic": {"hourly_usd": draw(_DOLLARS)}},
            "ladder": draw(_LADDERS),
        },
        "privacy": {"local_only": draw(st.sampled_from([None, None, None, True]))},
        "providers": {"openrouter": {"zdr": draw(st.sampled_from([None, None, True]))}} if keys else {},
        "agents": agents,
    }
    has_server = draw(st.booleans())
    return Setup(table, keys, moved, has_server, draw(st.sampled_from([None, None, *agents])))
