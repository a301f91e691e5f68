"""Usage as OpenTelemetry counts it: the GenAI client metrics of its conventions, and one of our own.

The only module that knows OpenTelemetry; imported late, for it is an extra and slow to import. What it tells
of a request is numbers, the names of its provider and model, and how it failed: nothing of its prompt, its
workspace or its conversation. Nothing is read from the environment but OTEL_SDK_DISABLED.

``farebox.cost`` is in dollars, because that is what a dashboard can show; an unknown cost adds nothing to it,
and a later correction of an estimate is in the ledger alone, where sums are exact.
"""

import asyncio
import logging
import re
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from opentelemetry.exporter.otlp.proto.common.metrics_encoder import encode_metrics
from opentelemetry.sdk.metrics import AlwaysOffExemplarFilter, MeterProvider
from opentelemetry.sdk.metrics.export import (
    MetricExporter,
    MetricExportResult,
    MetricsData,
    PeriodicExportingMetricReader,
)
from opentelemetry.sdk.resources import Resource

import farebox
from farebox.ledger.records import Settlement, storable_text
from farebox.messages import NANODOLLARS_PER_USD, Target
from farebox.otel_settings import METRICS_PATH
from farebox.providers.base import Endpoint
from farebox.providers.http import Http
from farebox.unseen import clean

EXPORT_EVERY_MS: Final = 60_000
SHUTDOWN_MS: Final = 2_500

TOKEN_BOUNDARIES: Final = tuple(4**power for power in range(14))
SECONDS_BOUNDARIES: Final = tuple(0.01 * 2**power for power in range(14))
"""As the conventions recommend: 1 to 67,108,864 tokens, 0.01 to 81.92 s."""

_WELL_KNOWN: Final = {
    "codestral": "mistral_ai",
    "google": "gcp.gemini",
    "mistral": "mistral_ai",
    "xai": "x_ai",
}
"""What the conventions call our providers, where that is not our own name for them."""

_FILE: Final = re.compile(r"^(?:~?/|\.{1,2}/|[A-Za-z]:[\\/]).*[\\/]|^.*\\", re.DOTALL)
"""The folders in a name that is a file's, as a local server may call its model by."""

_log = logging.getLogger("farebox.otel")
# Its own words may hold an address; what there is to say of a failure is said here.
logging.getLogger("opentelemetry").setLevel(logging.CRITICAL + 1)

_Attributes = dict[str, str]


class Instruments:
    """The instruments of one process, exported each minute to whatever the collector is by then."""

    def __init__(self, collector: Callable[[], Endpoint | None]) -> None:
        reader = PeriodicExportingMetricReader(
            _Exporter(collector),
            export_interval_millis=EXPORT_EVERY_MS,
            export_timeout_millis=EXPORT_EVERY_MS,
        )
        resource = {
            "service.name": "farebox",
            "service.version": farebox.__version__,
            "service.instance.id": str(uuid4()),  # two editors at once are two series, not one that jumps
        }
        self._provider = MeterProvider(
            (reader,), Resource(resource), exemplar_filter=AlwaysOffExemplarFilter(), shutdown_on_exit=False
        )
        meter = self._provider.get_meter("farebox", farebox.__version__)
        self._tokens = meter.create_histogram(
            "gen_ai.client.token.usage",
            unit="{token}",
            description="Number of input and output tokens used.",
            explicit_bucket_boundaries_advisory=TOKEN_BOUNDARIES,
        )
        self._duration = meter.create_histogram(
            "gen_ai.client.operation.duration",
            unit="s",
            description="GenAI operation duration.",
            explicit_bucket_boundaries_advisory=SECONDS_BOUNDARIES,
        )
        self._first_chunk = meter.create_histogram(
            "gen_ai.client.operation.time_to_first_chunk",
            unit="s",
            description="Time to receive the first chunk.",
            explicit_bucket_boundaries_advisory=SECONDS_BOUNDARIES,
        )
        self._cost = meter.create_counter(
            "farebox.cost", unit="USD", description="Cost, as far as it is known."
        )

    def count(self, settlement: Settlement) -> None:
        """Add what one attempt came to. Writes to memory alone."""
        if settlement.target is None:
            return
        attributes = _attributes(settlement, settlement.target)
        usage = settlement.usage
        if usage.input_tokens or usage.output_tokens:  # else nobody has counted any
            self._tokens.record(usage.input_tokens, {**attributes, "gen_ai.token.type": "input"})
            self._tokens.record(usage.output_tokens, {**attributes, "gen_ai.token.type": "output"})
        if settlement.total_ms is not None:
            failed = (
                {"error.type": settlement.error_kind or "_OTHER"} if settlement.outcome == "failed" else {}
            )
            self._duration.record(settlement.total_ms / 1000, {**attributes, **failed})
        if settlement.first_token_ms is not None:
            self._first_chunk.record(settlement.first_token_ms / 1000, attributes)
        cost = settlement.cost
        if cost.nanodollars is not None:
            usd = cost.nanodollars / NANODOLLARS_PER_USD
            self._cost.add(usd, {**attributes, "farebox.cost.basis": cost.basis})

    def close(self) -> None:
        """Export a last time; takes no longer than SHUTDOWN_MS."""
        self._provider.shutdown(SHUTDOWN_MS)


class _Exporter(MetricExporter):
    """Sends by farebox's own HTTP: no proxy, no header of the environment, no redirect, nothing not allowed.

    It tries each export once: sums are cumulative, so the next one holds what this one could not deliver.
    """

    def __init__(self, collector: Callable[[], Endpoint | None]) -> None:
        super().__init__()
        self._collector = collector
        self._has_failed = False

    def export(self, metrics_data: MetricsData, *_: object, **__: object) -> MetricExportResult:
        """Send everything that was counted. Never raises."""
        collector = self._collector()
        if collector is None:  # switched off in the meantime
            return MetricExportResult.FAILURE
        try:
            asyncio.run(_post(collector, encode_metrics(metrics_data).SerializeToString()))
        except Exception as error:  # noqa: BLE001  the reader's thread must live on, whatever this was
            if not self._has_failed:
                self._has_failed = True
                _log.warning("usage could not be exported", extra={"error": type(error).__name__})
            return MetricExportResult.FAILURE
        self._has_failed = False
        return MetricExportResult.SUCCESS

    def force_flush(self, *_: object, **__: object) -> bool:
        """Do nothing: nothing waits here."""
        return True

    def shutdown(self, *_: object, **__: object) -> None:
        """Do nothing: nothing is kept open."""


async def _post(collector: Endpoint, body: bytes) -> None:
    http = Http()
    try:
        async with http.post(collector, METRICS_PATH, body, model=""):
            pass
    finally:
        await http.aclose()


def _attributes(settlement: Settlement, target: Target) -> _Attributes:
    attributes = {
        "gen_ai.operation.name": "text_completion" if settlement.task == "complete" else "chat",
        "gen_ai.provider.name": _WELL_KNOWN.get(target.provider, _name(target.provider)),
        "gen_ai.request.model": _name(target.model),
    }
    if settlement.served_model:
        attributes["gen_ai.response.model"] = _name(settlement.served_model)
    return attributes


def _name(name: str) -> str:
    """Return a name that can be sent: text, and of a file's path only the file."""
    return storable_text(clean(_FILE.sub("", name))) or ""
