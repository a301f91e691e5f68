"""The facts of languages: every table is usable, and ids and file names find their language."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.languages import (
    BRACKETS,
    UNKNOWN,
    Form,
    Language,
    language_id_of,
    language_of,
    languages,
)

EVERY = [pytest.param(language, id=language.id) for language in languages()]
NEEDED = """
python javascript javascriptreact typescript typescriptreact go rust java c cpp csharp lua ruby php
shellscript kotlin swift json yaml toml html css markdown plaintext sql make dockerfile
"""


def forms(language: Language) -> tuple[Form, ...]:
    return (*language.comments, *language.strings)


@pytest.mark.parametrize("language_id", NEEDED.split())
def test_the_languages_that_people_write_are_described(language_id: str):
    assert language_of(language_id).id != UNKNOWN


@pytest.mark.parametrize("language", EVERY)
def test_a_language_is_found_by_its_id_and_its_files(language: Language):
    assert language_of(language.id) is language
    for suffix in language.file_suffixes:
        assert language_id_of(f"src/some.{suffix}") == language.id
    for name in language.file_names:
        assert language_id_of(f"src/{name}") == language.id


@pytest.mark.parametrize("language", EVERY)
def test_the_expressions_of_a_language_are_sound(language: Language):
    for form in forms(language):
        re.compile(form.opens_at)
        assert form.starts
        assert form.closes or form.kind == "comment"
        assert ("{fence}" in form.closes) == ("(?P<fence>" in form.opens_at)
        assert not (form.nested and "{fence}" in form.closes)
    for piece in language.opaque:
        assert re.match(piece, "") is None
    assert bool(language.opaque) == bool(language.opaque_starts)
    assert set(language.free_closers) <= set(BRACKETS)


@pytest.mark.parametrize("language", EVERY)
def test_words_of_a_language_are_words(language: Language):
    assert all(word.isprintable() and " " not in word for word in language.keywords)
    assert all(word for word in language.block_ends | language.continuations)


@pytest.mark.parametrize(
    ("name", "language_id"),
    [
        pytest.param("a.py", "python", id="python"),
        pytest.param("C:\\src\\A.TSX", "typescriptreact", id="windows-and-upper-case"),
        pytest.param("src.d/Makefile", "makefile", id="a-name"),
        pytest.param("Dockerfile.dev", "dockerfile", id="a-name-with-more"),
        pytest.param("lib.h", "c", id="header"),
        pytest.param("model.R", "r", id="r"),
        pytest.param(".bashrc", "shellscript", id="hidden"),
        pytest.param("a.wat", "wat", id="another-suffix"),
        pytest.param("README", "", id="no-suffix"),
        pytest.param("", "", id="nothing"),
    ],
)
def test_a_file_name_tells_the_language(name: str, language_id: str):
    assert language_id_of(name) == language_id


@pytest.mark.parametrize(
    ("alias", "language_id"),
    [
        ("sh", "shellscript"),
        ("bash", "shellscript"),
        ("cs", "csharp"),
        ("make", "makefile"),
        ("Python", "python"),
    ],
)
def test_other_ids_of_editors_are_understood(alias: str, language_id: str):
    assert language_of(alias).id == language_id


def test_a_language_like_another_has_its_own_files():
    react, script = language_of("typescriptreact"), language_of("typescript")
    assert len(react.strings) == len(script.strings)
    assert react.keywords == script.keywords
    assert not {*react.file_suffixes} & {*script.file_suffixes}


@given(st.text())
def test_any_id_has_a_language(text: str):
    assert isinstance(language_of(text), Language)


@given(st.text())
def test_any_name_has_an_id(text: str):
    assert isinstance(language_id_of(text), str)
