"""Tool calls with their results, as the OpenAI dialect insists: no call without one, and nothing in between.

Pure: our messages in, our messages out. Wire fact: the OpenAI API reference refuses (400) an assistant's turn
whose calls are not all answered before anything else is said.
"""

from typing import Final

from farebox.messages import Message

NO_RESULT: Final = "Error: there is no result. The tool was not run, or its answer was lost."


def with_results(messages: tuple[Message, ...]) -> tuple[Message, ...]:
    """Return a conversation in which every tool call has its result, right after its turn.

    A result that comes later in the same exchange is moved up before what was said in between; a call that
    has none before the assistant's next turn gets an error for a result.
    """
    pairing = _Pairing()
    for message in messages:
        pairing.add(message)
    pairing.settle()
    return tuple(pairing.messages)


class _Pairing:
    """The conversation so far, the calls that wait for a result, and the turns held back meanwhile."""

    def __init__(self) -> None:
        self.messages: list[Message] = []
        self._waiting: list[str] = []
        self._held: list[Message] = []

    def add(self, message: Message) -> None:
        if message.role == "assistant":
            self.settle()
            self.messages.append(message)
            self._waiting = [call.id for call in message.tool_calls]
        elif message.role == "tool" and (message.tool_call_id or "") in self._waiting:
            self._waiting.remove(message.tool_call_id or "")
            self.messages.append(message)
        else:
            self._held.append(message)
        if not self._waiting:
            self.settle()

    def settle(self) -> None:
        """Answer what still waits, then let go of what was held back."""
        self.messages += [Message("tool", NO_RESULT, tool_call_id=call_id) for call_id in self._waiting]
        self.messages += self._held
        self._waiting, self._held = [], []
