"""The house rules that a machine can hold: style, types, layers, sizes, and nothing of our machines."""

import ast
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.guard.sitecustomize import watched

TOOL_TIMEOUT_S = 280
"""All types of all modules take more than a minute where nothing else runs, and CI runs parts at once."""

pytestmark = [pytest.mark.gate, pytest.mark.timeout(TOOL_TIMEOUT_S + 20)]

ROOT = Path(__file__).parent.parent
SERVER = ROOT / "server"
PACKAGE = SERVER / "farebox"
TESTS = ROOT / "tests"
MODULES = sorted(PACKAGE.rglob("*.py"))
LUA = sorted((ROOT / "editor-clients").rglob("*.lua"))

MAX_MODULE_LINES = 400

FOLDERS_WITHOUT_A_ROOM = {
    "bench": "measures, not tests",
    "data": "what tests read",
    "e2e": "the whole server over stdio, with real models and editors",
    "editors": "the clients in editor-clients/, in real editors",
    "support": "what tests share",
}
TESTS_WITHOUT_A_MODULE = {
    "test_gate.py": "this file",
    "test_acceptance.py": "holds the table in tests/README.md",
    "test_local_only.py": "what local-only mode promises, with every address that would break it",
    "test_readme.py": "holds README.md",
    "test_config_errors.py": "config: what an error names",
    "test_config_workspace.py": "config: a workspace can only tighten",
    "test_secrets_file.py": "secrets: the file of keys",
    "test_secrets_keyring.py": "secrets: the system's keyring",
    "cli/test_bad_input.py": "wrong set-ups, as the command line tells of them",
    "completion/test_typing_bench.py": "tests/bench/typing in virtual time",
    "lsp/test_bad_input.py": "wrong set-ups, as a client hears of them, over stdio",
    "lsp/test_chat.py": "chat as a client sees it, over stdio",
    "lsp/test_exclusion.py": "files that may not leave, in every way that a client can show them, over stdio",
    "lsp/test_untrusted.py": "a workspace that nobody trusts, over stdio",
    "lsp/test_documents_fuzz.py": "random edits beside an oracle of code units, also over stdio",
    "lsp/test_fuzz.py": "sequences of messages in three layers, over stdio",
    "lsp/test_feedback.py": "what an editor tells of answers and of files, over stdio",
    "lsp/test_ghost_text.py": "completion as a client sees it, over stdio",
    "lsp/test_hostile_repository.py": "what no file of a repository may do, over stdio",
    "lsp/test_judge.py": "the judge of every message must itself refuse what is wrong",
    "lsp/test_model_output.py": "what a hostile upstream says, as a client hears it, over stdio",
    "lsp/test_soak.py": "what tests/bench/soak.py calls growth",
    "lsp/test_typing.py": "storms, pastes and undos while answers are under way, over stdio",
    "lsp/test_wire.py": "what comes over the pipe that is no message, or at the wrong time, over stdio",
    "lsp/test_startup.py": "what is not yet imported when initialize is answered",
    "providers/test_anthropic_types.py": "what is sent, judged by the official package",
    "providers/test_hostile.py": "what no upstream may do to us, through the door",
    "providers/test_http_origin.py": "http: where a key may leave for, however the address is written",
    "providers/test_http_local.py": "http: addresses on this machine, and no others in local-only mode",
    "providers/test_invoices.py": "costs worked out by hand, through the door and the ledger",
    "providers/test_openai_charged.py": "what was charged for an answer that broke off, through the door",
    "providers/test_openai_types.py": "what is sent, judged by the official package",
    "providers/test_recorded.py": "recorded replies through every adapter",
    "providers/test_vendor_bodies.py": "answers of many vendors through every adapter",
    "router/test_cancel.py": "a thousand cancelled requests through the door",
    "test_forced_faults.py": "a fault in each layer of a real server, and neither key nor prompt anywhere",
    "test_canary.py": "keys in every place where a fault could show one",
    "router/test_cooldown.py": "who is left alone after a failure, through the door",
    "router/test_drill.py": "three providers that fail in turn for minutes",
    "router/test_dry_run.py": "the route that is shown is the one that is taken, for any set-up and state",
    "router/test_failover.py": "each failure at each place of a chain, through the door and over stdio",
    "router/test_plan_order.py": "plan: roles, privacy, caches and trouble together",
    "router/test_door_money.py": "budgets and costs through the door",
    "router/test_door_ledger.py": "the door with a real ledger behind it",
    "router/test_first_setup.py": "where each kind of work goes with no setting but a key or an address",
    "router/test_week.py": "a day of tests/bench/week.toml through the door",
    "ledger/test_faults.py": "what may happen to the ledger's file, through the door of a process",
    "ledger/test_kill.py": "processes that are killed at any moment, and what the ledger has of them",
    "ledger/test_million.py": "a ledger of a million rows",
    "ledger/test_race.py": "processes that spend the same money, and a thousand cancelled answers",
    "lsp/test_spending.py": "what one editor spends, as another one sees it",
    "router/test_plan_budgets.py": "plan: what the budgets and their ladder leave",
}

MACHINE_PATH = re.compile(r"(?:^|[^\w.}$/]|file://)/(?:home|root|work|tmp)/\w*", re.MULTILINE)
REGISTRY_HOST = re.compile(
    r"\b(?:"
    r"pypi\.org|pythonhosted\.org|npmjs\.(?:org|com)|yarnpkg\.com|jsr\.io|crates\.io|rubygems\.org"
    r"|proxy\.golang\.org|maven\.org|anaconda\.org"
    r")\b"
)
ALLOWED = [
    ("tests/ledger/test_holds.py", r"/tm[p]/", "a folder's name that no encoding holds; never opened"),
]


def check(tool: str, *arguments: str, server: Path = SERVER) -> subprocess.CompletedProcess[str]:
    """Run a tool of this Python's own environment at the repository's root."""
    program = shutil.which(tool, path=Path(sys.executable).parent)
    assert program is not None, f"{tool} is not installed beside {sys.executable}: pip install -e '.[dev]'"
    return subprocess.run(
        [program, *arguments],
        cwd=ROOT,
        env=watched(
            {**os.environ, "PYTHONPATH": str(server), "PYTHONDONTWRITEBYTECODE": "1", "NO_COLOR": "1"}
        ),
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=TOOL_TIMEOUT_S,
        check=False,
    )


def said(done: subprocess.CompletedProcess[str]) -> str:
    return f"\n{done.stdout}\n{done.stderr}"


# --- tools ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param(("check", "--no-cache"), id="check"),
        pytest.param(("format", "--check", "--diff", "--no-cache"), id="format"),
    ],
)
def test_ruff_has_no_complaint(arguments: tuple[str, ...]):
    done = check("ruff", *arguments, "server", "tests")
    assert done.returncode == 0, said(done)


def test_every_type_is_right():
    done = check("basedpyright", "--pythonpath", sys.executable)
    assert done.returncode == 0, said(done)
    assert "0 errors, 0 warnings" in done.stdout, said(done)


def test_imports_go_downward_only():
    done = check("lint-imports", "--no-cache", "--no-logo")
    assert done.returncode == 0, said(done)


@pytest.mark.parametrize(
    ("module", "line", "contract"),
    [
        pytest.param("config", "from farebox import secrets", "Imports go downward only", id="upward"),
        pytest.param("prices", "from farebox import catalog", "Imports go downward only", id="sideways"),
        pytest.param("brand_new", "", "Imports go downward only", id="a-module-with-no-floor"),
        pytest.param(
            "chat.prompts", "from farebox.providers import base", "Rooms reach no provider", id="room"
        ),
        pytest.param("diary", "from farebox.ledger import store", "Rooms reach no provider", id="ledger"),
        pytest.param("app", "import lsprotocol.types", "Only lsp knows pygls and lsprotocol", id="lsp"),
        pytest.param(
            "providers.sse", "import httpx2", "Only providers.http knows an HTTP library", id="http"
        ),
        pytest.param("costs", "import sqlite3", "Only ledger knows SQL", id="sql"),
        pytest.param(
            "router.plan", "import genai_prices", "Only prices knows the price library", id="prices"
        ),
    ],
)
def test_a_contract_is_broken_by_what_it_forbids(tmp_path: Path, module: str, line: str, contract: str):
    shutil.copytree(PACKAGE, tmp_path / "farebox", ignore=shutil.ignore_patterns("__pycache__"))
    with (tmp_path / "farebox" / f"{module.replace('.', '/')}.py").open("a", encoding="utf-8") as file:
        file.write(f"\n{line}\n")
    done = check(
        "lint-imports", "--no-cache", "--no-logo", "--config", str(ROOT / "pyproject.toml"), server=tmp_path
    )
    assert done.returncode != 0, said(done)
    broken = f"{contract} BROKEN" in done.stdout
    assert broken or (not line and f"farebox.{module}" in done.stdout), said(done)


# --- sizes and prints ----------------------------------------------------------------------------


def test_no_module_is_too_long():
    lines = {
        str(path.relative_to(ROOT)): len(path.read_text("utf-8").splitlines())
        for path in [*MODULES, *LUA]
    }  # fmt: skip
    assert MODULES
    assert LUA
    assert {name: count for name, count in lines.items() if count > MAX_MODULE_LINES} == {}


def test_only_the_command_line_prints():
    printing = [
        f"{path.relative_to(SERVER)}:{node.lineno}"
        for path in MODULES
        if PACKAGE / "cli" not in path.parents
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "print"
    ]
    assert printing == [], "stdout belongs to JSON-RPC"


def test_a_module_says_why_it_is_there():
    silent = [
        str(path.relative_to(SERVER))
        for path in MODULES
        if (text := path.read_text("utf-8")).strip() and not ast.get_docstring(ast.parse(text))
    ]
    assert silent == []


# --- tests mirror the package --------------------------------------------------------------------


def test_tests_stand_where_their_module_stands():
    strays = []
    for test in sorted(TESTS.rglob("test_*.py")):
        name = test.relative_to(TESTS).as_posix()
        module = PACKAGE / name.replace("test_", "", 1)
        if name.partition("/")[0] in FOLDERS_WITHOUT_A_ROOM or name in TESTS_WITHOUT_A_MODULE:
            continue
        if not module.exists() and not module.with_suffix("").is_dir():
            strays.append(f"tests/{name}: there is no {module.relative_to(ROOT).as_posix()}")
    assert strays == [], "move it, or name it in TESTS_WITHOUT_A_MODULE with a reason"


def test_every_folder_of_tests_is_known():
    folders = {path.parent.relative_to(TESTS).parts[0] for path in TESTS.glob("*/**/*.py")}
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir()}
    assert folders <= rooms | set(FOLDERS_WITHOUT_A_ROOM)


# --- nothing of our machines ---------------------------------------------------------------------


def text_files() -> list[tuple[str, str]]:
    """Return every text file that is tracked, or would be."""
    git = shutil.which("git")
    if git is None or not (ROOT / ".git").exists():
        pytest.skip("not a git checkout: which files are ours is unknown")
    listed = subprocess.run(
        [git, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        check=True,
    ).stdout.decode("utf-8", "surrogateescape")
    found: list[tuple[str, str]] = []
    for name in filter(None, listed.split("\0")):
        try:
            found.append((name, (ROOT / name).read_text("utf-8")))
        except (UnicodeDecodeError, OSError):
            continue  # a picture, or a file that has just been moved
    return found


@pytest.mark.parametrize(
    "pattern", [pytest.param(MACHINE_PATH, id="paths"), pytest.param(REGISTRY_HOST, id="registries")]
)
def test_no_file_names_a_machine_or_a_registry(pattern: re.Pattern[str]):
    files = text_files()
    assert any(name == "pyproject.toml" for name, _ in files)
    named = [
        f"{name}:{text.count(chr(10), 0, match.end()) + 1}: {match[0].strip()}"
        for name, text in files
        for match in pattern.finditer(text)
        if not any(name.startswith(at) and re.search(allowed, match[0]) for at, allowed, _ in ALLOWED)
    ]
    assert named == [], "say it without the machine, or name it in ALLOWED with a reason"


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("{0}home{0}me{0}x", True, id="home"),
        pytest.param('"{0}tmp{0}x"', True, id="quoted"),
        pytest.param("file:{0}{0}{0}root{0}x", True, id="uri"),
        pytest.param("PATH={0}root{0}bin", True, id="assigned"),
        pytest.param("src{0}tmp{0}x", False, id="below-another-folder"),
        pytest.param("${{HOME}}{0}work{0}x", False, id="below-a-variable"),
        pytest.param(".{0}tmp{0}x", False, id="below-here"),
        pytest.param("https:{0}{0}host{0}work{0}x", False, id="in-an-address"),
    ],
)
def test_the_path_of_a_machine_is_known_when_seen(text: str, found: bool):
    assert bool(MACHINE_PATH.search(text.format("/"))) is found
