"""A discrete-event simulation of a typist, an editor, a policy and a model, in virtual time.

The same events in the same order for the same arguments: nothing waits, nothing is random.
"""

import heapq
import itertools
import math
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from bench.typing.client import Screen
from bench.typing.oracle import TOKEN_MS, Oracle, Reply
from bench.typing.policy import Call, Change, Policy
from bench.typing.tally import Tally
from bench.typing.texts import Target
from bench.typing.typist import SEEN_MS, Key, Typist

MAX_AT_ONCE = 2_000
"""So many events at one moment mean a policy that sets itself timers for ever."""


class RestlessError(Exception):
    """A policy does not come to rest."""


@dataclass(eq=False, slots=True)
class _Job:
    """A request as the model's server sees it."""

    call: Call
    reply: Reply
    first_ms: float = math.inf
    """When its first token comes; it waits for a slot until then."""
    sent: int = 0


def run(
    policy: Policy, target: Target, oracle: Oracle, *, seed: int, slots: int = 0, max_keys: int | None = None
) -> Tally:
    """Type one target with a policy and return what was counted. No slots means as many as it takes."""
    world = Simulation(policy, target, oracle, seed=seed, slots=slots)
    return world.run(max_keys)


class Simulation:
    """One text being typed: the World that its policy sees."""

    def __init__(self, policy: Policy, target: Target, oracle: Oracle, *, seed: int, slots: int) -> None:
        self.now_ms = 0.0
        self.tally = Tally(chars=len(target.region))
        self._policy = policy
        self._oracle = oracle
        self._typist = Typist(target.region, f"{seed}/{target.name}")
        self._screen = Screen(self._typist, self.tally)
        self._prefix = target.before
        self.suffix = target.after
        self._slots = slots
        self._running: dict[Call, _Job] = {}
        self._queue: deque[_Job] = deque()
        self._events: list[tuple[float, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self._timers: dict[str, int] = {}
        self._action = 0
        self._change = 0
        self._replied = -1
        self._key: Key | None = None

    @property
    def prefix(self) -> str:
        """See World."""
        return self._prefix

    @property
    def ghost(self) -> str | None:
        """See World."""
        return self._screen.ghost

    def run(self, max_keys: int | None = None) -> Tally:
        """Type the text to its end, or so many keys of it."""
        self._plan_key()
        at_once = 0
        while self._events and not self._typist.done and (max_keys is None or self.tally.keys < max_keys):
            due_ms, _, event = heapq.heappop(self._events)
            at_once = at_once + 1 if due_ms == self.now_ms else 0
            if at_once > MAX_AT_ONCE:
                raise RestlessError(f"{MAX_AT_ONCE} events at {due_ms} ms")
            self.now_ms = due_ms
            event()
        if not self._typist.done:
            self.tally.chars = self._typist.at
        self.tally.time_ms = self.now_ms
        self._count_unfinished()
        return self.tally

    # --- what a policy does ------------------------------------------------------------------------

    def ask(
        self,
        prefix: str,
        suffix: str,
        *,
        max_tokens: int,
        stop: Sequence[str] = (),
        limit_ms: float | None = None,
    ) -> Call:
        """See World."""
        call = Call(prefix, suffix, self.now_ms)
        reply = self._oracle.reply(prefix, suffix, max_tokens=max_tokens, stop=stop, limit_ms=limit_ms)
        self.tally.requests += 1
        self._queue.append(_Job(call, reply))
        self._start_jobs()
        return call

    def close(self, call: Call) -> None:
        """See World."""
        call.closed = True
        job = self._running.pop(call, None)
        if job is not None:
            self.tally.tokens += self._sent_by_now(job)
        self._queue = deque(job for job in self._queue if job.call is not call)
        self._start_jobs()

    def show(self, text: str | None) -> None:
        """See World."""
        if self._policy.replies_once:
            assert self._replied != self._change, "a second reply to one request"
        self._replied = self._change
        since_ms = self._screen.since_ms
        self._screen.show(self.now_ms, text)
        if self._screen.ghost is not None and self._screen.since_ms != since_ms:
            self._plan_look()

    def wake(self, after_ms: float, name: str) -> None:
        """See World."""
        number = self._timers[name] = next(self._order)

        def ring() -> None:
            if self._timers.get(name) == number:
                del self._timers[name]
                self._policy.timer(self, name)

        self._at(self.now_ms + after_ms, ring)

    def sleep(self, name: str) -> None:
        """See World."""
        self._timers.pop(name, None)

    # --- the typist --------------------------------------------------------------------------------

    def _plan_key(self) -> None:
        if self._typist.done:
            return
        self._action += 1
        self._key = key = self._typist.next_key()
        action = self._action
        self._at(self.now_ms + key.gap_ms, lambda: self._press(action))
        self._plan_look()

    def _plan_look(self) -> None:
        """A ghost that is there for long enough is taken before the next key, if it is right."""
        if self._screen.ghost is not None:
            action = self._action
            self._at(max(self.now_ms, self._screen.since_ms + SEEN_MS), lambda: self._look(action))

    def _look(self, action: int) -> None:
        if action == self._action:
            self._take()

    def _press(self, action: int) -> None:
        if action != self._action or self._take():
            return
        key = self._key
        assert key is not None
        self._screen.action_ends(key.gap_ms)
        self._typist.press(key)
        self._prefix = self._prefix[: len(self._prefix) - key.erase] + key.insert
        self._screen.key(self.now_ms, key)
        self._tell(Change("erase" if key.erase else "type", key.insert))

    def _take(self) -> bool:
        ghost, key = self._screen.ghost, self._key
        if ghost is None or key is None or self.now_ms < self._screen.since_ms + SEEN_MS:
            return False
        text = self._typist.taken(ghost)
        if text is None:
            return False
        self._screen.action_ends(key.gap_ms)
        self._typist.accept(text)
        self._prefix += text
        self._screen.accepted(self.now_ms, text)
        self._tell(Change("accept", text))
        return True

    def _tell(self, change: Change) -> None:
        self._change += 1
        self._plan_key()
        if not self._typist.done:
            self._policy.changed(self, change)

    # --- the model ---------------------------------------------------------------------------------

    def _start_jobs(self) -> None:
        while self._queue and (self._slots == 0 or len(self._running) < self._slots):
            job = self._queue.popleft()
            self._running[job.call] = job
            job.first_ms = self.now_ms + job.reply.first_ms
            first = 1 if self._policy.streams and job.reply.tokens else len(job.reply.tokens)
            self._at(self._due_ms(job, first), lambda job=job, count=first: self._deliver(job, count))

    def _due_ms(self, job: _Job, count: int) -> float:
        return job.first_ms + TOKEN_MS * max(0, count - 1)

    def _deliver(self, job: _Job, count: int) -> None:
        if job.call not in self._running:
            return
        call, tokens = job.call, job.reply.tokens
        call.text += "".join(tokens[job.sent : count])
        job.sent = count
        call.first_ms = job.first_ms
        if count < len(tokens):
            self._at(self._due_ms(job, count + 1), lambda: self._deliver(job, count + 1))
            self._policy.progress(self, call)
            return
        del self._running[call]
        self.tally.tokens += len(tokens)
        call.done, call.limited = True, job.reply.limited
        self._start_jobs()
        self._policy.finished(self, call)

    def _sent_by_now(self, job: _Job) -> int:
        """Count the tokens that left the model, told or not."""
        if self.now_ms < job.first_ms:
            return 0
        return min(len(job.reply.tokens), 1 + int((self.now_ms - job.first_ms) / TOKEN_MS))

    def _count_unfinished(self) -> None:
        self.tally.tokens += sum(self._sent_by_now(job) for job in self._running.values())

    def _at(self, when_ms: float, event: Callable[[], None]) -> None:
        heapq.heappush(self._events, (when_ms, next(self._order), event))
