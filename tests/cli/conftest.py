"""What the tests of several commands share."""

from collections.abc import Callable
from pathlib import Path

import pytest

from farebox.cli.main import main
from support.environment import clean_environment


@pytest.fixture
def refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Callable[..., str]:
    """Run a command in this process that must be refused; return what is said of it."""
    for name, value in clean_environment(tmp_path).items():
        monkeypatch.setenv(name, value)

    def run(*arguments: str) -> str:
        assert main(list(arguments)) == 2
        printed = capsys.readouterr()
        assert printed.out == ""
        return printed.err

    return run
