"""Names of models: which patterns fit them, and what they are made of."""

import pytest

from farebox.providers.openai_models import author, matches, without_variant


@pytest.mark.parametrize(
    ("model", "patterns", "expected"),
    [
        pytest.param("gpt-5", (), False, id="no patterns"),
        pytest.param("gpt-5-mini", ("o1*", "gpt-5*"), True, id="one fits"),
        pytest.param("gpt-5-chat-latest", ("gpt-5*", "!*-chat*"), False, id="left out again"),
        pytest.param("gpt-5-chat-latest", ("!*-chat*", "gpt-5*"), True, id="the last that fits decides"),
        pytest.param("gpt-4.1", ("gpt-[5-9]*",), False, id="a range"),
        pytest.param("anthropic/claude-sonnet-5.5", ("anthropic/*",), True, id="an author's"),
        pytest.param("GPT-5", ("gpt-5*",), False, id="case matters"),
    ],
)
def test_patterns_pick_a_model(model: str, patterns: tuple[str, ...], expected: bool):
    assert matches(model, patterns) is expected


@pytest.mark.parametrize(
    ("model", "base", "maker"),
    [
        pytest.param(
            "anthropic/claude-sonnet-5.5:free", "anthropic/claude-sonnet-5.5", "anthropic", id="free"
        ),
        pytest.param("~anthropic/claude-latest", "~anthropic/claude-latest", "anthropic", id="an alias"),
        pytest.param("gpt-5", "gpt-5", "", id="no author"),
    ],
)
def test_a_name_has_parts(model: str, base: str, maker: str):
    assert (without_variant(model), author(model)) == (base, maker)
