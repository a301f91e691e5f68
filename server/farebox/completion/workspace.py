"""The worker that keeps what is learned of the user's files up to date, while nobody types.

One thread reads the open documents and the files of the workspace and hands them to learners. It works in
slices, rests as long as it worked, and is quiet while keys come: whoever waits for a key's answer must not
wait for it. It knows when and what to read; not what is learned.
"""

import os
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import PurePath
from typing import Protocol

from farebox import crash
from farebox.completion.files import MAX_FILE_BYTES, MAX_FILES, Found, Walk, may_read, read
from farebox.privacy import NO_RULES, Rules, blanked

QUIET_S = 0.3
"""How long after a key nothing is begun."""

RESCAN_S = 30.0
MAX_REST_S = 0.1
MIN_REST_S = 0.001
STOP_TIMEOUT_S = 2.0


class Learner(Protocol):
    """What learns of texts. Called in the worker's thread alone."""

    def learn(self, path: str, language: str, text: str, /) -> None:
        """Learn a text, in place of what was learned of its path."""
        ...

    def forget(self, path: str) -> None:
        """Forget what was learned of a path."""
        ...


class Workspace:
    """Keeps learners up to date. All methods but ``stop`` and ``settle`` return at once.

    With ``reads_files`` false only open documents are learned: so in a workspace that nobody trusts.
    Secrets are not learned, unless ``hides_secrets`` is false: a piece of one could not be known as one.
    """

    def __init__(
        self,
        learners: Sequence[Learner],
        rules: Rules = NO_RULES,
        *,
        reads_files: bool = True,
        hides_secrets: bool = True,
        quiet_s: float = QUIET_S,
        rescan_s: float = RESCAN_S,
        max_files: int = MAX_FILES,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._learners = tuple(learners)
        self._rules = rules
        self._reads_files = reads_files
        self._hides_secrets = hides_secrets
        self._quiet_s = quiet_s
        self._rescan_s = rescan_s
        self._max_files = max_files
        self._clock = clock
        self._lock = threading.Lock()
        self._woken = threading.Event()
        self._settled = threading.Event()
        self._stopping = False
        self._quiet_until_s = 0.0
        self._documents: dict[str, tuple[str, Callable[[], str]] | None] = {}
        self._open: dict[str, None] = {}
        self._learned: dict[str, tuple[int, int] | None] = {}
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begin. A second start does nothing."""
        if self._thread is None:
            self._thread = threading.Thread(target=self._run, name="farebox-workspace", daemon=True)
            self._thread.start()

    def end(self) -> None:
        """Let the thread end by itself, after the slice that it is at."""
        self._stopping = True
        self._woken.set()

    def stop(self) -> None:
        """End the thread, and wait for that: a slice that has been begun is finished first."""
        self.end()
        if self._thread is not None:
            self._thread.join(STOP_TIMEOUT_S)

    def opened(self, path: str, language: str, read_text: Callable[[], str]) -> None:
        """Note an open document: from now on its text wins over the file's."""
        with self._lock:
            self._open.pop(path, None)
            self._open[path] = None
        self.changed(path, language, read_text)

    def changed(self, path: str, language: str, read_text: Callable[[], str]) -> None:
        """Note that an open document has changed. Its text is read and learned once the keys rest."""
        with self._lock:
            self._open.setdefault(path)
            self._documents[path] = (language, read_text)
            self._settled.clear()
        self._woken.set()

    def closed(self, path: str) -> None:
        """Note that a document is closed: what counts is the file again."""
        with self._lock:
            self._open.pop(path, None)
            self._documents[path] = None
            self._settled.clear()
        self._woken.set()

    def touch(self) -> None:
        """Note that the user has typed: stay quiet for a moment."""
        self._quiet_until_s = self._clock() + self._quiet_s

    def settle(self, timeout_s: float) -> bool:
        """Wait until everything has been read once and nothing is to be done."""
        return self._settled.wait(timeout_s)

    # --- the thread --------------------------------------------------------------------------------

    def _run(self) -> None:
        scan: Iterator[None] | None = self._scan() if self._reads_files else None
        scanned_s = self._clock()
        while not self._stopping:
            if (rest_s := self._quiet_until_s - self._clock()) > 0:
                self._rest(rest_s)
                continue
            begun_s = time.perf_counter()
            if self._learn_a_document():
                pass
            elif scan is not None:
                if next(scan, scan) is scan:
                    scan, scanned_s = None, self._clock()
            else:
                rest_s = scanned_s + self._rescan_s - self._clock() if self._reads_files else None
                if rest_s is None or rest_s > 0:
                    self._wait(rest_s)
                else:
                    scan = self._scan()
                continue
            self._rest(min(MAX_REST_S, max(MIN_REST_S, time.perf_counter() - begun_s)))

    def _rest(self, duration_s: float) -> None:
        """Sleep on though new work comes: a key is just that."""
        until_s = time.monotonic() + duration_s
        while not self._stopping and (left_s := until_s - time.monotonic()) > 0:
            time.sleep(min(left_s, MAX_REST_S))

    def _wait(self, duration_s: float | None) -> None:
        """Wait for work."""
        with self._lock:
            if not self._documents:
                self._settled.set()
            self._woken.clear()
            if self._documents or self._stopping:
                return
        self._woken.wait(duration_s)

    def _learn_a_document(self) -> bool:
        """Learn one text of the editor's. Returns whether there was one."""
        with self._lock:
            path = next(iter(self._documents), None)
            if path is None:
                return False
            document = self._documents.pop(path)
        if document is not None:
            language, read_text = document
            text = read_text()
            if len(text) <= MAX_FILE_BYTES and may_read(path, self._rules):
                self._learned[path] = None
                self._learn(path, language, text.replace("\r\n", "\n"))
            else:
                self._forget(path)
        elif path in self._learned:
            self._learned[path] = (0, 0)  # read anew, or forgotten, by the next scan
            if not self._reads_files or not self._read_again(path):
                self._forget(path)
        return True

    def _read_again(self, path: str) -> bool:
        folder = str(PurePath(path).parent)
        inside = any(os.path.commonpath((root, path)) == root for root in self._absolute_roots(path))
        if not inside:
            return False
        walk = Walk(self._rules, first=(folder,), most=self._max_files)
        for found in walk.files_of(folder):
            if found.path == path:
                return self._read(found)
        return False

    def _absolute_roots(self, path: str) -> Iterator[str]:
        for root in map(os.path.abspath, self._rules.roots):
            if PurePath(path).is_absolute() and os.path.splitdrive(root)[0] == os.path.splitdrive(path)[0]:
                yield root

    def _scan(self) -> Iterator[None]:
        """Walk through the roots once, reading what is new or has changed; a slice a step."""
        with self._lock:
            first = tuple(dict.fromkeys(str(PurePath(path).parent) for path in reversed(self._open)))
        met: set[str] = set()
        for found in Walk(self._rules, first=first, most=self._max_files).files():
            if found is None:
                yield
                continue
            met.add(found.path)
            if found.path not in self._open and self._learned.get(found.path) != found.state:
                self._read(found)
                yield
        for path in [path for path in self._learned if path not in met and path not in self._open]:
            self._forget(path)
            yield

    def _read(self, found: Found) -> bool:
        text = read(found.path)
        if found.path in self._open:
            return True
        self._learned[found.path] = found.state
        if text is None:
            self._tell(lambda learner: learner.forget(found.path))
        else:
            self._learn(found.path, found.language, text)
        return True

    def _learn(self, path: str, language: str, text: str) -> None:
        learned = blanked(text) if self._hides_secrets else text
        self._tell(lambda learner: learner.learn(path, language, learned))

    def _forget(self, path: str) -> None:
        if self._learned.pop(path, self) is not self:
            self._tell(lambda learner: learner.forget(path))

    def _tell(self, act: Callable[[Learner], None]) -> None:
        for learner in self._learners:
            try:
                act(learner)
            except Exception as error:  # noqa: BLE001  one text that a learner can't take must not end the thread
                crash.note(error, "learner")
