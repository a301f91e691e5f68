"""The user's own files, as completion knows them: which are read, what is learned, and what is forgotten."""

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from farebox.completion import families, odds
from farebox.completion.library import Library, Shelves, warm_up
from farebox.completion.window import window
from farebox.privacy import Rules
from support.patience import WAIT_S

OWN = "def send(message):\n    connection.write(message.encoded())\n    connection.flush()\n\n\n"
SEND = window("b.py", "python", "import os\n\n\ndef send(message):\n    connection.write(", "\n")
SHAPES = "class Square:\n    def rotate_by(self, angle_degrees):\n        pass\n"
USE = window("main.py", "python", "import shapes\nSquare\n", "\n")


@pytest.fixture
def library() -> Iterator[Library]:
    library = Library()
    yield library
    library.close()


def settled(library: Library) -> Library:
    assert library.settle(WAIT_S)
    return library


def known(library: Library) -> bool:
    """Whether it has learned what OWN says."""
    return (settled(library).suggest(SEND) or "").startswith("message.encoded()")


def write(folder: Path, *names: str) -> None:
    folder.mkdir(exist_ok=True)
    for name in names:
        (folder / name).write_text(OWN * 4, "utf-8")


def test_what_is_open_is_learned(library: Library):
    library.follow(Shelves())
    library.opened("/ws/a.py", "python", lambda: OWN * 8)
    assert known(library)


def test_what_was_opened_before_the_folders_were_known_is_learned_too(library: Library):
    library.opened("/ws/a.py", "python", lambda: OWN * 8)
    library.follow(Shelves())
    assert known(library)


def test_a_folder_is_read(library: Library, tmp_path: Path):
    write(tmp_path / "ws", "a.py", "b.py", "c.py")
    library.follow(Shelves(Rules((str(tmp_path / "ws"),))))
    assert known(library)


def test_what_is_excluded_is_not_read(library: Library, tmp_path: Path):
    write(tmp_path / "ws", "a.py", "b.py", "c.py")
    library.follow(Shelves(Rules((str(tmp_path / "ws"),), ("*.py",))))
    assert not known(library)


def test_of_a_folder_that_is_not_trusted_nothing_is_read(library: Library, tmp_path: Path):
    write(tmp_path / "ws", "a.py", "b.py", "c.py")
    library.follow(Shelves(Rules((str(tmp_path / "ws"),)), is_trusted=False))
    assert not known(library)


def test_what_was_learned_under_other_rules_is_forgotten(library: Library, tmp_path: Path):
    write(tmp_path / "ws", "a.py", "b.py", "c.py")
    roots = (str(tmp_path / "ws"),)
    library.follow(Shelves(Rules(roots)))
    assert known(library)
    library.follow(Shelves(Rules(roots, ("*.py",))))
    assert not known(library)
    library.follow(Shelves(Rules(roots)))
    assert known(library)


def test_the_same_rules_change_nothing(library: Library):
    library.follow(Shelves())
    library.opened("/ws/a.py", "python", lambda: OWN * 8)
    assert known(library)
    library.follow(Shelves())
    assert (library.suggest(SEND) or "").startswith("message.encoded()"), "nothing was to be learned again"


def test_an_edit_is_learned_when_the_keys_rest(library: Library):
    library.follow(Shelves())
    library.opened("/ws/a.py", "python", lambda: "x = 1\n")
    assert not known(library)
    library.changed("/ws/a.py", "python", lambda: OWN * 8, 0)
    assert known(library)


def test_what_is_closed_and_no_file_is_forgotten(library: Library):
    library.follow(Shelves())
    library.opened("/ws/a.py", "python", lambda: OWN * 8)
    assert known(library)
    library.closed("/ws/a.py")
    assert not known(library)


async def test_a_prompt_gets_pieces_of_other_files(library: Library):
    library.follow(Shelves(Rules(("/ws",))))
    library.opened("/ws/shapes.py", "python", lambda: SHAPES)
    library.opened("/ws/main.py", "python", lambda: "import shapes\nSquare\n\n")
    settled(library)
    ends_s = time.monotonic() + WAIT_S
    while not (snippets := await library.snippets("/ws/main.py", USE)):
        assert time.monotonic() < ends_s, "no piece of the other file came"
    assert [snippet.path for snippet in snippets] == ["/ws/shapes.py"]
    assert "rotate_by" in snippets[0].text
    assert await library.snippets("/ws/main.py", USE) is snippets


async def test_without_other_files_there_are_no_pieces(library: Library):
    library.follow(Shelves())
    assert await library.snippets("/ws/main.py", USE) == ()


def test_what_was_warmed_up_is_not_read_again():
    warm_up()
    tables = [families.all_markers, odds.weights]
    read_before = [table.cache_info().misses for table in tables]
    families.all_markers()
    odds.weights()
    assert [table.cache_info().misses for table in tables] == read_before
    assert all(read_before)


def test_a_languages_expressions_are_made_before_a_key_needs_them():
    made = subprocess.run([sys.executable, "-c", MADE], check=True, capture_output=True, text=True)
    before, after = made.stdout.split()
    assert int(before) > 0
    assert int(after) == 0


MADE = """
import re
from farebox.completion.languages import language_of
from farebox.completion.lexing import kind_at_end
from farebox.completion.library import Grammars

made = []
compiled = re.compile
re.compile = lambda *given: made.append(given) or compiled(*given)
Grammars().learn("/ws/a.rb", "ruby", "")
print(len(made))
made.clear()
kind_at_end("x = 1", language_of("ruby"))
print(len(made))
"""
"""Prints how many expressions the worker makes, and how many a key does, in a process that knows none."""
