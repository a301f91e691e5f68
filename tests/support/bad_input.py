"""The ways in which a set-up is wrong, once for every surface that must say so."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache

from support.environment import openrouter_config
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}


@dataclass(frozen=True)
class Mistake:
    """One wrong set-up: ``kind`` and words of the message and the hint, and the doctor's failing check."""

    config: str
    kind: str
    code: int
    words: str
    hint: str
    check: str
    environment: Mapping[str, str]
    state: str = "error"
    rejects: bool = False


MODEL = "openrouter/openai/gpt-4o-mini"

MISTAKES: Mapping[str, Mistake] = {
    "unknown model prefix": Mistake(
        config=openrouter_config("BASE", "z-ai/glm-4.7"),
        kind="modelNotFound",
        code=-32054,
        words="z-ai/glm-4.7",
        hint="Did you mean openrouter/z-ai/glm-4.7?",
        check="chat",
        environment=KEY,
    ),
    "missing key": Mistake(
        config=openrouter_config("BASE"),
        kind="missingKey",
        code=-32051,
        words="no key for openrouter",
        hint="OPENROUTER_API_KEY",
        check="chat",
        environment={},
        state="inactive",
    ),
    "rejected key": Mistake(
        config=openrouter_config("BASE"),
        kind="keyRejected",
        code=-32052,
        words="openrouter answered 401",
        hint="farebox auth login openrouter",
        check="provider openrouter",
        environment=KEY,
        rejects=True,
    ),
    "unreachable server": Mistake(
        config=openrouter_config("CLOSED"),
        kind="unreachable",
        code=-32057,
        words="could not be reached",
        hint="correct base_url of [providers.openrouter]",
        check="provider openrouter",
        environment=KEY,
        state="offline",
    ),
    "malformed TOML": Mistake(
        config='strategy = "balanced"\n[tasks\nchat = 1\n',
        kind="config",
        code=-32050,
        words="line 2",
        hint="TOML",
        check="config",
        environment=KEY,
    ),
    "unknown config key": Mistake(
        config='# mine\nstratgy = "cheap"\n',
        kind="config",
        code=-32050,
        words="line 2: unknown key stratgy",
        hint="Did you mean strategy?",
        check="config",
        environment=KEY,
    ),
    "no provider at all": Mistake(
        config="",
        kind="missingKey",
        code=-32051,
        words="no model provider is set up",
        hint="OPENROUTER_API_KEY",
        check="chat",
        environment={},
        state="inactive",
    ),
}


def config_of(mistake: Mistake, upstream: Upstream) -> str:
    """Return the mistaken config with the test's addresses in it."""
    closed = f"http://127.0.0.1:{_closed_port()}/v1"
    return mistake.config.replace("BASE", upstream.base_url).replace("CLOSED", closed)


def serve(upstream: Upstream, *, rejects: bool) -> None:
    """Let the upstream reject every key, or serve."""
    refusal = json_answer({"error": {"code": 401, "message": "No auth credentials found"}}, status=401)
    answer = Answer(body=openrouter_stream("Hello there.", USAGE), content_type="text/event-stream")
    upstream.answer("/v1/chat/completions", refusal if rejects else answer)
    upstream.answer("/v1/key", refusal if rejects else json_answer({"data": {}}))


@cache
def _closed_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
