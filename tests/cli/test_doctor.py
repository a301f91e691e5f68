"""``farebox doctor``: its exit code is its summary."""

import json
import subprocess
import sys
from pathlib import Path

from farebox.lsp.methods import DoctorResult
from support.environment import clean_environment
from support.upstream import Upstream, json_answer


def run(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "farebox", "doctor", *arguments],
        env=clean_environment(folder),
        cwd=folder,
        capture_output=True,
        encoding="utf-8",
        timeout=60,
        check=False,
    )


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
