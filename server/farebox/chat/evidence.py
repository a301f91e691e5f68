"""What a conversation's last turn tells about the next step: that its answer did not help, what is cached.

An editor sees what no gateway can: that an answer was thrown away, that an edit was undone, that errors are
still there. Each lifts the next step, once. Decides nothing about models.
"""

import time
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from farebox.messages import Evidence, Target
from farebox.router.request import CACHE_S, MIN_CACHED_TOKENS, Kept

if TYPE_CHECKING:
    from farebox.chat.conversation import Question, Turn

Outcome: TypeAlias = Literal["applied", "rejected", "undone", "regenerated"]
"""What became of an answer in the editor."""

FEWEST_WORDS: Final = 3
"""Of a question that is asked again: "go on" and "yes" are said twice without a complaint."""

_REPORTED: Final[dict[Outcome, Evidence]] = {
    "rejected": "rejected",
    "undone": "undone",
    "regenerated": "regenerated",
}


def evidence(turns: "Sequence[Turn]", asked: "Question") -> tuple[Evidence, ...]:
    """Name what speaks against the last answer, now that the user asks again; nothing if nothing does.

    A turn that failed, or was stopped without another word, has not answered badly: the one before it counts.
    An earlier answer counts too if the editor has told of it since the last one: an edit may be undone late.
    """
    at = next((at for at in reversed(range(len(turns))) if _tells(turns[at])), None)
    if at is None:
        return ()
    found = _of_last(turns[at], asked)
    for turn in turns[:at]:
        if turn.told_after > at:
            found += _told_late(turn)
    return tuple(dict.fromkeys(found))


def _of_last(last: "Turn", asked: "Question") -> list[Evidence]:
    if last.done is None:
        return []
    found: list[Evidence] = []
    if not last.done.cancelled and not last.answer.strip():
        found.append("empty")
    elif last.done.finish_reason == "length":
        found.append("cutOff")
    if (reported := _reported(last)) is not None:
        found.append(reported)
    if last.outcome == "applied" and (last.errors_left or asked.errors):
        found.append("errorsRemain")
    if "regenerated" not in found and _asks_again(asked, last):
        found.append("regenerated")
    return found


def _asks_again(asked: "Question", last: "Turn") -> bool:
    words = _words(asked.text)
    return asked.replaces == last.id or (len(words) >= FEWEST_WORDS and words == _words(last.question.text))


def _told_late(turn: "Turn") -> Iterator[Evidence]:
    if (reported := _reported(turn)) is not None:
        yield reported
    if turn.outcome == "applied" and turn.errors_left:
        yield "errorsRemain"


def kept(turns: "Sequence[Turn]", asked: "Question") -> tuple[Kept, ...]:
    """Return what of a conversation is in the prompt caches of the models that served it, the last first.

    Another system text begins another prompt, of which nothing is cached.
    """
    found: dict[Target, Kept] = {}
    now_s = time.monotonic()
    for turn in reversed(turns):
        if turn.done is None or turn.ended_s is None or turn.done.finish_reason == "error":
            continue
        if (age_s := now_s - turn.ended_s) > CACHE_S:
            break
        tokens = turn.done.usage.input_tokens + turn.done.usage.output_tokens
        target = turn.done.route.target
        if tokens >= MIN_CACHED_TOKENS and turn.question.system_words == asked.system_words:
            found.setdefault(target, Kept(target, tokens, age_s))
    return tuple(found.values())


def _tells(turn: "Turn") -> bool:
    if turn.done is None:
        return False
    return turn.outcome is not None or not (turn.done.cancelled or turn.done.finish_reason == "error")


def _reported(last: "Turn") -> Evidence | None:
    return _REPORTED.get(last.outcome) if last.outcome is not None else None


def _words(text: str) -> list[str]:
    return text.casefold().split()
