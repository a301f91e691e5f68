"""Usage as a collector gets it: the conventions' names, the ledger's numbers, and nothing else."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from farebox import logs
from farebox.ledger.records import Hold, Settlement
from farebox.ledger.store import Ledger
from farebox.messages import Cost, Target, Task, Usage
from farebox.otel.telemetry import Telemetry
from farebox.otel_settings import METRICS_PATH, OtelSettings
from support.environment import ledger_rows
from support.upstream import Answer, Upstream

Points = dict[str, list[tuple[dict[str, str], Any]]]


@pytest.fixture
def collector() -> Iterator[Upstream]:
    """A collector on loopback that takes everything."""
    with Upstream.in_thread() as upstream:
        upstream.answer(METRICS_PATH, Answer(body=b"", content_type="application/x-protobuf"))
        yield upstream


def received(collector: Upstream) -> Points:
    """Decode the last export: for each metric its points, as attributes and a value."""
    request = ExportMetricsServiceRequest.FromString(collector.requests[-1].raw)
    points: Points = {}
    for resource in request.resource_metrics:
        for scope in resource.scope_metrics:
            for metric in scope.metrics:
                data = getattr(metric, str(metric.WhichOneof("data")))
                points[metric.name] = [
                    ({one.key: one.value.string_value for one in point.attributes}, point)
                    for point in data.data_points
                ]
    return points


async def export(collector: Upstream, folder: Path, *attempts: Settlement) -> None:
    """Have the ledger settle some attempts, each held before, and close everything."""
    telemetry = Telemetry()
    telemetry.use(OtelSettings(endpoint=collector.origin), local_only=True)
    ledger = Ledger(folder / "farebox" / "ledger.db", on_settled=telemetry.settled)
    for number, settlement in enumerate(attempts):
        assert settlement.target is not None
        hold = Hold(
            settlement.call_id,
            f"r{number}",
            1,
            settlement.task or "chat",
            settlement.target,
            10**6,
            1_750_000_000_000,
            workspace="/Users/me/secret-project",
            client="an editor",
            conversation="a conversation",
        )
        await ledger.hold(hold, ())
        ledger.settle(settlement)
    await ledger.close()
    await telemetry.close()


def attempt(call_id: str, *, task: Task = "chat", target: Target | None = None, **rest: Any) -> Settlement:
    return Settlement(
        call_id=call_id,
        outcome=rest.pop("outcome", "ok"),
        usage=rest.pop("usage", Usage(input_tokens=900, output_tokens=70)),
        cost=rest.pop("cost", Cost(nanodollars=213_001, basis="reported")),
        target=target or Target("openai", "gpt-5.5"),
        task=task,
        total_ms=rest.pop("total_ms", 1_500),
        **rest,
    )


async def test_the_collector_gets_the_sums_of_the_ledgers_rows(collector: Upstream, tmp_path: Path):
    await export(
        collector,
        tmp_path,
        attempt("a", first_token_ms=300, served_model="gpt-5.5-2026"),
        attempt("b", first_token_ms=200, served_model="gpt-5.5-2026", cost=Cost(787, "reported")),
        attempt("c", cost=Cost(None, "unknown"), usage=Usage(input_tokens=5, output_tokens=6)),
        attempt("d", task="complete", target=Target("mistral", "codestral"), cost=Cost(4, "computed")),
    )
    points, rows = received(collector), ledger_rows(tmp_path)
    assert len(rows) == 4
    tokens = points["gen_ai.client.token.usage"]
    for kind in ("input", "output"):
        of_kind = [point for attributes, point in tokens if attributes["gen_ai.token.type"] == kind]
        assert sum(point.sum for point in of_kind) == sum(row[f"{kind}_tokens"] for row in rows)
        assert sum(point.count for point in of_kind) == 4
    durations = [point for _, point in points["gen_ai.client.operation.duration"]]
    assert sum(point.sum for point in durations) == pytest.approx(sum(row["total_ms"] for row in rows) / 1000)
    first = [point for _, point in points["gen_ai.client.operation.time_to_first_chunk"]]
    assert [(point.count, point.sum) for point in first] == [(2, 0.5)]
    costs = {
        (attributes["gen_ai.provider.name"], attributes["farebox.cost.basis"]): point.as_double
        for attributes, point in points["farebox.cost"]
    }
    assert {key: round(usd * 10**9) for key, usd in costs.items()} == {
        ("openai", "reported"): 213_788,
        ("mistral_ai", "computed"): 4,
    }


async def test_names_units_and_buckets_are_those_of_the_conventions(collector: Upstream, tmp_path: Path):
    await export(collector, tmp_path, attempt("a", first_token_ms=1, served_model="gpt-5.5-2026"))
    request = ExportMetricsServiceRequest.FromString(collector.requests[-1].raw)
    (resource,) = request.resource_metrics
    named = {one.key: one.value.string_value for one in resource.resource.attributes}
    assert named["service.name"] == "farebox"
    assert set(named) == {"service.name", "service.version", "service.instance.id"}
    metrics = {metric.name: metric for metric in resource.scope_metrics[0].metrics}
    assert {name: metric.unit for name, metric in metrics.items()} == {
        "gen_ai.client.token.usage": "{token}",
        "gen_ai.client.operation.duration": "s",
        "gen_ai.client.operation.time_to_first_chunk": "s",
        "farebox.cost": "USD",
    }
    tokens = metrics["gen_ai.client.token.usage"].histogram.data_points[0]
    assert list(tokens.explicit_bounds)[:4] == [1, 4, 16, 64]
    assert tokens.explicit_bounds[-1] == 67_108_864
    seconds = metrics["gen_ai.client.operation.duration"].histogram.data_points[0]
    assert (seconds.explicit_bounds[0], seconds.explicit_bounds[-1]) == (0.01, 81.92)
    ((attributes, _),) = received(collector)["gen_ai.client.operation.duration"]
    assert attributes == {
        "gen_ai.operation.name": "chat",
        "gen_ai.provider.name": "openai",
        "gen_ai.request.model": "gpt-5.5",
        "gen_ai.response.model": "gpt-5.5-2026",
    }


async def test_a_failure_has_its_kind_and_a_cancelled_request_has_none(collector: Upstream, tmp_path: Path):
    nothing = Usage()
    await export(
        collector,
        tmp_path,
        attempt("a", outcome="failed", error_kind="rateLimited", usage=nothing, cost=Cost(0, "computed")),
        attempt("b", outcome="failed", usage=nothing, cost=Cost(0, "computed")),
        attempt("c", outcome="cancelled", task="complete"),
    )
    points = received(collector)
    kinds = [
        (attributes["gen_ai.operation.name"], attributes.get("error.type"))
        for attributes, _ in points["gen_ai.client.operation.duration"]
    ]
    assert sorted(kinds, key=str) == [("chat", "_OTHER"), ("chat", "rateLimited"), ("text_completion", None)]
    assert {point.count for _, point in points["gen_ai.client.token.usage"]} == {1}, "only who was counted"


@pytest.mark.parametrize(
    ("served", "told"),
    [
        ("/Users/me/models/qwen-7b.gguf", "qwen-7b.gguf"),
        ("~/models/qwen.gguf", "qwen.gguf"),
        ("..\\models\\qwen.gguf", "qwen.gguf"),
        ("C:/Users/me/qwen.gguf", "qwen.gguf"),
        ("anthropic/claude-sonnet", "anthropic/claude-sonnet"),
        ("~anthropic/claude-latest", "~anthropic/claude-latest"),
        ("half \ud83d of it\0", r"half \u{d83d} of it\u{0}"),
    ],
)
async def test_a_models_name_is_no_path_and_always_text(
    collector: Upstream, tmp_path: Path, served: str, told: str
):
    await export(collector, tmp_path, attempt("a", served_model=served))
    ((attributes, _),) = received(collector)["gen_ai.client.operation.duration"]
    assert attributes["gen_ai.response.model"] == told


async def test_nothing_of_the_users_work_is_told(
    collector: Upstream, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    for name in ("OTEL_EXPORTER_OTLP_HEADERS", "OTEL_EXPORTER_OTLP_METRICS_HEADERS"):
        monkeypatch.setenv(name, "authorization=Bearer of-another-collector")
    monkeypatch.setenv("OTEL_RESOURCE_ATTRIBUTES", "host.name=secret-host")
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9/")
    await export(collector, tmp_path, attempt("a", generation_id="gen-secret"))
    (request,) = collector.requests
    assert "authorization" not in {name.lower() for name in request.headers}
    assert request.headers["content-type"] == "application/x-protobuf"
    for word in (b"secret", b"editor", b"conversation", b"/home"):
        assert word not in request.raw


async def test_a_collector_that_moves_away_is_not_followed(
    collector: Upstream, tmp_path: Path, caplog: pytest.LogCaptureFixture
):
    moved = Answer(status=307, body=b"", headers={"Location": f"{collector.origin}/elsewhere"})
    collector.answer(METRICS_PATH, moved)
    await export(collector, tmp_path, attempt("a"))
    assert [request.path for request in collector.requests] == [METRICS_PATH]
    told = [logs.entry_of(record) for record in caplog.records if record.name == "farebox.otel"]
    assert [(one["event"], one["error"]) for one in told] == [("usage could not be exported", "Refused")]
