"""``farebox models``: what can be asked for, at what price."""

import json
import subprocess
from pathlib import Path

import pytest

from farebox.lsp.methods import ModelsResult
from support.command import run_farebox
from support.openrouter_models import entry
from support.openrouter_models import models as listed
from support.upstream import Answer, Upstream, json_answer


def run(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return run_farebox(folder, "models", *arguments, environment=environment)


def test_with_nothing_set_up_it_says_where_to_look(tmp_path: Path):
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (
        0,
        "No provider is set up. farebox doctor says what to do.\n",
    )


def test_each_model_has_a_line_and_what_is_unknown_a_dash_that_is_explained(tmp_path: Path):
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/models", json_answer({"data": [{"id": "mine"}]}))
        config = f'[providers.openai]\n[providers.box]\nbase_url = "{upstream.base_url}"\n'
        (tmp_path / "config.toml").write_text(config, "utf-8")
        done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    table, _, notes = done.stdout.partition("\n\n")
    lines = {line.split()[0]: line.split()[1:] for line in table.splitlines()}
    assert lines["model"] == ["context", "$/M", "in", "$/M", "out", "state", "capabilities"]
    assert lines["box/mine"] == ["–", "–", "–", "ready", "–"]  # noqa: RUF001
    assert lines["openai/gpt-5-mini"][:5] == ["400,000", "–", "–", "no", "key"]  # noqa: RUF001
    assert [line.partition(":")[0] for line in notes.splitlines()] == ["–", "no key"]  # noqa: RUF001
    assert "?" not in table


NOTHING_THERE = 'base_url = "http://127.0.0.1:9/v1"\n'


@pytest.mark.parametrize(
    ("config", "environment", "model", "state"),
    [
        pytest.param("[providers.openai]\n", {}, "openai/gpt-5", "no key", id="no-key"),
        pytest.param(
            "[providers.openai]\n",
            {"OPENAI_API_KEY": "two words"},
            "openai/gpt-5",
            "malformed key",
            id="bad-key",
        ),
        pytest.param("[providers.openai]\n", {"OPENAI_API_KEY": "k"}, "openai/gpt-5", "ready", id="a-key"),
        pytest.param(
            "[privacy]\nlocal_only = true\n",
            {"OPENAI_API_KEY": "k"},
            "openai/gpt-5",
            "not local",
            id="not-local",
        ),
        pytest.param("[providers.box]\n", {}, "box/default", "no address", id="no-address"),
        pytest.param(f"[providers.box]\n{NOTHING_THERE}", {}, "box/default", "no answer", id="no-answer"),
        pytest.param(f"[providers.local]\n{NOTHING_THERE}", {}, "local/default", "no answer", id="no-local"),
    ],
)
def test_the_state_of_a_model_says_whether_it_can_be_asked(
    tmp_path: Path, config: str, environment: dict[str, str], model: str, state: str
):
    (tmp_path / "config.toml").write_text(config, "utf-8")
    done = run(tmp_path, **environment)
    table, _, notes = done.stdout.partition("\n\n")
    at = table.index("state")
    (line,) = [line for line in table.splitlines() if line.split()[0] == model]
    assert line[at:].startswith(state)
    assert line[at - 2 : at].isspace()
    assert (f"\n{state}: " in f"\n{notes}") == (state != "ready")


@pytest.mark.parametrize(
    ("answer", "state"),
    [
        pytest.param(
            json_answer({"data": [{"id": "default"}]}), "ready", id="a-model-that-is-called-default"
        ),
        pytest.param(json_answer({"data": []}), "no model", id="nothing-served"),
        pytest.param(json_answer({"error": {"message": "no"}}, status=401), "key rejected", id="refused"),
    ],
)
def test_a_server_that_answers_is_running(tmp_path: Path, answer: Answer, state: str):
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/models", answer)
        config = f'[providers.box]\nbase_url = "{upstream.base_url}"\n'
        (tmp_path / "config.toml").write_text(config, "utf-8")
        done = run(tmp_path)
    assert f"  {state} " in done.stdout.splitlines()[1]


def test_json_is_the_result_of_the_protocol(tmp_path: Path):
    (tmp_path / "config.toml").write_text("[providers.openai]\n", "utf-8")
    table = json.loads(run(tmp_path, "--json").stdout)
    assert ModelsResult.model_validate(table).json_value() == table
    mini = next(model for model in table["models"] if model["id"] == "openai/gpt-5-mini")
    assert set(mini) == {
        "id",
        "provider",
        "contextWindow",
        "maxOutputTokens",
        "inputUsdPerMTok",
        "outputUsdPerMTok",
        "capabilities",
        "state",
    }
    assert mini["inputUsdPerMTok"] is None


def test_everything_that_openrouter_lists_is_shown_when_asked_for(tmp_path: Path):
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/models", json_answer(listed(entry("acme/new"))))
        config = f'[providers.openrouter]\nbase_url = "{upstream.base_url}"\n'
        (tmp_path / "config.toml").write_text(config, "utf-8")
        fetched = {"OPENROUTER_API_KEY": "sk-or-canary-0123", "FAREBOX_FETCH_MODELS": "on"}
        some, every = run(tmp_path, **fetched), run(tmp_path, "--all", **fetched)
        assert [request.path for request in upstream.requests] == ["/v1/models"], "the second reads the file"
    assert "openrouter/acme/new" not in some.stdout
    line = next(line for line in every.stdout.splitlines() if "openrouter/acme/new" in line)
    assert line.split()[1:4] == ["100,000", "3", "15"]
