"""Whether the editor lives, told of real processes: killed, stopped, gone, or no editor's at all."""

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator

import pytest

from farebox.lsp import parent
from support.patience import WAIT_S

QUIET_S = 0.3
WAITS = [pytest.param(parent.wait_for, id="as the system tells")]
if sys.platform != "win32":
    WAITS.append(pytest.param(lambda number: parent.by_polling(number, every_s=0.01), id="by polling"))


@pytest.fixture
def editor() -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen((sys.executable, "-c", "input()"), stdin=subprocess.PIPE) as process:
        yield process
        process.kill()


def told(process_id: int | None) -> tuple[list[str], threading.Event]:
    """Watch a process; return what is said of it, and an event for when it is."""
    reasons: list[str] = []
    event = threading.Event()

    def on_gone(reason: str) -> None:
        reasons.append(reason)
        event.set()

    parent.watch(process_id, on_gone)
    return reasons, event


@pytest.mark.parametrize("wait_for", WAITS)
def test_an_editor_that_was_killed_is_missed_before_anybody_reaps_it(
    editor: subprocess.Popen[bytes], wait_for: Callable[[int], parent.Wait]
) -> None:
    thread = threading.Thread(target=wait_for(editor.pid), daemon=True)
    thread.start()
    thread.join(QUIET_S)
    assert thread.is_alive(), "an editor that lives was taken for dead"
    editor.kill()
    thread.join(WAIT_S)
    assert not thread.is_alive()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no such signal")
@pytest.mark.parametrize("wait_for", WAITS)
def test_an_editor_that_is_stopped_is_not_dead(
    editor: subprocess.Popen[bytes], wait_for: Callable[[int], parent.Wait]
) -> None:
    thread = threading.Thread(target=wait_for(editor.pid), daemon=True)
    thread.start()
    os.kill(editor.pid, signal.SIGSTOP)
    thread.join(QUIET_S)
    assert thread.is_alive()


@pytest.mark.parametrize("wait_for", WAITS)
def test_a_process_that_is_not_there_can_not_be_waited_for(
    editor: subprocess.Popen[bytes], wait_for: Callable[[int], parent.Wait]
) -> None:
    editor.kill()
    editor.wait(WAIT_S)
    with pytest.raises(ProcessLookupError):
        wait_for(editor.pid)


def test_the_reason_names_the_process(editor: subprocess.Popen[bytes]) -> None:
    reasons, event = told(editor.pid)
    editor.kill()
    assert event.wait(WAIT_S)
    assert reasons == [f"the editor, process {editor.pid}, has ended"]


def test_a_number_that_nobody_has_is_named_with_what_to_send_instead(editor: subprocess.Popen[bytes]) -> None:
    editor.kill()
    editor.wait(WAIT_S)
    reasons, _ = told(editor.pid)
    (reason,) = reasons
    assert str(editor.pid) in reason
    assert "processId" in reason
    assert "null" in reason


@pytest.mark.parametrize("process_id", [None, 0, -1, 2**31, 2**70, os.getpid()])
def test_what_can_not_be_an_editors_is_not_watched(process_id: int | None) -> None:
    threads = threading.active_count()
    reasons, _ = told(process_id)
    assert reasons == []
    assert threading.active_count() == threads
