"""An editor that types and waits, and the model behind its server, for ``ghosts.py``."""

import itertools
import subprocess
import threading
import time
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from support.client import AUTOMATIC
from support.metamodel import Json
from support.traffic import frame, read_message
from support.upstream import Answer, Upstream, json_answer, sse

MODEL = "bench"
TRICKLE_S = 0.012
TRICKLE_CHARS = 600


@dataclass(slots=True)
class Series:
    """The keys of one case: their wall times, and the server's CPU for all of them."""

    walls_ms: list[float] = field(default_factory=list[float])
    cpu_ms: float = 0.0
    ghosts: int = 0

    def percentile(self, percent: int) -> float:
        """Return the wall time that so many of a hundred keys stay below."""
        walls = sorted(self.walls_ms)
        return walls[min(len(walls) - 1, len(walls) * percent // 100)]

    @property
    def cpu_per_key_ms(self) -> float:
        """The server's CPU time for one key, with what it does after the answer."""
        return self.cpu_ms / len(self.walls_ms)


@dataclass(slots=True)
class Model:
    """A llama.cpp on loopback that answers with lines of code.

    With ``trickles`` the first one comes at once, the second a character at a time.
    """

    upstream: Upstream
    trickles: bool
    number: int = 1_000

    def __post_init__(self) -> None:
        """Say what it is."""
        self.upstream.answer("/v1/models", json_answer({"data": [{"id": MODEL}]}))
        props = {"default_generation_settings": {"n_ctx": 32_768}, "total_slots": 4}
        self.upstream.answer("/props", json_answer(props))
        self.turn()

    def turn(self) -> None:
        """Answer with other lines from now on."""
        self.number += 2
        line, below = statement(self.number), f"    {statement(self.number + 1)}"
        if self.trickles:
            below = f"    next_one = ({'x' * TRICKLE_CHARS}"
        first = sse({"content": f"{line}\n", "stop": False}, done=False)
        rest = [sse({"content": char, "stop": False}, done=False) for char in below]
        end = sse({"content": "\n", "stop": True, "stop_type": "eos"}, done=False)
        sizes = (len(first), *map(len, rest), len(end)) if self.trickles else None
        body = first + b"".join(rest) + end
        delay_s = TRICKLE_S if self.trickles else 0.0
        answer = Answer(body=body, content_type="text/event-stream", chunk_sizes=sizes, delay_s=delay_s)
        self.upstream.answer("/infill", answer)

    @property
    def asked(self) -> int:
        """How many holes were to be filled so far."""
        return sum(request.path == "/infill" for request in self.upstream.requests)


class Editor:
    """A client that types at one place of one document, and waits for each answer."""

    def __init__(self, process: "subprocess.Popen[bytes]", folder: Path, lines: int, model: Model) -> None:
        assert process.stdin is not None and process.stdout is not None  # noqa: PT018
        self._process, self._stdin, self._stdout = process, process.stdin, process.stdout
        self._ids = itertools.count(1)
        self._version = 1
        self.model = model
        self._uri = (folder / "typed.py").as_uri()
        self.line, self.character = lines // 2, 4

    # --- messages ----------------------------------------------------------------------------------

    def request(self, method: str, params: object) -> Json:
        """Send a request and wait for its answer."""
        number = self._ask(method, params)
        self._stdin.flush()
        return self._answer(number)

    def notify(self, method: str, params: object) -> None:
        """Send a notification with what follows next."""
        self._stdin.write(frame({"jsonrpc": "2.0", "method": method, "params": params}))

    def _ask(self, method: str, params: object) -> int:
        number = next(self._ids)
        self._stdin.write(frame({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        return number

    def _answer(self, number: int) -> Json:
        while (message := read_message(self._stdout)) is not None:
            if message.get("id") == number and "method" not in message:
                return message
        raise SystemExit("FAIL: the server has ended, or took too long")

    # --- the document ------------------------------------------------------------------------------

    def open(self, text: str) -> None:
        """Open the document and go to the middle of it."""
        document = {"uri": self._uri, "languageId": "python", "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def insert(self, text: str, *, moves: bool = True) -> None:
        """Put text in at the cursor, and go behind it unless it ``moves`` nothing."""
        self._version += 1
        here = {"line": self.line, "character": self.character}
        change = {"range": {"start": here, "end": here}, "text": text}
        document = {"uri": self._uri, "version": self._version}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": [change]})
        if moves:
            self.line += text.count("\n")
            last = text.rpartition("\n")[2]
            self.character = len(last) + (0 if "\n" in text else self.character)

    def ask_ghost(self) -> int:
        """Ask for ghost text at the cursor, with what was written before."""
        params = {
            "textDocument": {"uri": self._uri},
            "position": {"line": self.line, "character": self.character},
            "context": {"triggerKind": AUTOMATIC},
        }
        return self._ask("textDocument/inlineCompletion", params)

    def ghost(self) -> str:
        """Wait for the ghost text at the cursor; empty if there is none."""
        number = self.ask_ghost()
        self._stdin.flush()
        return text_of(self._answer(number))

    def key(self, series: Series, text: str, *, asks: bool = True, moves: bool = True) -> str:
        """Type a key, and wait for its ghost text, or until the server has come so far."""
        self.insert(text, moves=moves)
        number = self.ask_ghost() if asks else self._ask("bench/nothing", None)
        began = time.perf_counter()
        self._stdin.flush()
        answer = self._answer(number)
        series.walls_ms.append(1000 * (time.perf_counter() - began))
        shown = text_of(answer)
        series.ghosts += bool(shown)
        return shown

    def drain(self, answered: Counter[str]) -> threading.Thread:
        """Read on a thread whatever comes, up to the answer to a request with the id "last".

        Notes how often each request was answered.
        """

        def read() -> None:
            while (message := read_message(self._stdout)) is not None and message.get("id") != "last":
                if "id" in message and "method" not in message:
                    answered[str(message["id"])] += 1

        thread = threading.Thread(target=read, name="drain")
        thread.start()
        return thread

    def ask_last(self) -> None:
        """Send the request that ``drain`` waits for."""
        self._stdin.write(frame({"jsonrpc": "2.0", "id": "last", "method": "bench/nothing", "params": None}))
        self._stdin.flush()

    def cpu_ms(self) -> float:
        """Return the CPU time that the server has taken so far."""
        with suppress(OSError):
            return time.clock_gettime((~self._process.pid << 3) | 2) * 1000
        return 0.0


def text_of(answer: Json) -> str:
    result = answer.get("result")
    items = result.get("items") if isinstance(result, dict) else result
    return str(items[0]["insertText"]) if isinstance(items, list) and items else ""


# --- what is typed ---------------------------------------------------------------------------------


def statement(number: int) -> str:
    """Return a line of code."""
    return f"total_{number} = measure(first_{number}, second, weight=weights[{number}]) + offset_of(first)"


def document(lines: int) -> str:
    """Return a file of small functions, with an indented blank line in its middle."""
    written: list[str] = []
    for number in itertools.count():
        written += [
            f"def step_{number}(first: int, second: int) -> int:",
            f'    """Return what step {number} comes to: "whole" or not."""',
            f"    {statement(number % 50)}",
            f"    if total_{number % 50} > len(weights):  # it's enough",
            f"        return {{'step': {number}}}['step']",
            "    return first + second",
            "",
            "",
        ]
        if len(written) >= lines:
            break
    written[lines // 2] = "    "
    return "\n".join(written[:lines]) + "\n"
