"""OpenRouter's list of models, kept in a file of the data folder and in memory.

The list is fetched at most once a day and only when the App says so; whoever plans reads what is here, from
memory or, once, from the file, and opens no socket. A list that can't be fetched leaves the old one standing;
a file that is broken, foreign or too large counts as none.
"""

import asyncio
import contextlib
import json
import os
import stat
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Final

from farebox import own_files
from farebox.errors import FareboxError
from farebox.providers.base import Endpoint
from farebox.providers.http import Http
from farebox.providers.json_value import JsonObject, parse_object, text
from farebox.providers.listing import Listed, find, kept, listed_in

LISTING_PATH: Final = "/models"
TTL_S: Final = 24 * 60 * 60
PRICES_TTL_S: Final = 7 * TTL_S
"""For how long its prices are trusted if it can't be renewed; its limits and abilities stay useful."""

RETRY_S: Final = 10 * 60
FETCH_S: Final = 20.0
MAX_FILE_BYTES: Final = 8 * 1024 * 1024
MAX_CLOCK_S: Final = 10**11

_AT_ONCE: Final = getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)


@dataclass(frozen=True, slots=True, eq=False)
class Listing:
    """The models of one address at one moment (seconds since 1970); equal only to itself."""

    base_url: str
    fetched_s: int
    models: Mapping[str, Listed] = field(hash=False, repr=False)

    def find(self, model: str) -> Listed | None:
        """Find a model by what OpenRouter calls it."""
        return find(self.models, model)


NO_LISTING: Final = Listing("", 0, MappingProxyType({}))


class ListingFile:
    """The list of one user; ``now`` is the clock in seconds since 1970."""

    def __init__(self, file: Path, *, now: Callable[[], float] = time.time) -> None:
        self._file = file
        self._now = now
        self._listing: Listing | None = None
        self._failed_s: float | None = None
        self._fetching = asyncio.Lock()

    def read(self) -> Listing:
        """Return what was fetched last; NO_LISTING if nothing is known. The first call reads the file."""
        if self._listing is None:
            self._listing = _read(self._file) or NO_LISTING
        return self._listing

    def at(self, base_url: str) -> Listing:
        """Return what is known of an address; NO_LISTING if what is here came from another one."""
        listing = self.read()
        return listing if listing.base_url == base_url else NO_LISTING

    def has_fresh_prices(self, listing: Listing) -> bool:
        """Say whether prices are young enough to be charged by."""
        return self._age_s(listing) < PRICES_TTL_S

    async def refresh(self, http: Http, endpoint: Endpoint) -> None:
        """Fetch the list if what is here is too old. Raises nothing but a CancelledError: what is here stays.

        After a failure it is not asked again for RETRY_S.
        """
        async with self._fetching:
            await asyncio.to_thread(self.read)
            if self._age_s(self.at(endpoint.base_url)) < TTL_S or self._has_just_failed():
                return
            try:
                table = await http.get(endpoint, LISTING_PATH, timeout_s=FETCH_S)
            except FareboxError:
                self._failed_s = self._now()
                return
            fetched = await asyncio.to_thread(self._keep, endpoint, table)
            self._failed_s = None if fetched else self._now()

    def _keep(self, endpoint: Endpoint, table: JsonObject) -> bool:
        """Take a list over; one without a model is none."""
        data = _without_key(endpoint, kept(table))
        slim: JsonObject = {"base_url": endpoint.base_url, "fetched_s": int(self._now()), "data": data}
        listing = _listing(slim)
        if listing is None:
            return False
        self._listing = listing
        with contextlib.suppress(OSError):  # then it lasts as long as this process
            _write(self._file, json.dumps(slim, separators=(",", ":")))
        return True

    def _age_s(self, listing: Listing) -> float:
        """Return an age; a list from the future, or none, is infinitely old."""
        age_s = self._now() - listing.fetched_s
        return age_s if listing.models and age_s >= 0 else float("inf")

    def _has_just_failed(self) -> bool:
        return self._failed_s is not None and 0 <= self._now() - self._failed_s < RETRY_S


def _without_key(endpoint: Endpoint, models: list[JsonObject]) -> list[JsonObject]:
    """Leave out the models that repeat the key anywhere: they are shown and written to a file."""
    if endpoint.credential is None:
        return models
    is_key = endpoint.credential.secret.is_in
    return [model for model in models if not is_key(json.dumps(model))]


def _listing(table: JsonObject) -> Listing | None:
    fetched_s = table.get("fetched_s")
    models = listed_in(table)
    if not models or isinstance(fetched_s, bool) or not isinstance(fetched_s, int):
        return None
    if not 0 < fetched_s < MAX_CLOCK_S:
        return None
    return Listing(text(table, "base_url"), fetched_s, MappingProxyType(models))


def _read(file: Path) -> Listing | None:
    """Read a plain file of a bounded size; whatever is wrong with it, it is as if it were not there."""
    try:
        with open(file, "rb", opener=lambda name, flags: os.open(name, flags | _AT_ONCE)) as opened:
            if not stat.S_ISREG(os.fstat(opened.fileno()).st_mode):
                return None
            raw = opened.read(MAX_FILE_BYTES + 1)
    except OSError:
        return None
    if len(raw) > MAX_FILE_BYTES:
        return None
    table = parse_object(raw.decode("utf-8", errors="replace"))
    return None if table is None else _listing(table)


def _write(file: Path, words: str) -> None:
    """Replace the file whole; only its owner can read it (mkstemp sees to that). Raises OSError."""
    own_files.make_folder(file.parent)
    descriptor, name = tempfile.mkstemp(dir=file.parent, prefix=f".{file.name}-")
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as opened:
            opened.write(words)
        Path(name).replace(file)
    except OSError:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
