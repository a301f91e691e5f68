"""What a provider says it charged is what the reply, the ledger and the report say, to the nano-dollar."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

import pytest

from support.client import Client
from support.environment import ledger_rows, openrouter_config
from support.metamodel import Json
from support.recorded import ABSENT, FIXTURES, INDEX
from support.upstream import Answer, Upstream, sse, stream_of

KEY = {"OPENROUTER_API_KEY": "sk-or-test-0123456789", "ACME_KEY": "a-0123456789"}
NANO = 10**9


@dataclass(frozen=True)
class Recorded:
    """One of OpenRouter's recorded answers: as a stream, whether it was recorded as one or whole."""

    model: str
    usage: Json
    answer: Answer


def recorded() -> list[Recorded]:
    """Return OpenRouter's recorded chat answers that ended well."""
    index = json.loads(INDEX.read_text("utf-8"))
    wanted = [
        entry
        for entry in index
        if (entry["provider"], entry["api"], entry["status"]) == ("openrouter", "openai.chat", 200)
        and not entry["expected"]["errors"]
    ]
    return [_recorded(entry, number) for number, entry in enumerate(wanted)]


def _recorded(entry: Json, number: int) -> Recorded:
    raw = (FIXTURES / str(entry["file"])).read_bytes()
    expected = entry["expected"]
    if entry["stream"]:
        sent = Answer(body=raw, content_type="text/event-stream", seed=number)
        return Recorded(expected["model"], expected["usage"] or {}, sent)
    body = json.loads(raw)
    return Recorded(body["model"], body["usage"], answer(body, number))


def charged_nanodollars(usage: Json) -> int | None:
    """Return what OpenRouter charged: its cost, and upstream's on top where the user's own key paid there."""
    if usage.get("cost") is None:
        return None
    cost = Decimal(repr(usage["cost"]))
    if usage.get("is_byok"):
        cost += Decimal(repr(usage["cost_details"]["upstream_inference_cost"]))
    return round(cost * NANO)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        yield server


@pytest.fixture
def client(tmp_path: Path, upstream: Upstream) -> Iterator[Client]:
    acme = f'[providers.acme]\ndialect = "openai"\nbase_url = "{upstream.base_url}"\nkey_env = "ACME_KEY"\n'
    config = openrouter_config(upstream.base_url, more=acme)
    with Client(tmp_path, config=config, environment=KEY) as client:
        client.initialize()
        yield client


def answer(body: Json, seed: int) -> Answer:
    """Stream a recorded body, split at random places."""
    return Answer(body=sse(*stream_of(body)), content_type="text/event-stream", seed=seed)


def nanodollars(usd: object) -> int | None:
    """Turn decimal dollars into nano-dollars, exactly."""
    if usd is None:
        return None
    amount = Decimal(str(usd)) * NANO
    assert amount == int(amount)
    return int(amount)


@pytest.mark.skipif(not INDEX.exists(), reason=ABSENT)
def test_the_providers_own_figure_is_in_the_reply_the_ledger_and_the_report(
    client: Client, upstream: Upstream
) -> None:
    bodies = recorded()
    charges = [charged_nanodollars(body.usage) for body in bodies]
    replies: list[Json] = []
    for number, body in enumerate(bodies):
        upstream.queue(body.answer)
        replies.append(client.chat(f"Question {number}", model=f"openrouter/{body.model}"))
    costs = [reply["cost"] for reply in replies]
    assert sum(charge is not None for charge in charges) >= 20, "hardly any recorded body has a cost"
    for charge, cost, body in zip(charges, costs, bodies, strict=True):
        assert isinstance(cost, dict)
        if charge is not None:
            assert (nanodollars(cost["usd"]), cost["basis"]) == (charge, "reported"), body.model
        else:
            assert cost["basis"] in ("computed", "estimated", "unknown"), body.model
            assert (cost["usd"] is None) == (cost["basis"] == "unknown"), body.model
    expected = [nanodollars(cost["usd"]) for cost in costs]

    report = client.request("farebox/costReport", {"by": ["model"]})
    rows, total = report["rows"], report["total"]
    assert isinstance(rows, list)
    assert isinstance(total, dict)
    for row in rows:
        name = row["model"]
        of_model = [
            cost for cost, reply in zip(expected, replies, strict=True) if reply["route"]["model"] == name
        ]
        assert nanodollars(row["usd"]) == sum(cost for cost in of_model if cost is not None), name
        assert row["requests"] == len(of_model), name
    assert nanodollars(total["usd"]) == sum(cost for cost in expected if cost is not None)
    assert total["basis"]["reported"] == sum(charge is not None for charge in charges)

    client.close()
    assert [row["cost_nanodollars"] for row in ledger_rows(client.folder)] == expected
    print(f"\n{len(bodies)} recorded bodies, {total['basis']}, in total ${total['usd']}")


BODY: Json = {
    "id": "gen-1",
    "model": "house/special",
    "choices": [{"message": {"role": "assistant", "content": "Hello there."}, "finish_reason": "stop"}],
    "usage": {"prompt_tokens": 12, "completion_tokens": 3},
}


def test_a_cost_with_nine_decimals_comes_through_whole(client: Client, upstream: Upstream) -> None:
    for cost in (0.000000001, 0.123456789, 1e-9 * 7, 0, 3.000000003):
        usage = {"prompt_tokens": 12, "completion_tokens": 3, "cost": cost}
        upstream.queue(answer({**BODY, "usage": usage}, 1))
        replied = client.chat("Hello")["cost"]
        assert isinstance(replied, dict)
        assert (nanodollars(replied["usd"]), replied["basis"]) == (round(cost * NANO), "reported")
    client.close()
    costs = [row["cost_nanodollars"] for row in ledger_rows(client.folder)]
    assert costs == [1, 123456789, 7, 0, 3000000003]


def test_an_unknown_price_is_null_and_counted_as_unknown(client: Client, upstream: Upstream) -> None:
    upstream.queue(answer(BODY, 1))
    cost = client.chat("Hello", model="acme/house/special")["cost"]
    assert isinstance(cost, dict)
    assert (cost["usd"], cost["basis"], cost["savedUsd"]) == (None, "unknown", None)
    report = client.request("farebox/costReport", {"by": ["model"]})
    for row in (*report["rows"], report["total"]):
        assert row["usd"] is None
        assert row["basis"] == {"reported": 0, "computed": 0, "estimated": 0, "unknown": 1}
    client.close()
    (row,) = ledger_rows(client.folder)
    assert (row["cost_nanodollars"], row["basis"], row["input_tokens"]) == (None, "unknown", 12)
