"""What the simulated provider says: words, code that is valid where it stands, and an exact price.

Pure: a chat request in, JSON text in OpenRouter's shape out. Every chat answer begins with
``[simulated]``, every completion carries the mark ``simulated``. Knows nothing of sockets or time-outs.
"""

import ast
import json
import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import PurePosixPath

from farebox.messages import usd_text
from farebox.providers.json_value import JsonObject, array, count, obj, text

MODEL = "simulated/echo"
INPUT_NANODOLLARS_PER_TOKEN = 1_250
OUTPUT_NANODOLLARS_PER_TOKEN = 5_000
CHARS_PER_TOKEN = 4
MAX_QUOTED_CHARS = 200
MAX_PARAMETERS_CHARS = 2_000

_HOLE = "{{FILL_HERE}}"
_ATTACHED = re.compile(r'<attachment name="[^"\n]*">\n')
_END_OF_ATTACHED = "\n</attachment>\n\n"
_FILE = re.compile(
    r'(?:<context path="[^"\n]*">\n.*?\n</context>\n\n)*<file path="([^"]*)">\n(.*)\n</file>\s*', re.DOTALL
)
_WORD = re.compile(r"\s*\S+|\s+")
_DEF = re.compile(r"\bdef\s+\w+\s*\(")
_INCOMPLETE = re.compile(r"([=([{,+\-*/%<>&|^!~?:.]|\b(return|in|and|or|not|if|yield|await))\s*")
_LINE_COMMENTS = (
    ("//", "c cc cpp h hpp cs java js jsx ts tsx mjs go rs kt swift scala dart php zig"),
    ("--", "lua sql hs elm"),
    (";", "lisp clj el scm ini"),
    ("%", "tex erl"),
    ('"', "vim"),
)
_BLOCK_COMMENTS = (("/* {} */", "css scss less"), ("<!-- {} -->", "html xml svg md vue"))


@dataclass(frozen=True, slots=True)
class Answer:
    """What one request is answered, and what that costs."""

    id: str
    pieces: tuple[str, ...]
    finish_reason: str
    input_tokens: int
    output_tokens: int

    @classmethod
    def to(cls, body: JsonObject, *, number: int) -> "Answer":
        messages = [obj(message) for message in array(body, "messages")]
        words = _completion(messages) or _chat(messages)
        limit = count(body, "max_tokens")
        cut = limit is not None and _tokens(words) > limit
        if limit is not None and cut:
            words = words[: limit * CHARS_PER_TOKEN]
        return cls(
            id=f"gen-simulated-{number:06d}",
            pieces=tuple(_WORD.findall(words)),
            finish_reason="length" if cut else "stop",
            input_tokens=sum(_tokens(_words_of(message)) for message in messages),
            output_tokens=_tokens(words),
        )

    def events(self) -> Iterator[str]:
        """Yield the event stream in OpenRouter's shape, one event at a time."""
        yield ": OPENROUTER PROCESSING\n\n"
        yield self._chunk({"role": "assistant", "content": ""})
        for piece in self.pieces:
            yield self._chunk({"role": "assistant", "content": piece})
        yield self._chunk({"role": "assistant", "content": ""}, self.finish_reason)
        last = self._envelope("chat.completion.chunk", [])
        yield f'data: {json.dumps(last)[:-1]}, "usage": {self._usage()}}}\n\n'
        yield "data: [DONE]\n\n"

    def whole(self) -> str:
        """Return the answer as one JSON body."""
        message = {"role": "assistant", "content": "".join(self.pieces), "refusal": None, "reasoning": None}
        choice = {"index": 0, "message": message, **self._finish(self.finish_reason)}
        return f'{json.dumps(self._envelope("chat.completion", [choice]))[:-1]}, "usage": {self._usage()}}}'

    def _chunk(self, delta: Mapping[str, str], finish_reason: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, **self._finish(finish_reason)}
        return f"data: {json.dumps(self._envelope('chat.completion.chunk', [choice]))}\n\n"

    def _finish(self, reason: str | None) -> dict[str, object]:
        return {"finish_reason": reason, "native_finish_reason": reason, "logprobs": None}

    def _envelope(self, kind: str, choices: list[dict[str, object]]) -> dict[str, object]:
        return {
            "id": self.id,
            "provider": "Simulated",
            "model": MODEL,
            "object": kind,
            "created": int(time.time()),
            "choices": choices,
        }

    def _usage(self) -> str:
        """Write the usage object as JSON text, so that its cost never passes through a float."""
        usage = {
            "prompt_tokens": self.input_tokens,
            "completion_tokens": self.output_tokens,
            "total_tokens": self.input_tokens + self.output_tokens,
            "prompt_tokens_details": {"cached_tokens": 0, "cache_write_tokens": 0},
            "completion_tokens_details": {"reasoning_tokens": 0},
            "is_byok": False,
        }
        cost_nanodollars = (
            self.input_tokens * INPUT_NANODOLLARS_PER_TOKEN
            + self.output_tokens * OUTPUT_NANODOLLARS_PER_TOKEN
        )
        return f'{json.dumps(usage)[:-1]}, "cost": {usd_text(cost_nanodollars)}}}'


def _tokens(words: str) -> int:
    return -(-len(words) // CHARS_PER_TOKEN)


def _words_of(message: JsonObject) -> str:
    """Return a message's text, also where it is a list of parts."""
    parts = "".join(text(obj(part), "text") for part in array(message, "content"))
    return text(message, "content") or parts


def _chat(messages: list[JsonObject]) -> str:
    asked = next((_words_of(one) for one in reversed(messages) if text(one, "role") == "user"), "")
    if _ATTACHED.match(asked):
        asked = asked.rpartition(_END_OF_ATTACHED)[2]
    words = asked.split()
    quoted = " ".join(words)
    if len(quoted) > MAX_QUOTED_CHARS:
        quoted = quoted[:MAX_QUOTED_CHARS] + "…"
    return (
        "[simulated] No model has read this, and nothing has left your machine. "
        f"Your question has {len(words)} word{'' if len(words) == 1 else 's'}:\n\n> {quoted}\n\n"
        "Set up a provider to get a real answer: farebox doctor says how."
    )


def _completion(messages: list[JsonObject]) -> str | None:
    """Fill the hole of a completion request, or return None if this is none."""
    wanted = any("<COMPLETION>" in _words_of(one) for one in messages if text(one, "role") == "system")
    found = _FILE.fullmatch(_words_of(messages[-1])) if wanted else None
    if found is None or _HOLE not in found[2]:
        return None
    prefix, _, suffix = found[2].partition(_HOLE)
    return f"<COMPLETION>{_fill(PurePosixPath(found[1]).name, prefix, suffix)}</COMPLETION>"


def _fill(file_name: str, prefix: str, suffix: str) -> str:
    """Return code that says it is simulated and is valid where it stands."""
    extension = file_name.rpartition(".")[2].lower()
    before = prefix.rpartition("\n")[2]
    after = suffix.partition("\n")[0]
    if extension == "json":
        return '"simulated"'
    if after.strip():
        return "simulated"  # a bare name: a comment would swallow the rest of the line
    if extension in ("py", "pyi"):
        return _fill_python(prefix, before)
    if before.strip() and _INCOMPLETE.fullmatch(before, _last_token(before)):
        return f"simulated {_comment(extension, 'simulated')}"
    gap = "" if not before or before[-1].isspace() else " "
    return gap + _comment(extension, "simulated completion")


def _fill_python(prefix: str, before: str) -> str:
    if re.search(r"\breturn\s+$", before):
        return f"{_sum_of_parameters(prefix)}  # simulated"
    opener = before if before.strip() else prefix.rstrip().rpartition("\n")[2]
    if re.match(r"\s*(async\s+)?def\s.*:\s*$", opener):
        body = f"return {_sum_of_parameters(prefix)}  # simulated"
        indent = " " * (len(opener) - len(opener.lstrip()) + 4)
        return f"\n{indent}{body}" if before.strip() else indent[len(before) :] + body
    if not before.strip():
        return "pass  # simulated" if opener.rstrip().endswith(":") else "# simulated completion"
    if before.rstrip().endswith(":"):
        return " pass  # simulated"
    if _INCOMPLETE.fullmatch(before, _last_token(before)):
        if before.rstrip().endswith("."):
            return "simulated"
        return f"{'' if before[-1].isspace() else ' '}None  # simulated"
    return "  # simulated completion"


def _last_token(line: str) -> int:
    """Return where a line's last word, or its last sign, begins."""
    stripped = line.rstrip()
    word = re.search(r"\w+$", stripped)
    return word.start() if word is not None else len(stripped) - 1


def _sum_of_parameters(prefix: str) -> str:
    """Return an expression of the parameters of the function that the prefix ends in."""
    found = list(_DEF.finditer(prefix))
    if not found:
        return "None"
    start = found[-1].end()
    try:
        function = ast.parse(f"def f({prefix[start : _closing(prefix, start)]}): pass").body[0]
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return "None"
    if not isinstance(function, ast.FunctionDef):
        return "None"
    known = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    return " + ".join(one.arg for one in known if one.arg not in ("self", "cls")) or "None"


def _closing(code: str, start: int) -> int:
    """Return where the bracket opened before ``start`` closes."""
    depth = 1
    for at in range(start, min(len(code), start + MAX_PARAMETERS_CHARS)):
        depth += (code[at] in "([{") - (code[at] in ")]}")
        if depth == 0:
            return at
    return start


def _comment(extension: str, words: str) -> str:
    for template, extensions in _BLOCK_COMMENTS:
        if extension in extensions.split():
            return template.format(words)
    for mark, extensions in _LINE_COMMENTS:
        if extension in extensions.split():
            return f"{mark} {words}"
    return f"# {words}"


def model() -> dict[str, object]:
    """Describe the one model, as OpenRouter's list of models would."""
    return {
        "id": MODEL,
        "canonical_slug": MODEL,
        "name": "Simulated: Echo",
        "description": "No model: it repeats your words and says that it is simulated. Its price is made up.",
        "created": 0,
        "context_length": 131_072,
        "architecture": {"input_modalities": ["text", "image"], "output_modalities": ["text"]},
        "pricing": {
            "prompt": usd_text(INPUT_NANODOLLARS_PER_TOKEN),
            "completion": usd_text(OUTPUT_NANODOLLARS_PER_TOKEN),
        },
        "top_provider": {"context_length": 131_072, "max_completion_tokens": 8_192},
        "supported_parameters": ["max_tokens"],
    }


def key() -> dict[str, object]:
    return {"label": "simulated", "limit": None, "limit_remaining": None, "usage": 0, "is_free_tier": False}
