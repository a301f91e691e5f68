"""``farebox route``: where a question would go, without asking anyone."""

import json
import re
import subprocess
from pathlib import Path
from typing import get_args

import pytest

from farebox.cli.main import main
from farebox.cli.route import describe
from farebox.messages import Candidate, Estimate, Route, Target, Task
from farebox.shapes import RouteShape
from support.command import run_farebox
from support.upstream import Upstream


def run(folder: Path, *arguments: str, key: str = "") -> subprocess.CompletedProcess[str]:
    return run_farebox(folder, "route", *arguments, environment={"OPENROUTER_API_KEY": key})


def a_chain(folder: Path, address: str) -> None:
    config = f'[tasks]\nchat = ["openai/gpt-5", "box/m", "box/n"]\n[providers.box]\nbase_url = "{address}"\n'
    (folder / "config.toml").write_text(config, "utf-8")


def test_it_says_where_why_and_what_else(tmp_path: Path):
    with Upstream.in_thread() as upstream:
        a_chain(tmp_path, upstream.base_url)
        done = run(tmp_path, "how", "are", "you?")
        assert upstream.connections == 0
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "box/m: set for the task chat",
        "task chat (nothing tells another), phase act, low complexity",
        "price unknown",
        "  dropped   openai/gpt-5  no key for openai",
        "  chosen    box/m         set for the task chat",
        "  fallback  box/n         set for the task chat",
    ]


def test_json_is_the_route_of_the_protocol(tmp_path: Path):
    a_chain(tmp_path, "http://127.0.0.1:9/v1")
    done = run(tmp_path, "--json", "--task", "complete", "--model", "box/fast")
    table = json.loads(done.stdout)
    assert RouteShape.model_validate(table).json_value() == table
    assert (table["task"], table["model"], table["requested"]) == ("complete", "box/fast", "box/fast")
    assert "attempts" not in table


def test_a_task_that_is_none_is_said_with_those_that_are(capsys: pytest.CaptureFixture[str]):
    for command in ("route", "chat"):
        with pytest.raises(SystemExit) as caught:
            main([command, "--task", "sing"])
        assert caught.value.code == 2
        printed = capsys.readouterr().err
        assert printed.startswith(f"usage: farebox {command} [-h]")
        assert "invalid choice: 'sing'" in printed
        assert all(f"'{task}'" in printed for task in get_args(Task))


@pytest.mark.parametrize("text", ["", " "])
def test_without_a_question_it_takes_an_example(tmp_path: Path, text: str):
    a_chain(tmp_path, "http://127.0.0.1:9/v1")
    done = run(tmp_path, text)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("box/m: ")


@pytest.mark.parametrize("arguments", [(), ("-",)])
def test_a_question_on_stdin_goes_where_the_chat_would_send_it(tmp_path: Path, arguments: tuple[str, ...]):
    question, keys = "make a plan for the migration to postgres", {"OPENROUTER_API_KEY": "k"}
    piped = run_farebox(tmp_path, "route", *arguments, stdin=question, environment=keys)
    assert "task plan (by its words)" in piped.stdout
    assert piped.stdout == run(tmp_path, question, key="k").stdout


def test_without_a_question_nothing_is_made_of_its_words(tmp_path: Path):
    assert "task chat (nothing tells another)" in run(tmp_path, key="k").stdout


def test_an_agent_has_a_route_of_its_own(tmp_path: Path):
    a_chain(tmp_path, "http://127.0.0.1:9/v1")
    with (tmp_path / "config.toml").open("a", encoding="utf-8") as file:
        file.write('[agents.poet]\nmodel = "box/poet"\n')
    assert json.loads(run(tmp_path, "hi", "--json", "--agent", "poet").stdout)["model"] == "box/poet"
    done = run(tmp_path, "hi", "--agent", "poet", "--model", "box/other")
    assert done.stdout.startswith("box/other: ")
    done = run(tmp_path, "--task", "complete", "--agent", "poet")
    assert (done.returncode, done.stdout) == (2, "")
    assert "tab completion has no agent" in done.stderr


TARGET = Target("openai", "gpt-5")


@pytest.mark.parametrize(
    ("estimate", "words"),
    [
        pytest.param(Estimate(213_000), "at most $0.000213", id="no-baseline"),
        pytest.param(
            Estimate(213_000, "a/b", 2_000_000),
            "at most $0.000213 (the strongest model, a/b: at most $0.002)",
            id="baseline",
        ),
        pytest.param(
            Estimate(213_000, "a/b", None),
            "at most $0.000213 (the strongest model, a/b: price unknown)",
            id="baseline-without-a-price",
        ),
        pytest.param(
            Estimate(213_000, "openai/gpt-5", 213_000),
            "at most $0.000213 (the strongest model that you could use)",
            id="the-same-model",
        ),
        pytest.param(Estimate(None), "price unknown", id="nothing-known"),
        pytest.param(
            Estimate(None, "a/b", 2_000_000),
            "price unknown (the strongest model, a/b: at most $0.002)",
            id="only-the-baseline-has-a-price",
        ),
        pytest.param(
            Estimate(None, "openai/gpt-5", None),
            "price unknown (the strongest model that you could use)",
            id="the-same-model-without-a-price",
        ),
        pytest.param(Estimate(0), "at most $0.00", id="free"),
    ],
)
def test_the_price_is_said_beside_the_strongest_models(estimate: Estimate, words: str):
    chosen = Candidate(TARGET, "chosen", "why")
    found = Route("m", "chat", "act", "low", "balanced", TARGET, "why", (), (chosen,), estimate)
    assert describe(found)[2] == words


def test_a_known_price_is_compared_with_the_strongest_model(tmp_path: Path):
    (tmp_path / "config.toml").write_text("", "utf-8")
    cheap = run(tmp_path, "hi", "--model", "openrouter/openai/gpt-4o-mini", key="sk-or-0123456789")
    price = cheap.stdout.splitlines()[2]
    strongest = re.fullmatch(r"at most \$0\.\d+ \(the strongest model, (\S+): at most \$\d\.\d+\)", price)
    assert strongest is not None, price
    same = run(tmp_path, "hi", "--model", strongest[1], key="sk-or-0123456789")
    assert same.stdout.splitlines()[2].endswith(" (the strongest model that you could use)")
