"""Play what a user sees in Neovim, in a real terminal, and keep its screens: for README, and to look at.

``python tests/support/neovim_pictures.py FOLDER`` writes ``ghost``, ``chat``, ``whole``, ``diff``, ``costs``
and ``health`` as text and as SVG. Models are servers on loopback; Neovim, tmux and the server are real.
"""

import io
import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

if __name__ == "__main__":  # started as a file, not as part of a package
    sys.path.insert(0, str(Path(__file__).parent.parent))

from rich.console import Console
from rich.text import Text

from support.environment import clean_environment
from support.neovim import OLDEST, PLUGIN, neovim, own_folders
from support.patience import WAIT_S
from support.programs import program
from support.upstream import Answer, Upstream, chunk, json_answer, openrouter_stream, sse

COLUMNS, LINES = 110, 30
POLL_S = 0.05
CONFIG = """
[tasks]
chat = "openrouter/anthropic/claude-sonnet-4.5"
complete = "mistral/codestral-latest"
[providers.openrouter]
base_url = "{base}/v1"
[providers.mistral]
base_url = "{base}/v1"
[completion]
debounce_ms = 0
candidates = 1
embedded = false  # what comes first stays, and would be it on a slow machine
[budgets]
daily_usd = 5.0
"""
KEYS = {"OPENROUTER_API_KEY": "sk-or-test-0123456789", "MISTRAL_API_KEY": "test-0123456789"}
INIT = """
vim.o.termguicolors = true
vim.o.number = true
vim.o.laststatus = 3
vim.o.statusline = " %f %m%=%{v:lua.require'farebox'.status()} "
vim.o.shortmess = vim.o.shortmess .. "I"
vim.g.loaded_python3_provider = 0
vim.g.loaded_clipboard_provider = 0
vim.opt.rtp:prepend(vim.env.PLUGIN)
require("farebox").setup({ cmd = vim.json.decode(vim.env.SERVER) })
"""
SOURCE = '''"""What the shop owes."""

from dataclasses import dataclass


@dataclass
class Line:
    name: str
    price_cents: int
    count: int


def total_cents(lines: list[Line]) -> int:
    total = 0
    for line in lines:
        total += line.price_cents * line.count
    return total


'''
GHOST = 'return f"{cents // 100}.{cents % 100:02d}"'
QUESTION = "Write total_cents as one expression, and let an empty list be an error."
ANSWER = """A generator expression does it, and the check comes first:

```python
def total_cents(lines: list[Line]) -> int:
    if not lines:
        raise ValueError("no lines")
    return sum(line.price_cents * line.count for line in lines)
```

Nothing else in the file has to change."""
USAGE = {"prompt_tokens": 412, "completion_tokens": 85, "cost": 0.002511}


@dataclass(frozen=True)
class Screen:
    """What the terminal shows, with its colours as escape sequences."""

    ansi: str

    @property
    def text(self) -> str:
        """Without colours."""
        return Text.from_ansi(self.ansi).plain

    def svg(self) -> str:
        """Draw it. The picture fetches nothing: no fonts from elsewhere, no link to its maker."""
        console = Console(record=True, width=COLUMNS, file=io.StringIO(), force_terminal=True)
        console.print(Text.from_ansi(self.ansi), no_wrap=True, crop=True)
        svg = console.export_svg(title="Neovim")
        return re.sub(r"@font-face \{.*?\}\s*|<!--.*?-->\s*", "", svg, flags=re.DOTALL)


class Terminal:
    """A tmux of its own with one window."""

    def __init__(self, tmux: list[str], environment: Mapping[str, str]) -> None:
        self._tmux = tmux
        self._environment = environment

    def run(self, *arguments: str) -> str:
        """Give tmux a command; return what it prints."""
        done = subprocess.run(
            [*self._tmux, *arguments],
            env=self._environment,
            capture_output=True,
            text=True,
            check=True,
            timeout=WAIT_S,
        )
        return done.stdout

    def keys(self, *names: str) -> None:
        """Press keys, as tmux calls them."""
        self.run("send-keys", "-t", "shown", *names)

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self.run("send-keys", "-t", "shown", "-l", text)

    def screen(self) -> Screen:
        """Return what is shown now."""
        return Screen(self.run("capture-pane", "-p", "-e", "-N", "-t", "shown"))

    def wait(self, *texts: str) -> Screen:
        """Wait until the screen shows all texts, and has stopped changing."""
        deadline = time.monotonic() + WAIT_S
        last = None
        while time.monotonic() < deadline:
            screen = self.screen()
            if screen == last and all(text in screen.text for text in texts):
                return screen
            last = screen
            time.sleep(POLL_S)
        raise AssertionError(f"never on the screen: {texts}\n{self.screen().text}")


@contextmanager
def neovim_in_tmux(folder: Path, version: str = OLDEST) -> Generator[Terminal]:
    """Open a file in a Neovim with the plugin and the real server; its models are on loopback."""
    with Upstream.in_thread() as upstream:
        (folder / "config.toml").write_text(CONFIG.format(base=upstream.origin), "utf-8")
        stream = "text/event-stream"
        pieces = [chunk({"content": GHOST}), chunk({"content": ""}, "stop", usage=USAGE)]
        upstream.answer("/v1/fim/completions", Answer(body=sse(*pieces), content_type=stream))
        upstream.answer(
            "/v1/chat/completions", Answer(body=openrouter_stream(ANSWER, USAGE), content_type=stream)
        )
        models = [{"id": "anthropic/claude-sonnet-4.5"}, {"id": "codestral-latest"}]
        upstream.answer("/v1/models", json_answer({"data": models}))
        upstream.answer(
            "/v1/key", json_answer({"data": {"limit": 20, "limit_remaining": 17.42, "usage": 2.58}})
        )
        init, source = folder / "init.lua", folder / "shop" / "total.py"
        init.write_text(INIT, "utf-8")
        source.parent.mkdir()
        source.write_text(SOURCE, "utf-8")
        (folder / "tmux.conf").write_text(
            'set -g default-terminal "tmux-256color"\nset -as terminal-overrides ",*:Tc"\n'
            "set -g status off\nset -sg escape-time 0\n",
            "utf-8",
        )
        environment = {
            **clean_environment(folder),
            **own_folders(folder / "neovim"),
            **KEYS,
            "PLUGIN": str(PLUGIN),
            "SERVER": json.dumps([sys.executable, "-m", "farebox", "lsp"]),
            "TERM": "xterm-256color",
            "LC_ALL": "C.UTF-8",
        }
        tmux = [program("tmux"), "-u", "-S", str(folder / "s"), "-f", str(folder / "tmux.conf")]
        terminal = Terminal(tmux, environment)
        size = ["-x", str(COLUMNS), "-y", str(LINES)]
        command = [neovim(version), "-n", "-u", str(init), "shop/total.py"]
        terminal.run("new-session", "-d", "-s", "shown", *size, "-c", str(folder), *command)
        try:
            yield terminal
        finally:
            subprocess.run([*tmux, "kill-server"], env=environment, check=False, timeout=WAIT_S)


def ghost(terminal: Terminal) -> Screen:
    """Type the head of a function, and see its body."""
    terminal.wait("What the shop owes")
    terminal.keys("G", "o")
    terminal.type("def as_dollars(cents: int) -> str:")
    terminal.keys("Enter")
    return terminal.wait(GHOST)


def chat(terminal: Terminal) -> Screen:
    """Accept it, select a function, ask about it, and see the answer."""
    terminal.keys("Tab")
    terminal.wait(GHOST)
    terminal.keys("Escape")
    terminal.type(":13,17Farebox chat")
    terminal.keys("Enter")
    terminal.wait("## You")
    terminal.keys("i")
    terminal.type(QUESTION)
    terminal.keys("Escape", "Enter")
    return terminal.wait("Nothing else in the file", "$0.0025", "## farebox")


def whole(terminal: Terminal) -> Screen:
    """Type on in the file, beside the chat."""
    terminal.type(":wincmd h")
    terminal.keys("Enter")
    terminal.keys("G", "o", "Enter", "C-u")
    terminal.keys("Enter")
    terminal.type("def as_text(cents: int) -> str:")
    terminal.keys("Enter")
    screen = terminal.wait(f" 24     {GHOST}")
    terminal.keys("Escape", "u")
    return screen


def diff(terminal: Terminal) -> Screen:
    """Propose the answer's code in the file."""
    terminal.type(":Farebox apply")
    terminal.keys("Enter")
    return terminal.wait("gha accept")


def costs(terminal: Terminal) -> Screen:
    """Take what is proposed, and see the report."""
    terminal.type("ghA")
    terminal.wait("raise ValueError")
    terminal.type(":Farebox costs")
    terminal.keys("Enter")
    return terminal.wait("total", "claude-sonnet-4.5", "$")


def health(terminal: Terminal) -> Screen:
    """See whether all is well."""
    terminal.keys("q")
    terminal.type(":checkhealth farebox")
    terminal.keys("Enter")
    return terminal.wait("farebox", "OK")


SCENES: tuple[Callable[[Terminal], Screen], ...] = (ghost, chat, whole, diff, costs, health)
"""In this order: each begins where the one before it has ended."""


def main(target: str) -> None:
    """Play all scenes, and write each as text and as SVG."""
    import tempfile

    folder = Path(target)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as home, neovim_in_tmux(Path(home)) as terminal:
        for scene in SCENES:
            screen = scene(terminal)
            (folder / f"{scene.__name__}.txt").write_text(screen.text, "utf-8")
            (folder / f"{scene.__name__}.svg").write_text(screen.svg(), "utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
