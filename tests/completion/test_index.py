"""What the index knows of files, while it is taught in one thread and asked in others."""

import threading

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion import index as index_module
from farebox.completion.index import MAX_EDITS, Index, Source, identifiers

NAMES = st.sampled_from(["a.py", "b.py", "c.py", "d.py"])
TEXTS = st.lists(
    st.sampled_from(["alpha", "beta", "def gamma(): pass", "class Delta: pass"]), max_size=4
).map("\n".join)


def paths(sources: tuple[Source, ...]) -> set[str]:
    return {source.path for source in sources}


def taught(**texts: str) -> Index:
    index = Index()
    for name, text in texts.items():
        index.learn(f"{name}.py", "python", text)
    return index


def test_a_files_words_and_definitions_are_found():
    index = taught(a="def first(): pass\nsecond\n", b="second = first\n")
    assert paths(index.defining("first")) == {"a.py"}
    assert paths(index.defining("second")) == {"b.py"}
    assert paths(index.with_word("second")) == {"a.py", "b.py"}
    assert (index.count("second"), index.count("third")) == (2, 0)
    assert len(index) == 2


def test_what_is_learned_anew_replaces_what_was_known():
    index = taught(a="old_name = 1\nkept_name = 1\n")
    index.learn("a.py", "python", "new_name = 1\nkept_name = 1\n")
    assert (index.count("old_name"), index.count("new_name"), index.count("kept_name")) == (0, 1, 1)
    assert index.defining("old_name") == ()
    source = index.source("a.py")
    assert source is not None
    assert source.text == "new_name = 1\nkept_name = 1\n"


def test_a_forgotten_file_leaves_nothing_behind():
    index = taught(a="alpha = 1\n", b="alpha = 2\n")
    index.forget("a.py")
    index.forget("a.py")
    assert paths(index.with_word("alpha")) == {"b.py"}
    assert index.source("a.py") is None
    index.learn("c.py", "python", "alpha = 3\n")
    assert paths(index.with_word("alpha")) == {"b.py", "c.py"}


@given(lessons=st.lists(st.tuples(NAMES, st.none() | TEXTS), max_size=25))
def test_whatever_was_learned_the_index_is_what_its_last_texts_make_it(
    lessons: list[tuple[str, str | None]],
):
    index = Index()
    known: dict[str, str] = {}
    for path, text in lessons:
        if text is None:
            index.forget(path)
            known.pop(path, None)
        else:
            index.learn(path, "python", text)
            known[path] = text
    assert set(index.paths()) == known.keys()
    for word in ("alpha", "beta", "gamma", "Delta", "pass"):
        having = {path for path, text in known.items() if word in identifiers(text)}
        assert paths(index.with_word(word)) == having
        assert index.count(word) == len(having)
    for name in ("gamma", "Delta"):
        assert paths(index.defining(name)) == {path for path, text in known.items() if name in text}


def test_it_can_be_asked_while_it_learns():
    index = Index()
    stop = threading.Event()
    failures: list[BaseException] = []

    def ask() -> None:
        try:
            while not stop.is_set():
                for source in index.with_word("shared"):
                    assert "shared" in source.text
                index.defining("shared")
                index.paths()
                index.edits()
        except BaseException as error:  # noqa: BLE001
            failures.append(error)

    asking = [threading.Thread(target=ask) for _ in range(2)]
    for thread in asking:
        thread.start()
    for number in range(300):
        index.learn(f"{number % 20}.py", "python", f"def shared(): return name_{number}\n")
        index.forget(f"{(number + 7) % 20}.py")
        index.edited(f"{number % 20}.py", number)
    stop.set()
    for thread in asking:
        thread.join()
    assert failures == []


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(index_module, "MAX_FILES", 3)
    monkeypatch.setattr(index_module, "MAX_TEXT_BYTES", 100)
    index = taught(**{f"f{number}": "word = 1\n" for number in range(6)})
    assert len(index) == 3
    index.forget("f0.py")
    index.learn("large.py", "python", "x" * 200)
    assert index.source("large.py") is None
    index.learn("f1.py", "python", "grown = 1\n")
    assert index.count("grown") == 1


def test_the_last_edits_are_remembered_for_some_minutes():
    now_s = 0.0
    index = Index(clock=lambda: now_s)
    for number in range(MAX_EDITS + 3):
        index.edited(f"{number}.py", number)
    index.edited("5.py", 50)
    assert [(edit.path, edit.line) for edit in index.edits()][:2] == [("5.py", 50), ("10.py", 10)]
    assert len(index.edits()) == MAX_EDITS
    now_s = 10_000.0
    assert index.edits() == ()


def test_any_text_can_be_learned():
    index = Index()
    for text in ("", "\ud800", "é" * 50, "\0", "(" * 5_000, "x" * 100):
        index.learn("a.py", "python", text)
    index.learn("b.x", "nobody knows", "some_word\n")
    assert index.count("some_word") == 1
