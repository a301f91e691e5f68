"""What stands around a cursor, read once: the facts that every part of trimming an answer asks about.

Pure, and kept for the last few windows, because running text is looked at again with each piece. Knows
no model and no answer. Whatever is not certain is given as absent.
"""

import re
from dataclasses import dataclass
from functools import lru_cache

from farebox.completion.languages import Language, language_of
from farebox.completion.lexing import brackets, inside_after, inside_at_end, open_brackets
from farebox.completion.reading import CLOSER_OF
from farebox.completion.scan import Inside
from farebox.completion.window import MAX_LOCAL_PREFIX_CHARS, Window

TAB_COLUMNS = 8
MAX_LINES_BEFORE = 64
INLINE = 10_000
"""The depth of a closer that does not begin its line: deeper than any."""
WHOLE_PREFIX_CHARS = MAX_LOCAL_PREFIX_CHARS // 3 - 200
"""A prefix below this is taken to be all that stands above the cursor."""
PROSE_LANGUAGES = frozenset({
    "markdown", "mdx", "quarto", "rmd", "plaintext", "text", "restructuredtext", "latex", "asciidoc", "org",
    "git-commit", "gitcommit", "",
})  # fmt: skip

DEFINITION = re.compile(
    r"[ \t]*(?:"
    r"(?:(?:export|default|public|private|protected|internal|static|async|final|abstract|pub(?:\(\w+\))?|virtual"
    r"|inline|extern|unsafe|override|declare|const|open|sealed|suspend|local)\s+)*"
    r"(?:def|class|function\*?|fn|func|fun|interface|struct|enum|impl|trait|namespace|module|package|sub)\b\s*[\w(*{]"
    r"|(?:public|private|protected|static)\s[^=;]*\("
    r"|(?:export\s+)?(?:const|let|var)\s+\w+\s*=\s*(?:async\s*)?(?:function\b|\([^()]*\)\s*=>)"
    r"|(?!(?:if|for|while|switch|catch|else|with|do|return|elif|when|match|foreach|until|unless)\b)"
    r"[\w\[$][\w\s*&:<>,~\[\]$?.]*\([^;]*\)[^;=]*\{\s*$"
    r")"
)
"""A line that begins a function, a class or the like, in any of the usual languages."""

_CLASS = re.compile(r"[\w\s]*\b(?:class|interface|struct|enum|impl|trait|namespace|module|object)\b")
_WORD_OPENERS = re.compile(r"\b(?:then|do|begin|repeat|else)(?:\s*\|[^|]*\|)?$|\bfunction\b[^()]*\([^()]*\)$")


@dataclass(frozen=True, slots=True)
class Opener:
    """A bracket that is open at the cursor, and how far the line that it stands in is indented."""

    bracket: str
    indent: int


@dataclass(frozen=True, slots=True, eq=False)
class Around:
    """The text around a cursor, with line ends of one kind.

    ``before`` are the lines above that are not blank, the last ones of them; ``following`` those below,
    with the cursor's own where nothing but indentation stands before it. ``inside`` is the comment or
    string that the cursor is in. ``opened`` are the brackets open at the cursor; ``floor`` of them, counted
    from outside, are closed by what follows. ``needed`` are closers that follow and that the answer has to
    open, and how far they are indented.
    """

    language: Language
    prefix: str
    suffix: str
    line_before: str
    rest: str
    before: tuple[str, ...]
    following: tuple[str, ...]
    inside: Inside | None
    opened: tuple[Opener, ...]
    floor: int
    needed: tuple[tuple[str, int], ...]
    line_ends: str

    @property
    def text(self) -> str:
        """All that stands around the cursor."""
        return f"{self.prefix}\n{self.suffix}"

    @property
    def at_line_start(self) -> bool:
        """True where only indentation stands before the cursor."""
        return not self.line_before.strip()

    @property
    def is_prose(self) -> bool:
        """True in a file whose text is not code."""
        return self.language.id in PROSE_LANGUAGES

    @property
    def opens_block(self) -> bool:
        """True where the last text before the cursor opens a block, or a bracket."""
        return opens_block(self.last_line)

    @property
    def last_line(self) -> str:
        """The last line before the cursor that is not blank; the cursor's own if anything is in it."""
        if not self.at_line_start:
            return self.line_before
        return self.before[-1] if self.before else ""

    def indent_at_start(self, answer: str) -> int:
        """Return the indentation of the line in which an answer's first visible text would stand."""
        if not self.at_line_start and not answer.lstrip(" \t").startswith("\n"):
            return indent_of(self.line_before)
        first = next((line for line in answer.split("\n") if line.strip()), "")
        blank_first = not answer.partition("\n")[0].strip()
        return indent_of(first if blank_first else self.line_before + first)

    def outside(self, indent: int) -> int:
        """Return the indentation of the function around a line that is indented so far; -1 is none.

        Of functions in functions it is the outermost one below any class: an inner one may end in an answer.
        """
        found, start = -1, indent
        lines = self.before if self.at_line_start else (*self.before, self.line_before)
        for line in reversed(lines):
            own = indent_of(line)
            if own < indent and line.strip()[:1] not in ")]}#/*":
                indent = own
                if DEFINITION.match(line):
                    if found >= 0 and _CLASS.match(line):
                        return found
                    found = own
        if found < 0 and not self.language.indents and self.opened and self.opened[0].indent < start:
            return self.opened[0].indent
        return found


def indent_of(line: str) -> int:
    """Return how many columns a line is indented."""
    bare = line.lstrip(" \t")
    return len(line[: len(line) - len(bare)].expandtabs(TAB_COLUMNS))


def opens_block(line: str) -> bool:
    """Say whether a line opens a block, or a bracket, that goes on in the next."""
    bare = line.rstrip()
    return bare.endswith((":", "{", "(", "[", "=>", "->")) or bool(_WORD_OPENERS.search(bare))


def one_line_end(text: str) -> str:
    """Write every line end as a line feed."""
    return text.replace("\r\n", "\n").replace("\r", "\n")


def around(window: Window) -> Around:
    """Read what stands around a window's cursor."""
    return _around(window.language, window.prefix, window.suffix)


@lru_cache(maxsize=16)
def _around(language_id: str, before: str, after: str) -> Around:
    language = language_of(language_id)
    prefix, suffix = one_line_end(before), one_line_end(after)
    head, _, line_before = prefix.rpartition("\n")
    rest, _, below = suffix.partition("\n")
    inside = inside_behind(prefix, language)
    opened = _opened(prefix, language)
    following = suffix if not line_before.strip() else below
    lines_before = [line for line in head.split("\n") if line.strip()]
    demands = demanded(suffix, language, inside)
    floor, needed = _claims(opened, demands)
    return Around(
        language=language,
        prefix=prefix,
        suffix=suffix,
        line_before=line_before,
        rest=rest,
        before=tuple(lines_before[-MAX_LINES_BEFORE:]),
        following=tuple(line.rstrip() for line in following.split("\n") if line.strip()),
        inside=inside,
        opened=opened,
        floor=floor,
        needed=needed,
        line_ends="\r\n" if "\r\n" in before or "\r\n" in after else "\n",
    )


def inside_behind(prefix: str, language: Language) -> Inside | None:
    """Return the comment or string at a text's end. A short one begins where its file does: in code."""
    if len(prefix) < WHOLE_PREFIX_CHARS and inside_after(prefix, language) is None:
        return None
    return inside_at_end(prefix, language)


def _opened(prefix: str, language: Language) -> tuple[Opener, ...]:
    """Return what is open at a text's end. A closer that does not fit closes nothing."""
    return tuple(
        Opener(bracket, indent_of(prefix[prefix.rfind("\n", 0, at) + 1 : at + 1]))
        for at, bracket in open_brackets(prefix, language)
    )


@lru_cache(maxsize=32)
def demanded(suffix: str, language: Language, inside: Inside | None) -> tuple[tuple[str, int | None], ...]:
    """Return the closers that nothing in a suffix opens, with the indentation of those that begin a line.

    ``inside`` is what the suffix begins in.
    """
    stack: list[str] = []
    found: list[tuple[str, int | None]] = []
    for at, bracket in brackets(suffix, language, inside):
        if bracket in CLOSER_OF:
            stack.append(CLOSER_OF[bracket])
        elif stack and stack[-1] == bracket:
            stack.pop()
        elif not stack and bracket not in language.free_closers:
            line_start = suffix.rfind("\n", 0, at) + 1
            leads = line_start > 0 and not suffix[line_start:at].strip()
            found.append((bracket, indent_of(suffix[line_start:at]) if leads else None))
    return tuple(found)


def _claims(
    opened: tuple[Opener, ...], demands: tuple[tuple[str, int | None], ...]
) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Say how many open brackets the suffix closes, and how deep the closers are that lack an opener."""
    needed: list[tuple[str, int]] = []
    for closer, indent in demands:
        level = len(opened) - 1
        while level >= 0 and (
            CLOSER_OF[opened[level].bracket] != closer
            or (indent is not None and opened[level].indent > indent)
        ):
            level -= 1
        if indent is None and level < 0:
            needed.append((closer, INLINE))
            continue
        outer = opened[level].indent if level >= 0 else -1
        if indent is not None and indent > outer and level == len(opened) - 1:
            needed.append((closer, indent))
            continue
        return level + 1, tuple(needed)
    return 0, tuple(needed)
