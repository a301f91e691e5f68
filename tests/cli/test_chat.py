"""``farebox chat`` as a process: text in, an answer out, in our own JSON or that of two well-known APIs."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from farebox.chat.prompts import SYSTEM
from farebox.lsp.methods import ChatResult
from support.environment import clean_environment
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

USAGE = {
    "prompt_tokens": 30,
    "completion_tokens": 8,
    "prompt_tokens_details": {"cached_tokens": 10},
    "completion_tokens_details": {"reasoning_tokens": 3},
    "cost": 0.000213,
}
ANSWER = Answer(body=openrouter_stream("Hello you.", USAGE), content_type="text/event-stream")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/chat/completions", ANSWER)
        yield upstream


def run(home: Path, upstream: Upstream, *arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    config = f'[tasks]\nchat = ["box/m", "box/n"]\n[providers.box]\nbase_url = "{upstream.base_url}"\n'
    (home / "config.toml").write_text(config, "utf-8")
    return subprocess.run(
        [sys.executable, "-m", "farebox", "chat", *arguments],
        env=clean_environment(home),
        cwd=home,
        input=stdin,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def messages(upstream: Upstream) -> list[tuple[str, str]]:
    sent = upstream.requests[-1].json["messages"]
    assert isinstance(sent, list)
    return [(message["role"], message["content"]) for message in sent]


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        pytest.param(["say", "hello"], "", id="arguments"),
        pytest.param([], "say hello", id="stdin"),
    ],
)
def test_the_answer_is_on_stdout_and_who_gave_it_on_stderr(
    tmp_path: Path, upstream: Upstream, arguments: list[str], stdin: str
):
    done = run(tmp_path, upstream, *arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (0, "Hello you.\n")
    assert done.stderr == "[box/m | 30 in, 8 out | $0.000213 (reported)]\n"
    assert messages(upstream) == [("system", SYSTEM), ("user", "say hello")]


def test_json_is_the_result_of_the_protocol(tmp_path: Path, upstream: Upstream):
    done = run(tmp_path, upstream, "hi", "--json", "--model", "box/other", "--task", "explain")
    assert (done.returncode, done.stderr) == (0, "")
    table = json.loads(done.stdout)
    assert ChatResult.model_validate(table).json_value() == table
    assert (table["text"], table["finishReason"]) == ("Hello you.", "stop")
    assert table["cost"]["usd"] == "0.000213"
    assert table["usage"]["cachedInputTokens"] == 10
    assert (table["route"]["model"], table["route"]["task"]) == ("box/other", "explain")
    assert upstream.requests[0].json["model"] == "other"


def test_the_openai_shape_goes_in_and_comes_out(tmp_path: Path, upstream: Upstream):
    asked = {
        "model": "box/other",
        "messages": [
            {"role": "system", "content": "You rhyme."},
            {"role": "user", "content": "2+2?"},
            {"role": "assistant", "content": "Four."},
            {"role": "user", "content": [{"type": "text", "text": "and 3*3?"}]},
        ],
    }
    done = run(tmp_path, upstream, "--json-standard", "openai", stdin=json.dumps(asked))
    assert (done.returncode, done.stderr) == (0, "")
    assert messages(upstream) == [
        ("system", "You rhyme."),
        ("user", "2+2?"),
        ("assistant", "Four."),
        ("user", "and 3*3?"),
    ]
    table = json.loads(done.stdout)
    assert table["object"] == "chat.completion"
    assert table["model"] == "box/other"
    assert table["choices"] == [
        {"index": 0, "message": {"role": "assistant", "content": "Hello you."}, "finish_reason": "stop"}
    ]
    assert table["usage"] == {
        "prompt_tokens": 30,
        "completion_tokens": 8,
        "total_tokens": 38,
        "prompt_tokens_details": {"cached_tokens": 10},
        "completion_tokens_details": {"reasoning_tokens": 3},
    }
    assert isinstance(table["created"], int)
    assert table["id"].startswith("chatcmpl-")


def test_the_claude_shape_goes_in_and_comes_out(tmp_path: Path, upstream: Upstream):
    asked = {
        "max_tokens": 100,
        "system": [{"type": "text", "text": "You rhyme."}],
        "messages": [
            {"role": "user", "content": "2+2?"},
            {"role": "assistant", "content": [{"type": "text", "text": "Four."}]},
            {"role": "user", "content": "and 3*3?"},
        ],
    }
    done = run(tmp_path, upstream, "--json-standard", "claude", "--model", "box/m", stdin=json.dumps(asked))
    assert (done.returncode, done.stderr) == (0, "")
    assert [content for _, content in messages(upstream)] == ["You rhyme.", "2+2?", "Four.", "and 3*3?"]
    table = json.loads(done.stdout)
    assert table["id"].startswith("msg_")
    assert {name: table[name] for name in ("type", "role", "model", "content", "stop_reason")} == {
        "type": "message",
        "role": "assistant",
        "model": "box/m",
        "content": [{"type": "text", "text": "Hello you."}],
        "stop_reason": "end_turn",
    }
    assert table["usage"] == {
        "input_tokens": 20,
        "cache_read_input_tokens": 10,
        "cache_creation_input_tokens": 0,
        "output_tokens": 8,
    }


def test_a_model_that_fails_is_named_and_the_next_one_answers(tmp_path: Path, upstream: Upstream):
    upstream.queue(json_answer({"error": {"message": "busy"}}, status=503))
    done = run(tmp_path, upstream, "hi")
    assert (done.returncode, done.stdout) == (0, "Hello you.\n")
    assert done.stderr.splitlines() == [
        "box answered 503: busy; trying the next model",
        "[box/n | 30 in, 8 out | $0.000213 (reported)]",
    ]


def test_an_answer_that_is_cut_off_fails_after_what_had_come(tmp_path: Path, upstream: Upstream):
    body = openrouter_stream("Hello you.")
    upstream.queue(Answer(body=body, content_type="text/event-stream", cut_after=body.index(b"you")))
    done = run(tmp_path, upstream, "hi")
    assert (done.returncode, done.stdout) == (1, "Hello ")
    assert "before its answer was whole" in done.stderr


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "utf-8:surrogateescape"])
@pytest.mark.parametrize("arguments", [["chat"], ["auth", "login", "openai"]], ids=["chat", "auth"])
def test_stdin_that_is_not_utf_8_is_refused(tmp_path: Path, encoding: str, arguments: list[str]):
    done = subprocess.run(
        [sys.executable, "-m", "farebox", *arguments],
        env={**clean_environment(tmp_path), "PYTHONIOENCODING": encoding},
        input=b"caf\xe9\n",
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, b"")
    assert done.stderr.startswith(b"farebox: stdin is not UTF-8 text\n  ")
