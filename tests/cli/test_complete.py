"""``farebox complete FILE:LINE:COLUMN``: where the hole is, what is printed, and places that are none."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from farebox.cli.complete import MAX_FILE_BYTES
from farebox.cli.main import main
from farebox.lsp.methods import CompleteResult
from support.command import STOPPED, run_farebox, started, unfinished
from support.environment import clean_environment, ledger_rows, openrouter_config
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, openrouter_stream

HOLE = "{{FILL_HERE}}"
USAGE = {"prompt_tokens": 30, "completion_tokens": 8, "cost": 0.000213}


@pytest.fixture
def upstream(tmp_path: Path) -> Iterator[Upstream]:
    body = openrouter_stream("<COMPLETION>a + b</COMPLETION>", USAGE)
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/chat/completions", Answer(body=body, content_type="text/event-stream"))
        config = f'[tasks]\ncomplete = "box/m"\n[providers.box]\nbase_url = "{upstream.base_url}"\n'
        (tmp_path / "config.toml").write_text(config, "utf-8")
        yield upstream


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_farebox(folder, "complete", *arguments)


def asked(upstream: Upstream) -> str:
    messages = upstream.requests[-1].json["messages"]
    assert isinstance(messages, list)
    return str(messages[-1]["content"])


def test_it_prints_what_ghost_text_would_say(tmp_path: Path, upstream: Upstream):
    file = tmp_path / "add.py"
    file.write_text("def add(a, b):\n    return \n\nprint(add(1, 2))\n", "utf-8")
    done = run(tmp_path, "add.py:2:12")
    assert (done.returncode, done.stdout) == (0, "a + b\n")
    assert done.stderr == "[box/m | 30 in, 8 out | $0.000213 (reported)]\n"
    assert asked(upstream) == (
        f'<file path="add.py">\ndef add(a, b):\n    return {HOLE}\n\nprint(add(1, 2))\n\n</file>'
    )


def test_json_is_the_result_of_the_protocol(tmp_path: Path, upstream: Upstream):
    (tmp_path / "add.py").write_text("x = ", "utf-8")
    done = run(tmp_path, "add.py:1:5", "--json", "--model", "box/other")
    table = json.loads(done.stdout)
    assert CompleteResult.model_validate(table).json_value() == table
    assert [item["text"] for item in table["items"]] == ["a + b"]
    assert (table["reason"], table["route"]["model"], table["cost"]["usd"]) == (None, "box/other", "0.000213")
    assert upstream.requests[0].json["model"] == "other"


def test_where_the_gate_is_closed_it_says_why(tmp_path: Path, upstream: Upstream):
    (tmp_path / "empty.py").write_text("\n\n", "utf-8")
    done = run(tmp_path, "empty.py:1:1")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr == "not asked: there is no text around that place to go on\n"
    assert json.loads(run(tmp_path, "empty.py:1:1", "--json").stdout)["reason"] == "empty"
    assert upstream.connections == 0


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        pytest.param("enabled = false", "switched off: [completion] enabled = false", id="disabled"),
        pytest.param(
            'disabled_languages = ["python"]', "switched off for python: [completion]", id="language"
        ),
    ],
)
def test_where_completion_is_switched_off_it_names_the_setting(
    tmp_path: Path, upstream: Upstream, settings: str, words: str
):
    (tmp_path / "x.py").write_text("x = ", "utf-8")
    with (tmp_path / "config.toml").open("a", encoding="utf-8") as config:
        config.write(f"[completion]\n{settings}\n")
    done = run(tmp_path, "x.py:1:5")
    assert (done.returncode, done.stdout) == (0, "")
    assert done.stderr.startswith(f"not asked: completion is {words}")
    assert upstream.connections == 0


@pytest.mark.skipif(os.name != "posix", reason="named pipes are POSIX's")
@pytest.mark.parametrize("place", ["pipe", "link"])
def test_a_pipe_is_not_waited_for(here: Path, capsys: pytest.CaptureFixture[str], place: str):
    os.mkfifo(here / "pipe")
    (here / "link").symlink_to("pipe")
    assert main(["complete", f"{place}:1:1"]) == 2
    assert f"{place} is not a plain file" in capsys.readouterr().err


@pytest.mark.skipif(os.name != "posix", reason="devices as POSIX has them")
def test_a_device_is_not_read(here: Path, capsys: pytest.CaptureFixture[str]):
    assert here
    assert main(["complete", "/dev/zero:1:1"]) == 2
    assert "/dev/zero is not a plain file" in capsys.readouterr().err


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Make this very process one that was started in a folder of its own."""
    for name, value in clean_environment(tmp_path).items():
        monkeypatch.setenv(name, value)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize(
    ("text", "place", "hole"),
    [
        pytest.param("ab\ncd\n", "1:1", f"{HOLE}ab\ncd\n", id="first"),
        pytest.param("ab\ncd\n", "2:2", f"ab\nc{HOLE}d\n", id="middle"),
        pytest.param("ab\ncd\n", "1:3", f"ab{HOLE}\ncd\n", id="line-end"),
        pytest.param("ab\ncd\n", "3:1", f"ab\ncd\n{HOLE}", id="last-line"),
        pytest.param("ab\r\ncd\r\n", "1:3", f"ab{HOLE}\r\ncd\r\n", id="crlf-line-end"),
        pytest.param("ab\r\ncd\r\n", "2:2", f"ab\r\nc{HOLE}d\r\n", id="crlf"),
        pytest.param("ab\rcd", "2:2", f"ab\rc{HOLE}d", id="cr"),
        pytest.param("ä😀b\n", "1:3", f"ä😀{HOLE}b\n", id="columns-are-characters"),
        pytest.param("a\fb\u2028c\n", "1:4", f"a\fb{HOLE}\u2028c\n", id="other-breaks-are-no-line-ends"),
    ],
)
def test_a_place_is_a_line_and_a_column_counted_from_one(
    here: Path, upstream: Upstream, text: str, place: str, hole: str
):
    (here / "x.py").write_bytes(text.encode())
    assert main(["complete", f"x.py:{place}"]) == 0
    assert asked(upstream) == f'<file path="x.py">\n{hole}\n</file>'


@pytest.mark.parametrize(
    ("place", "words", "hint"),
    [
        pytest.param("x.py", "x.py does not end in :LINE:COLUMN", "Write FILE:LINE:COLUMN", id="no-line"),
        pytest.param("x.py:1", "does not end in :LINE:COLUMN", "counted from 1", id="no-column"),
        pytest.param("x.py:1:b", "does not end in :LINE:COLUMN", "app.py:12:5", id="no-number"),
        pytest.param("x.py:-1:1", "does not end in :LINE:COLUMN", "app.py:12:5", id="negative"),
        pytest.param("x.py:0:1", "no line 0 in x.py", "It has 3 lines, counted from 1.", id="line-nought"),
        pytest.param("x.py:4:1", "no line 4 in x.py", "It has 3 lines", id="past-the-end"),
        pytest.param("one.py:2:1", "no line 2 in one.py", "It has 1 line, counted", id="past-the-only-line"),
        pytest.param("x.py:1:0", "no column 0 in line 1", "2 characters: columns 1 to 3", id="column-nought"),
        pytest.param("x.py:2:4", "no column 4 in line 2", "2 characters: columns 1 to 3", id="past-the-line"),
        pytest.param("crlf.py:1:4", "no column 4 in line 1", "columns 1 to 3", id="between-cr-and-lf"),
        pytest.param("x.py:3:2", "no column 2 in line 3", "0 characters: columns 1 to 1", id="past-no-line"),
        pytest.param("gone.py:1:1", "there is no file gone.py", "It is looked for in ", id="no-file"),
        pytest.param("x.py/y.py:1:1", "x.py/y.py can't be read", "Choose another file", id="below-a-file"),
        pytest.param(".:1:1", ". is a folder", "Name a file in it", id="a-folder"),
        pytest.param("latin.py:1:1", "latin.py is not UTF-8 text", "Convert it", id="not-utf-8"),
        pytest.param("large.py:1:1", "large.py is larger than", "Choose another file", id="large"),
    ],
)
def test_what_is_no_place_is_a_usage_error_that_says_why_and_nothing_is_sent(
    *, here: Path, upstream: Upstream, capsys: pytest.CaptureFixture[str], place: str, words: str, hint: str
):
    (here / "x.py").write_bytes(b"ab\ncd\n")
    (here / "one.py").write_bytes(b"ab")
    (here / "crlf.py").write_bytes(b"ab\r\ncd\r\n")
    (here / "latin.py").write_bytes(b"\xe4")
    with (here / "large.py").open("wb") as file:
        file.truncate(MAX_FILE_BYTES + 1)
    assert main(["complete", place]) == 2
    printed = capsys.readouterr()
    usage, error, line = printed.err.splitlines()
    assert usage == "usage: farebox complete [-h] [--model MODEL] [--json] FILE:LINE:COLUMN"
    assert error.startswith("farebox complete: error: ")
    assert words in error
    assert hint in line
    assert printed.out == ""
    assert upstream.connections == 0


@pytest.mark.skipif(
    os.name != "posix" or os.geteuid() == 0, reason="nothing keeps this user from reading a file"
)
@pytest.mark.parametrize("closed", ["box/x.py", "box"], ids=["file", "its-folder"])
def test_a_file_that_may_not_be_read_is_said_to_be_so(
    here: Path, upstream: Upstream, capsys: pytest.CaptureFixture[str], closed: str
):
    (here / "box").mkdir()
    (here / "box" / "x.py").write_text("ab", "utf-8")
    (here / closed).chmod(0)
    code = main(["complete", "box/x.py:1:1"])
    (here / closed).chmod(0o700)  # so that the folder can be removed
    assert code == 2
    assert "box/x.py can't be read: Permission denied" in capsys.readouterr().err
    assert upstream.connections == 0


def test_a_file_that_is_a_secret_fails_like_any_request_that_may_not_leave(
    here: Path, upstream: Upstream, capsys: pytest.CaptureFixture[str]
):
    (here / ".env").write_text("KEY=1\n", "utf-8")
    assert main(["complete", ".env:1:1"]) == 1
    printed = capsys.readouterr()
    assert printed.err.startswith("farebox: ")
    assert "stays on this machine" in printed.err
    assert upstream.connections == 0


@pytest.mark.skipif(os.name != "posix", reason="the signals are POSIX's")
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)], ids=["interrupt", "terminate"]
)
def test_a_signal_in_the_middle_settles_what_the_completion_cost(
    tmp_path: Path, upstream: Upstream, number: signal.Signals, code: int
):
    (tmp_path / "config.toml").write_text(openrouter_config(upstream.base_url), "utf-8")
    (tmp_path / "x.py").write_text("def f():\n    return ", "utf-8")
    upstream.queue(unfinished("<COMPLETION>a + b"))
    with started(tmp_path, "complete", "x.py:2:12", OPENROUTER_API_KEY="sk-or-0123456789") as process:
        assert upstream.wait_for(lambda: bool(upstream.requests))
        process.send_signal(number)
        out, errors = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (code, "")
    assert STOPPED.fullmatch(errors), errors
    (row,) = ledger_rows(tmp_path)
    assert (row["outcome"], row["basis"]) == ("cancelled", "estimated")
    assert row["cost_nanodollars"] > 0
