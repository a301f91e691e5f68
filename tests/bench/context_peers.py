"""What others put into a prompt from other files: ports of their rules for tests/bench/context.py.

Jaccard: windows of 60 lines of the open files, the best one of each file, the best four of those, compared
with the 60 lines above the cursor (Copilot's). Ring: 16 chunks of 64 lines picked from the open files as one
jumps between them, without those that look like one another or like the text at the cursor (llama.vim's).
"""

import random
from collections import Counter

from context_tasks import Task, identifiers

WINDOW_LINES = 60
BEST_WINDOWS = 4
RING_CHUNKS = 16
CHUNK_LINES = 64
ALIKE = 0.9
LIKE_THE_CURSOR = 0.5


def jaccard(task: Task, budget_chars: int) -> list[str]:
    """Copilot's: the four windows that share most words with the lines above the cursor."""
    here = identifiers("".join(task.before.splitlines(keepends=True)[-WINDOW_LINES:]))
    best: list[tuple[float, str]] = []
    for file in task.open_files:
        lines = file.text.splitlines(keepends=True)
        words = [identifiers(line) for line in lines]
        counts: Counter[str] = Counter()
        found = (0.0, "")
        for end, line_words in enumerate(words):
            counts.update(line_words)
            if end >= WINDOW_LINES:
                counts.subtract(words[end - WINDOW_LINES])
                for word in words[end - WINDOW_LINES]:
                    if not counts[word]:
                        del counts[word]
            if end < WINDOW_LINES - 1 and end < len(lines) - 1:
                continue
            shared = len(here & counts.keys())
            score = shared / max(1, len(here) + len(counts) - shared)
            if score > found[0]:
                found = (score, "".join(lines[max(0, end - WINDOW_LINES + 1) : end + 1]))
        best.append(found)
    best.sort(key=lambda pair: -pair[0])
    return _within([text for _, text in best[:BEST_WINDOWS]], budget_chars)


def ring(task: Task, budget_chars: int) -> list[str]:
    """llama.vim's: chunks of 64 lines, the newest last in its ring and first in the budget."""
    chance = random.Random(task.file.path + str(len(task.before)))
    here = task.before.splitlines(keepends=True)[-CHUNK_LINES:]
    chunks: list[list[str]] = []
    for number in range(2 * RING_CHUNKS):
        if not task.open_files:
            break
        lines = task.open_files[number % len(task.open_files)].text.splitlines(keepends=True)
        if len(lines) < 3:
            continue
        at = chance.randrange(max(1, len(lines) - CHUNK_LINES // 2))
        chunk = lines[at : at + CHUNK_LINES]
        chunks = [old for old in chunks if _alike(old, chunk) <= ALIKE]
        chunks.append(chunk)
    chunks = [chunk for chunk in chunks[-RING_CHUNKS:] if _alike(chunk, here) <= LIKE_THE_CURSOR]
    return _within(["".join(chunk) for chunk in reversed(chunks)], budget_chars)


def _alike(first: list[str], second: list[str]) -> float:
    """llama.vim's measure: twice the shared lines to all lines."""
    return 2 * len(set(first) & set(second)) / max(1, len(first) + len(second))


def _within(texts: list[str], budget_chars: int) -> list[str]:
    kept: list[str] = []
    for text in texts:
        if budget_chars <= 0:
            break
        kept.append(text[:budget_chars])
        budget_chars -= len(kept[-1])
    return kept
