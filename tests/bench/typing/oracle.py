"""A model that knows the true text: what it answers at a place, and when each token comes.

It is right but for some words, which it gets wrong until half of them has been typed, and it stops at a blank
line. Where the text before the cursor is not the true one (a typo, a bet on a wrong suggestion) its answer
has nothing to do with the truth. Everything depends on the request's text and the seed alone.
"""

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass
from zlib import crc32

from bench.typing.texts import Target

SIGMA = 0.25
TOKEN_MS = 10.0
MIN_WORD_CHARS = 3
LOCATING_CHARS = 300
_TOKEN = re.compile(r"\n[ \t]*| ?\w{1,5}|[ \t]+|[^\w\s]{1,3}|.", re.DOTALL)
_WORD = re.compile(r"[A-Za-z_]\w*")


@dataclass(frozen=True, slots=True)
class Reply:
    """What is answered: the first token after ``first_ms``, the others ``TOKEN_MS`` each."""

    tokens: tuple[str, ...]
    first_ms: float
    limited: bool
    """True if it was cut off by the number of tokens."""

    @property
    def text(self) -> str:
        """The whole answer."""
        return "".join(self.tokens)


class Oracle:
    """The model for some targets."""

    def __init__(self, targets: Sequence[Target], *, latency_ms: float, hard: float, seed: int) -> None:
        self._latency_ms = latency_ms
        self._seed = seed
        self._scripts = [_Script(target, hard, seed) for target in targets]

    def reply(
        self,
        prefix: str,
        suffix: str,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        limit_ms: float | None = None,
    ) -> Reply:
        """Answer a hole. ``limit_ms``, as llama.cpp has it, holds only once a line has been written."""
        chance = random.Random(
            f"{self._seed}/{crc32(prefix.encode())}/{crc32(suffix.encode())}/{len(prefix)}"
        )
        first_ms = self._latency_ms * math.exp(chance.gauss(0, SIGMA))
        text = self._continuation(prefix, chance)
        cuts = [at for one in stop if one and (at := text.find(one)) >= 0]
        tokens = _TOKEN.findall(text[: min(cuts)] if cuts else text)
        if limit_ms is not None:
            tokens = _in_time(tokens, int(limit_ms / TOKEN_MS))
        return Reply(tuple(tokens[:max_tokens]), first_ms, len(tokens) > max_tokens)

    def _continuation(self, prefix: str, chance: random.Random) -> str:
        for script in self._scripts:
            at = script.locate(prefix)
            if at is not None:
                return script.continuation(at)
        return chance.choice(self._scripts).unrelated(chance) if self._scripts else ""


class _Script:
    """One target as the model knows it."""

    def __init__(self, target: Target, hard: float, seed: int) -> None:
        self._full = target.before[-4 * LOCATING_CHARS :] + target.region
        self._start = len(self._full) - len(target.region)
        self._file = target.before + target.region + target.after
        vocabulary = sorted({word for word in _WORD.findall(self._file) if len(word) >= MIN_WORD_CHARS})
        self._hard: list[tuple[int, int, str]] = []
        for match in _WORD.finditer(target.region):
            word = match[0]
            chance = random.Random(f"{seed}/{target.name}/{match.start()}/{word}")
            if len(word) >= MIN_WORD_CHARS and chance.random() < hard:
                wrong = next(
                    (w for w in chance.sample(vocabulary, min(8, len(vocabulary))) if w[0] != word[0]),
                    "other",
                )
                self._hard.append((self._start + match.start(), self._start + match.end(), wrong))

    def locate(self, prefix: str) -> int | None:
        """Return where in the text a prefix ends; None if it is not a beginning of the true text."""
        tail = prefix[-LOCATING_CHARS:]
        at = self._full.find(tail, max(0, self._start - len(tail))) if tail else -1
        if at >= 0:
            return at + len(tail) if at + len(tail) >= self._start else None
        return None

    def continuation(self, at: int) -> str:
        """Return the true rest up to a blank line, with its hard words wrong."""
        text, end = self._full, self._end(at)
        parts: list[str] = []
        done = at
        for first, last, wrong in self._hard:
            if last <= at or first >= end:
                continue
            typed = max(0, at - first)
            if typed * 2 >= last - first:
                continue
            parts += [text[done : max(first, at)], wrong[typed:] or wrong]
            done = last
        return "".join(parts) + text[done:end]

    def _end(self, at: int) -> int:
        """Return where the next blank line begins; line feeds at the very start do not count."""
        first = re.compile(r"\S").search(self._full, at)
        end = self._full.find(
            "\n\n", at if first is None or self._full.startswith("\n\n", at) else first.start()
        )
        return len(self._full) if end < 0 else end

    def unrelated(self, chance: random.Random) -> str:
        """Return a paragraph from elsewhere in the file."""
        start = self._file.find("\n", chance.randrange(len(self._file))) + 1
        start += len(self._file[start:]) - len(self._file[start:].lstrip())
        end = self._file.find("\n\n", start)
        return self._file[start : end if end >= 0 else None]


def _in_time(tokens: list[str], count: int) -> list[str]:
    """Stop after so many tokens, but not before a line feed."""
    line = next((number for number, token in enumerate(tokens) if "\n" in token), len(tokens))
    return tokens[: max(count, line + 1)]
