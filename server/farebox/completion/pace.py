"""How fast one types and how soon a model answers: what waits and look-aheads are made of. Pure."""

import statistics
from collections import deque
from dataclasses import dataclass, field
from typing import Final

MAX_GAP_S: Final = 0.4
"""A longer gap between two keys is a thought, not a rhythm (tabby-agent's debouncer)."""
MIN_GAP_S: Final = 0.03
USUAL_GAP_S: Final = 0.15
GAPS: Final = 32

USUAL_FIRST_TOKEN_S: Final = 0.3
ANSWERS: Final = 12
AT_WORD_GAPS: Final = 0.36
BEGUN_WORD_GAPS: Final = 2.0
IN_WORD_GAPS: Final = 0.8
TELLING_LETTERS: Final = 3
"""With so many letters of a word it is likely to be guessed."""
MAX_MOMENT_S: Final = 0.6
MAX_PATIENCE: Final = 3.0
"""By how much longer one waits before a slow provider is asked: what it says is for later in any case."""

ENOUGH_CHARS: Final = 70
MAX_ENOUGH_CHARS: Final = 160


LOOK_AHEAD_CHARS: Final = 28
MAX_LOOK_AHEAD_CHARS: Final = 60


@dataclass(slots=True)
class Pace:
    """The last gaps between keys and the last waits for a first token, in seconds."""

    gaps_s: deque[float] = field(default_factory=lambda: deque(maxlen=GAPS))
    firsts_s: deque[float] = field(default_factory=lambda: deque(maxlen=ANSWERS))
    _key_s: float | None = None

    def keyed(self, at_s: float) -> None:
        """Take note of a key."""
        if self._key_s is not None and MIN_GAP_S <= (gap := at_s - self._key_s) <= MAX_GAP_S:
            self.gaps_s.append(gap)
        self._key_s = at_s

    def answered(self, first_token_s: float) -> None:
        """Take note of how long a first token took."""
        self.firsts_s.append(first_token_s)

    @property
    def gap_s(self) -> float:
        """The usual time between two keys."""
        return statistics.median(self.gaps_s) if self.gaps_s else USUAL_GAP_S

    @property
    def first_token_s(self) -> float:
        """The usual time to a first token."""
        return statistics.median(self.firsts_s) if self.firsts_s else USUAL_FIRST_TOKEN_S

    def moment_s(self, *, letters: int) -> float:
        """Return how long to wait for the next key before a model is asked, ``letters`` into a word.

        At the beginning of a word the next key is near, and would most likely contradict the answer.
        """
        gaps = BEGUN_WORD_GAPS if 0 < letters < TELLING_LETTERS else IN_WORD_GAPS if letters else AT_WORD_GAPS
        patience = min(self.first_token_s / USUAL_FIRST_TOKEN_S, MAX_PATIENCE)
        return min(self.gap_s * gaps * patience, MAX_MOMENT_S)

    @property
    def enough_chars(self) -> int:
        """Return how long an answer of more than a line may get.

        What a fast provider writes is there before typing can contradict it; of a slow one's less is borne
        out.
        """
        chars = round(ENOUGH_CHARS * USUAL_FIRST_TOKEN_S / max(self.first_token_s, 0.01))
        return min(max(chars, ENOUGH_CHARS), MAX_ENOUGH_CHARS)

    @property
    def look_ahead_chars(self) -> int:
        """Return with how much text left what follows is asked for: what is typed until it can be there."""
        typed = round((self.first_token_s + MAX_MOMENT_S) / self.gap_s)
        return min(max(LOOK_AHEAD_CHARS, 2 * typed), MAX_LOOK_AHEAD_CHARS)
