"""A small language client over real stdio that believes nothing: every message is judged at the end.

It starts the real server in an environment of its own (no key of the developer's, a home in a temporary
folder), keeps all that was sent and received, and fails on leaving if a message was not valid, a request
was not answered exactly once, or stdout held anything but messages.
"""

import contextlib
import itertools
import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import IO, TypeVar

from support.canary import keys_in
from support.contacts import strangers
from support.environment import clean_environment
from support.guard.sitecustomize import CONTACTS
from support.metamodel import Json
from support.patience import WAIT_S
from support.sweep import SWEEP
from support.traffic import Malformed, frame, judge, key_of, read_message

SERVER = (sys.executable, "-m", "farebox", "lsp")
INVOKED, AUTOMATIC = 1, 2

_T = TypeVar("_T")


class Failed(Exception):
    """The server answered with an error."""

    def __init__(self, error: Json) -> None:
        super().__init__(f"{error['code']}: {error['message']}")
        self.code = error["code"]
        self.message = str(error["message"])
        data = error.get("data")
        self.data: Json = data if isinstance(data, dict) else {}


class Client:
    """One server process and one client of it."""

    def __init__(
        self,
        folder: Path,
        *,
        config: str | None = None,
        environment: Mapping[str, str] | None = None,
        command: Sequence[str] = SERVER,
    ) -> None:
        self.folder = folder
        self.environment = {**clean_environment(folder), "FAREBOX_DEBUG": "1", **(environment or {})}
        self.environment.setdefault(CONTACTS, str(folder / "contacts.log"))
        self.config_file = Path(self.environment["FAREBOX_CONFIG"])
        self._configs: list[str] = []
        if config is not None:
            self.write_config(config)
        self.sent: list[Json] = []
        self.received: list[Json] = []
        self.faults: list[str] = []
        self.stderr = b""
        self._ids = itertools.count(1)
        self._versions: dict[str, int] = {}
        self._ended = False
        self._changed = threading.Condition()
        self._may_read = threading.Event()
        self._may_read.set()
        self._threads: list[threading.Thread] = []
        self._command = command

    def write_config(self, text: str) -> None:
        """Replace the user's config file."""
        self._configs.append(text)
        self.config_file.write_text(text, "utf-8")

    def __enter__(self) -> "Client":
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(
            self._command, stdin=pipe, stdout=pipe, stderr=pipe, env=self.environment, cwd=self.folder
        )
        for target in (self._read_messages, self._read_stderr):
            thread = threading.Thread(target=target, name=target.__name__)
            thread.start()
            self._threads.append(thread)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.read_on()
        try:
            if error is None and self._process.poll() is None and not self._stdin.closed:
                self.close()
        finally:
            self._end_process()
        if error is None:
            self.faults += judge(self.sent, self.received)
            self.faults += self._leaks()
            self.faults += self._strangers()
            assert not self.faults, "\n".join([*self.faults, self.log])
        else:
            error.add_note(f"the server's stderr:\n{self.log}")

    def _leaks(self) -> list[str]:
        """Return where the server showed a key; nobody asks it for one."""
        written = {"stderr": self.log, "messages": json.dumps(self.received, ensure_ascii=False)}
        return [f"a key in {where}: {key}" for where, text in written.items() for key in keys_in(text)]

    def _strangers(self) -> list[str]:
        """Return whom the server has contacted although nobody has told it of them."""
        written = [self.config_file.read_text("utf-8", "replace")] if self.config_file.is_file() else []
        told = (*self._configs, *written, *self.environment.values(), json.dumps(self.sent))
        contacted = strangers(Path(self.environment[CONTACTS]), told)
        return [f"contacted, though no setting names it: {stranger}" for stranger in contacted]

    @property
    def log(self) -> str:
        """What the server wrote to stderr."""
        return self.stderr.decode("utf-8", errors="replace")

    # --- messages --------------------------------------------------------------------------------

    def send(self, message: Json) -> None:
        """Send a message as it stands."""
        self.sent.append(message)
        self.send_bytes(frame(message))

    def send_bytes(self, raw: bytes) -> None:
        """Write to the server's stdin."""
        self._stdin.write(raw)
        self._stdin.flush()

    def notify(self, method: str, params: object = None) -> None:
        """Send a notification."""
        self.send({"jsonrpc": "2.0", "method": method, "params": params})

    def ask(self, method: str, params: object = None) -> int:
        """Send a request and return its id."""
        request_id = next(self._ids)
        self.send({"jsonrpc": "2.0", "id": request_id, "method": method, "params": params})
        return request_id

    def answer(self, request_id: int, timeout_s: float = WAIT_S) -> Json:
        """Wait for a request's result, which must be an object. Raises Failed for an error."""
        result = self.raw_answer(request_id, timeout_s)
        assert isinstance(result, dict), result
        return result

    def raw_answer(self, request_id: int, timeout_s: float = WAIT_S) -> object:
        """Wait for a request's result. Raises Failed for an error."""
        key = key_of(request_id)
        message = self.wait(
            lambda: next((m for m in self.received if "method" not in m and key_of(m["id"]) == key), None),
            f"an answer to request {request_id}",
            timeout_s,
        )
        error = message.get("error")
        if isinstance(error, dict):
            raise Failed(error)
        return message["result"]

    def request(self, method: str, params: object = None, timeout_s: float = WAIT_S) -> Json:
        """Send a request and wait for its result, which must be an object."""
        return self.answer(self.ask(method, params), timeout_s)

    def cancel(self, request_id: int) -> None:
        """Ask the server to stop a request."""
        self.notify("$/cancelRequest", {"id": request_id})

    def notifications(self, method: str) -> list[Json]:
        """Return the params of the notifications that have come."""
        found = [message["params"] for message in self.received if message.get("method") == method]
        return [params for params in found if isinstance(params, dict)]

    def wait_notification(
        self, method: str, condition: Callable[[Json], bool] = lambda _: True, *, skip: int = 0
    ) -> Json:
        """Wait for a notification; ``skip`` leaves out so many of that method."""
        return self.wait(
            lambda: next((p for p in self.notifications(method)[skip:] if condition(p)), None), method
        )

    def wait(self, find: Callable[[], _T | None], what: str, timeout_s: float = WAIT_S) -> _T:
        """Wait until something has come."""
        deadline = time.monotonic() + timeout_s
        with self._changed:
            while (found := find()) is None:
                left_s = deadline - time.monotonic()
                assert not self._ended, f"the server ended while the test waited for {what}\n{self.log}"
                assert left_s > 0, f"{what} did not come within {timeout_s} s\n{self.log}"
                self._changed.wait(left_s)
            return found

    # --- what every session does -------------------------------------------------------------------

    def initialize(self, **params: object) -> Json:
        """Begin the session and return the server's answer to ``initialize``."""
        defaults: Json = {
            "processId": None,
            "rootUri": None,
            "capabilities": {},
            "clientInfo": {"name": "a test"},
        }
        result = self.request("initialize", {**defaults, **params})
        self.notify("initialized", {})
        return result

    def open(self, uri: str, text: str, language: str = "python") -> None:
        """Open a document."""
        self._versions[uri] = 1
        document = {"uri": uri, "languageId": language, "version": 1, "text": text}
        self.notify("textDocument/didOpen", {"textDocument": document})

    def type(self, uri: str, line: int, character: int, text: str) -> None:
        """Insert text into an open document."""
        self.edit(uri, ((line, character), (line, character), text))

    def edit(self, uri: str, *changes: tuple[tuple[int, int], tuple[int, int], str]) -> None:
        """Change an open document in one step: each range, by its lines and characters, becomes a text."""
        self._versions[uri] += 1
        places = [
            {
                "range": {
                    "start": {"line": start[0], "character": start[1]},
                    "end": {"line": end[0], "character": end[1]},
                },
                "text": text,
            }
            for start, end, text in changes
        ]
        document = {"uri": uri, "version": self._versions[uri]}
        self.notify("textDocument/didChange", {"textDocument": document, "contentChanges": places})

    def ask_ghost(self, uri: str, line: int, character: int, kind: int = INVOKED) -> int:
        """Ask for ghost text and return the request's id."""
        params = {
            "textDocument": {"uri": uri},
            "position": {"line": line, "character": character},
            "context": {"triggerKind": kind},
        }
        return self.ask("textDocument/inlineCompletion", params)

    def ghost(self, uri: str, line: int, character: int, kind: int = INVOKED) -> list[Json]:
        """Ask for ghost text and return its items."""
        items = self.answer(self.ask_ghost(uri, line, character, kind))["items"]
        assert isinstance(items, list)
        return items

    def chat(self, text: str, **params: object) -> Json:
        """Ask a question and return the whole answer."""
        return self.request("farebox/chat", {"text": text, **params})

    def close(self) -> int:
        """End the session as the specification says and return the exit code."""
        assert self.raw_answer(self.ask("shutdown")) is None
        self.notify("exit")
        return self.wait_exit()

    def wait_exit(self) -> int:
        """Wait until the server's process has ended."""
        return self._process.wait(WAIT_S)

    def close_stdin(self) -> None:
        """End the connection without a word."""
        self._stdin.close()

    # --- the process -------------------------------------------------------------------------------

    @property
    def pid(self) -> int:
        """The number of the server's process."""
        return self._process.pid

    @property
    def _stdin(self) -> IO[bytes]:
        assert self._process.stdin is not None
        return self._process.stdin

    def _read_messages(self) -> None:
        assert self._process.stdout is not None
        try:
            while self._may_read.wait() and (message := read_message(self._process.stdout)) is not None:
                with self._changed:
                    self.received.append(message)
                    self._changed.notify_all()
        except (Malformed, ValueError) as error:
            self.faults.append(f"on stdout: {error}")
        finally:
            with self._changed:
                self._ended = True
                self._changed.notify_all()

    def _read_stderr(self) -> None:
        assert self._process.stderr is not None
        for line in self._process.stderr:
            self.stderr += line

    def stop_reading(self) -> None:
        """Let the server's stdout fill up; one message more may be read."""
        self._may_read.clear()

    def read_on(self) -> None:
        """Read the server's stdout again."""
        self._may_read.set()

    def forget(self, *request_ids: int) -> None:
        """Expect no answer to these of a server that has ended: what it wrote last may be cut off."""
        self.read_on()
        for thread in self._threads:
            thread.join(WAIT_S)
        self.faults.clear()
        self.sent[:] = [message for message in self.sent if message.get("id") not in request_ids]

    def _end_process(self) -> None:
        if self._process.poll() is None:
            self._process.kill()
        self._process.wait(WAIT_S)
        for thread in self._threads:
            thread.join(WAIT_S)
        for stream in (self._process.stdin, self._process.stdout, self._process.stderr):
            assert stream is not None
            with contextlib.suppress(BrokenPipeError):
                stream.close()
        SWEEP.output("a server's stderr", self.stderr)
        SWEEP.output("a server's messages", json.dumps(self.received, ensure_ascii=False))
