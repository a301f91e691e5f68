"""Whatever a server, a workspace or a config says: no command lets it move the cursor or set a title."""

import json
import re
import subprocess
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest

from farebox.config import WORKSPACE_FILE
from support.environment import clean_environment
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

HOSTILE = "x\x1b]0;pwned\x07\x1b[2J\x9b1A\u202e\x7f\u2028"
USAGE = {"prompt_tokens": 30, "completion_tokens": 8, "cost": 0.000213}
OUR_COLOURS = re.compile(r"\x1b\[[0-9;]*m")
QUOTED = json.dumps(HOSTILE)
COLOURED = {"FORCE_COLOR": "1", "COLUMNS": "400"}


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Upstream]:
    """A server whose every word is hostile, and a user who has named its models in every setting."""
    (tmp_path / "x.py").write_text("x = \n", "utf-8")
    with Upstream.in_thread() as upstream:
        said = openrouter_stream(f"<COMPLETION>Hello {HOSTILE}</COMPLETION>", USAGE)
        upstream.answer("/v1/chat/completions", Answer(body=said, content_type="text/event-stream"))
        upstream.answer("/v1/models", json_answer({"data": [{"id": HOSTILE}, {"id": "m\nforged"}]}))
        model = json.dumps(f"box/{HOSTILE}")
        (tmp_path / "config.toml").write_text(
            f'[tasks]\nchat = [{model}, "box/other"]\ncomplete = {model}\n'
            f"[providers]\nbox.base_url = {json.dumps(upstream.base_url)}\n"
            f"{QUOTED}.base_url = {json.dumps(upstream.base_url)}\n"
            f'{QUOTED}.key_env = "NO_SUCH_KEY"\n',
            "utf-8",
        )
        yield upstream


def run(
    folder: Path, *arguments: str, stdin: str = "", **environment: str
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "farebox", *arguments],
        env={**clean_environment(folder), **environment},
        cwd=folder,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def check(done: subprocess.CompletedProcess[str], *, ours: re.Pattern[str] | None = None) -> None:
    """Fail unless the hostile words were printed, without what makes them so."""
    printed = done.stdout + done.stderr
    text = printed if ours is None else ours.sub("", printed)
    raw = {char for char in text if unicodedata.category(char) in {"Cc", "Cf", "Cs", "Zl", "Zp"}}
    assert raw <= {"\n", "\t"}, printed.encode("unicode_escape").decode()
    assert "pwned" in text, printed


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(["chat", "hi"], id="chat"),
        pytest.param(["complete", "x.py:1:5"], id="complete"),
        pytest.param(["route", "hi"], id="route"),
        pytest.param(["models"], id="models"),
        pytest.param(["doctor"], id="doctor"),
        pytest.param(["auth", "list"], id="auth-list"),
        pytest.param(["auth", "logout", HOSTILE], id="auth-logout"),
        pytest.param(["chat", "hi", "--model", HOSTILE], id="chat-no-such-model"),
        pytest.param(["route", "--task", HOSTILE], id="route-no-such-task"),
        pytest.param(["complete", HOSTILE], id="complete-no-such-place"),
        pytest.param(["costs", "--since", f"pwned{HOSTILE}"], id="costs-no-such-moment"),
    ],
)
def test_names_from_outside_are_printed_without_their_control_characters(
    tmp_path: Path, upstream: Upstream, arguments: list[str]
):
    assert upstream.base_url
    check(run(tmp_path, *arguments, stdin="sk-example-0123456789\n"))


def test_the_reasons_of_a_server_that_refuses_are_too(tmp_path: Path, upstream: Upstream):
    refusal = json_answer({"error": {"message": HOSTILE}}, status=503)
    upstream.queue(refusal)
    fallen_back = run(tmp_path, "chat", "hi")
    assert "trying the next model" in fallen_back.stderr
    check(fallen_back)
    upstream.queue(refusal, refusal)
    failed = run(tmp_path, "chat", "hi")
    assert failed.returncode == 1
    check(failed)


@pytest.mark.parametrize("style", ["table", "csv"])
def test_the_costs_are_too(tmp_path: Path, upstream: Upstream, style: str):
    assert upstream.base_url
    assert run(tmp_path, "chat", "hi").returncode == 0
    check(run(tmp_path, "costs", "--by", "model,workspace", "--format", style, COLUMNS="400"))


@pytest.mark.parametrize("command", ["chat", "complete", "route", "models", "doctor"])
def test_so_is_the_error_about_a_workspace(tmp_path: Path, upstream: Upstream, command: str):
    (tmp_path / WORKSPACE_FILE).write_text(f"{QUOTED} = 1\n", "utf-8")
    done = run(tmp_path, command, *{"complete": ["x.py:1:5"], "chat": ["hi"]}.get(command, []))
    assert done.returncode == 1
    check(done)
    assert upstream.connections == 0


def test_only_the_colours_of_the_demo_are_ours(tmp_path: Path, upstream: Upstream):
    assert upstream.base_url
    done = run(tmp_path, "demo", **COLOURED)
    assert done.returncode == 0, done.stderr
    assert OUR_COLOURS.search(done.stdout)
    check(done, ours=OUR_COLOURS)


def test_a_key_is_kept_for_a_hostile_name_and_the_name_printed_harmlessly(tmp_path: Path, upstream: Upstream):
    assert upstream.base_url
    login = run(tmp_path, "auth", "login", HOSTILE, stdin=" \n")
    assert (login.returncode, login.stdout) == (2, "")
    assert "no key was given" in login.stderr
    assert run(tmp_path, "auth", "login", HOSTILE, stdin="sk-example-0123456789\n").returncode == 0
    check(run(tmp_path, "auth", "list"))


def test_a_name_begins_no_line_of_its_own(tmp_path: Path, upstream: Upstream):
    (tmp_path / "config.toml").write_text(f'[providers.box]\nbase_url = "{upstream.base_url}"\n', "utf-8")
    models = run(tmp_path, "models").stdout.splitlines()
    assert [line for line in models if line.startswith("box/mforged ")]
    assert not [line for line in models if line.startswith("forged")]
    routed = run(tmp_path, "route", "--model", "box/m\nforged").stdout
    assert all(line.startswith(("box/mforged: ", "price unknown", "  ")) for line in routed.splitlines()), (
        routed
    )
    asked = run(tmp_path, "chat", "hi", "--model", "box/m\nforged")
    assert asked.stderr.startswith("[box/mforged | ")
    assert len(asked.stderr.splitlines()) == 1
