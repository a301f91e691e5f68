"""What the Neovim plugin costs its user: at start-up, and between a key and the ghost text that it brings.

Run it as ``python tests/bench/neovim.py``; README.md here says what each number means.
"""

import argparse
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).parents[1]))

from support.environment import clean_environment, openrouter_config
from support.neovim import NEWEST, OLDEST, PLUGIN, Editor, neovim, own_folders, running
from support.upstream import Answer, Upstream, openrouter_stream

MOST_PLUGIN_MS, MOST_SETUP_MS, MOST_GHOST_MS = 1.0, 10.0, 5.0
USAGE = {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.000213}
KEYS = "the quick brown fox jumps over the lazy dog "

INIT = """
local started = vim.uv.hrtime()
require("farebox").setup({})
vim.fn.writefile({ tostring((vim.uv.hrtime() - started) / 1e6) }, vim.env.SETUP_FILE)
"""

WATCH = """
times = {}
local now
vim.on_key(function() now = { key = vim.uv.hrtime() } end)
vim.api.nvim_create_autocmd("LspRequest", { callback = function(event)
  local request = event.data.request
  if request.method == "textDocument/inlineCompletion" and now then
    local name = request.type == "pending" and "asked" or request.type == "complete" and "answered"
    if name then now[name] = vim.uv.hrtime() end
  end
end })
local namespace = vim.api.nvim_create_namespace("farebox.ghost")
vim.api.nvim_set_decoration_provider(vim.api.nvim_create_namespace("bench"), { on_end = function()
  local row = now and now.answered and vim.api.nvim_win_get_cursor(0)[1] - 1
  if row and #vim.api.nvim_buf_get_extmarks(0, namespace, { row, 0 }, { row, -1 }, {}) > 0 then
    now.drawn = vim.uv.hrtime()
    table.insert(times, now)
    now = nil
  end
end })
"""


@dataclass(frozen=True, slots=True)
class StartUp:
    """One start of Neovim: what ``--startuptime`` says of files, and what ``setup()`` took."""

    empty_ms: float
    plugin_ms: float
    setup_ms: float
    whole_ms: float
    whole_with_ms: float


def main() -> int:
    """Measure, print the tables and the verdicts."""
    parser = argparse.ArgumentParser(description="Measure the Neovim plugin.")
    parser.add_argument("--rounds", type=int, default=20, help="starts after the warm-up (20)")
    parser.add_argument("--times", type=int, default=4, help=f"how often {len(KEYS)} keys are typed (4)")
    options = parser.parse_args()
    has_passed = True
    for version in (OLDEST, NEWEST):
        said = subprocess.run([neovim(version), "--version"], capture_output=True, text=True, check=True)
        print(f"\n{said.stdout.splitlines()[0]}")
        with tempfile.TemporaryDirectory(prefix="farebox-bench-") as folder:
            has_passed &= start_up(version, Path(folder), options.rounds)
        for name in ("fake server", "real server"):
            with tempfile.TemporaryDirectory(prefix="farebox-bench-") as folder:
                has_passed &= ghosts(version, Path(folder), options.times, name)
    return 0 if has_passed else 1


def verdict(is_met: bool) -> str:
    return "PASS" if is_met else "FAIL"


# --- start-up ------------------------------------------------------------------------------------


def start_up(version: str, folder: Path, rounds: int) -> bool:
    """Start Neovim again and again, with an empty file and with the plugin."""
    empty = folder / "empty" / "plugin" / "empty.lua"
    empty.parent.mkdir(parents=True)
    empty.write_text("", "utf-8")
    init = folder / "init.lua"
    init.write_text(INIT, "utf-8")
    starts = [started(version, folder, init) for _ in range(rounds + 1)][1:]
    plugin, nothing = median(one.plugin_ms for one in starts), median(one.empty_ms for one in starts)
    setup = median(one.setup_ms for one in starts)
    whole, whole_with = median(one.whole_ms for one in starts), median(one.whole_with_ms for one in starts)
    is_met = plugin < MOST_PLUGIN_MS and setup < MOST_SETUP_MS
    print(f"  start-up, median of {rounds}")
    print(f"    sourcing an empty file    {nothing:8.3f} ms")
    print(f"    sourcing plugin/          {plugin:8.3f} ms   {plugin / nothing:5.1f} of the empty file")
    print(f"    setup()                   {setup:8.3f} ms")
    print(f"    all of Neovim             {whole:8.1f} ms   with the plugin {whole_with / whole:.2f} of that")
    print(f"    plugin/ under {MOST_PLUGIN_MS} ms, setup() under {MOST_SETUP_MS} ms: {verdict(is_met)}")
    return is_met


def started(version: str, folder: Path, init: Path) -> StartUp:
    setup_file = folder / "setup_ms"
    environment = {**os.environ, **own_folders(folder / "home"), "SETUP_FILE": str(setup_file)}
    nothing = folder / "empty" / "plugin" / "empty.lua"
    without = startup_times(version, folder, environment, rtp=folder / "empty", init=nothing)
    within = startup_times(version, folder, environment, rtp=PLUGIN, init=init)
    return StartUp(
        sourced_ms(without, "plugin/empty.lua"),
        sourced_ms(within, "plugin/farebox.lua"),
        float(setup_file.read_text()),
        whole_ms(without),
        whole_ms(within),
    )


def startup_times(
    version: str, folder: Path, environment: Mapping[str, str], *, rtp: Path, init: Path
) -> str:
    log = folder / "startup.log"
    log.unlink(missing_ok=True)
    arguments = ["--headless", "-n", "-i", "NONE", "--cmd", f"set rtp^={rtp}", "-u", str(init)]
    subprocess.run(
        [neovim(version), *arguments, "--startuptime", str(log), "-c", "qall!"],
        env=environment,
        check=True,
        capture_output=True,
    )
    return log.read_text("utf-8")


def sourced_ms(log: str, name: str) -> float:
    """Return the time that a file took by itself, without what it sourced."""
    (own_ms,) = re.findall(rf"^\S+\s+\S+\s+(\S+): sourcing \S*{re.escape(name)}$", log, re.MULTILINE)[-1:]
    return float(own_ms)


def whole_ms(log: str) -> float:
    return float(re.findall(r"^(\S+)\s+\S+: --- NVIM STARTED ---", log, re.MULTILINE)[-1])


# --- from a key to ghost text ----------------------------------------------------------------------


def ghosts(version: str, folder: Path, times: int, name: str) -> bool:
    """Type, and wait at each key until its suggestion is drawn."""
    samples = fake(version, folder, times) if name == "fake server" else real(version, folder, times)
    before = [(one["asked"] - one["key"]) / 1e6 for one in samples]
    server = [(one["answered"] - one["asked"]) / 1e6 for one in samples]
    after = [(one["drawn"] - one["answered"]) / 1e6 for one in samples]
    own = sorted(early + late for early, late in zip(before, after, strict=True))
    is_met = median(own) <= MOST_GHOST_MS
    print(f"  key to drawn ghost text, {name}, {len(samples)} keys, median (p95)")
    print(f"    key to request     {median(before):7.2f} ms")
    print(f"    the server's       {median(server):7.2f} ms")
    print(f"    answer to drawn    {median(after):7.2f} ms")
    print(
        f"    the plugin adds    {median(own):7.2f} ms ({own[len(own) * 95 // 100]:.2f}),"
        f" at most {MOST_GHOST_MS}: {verdict(is_met)}"
    )
    return is_met


def fake(version: str, folder: Path, times: int) -> list[dict[str, int]]:
    with running(version, folder, setup="{ cmd = fake.start }") as editor:
        editor.lua("fake.ghost = { 'GHOST\\nsecond line\\nthird line' }")
        return typed(editor, times)


def real(version: str, folder: Path, times: int) -> list[dict[str, int]]:
    with Upstream.in_thread() as upstream:
        body = openrouter_stream("<COMPLETION>GHOST</COMPLETION>", USAGE)
        upstream.answer("/v1/chat/completions", Answer(body=body, content_type="text/event-stream"))
        environment = {**clean_environment(folder), "OPENROUTER_API_KEY": "sk-or-test-0123456789"}
        (folder / "config.toml").write_text(openrouter_config(upstream.base_url), "utf-8")
        command = f"{{ cmd = {{ [==[{sys.executable}]==], '-m', 'farebox', 'lsp' }} }}"
        with running(version, folder, setup=command, environment=environment) as editor:
            return typed(editor, times)


def typed(editor: Editor, times: int) -> list[dict[str, int]]:
    """Type, each key when what the one before brought is drawn; return the times in nanoseconds."""
    editor.nvim.api.ui_attach(80, 24, {"rgb": True, "ext_linegrid": True})
    editor.open("a.txt", "What is written here is enough to ask.\n" * 3)
    editor.wait(
        "the server", "return require('farebox.server').client_of(vim.api.nvim_get_current_buf()) ~= nil"
    )
    editor.lua(WATCH)
    for _ in range(times):
        editor.keys("o")
        for key in KEYS:
            count = editor.lua("return #times")
            editor.nvim.input(key)
            editor.wait("its ghost text", "return #times > ...", count)
        editor.keys("<Esc>")
    samples: list[dict[str, int]] = editor.lua("return times")
    return [one for one in samples if "asked" in one]


if __name__ == "__main__":
    sys.exit(main())
