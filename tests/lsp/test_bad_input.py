"""Every wrong set-up gives one clear error with a hint, and the server goes on serving."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.bad_input import MISTAKES, Mistake, config_of, serve
from support.client import AUTOMATIC, INVOKED, Client, Failed
from support.environment import openrouter_config
from support.patience import WAIT_S
from support.upstream import Upstream, json_answer

URI = "file:///ws/area.py"


@pytest.fixture(params=list(MISTAKES))
def mistake(request: pytest.FixtureRequest) -> Mistake:
    return MISTAKES[request.param]


@pytest.fixture
def upstream(mistake: Mistake) -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        serve(server, rejects=mistake.rejects)
        yield server


@pytest.fixture
def client(tmp_path: Path, mistake: Mistake, upstream: Upstream) -> Iterator[Client]:
    config = config_of(mistake, upstream)
    with Client(tmp_path, config=config, environment=mistake.environment) as client:
        client.initialize()
        client.open(URI, "x = \nlonger_than_nothing = 1\n")
        yield client


def check(mistake: Mistake, failed: Failed) -> None:
    """Check an error against what the mistake must lead to."""
    assert (failed.data["kind"], failed.code) == (mistake.kind, mistake.code)
    assert mistake.words in failed.message
    assert mistake.hint in str(failed.data["hint"])


def test_a_mistake_is_told_once_clearly_and_can_be_corrected(
    client: Client, mistake: Mistake, upstream: Upstream
) -> None:
    with pytest.raises(Failed) as chat:
        client.chat("Hello")
    check(mistake, chat.value)
    with pytest.raises(Failed) as ghost:
        client.answer(client.ask_ghost(URI, 0, 4, INVOKED))
    check(mistake, ghost.value)

    for _ in range(2):
        assert client.ghost(URI, 0, 4, AUTOMATIC) == []
    (shown,) = client.notifications("window/showMessage")
    assert shown["type"] == 2  # a warning
    assert mistake.words in str(shown["message"])
    assert mistake.hint in str(shown["message"])
    status = client.notifications("farebox/status")[-1]
    assert status["state"] == mistake.state
    assert mistake.words in str(status["message"])

    checks = client.request("farebox/doctor")["checks"]
    assert isinstance(checks, list)
    (found,) = [one for one in checks if one["name"] == mistake.check]
    assert found["state"] == "error"
    assert mistake.words in found["message"]
    assert mistake.hint in found["hint"]
    assert client.request("farebox/costReport")["budgets"] == []

    client.write_config(openrouter_config(upstream.base_url))
    client.request("farebox/setCredential", {"provider": "openrouter", "secret": "sk-or-right-0123456"})
    serve(upstream, rejects=False)
    assert client.chat("Hello")["text"] == "Hello there."
    assert client.ghost(URI, 0, 4, AUTOMATIC)
    assert upstream.requests[-1].headers["authorization"] == "Bearer sk-or-right-0123456"
    ready = client.wait_notification("farebox/status", lambda told: told["state"] == "ready")
    assert ready["message"] == "ready"
    checks = client.request("farebox/doctor")["checks"]
    assert isinstance(checks, list)
    assert [one for one in checks if one["state"] != "ok"] == []


def test_a_workspace_file_that_is_wrong_stops_requests_until_it_is_right(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    file = root / ".farebox.toml"
    file.write_text('[providers.openrouter]\nbase_url = "http://127.0.0.1:9/v1"\n')
    with Upstream.in_thread() as upstream:
        serve(upstream, rejects=False)
        environment = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
        with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=environment) as client:
            client.initialize(rootUri=root.as_uri())
            with pytest.raises(Failed, match="can't be set by a workspace") as failed:
                client.chat("Hello")
            assert (failed.value.data["kind"], str(file) in failed.value.message) == ("config", True)
            assert upstream.requests == []
            file.write_text("[budgets]\ndaily_usd = 0\n")
            with pytest.raises(Failed) as failed:
                client.chat("Hello")
            assert failed.value.data["kind"] == "budgetExceeded"
            file.unlink()
            assert client.chat("Hello")["text"] == "Hello there."


HOSTILE = "*a*a*a*a*a*a*a*a*a*a*a*ab"


@pytest.mark.skipif(sys.platform == "win32", reason="git makes no such links on Windows")
@pytest.mark.timeout(WAIT_S)
@pytest.mark.parametrize("target", ["/dev/stdin", "/dev/zero", "pipe"])
def test_a_workspace_file_that_is_no_plain_file_hangs_nothing(tmp_path: Path, target: str) -> None:
    root = tmp_path / "work"
    root.mkdir()
    os.mkfifo(root / "pipe")
    (root / ".farebox.toml").symlink_to(target)
    with Client(tmp_path, config="") as client:
        client.initialize(rootUri=root.as_uri())
        with pytest.raises(Failed, match="not a plain file") as failed:
            client.chat("Hello")
        assert (failed.value.data["kind"], str(root) in failed.value.message) == ("config", True)
        assert client.request("farebox/costReport")["rows"] == []


@pytest.mark.timeout(WAIT_S)
def test_a_workspace_with_a_hostile_pattern_hangs_nothing(tmp_path: Path) -> None:
    root = tmp_path / "work"
    root.mkdir()
    (root / ".farebox.toml").write_text(f'[privacy]\nexclude = ["{HOSTILE}"]\n')
    uri = (root / ("a" * 63)).as_uri()
    with Upstream.in_thread() as upstream:
        serve(upstream, rejects=False)
        environment = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
        with Client(tmp_path, config=openrouter_config(upstream.base_url), environment=environment) as client:
            client.initialize(rootUri=root.as_uri())
            client.open(uri, "x = 1\n")
            client.open(f"{uri}b", "x = 1\n")
            assert client.chat("?", attachments=[{"uri": uri}])["text"] == "Hello there."
            with pytest.raises(Failed, match="stays on this machine"):
                client.chat("?", attachments=[{"uri": f"{uri}b"}])


def test_words_of_a_provider_never_carry_the_key_back(tmp_path: Path) -> None:
    key = "sk-or-test-0123456789"
    with Upstream.in_thread() as upstream:
        echo = {"error": {"code": 401, "message": f"Incorrect API key provided: {key}"}}
        upstream.answer("/v1/chat/completions", json_answer(echo, status=401))
        with Client(
            tmp_path, config=openrouter_config(upstream.base_url), environment={"OPENROUTER_API_KEY": key}
        ) as client:
            client.initialize()
            with pytest.raises(Failed, match="Incorrect API key provided: <secret>"):
                client.chat("Hello")
        assert key not in client.log
        assert not any(key in str(message) for message in client.received)
