"""A workspace that nobody trusts: nothing leaves, nobody is asked, and none of its files is opened."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client import AUTOMATIC, Client, Failed
from support.environment import openrouter_config
from support.guard.sitecustomize import ACTS, CONTACTS
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
TEXT = "def total(lines):\n    return \n"
KEYSTROKES = 200
IDLE_S = 10


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        answer = Answer(body=openrouter_stream("sum(lines)"), content_type="text/event-stream")
        server.answer("/v1/chat/completions", answer)
        server.answer("/v1/models", json_answer({"data": [{"id": "qwen"}]}))
        yield server


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A workspace whose every file would be noticed if it were read: its settings are broken."""
    root = tmp_path / "ws"
    (root / ".git").mkdir(parents=True)
    (root / ".farebox.toml").write_text("this is no TOML\n", "utf-8")
    (root / ".gitignore").write_text("area.py\n", "utf-8")
    (root / ".fareboxignore").write_text("area.py\n", "utf-8")
    (root / "area.py").write_text(TEXT, "utf-8")
    return root


def acts(client: Client) -> list[tuple[str, str, Path]]:
    """Return what the guard has noted in a server: each event, how, and where."""
    lines = Path(client.environment[ACTS]).read_text("utf-8").splitlines()
    parted = (line.split("\t", 2) for line in lines)
    return [(event, how, Path(os.path.abspath(client.folder / path))) for event, how, path in parted]  # noqa: PTH100


def processes(client: Client) -> list[str]:
    starts = ("subprocess.", "os.exec", "os.fork", "os.posix_spawn", "os.spawn", "os.startfile", "os.system")
    return [event for event, _, _ in acts(client) if event.startswith(starts)]


def opened_below(client: Client, folder: Path) -> set[str]:
    """Name the files of a folder that were opened, made, moved or removed."""
    return {path.name for _, _, path in acts(client) if path.is_relative_to(folder)}


def written_elsewhere(client: Client, own: Path) -> list[Path]:
    """Return what was written, made, moved or removed outside of a folder."""
    return [
        path
        for _, how, path in acts(client)
        if how != "read" and not path.is_relative_to(own) and path != Path(os.devnull)
    ]


def test_not_a_socket_is_opened_whatever_is_asked(tmp_path: Path, root: Path, upstream: Upstream):
    config = openrouter_config(upstream.base_url)
    environment = {**KEY, "FAREBOX_LOCAL_BASE_URL": upstream.base_url, ACTS: str(tmp_path / "acts.log")}
    uri = (root / "area.py").as_uri()
    with Client(tmp_path, config=config, environment=environment) as client:
        client.initialize(
            workspaceFolders=[{"uri": root.as_uri(), "name": "ws"}],
            initializationOptions={"workspaceTrusted": False},
        )
        client.open(uri, TEXT)
        for number in range(KEYSTROKES):
            client.type(uri, 1, 11 + number, "x")
            assert client.ghost(uri, 1, 12 + number, AUTOMATIC) == []
        for method, params in (
            ("farebox/chat", {"text": "?", "attachments": [{"uri": uri}]}),
            ("farebox/chat", {"text": "?", "model": "local"}),
            ("farebox/complete", {"uri": uri, "position": {"line": 1, "character": 11}}),
            ("farebox/route", {"text": "?"}),
        ):
            with pytest.raises(Failed, match="this workspace is not trusted"):
                client.request(method, params)
        with pytest.raises(Failed, match="this workspace is not trusted"):
            client.ghost(uri, 1, 11)
        with pytest.raises(Failed, match="there is no"):
            client.request(
                "textDocument/hover", {"textDocument": {"uri": uri}, "position": {"line": 1, "character": 4}}
            )
        client.notify("textDocument/didSave", {"textDocument": {"uri": uri}})
        client.request("farebox/models")
        checks = client.request("farebox/doctor", {"probe": True})["checks"]
        assert "this workspace is not trusted, so nothing of it is sent" in {one["message"] for one in checks}
        found = client.wait_notification("farebox/status", lambda one: one["state"] == "inactive")
        assert "not trusted" in str(found["message"])
        assert not upstream.wait_for(lambda: upstream.connections > 0, IDLE_S)
        client.request("farebox/conversations")
    assert upstream.connections == 0
    assert not Path(client.environment[CONTACTS]).exists()
    assert opened_below(client, root) == set()
    assert written_elsewhere(client, tmp_path / "farebox") == []
    assert processes(client) == []


def test_the_same_asks_when_it_is_trusted(tmp_path: Path, root: Path, upstream: Upstream):
    """All of the above would have reached the provider, and read the files."""
    for name in (".farebox.toml", ".fareboxignore"):
        (root / name).unlink()
    with Client(
        tmp_path,
        config=openrouter_config(upstream.base_url),
        environment={**KEY, "FAREBOX_LOCAL_BASE_URL": upstream.base_url, ACTS: str(tmp_path / "acts.log")},
    ) as client:
        client.initialize(workspaceFolders=[{"uri": root.as_uri(), "name": "ws"}])
        uri = (root / "area.py").as_uri()
        client.open(uri, TEXT)
        with pytest.raises(Failed, match=r"area.py stays on this machine \(\.gitignore: area.py\)"):
            client.ghost(uri, 1, 11)
        assert client.chat("?")["text"]
        client.request("farebox/models")
    assert opened_below(client, root) >= {".gitignore"}
    assert Path(client.environment[CONTACTS]).exists()
    assert {request.path for request in upstream.requests} >= {"/v1/chat/completions", "/v1/models"}
