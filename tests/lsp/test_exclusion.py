"""Nothing of a file that may not leave is ever sent, in whatever way its text comes to the server.

From outside: files with a canary in a real workspace, a real server, and all that a provider is sent.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.canary import FILE_CANARY
from support.client import AUTOMATIC, Client, Failed
from support.environment import openrouter_config
from support.metamodel import Json
from support.upstream import Answer, Upstream, openrouter_stream

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
SETTINGS = '[privacy]\nexclude = ["private/**"]\nsecrets = "send"\n'
"""Without the search for secrets: here it is the files' names that must keep their text."""

IGNORED = {
    ".gitignore": "*.local\nbuild/\n/Top.py\n",
    "sub/.gitignore": "scratch.py\n!kept.local\n",
    ".fareboxignore": "internal/\n",
    ".git/info/exclude": "mine.py\n",
    "sub/.fareboxignore": "!internal/\n",
}
KEPT = {
    ".env": "secret files: .env",
    ".env.production": "secret files: .env.*",
    "deploy/.ENV": "secret files: *.env",
    "server.pem": "secret files: *.pem",
    "id_ed25519": "secret files: id_ed25519*",
    ".git/config": "secret files: .git/",
    ".netrc": "secret files: .netrc",
    "private/plan.py": "[privacy] exclude: private/**",
    "Private/other.py": "[privacy] exclude: private/**",
    "notes.local": ".gitignore: *.local",
    "sub/NOTES.LOCAL": ".gitignore: *.local",
    "build/deep/out.py": ".gitignore: build/",
    "top.py": ".gitignore: /Top.py",
    "sub/scratch.py": "sub/.gitignore: scratch.py",
    "mine.py": ".git/info/exclude: mine.py",
    "internal/design.py": ".fareboxignore: internal/",
    "sub/internal/design.py": ".fareboxignore: internal/",
}
SPELLED = [
    "sub/../.env",
    "sub/%2e%2e/.env",
    "%2eenv",
    "%252eenv",
    ".env.",
    ".env%20",
    ".env::$DATA",
    "ID_ED25519",
    "sub%5C..%5C.env",
]
"""Other spellings of some of them: also those that only some system takes for the same file."""

CALL = "from invoices import compute_invoice_total\n\nresult = compute_invoice_total(\n"
CANARY = f'def compute_invoice_total(order_lines):\n    """{FILE_CANARY}"""\n    return 1\n'
ALLOWED = "an_open_neighbour"
HELPER = f'def compute_invoice_total(order_lines, {ALLOWED}):\n    """{ALLOWED}"""\n    return 1\n'


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        body = openrouter_stream("order_lines)", {"prompt_tokens": 20, "completion_tokens": 4, "cost": 0.001})
        server.answer("/v1/chat/completions", Answer(body=body, content_type="text/event-stream"))
        yield server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace with a canary in each file that may not leave, and links to some of them."""
    root = tmp_path / "ws"
    for name, text in {
        **IGNORED,
        **dict.fromkeys(KEPT, CANARY),
        "invoices.py": HELPER,
        "main.py": CALL,
    }.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    return root


@pytest.fixture
def client(tmp_path: Path, root: Path, upstream: Upstream) -> Iterator[Client]:
    config = openrouter_config(upstream.base_url, more=SETTINGS)
    with Client(tmp_path, config=config, environment=KEY) as client:
        client.initialize(workspaceFolders=[{"uri": root.as_uri(), "name": "ws"}])
        yield client


def was_sent(upstream: Upstream, text: str) -> bool:
    return any(text.encode() in request.raw for request in upstream.requests)


def refused(client: Client, method: str, params: Json) -> str:
    with pytest.raises(Failed, match="stays on this machine") as failed:
        client.request(method, params)
    assert failed.value.data["kind"] == "excluded"
    return str(failed.value)


def ask_in_every_way(client: Client, uri: str) -> None:
    """Open a document that may not leave, edit it and ask for everything that would show it to a model."""
    place = {"line": 1, "character": 4}
    client.open(uri, CANARY)
    client.type(uri, 1, 4, FILE_CANARY)
    assert client.ghost(uri, 1, 4, AUTOMATIC) == []
    refused(client, "farebox/complete", {"uri": uri, "position": place})
    refused(client, "farebox/chat", {"text": "?", "attachments": [{"uri": uri}]})
    part = {"start": {"line": 0, "character": 0}, "end": place}
    refused(client, "farebox/chat", {"text": "?", "attachments": [{"uri": uri, "range": part}]})
    refused(client, "farebox/route", {"text": "?", "attachments": [{"uri": uri}]})
    told = {"uri": uri, "range": part, "severity": "error", "message": FILE_CANARY}
    refused(client, "farebox/chat", {"text": "?", "diagnostics": [told]})
    with pytest.raises(Failed, match="stays on this machine"):
        client.ghost(uri, 1, 4)


def test_a_kept_file_is_in_no_request(client: Client, root: Path, upstream: Upstream):
    for name in KEPT:
        uri = (root / name).as_uri()
        ask_in_every_way(client, uri)
        hole = {"path": str(root / name), "language": "python", "prefix": CANARY, "suffix": ""}
        refused(client, "farebox/complete", hole)
        refused(client, "farebox/complete", {**hole, "path": name})
        refused(client, "farebox/chat", {"text": "?", "attachments": [{"name": name, "text": CANARY}]})
        client.notify("textDocument/didClose", {"textDocument": {"uri": uri}})
        with pytest.raises(Failed, match="is not open"):
            client.chat("?", attachments=[{"uri": uri}])
        assert client.ghost(uri, 1, 4) == []
        assert upstream.requests == [], name


def test_no_spelling_of_an_address_lets_one_out(client: Client, root: Path, upstream: Upstream):
    for spelled in SPELLED:
        ask_in_every_way(client, f"{root.as_uri()}/{spelled}")
    for scheme in ("untitled", "git", "vscode-remote", "vscode-notebook-cell"):
        ask_in_every_way(client, f"{scheme}:{root.as_posix()}/.env")
    assert upstream.requests == []


@pytest.mark.skipif(os.name != "posix", reason="links need a right of their own on Windows")
def test_no_link_lets_one_out(client: Client, root: Path, upstream: Upstream):
    (root / "linked.py").symlink_to(root / ".env")
    (root / "folder").symlink_to(root / "private")
    (root / "hard.py").hardlink_to(root / "server.pem")
    (root / "sub" / "hard.py").hardlink_to(root / "notes.local")
    for name in ("linked.py", "folder/plan.py", "hard.py", "sub/hard.py"):
        ask_in_every_way(client, (root / name).as_uri())
    assert upstream.requests == []


def test_no_neighbour_lends_one_to_a_prompt(client: Client, root: Path, upstream: Upstream):
    """Open beside the file that is completed, just edited, closed again, renamed: 64 and all the others."""
    for name in (*KEPT, *(f".env.{number}" for number in range(64))):
        uri = (root / name).as_uri()
        client.open(uri, CANARY)
        client.type(uri, 0, 0, f"# {FILE_CANARY}\n")
    renamed = (root / "renamed.py").as_uri()
    client.open(renamed, HELPER)
    client.notify("textDocument/didClose", {"textDocument": {"uri": renamed}})
    client.open((root / "renamed.local").as_uri(), CANARY)
    main = (root / "main.py").as_uri()
    client.open(main, CALL + "result = compute_invoice_total(\n" * 100)
    for line in range(3, 100):  # the files are read while nobody types, and gathered anew on another line
        client.ghost(main, line, 31)
        if was_sent(upstream, ALLOWED):
            break
    assert was_sent(upstream, ALLOWED), "what may leave is lent: this test could fail"
    client.chat("?", attachments=[{"uri": main}])
    client.request("farebox/complete", {"uri": main, "position": {"line": 2, "character": 31}})
    assert not was_sent(upstream, FILE_CANARY)


def test_a_rule_that_comes_later_holds_at_once(client: Client, root: Path, upstream: Upstream):
    later = (root / "later.py").as_uri()
    client.open(later, CALL)
    first = client.chat("?", attachments=[{"uri": later}])
    assert client.ghost(later, 2, 31)
    sent = len(upstream.requests)
    (root / ".fareboxignore").write_text("later.py\n", "utf-8")
    refused(client, "farebox/chat", {"text": "And?", "conversation": first["conversation"]})
    ask_in_every_way(client, later)
    assert len(upstream.requests) == sent


def test_ignored_files_leave_where_the_user_says_so(tmp_path: Path, root: Path, upstream: Upstream):
    config = openrouter_config(upstream.base_url, more="[privacy]\ngitignore = false\n")
    with Client(tmp_path, config=config, environment=KEY) as client:
        client.initialize(workspaceFolders=[{"uri": root.as_uri(), "name": "ws"}])
        uri = (root / "notes.local").as_uri()
        client.open(uri, CALL)
        assert client.ghost(uri, 2, 31)
        ask_in_every_way(client, (root / "internal" / "design.py").as_uri())
    assert len(upstream.requests) == 1


OUTSIDE = {
    "elsewhere/.gitignore": "*.local\n",
    "elsewhere/sub/.fareboxignore": "own.py\n",
    "elsewhere/.git/info/exclude": "mine.py\n",
}


@pytest.mark.parametrize("folders", ["one", "none"])
def test_a_repository_outside_of_the_folders_keeps_what_it_ignores(
    tmp_path: Path, root: Path, upstream: Upstream, folders: str
):
    kept = ("elsewhere/a.local", "elsewhere/sub/own.py", "elsewhere/sub/mine.py")
    for name, text in {**OUTSIDE, **dict.fromkeys(kept, CANARY), "elsewhere/open.py": CALL}.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    with Client(
        tmp_path, config=openrouter_config(upstream.base_url, more=SETTINGS), environment=KEY
    ) as client:
        opened = [{"uri": root.as_uri(), "name": "ws"}] if folders == "one" else None
        client.initialize(workspaceFolders=opened)
        for name in kept:
            ask_in_every_way(client, (tmp_path / name).as_uri())
        assert upstream.requests == []
        uri = (tmp_path / "elsewhere" / "open.py").as_uri()
        client.open(uri, CALL)
        assert client.ghost(uri, 2, 31), "what it does not name may leave: this test could fail"


# --- what the user is told -------------------------------------------------------------------------


def statuses(client: Client) -> list[tuple[object, object]]:
    return [(one["state"], one["message"]) for one in client.notifications("farebox/status")]


def test_the_status_names_the_rule_once_and_is_ready_elsewhere(client: Client, root: Path):
    free = (root / "main.py").as_uri()
    client.open(free, CALL)
    for name in ("notes.local", "private/plan.py", ".env", "sub/scratch.py"):
        kept, told = (root / name).as_uri(), f"this file stays on this machine: {KEPT[name]}"
        client.open(kept, CANARY)
        client.notify("textDocument/didFocus", {"textDocument": {"uri": kept}})
        client.wait_notification("farebox/status", lambda one, told=told: one["message"] == told)
        for _ in range(3):
            assert client.ghost(kept, 1, 4, AUTOMATIC) == []
        assert client.request("farebox/explain")["reason"] == f"not asked: excluded: {told}"
        seen = len(client.notifications("farebox/status"))
        client.notify("textDocument/didFocus", {"textDocument": {"uri": free}})
        client.wait_notification("farebox/status", lambda one: one["state"] == "ready", skip=seen)
        assert statuses(client).count(("inactive", told)) == 1


def test_typing_in_a_kept_file_is_enough_to_be_told(client: Client, root: Path):
    uri = (root / "notes.local").as_uri()
    client.open(uri, CANARY)
    assert client.ghost(uri, 1, 4, AUTOMATIC) == []
    found = client.wait_notification("farebox/status", lambda one: one["state"] == "inactive")
    assert found["message"] == "this file stays on this machine: .gitignore: *.local"
    client.open((root / "main.py").as_uri(), CALL)
    assert client.ghost((root / "main.py").as_uri(), 2, 31, AUTOMATIC)
    client.wait_notification("farebox/status", lambda one: one["state"] == "ready")
