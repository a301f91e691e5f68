"""The switch: nothing is imported, sent or waited for unless the user's own settings say so."""

import subprocess
import sys
from pathlib import Path

import pytest
from opentelemetry.proto.collector.metrics.v1.metrics_service_pb2 import ExportMetricsServiceRequest

from farebox import logs
from farebox.ledger.records import Settlement
from farebox.messages import Cost, Target, Usage
from farebox.otel.telemetry import Telemetry, collector, state
from farebox.otel_settings import METRICS_PATH, OtelSettings
from support.command import run_farebox
from support.environment import clean_environment, ledger_rows
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, openrouter_stream

ELSEWHERE = OtelSettings(endpoint="https://collector.example")
SETTLED = Settlement(
    call_id="a",
    outcome="ok",
    usage=Usage(input_tokens=3, output_tokens=4),
    cost=Cost(5, "reported"),
    target=Target("openai", "gpt-5.5"),
    task="chat",
    total_ms=12,
)

CHILD = """
import asyncio, sys
from farebox.messages import Cost, Target, Usage
from farebox.ledger.records import Settlement
from farebox.otel.telemetry import Telemetry, state
from farebox.otel_settings import OtelSettings
if "without" in sys.argv:
    sys.modules["opentelemetry.sdk"] = None
settings = OtelSettings(endpoint=sys.argv[1] if sys.argv[1] != "none" else None)
telemetry = Telemetry()
telemetry.use(settings, local_only="local" in sys.argv)
for number in range(3):
    telemetry.settled(
        Settlement("a", "ok", Usage(1, 2), Cost(3, "reported"), target=Target("openai", "m"), task="chat")
    )
asyncio.run(telemetry.close())
print(state(settings, local_only="local" in sys.argv))
print([name for name in sys.modules if name.startswith("opentelemetry.") and sys.modules[name]])
"""


def child(folder: Path, *arguments: str) -> tuple[list[str], str]:
    """Settle three requests in a process of its own; return what it prints, and its stderr."""
    done = subprocess.run(
        [sys.executable, "-c", CHILD, *arguments],
        env=clean_environment(folder),
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT_S,
    )
    return done.stdout.splitlines(), done.stderr


def test_without_an_endpoint_nothing_is_imported(tmp_path: Path):
    assert child(tmp_path, "none") == (["off", "[]"], "")


def test_in_local_only_mode_nothing_goes_to_another_machine(tmp_path: Path):
    assert child(tmp_path, "https://collector.example", "local") == (["local only", "[]"], "")


def test_without_the_extra_it_says_once_how_to_install_it(tmp_path: Path):
    printed, errors = child(tmp_path, "http://127.0.0.1:9", "without")
    assert printed[0] == "not installed"
    assert errors == "usage is not exported: install farebox with its extra otel\n"


def test_local_only_mode_allows_a_collector_on_this_machine_alone():
    here = OtelSettings(endpoint="http://localhost:4318")
    for_here = collector(here, local_only=True)
    assert for_here is not None
    assert for_here.loopback_only
    assert collector(ELSEWHERE, local_only=True) is None
    assert collector(ELSEWHERE, local_only=False) is not None
    assert collector(OtelSettings(), local_only=False) is None
    assert [state(one, local_only=True) for one in (here, ELSEWHERE, OtelSettings())] == [
        "on",
        "local only",
        "off",
    ]


@pytest.mark.parametrize("answer", [Answer(hang=True), Answer(status=503)], ids=["hangs", "refuses"])
async def test_a_collector_in_trouble_holds_nothing_up_and_is_named_once(
    caplog: pytest.LogCaptureFixture, answer: Answer
):
    with Upstream.in_thread() as upstream:
        upstream.answer(METRICS_PATH, answer)
        telemetry = Telemetry()
        telemetry.use(OtelSettings(endpoint=upstream.origin), local_only=False)
        telemetry.settled(SETTLED)
        await telemetry.close()
    (record,) = (record for record in caplog.records if record.name == "farebox.otel")
    assert record.message == "usage could not be exported"
    assert upstream.origin not in record.message


async def test_nobody_listens_and_nothing_comes_of_it(caplog: pytest.LogCaptureFixture):
    with Upstream.in_thread() as upstream:
        gone = upstream.origin
    telemetry = Telemetry()
    telemetry.use(OtelSettings(endpoint=gone), local_only=False)
    for _ in range(100):
        telemetry.settled(SETTLED)
    await telemetry.close()
    await telemetry.close()
    telemetry.settled(SETTLED)
    told = [logs.entry_of(record) for record in caplog.records if record.name == "farebox.otel"]
    assert [(one["event"], one["error"]) for one in told] == [("usage could not be exported", "Unreachable")]


async def test_what_is_switched_off_meanwhile_is_not_sent():
    with Upstream.in_thread() as upstream:
        upstream.answer(METRICS_PATH, Answer())
        telemetry = Telemetry()
        telemetry.use(OtelSettings(endpoint=upstream.origin), local_only=False)
        telemetry.settled(SETTLED)
        telemetry.use(OtelSettings(), local_only=False)
        await telemetry.close()
        assert upstream.requests == []


def test_a_command_exports_what_it_has_spent_before_it_ends(tmp_path: Path):
    with Upstream.in_thread() as upstream:
        stream = openrouter_stream("Hi", {"prompt_tokens": 30, "completion_tokens": 8, "cost": 0.000213})
        upstream.answer("/v1/chat/completions", Answer(body=stream, content_type="text/event-stream"))
        upstream.answer(METRICS_PATH, Answer())
        config = (
            f'[providers.box]\nbase_url = "{upstream.base_url}"\n[otel]\nendpoint = "{upstream.origin}"\n'
        )
        (tmp_path / "config.toml").write_text(config, "utf-8")
        done = run_farebox(tmp_path, "chat", "hi", "--model", "box/priced")
    assert done.returncode == 0, done.stderr
    (row,) = ledger_rows(tmp_path)
    (export,) = (request for request in upstream.requests if request.path == METRICS_PATH)
    decoded = ExportMetricsServiceRequest.FromString(export.raw)
    metrics = {one.name: one for one in decoded.resource_metrics[0].scope_metrics[0].metrics}
    (cost,) = metrics["farebox.cost"].sum.data_points
    assert round(cost.as_double * 10**9) == row["cost_nanodollars"] == 213_000
    tokens = metrics["gen_ai.client.token.usage"].histogram.data_points
    assert sorted(point.sum for point in tokens) == [row["output_tokens"], row["input_tokens"]] == [8, 30]
