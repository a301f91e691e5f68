"""What an editor's documents must be, worked out from its messages, and what a model is shown of them."""

import re
from dataclasses import dataclass, field

from support.fuzz.steps import Send
from support.units import Edit, Encoding, Units

MAX_UINTEGER = 2**31 - 1
_MARKER = re.compile(r"\bmarker=([\w.]+)")


@dataclass(slots=True)
class Model:
    """The documents that are open; ``expected`` is what a question carries: the text as it was when asked."""

    encoding: Encoding
    open: dict[str, Units] = field(default_factory=dict[str, Units])
    expected: dict[str, str] = field(default_factory=dict[str, str])

    def hear(self, step: Send) -> None:
        """Follow a message that is as it should be; of a document with any other edit nothing is known."""
        match step.message:
            case {
                "method": "textDocument/didOpen",
                "params": {"textDocument": {"uri": str() as uri, "text": str() as text}},
            }:
                self.open[uri] = Units(text, self.encoding)
            case {
                "method": "textDocument/didClose" | "textDocument/didOpen",
                "params": {"textDocument": {"uri": str() as uri}},
            }:
                self.open.pop(uri, None)
            case {
                "method": "textDocument/didChange",
                "params": {"textDocument": {"uri": str() as uri}, "contentChanges": [*changes]},
            } if uri in self.open:
                for change in changes:
                    self._change(uri, change)
            case {"method": "textDocument/didChange", "params": {"textDocument": {"uri": str() as uri}}}:
                self.open.pop(uri, None)
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
        if uri not in self.open:
            return
        match _edit(change):
            case Edit() as edit:
                self.open[uri].replace(edit)
            case str() as text:
                self.open[uri] = Units(text, self.encoding)
            case None:
                del self.open[uri]


def _edit(change: object) -> Edit | str | None:
    """Return an edit, a whole new text, or None where a change is not as it should be."""
    match change:
        case {
            "range": {
                "start": {"line": line, "character": character},
                "end": {"line": last, "character": after},
            },
            "text": str() as text,
        }:
            first, then = (_whole(line), _whole(character)), (_whole(last), _whole(after))
            is_right = all(0 <= number <= MAX_UINTEGER for number in (*first, *then))
            return Edit(first, then, text) if is_right else None
        case {"range": None, "text": str() as text}:
            return text
        case {"range": _}:
            return None
        case {"text": str() as text}:
            return text
        case _:
            return None


def _whole(value: object) -> int:
    """Return a whole number however JSON writes it, -1 for anything else."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or value != value // 1:
        return -1
    return int(value)


def attached(prompt: str) -> str:
    """Return the attachment in a question."""
    return prompt.partition(">\n")[2].rpartition("\n</attachment>")[0].replace("\ufffd", "?")


def visible(text: str) -> str:
    """Return a text as a model is shown it: half a character is none."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace").replace("\ufffd", "?")
