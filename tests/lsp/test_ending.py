"""How the process ends: for every reason, with its code, with all settled and nobody left behind."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from farebox.lsp.ending import INTERRUPTED
from support.client import SERVER, Client, Failed
from support.environment import clean_environment, ledger_rows, openrouter_config
from support.metamodel import Json
from support.patience import WAIT_S
from support.traffic import frame, read_message
from support.upstream import Answer, Upstream, chunk, sse

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
MANY = 1_000
needs_signals = pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signals")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        body = sse(chunk({"role": "assistant", "content": "This is going to be long"}), done=False)
        server.answer("/v1/chat/completions", Answer(body=body, content_type="text/event-stream", hang=True))
        yield server


@pytest.fixture
def client(tmp_path: Path, upstream: Upstream) -> Iterator[Client]:
    with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=KEY) as client:
        yield client


@pytest.fixture
def editor() -> Iterator[subprocess.Popen[bytes]]:
    """Start what is an editor to the server, whose stdin we hold open, as a sibling of the server would."""
    with subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def begin_chat(client: Client) -> int:
    chat = client.ask("farebox/chat", {"text": "Hello"})
    client.wait_notification("farebox/chatEvent", lambda told: told["event"]["type"] == "text")
    return chat


def check_stopped(client: Client, upstream: Upstream, chat: int) -> None:
    """Check that a chat that ran at the end was stopped, answered and settled."""
    with pytest.raises(Failed) as failed:
        client.answer(chat)
    assert failed.value.code == -32800
    assert upstream.wait_for(upstream.requests[0].closed.is_set)
    (row,) = ledger_rows(client.folder)
    assert (row["state"], row["outcome"]) == ("settled", "cancelled")


@needs_signals
@pytest.mark.parametrize(
    ("name", "code"),
    [("SIGTERM", -15), ("SIGHUP", -1), ("SIGINT", INTERRUPTED)],
    ids=str,
)
def test_a_signal_stops_and_settles_what_runs(
    client: Client, upstream: Upstream, name: str, code: int
) -> None:
    client.initialize()
    chat = begin_chat(client)
    os.kill(client.pid, signal.Signals[name])
    assert client.wait_exit() == code
    check_stopped(client, upstream, chat)


def test_the_end_of_an_editor_is_the_servers_though_a_sibling_holds_its_input(
    client: Client, upstream: Upstream, editor: subprocess.Popen[bytes]
) -> None:
    client.initialize(processId=editor.pid)
    chat = begin_chat(client)
    editor.kill()
    assert client.wait_exit() == 1
    check_stopped(client, upstream, chat)
    assert f"the editor, process {editor.pid}, has ended" in client.log


@needs_signals
def test_an_editor_that_is_stopped_is_served_on(client: Client, editor: subprocess.Popen[bytes]) -> None:
    client.initialize(processId=editor.pid)
    os.kill(editor.pid, signal.SIGSTOP)
    assert client.request("farebox/conversations") == {"conversations": []}
    assert client.close() == 0


def test_an_editor_that_is_not_there_is_told_to_send_null(
    client: Client, editor: subprocess.Popen[bytes]
) -> None:
    editor.kill()
    editor.wait(WAIT_S)
    client.request("initialize", {"processId": editor.pid, "rootUri": None, "capabilities": {}})
    assert client.wait_exit() == 1
    assert "processId" in client.log
    assert "send null" in client.log


def test_a_thousand_requests_do_not_delay_the_end(client: Client) -> None:
    client.initialize()
    client.request("farebox/costReport")  # the ledger is open
    asked = [client.ask("farebox/chat", {"text": "Hello"}) for _ in range(MANY)]
    client.close_stdin()
    assert client.wait_exit() == 1
    with pytest.raises(Failed):
        client.answer(asked[-1])
    errors = [message["error"] for message in client.received if "error" in message]
    codes = [error["code"] for error in errors if isinstance(error, dict)]
    assert len(codes) == MANY
    assert set(codes) <= {-32800, -32803}
    assert all(row["state"] == "settled" for row in ledger_rows(client.folder))


@pytest.mark.parametrize("closes_stderr", [False, True])
@pytest.mark.skipif(sys.platform == "win32", reason="only writing tells there")
def test_a_client_that_closes_our_output_ends_the_server(tmp_path: Path, *, closes_stderr: bool) -> None:
    pipe = subprocess.PIPE
    environment = {**clean_environment(tmp_path), "FAREBOX_DEBUG": "1"}
    with subprocess.Popen(
        SERVER, stdin=pipe, stdout=pipe, stderr=pipe, env=environment, cwd=tmp_path
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        assert server.stderr is not None
        params = {"processId": None, "rootUri": None, "capabilities": {}}
        server.stdin.write(frame({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": params}))
        server.stdin.flush()
        assert read_message(server.stdout) is not None
        if closes_stderr:
            server.stderr.close()
        server.stdout.close()
        assert server.wait(WAIT_S) == 1
        if not closes_stderr:
            log = server.stderr.read().decode()
            assert "the client has closed our output" in log
            assert "Traceback" not in log


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="only Linux tells of children so simply")
@needs_signals
def test_a_stderr_that_is_full_keeps_nothing_from_being_settled(tmp_path: Path, upstream: Upstream) -> None:
    (tmp_path / "config.toml").write_text(openrouter_config(upstream.base_url))
    environment = {**clean_environment(tmp_path), **KEY, "FAREBOX_DEBUG": "1"}
    source, sink = os.pipe()
    os.set_blocking(sink, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(sink, b"x" * 4096)
    os.set_blocking(sink, True)
    with subprocess.Popen(
        SERVER, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=sink, env=environment, cwd=tmp_path
    ) as server:
        os.close(sink)
        assert server.stdin is not None
        assert server.stdout is not None
        start: Json = {"processId": None, "rootUri": None, "capabilities": {}}
        for number, (method, params) in enumerate((("initialize", start), ("farebox/chat", {"text": "?"}))):
            server.stdin.write(frame({"jsonrpc": "2.0", "id": number, "method": method, "params": params}))
        server.stdin.flush()
        while b"This is going" not in str(read_message(server.stdout)).encode():
            pass
        server.stdout.close()
        assert server.wait(WAIT_S) == 1
    os.close(source)
    (row,) = ledger_rows(tmp_path)
    assert (row["state"], row["outcome"]) == ("settled", "cancelled")


def test_a_server_has_no_children_to_leave_behind(client: Client) -> None:
    client.initialize()
    begin_chat(client)
    tasks = Path(f"/proc/{client.pid}/task")
    assert [file.read_text() for file in tasks.glob("*/children") if file.read_text()] == []
    client.cancel(2)


LOOP_THAT_DIES = """
import pathlib, selectors, signal

class Dying(selectors.DefaultSelector):
    hears = False

    def select(self, timeout=None):
        heard, self.hears = self.hears, signal.getsignal(signal.SIGTERM) != signal.SIG_DFL
        if pathlib.Path("die").exists() or heard and not self.hears:
            raise MemoryError
        return super().select(timeout)

selectors.DefaultSelector = Dying
from farebox.cli.main import main
main(["lsp"])
"""


@pytest.mark.skipif(sys.platform == "win32", reason="its event loop has no selector")
def test_an_event_loop_that_dies_ends_the_process_and_is_told_of(tmp_path: Path) -> None:
    with Client(tmp_path, command=(sys.executable, "-c", LOOP_THAT_DIES)) as client:
        client.initialize()
        (tmp_path / "die").touch()  # it looks at its files twice a second
        assert client.wait_exit() == 1
    assert "an internal error: loop: MemoryError" in client.log


@needs_signals
def test_an_event_loop_that_dies_at_the_end_leaves_the_first_reason_its_code(tmp_path: Path) -> None:
    with Client(tmp_path, command=(sys.executable, "-c", LOOP_THAT_DIES)) as client:
        client.initialize()
        os.kill(client.pid, signal.SIGTERM)
        assert client.wait_exit() == -signal.SIGTERM
    assert "an internal error: loop: MemoryError" in client.log


# --- what hangs, and what is impatient -----------------------------------------------------------

HANGING = """
import asyncio, signal, sys, time
from farebox.lsp.ending import Ending

async def end():
    begun = asyncio.create_task(ending.begun())
    if sys.argv[1] == "by itself":
        ending.begin(3, "a reason")
    await asyncio.sleep(0)
    print("ready", flush=True)
    if sys.argv[1] != "while blocked":
        await begun
        print("begun", flush=True)
    time.sleep(60)

ending = Ending()
ending.hear_signals()
asyncio.run(end())
"""


HEARD_ELSEWHERE = """
import asyncio, selectors, signal, threading
from farebox.lsp.ending import Ending

class Selector(selectors.DefaultSelector):
    def select(self, timeout=None):
        if timeout is None:
            waits.set()
        return super().select(timeout)

def hear():
    waits.wait()
    signal.raise_signal(signal.SIGTERM)

waits = threading.Event()
ending = Ending()
ending.hear_signals()
threading.Thread(target=hear).start()
asyncio.Runner(loop_factory=lambda: asyncio.SelectorEventLoop(Selector())).run(ending.begun())
print("begun", flush=True)
threading.Event().wait()
"""
"""The system tells another thread: nothing interrupts the main one, as if it were just about to wait."""


WITHOUT_MEMORY = """
import asyncio, contextlib, pathlib, resource, threading
from farebox.lsp.ending import Ending

async def end():
    begun = asyncio.create_task(ending.begun())
    await asyncio.sleep(0)
    pages = int(pathlib.Path("/proc/self/statm").read_text().split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (pages * resource.getpagesize(),) * 2)
    with contextlib.suppress(RuntimeError):
        threading.Thread(target=print, args=["there is room for a thread"]).start()
    ending.begin(3, "a reason")
    await begun
    print("begun", flush=True)
    threading.Event().wait()

ending = Ending()
asyncio.run(end())
"""


def hanging(how: str) -> "subprocess.Popen[bytes]":
    return subprocess.Popen(
        (sys.executable, "-c", HANGING, how), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )


def test_what_hangs_at_the_end_does_not_keep_the_process() -> None:
    with hanging("by itself") as process:
        _, said = process.communicate(timeout=WAIT_S)
    assert process.returncode == 3
    assert said == b"farebox: a reason\n"


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux bounds memory so simply")
def test_what_hangs_without_memory_for_a_thread_does_not_keep_the_process_either() -> None:
    found = subprocess.run(
        (sys.executable, "-c", WITHOUT_MEMORY), capture_output=True, check=False, timeout=WAIT_S
    )
    assert found.stdout == b"begun\n", found.stderr
    assert found.returncode == 3


@needs_signals
@pytest.mark.parametrize(
    ("how", "first", "code"),
    [
        ("by a signal", "SIGTERM", -15),
        ("by a signal", "SIGINT", INTERRUPTED),
        ("while blocked", "SIGTERM", -15),
    ],
)
def test_a_signals_code_is_kept_where_the_end_hangs(how: str, first: str, code: int) -> None:
    with hanging(how) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.Signals[first])
        assert process.wait(WAIT_S) == code


@needs_signals
def test_a_signal_is_heard_whichever_thread_the_system_tells() -> None:
    found = subprocess.run(
        (sys.executable, "-c", HEARD_ELSEWHERE), capture_output=True, check=False, timeout=WAIT_S
    )
    assert (found.stdout, found.returncode) == (b"begun\n", -15), found.stderr


@needs_signals
def test_a_second_signal_ends_at_once() -> None:
    with hanging("by a signal") as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == b"begun\n"
        process.send_signal(signal.SIGINT)
        assert process.wait(WAIT_S) == -signal.SIGINT, "it has waited for what hangs"


@needs_signals
def test_a_signal_that_is_ignored_stays_so() -> None:
    ask = (
        "import signal; signal.signal(signal.SIGHUP, signal.SIG_IGN)\n"
        "from farebox.lsp.ending import Ending; Ending().hear_signals()\n"
        "print(signal.getsignal(signal.SIGHUP) == signal.SIG_IGN)\n"
        "print(signal.getsignal(signal.SIGTERM) == signal.SIG_DFL)"
    )
    found = subprocess.run((sys.executable, "-c", ask), capture_output=True, check=True, timeout=WAIT_S)
    assert found.stdout.split() == [b"True", b"False"]
