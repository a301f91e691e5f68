"""Every wrong set-up on the command line: exit 1, one error with a hint on stderr, never a traceback."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bad_input import KEY, MISTAKES, Mistake, config_of, serve
from support.environment import clean_environment, openrouter_config
from support.patience import WAIT_S
from support.upstream import Upstream


@pytest.fixture(params=list(MISTAKES))
def mistake(request: pytest.FixtureRequest) -> Mistake:
    return MISTAKES[request.param]


@pytest.fixture
def upstream(mistake: Mistake) -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        serve(server, rejects=mistake.rejects)
        yield server


@pytest.fixture
def environment(tmp_path: Path, mistake: Mistake, upstream: Upstream) -> dict[str, str]:
    (tmp_path / "config.toml").write_text(config_of(mistake, upstream))
    return {**clean_environment(tmp_path), **mistake.environment}


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run one command of farebox."""
    return subprocess.run(
        [sys.executable, "-m", "farebox", *arguments],
        env=environment,
        cwd=environment["HOME"],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )


@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_chat_fails_with_one_error_and_its_hint(
    environment: dict[str, str], mistake: Mistake, as_json: bool
) -> None:
    done = run(environment, "chat", *(["--json"] if as_json else []), "Hello")
    assert (done.returncode, done.stdout) == (1, "")
    message, hint = done.stderr.rstrip("\n").split("\n")
    assert message.startswith("farebox: ")
    assert mistake.words in message
    assert mistake.hint in hint


def test_the_doctor_names_the_mistake(environment: dict[str, str], mistake: Mistake) -> None:
    done = run(environment, "doctor", "--json")
    assert (done.returncode, done.stderr) == (1, "")
    checks = json.loads(done.stdout)["checks"]
    (found,) = [check for check in checks if check["name"] == mistake.check]
    assert found["state"] == "error"
    assert mistake.words in found["message"]
    assert mistake.hint in found["hint"]
    text = run(environment, "doctor")
    assert text.returncode == 1
    assert mistake.hint in text.stdout


def test_a_corrected_set_up_works(environment: dict[str, str], mistake: Mistake, upstream: Upstream) -> None:
    assert run(environment, "chat", "Hello").returncode == 1
    Path(environment["FAREBOX_CONFIG"]).write_text(openrouter_config(upstream.base_url))
    serve(upstream, rejects=False)
    done = run({**environment, **KEY}, "chat", "Hello")
    assert (done.returncode, done.stdout) == (0, "Hello there.\n")
    assert mistake.words not in done.stderr
