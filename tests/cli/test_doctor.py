"""``farebox doctor``: its exit code is its summary."""

import json
import subprocess
from pathlib import Path

import pytest

from farebox.lsp.methods import DoctorResult
from support.command import run_farebox
from support.upstream import Answer, Upstream, json_answer, openrouter_stream


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return run_farebox(folder, "doctor", *arguments)


def test_what_is_well_is_ok(tmp_path: Path):
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/models", json_answer({"data": [{"id": "mine"}]}))
        config = f'[tasks]\nchat = "box/mine"\n[providers.box]\nbase_url = "{upstream.base_url}"\n'
        (tmp_path / "config.toml").write_text(config, "utf-8")
        done = run(tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert "ok       chat: box/mine (set for the task chat)" in done.stdout
    assert "ok       provider box: answers" in done.stdout


def test_what_is_not_is_an_error_with_a_hint_below(tmp_path: Path):
    (tmp_path / "config.toml").write_text("[privacy]\nlocal_olny = true\n", "utf-8")
    done = run(tmp_path)
    assert done.returncode == 1
    config, hint = done.stdout.splitlines()[1:3]
    assert config.startswith("ERROR    config: ")
    assert config.endswith("config.toml, line 2: unknown key privacy.local_olny")
    assert hint == "         -> Did you mean local_only?"


def test_json_is_the_result_of_the_protocol(tmp_path: Path):
    done = run(tmp_path, "--json")
    table = json.loads(done.stdout)
    assert DoctorResult.model_validate(table).json_value() == table
    assert done.returncode == 1
    assert {check["name"]: check["state"] for check in table["checks"]}["chat"] == "error"


@pytest.mark.parametrize(
    ("config", "workspace", "said"),
    [
        pytest.param("", "", "tightens nothing", id="an-empty-one"),
        pytest.param(
            "[budgets]\ndaily_usd = 2\nmonthly_usd = 9\n",
            "[budgets]\ndaily_usd = 1.5\nmonthly_usd = 10\n",
            "tightens: a daily budget of $1.50",
            id="budgets",
        ),
        pytest.param(
            "",
            '[privacy]\nlocal_only = true\nexclude = ["a", "b"]\n'
            '[completion]\ndisabled_languages = ["c", "d"]\n',
            "tightens: local-only mode; 2 patterns of files that stay here; no completion for c, d",
            id="privacy-and-languages",
        ),
        pytest.param("", "[completion]\nenabled = false\n", "tightens: no completion", id="completion"),
    ],
)
def test_the_workspace_file_in_effect_is_named_with_what_it_tightens(
    tmp_path: Path, config: str, workspace: str, said: str
):
    (tmp_path / "config.toml").write_text(config, "utf-8")
    (tmp_path / ".farebox.toml").write_text(workspace, "utf-8")
    lines = run(tmp_path).stdout.splitlines()
    assert f"ok       workspace: {tmp_path / '.farebox.toml'} {said}" in lines
    is_off = f"         -> Take [completion] enabled out of {tmp_path / '.farebox.toml'}." in lines
    assert is_off == ("enabled" in workspace)


def test_without_a_workspace_file_none_is_named(tmp_path: Path):
    assert "workspace:" not in run(tmp_path).stdout


def test_a_hint_is_given_once_and_never_to_run_the_doctor(tmp_path: Path):
    done = run(tmp_path)
    assert "ERROR    chat: no model provider is set up" in done.stdout
    assert "warning  complete: no model provider is set up" in done.stdout
    hints = [line for line in done.stdout.splitlines() if "-> Set a key" in line]
    assert len(hints) == 1
    assert hints[0].endswith("FAREBOX_LOCAL_BASE_URL=http://127.0.0.1:8080/v1.")
    assert "farebox doctor" not in done.stdout


def test_a_damage_of_the_ledger_is_a_warning_until_it_is_accepted(tmp_path: Path):
    run(tmp_path)
    ledger = next(tmp_path.rglob("ledger.db"))
    ledger.write_bytes(b"no database " * 500)
    warned = run(tmp_path)
    assert "warning  ledger: " in warned.stdout
    assert "was damaged: 0 requests of ledger.db could be saved" in warned.stdout
    assert "wait until the budgets reset, or let what was saved count" in warned.stdout
    assert "farebox doctor --accept-damage" in warned.stdout
    assert "ok       ledger: " in run(tmp_path, "--accept-damage").stdout
    assert "ok       ledger: " in run(tmp_path).stdout
    assert ledger.read_bytes() == b"no database " * 500


def test_a_probe_asks_only_when_it_is_asked_for(tmp_path: Path):
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/models", json_answer({"data": [{"id": "mine"}]}))
        usage = {"prompt_tokens": 90, "completion_tokens": 8}
        stream = openrouter_stream("<COMPLETION>handle</COMPLETION>", usage)
        upstream.answer("/v1/chat/completions", Answer(body=stream, content_type="text/event-stream"))
        config = f'[tasks]\ncomplete = "box/mine"\n[providers.box]\nbase_url = "{upstream.base_url}"\n'
        (tmp_path / "config.toml").write_text(config, "utf-8")
        run(tmp_path)
        assert [request.path for request in upstream.requests] == ["/v1/models"]
        done = run(tmp_path, "--probe")
    assert "warning  completion form: box/mine: chat 1 of 3 right, in use; suffix failed (" in done.stdout
