"""``farebox replay``: one line for each policy, what stays as it was in words, and the same as JSON."""

import json
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import get_args

import pytest

from farebox.cli.main import main
from farebox.cli.replay import describe
from farebox.router.replay import POLICIES, Outcome, Reason, Replay
from farebox.shapes import ReplayShape
from support.command import run_farebox
from support.upstream import Answer, Upstream, openrouter_stream

KEY = {"OPENROUTER_API_KEY": "k"}


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_farebox(folder, *arguments, environment=KEY)


@pytest.fixture(scope="module")
def spent(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder where ``auto`` was asked twice, a model by name, and one without a known price."""
    folder = tmp_path_factory.mktemp("spent")
    with Upstream.in_thread() as upstream:
        stream = openrouter_stream("Hi", {"prompt_tokens": 3_000, "completion_tokens": 800})
        upstream.answer("/v1/chat/completions", Answer(body=stream, content_type="text/event-stream"))
        config = (
            f'[providers.openrouter]\nbase_url = "{upstream.base_url}"\n'
            f'[providers.box]\nbase_url = "{upstream.base_url}"\n'
        )
        (folder / "config.toml").write_text(config, "utf-8")
        named = ["openrouter/openai/gpt-5-mini", "box/mystery"]
        for arguments in (["--task", "plan"], [], *(["--model", name] for name in named)):
            done = run(folder, "chat", "hi", *arguments)
            assert done.returncode == 0, done.stderr
    return folder


def test_every_policy_has_a_line(spent: Path):
    done = run(spent, "replay")
    assert (done.returncode, done.stderr) == (0, "")
    first, _, head, *rows = done.stdout.splitlines()
    assert first.startswith("4 requests since 20")
    assert head.split() == ["policy", "replanned", "cost", "compared", "with", "what", "was", "paid"]
    assert [row.split()[:2] for row in rows[:4]] == [
        ["cheap", "2"],
        ["balanced", "2"],
        ["quality", "2"],
        ["strongest", "3"],
    ]
    assert "the same" in rows[1]
    assert rows[3].endswith("%)")
    points = {row.index(".") for row in rows[:4]}
    assert len(points) == 1


def test_what_stays_as_it_was_is_said_in_words(spent: Path):
    text = run(spent, "replay").stdout
    assert "cheap, balanced, quality: 2 requests stay as they were:\n" in text
    assert "\n  1 named a model, or a list of them\n" in text
    assert "\n  1 without a known price (box/mystery)\n" in text
    assert "strongest: 1 request stays as it was:\n" in text
    assert "saved." in text
    assert max(map(len, text.splitlines())) <= 110


def test_one_policy_alone_can_be_asked_for(spent: Path):
    rows = run(spent, "replay", "--strategy", "cheap").stdout.splitlines()[3:]
    assert rows[0].startswith("cheap ")
    assert rows[1] == ""


def test_json_has_all_of_it_and_agrees_with_the_report(spent: Path):
    found = json.loads(run(spent, "replay", "--since", "today", "--json").stdout)
    assert ReplayShape.model_validate(found).json_value() == found
    assert [one["strategy"] for one in found["strategies"]] == list(POLICIES)
    report = json.loads(run(spent, "costs", "--since", "today", "--format", "json").stdout)
    total = report["total"]
    assert (found["requests"], found["usd"], found["savedUsd"]) == (4, total["usd"], total["savedUsd"])
    assert found["since"] == report["since"]
    assert found["strategies"][-1]["differenceUsd"] == total["savedUsd"]
    assert found["strategies"][0]["kept"] == {"named": 1, "unpriced": 1}
    assert found["unpriced"] == ["box/mystery"]
    models = {one["model"]: one for one in found["strategies"][0]["models"]}
    assert models["box/mystery"]["recorded"] == {"requests": 1, "usd": None}


def test_nothing_recorded_is_said_to_be_so(tmp_path: Path):
    done = run(tmp_path, "replay")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("No requests since 20")
    assert len(done.stdout.splitlines()) == 1


def test_another_workspace_has_requests_of_its_own(spent: Path):
    (spent / "sub" / ".git").mkdir(parents=True, exist_ok=True)
    assert run(spent, "replay", "--workspace", "sub").stdout.startswith("No requests since")
    assert run(spent, "replay", "--workspace", ".").stdout.startswith("4 requests since")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        pytest.param(["--since", "sometime"], "'sometime' is no moment in time", id="since"),
        pytest.param(["--since", "today", "--until", "yesterday"], "no time between", id="backwards"),
        pytest.param(["--workspace", ""], "empty name", id="no-workspace"),
    ],
)
def test_what_cannot_be_asked_is_said(refusal: Callable[..., str], arguments: list[str], words: str):
    assert words in refusal("replay", *arguments)


def test_an_unknown_strategy_is_a_usage_error_that_names_all(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        main(["replay", "--strategy", "best"])
    assert caught.value.code == 2
    error = capsys.readouterr().err
    assert all(policy in error for policy in POLICIES)


def a_replay(**changed: object) -> Replay:
    outcome = Outcome("cheap", 3, (), 250_000_000, -750_000_000, ())
    values: dict[str, object] = {
        "since_ms": round(datetime(2026, 3, 1, tzinfo=UTC).timestamp() * 1000),
        "until_ms": None,
        "requests": 3,
        "nanodollars": 1_000_000_000,
        "baseline_nanodollars": 4_000_000_000,
        "saved_nanodollars": 3_000_000_000,
        "unpriced": (),
        "outcomes": (outcome,),
    }
    return Replay(**(values | changed))  # type: ignore[arg-type]


def test_a_difference_has_its_sign_and_its_share():
    dearer = Outcome("quality", 3, (), 1_500_000_000, 500_000_000, ())
    same = Outcome("balanced", 3, (), 1_000_000_000, 0, ())
    cheaper = a_replay().outcomes[0]
    lines = describe(a_replay(outcomes=(cheaper, same, dearer)))
    assert "-$0.75 (-75.0%)" in lines[3]
    assert lines[4].endswith("the same")
    assert "+$0.50 (+50.0%)" in lines[5]
    assert "Paid: $1.00. At the strongest model the same tokens come to $4.00: $3.00 saved." in lines


def test_what_is_not_known_is_no_zero():
    unknown = Outcome("cheap", 0, (("unpriced", 3),), None, None, ())
    names = tuple(f"box/m{number}" for number in range(7))
    lines = describe(a_replay(nanodollars=None, unpriced=names, outcomes=(unknown,)))
    assert lines[3].split() == ["cheap", "0", "unknown", "unknown"]
    assert "What was paid is not known." in lines
    assert "  3 without a known price (box/m0, box/m1, box/m2, box/m3, box/m4, …)" in lines
    assert not any("$0" in line for line in lines)


def test_nothing_paid_has_no_share():
    free = Outcome("quality", 1, (), 5, 5, ())
    lines = describe(
        a_replay(nanodollars=0, baseline_nanodollars=None, saved_nanodollars=None, outcomes=(free,))
    )
    assert lines[3].endswith("+$0.000000005")
    assert "Paid: $0.00." in lines


@pytest.mark.parametrize("reason", get_args(Reason))
def test_every_reason_has_its_words(reason: Reason):
    kept = Outcome("cheap", 0, ((reason, 1),), 1, 0, ())
    lines = describe(a_replay(outcomes=(kept,)))
    (said,) = [line for line in lines if line.startswith("  1 ")]
    assert len(said.split()) > 1


def test_a_name_cannot_move_the_cursor(capsys: pytest.CaptureFixture[str]):
    kept = Outcome("cheap", 0, (("unpriced", 1),), None, None, ())
    from farebox.cli.terminal import show

    for line in describe(a_replay(unpriced=("box/\x1b[31mred",), outcomes=(kept,))):
        show(line)
    assert "\x1b" not in capsys.readouterr().out
