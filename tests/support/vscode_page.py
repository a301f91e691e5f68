"""The chat's page of the VS Code extension by itself, in a real browser: no VS Code is around it.

It has what VS Code gives it: the page's own HTML with its policy, the variables of a theme
(``vscode_themes.json`` holds what VS Code 1.139 says they are), default styles, and ``acquireVsCodeApi``,
which keeps what the page says. All that it asks for is answered from here, or noted and refused. Tests take
the fixture ``shown``.
"""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, Route

from support.guard.sitecustomize import watched
from support.patience import WAIT_S
from support.vscode import Theme
from support.vscode_extension import EXTENSION, modules

ORIGIN = "https://page.vscode-cdn.net"
NONCE = "abcdefghijklmnop"
BODY_CLASSES: Mapping[Theme, str] = {
    "dark": "vscode-dark",
    "light": "vscode-light",
    "highContrast": "vscode-high-contrast",
    "highContrastLight": "vscode-high-contrast vscode-high-contrast-light",
}
THEMES: Mapping[Theme, Mapping[str, str]] = json.loads(
    (Path(__file__).parents[1] / "data" / "vscode_themes.json").read_text("utf-8")
)
FONTS = {
    "--vscode-font-family": 'system-ui, "Ubuntu", "Droid Sans", sans-serif',
    "--vscode-font-size": "13px",
    "--vscode-editor-font-family": "'Droid Sans Mono', 'monospace', monospace",
    "--vscode-editor-font-size": "14px",
}

DEFAULT_STYLES = """
@layer vscode-default {
  body { background-color: transparent; color: var(--vscode-editor-foreground);
         font-family: var(--vscode-font-family); font-size: var(--vscode-font-size);
         margin: 0; padding: 0 20px; overscroll-behavior-x: none; }
  input:focus, textarea:focus { outline: 1px solid -webkit-focus-ring-color; outline-offset: -1px; }
  code { color: var(--vscode-textPreformat-foreground);
         background-color: var(--vscode-textPreformat-background);
         padding: 1px 3px; border-radius: 4px; }
  pre code { padding: 0; }
  blockquote { background: var(--vscode-textBlockQuote-background); }
  kbd { border: 1px solid var(--vscode-keybindingLabel-border); vertical-align: middle; padding: 1px 3px; }
  ::-webkit-scrollbar { width: 10px; height: 10px; }
}
html { background: var(--vscode-sideBar-background); }
"""
"""What VS Code lays under every view, and the colour of the side bar behind it."""

BEFORE = """
([variables, styles, classes]) => {
  window.posted = [];
  window.violations = [];
  const api = {
    postMessage: (message) => window.posted.push(JSON.parse(JSON.stringify(message))),
  };
  let isTaken = false;
  window.acquireVsCodeApi = () => {
    if (isTaken) throw new Error('acquireVsCodeApi may be called once');
    isTaken = true;
    return api;
  };
  document.addEventListener('securitypolicyviolation', (event) => window.violations.push(
    `${event.violatedDirective} ${event.blockedURI} ${event.sample}`));
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(styles);
  document.adoptedStyleSheets = [sheet];
  const dress = () => {
    const root = document.documentElement;
    for (const [name, value] of Object.entries(variables)) root.style.setProperty(name, value);
    document.body.classList.add(...classes.split(' '));
  };
  document.addEventListener('DOMContentLoaded', dress);
}
"""


class ChatPage:
    """The page; ``asked`` is every address that it asked for, ``errors`` what its script has not caught."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.asked: list[str] = []
        self.errors: list[str] = []

    def tell(self, *messages: Mapping[str, object]) -> None:
        """Tell the page something, as the extension does, and wait until it is drawn."""
        self.page.evaluate(
            """async (messages) => {
                for (const data of messages) window.dispatchEvent(new MessageEvent('message', {data}));
                await new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(drawn)));
            }""",
            list(messages),
        )

    def told(self) -> list[dict[str, Any]]:
        """Return what the page has told since it was last asked for, but for what is being typed."""
        return [one for one in self.page.evaluate("window.posted.splice(0)") if one["type"] != "typed"]

    def strange(self) -> list[str]:
        """Return what the page has asked for or tried that is not its own."""
        own = {f"{ORIGIN}/{name}" for name in ("", *_files())}
        violations: list[str] = self.page.evaluate("window.violations")
        return [*(url for url in self.asked if url not in own), *violations]


@contextmanager
def chat_page(
    chromium: Browser,
    folder: Path,
    *,
    theme: Theme = "dark",
    width: int = 420,
    height: int = 800,
    has_motion: bool = True,
) -> Generator[ChatPage]:
    """Open the page in a view of a size."""
    bundle, html = _built(folder)
    context = chromium.new_context(
        viewport={"width": width, "height": height},
        reduced_motion="no-preference" if has_motion else "reduce",
    )
    try:
        page = context.new_page()
        opened = ChatPage(page)

        def answer(route: Route) -> None:
            url = route.request.url
            opened.asked.append(url)
            name = url.removeprefix(f"{ORIGIN}/")
            if name == "":
                route.fulfill(content_type="text/html; charset=utf-8", body=html)
            elif name == "dist/chat.js":
                route.fulfill(content_type="text/javascript; charset=utf-8", body=bundle)
            elif name in _files():
                route.fulfill(
                    content_type="text/css; charset=utf-8", body=(EXTENSION / name).read_text("utf-8")
                )
            else:
                route.abort()

        context.route("**/*", answer)
        page.on("pageerror", lambda error: opened.errors.append(str(error)))
        variables = {**THEMES[theme], **FONTS}
        arguments = json.dumps([variables, DEFAULT_STYLES, BODY_CLASSES[theme]])
        page.add_init_script(f"({BEFORE})({arguments})")
        page.goto(f"{ORIGIN}/")
        assert page.locator("textarea").count() == 1, opened.errors
        yield opened
    finally:
        context.close()


def _files() -> Sequence[str]:
    return ("dist/chat.js", *(f"media/{file.name}" for file in sorted((EXTENSION / "media").glob("*.css"))))


@cache
def _built(folder: Path) -> tuple[str, str]:
    """Return the bundled script, and the page as the extension makes it."""
    _bundle(
        "webview/chat.ts", folder / "chat.js", "--format=iife", "--platform=browser", "--target=chrome128"
    )
    _bundle("src/chat/html.ts", folder / "html.cjs", "--format=cjs", "--platform=node")
    parts = {
        "cspSource": ORIGIN,
        "nonce": NONCE,
        "script": f"{ORIGIN}/dist/chat.js",
        "style": f"{ORIGIN}/media/chat.css",
    }
    print_page = (
        f"process.stdout.write(require({json.dumps(str(folder / 'html.cjs'))}).html({json.dumps(parts)}))"
    )
    html = _output([str(shutil.which("node")), "-e", print_page])
    assert re.search(r"default-src (&#39;|')none", html), "the page has no policy"
    return (folder / "chat.js").read_text("utf-8"), html


def _bundle(source: str, target: Path, *options: str) -> None:
    _output([str(modules() / ".bin" / "esbuild"), source, "--bundle", f"--outfile={target}", *options])


def _output(command: Sequence[str]) -> str:
    done = subprocess.run(
        command,
        cwd=EXTENSION,
        env=watched(dict(os.environ)),
        capture_output=True,
        text=True,
        timeout=WAIT_S,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# --- what it is told ------------------------------------------------------------

BAR: dict[str, object] = {"model": None, "spent": "$0.0117", "pending": []}

ANSWER = """You can make `total` lazy by **memoising** it. There are three things to change:

1. Keep the sum in the class.
2. Reset it in `add`.
   - only when the *item* is new
   - ~~never~~ on removal too
3. Read it in `total`.

```python
@dataclass
class Basket:
    \"\"\"What somebody wants to buy.\"\"\"
    items: list[Item] = field(default_factory=list)
    _total: Decimal | None = None  # reset by add

    def total(self) -> Decimal:
        if self._total is None:
            self._total = sum((item.price * 2 for item in self.items), Decimal(0))
        return self._total
```

## What it costs

| approach | time | memory |
|:--|--:|:-:|
| now | `O(n)` | none |
| memoised | `O(1)` | one `Decimal` |

> Mind that `Decimal` is immutable: a copy costs nothing.

- [x] tests still pass
- [ ] write one for `add`

See [the documentation](https://docs.python.org/3/library/decimal.html) or https://peps.python.org/pep-0327/.
"""


def a_turn(
    name: str, answer: str = "", *, state: str = "done", question: str = "How?", **more: object
) -> dict[str, object]:
    return {
        "id": name,
        "question": question,
        "attached": [],
        "answer": answer,
        "state": state,
        "hint": None,
        "footer": [],
        "failure": None,
        **more,
    }


def turn(*arguments: Any, **more: Any) -> dict[str, object]:
    return {"type": "turn", "turn": a_turn(*arguments, **more)}


def text(name: str, words: str) -> dict[str, object]:
    return {"type": "text", "turn": name, "text": words}


def chat(*turns: dict[str, object], **bar: object) -> dict[str, object]:
    return {"type": "chat", "chat": {"conversation": "c", "turns": list(turns), "bar": {**BAR, **bar}}}


WHOLE = a_turn(
    "1",
    ANSWER,
    question="How do I make total() faster? It is called for every row of the table.",
    attached=["basket.py", "test_basket.py:12-40"],
    footer=[
        "anthropic/claude-sonnet-4.5",
        "1842 in, 412 out",
        "$0.0117",
        "the question is hard: code of 3 files",
    ],
)
FAILED = a_turn(
    "2",
    state="failed",
    question="And in Rust?",
    failure={
        "message": "anthropic refused the key",
        "hint": "Add a new one.",
        "actions": [{"title": "Add a Key", "command": "farebox.addKey"}],
    },
)
PENDING = [{"id": "a", "label": "basket.py"}, {"id": "b", "label": f"src/{'deep/' * 20}test_basket.py:12-40"}]


# --- fixtures ------------------------------------------------------------


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the page is bundled into, once."""
    return tmp_path_factory.mktemp("page")


@pytest.fixture
def shown(chromium: Browser, built: Path) -> Generator[ChatPage]:
    """The page in the dark theme; nothing goes wrong in it and it asks for nothing but its own files."""
    with chat_page(chromium, built) as page:
        yield page
        assert page.strange() == []
        assert page.errors == []
