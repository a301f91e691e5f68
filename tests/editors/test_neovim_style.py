"""The Lua of the Neovim plugin and of its tests: one style, and nothing that luacheck calls a mistake."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.neovim import PLUGIN, REPOSITORY
from support.patience import WAIT_S
from support.programs import missing

pytestmark = pytest.mark.gate

TESTS = REPOSITORY / "tests"
CHECKED = [PLUGIN, TESTS / "editors", TESTS / "e2e"]


def check(tool: str, *arguments: str | Path) -> None:
    """Let a tool that stands beside this Python, or on the PATH, find nothing."""
    beside = os.pathsep.join((str(Path(sys.executable).parent), os.environ.get("PATH", os.defpath)))
    program = shutil.which(tool, path=beside) or missing(f"needs {tool}")
    done = subprocess.run(
        [program, *arguments],
        cwd=REPOSITORY,
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, f"\n{done.stdout}\n{done.stderr}"


def test_it_is_formatted() -> None:
    check("stylua", "--check", "--config-path", PLUGIN / "stylua.toml", *CHECKED)


def test_luacheck_has_no_complaint() -> None:
    check("luacheck", "-q", "--no-color", "--config", PLUGIN / ".luacheckrc", *CHECKED)
