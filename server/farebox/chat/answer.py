"""An answer's events as they are shown and kept: in no text of them is anything that nobody sees.

What a model hides in an answer would be copied with it, drive a terminal, or be read by the next model. It
must not know who shows the events.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field

from farebox.messages import Event, Reasoning, Text
from farebox.unseen import Running


@dataclass(slots=True)
class Seen:
    """The texts of one answer so far."""

    _text: Running = field(default_factory=Running)
    _reasoning: Running = field(default_factory=Running)

    def told(self, event: Event) -> Iterator[Event]:
        """Return what to tell of an event; what was held back of an earlier text comes first."""
        if not isinstance(event, Reasoning) and (held := self._reasoning.end()):
            yield Reasoning(held)
        if not isinstance(event, Text) and (held := self._text.end()):
            yield Text(held)
        match event:
            case Text(text):
                if seen := self._text.more(text):
                    yield Text(seen)
            case Reasoning(text):
                if seen := self._reasoning.more(text):
                    yield Reasoning(seen)
            case _:
                yield event
