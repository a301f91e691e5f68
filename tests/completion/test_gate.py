"""When no completion is asked for, and why."""

import os
from dataclasses import replace
from pathlib import Path
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.completion.gate import MAX_LINE_CHARS, MIN_CHARS, Reason, Shut, shut
from farebox.completion.window import Window
from farebox.completion_settings import CompletionSettings
from farebox.privacy import Rules

ON = CompletionSettings()
OFF = CompletionSettings(enabled=False)
NO_PROSE = CompletionSettings(disabled_languages=["markdown"])
NO_SHELL = CompletionSettings(disabled_languages=["bash"])
NO_COMMENTS = CompletionSettings(in_comments=False)
NO_STRINGS = CompletionSettings(in_strings=False)
HALF = "gh" + "p_" + "a1B2c3D4"
ABOVE = "import math\n\n"
"""Enough text for a model to go on."""


def check(
    prefix: str,
    suffix: str = "",
    *,
    settings: CompletionSettings = ON,
    language: str = "python",
    path: str = "/src/app/a.py",
    roots: tuple[str, ...] = ("/src",),
    exclude: tuple[str, ...] = (),
    size_chars: int = 100,
    invoked: bool = False,
    paused: bool = False,
) -> Shut | None:
    return shut(
        Window("a.py", language, prefix, suffix),
        settings,
        path=path,
        rules=Rules(roots, exclude),
        size_chars=size_chars,
        invoked=invoked,
        paused=paused,
    )


def reason_of(found: Shut | None) -> Reason | None:
    return found.reason if found is not None else None


@pytest.mark.parametrize(
    ("prefix", "suffix", "reason"),
    [
        pytest.param("x = ", "", None, id="at-the-end"),
        pytest.param("x = ", "\nprint(x)", None, id="at-a-line-end"),
        pytest.param("x = ", "\r\nprint(x)", None, id="at-a-windows-line-end"),
        pytest.param("x = ", "   \n", None, id="before-spaces"),
        pytest.param("f(", ")", None, id="before-a-closer"),
        pytest.param("f([{", "}])", None, id="before-three-closers"),
        pytest.param("if f(", "):", None, id="before-a-closer-and-a-colon"),
        pytest.param("f(", ");", None, id="before-a-closer-and-a-semicolon"),
        pytest.param('f("', '")', None, id="before-a-quote-and-a-closer"),
        pytest.param("if (a) ", " {", None, id="before-an-opening-brace"),
        pytest.param("x = ", "y", "midWord", id="before-a-word"),
        pytest.param("x = y", "z", "midWord", id="in-a-word"),
        pytest.param("x = ", "é", "midWord", id="before-any-letter"),
        pytest.param("f(", "a)", "midWord", id="before-an-argument"),
        pytest.param("f(", ", a)", "midLine", id="before-the-next-argument"),
        pytest.param("x ", " = y", "midLine", id="before-an-assignment"),
        pytest.param("f(", ") + 1", "midLine", id="before-a-closer-and-more"),
        pytest.param("", "\nprint(1)", None, id="on-an-empty-line"),
    ],
)
def test_typing_opens_the_gate_only_where_text_is_wanted(prefix: str, suffix: str, reason: Reason | None):
    assert reason_of(check(ABOVE + prefix, suffix)) == reason


@pytest.mark.parametrize(
    ("prefix", "suffix", "reason", "invoked_reason"),
    [
        pytest.param("", "", "empty", "empty", id="in-an-empty-file"),
        pytest.param(" \n\t", "\n \n", "empty", "empty", id="in-a-blank-file"),
        pytest.param("import ", "", "empty", None, id="at-the-first-word"),
        pytest.param("x" * (MIN_CHARS - 1) + 99 * " ", "", "empty", None, id="one-too-few"),
        pytest.param("x" * MIN_CHARS, "", None, None, id="enough"),
        pytest.param("", "\n" + "x" * MIN_CHARS, None, None, id="enough-below"),
        pytest.param("xxxxx", "\nxxxxx", None, None, id="enough-together"),
    ],
)
def test_there_must_be_something_to_go_on(
    prefix: str, suffix: str, reason: Reason | None, invoked_reason: Reason | None
):
    assert reason_of(check(prefix, suffix)) == reason
    assert reason_of(check(prefix, suffix, invoked=True)) == invoked_reason


@pytest.mark.parametrize(
    ("settings", "language", "reason"),
    [
        pytest.param(OFF, "python", "disabled", id="switched-off"),
        pytest.param(NO_PROSE, "markdown", "language", id="switched-off-for-the-language"),
        pytest.param(NO_PROSE, "python", None, id="another-language"),
        pytest.param(NO_PROSE, "markdown-it", None, id="a-longer-name"),
        pytest.param(NO_SHELL, "shellscript", "language", id="another-name-of-the-language"),
        pytest.param(
            CompletionSettings(disabled_languages=["wat"]), "wat", "language", id="an-unknown-language"
        ),
        pytest.param(
            CompletionSettings(disabled_languages=["wat"]), "huh", None, id="another-unknown-language"
        ),
        pytest.param(
            CompletionSettings(enabled=False, disabled_languages=["python"]), "python", "disabled", id="both"
        ),
    ],
)
@pytest.mark.parametrize("invoked", [pytest.param(False, id="typed"), pytest.param(True, id="invoked")])
def test_a_switch_holds_however_it_was_asked(
    settings: CompletionSettings, language: str, reason: Reason | None, invoked: bool
):
    found = check(ABOVE, settings=settings, language=language, invoked=invoked)
    assert reason_of(found) == reason


@pytest.mark.parametrize(
    ("path", "patterns", "exclude", "reason"),
    [
        pytest.param("/src/app/a.py", ["*.py"], (), "file", id="a-name"),
        pytest.param("/src/app/a.py", ["app/*"], (), "file", id="below-the-root"),
        pytest.param("/src/app/a.py", ["lib/*"], (), None, id="another-folder"),
        pytest.param("/src/app/a.py", ["*.py", "!a.py"], (), None, id="taken-back"),
        pytest.param("/else/app/a.py", ["/app/*"], (), None, id="outside-of-the-root"),
        pytest.param("/src/app/a.py", [], ("app/*",), "excluded", id="privacy"),
        pytest.param("/src/.env", [], (), "excluded", id="a-secret"),
        pytest.param("/src/.env", ["!.env"], (), "excluded", id="a-secret-is-not-taken-back"),
        pytest.param("/src/.env.example", [], (), None, id="no-secret"),
        pytest.param("", [], (), None, id="no-path"),
    ],
)
@pytest.mark.parametrize("invoked", [pytest.param(False, id="typed"), pytest.param(True, id="invoked")])
def test_a_file_can_be_kept_out_however_it_was_asked(
    path: str, patterns: list[str], exclude: tuple[str, ...], reason: Reason | None, invoked: bool
):
    settings = CompletionSettings(disabled_files=patterns)
    found = check(ABOVE, settings=settings, path=path, exclude=exclude, invoked=invoked)
    assert reason_of(found) == reason


@pytest.mark.skipif(os.name != "posix", reason="links need a right of their own on Windows")
@pytest.mark.parametrize(
    ("target", "exclude", "patterns", "reason"),
    [
        pytest.param(".env", (), [], "excluded", id="a-secret"),
        pytest.param("plans/a.py", ("/plans/",), [], "excluded", id="privacy"),
        pytest.param("plans/a.py", (), ["/plans/"], "file", id="a-pattern-of-completion"),
        pytest.param("plans/a.py", (), [], None, id="nothing-kept"),
    ],
)
def test_a_link_counts_as_what_it_leads_to(
    tmp_path: Path, target: str, exclude: tuple[str, ...], patterns: list[str], reason: Reason | None
):
    link = tmp_path / "notes.py"
    link.symlink_to(target)
    settings = CompletionSettings(disabled_files=patterns)
    found = check(ABOVE, settings=settings, path=str(link), roots=(str(tmp_path),), exclude=exclude)
    assert reason_of(found) == reason


@pytest.mark.parametrize("invoked", [pytest.param(False, id="typed"), pytest.param(True, id="invoked")])
def test_nothing_is_asked_inside_of_a_secret(invoked: bool):
    found = check(f'{ABOVE}token = "{HALF}', f'{HALF[4:] * 3}"\n', invoked=invoked)
    assert reason_of(found) == "secret"


LARGE = CompletionSettings(max_file_kb=1)


@pytest.mark.parametrize(
    ("prefix", "suffix", "settings", "size_chars", "reason"),
    [
        pytest.param("x = ", "", LARGE, 1024, None, id="as-large-as-allowed"),
        pytest.param("x = ", "", LARGE, 1025, "size", id="larger"),
        pytest.param("x" * MAX_LINE_CHARS, "", ON, 9_999, None, id="a-long-line"),
        pytest.param("x" * MAX_LINE_CHARS, ")", ON, 9_999, "size", id="a-line-of-minified-code"),
        pytest.param("# a", "", NO_COMMENTS, 100, "comment", id="in-a-comment"),
        pytest.param("# a\n", "", NO_COMMENTS, 100, None, id="below-a-comment"),
        pytest.param("# a", "", NO_STRINGS, 100, None, id="comments-are-no-strings"),
        pytest.param("x = '", "'", NO_STRINGS, 100, "string", id="in-a-string"),
        pytest.param('"""Do', "", NO_STRINGS, 100, "string", id="in-a-docstring"),
        pytest.param("x = '", "'", NO_COMMENTS, 100, None, id="strings-are-no-comments"),
        pytest.param("# a", "", ON, 100, None, id="in-a-comment-by-default"),
        pytest.param("x = '", "'", ON, 100, None, id="in-a-string-by-default"),
    ],
)
def test_what_is_guessed_is_passed_by_hand(
    prefix: str, suffix: str, settings: CompletionSettings, size_chars: int, reason: Reason | None
):
    place = (ABOVE + prefix, suffix)
    assert reason_of(check(*place, settings=settings, size_chars=size_chars)) == reason
    assert check(*place, settings=settings, size_chars=size_chars, invoked=True) is None


def test_asking_by_hand_passes_the_guess_about_the_line_and_a_pause():
    assert check(ABOVE + "x = ", "y + 1", invoked=True) is None
    assert reason_of(check(ABOVE, paused=True)) == "paused"
    assert check(ABOVE, paused=True, invoked=True) is None


def shown() -> dict[Reason, list[Shut | None]]:
    """Shut the gate for every reason there is."""
    private = CompletionSettings(disabled_files=["*.py"])
    return {
        "disabled": [check(ABOVE, settings=OFF)],
        "language": [check(ABOVE, settings=NO_PROSE, language="markdown")],
        "excluded": [check(ABOVE, path="/src/.env"), check(ABOVE, exclude=("*.py",))],
        "file": [check(ABOVE, settings=private)],
        "paused": [check(ABOVE, paused=True)],
        "size": [check(ABOVE, settings=LARGE, size_chars=9_999), check(ABOVE + "x" * 9_999)],
        "empty": [check(""), check("x")],
        "midWord": [check(ABOVE, "x")],
        "midLine": [check(ABOVE, "= x")],
        "comment": [check(ABOVE + "# secret", settings=NO_COMMENTS)],
        "string": [check(ABOVE + "'secret", settings=NO_STRINGS)],
        "secret": [check(ABOVE + "token = '" + HALF, HALF[4:] * 3)],
    }


def test_every_reason_is_a_sentence_of_its_own():
    assert set(shown()) == set(get_args(Reason))
    sentences: list[str] = []
    for reason, found in shown().items():
        assert [reason_of(one) for one in found] == [reason] * len(found)
        sentences += [one.detail for one in found if one is not None]
    assert len(set(sentences)) == len(sentences)
    for sentence in sentences:
        assert len(sentence.split()) > 3
        assert not sentence.endswith(".")
        assert "/src" not in sentence
        assert "secret'" not in sentence


@pytest.mark.parametrize(
    ("reason", "setting"),
    [
        ("disabled", "enabled = false"),
        ("language", "disabled_languages"),
        ("file", "disabled_files has *.py"),
        ("size", "max_file_kb = 1"),
        ("comment", "in_comments = false"),
        ("string", "in_strings = false"),
    ],
)
def test_a_sentence_names_the_setting_that_would_change_it(reason: Reason, setting: str):
    (first, *_) = shown()[reason]
    assert first is not None
    assert f"[completion] {setting}" in first.detail


TEXTS = st.text("ab \n\r\t()[]{}\"'#:;,.é=", max_size=60)
SETTINGS = st.builds(
    CompletionSettings,
    in_comments=st.booleans(),
    in_strings=st.booleans(),
    disabled_languages=st.lists(st.sampled_from(["python", "lua", "sh"]), max_size=2),
    disabled_files=st.lists(st.sampled_from(["*.py", "app/", "!a.py"]), max_size=3),
)


@given(
    prefix=TEXTS,
    suffix=TEXTS,
    settings=SETTINGS,
    language=st.sampled_from(["python", "lua", "shellscript", ""]) | st.text(max_size=5),
    path=st.sampled_from(["/src/app/a.py", "b.lua", ""]) | st.text(max_size=9),
)
def test_who_asks_by_hand_is_never_refused_more(
    prefix: str, suffix: str, settings: CompletionSettings, language: str, path: str
):
    typed = check(prefix, suffix, settings=settings, language=language, path=path)
    by_hand = check(prefix, suffix, settings=settings, language=language, path=path, invoked=True)
    assert by_hand is None or (typed is not None and replace(typed, detail="") == replace(by_hand, detail=""))
