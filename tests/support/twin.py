"""Our document text and the oracle's, edited side by side."""

import random
from collections.abc import Callable
from dataclasses import dataclass

from farebox.lsp.text import Text
from support.units import Edit, Encoding, Place, Units, random_edits, random_place, random_text

EDITS_A_DOCUMENT = 40
MAX_UNITS = 400
"""A longer text is begun anew: the oracle is slow, and what is wrong shows in a short one."""


@dataclass(slots=True)
class Tally:
    """What has been compared."""

    edits: int = 0
    documents: int = 0
    most_chars: int = 0


class Twin:
    """One document, twice."""

    def __init__(self, source: str, encoding: Encoding) -> None:
        self.oracle = Units(source, encoding)
        self.ours = Text(source, encoding)
        self.encoding = encoding
        self._from = self.oracle.source
        self._edits: list[Edit] = []

    def edit(self, edit: Edit) -> None:
        """Edit both, and compare them."""
        self._edits.append(edit)
        self.oracle.replace(edit)
        self.ours.replace(*edit.start, *edit.end, edit.text)
        self.compare()

    def look(self, place: Place) -> None:
        """Fail unless both have the same before and after a place."""
        ours, theirs = self.ours.around(*place), self.oracle.split(place)
        assert ours == theirs, self._story(f"at {place}: {ours!r}, not {theirs!r}")

    def compare(self) -> None:
        """Fail unless both texts are equal."""
        ours, theirs = self.ours.source, self.oracle.source
        assert ours == theirs, self._story(f"is {ours!r}, not {theirs!r}")

    def _story(self, end: str) -> str:
        steps = "\n".join(f"  {edit}" for edit in self._edits)
        return f"{self.encoding} from {self._from!r}\n{steps}\n{end}"


def run(
    dice: random.Random, encoding: Encoding, edits: int, note: Callable[[bytes], object] | None = None
) -> Tally:
    """Make so many random edits; ``note`` is given each text. Raises AssertionError where texts differ."""
    tally = Tally()
    twin, left = Twin("", encoding), 0
    while tally.edits < edits:
        if left == 0:
            twin, left = Twin(random_text(dice, dice.choice((0, 3, 20))), encoding), EDITS_A_DOCUMENT
            twin.compare()
            tally.documents += 1
        (edit,) = random_edits(dice, twin.oracle)
        twin.edit(edit)
        twin.look(random_place(dice, twin.oracle))
        source = twin.ours.source
        tally.edits += 1
        tally.most_chars = max(tally.most_chars, len(source))
        left = 0 if len(source) > MAX_UNITS else left - 1
        if note is not None:
            note(source.encode("utf-8", "surrogatepass"))
    return tally
