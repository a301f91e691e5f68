"""A call without the secrets in its texts: the last look at a request, after a room has written it.

Every text that a provider would be sent is looked at; pictures can't be, and reasoning that is sent back is
signed, so one with a secret in it stays away whole. Knows prompts; not who is asked.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, assert_never, cast

from farebox.config import SecretsPolicy
from farebox.errors import Excluded
from farebox.messages import Call, Chat, Infill, Message, Prompt, RawText, Tool
from farebox.privacy.names import shown_name
from farebox.privacy.texts import Secret, masked, secrets_in

OWN_KEY: Final = "own key"
FEWEST_KEY_CHARS: Final = 8
"""A shorter key is a placeholder, and part of many words."""


@dataclass(frozen=True, slots=True)
class Screen:
    """What is taken out of a call. ``own_keys`` never leave, whatever the policy.

    ``sources`` are the files that the texts come from, for the words of a refusal.
    """

    policy: SecretsPolicy = "mask"
    own_keys: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    roots: tuple[str, ...] = ()

    def call(self, call: Call) -> Call:
        """Return the call as it may leave. Raises Excluded where the policy is to block."""
        prompt, tools = self._prompt(call.prompt), tuple(map(self._tool, call.tools))
        return (
            call
            if prompt is call.prompt and tools == call.tools
            else replace(call, prompt=prompt, tools=tools)
        )

    def text(self, text: str) -> str:
        """Return a text as it may leave. Raises Excluded."""
        return masked(text, found) if (found := self._found(text)) else text

    def _prompt(self, prompt: Prompt) -> Prompt:
        match prompt:
            case Chat(messages):
                seen = tuple(map(self._message, messages))
                is_same = all(one is other for one, other in zip(seen, messages, strict=True))
                return prompt if is_same else Chat(seen)
            case Infill():
                return self._infill(prompt)
            case RawText(text):
                return prompt if (seen := self.text(text)) == text else RawText(seen)
            case _:
                assert_never(prompt)

    def _message(self, message: Message) -> Message:
        text = self.text(message.text)
        calls = tuple(replace(one, arguments=self.text(one.arguments)) for one in message.tool_calls)
        trace = message.trace
        if trace is not None and any(map(self._found, trace.blocks)):
            trace = None
        if text == message.text and calls == message.tool_calls and trace is message.trace:
            return message
        return replace(message, text=text, tool_calls=calls, trace=trace)

    def _infill(self, prompt: Infill) -> Infill:
        """Look at what is around the hole as one text: a secret may stand on both sides of it."""
        cut = len(prompt.prefix)
        around = prompt.prefix + prompt.suffix
        found = self._found(around)
        before = [replace(one, end=min(one.end, cut)) for one in found if one.start < cut]
        after = [Secret(max(one.start, cut) - cut, one.end - cut, one.kind) for one in found if one.end > cut]
        extra = tuple((self.text(name), self.text(text)) for name, text in prompt.extra)
        if not found and extra == prompt.extra:
            return prompt
        return Infill(masked(prompt.prefix, before), masked(prompt.suffix, after), extra)

    def _tool(self, tool: Tool) -> Tool:
        description = self.text(tool.description)
        parameters = cast("Mapping[str, object]", self._json(tool.parameters))
        if description == tool.description and parameters == tool.parameters:
            return tool
        return replace(tool, description=description, parameters=parameters)

    def _json(self, value: object) -> object:
        """Look at each text in a JSON value: it is ours, and not deep."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, Mapping):
            return {name: self._json(one) for name, one in cast("Mapping[str, object]", value).items()}
        if isinstance(value, Sequence):
            return [self._json(one) for one in cast("Sequence[object]", value)]
        return value

    def _found(self, text: str) -> tuple[Secret, ...]:
        own = tuple(self._own_in(text))
        if self.policy == "send":
            return own
        found = secrets_in(text)
        if self.policy == "block" and (found := (*found, *own)):
            raise Excluded(
                f"{self._where(text, found[0])} holds what looks like a secret ({found[0].kind})",
                hint='It stays on this machine: [privacy] secrets = "block". "mask" would send the rest.',
            )
        if not own:
            return found
        apart = [one for one in found if all(one.end <= key.start or one.start >= key.end for key in own)]
        return tuple(sorted((*own, *apart), key=lambda one: one.start))

    def _own_in(self, text: str) -> "Sequence[Secret]":
        found: list[Secret] = []
        for key in self.own_keys:
            at = text.find(key) if len(key) >= FEWEST_KEY_CHARS else -1
            while at >= 0:
                if all(at >= one.end or at + len(key) <= one.start for one in found):
                    found.append(Secret(at, at + len(key), OWN_KEY))
                at = text.find(key, at + len(key))
        return sorted(found, key=lambda one: one.start)

    def _where(self, text: str, found: Secret) -> str:
        """Name the file that a secret stands in: the one that is named last before it."""
        names = [shown_name(source, self.roots) for source in self.sources]
        if not names:
            return "this request"
        return max(names, key=lambda name: text.rfind(name, 0, found.start))
