"""The command line itself: what it prints without a command, and how it fails."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import farebox
from farebox.cli.main import main
from support.environment import clean_environment


def run(home: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "farebox", *arguments],
        env={**clean_environment(home), **environment},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_the_version_is_the_packages(tmp_path: Path):
    done = run(tmp_path, "--version")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"farebox {farebox.__version__}\n", "")


def test_without_a_command_it_says_what_there_is(tmp_path: Path):
    done = run(tmp_path)
    assert done.returncode == 2
    for command in (
        "lsp",
        "demo",
        "chat",
        "complete",
        "route",
        "models",
        "costs",
        "auth",
        "doctor",
        "schema",
    ):
        assert f"\n    {command} " in done.stdout


def test_what_goes_wrong_is_one_line_and_a_hint_on_stderr(tmp_path: Path):
    done = run(tmp_path, "chat", "hello")
    assert (done.returncode, done.stdout) == (1, "")
    message, hint = done.stderr.splitlines()
    assert message == "farebox: no model provider is set up"
    assert hint.startswith("  Set a key such as OPENROUTER_API_KEY")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["frobnicate"], "invalid choice: 'frobnicate'", id="unknown-command"),
        pytest.param(["chat", "--loud"], "--loud", id="unknown-option"),
        pytest.param(["costs", "--format", "pdf"], "'pdf'", id="unknown-format"),
        pytest.param(["chat", "--json-standard", "gemini"], "'gemini'", id="unknown-standard"),
        pytest.param(["auth"], "ACTION", id="no-action"),
        pytest.param(["auth", "login"], "provider", id="no-provider"),
        pytest.param(["complete"], "FILE:LINE:COLUMN", id="no-place"),
        pytest.param(["lsp", "--tcp"], "--tcp", id="unknown-transport"),
    ],
)
def test_bad_arguments_are_a_usage_error(
    capsys: pytest.CaptureFixture[str], arguments: list[str], words: str
):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert words in printed.err


def test_a_reader_that_goes_away_is_no_traceback(tmp_path: Path):
    read_end, write_end = os.pipe()
    os.close(read_end)
    command = [sys.executable, "-m", "farebox", "schema"]
    done = subprocess.run(
        command,
        env=clean_environment(tmp_path),
        stdout=write_end,
        stderr=subprocess.PIPE,
        timeout=60,
        check=False,
    )
    os.close(write_end)
    assert (done.returncode, done.stderr) == (1, b"")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full here")
def test_a_full_disk_is_one_line(tmp_path: Path):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "farebox", "schema"],
            env=clean_environment(tmp_path),
            stdout=full,
            stderr=subprocess.PIPE,
            encoding="utf-8",
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr == ("farebox: No space left on device; run with FAREBOX_DEBUG=1 for the traceback\n")


BREAKS = """
import sys
from farebox.cli import schema
from farebox.cli.main import main
sys.modules["farebox.cli.schema"] = object()
sys.exit(main(["schema"]))
"""


@pytest.mark.parametrize("debug", ["", "1"])
def test_a_mistake_of_our_own_is_one_line_and_its_traceback_is_there_for_who_asks(tmp_path: Path, debug: str):
    done = subprocess.run(
        [sys.executable, "-c", BREAKS],
        env={**clean_environment(tmp_path), "FAREBOX_DEBUG": debug},
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    *traceback, line = done.stderr.splitlines()
    assert line == "farebox: an internal error: ImportError; run with FAREBOX_DEBUG=1 for the traceback"
    assert bool(traceback) == bool(debug)


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_output_that_is_no_terminal_is_utf_8_whatever_the_code_page(tmp_path: Path, encoding: str):
    config = tmp_path / "config.toml"
    config.write_text('[providers."→ツ"]\nkey_env = "X"\n', "utf-8")
    done = run(tmp_path, "auth", "list", PYTHONIOENCODING=encoding)
    assert (done.returncode, done.stderr) == (0, "")
    assert "→ツ" in done.stdout
    config.write_text('[tasks]\nchat = "ツ/x"\n', "utf-8")
    done = run(tmp_path, "chat", "hello", PYTHONIOENCODING=encoding)
    assert "there is no provider ツ" in done.stderr
