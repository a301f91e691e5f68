"""What nobody needs, left out or given back: of what start-up loads, and of what requests leave behind.

Knows no message and no setting.

``attrs`` gives the methods of each class a copy of the whole module that defines it, so that
``typing.get_type_hints`` can read them, and keeps their source for debuggers. ``lsprotocol`` has more than
five hundred classes in one module: 8 MB in every editor window, of which a few names are ever looked up.
"""

import asyncio
import gc
import importlib
import linecache
import sys
from contextlib import suppress
from functools import partial
from types import FunctionType, ModuleType
from typing import TYPE_CHECKING, Final, cast

import attrs

if TYPE_CHECKING:
    import ctypes

_GENERATED = "<attrs generated"

_YOUNG: Final = 20_000
_NEVER: Final = 1_000
_USUAL: Final = gc.get_threshold()
_M_MMAP_THRESHOLD: Final = -3
_M_ARENA_MAX: Final = -8
_LARGE_BYTES: Final = 32 * 1024
GIVE_BACK_EACH_S: Final = 20.0
_OFTEN: Final = 1
"""After so many collections of what is middle-aged, and one more, all is looked through; else after ten."""


def collect_young() -> None:
    """Look through new objects alone, until ``begin``: attrs makes every class twice and drops one."""
    gc.set_threshold(_YOUNG, _NEVER, _NEVER)


def load_types() -> None:
    """Import lsprotocol's classes without what attrs would write to print them: a quarter of their time.

    Nobody is to see the text of a message in an error anyway.
    """
    whole = attrs.define
    attrs.define = partial(whole, repr=False)
    try:
        importlib.import_module("lsprotocol.types")
    finally:
        attrs.define = whole


def drop(module: ModuleType) -> None:
    """Leave the methods that attrs has made for a module's classes only the names that they use."""
    for kind in vars(module).values():
        if isinstance(kind, type):
            _keep_what_is_used(kind, module)
    for name in [name for name in linecache.cache if name.startswith(_GENERATED)]:
        del linecache.cache[name]


def share_heap() -> None:
    """Let all threads take memory from one heap; call it before the first thread is started.

    glibc would give many of them a heap of their own, where what is freed stays for it alone. Few
    threads take memory at the same time here: Python lets one at a time run. See mallopt(3).
    """
    if (library := _glibc()) is not None:
        library.mallopt(_M_ARENA_MAX, 1)


def begin() -> None:
    """End the start: what there is now stays for good and need not be looked through again."""
    gc.set_threshold(*_USUAL)
    gc.freeze()


def settle() -> None:
    """End the warm-up, in any thread: what has been loaded stays for good, what has not is given back.

    The rest is little, so all of it is looked through often: a few objects may keep megabytes of text.
    """
    gc.collect(1)  # to look through all of it would stop whoever types for 50 ms
    gc.freeze()
    gc.collect()  # of nothing: the next one of all comes where there is a quarter more than at the last one
    gc.set_threshold(*_USUAL[:2], _OFTEN)
    give_back()


async def keep_light() -> None:
    """End the warm-up, and return freed memory to the system now and then, until cancelled.

    The texts of typing leave holes of some MB, which the C library would keep for ever.
    """
    step = settle
    while True:
        with suppress(RuntimeError, MemoryError):  # no memory for a thread: another time
            await asyncio.to_thread(step)
            step = give_back
        await asyncio.sleep(GIVE_BACK_EACH_S)


def give_back() -> None:
    """Return freed memory to the system where the C library would keep it, in any thread.

    Takes some ms, in which whoever needs memory of the C library waits.

    What is large is returned as soon as it is freed, from now on: glibc would raise that bound with the first
    endless line of a broken provider, and leave holes of its size. It is below glibc's own 128 KiB as the
    text of a long document, and of each prompt about it, would leave such holes too.
    """
    if (library := _glibc()) is not None:
        library.mallopt(_M_MMAP_THRESHOLD, _LARGE_BYTES)
        library.malloc_trim(0)


def _glibc() -> "ctypes.CDLL | None":
    if sys.platform != "linux":
        return None
    try:
        import ctypes  # noqa: PLC0415  only here is it needed

        library = ctypes.CDLL(None)
    except (ImportError, OSError):  # a Python that was built without libffi, or without shared libraries
        return None
    return library if hasattr(library, "malloc_trim") else None  # musl has none


def _keep_what_is_used(kind: type, module: ModuleType) -> None:
    methods = [
        method
        for method in cast("dict[str, object]", vars(kind)).values()
        if isinstance(method, FunctionType) and method.__code__.co_filename.startswith(_GENERATED)
    ]
    used = {"__builtins__", *(name for method in methods for name in method.__code__.co_names)}
    for names in {id(method.__globals__): method.__globals__ for method in methods}.values():
        if names is not vars(module):
            kept = {name: names[name] for name in used if name in names}
            names.clear()
            names.update(kept)
