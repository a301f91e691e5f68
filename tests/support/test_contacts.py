"""Who was contacted without being told of is found, however an address is written."""

from pathlib import Path

import pytest

from support.client import Client
from support.contacts import addresses, strangers
from support.guard.sitecustomize import CONTACTS
from support.upstream import Upstream, json_answer


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param('base_url = "http://127.0.0.1:80/v1"', {("127.0.0.1", "80")}, id="a setting"),
        pytest.param('{"a": "http://[::1]:7/v1"}', {("::1", "7")}, id="a message"),
        pytest.param("http://LocalHost:9", {("127.0.0.1", "9"), ("::1", "9")}, id="localhost"),
        pytest.param("http://me@127.0.0.1:8@b", {("127.0.0.1", "8")}, id="a name before it"),
        pytest.param("https://api.example.test/v1", set(), id="no port"),
    ],
)
def test_an_address_is_read_from(text: str, expected: set[tuple[str, str]]) -> None:
    assert addresses(text) == expected


def test_only_who_was_told_of_is_no_stranger(tmp_path: Path) -> None:
    log = tmp_path / "contacts.log"
    assert strangers(log, []) == []
    log.write_text("127.0.0.1 81\n127.0.0.1 82\n127.0.0.1 11434\n", "utf-8")
    assert strangers(log, ["http://127.0.0.1:81/v1"]) == ["127.0.0.1 82"]


def test_a_server_that_asks_a_provider_is_seen_to(tmp_path: Path) -> None:
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/models", json_answer({"data": []}))
        config = f'[providers.mine]\nbase_url = "{upstream.base_url}"\n'
        with Client(tmp_path, config=config) as client:
            client.initialize()
            client.request("farebox/models")
        log = Path(client.environment[CONTACTS])
        assert strangers(log, [config]) == []
        assert strangers(log, []) == [f"127.0.0.1 {upstream.origin.rpartition(':')[2]}"]
