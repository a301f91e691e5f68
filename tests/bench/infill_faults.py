"""What models do to a right answer: each fault as a peer meets it, made anew from a hole and its middle.

A maker returns None where its fault cannot be: an overrun needs something to run into.
"""

import random
from collections.abc import Callable
from textwrap import dedent

from infill_holes import Hole

from farebox.completion.families import all_markers
from farebox.completion.languages import language_of
from farebox.completion.lexing import inside_after

Maker = Callable[[Hole, random.Random], str | None]

_NEXT_DEFINITIONS = {
    "python": (
        "\n\n\ndef helper(value):\n    return value * 2\n",
        "\n\ndef main():\n    print(compute(3))\n\n\nif __name__ == '__main__':\n    main()",
        "\n\n# Test the function\ndef test_it():\n    assert run(1) == 2",
        "\n\n\nclass Other:\n    def __init__(self):\n        self.value = 1",
    ),
    "javascript": (
        "\n}\n\nfunction helper(value) {\n  return value * 2;\n}\n",
        "\n\nfunction helper(value) {\n  return value * 2;\n}\n",
    ),
    "lua": ("\nend\n\nlocal function helper(value)\n  return value * 2\nend\n",),
    "c": ("\n}\n\nstatic int helper(int value)\n{\n\treturn value * 2;\n}\n",),
    "php": ("\n}\n\nfunction helper($value) {\n    return $value * 2;\n}\n",),
    "perl": ("\n}\n\nsub helper {\n    return 2;\n}\n",),
}
_INTRODUCTIONS = (
    "Here is the completed code:\n\n",
    "Sure! Here's the missing part:\n",
    "The missing code is:\n\n",
    "Certainly, here is the code that fills the hole:\n\n",
)
_CLOSINGS = (
    "",
    "\n\nThis completes the function.",
    "\nLet me know if you need anything else!",
    "\n\nExplanation: it loops.",
)


def clean(hole: Hole, _: random.Random) -> str:
    """Leave the answer as it is."""
    return hole.middle


def overrun(lines: int) -> Maker:
    """Go on into the suffix for some lines."""

    def make(hole: Hole, _: random.Random) -> str | None:
        suffix = hole.window.suffix
        if not suffix.strip():
            return None
        end, left = 0, lines
        while left and end < len(suffix):
            line_end = suffix.find("\n", end)
            line_end = len(suffix) if line_end < 0 else line_end
            left -= bool(suffix[end:line_end].strip())
            end = line_end + 1
        return hole.middle + suffix[: min(end, len(suffix))].rstrip("\n")

    return make


def new_definition(hole: Hole, chance: random.Random) -> str | None:
    """Begin another function after the answer. Only where the cursor is in one."""
    following = _NEXT_DEFINITIONS.get(hole.window.language)
    line = hole.window.line_before + hole.middle.split("\n")[0]
    if following is None or not line[:1].isspace():
        return None
    return hole.middle.rstrip() + chance.choice(following)


def fence(hole: Hole, _: random.Random) -> str:
    """Put the answer into a fence."""
    return f"```{hole.window.language}\n{hole.middle.rstrip()}\n```"


def prose_and_fence(hole: Hole, chance: random.Random) -> str:
    """Put the answer into a fence, with sentences around it."""
    return chance.choice(_INTRODUCTIONS) + fence(hole, chance) + chance.choice(_CLOSINGS)


def echo(hole: Hole, chance: random.Random) -> str | None:
    """Begin with the cursor's line, or with lines before it."""
    head, _, line = hole.window.prefix.rpartition("\n")
    above = [text for text in head.split("\n") if text.strip()]
    if line.strip():
        if len(line.strip()) < 3:
            return None
        count = chance.choice((0, 0, 0, 1, 2))
        said = "\n".join([*above[len(above) - count :], line])
        return (said.lstrip() if chance.random() < 0.3 else said) + hole.middle
    if not above:
        return None
    return "\n".join(above[-chance.choice((1, 1, 1, 2, 3)) :]) + "\n" + line + hole.middle


def moved_echo(hole: Hole, chance: random.Random) -> str | None:
    """Begin with lines before the cursor, all of it at the left edge."""
    head, _, line = hole.window.prefix.rpartition("\n")
    above = [text for text in head.split("\n") if text.strip()]
    if line.strip() or len(above) < 3:
        return None
    return dedent("\n".join([*above[-chance.choice((2, 3)) :], line + hole.middle]))


def loop(hole: Hole, chance: random.Random) -> str | None:
    """Say the last line, or all of it, again and again until the tokens run out."""
    whole = hole.window.line_before + hole.middle.rstrip()
    lines = whole.split("\n")
    block = lines[-1] if chance.random() < 0.6 else whole
    if sum(char.isalpha() for char in block) < 3:
        return None
    text = hole.middle.rstrip() + ("\n" + block) * chance.choice((3, 5, 9))
    return text[: len(text) - chance.randrange(len(block))]


def marker(hole: Hole, chance: random.Random) -> str:
    """Write a token of the model's format, and sometimes go on after it."""
    behind = chance.choice(("", "\n", "\ndef other():\n    pass", "<|endoftext|>", hole.window.prefix[-40:]))
    token = chance.choice(all_markers())
    return hole.middle + ("\n" if token.startswith("+") else "") + token + behind


def closer(hole: Hole, chance: random.Random) -> str | None:
    """Close a bracket that is closed already, or was never opened. In a string or comment it is none."""
    text = hole.window.prefix + hole.middle.rstrip()
    if inside_after(text, language_of(hole.window.language)) is not None:
        return None
    braces = language_of(hole.window.language).indents is False
    extra = chance.choice((")", "]", "}", "\n}" if braces else ")", "})" if braces else "]"))
    return hole.middle.rstrip() + extra


FAULTS: dict[str, Maker] = {
    "clean": clean,
    "over 1": overrun(1),
    "over 3": overrun(3),
    "new def": new_definition,
    "fence": fence,
    "prose": prose_and_fence,
    "echo": echo,
    "loop": loop,
    "marker": marker,
    "closer": closer,
}
