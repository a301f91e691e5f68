"""What start-up leaves behind is given back, and everything that lsprotocol makes still works."""

import asyncio
import builtins
import dis
import gc
import inspect
import linecache
import subprocess
import sys
from collections.abc import Callable, Generator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from types import FunctionType, ModuleType
from typing import ParamSpec, TypeVar

import attrs
import pytest
from lsprotocol import types

from farebox.lsp import ballast
from support import memory
from support.environment import clean_environment
from support.patience import WAIT_S
from support.upstream import Upstream

P = ParamSpec("P")
T = TypeVar("T")

IN_A_THREAD = """
import threading
def wait():
    print("here", flush=True)
    input()
threading.Thread(target=wait).start()
"""
MAX_MB = 80.0
MAX_NAMES = 60
"""No class of lsprotocol has as many fields; the module has eight hundred names."""


def classes() -> list[type]:
    return [kind for kind in vars(types).values() if inspect.isclass(kind) and attrs.has(kind)]


def generated(kind: type) -> list[FunctionType]:
    return [
        method
        for method in vars(kind).values()
        if isinstance(method, FunctionType) and method.__code__.co_filename.startswith("<attrs generated")
    ]


@pytest.fixture(autouse=True)
def _dropped() -> None:  # pyright: ignore[reportUnusedFunction]
    ballast.drop(types)


def test_methods_keep_only_the_names_that_they_use() -> None:
    held = [len(method.__globals__) for kind in classes() for method in generated(kind)]
    assert len(held) > len(classes())
    assert max(held) <= MAX_NAMES
    assert [name for name in linecache.cache if name.startswith("<attrs generated")] == []


def test_the_module_itself_stays_whole() -> None:
    assert len(classes()) > 500
    assert types.Position in classes()


def test_methods_find_every_name_that_they_use() -> None:
    for kind in classes():
        for method in generated(kind):
            wanted = {
                str(step.argval) for step in dis.get_instructions(method) if step.opname == "LOAD_GLOBAL"
            }
            assert wanted <= {*method.__globals__, *vars(builtins)}, (kind, method)


def test_a_server_loads_no_message_that_could_be_printed_and_leaves_attrs_as_it_was() -> None:
    ask = (
        "import attrs\n"
        "from farebox.lsp import ballast; ballast.load_types()\n"
        "from lsprotocol import types\n"
        "edit = types.TextDocumentContentChangeWholeDocument(text='SECRET')\n"
        "kinds = [kind for kind in vars(types).values() if attrs.has(kind)]\n"
        "assert len(kinds) > 500\n"
        "other = attrs.define(type('Other', (), {'__annotations__': {'x': int}}))\n"
        "assert repr(other(7)) == 'Other(x=7)'\n"
        "assert edit == types.TextDocumentContentChangeWholeDocument(text='SECRET')\n"
        "assert sum(kind.__repr__ is not object.__repr__ for kind in kinds) < 10\n"
        "print(edit)"
    )
    found = subprocess.run((sys.executable, "-c", ask), capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stderr
    assert "TextDocumentContentChangeWholeDocument" in found.stdout
    assert "SECRET" not in found.stdout


def test_a_position_is_what_it_was() -> None:
    one = types.Position(line=1, character=2)
    assert one == types.Position(1, 2)
    assert one < types.Position(2, 0)
    with pytest.raises(ValueError, match="character"):
        types.Position(line=0, character=-1)


def test_what_shares_its_modules_names_is_left_alone() -> None:
    module = ModuleType("module")
    exec(
        compile("def method(self):\n    return other\nother = 1", "<attrs generated x>", "exec"), vars(module)
    )
    vars(module)["Kind"] = type("Kind", (), {"method": vars(module)["method"]})
    ballast.drop(module)
    assert vars(module)["Kind"]().method() == 1


def test_giving_back_twice_is_no_harm() -> None:
    ballast.give_back()
    ballast.give_back()


def test_a_python_without_ctypes_will_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "ctypes", None)
    ballast.share_heap()
    ballast.give_back()


@pytest.fixture
def usual() -> Generator[tuple[int, int, int]]:
    """Yield the collector's thresholds, which a test may change."""
    usual = gc.get_threshold()
    yield usual
    gc.unfreeze()
    gc.set_threshold(*usual)


def test_after_the_warm_up_only_what_is_new_is_looked_through_and_often(usual: tuple[int, int, int]) -> None:
    ballast.settle()
    assert gc.get_freeze_count() > len(classes())
    assert gc.get_count()[0] < usual[0]
    assert gc.get_threshold()[2] < usual[2]


class Scarce(ThreadPoolExecutor):
    """Has no memory for a thread at first, nor once later."""

    def __init__(self) -> None:
        super().__init__(max_workers=1)
        self.asked = 0
        self.has_been_asked = asyncio.Event()

    def submit(self, fn: Callable[P, T], /, *args: P.args, **kwargs: P.kwargs) -> "Future[T]":
        self.asked += 1
        if self.asked in (1, 3):
            raise RuntimeError("can't start new thread")
        if self.asked == 5:
            self.has_been_asked.set()
        return super().submit(fn, *args, **kwargs)


async def test_memory_is_given_back_again_and_again_though_a_thread_may_not_start(
    monkeypatch: pytest.MonkeyPatch, usual: tuple[int, int, int]
) -> None:
    monkeypatch.setattr(ballast, "GIVE_BACK_EACH_S", 0)
    threads = Scarce()
    asyncio.get_running_loop().set_default_executor(threads)
    keeping = asyncio.create_task(ballast.keep_light())
    async with asyncio.timeout(WAIT_S):
        await threads.has_been_asked.wait()
    keeping.cancel()
    assert gc.get_threshold()[2] < usual[2], "the warm-up has not ended"


@pytest.mark.skipif(not memory.HAS_HEAPS, reason="only glibc makes a heap for a thread")
def test_a_thread_usually_has_a_heap_of_its_own(tmp_path: Path) -> None:
    process = subprocess.Popen(
        (sys.executable, "-c", IN_A_THREAD),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=clean_environment(tmp_path),
    )
    with process:
        assert process.stdout is not None
        assert process.stdout.readline() == "here\n"
        assert memory.heaps_of_threads(process.pid) == 1
        process.communicate("\n")


@pytest.mark.skipif(not memory.HAS_HEAPS, reason="only glibc makes a heap for a thread")
def test_all_threads_of_a_server_share_one_heap(tmp_path: Path) -> None:
    with Upstream.in_thread() as upstream, memory.client_of(tmp_path, upstream) as client:
        for step in memory.steps(upstream).values():
            step(client)
        assert memory.heaps_of_threads(client.pid) == 0


@pytest.mark.skipif(not memory.KNOWN, reason="only Linux tells a process's memory in a file")
def test_a_server_that_has_shown_a_ghost_and_answered_a_question_is_small(tmp_path: Path) -> None:
    with Upstream.in_thread() as upstream, memory.client_of(tmp_path, upstream) as client:
        for step in memory.steps(upstream).values():
            step(client)
        assert memory.settled_mb(client.pid, below=MAX_MB) < MAX_MB
