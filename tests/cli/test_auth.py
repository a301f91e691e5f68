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
from support.command import run_farebox
from support.environment import clean_environment
from support.patience import WAIT_S

KEY = "sk-or-0123456789abcdef"
NO_KEYRING = {"PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
"""The developer's own keyring is none of a test's business."""


def run(
    folder: Path, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    done = run_farebox(folder, "auth", *arguments, stdin=stdin, environment={**NO_KEYRING, **environment})
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
        pytest.param("openruter", KEY, "auth login: error: there is no provider openruter", id="unknown"),
        pytest.param("openai", "", "auth login: error: no key was given", id="nothing"),
        pytest.param("openai", " \n", "auth login: error: no key was given", id="blank"),
        pytest.param("openai", f"{KEY} {KEY}", "auth login: error: this key has spaces", id="two-keys"),
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
    assert main(["auth", "login", provider]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err
    assert KEY not in printed.err
    assert not (tmp_path / "farebox" / "keys.json").exists()


def test_the_users_own_providers_are_listed_if_they_need_or_have_a_key(tmp_path: Path):
    own = '[providers.acme-at-the-office]\nkey_env = "ACME"\n[providers.box]\n[providers.open]\n'
    (tmp_path / "config.toml").write_text(own, "utf-8")
    run(tmp_path, "login", "box", stdin=KEY)
    listed = run(tmp_path, "list", ACME=KEY).stdout
    assert line_of("acme-at-the-office", listed) == "from ACME"
    assert line_of("box", listed) == f"from {tmp_path / 'farebox' / 'keys.json'}"
    assert line_of("openai", listed) == "none; OPENAI_API_KEY is not set"
    assert not {"open", "local", "ollama"} & {line.split()[0] for line in listed.splitlines()}


def test_a_broken_config_does_not_keep_the_keys_from_being_listed(tmp_path: Path):
    run(tmp_path, "login", "openai", stdin=KEY)
    (tmp_path / "config.toml").write_text("this is no TOML", "utf-8")
    done = run(tmp_path, "list", GROQ_API_KEY=KEY)
    assert (done.returncode, done.stderr) == (0, "")
    assert line_of("openai", done.stdout).startswith("from ")
    assert line_of("groq", done.stdout) == "from GROQ_API_KEY"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["login", "groq", KEY], "type it at the prompt, or pipe it in", id="login"),
        pytest.param(["login", "groq", "--key", KEY], "never an argument", id="option"),
        pytest.param(["login", "--key", KEY, "groq"], "never an argument", id="option-first"),
        pytest.param(["login", f"--key={KEY}", "groq"], "never an argument", id="option-in-one"),
        pytest.param(["login", KEY], "never an argument", id="in-the-providers-place"),
        pytest.param(["login", f"groq={KEY}"], "never an argument", id="with-the-provider"),
        pytest.param(["logout", "groq", KEY], "never an argument", id="logout"),
        pytest.param(["logout", KEY], "never an argument", id="logout-in-the-providers-place"),
    ],
)
def test_a_key_as_an_argument_is_refused_and_not_repeated(tmp_path: Path, arguments: list[str], words: str):
    done = run(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"usage: farebox auth {arguments[0]} [-h] provider\n")
    assert words in done.stderr.lower()
    assert "the shell's history" in done.stderr
    assert not (tmp_path / "farebox" / "keys.json").exists()


def test_a_provider_that_is_none_has_no_key_to_remove(tmp_path: Path):
    done = run(tmp_path, "logout", "bogus")
    assert (done.returncode, done.stdout) == (2, "")
    _, error, hint = done.stderr.splitlines()
    assert error == "farebox auth logout: error: there is no provider bogus"
    assert hint.startswith("  Known: ")
    assert "groq" in hint


def test_a_key_that_was_kept_for_a_provider_that_is_no_more_can_be_removed(tmp_path: Path):
    config = tmp_path / "config.toml"
    config.write_text("[providers.box]\n", "utf-8")
    assert run(tmp_path, "login", "box", stdin=KEY).returncode == 0
    config.write_text("", "utf-8")
    done = run(tmp_path, "logout", "box")
    assert (done.returncode, done.stdout, done.stderr) == (0, "removed the key of box\n", "")
    assert run(tmp_path, "logout", "box").returncode == 2


def test_a_broken_config_does_not_keep_a_key_from_being_removed(tmp_path: Path):
    run(tmp_path, "login", "groq", stdin=KEY)
    (tmp_path / "config.toml").write_text("this is no TOML", "utf-8")
    done = run(tmp_path, "logout", "groq", GROQ_API_KEY=KEY)
    assert (done.returncode, done.stdout) == (0, "removed the key of groq\n")
    assert done.stderr == "the key in GROQ_API_KEY is not stored here, and is still used\n"


def test_a_variable_that_goes_before_what_is_stored_is_told(tmp_path: Path):
    login = run(tmp_path, "login", "groq", stdin=KEY, GROQ_API_KEY=f"{KEY}-2")
    assert login.stdout.startswith("kept in ")
    assert login.stderr == "the key in GROQ_API_KEY goes before the stored one, and is used\n"
    logout = run(tmp_path, "logout", "groq", GROQ_API_KEY=KEY)
    assert logout.stdout == "removed the key of groq\n"
    assert logout.stderr == "the key in GROQ_API_KEY is not stored here, and is still used\n"
    again = run(tmp_path, "logout", "groq", GROQ_API_KEY=KEY)
    assert (again.returncode, again.stdout) == (0, "no key of groq was stored\n")
    assert again.stderr == logout.stderr


def test_a_malformed_variable_is_told_at_login_too(tmp_path: Path):
    login = run(tmp_path, "login", "groq", stdin=KEY, GROQ_API_KEY="a b")
    assert login.returncode == 0
    assert login.stderr.startswith("the key in the variable GROQ_API_KEY is malformed")


def test_the_help_says_what_a_provider_may_be_and_how_a_key_goes_in(tmp_path: Path):
    words = " ".join(run(tmp_path, "login", "--help").stdout.split())
    assert "openrouter, openai, anthropic" in words
    assert "typed at a prompt that does not show it, or piped in" in words


@pytest.mark.skipif(os.name != "posix", reason="closing a descriptor before the start is POSIX's")
def test_a_closed_stdin_holds_no_key(tmp_path: Path):
    done = subprocess.run(
        ["/bin/sh", "-c", 'exec "$0" -m farebox auth login openai <&-', sys.executable],
        env={**clean_environment(tmp_path), **NO_KEYRING},
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 2
    assert "no key was given" in done.stderr


def test_a_malformed_key_is_told_in_its_line_and_the_others_follow(tmp_path: Path):
    done = run(tmp_path, "list", OPENAI_API_KEY="a b", TOGETHER_API_KEY=KEY)
    assert (done.returncode, done.stderr) == (0, "")
    assert line_of("openai", done.stdout).startswith(
        "error: the key in the variable OPENAI_API_KEY is malformed"
    )
    assert line_of("together", done.stdout) == "from TOGETHER_API_KEY"
