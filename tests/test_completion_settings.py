"""The [completion] table: what it may say, and what a workspace may switch off of it."""

from pathlib import Path

import pytest

from farebox.completion_settings import MAX_CANDIDATES, CompletionSettings, WorkspaceCompletion
from farebox.errors import ConfigError
from farebox.patterns import MAX_PATTERN_LENGTH, MAX_PATTERNS
from support.settings import check

ALL = """
[completion]
enabled = false
disabled_languages = ["markdown"]
disabled_files = ["*.min.js", "!keep.min.js"]
in_comments = false
in_strings = false
max_file_kb = 500
debounce_ms = 0
lines = "one"
look_ahead = false
context = false
embedded = false
candidates = 1
"""


def test_everything_that_can_be_set_is_read(user_file: Path):
    read = check(user_file, ALL).completion
    assert read == CompletionSettings(
        enabled=False,
        disabled_languages=["markdown"],
        disabled_files=["*.min.js", "!keep.min.js"],
        in_comments=False,
        in_strings=False,
        max_file_kb=500,
        debounce_ms=0,
        lines="one",
        look_ahead=False,
        context=False,
        embedded=False,
        candidates=1,
    )
    defaults = CompletionSettings()
    assert all(getattr(read, name) != getattr(defaults, name) for name in CompletionSettings.model_fields)


def test_by_itself_completion_is_on_everywhere(user_file: Path):
    assert check(user_file, "").completion == CompletionSettings()
    settings = CompletionSettings()
    assert settings.enabled
    assert settings.in_comments
    assert settings.in_strings
    assert settings.disabled_languages == settings.disabled_files == []
    assert settings.debounce_ms is None


@pytest.mark.parametrize(
    ("line", "words"),
    [
        pytest.param("max_file_kb = 0", "completion.max_file_kb", id="no-file-at-all"),
        pytest.param("max_file_kb = 100_001", "completion.max_file_kb", id="files-that-no-editor-holds"),
        pytest.param("debounce_ms = -1", "completion.debounce_ms", id="a-wait-before-the-key"),
        pytest.param("debounce_ms = 5_001", "completion.debounce_ms", id="a-wait-for-nothing"),
        pytest.param("candidates = 0", "completion.candidates", id="no-candidate"),
        pytest.param(f"candidates = {MAX_CANDIDATES + 1}", "completion.candidates", id="too-many-candidates"),
        pytest.param('lines = "two"', "completion.lines", id="another-word"),
        pytest.param("in_coments = false", "completion.in_coments", id="a-slip"),
        pytest.param(
            'disabled_files = ["["]', "is no pattern as in a .gitignore file", id="a-malformed-pattern"
        ),
        pytest.param(
            f'disabled_files = ["{"a" * (MAX_PATTERN_LENGTH + 1)}"]', "characters", id="a-pattern-too-long"
        ),
        pytest.param(f"disabled_files = {['a'] * (MAX_PATTERNS + 1)}", "patterns", id="too-many-patterns"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(user_file: Path, line: str, words: str):
    with pytest.raises(ConfigError) as raised:
        check(user_file, f"[completion]\n{line}\n")
    assert words in raised.value.message


def test_a_workspace_switches_off_more():
    settings = CompletionSettings(disabled_languages=["lua"], disabled_files=["*.min.js"])
    after = settings.tightened(
        WorkspaceCompletion(
            enabled=False,
            context=False,
            embedded=False,
            disabled_languages=["markdown"],
            disabled_files=["vendor/"],
        )
    )
    assert (after.enabled, after.context, after.embedded) == (False, False, False)
    assert after.disabled_languages == ["lua", "markdown"]
    assert after.disabled_files == ["*.min.js", "vendor/"]


def test_a_workspace_that_says_nothing_changes_nothing():
    settings = CompletionSettings(context=False, disabled_files=["*.sql"])
    assert settings.tightened(WorkspaceCompletion()) == settings
