"""What an editor's documents must be, worked out from its messages, and what a model is shown of them."""

import re
from dataclasses import dataclass, field

from support.fuzz.steps import Send
from support.units import Edit, Encoding, Units

_MARKER = re.compile(r"\bmarker=([\w.]+)")


@dataclass(slots=True)
class Model:
    """The documents that are open; ``expected`` is what a question carries: the text as it was when asked."""

    encoding: Encoding
    open: dict[str, Units] = field(default_factory=dict[str, Units])
    expected: dict[str, str] = field(default_factory=dict[str, str])

    def hear(self, step: Send) -> None:
        """Follow a message that is as it should be; any other changes nothing."""
        match step.message:
            case {
                "method": "textDocument/didOpen",
                "params": {"textDocument": {"uri": str() as uri, "text": str() as text}},
            }:
                self.open[uri] = Units(text, self.encoding)
            case {"method": "textDocument/didClose", "params": {"textDocument": {"uri": str() as uri}}}:
                self.open.pop(uri, None)
            case {
                "method": "textDocument/didChange",
                "params": {"textDocument": {"uri": str() as uri}, "contentChanges": [*changes]},
            } if uri in self.open:
                for change in changes:
                    self._change(uri, change)
            case {
                "method": "farebox/chat",
                "params": {"text": str() as words, "attachments": [{"uri": str() as uri}]},
            } if uri in self.open and (marker := _MARKER.search(words)):
                self.expected[marker[1]] = visible(self.open[uri].source)
            case _:
                pass

    def take(self, marker: str) -> str:
        """Return what a question must have carried, and forget it."""
        return self.expected.pop(marker)

    def _change(self, uri: str, change: object) -> None:
        match change:
            case {
                "range": {
                    "start": {"line": int() as line, "character": int() as character},
                    "end": {"line": int() as last, "character": int() as after},
                },
                "text": str() as text,
            }:
                self.open[uri].replace(Edit((line, character), (last, after), text))
            case {"text": str() as text}:
                self.open[uri] = Units(text, self.encoding)
            case _:
                pass


def attached(prompt: str) -> str:
    """Return the attachment in a question."""
    return prompt.partition(">\n")[2].rpartition("\n</attachment>")[0].replace("\ufffd", "?")


def visible(text: str) -> str:
    """Return a text as a model is shown it: half a character is none."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\ufffd", "?")
