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

from farebox.config import load
from support.simulated import simulated_in_thread

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text("utf-8")
INSTALL, TEST = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)[:2]
RUN_ELSEWHERE = {INSTALL: "test_the_first_command…", TEST: "this very run"}
FRESH_INSTALL_AND_DEMO_S = 90


def shell_lines() -> list[str]:
    """Return every command in a shell block, without its comment."""
    blocks = re.findall(r"```sh\n(.*?)\n```", README, re.DOTALL)
    lines = [
        line.partition("   #")[0].partition(" # ")[0].strip()
        for block in blocks
        for line in block.split("\n")
    ]
    return [line for line in lines if line and line not in RUN_ELSEWHERE]


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
        (tmp_path / "src" / "app.py").write_text("# a line\n" * 11 + "x = \n")
        bin_folder = Path(sys.executable).parent
        yield {
            "PATH": f"{bin_folder}{os.pathsep}{os.environ['PATH']}",
            "HOME": str(tmp_path),
            "FAREBOX_HOME": str(tmp_path / "home"),
            "FAREBOX_CONFIG": str(config),
        }


@pytest.mark.parametrize("line", shell_lines())
def test_a_command_of_the_readme_works(line: str, environment: dict[str, str], tmp_path: Path) -> None:
    done = subprocess.run(
        ["bash", "-c", line],
        check=False,
        env=environment,
        cwd=tmp_path,
        input="sk-or-example-0123456789\n",
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


def test_the_settings_of_the_readme_are_valid(tmp_path: Path) -> None:
    (block,) = re.findall(r"```toml\n(.*?)\n```", README, re.DOTALL)
    file = tmp_path / "config.toml"
    file.write_text(block, "utf-8")
    assert tomllib.loads(block)
    assert load(environment={}, user_file=file).budgets.daily_usd == 5


def test_ci_runs_the_test_command_of_the_readme() -> None:
    script = (ROOT / ".ci" / "run").read_text("utf-8")
    install, test = TEST.split(" && ")
    assert shlex.split(install)[-1] in script
    assert test in script


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_the_first_command_installs_and_runs_the_demo_in_a_fresh_clone(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    clone = tmp_path / "clone"
    listed = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    files = subprocess.run(listed, cwd=ROOT, capture_output=True, text=True, check=True).stdout.split("\n")
    for name in filter(None, files):
        if (ROOT / name).is_file():
            (clone / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, clone / name)
    kept = ("PATH", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_CONFIG_FILE", "HOME")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    started = time.monotonic()
    done = subprocess.run(
        ["bash", "-c", INSTALL],
        check=False,
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        timeout=500,
    )
    took_s = time.monotonic() - started
    assert done.returncode == 0, done.stderr
    assert "What it cost" in done.stdout
    with capsys.disabled():
        print(f"\ninstall and demo in a fresh clone: {took_s:.0f} s (target: {FRESH_INSTALL_AND_DEMO_S})")
