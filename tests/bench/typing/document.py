"""One open document of a language server, as an editor treats it: changes, requests, replies."""

from pathlib import Path

from bench.typing.realtime import Place, Session
from bench.typing.texts import Target
from bench.typing.wire import Wire
from support.metamodel import Json


class Document:
    """A document whose region is being typed. A reply counts if nothing has changed since its request."""

    method = "textDocument/inlineCompletion"

    def __init__(self, wire: Wire, target: Target, folder: Path, session: Session) -> None:
        self._wire = wire
        self._target = target
        self._session = session
        self._uri = (folder / target.name.partition(":")[0]).as_uri()
        self._place = Place(target.before)
        self._version = 1
        self._asked: int | None = None

    def open(self) -> None:
        """Open it without the region that will be typed."""
        document = {
            "uri": self._uri,
            "languageId": self._target.language,
            "version": 1,
            "text": self._target.before + self._target.after,
        }
        self._wire.notify("textDocument/didOpen", {"textDocument": document})

    async def change(self, inserted: str, *, erased: int, accepted: bool) -> None:
        """See Editor."""
        end = self._place.here
        if erased:
            self._place.erase()
        start = self._place.here
        self._version += 1
        document = {"uri": self._uri, "version": self._version}
        changes = [{"range": {"start": start, "end": end}, "text": inserted}]
        self._wire.notify("textDocument/didChange", {"textDocument": document, "contentChanges": changes})
        self._place.insert(inserted)
        if accepted:
            self._taken(inserted)
        if self._asked is not None:
            self._wire.notify("$/cancelRequest", {"id": self._asked})
        version = self._version
        place = {"textDocument": {"uri": self._uri}, "position": self._place.here}
        self._asked = self._wire.ask(
            self.method, {**place, **self._more()}, lambda message: self._answered(version, message)
        )

    def _answered(self, version: int, message: Json) -> None:
        self._answer(message)
        if version != self._version:
            return
        self._asked = None
        if "error" in message:
            return
        result = message.get("result")
        items = result.get("items") if isinstance(result, dict) else result
        item = items[0] if isinstance(items, list) and items else None
        text = self._insertion(item) if isinstance(item, dict) else None
        if isinstance(item, dict) and text:
            self._shown(item)
        self._session.show(text)

    def _more(self) -> Json:
        """What a request carries beside the place."""
        return {}

    def _insertion(self, item: Json) -> str | None:
        """Return what an item would insert at the cursor."""
        span = item.get("range")
        at_cursor = not isinstance(span, dict) or span["start"] == self._place.here
        return str(item["insertText"]) if at_cursor else None

    def _answer(self, _message: Json) -> None:
        """A request was answered, be it that it is of no use any more."""

    def _shown(self, item: Json) -> None:
        """An item is on the screen."""

    def _taken(self, text: str) -> None:
        """Ghost text was accepted; it is in the document by now."""
