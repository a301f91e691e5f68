"""How a hole in a document is put to a model: natively, with the model's own tokens, or by a chat.

``render`` is told how the target fills holes and writes the Call; ``read_chat_answer`` finds the
insertion in what a chat model wrote around it.
"""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import cast

from farebox.completion.context import Window
from farebox.messages import Call, Chat, Infill, Message, RawText
from farebox.router.request import Serving, bytes_in

MAX_LINE_TOKENS = 48
MAX_BLOCK_TOKENS = 128
TAG_TOKENS = 32
MAX_OUTPUT_TOKENS = MAX_BLOCK_TOKENS + TAG_TOKENS
"""The most that any form of a hole asks for."""
HOLE = "{{FILL_HERE}}"

_SYSTEM = f"""You complete code in an editor. You get a file with one hole, written {HOLE}.
Reply with the text that replaces {HOLE}, between <COMPLETION> and </COMPLETION>, and nothing else.
Never repeat text that stands before or after the hole. Keep the file's indentation and style. If the
statement is short, fill only the rest of the line. If nothing is missing, reply with an empty completion.

Example:
<file path="area.py">
def area(radius):
    return {HOLE}

print(area(2))
</file>
<COMPLETION>math.pi * radius ** 2</COMPLETION>"""

_THINKING = re.compile(r"<think>.*?(?:</think>|\Z)", re.DOTALL)
_FENCE = re.compile(r"```[^\n]*\n(.*?)(?:\n?```|$)", re.DOTALL)
_PROSE = re.compile(r"\s*(?:(?i:here is|here's|sure|certainly|the completion)\b|I )")


@dataclass(frozen=True, slots=True)
class Family:
    """The fill-in-the-middle format of one model family."""

    prefix: str
    suffix: str
    middle: str
    stops: tuple[str, ...]
    suffix_first: bool

    def raw(self, window: Window) -> str:
        """Write a hole in this family's tokens."""
        before, after = self.prefix + window.prefix, self.suffix + window.suffix
        return (after + before if self.suffix_first else before + after) + self.middle


def render(window: Window, serving: Serving) -> Call:
    """Write the call that fills a window's hole at a target."""
    limit = MAX_LINE_TOKENS if window.one_line else MAX_BLOCK_TOKENS
    line_stop = ("\n",) if window.one_line else ()
    infill = Infill(window.prefix, window.suffix)
    if serving.fill in ("infill", "suffix"):
        return Call(serving.model, infill, max_output_tokens=limit, temperature=0, stop=line_stop)
    family = family_of(serving.model) if serving.fill == "tokens" else None
    if family is not None:
        stops = (*line_stop, *family.stops)[:4]
        raw = RawText(family.raw(window))
        return Call(serving.model, raw, max_output_tokens=limit, temperature=0, stop=stops)
    reasoning = "none" if serving.reasons else None  # ghost text can't wait for thoughts
    tokens = limit + TAG_TOKENS
    return Call(serving.model, _chat(window), max_output_tokens=tokens, temperature=0, reasoning=reasoning)


def _chat(window: Window) -> Chat:
    file = f'<file path="{window.name}">\n{window.prefix}{HOLE}{window.suffix}\n</file>'
    return Chat((Message("system", _SYSTEM), Message("user", file)))


def most_bytes(window: Window) -> int:
    """Return the size of the largest form in which this hole may be sent."""
    return sum(bytes_in(message.text) for message in _chat(window).messages)


def family_of(model: str) -> Family | None:
    """Find the family that a model's name belongs to."""
    name = model.lower()
    return next((family for parts, family in _families() if any(part in name for part in parts)), None)


def all_markers() -> tuple[str, ...]:
    """Every token of every family: none of them is ever code."""
    families = [family for _, family in _families()]
    markers = {marker for f in families for marker in (f.prefix, f.suffix, f.middle, *f.stops)}
    return tuple(sorted((marker.strip() for marker in markers if marker.strip()), key=len, reverse=True))


def read_chat_answer(answer: str, window: Window) -> str:
    """Find the insertion in a chat model's answer: tolerant of fences, echoes and missing tags."""
    # Some chat templates open the thoughts in the prompt, so that only their end is in the answer.
    answer = _THINKING.sub("", answer).rpartition("</think>")[2]
    tagged = "<COMPLETION>" in answer
    if tagged:
        answer = answer.partition("<COMPLETION>")[2]
    answer = answer.partition("</COMPLETION>")[0].partition(HOLE)[0]
    fence = _FENCE.search(answer)
    if fence is not None:
        answer = fence[1]
    elif not tagged and _PROSE.match(answer):
        return ""
    line = window.line_before
    if line.strip() and answer.startswith(line):
        return answer[len(line) :]
    if line.strip() and answer.startswith(line.lstrip()):
        return answer[len(line.lstrip()) :]
    return answer


@cache
def _families() -> tuple[tuple[tuple[str, ...], Family], ...]:
    data = resources.files("farebox.completion").joinpath("fim.toml").read_text("utf-8")
    tables = cast("Mapping[str, Mapping[str, object]]", tomllib.loads(data))
    return tuple(
        (
            tuple(cast("list[str]", table["match"])),
            Family(
                prefix=str(table["prefix"]),
                suffix=str(table["suffix"]),
                middle=str(table["middle"]),
                stops=tuple(cast("list[str]", table["stops"])),
                suffix_first=table.get("order") == "suffix-first",
            ),
        )
        for table in tables.values()
    )
