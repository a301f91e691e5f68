"""A call that a real adapter makes of a real server's scripted answer, and all that came of it.

The adapter is made as in earnest: by the Directory, of ``vendors.toml`` and a config whose addresses are the
loopback server's, so that a vendor's quirks hold here too.
"""

import json
from collections.abc import Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from farebox.config import Config
from farebox.errors import FareboxError
from farebox.messages import Call, Chat, Delta, Finish, Message, Prompt, Reasoning, Target, Text, ToolCall
from farebox.providers.directory import Directory
from farebox.providers.http import Http
from farebox.providers.vendors import vendors
from farebox.secrets import Keys
from support.recorded import Said
from support.upstream import Answer, Upstream

KEY = "test-0123456789abcdef"
HELLO: Prompt = Chat((Message("user", "Hello"),))


@dataclass(frozen=True)
class Heard:
    """What came of a call: its events and, if it failed, its error."""

    deltas: Sequence[Delta]
    error: FareboxError | None = None

    @property
    def text(self) -> str:
        """All text that came."""
        return "".join(delta.text for delta in self.deltas if isinstance(delta, Text))

    @property
    def reasoning(self) -> str:
        """All visible reasoning that came."""
        return "".join(delta.text for delta in self.deltas if isinstance(delta, Reasoning))

    @property
    def finish(self) -> Finish | None:
        """The last word, if it came."""
        last = self.deltas[-1] if self.deltas else None
        return last if isinstance(last, Finish) else None

    @property
    def tool_calls(self) -> tuple[tuple[str, str, object], ...]:
        """The tool calls, their arguments parsed; what is no JSON stays text."""
        calls = [delta for delta in self.deltas if isinstance(delta, ToolCall)]
        return tuple((call.id, call.name, _parsed(call.arguments)) for call in calls)

    @property
    def said(self) -> Said:
        """All of it put together."""
        finish = self.finish
        return Said(
            text=self.text,
            reasoning=self.reasoning,
            tool_calls=self.tool_calls,
            finish=finish.reason if finish is not None else None,
            usage=finish.usage if finish is not None else None,
            reported_nanodollars=finish.reported_nanodollars if finish is not None else None,
            model=finish.served_model if finish is not None else None,
            id=finish.generation_id if finish is not None else None,
        )


def _parsed(arguments: str) -> object:
    try:
        return cast("object", json.loads(arguments))
    except ValueError:
        return arguments


def directory(
    upstream: Upstream, http: Http, provider: str, *, settings: Mapping[str, object] | None = None
) -> Directory:
    """Make the directory of a user who has set up one provider, at the loopback server."""
    vendor = vendors().get(provider)
    table: dict[str, object] = {"base_url": upstream.base_url, **(settings or {})}
    if vendor is None:
        table.setdefault("dialect", "openai")
    variables = vendor.key_env[:1] if vendor is not None else ()
    keys = Keys(environment=dict.fromkeys(variables, KEY), file=Path("/nonexistent/keys.json"))
    return Directory(Config.model_validate({"providers": {provider: table}}), keys, http, servers={})


async def hear(
    upstream: Upstream,
    http: Http,
    answer: Answer,
    *,
    provider: str,
    model: str = "m",
    prompt: Prompt = HELLO,
    settings: Mapping[str, object] | None = None,
) -> Heard:
    """Have one call answered, and listen to the end. What is asked before it is answered by its path."""
    deltas: list[Delta] = []
    try:
        opened = await directory(upstream, http, provider, settings=settings).open(Target(provider, model))
        call = Call(opened.model, prompt, max_output_tokens=1_000)
        upstream.queue(answer)
        async with aclosing(opened.provider.stream(call)) as stream:
            async for delta in stream:
                deltas.append(delta)  # noqa: PERF401  what has come must be kept when an error ends it
    except FareboxError as error:
        return Heard(deltas, error)
    return Heard(deltas)
