"""``farebox auth``: a key goes in through stdin and never comes out again."""

import io
import json
import os
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from farebox.cli.main import main
from support.environment import clean_environment

KEY = "sk-or-0123456789abcdef"
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
"""The developer's own keyring is none of a test's business."""


def run(
    folder: Path, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, "-m", "farebox", "auth", *arguments],
        env={**clean_environment(folder), **NO_KEYRING, **environment},
        cwd=folder,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert KEY not in done.stdout + done.stderr
    return done


def line_of(provider: str, text: str) -> str:
    (line,) = [line for line in text.splitlines() if line.split()[0] == provider]
    return line.partition(" ")[2].strip()


def test_a_key_is_kept_listed_and_removed(tmp_path: Path):
    file = tmp_path / "farebox" / "keys.json"
    login = run(tmp_path, "login", "openrouter", stdin=f"{KEY}\n")
    assert (login.returncode, login.stdout, login.stderr) == (0, f"kept in {file}\n", "")
    assert json.loads(file.read_text("utf-8")) == {"openrouter": KEY}
    if os.name == "posix":
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    listed = run(tmp_path, "list", ANTHROPIC_API_KEY=KEY).stdout
    assert line_of("openrouter", listed) == f"from {file}"
    assert line_of("anthropic", listed) == "from ANTHROPIC_API_KEY"
    assert line_of("openai", listed) == "none; OPENAI_API_KEY is not set"
    assert run(tmp_path, "logout", "openrouter").stdout == "removed the key of openrouter\n"
    assert json.loads(file.read_text("utf-8")) == {}
    assert run(tmp_path, "logout", "openrouter").stdout == "no key of openrouter was stored\n"


@pytest.mark.parametrize(
    ("provider", "stdin", "words"),
    [
        pytest.param("openruter", KEY, "there is no provider openruter", id="unknown-provider"),
        pytest.param("openai", "", "this key has spaces", id="nothing"),
        pytest.param("openai", f"{KEY} {KEY}", "this key has spaces", id="two-keys"),
    ],
)
def test_what_is_no_key_is_not_kept(
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    provider: str,
    stdin: str,
    words: str,
):
    for name, value in clean_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(sys, "stdin", io.StringIO(stdin))
    assert main(["auth", "login", provider]) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    assert KEY not in printed.err
    assert not (tmp_path / "farebox" / "keys.json").exists()
