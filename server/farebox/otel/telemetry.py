"""The switch of the export of usage: off, with nothing imported, until the user's settings name a collector.

The ledger's thread hands over what was settled; a thread of its own imports OpenTelemetry and counts. So
neither the ledger nor the event loop waits, and no failure here is one of a request. It must not know how a
measurement is called or sent: ``instruments`` does.
"""

import asyncio
import logging
from contextlib import suppress
from importlib.util import find_spec
from typing import TYPE_CHECKING, Final, Literal, TypeAlias

from farebox.ledger.records import Settlement
from farebox.ledger.worker import NotTaken, Worker
from farebox.otel_settings import OtelSettings
from farebox.providers.address import is_loopback
from farebox.providers.base import Deadlines, Endpoint

if TYPE_CHECKING:
    from farebox.otel.instruments import Instruments

EXPORT_S: Final = 1.0
"""A collector that takes longer than this is treated as dead; what it missed is in the next export."""
CLOSE_S: Final = 3.0
"""How long ``close`` waits: for an export that is under way and the last one, or for the import."""

INSTALL: Final = "pip install 'farebox[otel]'"

State: TypeAlias = Literal["off", "on", "local only", "not installed"]

_PARTS = ("opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.common")
_log = logging.getLogger("farebox.otel")


class Telemetry:
    """The export of one process."""

    def __init__(self) -> None:
        self._collector: Endpoint | None = None
        self._worker = Worker("farebox-otel", exit_timeout_s=0)
        self._instruments: Instruments | None = None  # of the worker's thread, as is what follows
        self._broken = False

    def use(self, settings: OtelSettings, *, local_only: bool) -> None:
        """Take over the settings of this moment; in local-only mode nothing goes to another machine."""
        self._collector = collector(settings, local_only=local_only)

    def settled(self, settlement: Settlement) -> None:
        """Count what a request came to, if there is a collector. Never waits and never raises."""
        if self._collector is None:
            return
        with suppress(NotTaken):
            self._worker.submit(lambda: self._count(settlement))

    async def close(self) -> None:
        """Export what was counted since the last time, unless the collector takes too long."""
        closed = await asyncio.to_thread(self._worker.close, self._shut_down, timeout_s=CLOSE_S)
        if not closed:
            _log.warning("the last usage was not exported in time")

    # --- in the worker's thread ---

    def _count(self, settlement: Settlement) -> None:
        if self._broken:
            return
        try:
            if self._instruments is None:
                from farebox.otel.instruments import Instruments  # noqa: PLC0415  deferred: 0.2 s, and an extra

                self._instruments = Instruments(lambda: self._collector)
            self._instruments.count(settlement)
        except ImportError:
            self._broken = True
            _log.warning("usage is not exported: install farebox with its extra otel")
        except Exception as error:  # noqa: BLE001  foreign code; its words may hold an address
            self._broken = True
            _log.warning("usage is not exported any more", extra={"error": type(error).__name__})

    def _shut_down(self) -> None:
        if self._instruments is not None:
            with suppress(Exception):  # the process goes on without it
                self._instruments.close()


def collector(settings: OtelSettings, *, local_only: bool) -> Endpoint | None:
    """Return where usage is exported to, by these settings; None if nowhere."""
    base_url = settings.endpoint
    if base_url is None or (local_only and not is_loopback(base_url)):
        return None
    return Endpoint(
        provider="otel",
        dialect="openai",
        base_url=base_url,
        headers=(("Content-Type", "application/x-protobuf"),),
        deadlines=Deadlines(connect_s=EXPORT_S, first_token_s=EXPORT_S, total_s=EXPORT_S),
        loopback_only=local_only,
    )


def state(settings: OtelSettings, *, local_only: bool) -> State:
    """Say whether usage is exported by these settings, and if not, why. Looks for the extra on disk."""
    if settings.endpoint is None:
        return "off"
    if collector(settings, local_only=local_only) is None:
        return "local only"
    return "on" if all(map(_is_there, _PARTS)) else "not installed"


def _is_there(module: str) -> bool:
    try:
        return find_spec(module) is not None
    except ModuleNotFoundError:  # not even the package around it
        return False
