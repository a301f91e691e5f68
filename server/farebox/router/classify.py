"""What a request really is: its task, its phase, how much it asks of a model. No network, no model.

Facts of the protocol go first: a task that was asked for, tools and their results, images, the size of the
context, a selection, diagnostics, the turn's number. Words come last, because they tell little of how hard
a piece of work is. Only the ends of a long text are read. Knows no model, no price and no strategy.
"""

import math
import re
from dataclasses import dataclass, field
from typing import Final

from farebox.messages import Complexity, Ground, Phase, ReasoningEffort, Task
from farebox.router.words import told_by_words, words_of


@dataclass(frozen=True, slots=True)
class Facts:
    """What an editor knows of a request beside its size.

    ``text`` is what the user wrote in this turn, without what is attached; it is read here and kept nowhere
    else. ``files`` counts attachments, ``diagnostics`` the problems that came with them, ``tool_results``
    the results that end the prompt; ``last_tool`` is the tool that was called last.
    """

    text: str = field(default="", repr=False)
    files: int = 0
    has_selection: bool = False
    diagnostics: int = 0
    turn: int = 1
    tools: bool = False
    tool_results: int = 0
    last_tool: str | None = None
    reasoning: ReasoningEffort | None = None


NO_FACTS = Facts()


@dataclass(frozen=True, slots=True)
class Work:
    """What a request is: what a tier of models is chosen by. ``ground`` says what the task was told by."""

    task: Task
    phase: Phase
    complexity: Complexity
    ground: Ground = "asked"


LOW_COMPLEXITY_TOKENS = 2_000
MEDIUM_COMPLEXITY_TOKENS = 16_000
LOW_DIFFICULTY: Final = 1 / 3
MEDIUM_DIFFICULTY: Final = 2 / 3

HEAD_CHARS: Final = 4_000
TAIL_CHARS: Final = 2_000
FEW_WORDS: Final = 4

LONG_QUESTION_WORDS: Final = 60
"""Whoever writes this much asks for no small thing. That it were an easy one can't be told from words."""


def classify(asked: Task, facts: Facts, *, input_tokens: int, images: int = 0) -> Work:
    """Say what a request is. ``asked`` is the task that a client has named; ``chat`` names none."""
    text = _ends(facts.text)
    task, ground = (asked, "asked") if asked != "chat" else _found(facts, text)
    phase = _phase(task, facts)
    score = _score(task, phase, facts, text=text, input_tokens=input_tokens, images=images)
    complexity = _complexity(score)
    if complexity == "low" and text.count(" ") >= LONG_QUESTION_WORDS:
        complexity = "medium"
    return Work(task, phase, complexity, ground)


def difficulty(task: Task, facts: Facts, *, input_tokens: int, images: int = 0) -> float:
    """Say how much a request asks of a model, from 0 to 1.

    Its complexity is this in three steps, except that a long question's is never low.
    """
    phase, text = _phase(task, facts), _ends(facts.text)
    return _score(task, phase, facts, text=text, input_tokens=input_tokens, images=images)


def _complexity(score: float) -> Complexity:
    if score <= LOW_DIFFICULTY:
        return "low"
    return "medium" if score <= MEDIUM_DIFFICULTY else "high"


def _ends(text: str) -> str:
    """Cut the middle out of a long text: what is asked stands at an end, and time is bounded."""
    if len(text) <= HEAD_CHARS + TAIL_CHARS:
        return text
    return f"{text[:HEAD_CHARS]}\n{text[-TAIL_CHARS:]}"


# The task


def _found(facts: Facts, text: str) -> tuple[Task, Ground]:
    if facts.tools or facts.tool_results:
        return "agent", "facts"
    told = told_by_words(text)
    if facts.diagnostics and told in (None, "fix") and len(text.split()) <= FEW_WORDS:
        return "fix", "facts"
    return (told, "words") if told else ("chat", "nothing")


# The phase

_OWN_PHASES: Final[dict[Task, Phase]] = {"plan": "plan", "review": "check", "tests": "check"}
_TOOL_WORD: Final = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])")
_CHECKING: Final = words_of(
    "run runs exec execute bash shell sh terminal console command cmd powershell diagnostics "
    "diagnostic lint lints linter error errors problem problems build compile typecheck pytest"
)
_EDITING: Final = words_of(
    "edit write apply patch replace create insert update delete rename move save append modify"
)
_TESTING: Final = frozenset(("test", "tests"))


def _phase(task: Task, facts: Facts) -> Phase:
    """Say where in its work a request stands; an agent's step by what the last one was.

    An agent plans when its work begins, and later where a person asks for a plan: what else is said on the
    way goes on with the work.
    """
    if task != "agent":
        return _OWN_PHASES.get(task, "act")
    if facts.tool_results:
        return _phase_after(facts.last_tool or "")
    begins = facts.turn <= 1 or told_by_words(_ends(facts.text)) == "plan"
    return "plan" if begins else "act"


def _phase_after(tool: str) -> Phase:
    """Say what follows on a tool: a check on what runs something, an act on what reads or edits."""
    words = {word.lower() for word in _TOOL_WORD.findall(tool[:200])}
    if words & _CHECKING:
        return "check"
    return "check" if words & _TESTING and not words & _EDITING else "act"


# The difficulty

_FLOORS: Final[dict[Task, float]] = {
    "complete": 0.0,
    "title": 0.0,
    "commit": 0.0,
    "apply": 0.0,
    "explain": 0.05,
    "document": 0.05,
    "chat": 0.2,
    "edit": 0.15,
    "fix": 0.2,
    "tests": 0.2,
    "generate": 0.24,
    "review": 0.3,
    "agent": 0.3,
    "plan": 0.35,
}
_EFFORTS: Final[dict[ReasoningEffort, float]] = {
    "none": -0.05,
    "minimal": -0.05,
    "low": 0.0,
    "medium": 0.1,
    "high": 0.35,
    "xhigh": 0.45,
    "max": 0.5,
}
_PLAIN: Final = re.compile(r"[a-z]{2,}")
_POWER: Final = re.compile(r"10 ?(?:\^|\*\*) ?\{?(\d{1,2})")
_NUMBER: Final = re.compile(r"[1-9](?<!\w.)(?:\d{3,17}|\d{0,2}(?:,\d{3}){1,6})\b")
_DEMANDING: Final = words_of(
    "algorithm algorithms optimal optimally efficient efficiently complexity performance latency "
    "throughput scale scalable minimum maximum minimal maximal minimize maximize smallest largest "
    "fewest shortest longest distinct modulo permutation permutations subsequence subsequences "
    "subarray subarrays graph tree vertex vertices edge edges path paths probability ways queries "
    "recursive recursion dynamic concurrent concurrency parallel thread threads deadlock race atomic "
    "lock distributed consistent consistency transaction transactional architecture design migrate "
    "migration refactor security secure authentication encryption protocol compiler parser cache "
    "caching lru eviction streaming persistent backward compatible"
)
_MANY_DEMANDS: Final = 4
_FEW_WORDS_BITS: Final = 3
_MANY_WORDS_BITS: Final = 10
_SMALL_BOUND: Final = 2
_LARGE_BOUND: Final = 9


def _score(task: Task, phase: Phase, facts: Facts, *, text: str, input_tokens: int, images: int) -> float:
    """Take the harder of what is to be read and what is to be done."""
    asked = _FLOORS[task] + _demand(text) / 2 if text else 0.0
    return min(1.0, max(0.0, _size(input_tokens), asked + _circumstances(phase, facts, images)))


def _size(input_tokens: int) -> float:
    """Rise by a third for every eightfold of tokens: from low to medium, and from medium to high."""
    steps = math.log(max(input_tokens, 1) / LOW_COMPLEXITY_TOKENS)
    return LOW_DIFFICULTY + steps / math.log(MEDIUM_COMPLEXITY_TOKENS / LOW_COMPLEXITY_TOKENS) / 3


def _circumstances(phase: Phase, facts: Facts, images: int) -> float:
    """Sum up what the protocol tells: each thing adds a little, and no kind of thing adds much."""
    return (
        (0.1 if phase == "plan" else 0.0)
        + min(0.3, 0.06 * max(0, facts.diagnostics))
        + min(0.2, 0.04 * max(0, facts.files - facts.has_selection))  # a piece of a file is where the work is
        + min(0.1, 0.02 * max(0, facts.turn - 2))
        + min(0.2, 0.1 * max(0, images))
        + (_EFFORTS[facts.reasoning] if facts.reasoning else 0.0)
    )


def _demand(text: str) -> float:
    """Say from 0 to 1 how much a text demands: its length, its greatest number, its demanding words alike."""
    words: list[str] = _PLAIN.findall(text.lower())
    length = _share(math.log2(max(len(words), 1)), _FEW_WORDS_BITS, _MANY_WORDS_BITS)
    bound = _share(_bound(text), _SMALL_BOUND, _LARGE_BOUND)
    return (length + bound + _share(len(_DEMANDING.intersection(words)), 0, _MANY_DEMANDS)) / 3


def _bound(text: str) -> int:
    """Return the decimal exponent of the greatest number in a text: 5 for 10^5 and for 200,000."""
    power = max(map(int, _POWER.findall(text)), default=0)
    number = max(_NUMBER.findall(text), key=len, default="1")
    return max(power, len(number.replace(",", "")) - 1)


def _share(value: float, least: float, most: float) -> float:
    return min(1.0, max(0.0, (value - least) / (most - least)))
