"""``farebox chat`` as a process: text in, an answer out, in our own JSON or that of two well-known APIs."""

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from socket import socket

import pytest

from farebox.chat.prompts import SYSTEM
from farebox.lsp.methods import ChatResult
from support.command import STOPPED, read_until, run_farebox, started, unfinished
from support.environment import clean_environment, ledger_rows, openrouter_config
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, chunk, json_answer, openrouter_stream, sse

USAGE = {
    "prompt_tokens": 30,
    "completion_tokens": 8,
    "prompt_tokens_details": {"cached_tokens": 10},
    "completion_tokens_details": {"reasoning_tokens": 3},
    "cost": 0.000213,
}
DEAR = Answer(body=openrouter_stream("Hm.", {**USAGE, "cost": 0.15}), content_type="text/event-stream")
ANSWER = Answer(body=openrouter_stream("Hello you.", USAGE), content_type="text/event-stream")


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/chat/completions", ANSWER)
        yield upstream


def run(
    home: Path, upstream: Upstream, *arguments: str, stdin: str | None = None
) -> subprocess.CompletedProcess[str]:
    config = f'[tasks]\nchat = ["box/m", "box/n"]\n[providers.box]\nbase_url = "{upstream.base_url}"\n'
    (home / "config.toml").write_text(config, "utf-8")
    return run_farebox(home, "chat", *arguments, stdin=stdin)


def run_with(home: Path, upstream: Upstream, more: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    (home / "config.toml").write_text(openrouter_config(upstream.base_url, more=more), "utf-8")
    return run_farebox(home, "chat", "hi", *arguments, environment={"OPENROUTER_API_KEY": "k"})


def test_a_budget_that_is_nearly_used_up_is_told_in_one_line(tmp_path: Path, upstream: Upstream):
    budgets = "[budgets]\ndaily_usd = 1\nweekly_usd = 0.5\n[budgets.ladder]\nwarn = {}\n"
    assert "budget" not in run_with(tmp_path, upstream, budgets.format(50)).stderr
    upstream.answer("/v1/chat/completions", DEAR)
    for arguments in ((), ("--json",)):
        done = run_with(tmp_path, upstream, budgets.format(20), *arguments)
        lines = [line for line in done.stderr.splitlines() if "budget" in line]
        assert len(lines) == 1
        assert re.search(r"\b\d\d % of the weekly budget is spent$", lines[0])


def test_a_collector_that_is_down_is_no_part_of_an_answer(tmp_path: Path, upstream: Upstream):
    with socket() as closed:
        closed.bind(("127.0.0.1", 0))  # and nobody listens there
        more = f'[otel]\nendpoint = "http://127.0.0.1:{closed.getsockname()[1]}"\n'
        done = run_with(tmp_path, upstream, more)
    assert done.returncode == 0
    assert done.stderr.splitlines()[-1].startswith("[openrouter/")
    assert "exported" not in done.stderr


def configure(home: Path, upstream: Upstream) -> None:
    (home / "config.toml").write_text(openrouter_config(upstream.base_url), "utf-8")


def messages(upstream: Upstream) -> list[tuple[str, str]]:
    sent = upstream.requests[-1].json["messages"]
    assert isinstance(sent, list)
    return [(message["role"], message["content"]) for message in sent]


@pytest.mark.parametrize(
    ("arguments", "stdin"),
    [
        pytest.param(["say", "hello"], None, id="arguments"),
        pytest.param([], "say hello", id="stdin"),
        pytest.param(["-"], "say hello", id="a-dash-is-stdin"),
    ],
)
def test_the_answer_is_on_stdout_and_who_gave_it_on_stderr(
    tmp_path: Path, upstream: Upstream, arguments: list[str], stdin: str | None
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
        "stream": True,
        "system": [{"type": "text", "text": "You rhyme."}],
        "messages": [
            {"role": "user", "content": "2+2?"},
            {"role": "assistant", "content": [{"type": "text", "text": "Four."}]},
            {"role": "user", "content": "and 3*3?"},
        ],
    }
    done = run(tmp_path, upstream, "--json-standard", "claude", "--model", "box/m", stdin=json.dumps(asked))
    assert (done.returncode, done.stderr) == (0, "not used: max_tokens, stream\n")
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
    upstream.queue(json_answer({"error": {"message": "too fast"}}, status=429))
    done = run(tmp_path, upstream, "hi")
    assert (done.returncode, done.stdout) == (0, "Hello you.\n")
    assert done.stderr.splitlines() == [
        "box/m: box answered 429: too fast; trying the next model",
        "[box/n | 30 in, 8 out | $0.000213 (reported)]",
    ]


def test_a_model_that_is_asked_again_is_named(tmp_path: Path, upstream: Upstream):
    upstream.queue(json_answer({"error": {"message": "busy"}}, status=503))
    done = run(tmp_path, upstream, "hi")
    assert (done.returncode, done.stdout) == (0, "Hello you.\n")
    told, footer = done.stderr.splitlines()
    assert re.fullmatch(r"box/m: box answered 503: busy; trying again in 0\.\d s", told)
    assert footer == "[box/m | 30 in, 8 out | $0.000213 (reported)]"


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        pytest.param("length", "the answer reached the limit of output tokens", id="length"),
        pytest.param("content_filter", "the provider's content filter ended the answer", id="filter"),
    ],
)
def test_an_answer_that_its_model_did_not_end_is_said_to_be_cut_off(
    tmp_path: Path, upstream: Upstream, reason: str, words: str
):
    cut = sse(chunk({"role": "assistant", "content": "Hello"}), chunk({}, reason), chunk(usage=USAGE))
    answer = Answer(body=cut, content_type="text/event-stream")
    upstream.queue(answer)
    done = run(tmp_path, upstream, "hi")
    assert (done.returncode, done.stdout) == (0, "Hello\n")
    note, footer = done.stderr.splitlines()
    assert note.startswith(f"cut off: {words}")
    assert footer.startswith("[box/m | ")
    upstream.queue(answer)
    assert run(tmp_path, upstream, "hi", "--json").stderr == "", "the JSON says it itself"


def test_a_question_belongs_to_no_conversation_in_the_ledger(tmp_path: Path, upstream: Upstream):
    assert run(tmp_path, upstream, "hi").returncode == 0
    assert [row["conversation"] for row in ledger_rows(tmp_path)] == [None]


def test_an_answer_that_is_cut_off_fails_after_what_had_come(tmp_path: Path, upstream: Upstream):
    body = openrouter_stream("Hello you.")
    upstream.queue(Answer(body=body, content_type="text/event-stream", cut_after=body.index(b"you")))
    done = run(tmp_path, upstream, "hi")
    assert (done.returncode, done.stdout) == (1, "Hello ")
    assert "before its answer was whole" in done.stderr


# --- what is asked -------------------------------------------------------------------------------

KEY = {"OPENROUTER_API_KEY": "sk-or-0123456789"}
posix = pytest.mark.skipif(os.name != "posix", reason="shells, signals and terminals as POSIX has them")


def test_what_is_piped_in_beside_a_question_goes_with_it(tmp_path: Path, upstream: Upstream):
    done = run(tmp_path, upstream, "explain", "this", stdin="- x = ä\n+ x = 2\n")
    assert (done.returncode, done.stdout) == (0, "Hello you.\n")
    piped = '<attachment name="stdin">\n- x = ä\n+ x = 2\n\n</attachment>'
    assert messages(upstream) == [("system", SYSTEM), ("user", f"{piped}\n\nexplain this")]


@pytest.mark.parametrize(
    ("arguments", "stdin", "words"),
    [
        pytest.param([""], "", "the question is empty", id="empty"),
        pytest.param([" "], "text", "the question is empty", id="blank-beside-a-pipe"),
        pytest.param([], "", "the question is empty", id="nothing"),
        pytest.param(["-"], "\n", "the question is empty", id="nothing-behind-the-dash"),
        pytest.param(["--task", "nope", "hi"], "", "argument --task: invalid choice: 'nope'", id="task"),
        pytest.param(
            ["--json-standard", "openai", "hi"],
            "{}",
            "can't stand beside --json-standard",
            id="two-questions",
        ),
        pytest.param(["--json-standard", "claude"], "hi", "stdin is no JSON", id="no-json"),
    ],
)
def test_what_is_no_question_is_a_usage_error_and_nothing_is_sent(
    tmp_path: Path, upstream: Upstream, arguments: list[str], stdin: str, words: str
):
    done = run(tmp_path, upstream, *arguments, stdin=stdin)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("usage: farebox chat [-h]")
    assert "farebox chat: error: " in done.stderr
    assert words in done.stderr
    assert upstream.connections == 0


@posix
def test_an_argument_that_is_not_utf_8_is_a_usage_error(tmp_path: Path, upstream: Upstream):
    configure(tmp_path, upstream)
    done = subprocess.run(
        [sys.executable, "-m", "farebox", "chat", b"caf\xe9"],
        env={**clean_environment(tmp_path), **KEY},
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stdout) == (2, "")
    assert "the question is not UTF-8 text" in done.stderr
    assert upstream.connections == 0


# --- stopped in the middle -----------------------------------------------------------------------


@posix
@pytest.mark.parametrize(
    ("number", "code"),
    [
        pytest.param(signal.SIGINT, 130, id="interrupt"),
        pytest.param(signal.SIGTERM, 143, id="terminate"),
        pytest.param(getattr(signal, "SIGHUP", 1), 129, id="hang-up"),
    ],
)
@pytest.mark.parametrize("as_json", [False, True], ids=["text", "json"])
def test_a_signal_in_the_middle_settles_what_the_answer_cost_and_says_so(
    *, tmp_path: Path, upstream: Upstream, number: signal.Signals, code: int, as_json: bool
):
    configure(tmp_path, upstream)
    upstream.queue(unfinished("Hello"))
    arguments = ["chat", "hi", *(["--json"] if as_json else [])]
    with started(tmp_path, *arguments, stdin=subprocess.DEVNULL, **KEY) as process:
        if as_json:
            assert upstream.wait_for(lambda: bool(upstream.requests))
        else:
            assert read_until(process.stdout, "Hello") == "Hello"
        process.send_signal(number)
        out, errors = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (code, "" if as_json else "\n"), errors
    assert STOPPED.fullmatch(errors), errors
    (row,) = ledger_rows(tmp_path)
    assert (row["state"], row["outcome"], row["basis"]) == ("settled", "cancelled", "estimated")
    assert row["cost_nanodollars"] > 0


@posix
def test_an_ignored_signal_stays_ignored(tmp_path: Path, upstream: Upstream):
    configure(tmp_path, upstream)
    upstream.queue(Answer(body=ANSWER.body, content_type="text/event-stream", chunk_sizes=[200], delay_s=0.5))
    command = f'trap "" HUP; exec "{sys.executable}" -m farebox chat hi </dev/null'
    with subprocess.Popen(
        ["/bin/sh", "-c", command],
        env={**clean_environment(tmp_path), **KEY},
        stdout=subprocess.PIPE,
        encoding="utf-8",
    ) as process:
        assert upstream.wait_for(lambda: bool(upstream.requests))
        process.send_signal(signal.SIGHUP)
        out, _ = process.communicate(timeout=WAIT_S)
    assert (process.returncode, out) == (0, "Hello you.\n")


AGENTS = """
[agents.poet]
model = "box/poet"
system = "You rhyme."
"""


def test_an_agent_answers_in_its_own_way(tmp_path: Path, upstream: Upstream):
    def ask(*arguments: str, stdin: str | None = None) -> tuple[object, tuple[str, str]]:
        config = f'[providers.box]\nbase_url = "{upstream.base_url}"\n{AGENTS}'
        (tmp_path / "config.toml").write_text(config, "utf-8")
        done = run_farebox(tmp_path, "chat", *arguments, "--agent", "poet", stdin=stdin)
        assert (done.returncode, done.stdout != "") == (0, True), done.stderr
        return upstream.requests[-1].json["model"], messages(upstream)[0]

    assert ask("hi") == ("poet", ("system", "You rhyme."))
    assert ask("hi", "--model", "box/other") == ("other", ("system", "You rhyme."))
    words = {"messages": [{"role": "system", "content": "Prose."}, {"role": "user", "content": "hi"}]}
    assert ask("--json-standard", "openai", stdin=json.dumps(words)) == ("poet", ("system", "Prose."))


@pytest.mark.parametrize("command", ["chat", "route"])
def test_an_agent_that_is_none_is_a_usage_error(tmp_path: Path, upstream: Upstream, command: str):
    (tmp_path / "config.toml").write_text(AGENTS, "utf-8")
    done = run_farebox(tmp_path, command, "hi", "--agent", "pot")
    assert (done.returncode, done.stdout) == (2, "")
    assert "there is no agent pot" in done.stderr
    assert "Known: poet." in done.stderr
    assert upstream.requests == []
