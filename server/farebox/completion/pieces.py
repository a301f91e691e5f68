"""Pieces of the workspace's files that may help at a cursor, each with how far it is believed in.

Three kinds: what stands outside of the window in the file itself (imports, definitions), definitions of the
names that are used or imported, and lines around words that are rare elsewhere and stand at the cursor.
Only looks; what is taken is decided elsewhere.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache
from heapq import nlargest
from itertools import takewhile

from farebox.completion.index import IDENTIFIER, Index, Source
from farebox.completion.nearby import Nearby
from farebox.completion.outline import Definition
from farebox.completion.windows import lines_around, lines_of, stretches

MAX_DEFINING_FILES = 40
MAX_LINE_CHARS = 240


@dataclass(frozen=True, slots=True)
class Weights:
    """How far each kind is believed in, and how far is looked."""

    own_import: float = 0.8
    own_definition: float = 0.6
    used: float = 0.7
    member: float = 0.9
    base: float = 0.7
    imported: float = 0.25
    lines_here: float = 0.45
    lines: float = 0.6
    edited: float = 0.6
    alike_here: float = 40.0
    alike: float = 30.0
    alike_power: float = 2.0
    same_folder: float = 1.3
    other_language: float = 0.5
    words: int = 20
    files: int = 12
    windows: int = 6
    windows_here: int = 18
    all_windows: int = 40
    lines_before: int = 2
    lines_after: int = 7
    common: float = 0.3


DEFAULT = Weights()


@dataclass(frozen=True, slots=True)
class Piece:
    """Lines of a file, each with its number, counted from 0.

    What a name in it is worth is multiplied by ``strength``, and ``alike`` is added.
    """

    source: Source
    lines: tuple[tuple[int, str], ...]
    strength: float
    alike: float = 0.0


@dataclass(slots=True)
class Search:
    """One look through the index, for the window of the file ``path``."""

    index: Index
    near: Nearby
    path: str
    language: str
    weights: Weights = DEFAULT
    _named: set[str] = field(default_factory=set[str])
    _imported: dict[str, frozenset[str]] = field(default_factory=dict[str, frozenset[str]])

    def pieces(self) -> list[Piece]:
        """All pieces that may help, in no order."""
        own = self.index.source(self.path)
        found = list(self._own(own)) if own is not None else []
        for word, weight in self.near.words:
            found += self._definitions(word, own, self.weights.used * (0.3 + 0.7 * weight))
        for name in self._imported:
            found += self._definitions(name, own, self.weights.imported)
        found += self._edited()
        found += self._windows(own)
        return found

    def _own(self, own: Source) -> Iterator[Piece]:
        lines = self.near.lines
        for statement in own.outline.imports:
            parts = frozenset(IDENTIFIER.findall(statement.module))
            self._imported.update(dict.fromkeys(statement.names, parts))
            if statement.text.strip() not in lines:
                yield Piece(own, ((statement.line, statement.text),), self.weights.own_import)
        for definition in own.outline.definitions:
            yield Piece(own, ((definition.line, definition.text),), self.weights.own_definition)

    def _definitions(
        self, name: str, own: Source | None, strength: float, *, is_base: bool = False
    ) -> Iterator[Piece]:
        """What a name is: its signature, and its members if it is a type, with those that it inherits."""
        if name in self._named:
            return
        self._named.add(name)
        defining = self.index.defining(name)
        if not 0 < len(defining) <= MAX_DEFINING_FILES:
            return
        source = max(defining, key=lambda source: self._closeness(source, name))
        for definition in source.outline.definitions:
            if definition.name != name:
                continue
            head = (definition.line, definition.text)
            if source is not own:
                yield Piece(source, (head,), strength)
            if definition.kind == "type":
                yield from self._members(source, name, head, strength * self.weights.member)
                if not is_base:
                    yield from self._bases(definition, own, strength * self.weights.base)

    @staticmethod
    def _members(source: Source, owner: str, head: tuple[int, str], strength: float) -> Iterator[Piece]:
        for member in source.outline.definitions:
            if member.owner == owner:
                yield Piece(source, (head, (member.line, member.text)), strength)

    def _bases(self, definition: Definition, own: Source | None, strength: float) -> Iterator[Piece]:
        for base in IDENTIFIER.findall(definition.text):
            yield from self._definitions(base, own, strength, is_base=True)

    def _closeness(self, source: Source, name: str) -> tuple[int, int, str]:
        """How likely a file is the one that a name comes from: by the import's words, then by its folder."""
        parts = self._imported.get(name)
        named = len(parts & _path_words(source.path)) if parts else 0
        return named, _shared(source.path, self.path), source.path

    def _edited(self) -> Iterator[Piece]:
        """The lines that were edited last in other files."""
        for edit in self.index.edits():
            source = self.index.source(edit.path)
            if source is not None and edit.path != self.path:
                first = max(0, edit.line - self.weights.lines_before)
                lines = lines_of(source.text, first, edit.line + self.weights.lines_after)
                yield Piece(source, _short(first, lines), self.weights.edited)

    def _alike(self, own: Source | None) -> Iterator[tuple[Source, list[tuple[str, float]], float]]:
        """The files that share most rare words with the cursor's surroundings, each with those words."""
        words = self.near.words[: self.weights.words]
        total = sum(weight for _, weight in words) or 1.0
        most = max(30, int(len(self.index) * self.weights.common))
        shared: dict[Source, list[tuple[str, float]]] = {}
        for word, weight in words:
            sources = self.index.with_word(word)
            if len(sources) <= most:
                for source in sources:
                    shared.setdefault(source, []).append((word, weight))
        folder = _folder(self.path)
        scores: list[tuple[float, str, Source]] = []
        for source, hits in shared.items():
            score = sum(weight for _, weight in hits)
            if _folder(source.path) == folder:
                score *= self.weights.same_folder
            if source.language != self.language:
                score *= self.weights.other_language
            scores.append((score if source is not own else float("inf"), source.path, source))
        for _, _, source in nlargest(self.weights.files, scores, key=lambda entry: entry[:2]):
            yield source, shared[source], total

    def _windows(self, own: Source | None) -> Iterator[Piece]:
        """The lines around the words that files share with the cursor's surroundings, the best ones."""
        weights = self.weights
        ranked: list[tuple[float, str, int, Source]] = []
        total = 1.0
        texts: dict[Source, str] = {}
        for source, words, total in self._alike(own):
            most = weights.windows_here if source is own else weights.windows
            texts[source] = source.text
            for stretch in stretches(texts[source], words, most=most):
                score = stretch.score + (total if source is own else 0.0)
                ranked.append((score, source.path, stretch.at, source))
        for score, _, at, source in nlargest(weights.all_windows, ranked, key=lambda entry: entry[:3]):
            here = source is own
            text = texts[source]
            start, lines = lines_around(text, at, before=weights.lines_before, after=weights.lines_after)
            if here and sum(line.strip() in self.near.lines for line in lines) * 2 > len(lines):
                continue
            ratio = (score - (total if here else 0.0)) / total
            yield Piece(
                source,
                _short(text.count("\n", 0, start), lines),
                weights.lines_here if here else weights.lines,
                (weights.alike_here if here else weights.alike) * ratio**weights.alike_power,
            )


def _folder(path: str) -> str:
    return path.replace("\\", "/").rpartition("/")[0]


@lru_cache(maxsize=4_096)
def _path_words(path: str) -> frozenset[str]:
    """The words of a path, without its suffix."""
    return frozenset(IDENTIFIER.findall(path.rpartition(".")[0] or path))


@lru_cache(maxsize=4_096)
def _shared(first: str, second: str) -> int:
    """How many folders two paths share from the root on."""
    pairs = zip(_folder(first).split("/"), _folder(second).split("/"), strict=False)
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], pairs))


def _short(first: int, lines: list[str]) -> tuple[tuple[int, str], ...]:
    return tuple(
        (number, line.rstrip())
        for number, line in enumerate(lines, first)
        if line.strip() and len(line) <= MAX_LINE_CHARS
    )
