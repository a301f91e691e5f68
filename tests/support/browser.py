"""A real Chromium without a window, told what to do through its DevTools protocol over two pipes.

It needs no driver and no library: a command is a line of JSON that ends with a NUL, and so is an answer.
Nothing listens on a port. Where there is no Chromium a test is skipped; where FAREBOX_REQUIRE_PROGRAMS=1 (CI)
it fails.
"""

import base64
import fcntl
import json
import os
import select
import shutil
import signal
import time
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Literal, cast

from support.guard.sitecustomize import watched
from support.patience import WAIT_S
from support.programs import missing

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
OPTIONS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-extensions",
    "--no-first-run",
    "--no-default-browser-check",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--remote-debugging-pipe",
)
END_S = 10
FIRST_FREE = 10
"""Chromium reads from descriptor 3 and writes to 4: ours lie above both."""

Scheme = Literal["light", "dark"]
Json = dict[str, Any]


class Broken(Exception):
    """The browser has refused a command, has said nothing for too long, or has gone."""


class Browser:
    """A running Chromium. ``events`` is what it has told unasked, oldest first."""

    def __init__(self, pid: int, commands: int, answers: int) -> None:
        self.events: list[Json] = []
        self._pid = pid
        self._commands = commands
        self._answers = answers
        self._unread = b""
        self._last_id = 0

    def ask(self, method: str, session: str | None = None, **params: object) -> Json:
        """Give a command and return its result; what comes in between is kept in ``events``."""
        self._last_id += 1
        command: Json = {"id": self._last_id, "method": method, "params": params}
        if session is not None:
            command["sessionId"] = session
        unsent = json.dumps(command).encode() + b"\0"
        while unsent:
            unsent = unsent[os.write(self._commands, unsent) :]
        deadline = time.monotonic() + WAIT_S
        while (message := self._next(deadline)).get("id") != self._last_id:
            self.events.append(message)
        if "error" in message:
            raise Broken(f"{method}: {message['error']}")
        return cast("Json", message["result"])

    def wait_for(self, method: str, session: str) -> Json:
        """Return the first event of a kind that is not taken yet, and take it."""
        deadline = time.monotonic() + WAIT_S
        while True:
            for event in self.events:
                if (event["method"], event.get("sessionId")) == (method, session):
                    self.events.remove(event)
                    return event
            self.events.append(self._next(deadline))

    def _next(self, deadline: float) -> Json:
        while b"\0" not in self._unread:
            ready, _, _ = select.select([self._answers], [], [], max(0, deadline - time.monotonic()))
            if not ready:
                raise Broken(f"no answer for {WAIT_S:.0f} s")
            piece = os.read(self._answers, 1 << 20)
            if not piece:
                raise Broken("the browser has ended")
            self._unread += piece
        line, _, self._unread = self._unread.partition(b"\0")
        return cast("Json", json.loads(line))

    def close(self) -> None:
        """Ask it to end and wait until it has; then end what is left of it."""
        with suppress(Broken, OSError):
            self.ask("Browser.close")
            deadline = time.monotonic() + END_S
            while True:
                self._next(deadline)
        os.close(self._commands)
        os.close(self._answers)
        with suppress(ProcessLookupError):
            os.killpg(self._pid, signal.SIGKILL)
        os.waitpid(self._pid, 0)


class Tab:
    """A page in a window of a size, in a colour scheme."""

    def __init__(self, browser: Browser, *, width: int, height: int = 900, scheme: Scheme = "light") -> None:
        self.browser = browser
        target = browser.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = browser.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network"):
            self._ask(f"{domain}.enable")
        self._ask(
            "Emulation.setDeviceMetricsOverride",
            width=width,
            height=height,
            deviceScaleFactor=1,
            mobile=False,
        )
        self._ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def _ask(self, method: str, **params: object) -> Json:
        return self.browser.ask(method, self._session, **params)

    def load(self, file: Path) -> None:
        """Load a page from disk and wait until all of it is there."""
        failure = self._ask("Page.navigate", url=file.as_uri()).get("errorText")
        if failure:
            raise Broken(f"{file}: {failure}")
        self.browser.wait_for("Page.loadEventFired", self._session)

    def evaluate(self, expression: str) -> Any:
        """Return the JSON value of an expression in the page; a promise is waited for."""
        answer = self._ask("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise Broken(str(answer["exceptionDetails"]))
        return answer["result"].get("value")

    def told(self, *methods: str) -> list[Json]:
        """Return what was told of by now under these names, by this page."""
        return [
            event["params"]
            for event in self.browser.events
            if event.get("sessionId") == self._session and event["method"] in methods
        ]

    def picture(self) -> bytes:
        """Return the whole page as a PNG."""
        size = self._ask("Page.getLayoutMetrics")["cssContentSize"]
        clip = {"x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1}
        shot = self._ask("Page.captureScreenshot", format="png", captureBeyondViewport=True, clip=clip)
        return base64.b64decode(shot["data"])

    def pdf(self) -> bytes:
        """Print the page on A4 with the margins that it asks for."""
        answer = self._ask("Page.printToPDF", preferCSSPageSize=True, paperWidth=8.27, paperHeight=11.69)
        return base64.b64decode(answer["data"])


@contextmanager
def chromium(folder: Path) -> Generator[Browser]:
    """Run the machine's Chromium with an empty profile in a folder."""
    program = next(filter(None, map(shutil.which, PROGRAMS)), None)
    if program is None:
        missing("no Chromium on this machine: apt-get install chromium")
    browser = _started(program, folder)
    try:
        yield browser
    finally:
        browser.close()


def _started(program: str, folder: Path) -> Browser:
    theirs_in, ours_out = map(_above, os.pipe())
    ours_in, theirs_out = map(_above, os.pipe())
    log = os.open(folder / "chromium.log", os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    home = {name: str(folder) for name in ("HOME", "TMPDIR", "XDG_CONFIG_HOME", "XDG_CACHE_HOME")}
    pid = os.posix_spawn(
        program,
        [program, *OPTIONS, f"--user-data-dir={folder / 'profile'}"],
        watched({**os.environ, **home}),
        file_actions=[
            (os.POSIX_SPAWN_DUP2, theirs_in, 3),
            (os.POSIX_SPAWN_DUP2, theirs_out, 4),
            (os.POSIX_SPAWN_DUP2, log, 1),
            (os.POSIX_SPAWN_DUP2, log, 2),
        ],
        setpgroup=0,
    )
    for descriptor in (theirs_in, theirs_out, log):
        os.close(descriptor)
    return Browser(pid, ours_out, ours_in)


def _above(descriptor: int) -> int:
    """Move a descriptor out of the way; a child gets it only where it is told to."""
    moved = fcntl.fcntl(descriptor, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE)
    os.close(descriptor)
    return moved
