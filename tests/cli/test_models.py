"""``farebox models``: what can be asked for, at what price."""

import json
import subprocess
import sys
from pathlib import Path

from farebox.lsp.methods import ModelsResult
from support.environment import clean_environment
from support.upstream import Upstream, json_answer


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "farebox", "models", *arguments],
        env=clean_environment(folder),
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


def test_with_nothing_set_up_it_says_where_to_look(tmp_path: Path):
    done = run(tmp_path)
    assert (done.returncode, done.stdout) == (
        0,
        "No provider is set up. farebox doctor says what to do.\n",
    )


def test_each_model_has_a_line_and_what_is_unknown_a_question_mark(tmp_path: Path):
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/models", json_answer({"data": [{"id": "mine"}]}))
        config = f'[providers.openai]\n[providers.box]\nbase_url = "{upstream.base_url}"\n'
        (tmp_path / "config.toml").write_text(config, "utf-8")
        done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    lines = {line.split()[0]: line.split()[1:] for line in done.stdout.splitlines()}
    assert lines["model"] == ["context", "$/M", "in", "$/M", "out", "capabilities"]
    assert lines["box/mine"] == ["?", "?", "?"]
    assert lines["openai/gpt-5-mini"][0] == "400,000"
    assert lines["openai/gpt-5-mini"][-1] == "[missingKey]"


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
