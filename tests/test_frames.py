"""What is told of an exception: types and places, and nothing else of it."""

import json
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from weakref import WeakSet

from hypothesis import given
from hypothesis import strategies as st

from farebox import frames
from farebox.errors import ConfigError
from farebox.frames import ELSEWHERE, MAX_ERRORS, MAX_FRAMES, place, raised, without_frames
from farebox.secrets import Secret
from support.canary import KEY


def failing() -> None:
    raise KeyError(KEY)


def caught(work: Callable[[], object]) -> BaseException:
    try:
        work()
    except Exception as error:  # noqa: BLE001  whichever it is
        return error
    raise AssertionError("it raised nothing")


def test_an_exception_of_ours_is_told_by_its_type_and_our_own_files():
    (only,) = raised(caught(lambda: Secret(f"a {KEY}")))
    assert only.name == "InvalidParams"
    assert only.frames[-1].startswith("farebox/secrets.py:")
    assert only.frames[-1].endswith(" __init__")
    assert only.frames[0].startswith(f"{ELSEWHERE}:")


def test_the_standard_library_and_packages_are_named_from_their_own_root_on():
    (only,) = raised(caught(lambda: json.loads("{")))
    assert only.frames[-1].startswith("json/decoder.py:")
    packages = Path(sysconfig.get_path("purelib"))
    assert place(str(packages / "httpx2" / "_client.py")) == "httpx2/_client.py"


def test_what_led_to_an_exception_and_what_is_in_a_group_is_told_too():
    def work() -> None:
        try:
            failing()
        except KeyError as error:
            raise ExceptionGroup(KEY, [ValueError(KEY), OSError(KEY)]) from error

    assert [one.name for one in raised(caught(work))] == [
        "ExceptionGroup",
        "ValueError",
        "OSError",
        "KeyError",
    ]


def test_what_was_silenced_is_not_told():
    def work() -> None:
        try:
            failing()
        except KeyError:
            raise ConfigError("no", hint="no") from None

    assert [one.name for one in raised(caught(work))] == ["ConfigError"]


def test_neither_a_long_chain_nor_a_deep_trace_is_told_without_end():
    def chain(left: int) -> None:
        try:
            raise ValueError(left)
        finally:
            if left:
                chain(left - 1)

    def deep(left: int) -> None:
        if not left:
            raise ValueError
        deep(left - 1)

    assert len(raised(caught(lambda: chain(100)))) == MAX_ERRORS
    (only,) = raised(caught(lambda: deep(200)))
    assert len(only.frames) == MAX_FRAMES
    assert only.frames[-1].endswith(" deep")


def test_an_exception_that_led_to_itself_ends():
    one, other = ValueError(), KeyError()
    one.__cause__, other.__cause__ = other, one
    assert [found.name for found in raised(one)] == ["ValueError", "KeyError"]


def test_an_exception_without_frames_keeps_nothing_of_its_way_nor_do_those_that_led_to_it():
    class Prompt: ...

    def ask() -> None:
        prompt = Prompt()
        prompts.add(prompt)
        try:
            failing()
        except KeyError as error:
            raise ValueError(prompt.__class__) from error

    prompts: WeakSet[Prompt] = WeakSet()
    error = caught(ask)
    assert len(prompts) == 1
    error.__context__ = other = caught(ask)
    other.__context__ = error
    assert without_frames(error) is error
    assert error.__cause__ is not None
    assert [one.__traceback__ for one in (error, error.__cause__, other)] == [None] * 3
    assert len(prompts) == 0


@given(file=st.text(max_size=60))
def test_no_folder_of_this_machine_is_in_a_place(file: str):
    for path in (file, f"/{KEY}/{file}", str(Path(frames.__file__).parent / file)):
        shown = place(path)
        assert KEY not in shown
        assert not shown.startswith("/")
        assert str(Path.home()) not in shown
        assert " " not in shown


def test_this_interpreter_is_not_named():
    assert place(sys.executable) == ELSEWHERE
