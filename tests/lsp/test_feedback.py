"""What an editor tells of an answer and of a file, over stdio: the next step and the prompt hear of it."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.client import Client, Failed
from support.metamodel import Json
from support.setups import address, play, toml
from support.upstream import Upstream

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789"}
URI = "file:///ws/area.py"


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        play(server)
        yield server


@pytest.fixture
def client(tmp_path: Path, upstream: Upstream) -> Iterator[Client]:
    config = toml({"providers": {"openrouter": {"base_url": address(upstream, "openrouter")}}})
    with Client(tmp_path, config=config, environment=KEY) as client:
        client.initialize()
        yield client


def routed(client: Client, text: str, **params: object) -> tuple[Json, str]:
    """Ask, and return the route and the conversation."""
    result = client.chat(text, **params)
    route = result["route"]
    assert isinstance(route, dict)
    return route, str(result["conversation"])


@pytest.mark.parametrize(
    ("outcome", "errors", "evidence", "words"),
    [
        pytest.param("rejected", 0, "rejected", "was rejected", id="rejected"),
        pytest.param("undone", 0, "undone", "was undone", id="undone"),
        pytest.param("regenerated", 0, "regenerated", "was asked for again", id="regenerated"),
        pytest.param("applied", 2, "errorsRemain", "errors remain", id="applied-and-errors-remain"),
    ],
)
def test_the_step_after_an_answer_that_did_not_help_takes_the_strong_tier_once(
    client: Client, outcome: str, errors: int, evidence: str, words: str
):
    first, conversation = routed(client, "What is a fare?")
    assert (first["tier"], first["evidence"]) == ("fast", [])
    told: Json = {"conversation": conversation, "outcome": outcome, "errors": errors}
    assert client.request("farebox/feedback", told) == {}
    shown = client.request("farebox/route", {"text": "What is a box?", "conversation": conversation})
    second, _ = routed(client, "What is a box?", conversation=conversation)
    assert (second["tier"], second["evidence"]) == ("strong", [evidence])
    assert words in str(second["reason"])
    assert second["model"] != first["model"]
    assert {**shown, "attempts": second["attempts"]} == second
    third, _ = routed(client, "What is a city?", conversation=conversation)
    assert (third["tier"], third["evidence"]) == ("fast", [])


def test_an_answer_that_was_applied_well_lifts_nothing(client: Client):
    _, conversation = routed(client, "What is a fare?")
    client.request("farebox/feedback", {"conversation": conversation, "outcome": "applied"})
    assert routed(client, "What is a box?", conversation=conversation)[0]["evidence"] == []


def test_errors_that_come_with_the_next_question_speak_against_what_was_applied(client: Client):
    _, conversation = routed(client, "What is a fare?")
    client.request("farebox/feedback", {"conversation": conversation, "outcome": "applied"})
    route, _ = routed(client, "What is a box?", conversation=conversation, diagnostics=[a_diagnostic()])
    assert route["evidence"] == ["errorsRemain"]


def test_what_is_told_late_of_an_earlier_turn_lifts_the_next_one_alone(client: Client):
    first = client.chat("What is a fare?")
    conversation = first["conversation"]
    client.chat("What is a box?", conversation=conversation)
    told = {"conversation": conversation, "turn": first["turn"], "outcome": "undone"}
    assert client.request("farebox/feedback", told) == {}
    assert routed(client, "What is a city?", conversation=conversation)[0]["evidence"] == ["undone"]
    assert routed(client, "What is a town?", conversation=conversation)[0]["evidence"] == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param({"conversation": "none"}, "there is no conversation none", id="no-conversation"),
        pytest.param({"turn": "none"}, "there is no turn none", id="no-turn"),
        pytest.param({"outcome": "loved"}, "outcome", id="no-outcome"),
        pytest.param({"errors": -1}, "errors", id="less-than-no-errors"),
    ],
)
def test_what_is_told_of_nothing_is_refused(client: Client, change: dict[str, object], words: str):
    _, conversation = routed(client, "What is a fare?")
    told = {"conversation": conversation, "outcome": "rejected", **change}
    with pytest.raises(Failed, match=words) as failed:
        client.request("farebox/feedback", told)
    assert failed.value.data["kind"] == "invalidParams"
    assert routed(client, "What is a box?", conversation=conversation)[0]["evidence"] == []


# --- diagnostics ---------------------------------------------------------------------------------


def a_diagnostic(uri: str = URI) -> Json:
    place = {"start": {"line": 6, "character": 0}, "end": {"line": 6, "character": 4}}
    return {"uri": uri, "range": place, "severity": "error", "message": "no such name: fare"}


def test_diagnostics_reach_the_prompt_and_tell_the_task(client: Client, upstream: Upstream):
    route, _ = routed(client, "Help", diagnostics=[a_diagnostic()])
    messages = upstream.requests[-1].json["messages"]
    assert isinstance(messages, list)
    written = json.dumps(messages[-1])
    assert (
        json.dumps("<diagnostics>\narea.py:7: error: no such name: fare\n</diagnostics>\n\nHelp") in written
    )
    assert (route["task"], route["taskFrom"]) == ("fix", "facts")


def test_diagnostics_of_a_secret_file_are_never_sent(client: Client, upstream: Upstream):
    for method in ("farebox/chat", "farebox/route"):
        with pytest.raises(Failed, match="stays on this machine"):
            client.request(method, {"text": "Help", "diagnostics": [a_diagnostic("file:///ws/.env")]})
    assert upstream.requests == []


def test_a_rule_of_the_users_holds_for_diagnostics_in_later_turns_too(client: Client, upstream: Upstream):
    _, conversation = routed(client, "Help", diagnostics=[a_diagnostic()])
    exclude = {"privacy": {"exclude": ["area.py"]}}
    client.notify("workspace/didChangeConfiguration", {"settings": {"farebox": exclude}})
    with pytest.raises(Failed, match="stays on this machine"):
        client.chat("And now?", conversation=conversation)
    assert len(upstream.requests) == 1
