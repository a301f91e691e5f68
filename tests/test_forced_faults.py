"""A real server at debug level, and one fault in each of its layers: nothing shows a key or a prompt.

Looked through are stderr, all messages, the ledger, logs and crash files, and the command lines of processes.
What keys look like, also in other forms and in part, ``support.sweep`` knows; it looks through all tests.
"""

import contextlib
import json
import os
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from support.canary import KEY_WITH_ENDS
from support.client import SERVER, Client, Failed
from support.environment import openrouter_config
from support.sweep import Sweep
from support.upstream import Answer, Upstream, json_answer

PROMPT = "mend my unspoken idea"

BROKEN = f"""
import sys, types
class Broken(types.ModuleType):
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError
        raise RuntimeError("{KEY_WITH_ENDS} {PROMPT}")
sys.modules[sys.argv[1]] = Broken("broken")
from farebox.cli.main import main
main(["lsp"])
"""
"""A server with a bug: each use of a module raises an error that says too much."""

TIGHT = """
import resource, sys
resource.setrlimit(resource.RLIMIT_AS, (int(sys.argv[1]),) * 2)
from farebox.cli.main import main
main(["lsp"])
"""
"""A server that runs out of memory, sooner or later."""


@dataclass(frozen=True)
class Fault:
    """What goes wrong, and what of a crash file must then be there."""

    answer: Answer
    key: str = KEY_WITH_ENDS
    command: tuple[str, ...] = SERVER
    scheme: str = "http"
    number: signal.Signals | None = None
    crash: str | None = None


REFUSED = json_answer({"error": {"message": f"no {KEY_WITH_ENDS}", "code": KEY_WITH_ENDS}}, status=401)


def broken(module: str) -> tuple[str, ...]:
    return (sys.executable, "-c", BROKEN, module)


FAULTS = {
    "a-refusal-with-the-key": Fault(REFUSED),
    "a-key-with-a-line-end": Fault(REFUSED, key=f"{KEY_WITH_ENDS}\nx"),
    "no-tls-behind-https": Fault(REFUSED, scheme="https"),
    "a-bug-in-a-request": Fault(REFUSED, command=broken("farebox.lsp.features"), crash="request"),
    "a-bug-in-the-background": Fault(REFUSED, command=broken("farebox.lsp.money"), crash="background"),
}
if os.name == "posix":
    FAULTS["a-fatal-signal"] = Fault(REFUSED, number=signal.SIGABRT, crash="fault")
if sys.platform == "linux":
    FAULTS["little-memory"] = Fault(REFUSED, command=(sys.executable, "-c", TIGHT, str(230 << 20)))


def command_lines(pid: int) -> Iterator[bytes]:
    """Yield the command lines of a process and of those that it has started, where the system tells."""
    with contextlib.suppress(OSError):
        yield Path(f"/proc/{pid}/cmdline").read_bytes()
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text("ascii").split():
            yield from command_lines(int(child))


def session(folder: Path, fault: Fault, base_url: str, seen: Sweep) -> None:
    """Ask a question, whatever comes of it."""
    environment = {"OPENROUTER_API_KEY": fault.key}
    client = Client(
        folder, config=openrouter_config(base_url), environment=environment, command=fault.command
    )
    is_patient = fault.command == SERVER or fault.crash is not None
    with (
        contextlib.nullcontext() if is_patient else contextlib.suppress(AssertionError, Failed, OSError),
        client,
    ):
        client.initialize()
        with contextlib.suppress(Failed):
            client.chat(PROMPT)
        if fault.command == SERVER:
            for line in command_lines(client.pid):
                seen.output("a command line", line)
        if fault.number is not None:
            os.kill(client.pid, fault.number)
            assert client.wait_exit() == -fault.number
    seen.output("messages", json.dumps(client.received))
    seen.output("stderr", client.stderr)
    assert PROMPT not in json.dumps(client.received) + client.log


@pytest.mark.parametrize("name", FAULTS)
def test_no_fault_shows_a_key_or_a_prompt(tmp_path: Path, name: str):
    fault, seen = FAULTS[name], Sweep()
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/chat/completions", fault.answer)
        base_url = upstream.base_url.replace("http", fault.scheme, 1)
        session(tmp_path, fault, base_url, seen)
        if fault.number is not None:
            session(tmp_path, FAULTS["a-refusal-with-the-key"], base_url, seen)  # it tells of the one before
        for request in upstream.requests:
            seen.body(request.path, request.raw)
    seen.folder(tmp_path)
    assert seen.hits == []
    data = tmp_path / "farebox"
    written = {path: path.read_bytes() for path in data.rglob("*") if path.is_file()}
    assert [path for path, raw in written.items() if PROMPT.encode() in raw] == []
    crashes = [json.loads(raw) for path, raw in written.items() if path.parent.name == "crashes" and raw]
    if fault.command[-1].isalpha() or fault.crash:  # else it depends on where the memory ends
        assert {one["where"] for one in crashes} == ({fault.crash} if fault.crash else set())
    assert not any(str(tmp_path) in json.dumps(one) for one in crashes)


@pytest.mark.skipif(os.name != "posix", reason="modes as POSIX has them")
def test_whatever_a_session_leaves_is_for_its_owner_alone_though_the_umask_forbids_nothing(tmp_path: Path):
    before = os.umask(0)
    try:
        with Upstream.in_thread() as upstream:
            upstream.answer("/v1/chat/completions", REFUSED)
            (tmp_path / "home").mkdir(0o755)
            home = {
                "FAREBOX_HOME": str(tmp_path / "home" / "new" / "farebox"),
                "OPENROUTER_API_KEY": KEY_WITH_ENDS,
            }
            config = openrouter_config(upstream.base_url)
            with Client(tmp_path, config=config, environment=home) as client:
                client.initialize()
                with contextlib.suppress(Failed):
                    client.chat(PROMPT)
                made = list((tmp_path / "home").rglob("*"))
    finally:
        os.umask(before)
    names = {path.name for path in made}
    assert {"new", "farebox", "ledger.db", "ledger.db-wal", "logs", "crashes", "faults.txt"} <= names
    modes = {path: path.stat().st_mode & 0o777 for path in made if path.exists()}
    assert {mode for path, mode in modes.items() if path.is_dir()} == {0o700}
    assert {mode for path, mode in modes.items() if path.is_file()} == {0o600}


def test_what_is_looked_for_would_be_found(tmp_path: Path):
    (tmp_path / "any.log").write_text(KEY_WITH_ENDS, "utf-8")
    seen = Sweep()
    seen.folder(tmp_path)
    (tmp_path / "any.log").unlink()
    assert len(seen.hits) == 1
