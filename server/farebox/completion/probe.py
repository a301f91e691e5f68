"""Which way of putting a hole really works for the model that completes: a few tiny holes, each way.

A server may take a form that its model does not understand, or ignore half of it, and answer with something
all the same. So each form is asked for holes that have one right answer, which stands behind them. Every
question is a request through the door: planned, held against the budget and charged.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Final, Literal

from farebox.completion.answer import last_answer
from farebox.completion.families import family_of
from farebox.completion.prompt import MAX_OUTPUT_TOKENS, most_bytes, render
from farebox.completion.trim import trim
from farebox.completion.window import Window
from farebox.config import FillStyle
from farebox.errors import FareboxError
from farebox.messages import Call, Chat, Route, Text, usd_text
from farebox.router.door import Door, Reply
from farebox.router.request import NOBODY, Origin, Request, Serving

FEWEST_RIGHT: Final = 2


@dataclass(frozen=True, slots=True)
class Riddle:
    """A hole and the pattern of its right answers."""

    window: Window
    right: re.Pattern[str]


RIDDLES: Final = (
    Riddle(
        Window(
            "load.py",
            "python",
            "import json\n\n\ndef load(path):\n    with open(path) as ",
            ":\n        return json.load(handle)\n",
        ),
        re.compile("handle"),
    ),
    Riddle(
        Window("double.go", "go", "package sums\n\nfunc double(", " int) int {\n\treturn amount * 2\n}\n"),
        re.compile("amount"),
    ),
    Riddle(
        Window(
            "bills.js",
            "javascript",
            "function print(invoices) {\n  for (const ",
            " of invoices) {\n    console.log(invoice.number);\n  }\n}\n",
        ),
        re.compile("invoice"),
    ),
)


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of it. ``hint`` is empty where there is nothing to do."""

    state: Literal["ok", "warning", "error"]
    message: str
    hint: str = ""


@dataclass(slots=True)
class _Trial:
    """One form: how many answers were right, or what went wrong."""

    fill: FillStyle
    right: int = 0
    problem: FareboxError | None = None

    @property
    def words(self) -> str:
        """Say it."""
        if self.problem is not None:
            return f"{self.fill} failed ({self.problem.kind})"
        return f"{self.fill} {self.right} of {len(RIDDLES)} right"


async def probe(open_door: Callable[[], Door], origin: Origin = NOBODY) -> Finding:
    """Ask the model that completes, in each form that it could be asked in. Never raises a FareboxError."""
    try:
        door = open_door()
        asker = _Asker(door, origin, await door.route(_request(RIDDLES[0].window, origin, _as_configured)))
    except FareboxError as error:
        return Finding("error", error.message, error.hint)
    configured = await asker.try_form(None)
    if asker.serving is None:
        problem = configured.problem
        hint = problem.hint if problem is not None else ""
        return Finding("error", f"{asker.route.target.name} could not be asked", hint)
    others = [await asker.try_form(fill) for fill in _other_forms(asker.serving)]
    return _finding(asker, configured, others)


def _as_configured(serving: Serving) -> Call:
    return _call(RIDDLES[0].window, serving)


def _call(window: Window, serving: Serving) -> Call:
    return render(window, serving, one_line=True)


def _request(
    window: Window, origin: Origin, render_call: Callable[[Serving], Call], requested: str | None = None
) -> Request:
    return Request(
        task="complete",
        render=render_call,
        input_bytes=most_bytes(window),
        max_output_tokens=MAX_OUTPUT_TOKENS,
        requested=requested,
        origin=origin,
    )


def _other_forms(serving: Serving) -> Iterator[FillStyle]:
    """Yield the forms that are not configured; ``infill`` and ``suffix`` send the same two sides."""
    if serving.fill not in ("infill", "suffix"):
        yield "suffix"
    if serving.fill != "tokens" and family_of(serving.model) is not None:
        yield "tokens"
    if serving.fill != "chat":
        yield "chat"


@dataclass(slots=True)
class _Asker:
    """Asks one model, and keeps what it was told of it and what that came to; None is not known."""

    door: Door
    origin: Origin
    route: Route
    serving: Serving | None = None
    requests: int = 0
    nanodollars: int | None = 0

    async def try_form(self, fill: FillStyle | None) -> _Trial:
        """Ask all riddles in a form, None for the configured one; stop at the first that fails."""
        trial = _Trial(fill or "chat")
        for riddle in RIDDLES:
            try:
                trial.right += await self._is_right(riddle, fill)
            except FareboxError as error:
                trial.problem = error
                break
        if fill is None and self.serving is not None:
            trial.fill = self.serving.fill
        return trial

    async def _is_right(self, riddle: Riddle, fill: FillStyle | None) -> bool:
        calls: list[Call] = []

        def render_call(serving: Serving) -> Call:
            self.serving = self.serving or serving
            form = replace(serving, fill=fill or serving.fill)
            calls.append(_call(riddle.window, form))
            return calls[-1]

        target = self.route.target
        reply = self.door.send(_request(riddle.window, self.origin, render_call, target.name))
        try:
            async with aclosing(reply.events()) as events:
                raw = "".join([event.text async for event in events if isinstance(event, Text)])
        finally:
            self._add(reply)
        if isinstance(calls[-1].prompt, Chat):
            raw = last_answer(raw, riddle.window)
        shown = trim(raw, riddle.window)
        return shown is not None and riddle.right.fullmatch(shown.strip()) is not None

    def _add(self, reply: Reply) -> None:
        if reply.done is None:
            return
        cost = reply.done.cost.nanodollars
        self.requests += 1
        self.nanodollars = None if cost is None or self.nanodollars is None else self.nanodollars + cost


def _finding(asker: _Asker, configured: _Trial, others: Sequence[_Trial]) -> Finding:
    target, trials = asker.route.target, (configured, *others)
    tried = f"{configured.words}, in use; {'; '.join(trial.words for trial in others)}"
    cost = "of unknown cost" if asker.nanodollars is None else f"for ${usd_text(asker.nanodollars)}"
    message = f"{target.name}: {tried} ({asker.requests} requests {cost})"
    best = max(trials, key=lambda trial: trial.right)
    if best.right < FEWEST_RIGHT:
        if configured.problem is not None:
            return Finding("error", f"{message}: {configured.problem.message}", configured.problem.hint)
        return Finding("warning", message, "It fills no holes: choose a model of code for [tasks] complete.")
    if best.right > configured.right:
        return Finding("warning", message, f'Set fill = "{best.fill}" in [providers.{target.provider}].')
    return Finding("ok", message)
