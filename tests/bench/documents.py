"""What an edit of a long document costs, ours beside pygls': ``python tests/bench/documents.py``.

In one process the same edits are made in both, turn by turn, and both must end with the same text.
"""

import argparse
import random
import statistics
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

from lsprotocol import types
from pygls.workspace import TextDocument

from farebox.completion.engine import Hole
from farebox.lsp.documents import Document

URI = "file:///ws/long.py"
LINES = (1_000, 10_000, 100_000)
KEYS_AT_A_PLACE = 12
PASTED_LINES = 1_000
LEAST_RATIO = 100
"""Of pygls' median to ours, at the most lines."""

MAX_KEY_MS = 10.0
"""For all that a key asks of a document, at the most lines."""

Where = tuple[int, int]
Edit = tuple[Where, Where, str]


@dataclass(slots=True)
class Series:
    """What each edit took, in milliseconds."""

    ours: list[float] = field(default_factory=list[float])
    theirs: list[float] = field(default_factory=list[float])

    @property
    def ratio(self) -> float:
        """How many times as long pygls takes, in the median."""
        return statistics.median(self.theirs) / statistics.median(self.ours)


def source(lines: int, word: str) -> str:
    """Return a document with so many lines."""
    return "".join(f"    {word}_{number} = call({number})\n" for number in range(lines))


def typing(dice: random.Random, lines: int, edits: int) -> Iterator[Edit]:
    """Type a few keys at a place, take one back, go elsewhere."""
    line = character = 0
    for number in range(edits):
        key = number % KEYS_AT_A_PLACE
        if key == 0:
            line, character = dice.randrange(lines), 4
        if key == KEYS_AT_A_PLACE - 1:
            yield (line, character - 1), (line, character), ""
        elif key == KEYS_AT_A_PLACE // 2:
            yield (line, character), (line, character), "\n    "
            line, character = line + 1, 4
        else:
            yield (line, character), (line, character), dice.choice("abcdefgh ")
            character += 1


def pasting(dice: random.Random, lines: int, edits: int) -> Iterator[Edit]:
    """Paste many lines somewhere, and take them out again."""
    for _ in range(edits // 2):
        line = dice.randrange(lines)
        yield (line, 0), (line, 0), source(PASTED_LINES, "pasted")
        yield (line, 0), (line + PASTED_LINES, 0), ""


def change_of(edit: Edit) -> types.TextDocumentContentChangePartial:
    """Return an edit as an editor sends it."""
    start, end, text = edit
    return types.TextDocumentContentChangePartial(
        types.Range(types.Position(*start), types.Position(*end)), text
    )


def took_ms(work: Callable[[Edit], object], edit: Edit) -> float:
    """Return how long an edit takes."""
    began_ns = time.perf_counter_ns()
    work(edit)
    return (time.perf_counter_ns() - began_ns) / 1e6


def compare(text: str, edits: Sequence[Edit]) -> Series:
    """Make the same edits in both."""
    ours = opened(text)
    theirs = TextDocument(URI, text, 1, "python")
    series = Series()
    for edit in edits:
        series.ours.append(took_ms(lambda one: ours.apply(change_of(one)), edit))
        series.theirs.append(took_ms(lambda one: theirs.apply_change(change_of(one)), edit))
    assert ours.read() == theirs.source, "the two have different texts"
    return series


def opened(text: str) -> Document:
    """Return an open document."""
    return Document(types.TextDocumentItem(URI, "python", 1, text), "utf-16", 1)


def keys(text: str, edits: Sequence[Edit]) -> list[float]:
    """Return what each key costs in all: the edit, the text around the cursor, and what a request carries."""
    document = opened(text)

    def key(edit: Edit) -> None:
        document.apply(change_of(edit))
        line, character = edit[0]
        around = document.around(types.Position(line, character + len(edit[2])))
        hole = Hole(around.path, around.language, around.prefix, around.suffix)
        assert not hole.has_crlf
        hole.plain().window()

    return [took_ms(key, edit) for edit in edits]


def main() -> int:
    """Run all, print a table, and say whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--edits", type=int, default=72, help="how many at each size")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    edits: int = options.edits
    print(f"{'lines':>8}  {'edits':<22} {'ours ms':>9} {'pygls ms':>9} {'ratio':>8}")
    ratio = 0.0
    for name, word, kind in (
        ("typing", "name", typing),
        ("typing, astral", "\U0001f600", typing),
        (f"pastes of {PASTED_LINES} lines", "name", pasting),
    ):
        for lines in LINES:
            dice = random.Random(options.seed)
            series = compare(source(lines, word), list(kind(dice, lines, edits)))
            ours, theirs = statistics.median(series.ours), statistics.median(series.theirs)
            print(f"{lines:>8}  {name:<22} {ours:>9.4f} {theirs:>9.3f} {series.ratio:>8.0f}")
            if name == "typing":
                ratio = series.ratio
    took = keys(source(LINES[-1], "name"), list(typing(random.Random(options.seed), LINES[-1], edits)))
    key_ms = statistics.median(took)
    print(f"\na key in all, at {LINES[-1]} lines: median {key_ms:.2f} ms, at most {max(took):.2f} ms")
    bars = (
        (f"an edit costs a hundredth of pygls' at {LINES[-1]} lines", ratio >= LEAST_RATIO),
        (f"a key costs less than {MAX_KEY_MS:.0f} ms in all there", key_ms < MAX_KEY_MS),
    )
    for bar, is_met in bars:
        print(f"{'PASS' if is_met else 'FAIL'}: {bar}")
    return 0 if all(is_met for _, is_met in bars) else 1


if __name__ == "__main__":
    sys.exit(main())
