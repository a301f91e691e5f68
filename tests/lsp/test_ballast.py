"""What start-up leaves behind is given back, and everything that lsprotocol makes still works."""

import builtins
import dis
import gc
import inspect
import linecache
import subprocess
import sys
from pathlib import Path
from types import FunctionType, ModuleType

import attrs
import pytest
from lsprotocol import types

from farebox.lsp import ballast
from support import memory
from support.upstream import Upstream

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
    found = subprocess.run((sys.executable, "-c", ask), capture_output=True, text=True, check=True)
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


def test_after_the_warm_up_only_what_is_new_is_looked_through_and_often() -> None:
    usual = gc.get_threshold()
    try:
        ballast.settle()
        assert gc.get_freeze_count() > len(classes())
        assert gc.get_count()[0] < usual[0]
        assert gc.get_threshold()[2] < usual[2]
    finally:
        gc.unfreeze()
        gc.set_threshold(*usual)


@pytest.mark.skipif(not memory.KNOWN, reason="only Linux tells a process's memory in a file")
def test_a_server_that_has_shown_a_ghost_and_answered_a_question_is_small(tmp_path: Path) -> None:
    with Upstream.in_thread() as upstream, memory.client_of(tmp_path, upstream) as client:
        for step in memory.steps(upstream).values():
            step(client)
        assert memory.settled_mb(client.pid, below=MAX_MB) < MAX_MB
