"""When no completion is asked for, and why."""

from typing import get_args

import pytest

from farebox.completion.context import Window
from farebox.completion.gate import Reason, closed
from farebox.config import CompletionSettings

ON = CompletionSettings()
OFF = CompletionSettings(enabled=False)
NO_PROSE = CompletionSettings(disabled_languages=["markdown"])


def check(
    prefix: str,
    suffix: str = "",
    *,
    settings: CompletionSettings = ON,
    language: str = "python",
    invoked: bool = False,
) -> Reason | None:
    return closed(Window("a.py", language, prefix, suffix), settings, invoked=invoked)


@pytest.mark.parametrize(
    ("prefix", "suffix", "reason"),
    [
        pytest.param("x = ", "", None, id="at-the-end"),
        pytest.param("x = ", "\nprint(x)", None, id="at-a-line-end"),
        pytest.param("x = ", "   \n", None, id="before-spaces"),
        pytest.param("f(", ")", None, id="before-a-closer"),
        pytest.param("f([{", "}])", None, id="before-three-closers"),
        pytest.param("if f(", "):", None, id="before-a-closer-and-a-colon"),
        pytest.param("f(", ");", None, id="before-a-closer-and-a-semicolon"),
        pytest.param('f("', '")', None, id="before-a-quote-and-a-closer"),
        pytest.param("if (a) ", " {", None, id="before-an-opening-brace"),
        pytest.param("", "print(1)", "mid-line", id="before-a-statement"),
        pytest.param("x = ", "y", "mid-line", id="before-a-word"),
        pytest.param("f(", "a)", "mid-line", id="before-an-argument"),
        pytest.param("f(", ") + 1", "mid-line", id="before-a-closer-and-more"),
        pytest.param("", "", "empty", id="in-an-empty-file"),
        pytest.param(" \n\t", "\n \n", "empty", id="in-a-blank-file"),
        pytest.param("", "\nprint(1)", None, id="above-the-first-line"),
    ],
)
def test_typing_opens_the_gate_only_where_text_is_wanted(prefix: str, suffix: str, reason: Reason | None):
    assert check(prefix, suffix) == reason


@pytest.mark.parametrize(
    ("settings", "language", "reason"),
    [
        pytest.param(OFF, "python", "disabled", id="switched-off"),
        pytest.param(NO_PROSE, "markdown", "language", id="switched-off-for-the-language"),
        pytest.param(NO_PROSE, "python", None, id="another-language"),
        pytest.param(NO_PROSE, "markdown-it", None, id="a-longer-name"),
        pytest.param(
            CompletionSettings(enabled=False, disabled_languages=["python"]), "python", "disabled", id="both"
        ),
    ],
)
@pytest.mark.parametrize("invoked", [pytest.param(False, id="typed"), pytest.param(True, id="invoked")])
def test_a_switch_holds_however_it_was_asked(
    settings: CompletionSettings, language: str, reason: Reason | None, invoked: bool
):
    assert check("x = ", settings=settings, language=language, invoked=invoked) == reason


def test_asking_by_hand_passes_the_guess_about_the_line():
    assert check("x = ", "y + 1", invoked=True) is None


def test_asking_by_hand_in_an_empty_file_is_refused():
    assert check("", "\n", invoked=True) == "empty"


def test_every_reason_has_a_case_above():
    seen = {
        check("x", settings=OFF),
        check("x", settings=NO_PROSE, language="markdown"),
        check(""),
        check("", "x"),
    }
    assert seen == set(get_args(Reason))
