"""The ``[otel]`` table: where the user's own OpenTelemetry collector listens, if usage is to be exported.

Only the user's own ``config.toml`` may have it: a repository or an editor's settings could name another's.
"""

from typing import Annotated

from pydantic import AfterValidator

from farebox.provider_settings import HttpUrl, Section

METRICS_PATH = "/v1/metrics"


def _without_path(endpoint: str) -> str:
    """Refuse the address of the metrics themselves, which every exporter appends."""
    if endpoint.endswith(METRICS_PATH):
        raise ValueError(f"must be the collector's address without {METRICS_PATH}")
    return endpoint


class OtelSettings(Section):
    """``endpoint`` is a collector's address for OTLP over HTTP; None exports nothing."""

    endpoint: Annotated[HttpUrl, AfterValidator(_without_path)] | None = None
