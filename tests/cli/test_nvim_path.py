"""``farebox nvim-path``: the plugin that belongs to this farebox, without delay."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import farebox
from farebox.cli.nvim_path import data_folder, plugin_of
from support.command import run_farebox
from support.environment import clean_environment
from support.guard.sitecustomize import watched
from support.patience import WAIT_S

CLONE = Path(__file__).parents[2] / "editor-clients" / "neovim"
SLOW = ("argparse", "asyncio", "pydantic", "farebox.messages", "farebox.unseen")


def test_it_prints_the_plugins_folder_and_nothing_else(tmp_path: Path):
    done = run_farebox(tmp_path, "nvim-path")
    assert (done.returncode, done.stdout, done.stderr) == (0, f"{CLONE}\n", "")
    assert "print the folder" in run_farebox(tmp_path, "--help").stdout
    refused = run_farebox(tmp_path, "nvim-path", "--where")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert refused.stderr.startswith("usage: farebox nvim-path [-h]")


def test_a_wheels_own_plugin_comes_before_a_clone(tmp_path: Path):
    package, clone = tmp_path / "server" / "farebox", tmp_path / "editor-clients" / "neovim"
    assert plugin_of(package) is None
    for folder in (clone, package / "neovim"):
        (folder / "plugin").mkdir(parents=True)
        assert plugin_of(package) != folder, "an empty folder is no plugin"
        (folder / "plugin" / "farebox.lua").touch()
        assert plugin_of(package) == folder


def test_a_farebox_without_its_plugin_says_so(tmp_path: Path):
    package = tmp_path / "somewhere" / "farebox"
    shutil.copytree(Path(farebox.__file__).parent, package, ignore=shutil.ignore_patterns("__pycache__"))
    environment = watched({"PYTHONPATH": str(package.parent)})
    done = run_farebox(tmp_path, "nvim-path", environment=environment)
    assert (done.returncode, done.stdout) == (1, "")
    message, hint = done.stderr.splitlines()
    assert message == "farebox: the Neovim plugin is not beside this farebox"
    assert hint.startswith("  Install farebox anew")


def test_a_link_has_neovim_find_the_plugin_and_is_renewed(tmp_path: Path):
    environment = {"XDG_DATA_HOME": str(tmp_path / "data"), "NVIM_APPNAME": "mine"}
    link = data_folder(environment) / "site" / "pack" / "farebox" / "start" / "farebox"
    for _ in range(2):
        done = run_farebox(tmp_path, "nvim-path", "--link", environment=environment)
        assert (done.returncode, done.stdout, done.stderr) == (0, f"{link}\n", "")
        assert link.resolve() == CLONE
    link.unlink()
    link.symlink_to(tmp_path / "an installation that is gone")
    assert run_farebox(tmp_path, "nvim-path", "--link", environment=environment).returncode == 0
    assert link.resolve() == CLONE


def test_what_is_no_link_of_ours_is_left_alone(tmp_path: Path):
    theirs = data_folder({"XDG_DATA_HOME": str(tmp_path)}) / "site" / "pack" / "farebox" / "start" / "farebox"
    (theirs / "plugin").mkdir(parents=True)
    done = run_farebox(tmp_path, "nvim-path", "--link", environment={"XDG_DATA_HOME": str(tmp_path)})
    assert (done.returncode, done.stdout) == (1, "")
    assert "there is something else already" in done.stderr
    assert (theirs / "plugin").is_dir()


def test_neovims_start_waits_for_nothing_that_it_can_do_without(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "farebox", "nvim-path"],
        env=clean_environment(tmp_path),
        capture_output=True,
        encoding="utf-8",
        timeout=WAIT_S,
        check=True,
    )
    imported = {line.rpartition("|")[2].strip() for line in done.stderr.splitlines()}
    assert "farebox.cli.nvim_path" in imported
    assert [name for name in SLOW if name in imported] == []


def test_the_plugin_has_the_version_of_its_server():
    text = (CLONE / "lua" / "farebox" / "version.lua").read_text("utf-8")
    assert re.findall(r'^return "(.*)"$', text, re.MULTILINE) == [farebox.__version__]
