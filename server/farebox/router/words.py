"""Find a request's task in its words: what an English speaking developer types, misspelt or not.

A developer's request mostly begins with a verb, or asks a question, or names a thing that is to be written.
The rules follow that order; what they can't tell stays untold. They read a few dozen words at either end.
"""

import re
from typing import Final

from farebox.messages import Task
from farebox.router.spelling import meant_by, slips_of

ASKING_WORDS: Final = 60
"""An instruction stands in so many words at an end of a text; between are code, a log, a task's details."""

NAMING_WORDS: Final = 24
FEWEST_TELLING_WORDS: Final = 4
SPECIFICATION_WORDS: Final = 40
"""A text longer than this describes what is wanted, and the verbs in it are not its request."""

OPENING_CHARS: Final = 1_200
CLOSING_CHARS: Final = 400
PHRASE_CHARS: Final = 240


def _table(rows: dict[Task, str]) -> dict[str, Task]:
    return {word: task for task, words in rows.items() for word in words.split()}


def words_of(words: str) -> frozenset[str]:
    """Read a list of words."""
    return frozenset(words.split())


_COMMANDS: Final = _table(
    {
        "explain": "explain describe summarize",
        "generate": "generate new create write newnotebook",
        "edit": "edit refactor optimize simplify improve rewrite rename",
        "fix": "fix debug",
        "tests": "tests test unittest unittests testing",
        "document": "doc docs document documentation docstring docstrings comment comments",
        "review": "review audit",
        "plan": "plan architect design",
        "commit": "commit",
        "title": "title",
    }
)
"""A slash command says its task."""

_VERBS: Final = _table(
    {
        "explain": "explain describe summarize summarise clarify elaborate understand interpret tell meaning",
        "generate": "create generate write implement build develop code compose define declare scaffold "
        "print produce import draw plot give provide suggest complete continue finish get "
        "fetch load read parse display show select filter find count list calculate compute "
        "loop iterate if foreach check send call query insert return append prepend populate need fill "
        "connect download upload log want",
        "edit": "edit rename refactor convert change remove replace use simplify optimize optimise "
        "improve rewrite extract turn translate sort inline move split delete shorten "
        "format reformat update wrap merge switch clean reverse port hide let set modify "
        "adjust reduce increase decrease fold unify align restructure reorder reorganize "
        "migrate transform swap put drop enable disable allow ensure beautify indent "
        "capitalize round center expand limit restrict combine separate keep group upgrade "
        "adapt style apply pass refine polish order sanitize make "
        "add include skip strip trim minify stop rework rephrase reword shift vectorize vectorise "
        "parallelize memoize cache debounce deduplicate encode validate",
        "fix": "fix debug repair resolve solve correct troubleshoot diagnose handle",
        "tests": "test tests mock parametrize parameterize unittest unittests unit-test unit-tests cover",
        "document": "document comment annotate docstring docstrings docs doc jsdoc javadoc documentation",
        "review": "review critique audit assess evaluate",
        "plan": "plan design architect outline propose brainstorm",
    }
)
"""What a request's leading verb says of its task, if its object does not say more."""

_FALLBACKS: Final = words_of(
    "explain describe create generate write implement build rename refactor convert change remove "
    "replace add simplify optimize rewrite extract translate delete fix debug repair resolve make "
    "modify want need"
)
"""Verbs that are verbs wherever they stand."""

_REPAIRED: Final = words_of(
    "explain describe generate create write implement document documentation docstring docstrings "
    "comment refactor convert rename change remove replace optimize simplify rewrite translate "
    "extract improve fix test"
)
_FILLERS: Final = words_of(
    "please pls plz kindly can could would will you u i i'd i'll we me us my help let's lets now just "
    "ok okay hey hi hello so then also and to like should must go ahead try only want need a an the "
    "new some more another any all quickly simply proper properly good detailed instead"
)
_ARTICLES: Final = words_of("a an one two three four five another new some more 1 2 3 4 5")
_THIS: Final = words_of(
    "this that these those it here above below selected selection code line lines file block"
)
_MODAL: Final = words_of("can could would will should may might")
_SUBJECTS: Final = words_of("this that these those it the there")
_POINTING: Final = words_of("this these that those it them")
_ASKING: Final = words_of(
    "what what's whats why how when where which who whose is are does do did was were has have should "
    "may might"
)
_WHICH: Final = words_of("what what's whats why how when where which who whose")
_STOPS: Final = words_of(
    "that which who to for with of in from using so when if where on by based like as and or into "
    "about via at wherever whenever while"
)
_WRITING: Final = words_of(
    "add update improve include put provide append insert need want make expand rewrite give suggest "
    "complete finish create generate write implement build develop compose produce scaffold define "
    "show do"
)
_TEST_NOUNS: Final = words_of(
    "tests unittest unittests testcase testcases test-case test-cases unit-test unit-tests specs "
    "pytest jest testsuite rspec junit nunit xunit xctest phpunit vitest mocha"
)
_OF_TESTS: Final = words_of(
    "case cases suite suites coverage class file method function plan scenario scenarios"
)
_DOC_NOUNS: Final = words_of(
    "doc docs docstring docstrings documentation documentations comment comments jsdoc jsdocs javadoc "
    "javadocs tsdoc rustdoc godoc phpdoc doxygen docblock docblocks readme doc-comment doc-comments "
    "doc-string kdoc scaladoc pydoc"
)
_DOC_PAIRS: Final = (("summary", "tags"), ("summary", "tag"), ("xml", "summary"))
_CREATED: Final = words_of(
    "function method class script component query regex program snippet template algorithm struct "
    "enum interface loop array endpoint module hook schema dockerfile example statement code view page "
    "form button handler middleware reducer migration extension widget controller route model service "
    "dialog modal animation action pipeline job cronjob trigger procedure decorator wrapper generator "
    "iterator parser validator converter useeffect usestate impl resource manifest"
)
_GIVEN: Final = words_of("given input inputs constraints")
_WANTED: Final = words_of("return print output find compute calculate determine")
_TELLING_MORE: Final = words_of("with for that which to")
_SMALL_TALK: Final = words_of(
    "thanks thank thx yes no not ok okay sure back happy nice good great cool same sorry sounds looks works "
    "perfect glad right wrong done never maybe too as"
)
_BEING: Final = words_of("is are was were has had does did isn't aren't doesn't didn't keeps gets")
"""What follows a thing of which something is said."""

_WISHED: Final = words_of("should must needs instead")
_EXPLAINED: Final = words_of("explanation overview summary description meaning purpose")
_MARKUP: Final = re.compile(r"```[^`]*(?:```|$)")
_SLASH: Final = re.compile(r"(?:[@#][\w.:-]+\s+)*/([a-z_-]+)(?=\s|$)", re.IGNORECASE)
_WORD: Final = re.compile(r"\w+(?:['.-]\w+)*")
_Patterns = tuple[tuple[re.Pattern[str], Task], ...]
_PHRASES: Final[_Patterns] = (
    (re.compile(r"\bcommit (?:message|msg)"), "commit"),
    (re.compile(r"\b(?:uncomment|comment (?:\w+ ){0,3}out)\b"), "edit"),
    (re.compile(r"(?:\bnot|n't|\bdont|\bhelp me(?: to)?|\btrying to) understand\b"), "explain"),
    (re.compile(r"\bwalk me through\b|^break (?:\w+ )?down\b"), "explain"),
    (re.compile(r"\bcode review\b|\bbetter way\b|\bbe (?:improved|better)\b"), "review"),
    (re.compile(r"\bhow (?:should|would) (?:i|we|you) (?:structure|design|approach|organi[sz]e)\b"), "plan"),
    (re.compile(r"\b(?:make|write|propose|draft|give me) a plan\b"), "plan"),
)
_COMPLAINTS: Final[_Patterns] = (
    (re.compile(r"\bany (?:bugs|issues|problems)\b"), "review"),
    (re.compile(r"\b(?:bugs?|mistakes?|errors?|problems?)\b.{0,40}\b(?:find|fix|correct|solve) "), "fix"),
    (re.compile(r"\bfind (?:the |a |any )?(?:bug|error|mistake|problem|issue)"), "fix"),
    (re.compile(r"(?:\bnot|n't|\b\w{2,4}nt|\bstopped) (?:work|compil|build|run)|\bwrong\b"), "fix"),
    (re.compile(r"\b(?:get|got|getting|throws?|throwing|gives?|with) .{0,60}(?:error|exception)\b"), "fix"),
    (re.compile(r"\b(?:please correct|(?:fix|correct) (?:it|this|that|them))\b"), "fix"),
    (re.compile(r"^(?:cannot|can't|can not|could not|unable to) (?!you\b)"), "fix"),
    (re.compile(r"\b(?:get(?:ting)? rid of|remove|solve|resolve) .{0,30}\b(?:errors?|warnings?)\b"), "fix"),
    (re.compile(r"\bmake (?:this|it|that|the \w+) (?:work|compile|build|run|pass)\b"), "fix"),
    (re.compile(r"\b(?:crash(?:es|ed|ing)?|is failing|fails|broken)\b"), "fix"),
)
"""What says that something is amiss, unless it is only what an instruction is about."""

_INSTRUCTIONS: Final = words_of(
    "create generate write implement build add explain describe test mock cover document comment replace "
    "rename convert refactor extract wrap move split"
)
_IN_COMMENTS: Final = re.compile(r"\b(?:in|as) (?:an? )?(?:doc )?(?:comments?|docstrings?)\b")
_HOW_TO: Final = re.compile(r"how (?:to|(?:do|can|could|would|should) (?:i|we|you|one)) ")
_FAULTS: Final = ("error", "errors", "exception", "exceptions", "traceback", "bug", "bugs", "typo", "typos")


def told_by_words(text: str) -> Task | None:
    """Find the task that the words of a request tell; None where they tell none."""
    text = text.strip()
    if not text:
        return None
    command = _SLASH.match(text)
    if command:
        told = _COMMANDS.get(_repaired(command[1].lower()))
        if told:
            return told
    prose = _MARKUP.sub(" ", text)
    asks = prose.rstrip().endswith("?")
    words = _without_do(_words(prose[:OPENING_CHARS]), asks=asks)
    last_line = prose.rstrip()[-CLOSING_CHARS:].rpartition("\n")[2]
    opening, closing = words[:ASKING_WORDS], _without_do(_words(last_line), asks=asks)[:ASKING_WORDS]
    closing = closing if closing != opening else []
    short = len(words) <= SPECIFICATION_WORDS
    told = _told_by_lead(opening, whole=short) or _told_by_lead(closing, whole=True)
    if told:
        return told
    if not short and _specifies(words):
        return "generate"
    return _told_by_nouns(opening) or _told_by_nouns(closing)


def _words(text: str) -> list[str]:
    words: list[str] = _WORD.findall(text.lower().replace("\u2019", "'"))
    return words


def _without_do(words: list[str], *, asks: bool) -> list[str]:
    """Take the first word from "do the unit tests", which says no more than they; not from a question."""
    return words[1:] if words[:1] == ["do"] and words[1:2] in (["a"], ["an"], ["the"]) and not asks else words


def _told_by_lead(words: list[str], *, whole: bool) -> Task | None:
    """Find the task that a beginning tells; phrases count where the words are the whole of a request."""
    start = _lead(words)
    if start is None:
        return None
    lead, rest = _repaired(words[start]), words[start + 1 :]
    if _VERBS.get(lead) == "fix":
        return "fix"
    phrase = _told_by_phrase(words, lead) if whole else None
    if phrase:
        return phrase
    if _asks(words, start, lead):
        return _told_by_question([lead, *rest])
    return _told_by_verb(lead, rest) if lead in _VERBS else None


def _asks(words: list[str], start: int, lead: str) -> bool:
    """Tell "are there errors" from "you are given errors"."""
    if lead in _MODAL:
        return start == 0
    told_of = start > 0 and words[start - 1] in ("i", "you", "we") and lead not in _WHICH
    return lead in _ASKING and not told_of


def _told_by_phrase(words: list[str], lead: str) -> Task | None:
    joined = " ".join(words)[:PHRASE_CHARS]
    patterns = _PHRASES if lead in _INSTRUCTIONS else _PHRASES + _COMPLAINTS
    return next((task for pattern, task in patterns if pattern.search(joined)), None)


def _lead(words: list[str]) -> int | None:
    """Return the place of the first word that says something: politeness goes before it."""
    if words and words[0] in _MODAL and not _SUBJECTS.isdisjoint(words[1:2]):
        return 0
    if words[:2] == ["should", "i"] or words[:3] == ["can", "i", "use"]:
        return 0
    return next((at for at, word in enumerate(words) if word not in _FILLERS), None)


def _told_by_question(words: list[str]) -> Task | None:
    """Tell a question on the code, which wants an explanation, from one on the world or the assistant."""
    question = " ".join(words)
    how = _HOW_TO.match(question)
    if how:
        told = _told_by_nouns(question[how.end() :].split())
        about_code = not _THIS.isdisjoint(words)
        return told if about_code or told in ("tests", "fix", "document", "plan") else None
    if "you" in words or "your" in words:
        return None
    if question.startswith(("what", "how", "why", "where", "when")):
        return "explain"
    return None if _THIS.isdisjoint(words) else "explain"


def _told_by_verb(verb: str, rest: list[str]) -> Task:
    task = _VERBS[verb]
    thing = _object(rest)
    if task == "explain":
        return "document" if _IN_COMMENTS.search(" ".join(rest)) else "explain"
    if verb in _WRITING:
        noun = _told_by_object(thing)
        if noun:
            return "document" if noun == "explain" and verb in ("add", "put") else noun
    if verb == "add":
        return _told_by_addition(rest)
    if verb == "make":
        return "generate" if _makes(rest) else "edit"
    if verb in ("write", "code", "define") and rest and rest[0] in _POINTING:
        return "edit"
    if verb == "check" and not _THIS.isdisjoint(rest):
        return "review"
    return task


def _object(rest: list[str]) -> list[str]:
    """Return the words of what a verb is about, up to the first that leads on from it."""
    end = next((at for at, word in enumerate(rest) if word in _STOPS), len(rest))
    return rest[:end] or rest[:8]


def _told_by_object(thing: list[str]) -> Task | None:
    """Say what a text is that is to be written: tests, documentation, an explanation; None if it is code."""
    for at, word in enumerate(thing):
        follower = thing[at + 1] if at + 1 < len(thing) else None
        if word in _TEST_NOUNS or (word == "test" and _is_of_tests(thing[at - 1 : at], follower)):
            return "tests"
        if word in _DOC_NOUNS or meant_by(word, _MISSPELT) in _DOC_NOUNS or (word, follower) in _DOC_PAIRS:
            return "document"
        if word in _EXPLAINED and follower is None:
            return "explain"
    return None


def _is_of_tests(before: list[str], follower: str | None) -> bool:
    """Tell "a unit test" and "a test case" from "a test user" and "to test whether"."""
    return (
        follower is None
        or follower in _OF_TESTS
        or (follower in _STOPS and follower not in ("to", "if"))
        or before in (["unit"], ["integration"], ["regression"])
    )


def _told_by_addition(rest: list[str]) -> Task:
    """Tell what is added to code that stands there from something new."""
    attached = any(word in ("to", "in", "into") for word in rest[1:]) and not _THIS.isdisjoint(rest)
    return "generate" if rest and rest[0] in _ARTICLES and not attached else "edit"


def _makes(rest: list[str]) -> bool:
    if not rest:
        return False
    names = rest[0] in _CREATED and (len(rest) == 1 or rest[1] in _STOPS)
    return rest[0] in _ARTICLES or rest[0] == "me" or names


def _specifies(words: list[str]) -> bool:
    """Tell a programming task's description: what is given, and what is to come of it."""
    return not _GIVEN.isdisjoint(words) and not _WANTED.isdisjoint(words)


def _told_by_nouns(words: list[str]) -> Task | None:
    """Find the task of words that ask nothing: by the verb they begin with, else by what they name."""
    start = _lead(words) or 0
    lead = _repaired(words[start]) if words else ""
    asks = _asks(words, start, lead)
    words = words[start : start + NAMING_WORDS]
    if lead in _VERBS and not asks:
        return _told_by_verb(lead, words[1:])
    noun = _told_by_object(words)
    if noun:
        return noun
    if any(word.endswith(_FAULTS) for word in words):
        return "fix"
    at = next((at for at, word in enumerate(words[:12]) if word in _FALLBACKS), None)
    if at is not None and _CREATED.isdisjoint(words[:at]):
        return _told_by_verb(words[at], words[at + 1 :])
    if asks:
        return None
    if not _WISHED.isdisjoint(words):
        return "edit"
    return "generate" if _names_something_new(words) else None


def _names_something_new(words: list[str]) -> bool:
    """Tell "button with an icon" from "thanks for the help", and a page that is wanted from a blank one."""
    if words and words[0] in _SMALL_TALK:
        return False
    at = next((at for at, word in enumerate(words[:6]) if word in _CREATED), None)
    if at is None and len(words) >= FEWEST_TELLING_WORDS:
        at = next((at for at, word in enumerate(words[1:6], 1) if word in _TELLING_MORE), None)
    return at is not None and _POINTING.isdisjoint(words[:at]) and _BEING.isdisjoint(words[at + 1 : at + 2])


_MISSPELT: Final = slips_of(_REPAIRED)


def _repaired(word: str) -> str:
    """Return the verb or noun that a word is a form or a misspelling of, or the word."""
    if word in _VERBS or word in _FILLERS:
        return word
    return _verb_of(word) or meant_by(word, _MISSPELT) or word


def _verb_of(form: str) -> str | None:
    """Return the verb that a word is a form of."""
    for ending in ("s", "ing", "ed"):
        stem = form.removesuffix(ending)
        if stem != form:
            return next((verb for verb in (stem, f"{stem}e") if verb in _VERBS), None)
    return None
