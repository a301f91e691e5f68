"""The worker: it learns what it may, follows what changes, is quiet while one types, survives all."""

import base64
import hashlib
import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from farebox.completion.workspace import Workspace
from farebox.privacy import Rules
from support.patience import WAIT_S

KEY_LINES = [base64.b64encode(hashlib.sha384(bytes([number])).digest()).decode() for number in range(20)]


class Notebook:
    """A learner that keeps what it was told."""

    def __init__(self) -> None:
        self.texts: dict[str, str] = {}
        self.languages: dict[str, str] = {}
        self.told = threading.Condition()
        self.threads: set[str] = set()
        self.lessons = 0

    def learn(self, path: str, language: str, text: str) -> None:
        with self.told:
            self.threads.add(threading.current_thread().name)
            self.texts[path] = text
            self.languages[path] = language
            self.lessons += 1
            self.told.notify_all()

    def forget(self, path: str) -> None:
        with self.told:
            self.texts.pop(path, None)
            self.told.notify_all()

    def wait(self, reached: Callable[[], bool]) -> None:
        with self.told:
            assert self.told.wait_for(reached, WAIT_S)


@contextmanager
def running(
    *learners: Notebook,
    roots: tuple[Path, ...] = (),
    exclude: tuple[str, ...] = (),
    reads_files: bool = True,
    rescan_s: float = 3_600.0,
    quiet_s: float = 0.0,
    max_files: int = 100,
) -> Generator[Workspace]:
    workspace = Workspace(
        learners,
        Rules(tuple(map(str, roots)), exclude),
        reads_files=reads_files,
        rescan_s=rescan_s,
        quiet_s=quiet_s,
        max_files=max_files,
    )
    workspace.start()
    try:
        yield workspace
    finally:
        workspace.stop()


def write(root: Path, **texts: str) -> None:
    for name, text in texts.items():
        path = root / name.replace("__", "/")
        path = path.with_name(path.name + ".py")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")


def names(notebook: Notebook, root: Path) -> dict[str, str]:
    return {os.path.relpath(path, root): text for path, text in notebook.texts.items()}


def test_the_files_of_a_workspace_are_learned_in_a_thread_of_their_own(tmp_path: Path):
    write(tmp_path, a="a = 1\n", pkg__b="b = 2\n")
    book = Notebook()
    with running(book, roots=(tmp_path,)) as workspace:
        assert workspace.settle(WAIT_S)
    assert names(book, tmp_path) == {"a.py": "a = 1\n", str(Path("pkg", "b.py")): "b = 2\n"}
    assert set(book.languages.values()) == {"python"}
    assert book.threads == {"farebox-workspace"}


def test_every_learner_is_told_and_one_that_fails_stops_nobody(tmp_path: Path):
    class Broken(Notebook):
        def learn(self, path: str, language: str, text: str) -> None:
            raise RecursionError(path, language, len(text))

    write(tmp_path, a="a = 1\n", b="b = 1\n")
    book = Notebook()
    with running(Broken(), book, roots=(tmp_path,)) as workspace:
        assert workspace.settle(WAIT_S)
    assert len(book.texts) == 2


def test_an_open_document_wins_over_its_file_until_it_is_closed(tmp_path: Path):
    write(tmp_path, a="on disk\n")
    path = str(tmp_path / "a.py")
    book = Notebook()
    with running(book, roots=(tmp_path,)) as workspace:
        workspace.opened(path, "python", lambda: "typed\r\n")
        book.wait(lambda: book.texts.get(path) == "typed\n")
        assert workspace.settle(WAIT_S)
        assert book.texts[path] == "typed\n"
        workspace.changed(path, "python", lambda: "typed more\n")
        book.wait(lambda: book.texts[path] == "typed more\n")
        workspace.closed(path)
        book.wait(lambda: book.texts.get(path) == "on disk\n")


def test_a_closed_document_without_a_file_is_forgotten(tmp_path: Path):
    path = str(tmp_path / "new.py")
    book = Notebook()
    with running(book, roots=(tmp_path,)) as workspace:
        workspace.opened(path, "python", lambda: "new\n")
        book.wait(lambda: path in book.texts)
        workspace.closed(path)
        book.wait(lambda: path not in book.texts)


def test_only_the_last_of_many_changes_is_learned(tmp_path: Path):
    path = str(tmp_path / "a.py")
    book = Notebook()
    workspace = Workspace([book], rules=Rules((str(tmp_path),)), quiet_s=0.0)
    read_of: list[int] = []

    def read(number: int) -> str:
        read_of.append(number)
        return f"text {number}\n"

    for number in range(1_000):
        workspace.changed(path, "python", partial(read, number))
    workspace.start()
    assert workspace.settle(WAIT_S)
    workspace.stop()
    assert (book.texts[path], book.lessons) == ("text 999\n", 1)
    assert read_of == [999], "a text that is not learned is not put together either"


def test_nothing_is_begun_while_the_user_types(tmp_path: Path):
    path = str(tmp_path / "a.py")
    book = Notebook()
    now_s = 100.0
    workspace = Workspace([book], rules=Rules((str(tmp_path),)), quiet_s=0.3, clock=lambda: now_s)
    workspace.touch()
    workspace.start()
    workspace.changed(path, "python", lambda: "text\n")
    assert not workspace.settle(0.2)
    assert book.texts == {}
    now_s += 0.31
    book.wait(lambda: book.texts == {path: "text\n"})
    workspace.stop()


def test_a_workspace_that_is_not_trusted_is_not_read(tmp_path: Path):
    write(tmp_path, a="on disk\n", b="on disk\n")
    path = str(tmp_path / "a.py")
    book = Notebook()
    with running(book, roots=(tmp_path,), reads_files=False) as workspace:
        workspace.opened(path, "python", lambda: "typed\n")
        book.wait(lambda: book.texts == {path: "typed\n"})
        assert workspace.settle(WAIT_S)
        workspace.closed(path)
        book.wait(lambda: book.texts == {})


def test_what_changes_and_what_goes_is_followed(tmp_path: Path):
    write(tmp_path, a="a = 1\n", b="b = 1\n")
    book = Notebook()
    with running(book, roots=(tmp_path,), rescan_s=0.05):
        book.wait(lambda: len(book.texts) == 2)
        write(tmp_path, a="a = 1000\n", c="c = 1\n")
        (tmp_path / "b.py").unlink()
        book.wait(lambda: names(book, tmp_path) == {"a.py": "a = 1000\n", "c.py": "c = 1\n"})


def test_an_unchanged_file_is_learned_once(tmp_path: Path):
    write(tmp_path, a="a = 1\n")
    book = Notebook()
    with running(book, roots=(tmp_path,), rescan_s=0.01):
        book.wait(lambda: len(book.texts) == 1)
        write(tmp_path, b="b = 1\n")
        book.wait(lambda: len(book.texts) == 2)
    assert book.lessons == 2


@pytest.mark.parametrize("exclude", [("private/",), ("private/*.py",), ("/private/**",)])
def test_excluded_and_secret_files_are_never_learned_not_even_when_open(
    tmp_path: Path, exclude: tuple[str, ...]
):
    write(tmp_path, a="a = 1\n", private__b="b = 1\n")
    secret = str(tmp_path / ".env")
    private = str(tmp_path / "private" / "b.py")
    book = Notebook()
    with running(book, roots=(tmp_path,), exclude=exclude) as workspace:
        workspace.opened(secret, "python", lambda: "KEY = 1\n")
        workspace.opened(private, "python", lambda: "typed\n")
        assert workspace.settle(WAIT_S)
        assert names(book, tmp_path) == {"a.py": "a = 1\n"}


def test_no_more_files_are_read_than_allowed_and_those_near_the_open_ones_come_first(tmp_path: Path):
    for number in range(30):
        write(tmp_path, **{f"far{number}__x": "x = 1\n"})
    write(tmp_path, z__deep__here="h = 1\n", z__deep__near="n = 1\n", z__above="a = 1\n")
    book = Notebook()
    workspace = Workspace([book], rules=Rules((str(tmp_path),)), quiet_s=0.0, max_files=3)
    workspace.opened(str(tmp_path / "z/deep/here.py"), "python", lambda: "typed\n")
    workspace.start()
    assert workspace.settle(WAIT_S)
    workspace.stop()
    assert {Path(path).name for path in book.texts} == {"here.py", "near.py", "above.py"}


def test_no_secret_is_learned_for_a_piece_of_one_is_none_to_the_door(tmp_path: Path):
    key = "\n".join(KEY_LINES)
    text = f'a = 1\nKEY = """\n-----BEGIN PRIVATE KEY-----\n{key}\n-----END PRIVATE KEY-----\n"""\nz = 2\n'
    write(tmp_path, a=text)
    for hides_secrets in (True, False):
        book = Notebook()
        workspace = Workspace([book], Rules((str(tmp_path),)), hides_secrets=hides_secrets)
        workspace.opened(str(tmp_path / "b.py"), "python", lambda: text)
        workspace.start()
        assert workspace.settle(WAIT_S)
        workspace.stop()
        learned = names(book, tmp_path)
        assert set(learned) == {"a.py", "b.py"}
        for one in learned.values():
            assert any(line in one for line in KEY_LINES) != hides_secrets
            assert one.split("\n")[-2:] == text.split("\n")[-2:]
            assert one.count("\n") == text.count("\n"), "a line that was edited is found by its number"


def test_a_document_that_is_too_large_is_not_learned(tmp_path: Path):
    book = Notebook()
    with running(book, roots=(tmp_path,)) as workspace:
        workspace.opened(str(tmp_path / "a.py"), "python", lambda: "x" * 400_000)
        assert workspace.settle(WAIT_S)
    assert book.texts == {}


def test_stopping_ends_the_thread_and_may_be_done_twice(tmp_path: Path):
    workspace = Workspace([Notebook()], rules=Rules((str(tmp_path),)))
    workspace.start()
    workspace.start()
    workspace.stop()
    workspace.stop()
    until_s = time.monotonic() + WAIT_S
    while any(thread.name == "farebox-workspace" for thread in threading.enumerate()):
        assert time.monotonic() < until_s
