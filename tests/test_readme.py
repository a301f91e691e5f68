"""Every command of the README is run: a newcomer's first minutes must not depend on our memory."""

import os
import re
import shlex
import shutil
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from farebox.completion_settings import CompletionSettings
from farebox.config import load
from support.guard.sitecustomize import LOG, watched
from support.patience import WAIT_S
from support.simulated import simulated_in_thread
from support.vscode_extension import installation, node

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
INSTALL, TEST = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)[:2]
VSCODE = re.findall(r"### VS Code\n.*?```sh\n(.*?)\n```", README, re.DOTALL)[0]
FRESH_INSTALL_AND_DEMO_S = 90
FOR_INSTALLERS = ("PATH", "HOME", "XDG_CACHE_HOME", "XDG_CONFIG_HOME", "NODE_EXTRA_CA_CERTS")
INSTALLERS_OWN = ("PIP_", "npm_config_", "NPM_CONFIG_")


def commands(block: str) -> list[str]:
    """Return every command of a shell block, without its comment."""
    lines = [line.partition("   #")[0].partition(" # ")[0].strip() for line in block.split("\n")]
    return [line for line in lines if line]


RUN_ELSEWHERE = {
    INSTALL: "test_the_first_command…",
    TEST: "this very run",
    **dict.fromkeys(commands(VSCODE), "test_the_extension_is_packaged…"),
}


def shell_lines() -> list[str]:
    """Return every command in a shell block that is not run by a test of its own."""
    blocks = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)
    return [line for block in blocks for line in commands(block) if line not in RUN_ELSEWHERE]


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """A user whose chat and completion go to the simulated provider."""
    with simulated_in_thread() as base_url:
        config = tmp_path / "config.toml"
        config.write_text(
            f'[providers.simulated]\nbase_url = "{base_url}"\n'
            '[tasks]\nchat = "simulated/echo"\ncomplete = "simulated/echo"\nplan = "simulated/echo"\n'
        )
        (tmp_path / "src").mkdir()
        source = tmp_path / "src" / "app.py"
        source.write_text("# a line\n" * 11)
        subprocess.run(["git", "init", "-q"], cwd=tmp_path, check=True)
        subprocess.run(["git", "add", source], cwd=tmp_path, check=True)
        source.write_text("# a line\n" * 11 + "x = \n")
        bin_folder = Path(sys.executable).parent
        yield watched(
            {
                "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
                "HOME": str(tmp_path),
                "FAREBOX_HOME": str(tmp_path / "home"),
                "FAREBOX_CONFIG": str(config),
            }
        )


@pytest.mark.parametrize("line", shell_lines())
def test_a_command_of_the_readme_works(line: str, environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-o", "pipefail", "-c", line],
        check=False,
        env=environment,
        cwd=tmp_path,
        input="sk-or-example-0123456789\n",
        capture_output=True,
        text=True,
        timeout=WAIT_S,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_the_settings_of_the_readme_are_valid(tmp_path: Path) -> None:
    every, completion = re.findall(r"```toml\n(.*?)\n```", README, re.DOTALL)
    file = tmp_path / "config.toml"
    file.write_text(every, "utf-8")
    assert tomllib.loads(every)
    assert load(environment={}, user_file=file).budgets.daily_usd == 5
    file.write_text(completion, "utf-8")
    assert load(environment={}, user_file=file).completion.disabled_files == ["*.lock"]
    assert set(tomllib.loads(completion)["completion"]) == set(CompletionSettings.model_fields)


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    install, test = TEST.split(" && ")
    assert shlex.split(install)[-1] in script
    assert test in script


def newcomers_environment(folder: Path) -> dict[str, str]:
    """What pip and npm need of this machine (their settings may lie in HOME), and a farebox never used."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if name in FOR_INSTALLERS or name.startswith(INSTALLERS_OWN)
    }
    return {
        **kept,
        "FAREBOX_HOME": str(folder / "farebox"),
        "FAREBOX_CONFIG": str(folder / "config.toml"),
    }


@pytest.mark.skipif(os.name != "posix", reason="elsewhere another HOME leads to the same user's data")
def test_a_newcomer_has_no_key_and_no_setting_of_the_developer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    developers = tmp_path / "developer"
    developers.mkdir()
    monkeypatch.setenv("HOME", str(developers))
    for name in ("XDG_DATA_HOME", "XDG_CONFIG_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("OPENROUTER_API_KEY", "sk-or-example-0123456789")
    farebox = [sys.executable, "-m", "farebox"]
    login = [*farebox, "auth", "login", "openai"]
    subprocess.run(
        login, cwd=developers, input="sk-example-0123456789\n", text=True, check=True, timeout=WAIT_S
    )
    for settings, words in ((os.environ, "from "), (watched(newcomers_environment(tmp_path)), "none; ")):
        done = subprocess.run(
            [*farebox, "auth", "list"],
            env=settings,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=True,
            timeout=WAIT_S,
        )
        where = dict(line.split(maxsplit=1) for line in done.stdout.splitlines())
        assert where["openai"].startswith(words)
        assert where["openrouter"].startswith(words)


def fresh_clone(folder: Path) -> Path:
    """Return a copy of what git has, or would have, of this repository."""
    clone = folder / "clone"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    return clone


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(600)
def test_the_first_command_installs_and_runs_the_demo_in_a_fresh_clone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It measures how long that takes and prints it; the network is no test's business."""
    clone = fresh_clone(tmp_path)
    started = time.monotonic()
    done = subprocess.run(
        ["bash", "-c", INSTALL],
        check=False,
        cwd=clone,
        env={**newcomers_environment(tmp_path), LOG: ""},  # it may use the network
        capture_output=True,
        text=True,
        timeout=500,
    )
    took_s = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    assert "What it cost" in done.stdout
    with capsys.disabled():
        print(f"\ninstall and demo in a fresh clone: {took_s:.0f} s (target: {FRESH_INSTALL_AND_DEMO_S})")


@pytest.mark.slow
@pytest.mark.network
@pytest.mark.timeout(600)
def test_the_extension_is_packaged_in_a_fresh_clone_and_installed_into_vs_code(tmp_path: Path) -> None:
    programs, extensions = tmp_path / "bin", tmp_path / "extensions"
    programs.mkdir()
    words = [node(), installation() / "vscode" / "out" / "server-main.js", "--accept-server-license-terms"]
    folders = ["--server-data-dir", tmp_path / "server", "--extensions-dir", extensions]
    code = programs / "code"
    code.write_text(f'#!/bin/sh\nexec {shlex.join(map(str, [*words, *folders]))} "$@"\n', "utf-8")
    code.chmod(0o755)
    settings = newcomers_environment(tmp_path)
    path = os.pathsep.join([str(programs), str(Path(sys.executable).parent), settings["PATH"]])
    done = subprocess.run(
        ["bash", "-e", "-c", VSCODE],
        check=False,
        cwd=fresh_clone(tmp_path),
        env={**settings, "PATH": path, LOG: ""},  # it may use the network
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    (installed,) = extensions.glob("farebox.farebox-*")
    assert (installed / "dist" / "extension.js").is_file()
    assert len(list((installed / "server").glob("farebox-*.whl"))) == 1
