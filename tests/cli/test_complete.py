"""``farebox complete FILE:LINE:COLUMN``: where the hole is, what is printed, and places that are none."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from farebox.cli.main import main
from farebox.lsp.methods import CompleteResult
from support.environment import clean_environment
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
    return subprocess.run(
        [sys.executable, "-m", "farebox", "complete", *arguments],
        env=clean_environment(folder),
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


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
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "not asked: empty\n")
    assert upstream.connections == 0


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
        pytest.param("ab\ncd\n", "1:99", f"ab{HOLE}\ncd\n", id="past-the-line-end"),
        pytest.param("ab\ncd\n", "1:0", f"{HOLE}ab\ncd\n", id="column-nought"),
        pytest.param("ab\ncd\n", "3:1", f"ab\ncd\n{HOLE}", id="last-line"),
        pytest.param("ab\r\ncd\r\n", "1:9", f"ab{HOLE}\r\ncd\r\n", id="crlf-past-the-line-end"),
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
    ("place", "words"),
    [
        pytest.param("x.py", "x.py is no place in a file", id="no-line"),
        pytest.param("x.py:1", "is no place in a file", id="no-column"),
        pytest.param("x.py:1:b", "is no place in a file", id="no-number"),
        pytest.param("x.py:-1:1", "is no place in a file", id="negative"),
        pytest.param("x.py:0:1", "there is no line 0", id="line-nought"),
        pytest.param("x.py:4:1", "The file has 3 lines", id="past-the-end"),
        pytest.param("gone.py:1:1", "can't read gone.py", id="no-file"),
        pytest.param(".:1:1", "can't read .", id="a-folder"),
        pytest.param("latin.py:1:1", "must be a UTF-8 text file", id="not-utf-8"),
        pytest.param(".env:1:1", "stays on this machine", id="secret"),
    ],
)
def test_what_is_no_place_is_said_and_nothing_is_sent(
    *, here: Path, upstream: Upstream, capsys: pytest.CaptureFixture[str], place: str, words: str
):
    (here / "x.py").write_text("ab\ncd\n", "utf-8")
    (here / ".env").write_text("KEY=1\n", "utf-8")
    (here / "latin.py").write_bytes(b"\xe4")
    assert main(["complete", place]) == 1
    printed = capsys.readouterr()
    assert words in printed.err
    assert printed.out == ""
    assert upstream.connections == 0
