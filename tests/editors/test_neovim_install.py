"""The Neovim plugin as users get it: from a wheel by ``farebox nvim-path``, or from a clone."""

import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import textwrap
import time
from pathlib import Path
from zipfile import ZipFile

import pytest

import farebox
from support.environment import clean_environment
from support.guard.sitecustomize import watched
from support.neovim import NEWEST, PLUGIN, REPOSITORY, Editor, attached, neovim, own_folders
from support.patience import WAIT_S

FOLDERS = {"doc", "lsp", "lua", "plugin"}

INIT = """\
vim.opt.rtp:prepend(vim.trim(vim.fn.system({ "farebox", "nvim-path" })))
require("farebox").setup({})
"""
"""What the manual tells who wants no link."""

MANAGED = """\
vim.opt.rtp:prepend(vim.env.CLONE .. "/editor-clients/neovim")
vim.cmd.runtime("plugin/farebox.lua")
require("farebox").setup({})
"""
"""And who has a plugin manager, which has cloned the repository: it may run after the start."""

LOOK = """\
local saw = {
  command = vim.fn.exists(":Farebox"),
  map = vim.fn.maparg("<Plug>(farebox-accept)", "i", false, true).desc,
  found = vim.api.nvim_get_runtime_file("lsp/farebox.lua", true),
}
vim.wait(tonumber(vim.env.WAIT_MS), function()
  saw.server = (vim.lsp.get_clients({ name = "farebox", bufnr = 0 })[1] or {}).server_info
  return saw.server
end, 5)
vim.cmd.help("farebox")
saw.help = vim.api.nvim_buf_get_name(0)
saw.messages = vim.fn.execute("messages")
vim.fn.writefile({ vim.json.encode(saw) }, vim.env.SAW)
"""

NOTE_ACCEPTED = """
vim.api.nvim_create_autocmd('User', { pattern = 'FareboxGhostAccepted', callback = function(event)
  accepted_id = event.data.id
end })
"""

LOAD = "autocmd VimEnter * luafile {}"
LOOK_AND_END = """\
autocmd VimEnter * lua vim.schedule(function()
  local is_fine, trouble = pcall(dofile, "{}")
  if not is_fine then io.stderr:write(trouble) end
  vim.cmd("qall!")
end)
""".replace("\n", " ")


def build(target: str, source: Path, folder: Path) -> Path:
    """Build a wheel or an sdist, with what is installed."""
    command = [sys.executable, "-m", "hatchling", "build", "--target", target, "--directory", folder]
    done = subprocess.run(
        command, cwd=source, capture_output=True, encoding="utf-8", timeout=2 * WAIT_S, check=False
    )
    assert done.returncode == 0, done.stderr
    (built,) = folder.glob("*.whl" if target == "wheel" else "*.tar.gz")
    return built


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A wheel of the files as they are."""
    return build("wheel", REPOSITORY, tmp_path_factory.mktemp("wheel"))


def names(wheel: Path) -> set[str]:
    return set(ZipFile(wheel).namelist())


def test_the_wheel_has_the_whole_plugin_and_nothing_else_of_it(wheel: Path) -> None:
    top = "farebox/neovim/"
    packed = {name.removeprefix(top) for name in names(wheel) if name.startswith(top)}
    files = {path.relative_to(PLUGIN).as_posix() for path in PLUGIN.rglob("*") if path.is_file()}
    assert packed == {name for name in files if "/" in name}
    assert {name.partition("/")[0] for name in packed} == FOLDERS
    assert {"plugin/farebox.lua", "lsp/farebox.lua", "doc/farebox.txt", "doc/tags"} <= packed
    assert {name.partition("/")[0].partition("-")[0] for name in names(wheel)} == {"farebox"}


def test_a_wheel_made_from_the_sdist_is_the_same(wheel: Path, tmp_path: Path) -> None:
    with tarfile.open(build("sdist", REPOSITORY, tmp_path)) as packed:
        packed.extractall(tmp_path, filter="data")
    (source,) = (path for path in tmp_path.iterdir() if path.is_dir())
    assert names(build("wheel", source, tmp_path)) == names(wheel)


def test_the_clone_has_no_folder_that_a_plugin_manager_would_load_by_itself() -> None:
    assert [
        name for name in (*FOLDERS, "after", "ftplugin", "autoload") if (REPOSITORY / name).exists()
    ] == []


@pytest.fixture(scope="module")
def site(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the wheel is installed, with its command in ``bin``."""
    folder = tmp_path_factory.mktemp("site")
    install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", "--no-compile"]
    subprocess.run([*install, "--target", folder, wheel], check=True, timeout=WAIT_S)
    return folder


@pytest.fixture
def environment(site: Path, tmp_path: Path) -> dict[str, str]:
    """A user of Neovim who has installed the wheel, and has an empty home."""
    clean = clean_environment(tmp_path)
    return watched(
        {
            **clean,
            **own_folders(tmp_path),
            "PATH": f"{site / 'bin'}{os.pathsep}{clean['PATH']}",
            "PYTHONPATH": str(site),
            "CLONE": str(REPOSITORY),
            "SAW": str(tmp_path / "saw.json"),
            "WAIT_MS": str(round(WAIT_S * 1000)),
        }
    )


def look(version: str, environment: dict[str, str], *arguments: str) -> dict[str, object]:
    """Start a Neovim with a file, as its user would, and return what can be seen there."""
    saw = Path(environment["SAW"])
    script = saw.with_name("look.lua")
    script.write_text(LOOK, "utf-8")
    saw.with_name("a.py").write_text("x = 1\n", "utf-8")
    done = subprocess.run(
        [neovim(version), "--headless", "-n", "a.py", *arguments, "-c", LOOK_AND_END.format(script)],
        env=environment,
        cwd=saw.parent,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        encoding="utf-8",
        timeout=2 * WAIT_S,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    return json.loads(saw.read_text("utf-8"))


def test_two_lines_of_an_init_file_load_the_plugin_of_the_wheel(
    version: str, environment: dict[str, str], site: Path
) -> None:
    config = Path(environment["XDG_CONFIG_HOME"]) / "nvim"
    config.mkdir()
    (config / "init.lua").write_text(INIT, "utf-8")
    assert look(version, environment) == seen_in(site / "farebox" / "neovim")


def test_a_plugin_manager_loads_it_from_a_clone(
    version: str, environment: dict[str, str], tmp_path: Path
) -> None:
    managed = tmp_path / "managed.lua"
    managed.write_text(MANAGED, "utf-8")
    assert look(version, environment, "-c", LOAD.format(managed)) == seen_in(PLUGIN)


def test_neovims_own_plugin_manager_loads_it_with_the_lines_of_the_manual(
    environment: dict[str, str], tmp_path: Path
) -> None:
    clone, config = tmp_path / "farebox", Path(environment["XDG_CONFIG_HOME"]) / "nvim"
    shutil.copytree(PLUGIN, clone / "editor-clients" / "neovim")
    git = ["git", "-c", "user.name=me", "-c", "user.email=me@localhost", "-C", str(clone)]
    for arguments in (["init", "--quiet"], ["add", "."], ["commit", "--quiet", "--message", "All"]):
        subprocess.run([*git, *arguments], env=environment, check=True, timeout=WAIT_S)
    lines, count = re.subn(r"https://[^\"]+", clone.as_uri(), manual_block("vim.pack"))
    assert count == 1
    config.mkdir()
    unasked = lines.replace("load =", "confirm = false, load =")
    (config / "init.lua").write_text(unasked, "utf-8")
    first_start = [neovim(NEWEST), "--headless", "-c", "qall!"]  # which tells how far the cloning is
    subprocess.run(first_start, env=environment, check=True, capture_output=True, timeout=WAIT_S)
    managed = Path(environment["XDG_DATA_HOME"]) / "nvim" / "site" / "pack" / "core" / "opt" / "farebox"
    assert look(NEWEST, environment) == seen_in(managed / "editor-clients" / "neovim")


def manual_block(word: str) -> str:
    """Return the only block of Lua in the manual that has a word in it."""
    manual = (PLUGIN / "doc" / "farebox.txt").read_text("utf-8")
    (block,) = (block for block in re.findall(r">lua\n(.*?)\n<", manual, re.DOTALL) if word in block)
    return textwrap.dedent(block).strip() + "\n"


def seen_in(folder: Path) -> dict[str, object]:
    return {
        "command": 2,
        "map": "farebox: accept",
        "found": [str(folder / "lsp" / "farebox.lua")],
        "server": {"name": "farebox", "version": farebox.__version__},
        "help": str(folder / "doc" / "farebox.txt"),
        "messages": "",
    }


# --- a newcomer, with only what the README says ---------------------------------------------------------

FIRST_SUGGESTION_S = 120
PRICES = """\
def cheapest(lines):
    prices = [line.price * line.count for line in lines]
    return min(prices)


def dearest(lines):
    prices = [line.price * line.count for line in lines]
    return max(prices)
"""


def readme_block(language: str, word: str) -> str:
    """Return the only block of the README in a language that has a word in it."""
    readme = (REPOSITORY / "README.md").read_text("utf-8")
    (block,) = (
        block for block in re.findall(rf"```{language}\n(.*?)\n```", readme, re.DOTALL) if word in block
    )
    return str(block)


def test_with_the_lines_of_the_readme_a_newcomer_without_a_key_sees_a_suggestion(
    version: str, environment: dict[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """It measures how long that takes from the second line on; installing is ``test_readme.py``'s."""
    project, config = tmp_path / "shop", Path(environment["XDG_CONFIG_HOME"]) / "nvim"
    (project / ".git").mkdir(parents=True)
    (project / "prices.py").write_text(PRICES, "utf-8")
    started_s = time.monotonic()
    link = ["bash", "-c", readme_block("sh", "nvim-path")]
    subprocess.run(link, env=environment, cwd=tmp_path, check=True, capture_output=True, timeout=WAIT_S)
    config.mkdir()
    (config / "init.lua").write_text(readme_block("lua", "farebox") + "\n", "utf-8")
    with attached([neovim(version), str(project / "prices.py")], environment) as nvim:
        editor = Editor(nvim, project)
        editor.keys("Go")
        editor.text("def total(lines):\nprices = [line")
        editor.wait("the third such line", lambda: editor.screen().count("    prices = [line.price") == 3)
        took_s = time.monotonic() - started_s
        editor.lua(NOTE_ACCEPTED)
        editor.keys("<Tab><Esc>")
        assert editor.lines()[-1].startswith("    prices = [line.price")
        editor.lua("require('farebox.explain').show(accepted_id)")  # what came after it is the last by now
        editor.wait_for_text("from your own files (embedded/workspace), without a model")
        editor.keys("q")
        editor.command("Farebox costs")
        editor.wait_for_text("No requests since")
        editor.keys("q")
        editor.command("Farebox chat What is this?")
        editor.wait_for_text("no model provider is set up")
        editor.command("checkhealth farebox")
        editor.wait_for_text("the server runs")
        editor.command("help farebox")
        editor.wait_for_text("1. What it is")
        assert "Error" not in editor.messages()
        assert not re.search(r"\bE\d+:", editor.messages())
    assert took_s < FIRST_SUGGESTION_S
    with capsys.disabled():
        print(f"\na newcomer's first suggestion in Neovim {version}: {took_s:.1f} s after the installation")
