"""How long a provider asks to be left alone: every dialect of rate-limit headers, read by one parser.

Pure: headers, an error body and the time of day in, seconds out. Knows no vendor and no error of ours;
whether to wait is the router's decision. What can't be read, has passed or is absurd is no hint.

Sources: RFC 9110 section 10.2.3 (Retry-After), OpenAI's and Groq's rate-limit guides (Go durations),
OpenRouter's error reference (epoch milliseconds, also inside ``error.metadata.headers``;
``error.availability.retry_after``), Anthropic's rate-limit headers (RFC 3339), Google's ``RetryInfo``, the
IETF's draft-ietf-httpapi-ratelimit-headers (``RateLimit``, in its older form and its newer).
"""

import re
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Final

from farebox.providers.json_value import JsonObject, array, obj

MAX_WAIT_S: Final = 7 * 24 * 3600.0
"""The longest window that a vendor counts in is a week; more is a mistake."""

MAX_VALUE_CHARS: Final = 64
TOO_MANY: Final = 429

_STATUSES: Final = frozenset({408, 409, 425, 429, *range(500, 600)})
_FIRST_EPOCH_S: Final = 1_000_000_000.0
_FIRST_EPOCH_MS: Final = 1_000_000_000_000.0
_MS_PER_S: Final = 1000.0
_UNITS_S: Final = {
    "d": 86_400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "us": 1e-6,
    "µs": 1e-6,
    "ns": 1e-9,
}

_NUMBER = re.compile(r"[0-9]{1,20}(\.[0-9]{0,20})?|\.[0-9]{1,20}")
_PART = re.compile(r"([0-9]{1,15}(?:\.[0-9]{0,15})?)(d|h|ms|m|s|us|µs|ns)")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_HTTP_DATE = re.compile(r"[A-Z][a-z]{2,8},? [A-Za-z0-9 :+-]+")
_RESET = re.compile(
    r"(?:x-)?ratelimit-reset(?P<of>-[a-z0-9-]+)?|anthropic-ratelimit-(?P<claude>[a-z0-9-]+)-reset"
)
_PLAN: Final = "anthropic-ratelimit-unified-reset"
_PLANS_WINDOW: Final = "anthropic-ratelimit-unified-"
"""A plan's windows: the header without a window's name says when the one that is used up begins anew."""

_LIST: Final = "ratelimit"
_MAX_LIST_CHARS: Final = 1_024
_LEFT = re.compile(r"(?<![\w-])(?:r|remaining)=([0-9]{1,10})(?![0-9])")
_ENDS = re.compile(r"(?<![\w-])(?:t|reset)=([0-9]{1,10})(?![0-9])")


def is_read_on(status: int) -> bool:
    """Say whether a status makes the headers a hint: providers send ``Retry-After`` with good answers too."""
    return status in _STATUSES


def wait_s(headers: Mapping[str, str], error: JsonObject, *, status: int, now_s: float) -> float | None:
    """Return the seconds to wait from ``now_s`` (in the epoch's seconds), 0 to MAX_WAIT_S, or None.

    ``error`` is the body's ``error`` object. An explicit hint goes before the end of a window.
    """
    if not is_read_on(status):
        return None
    outer, inner = _lowered(headers), _lowered(obj(error, "metadata", "headers"))
    hints = (
        _explicit(outer, now_s),
        _explicit(inner, now_s),
        read_wait_s(_text(obj(error, "availability").get("retry_after")), now_s=now_s),
        read_wait_s(_text(obj(error, "metadata").get("retry_after_seconds")), now_s=now_s),
        _retry_info(error, now_s),
        _reset(outer, now_s, is_limited=status == TOO_MANY),
        _reset(inner, now_s, is_limited=status == TOO_MANY),
    )
    return next((hint for hint in hints if hint is not None), None)


def read_wait_s(value: str, *, now_s: float) -> float | None:
    """Read one value of any dialect as seconds from now: a number, a duration, a date, a moment.

    A number is seconds, or a moment in the epoch's seconds or milliseconds if it is that large.
    """
    value = value.strip()
    if not value or len(value) > MAX_VALUE_CHARS:
        return None
    if _NUMBER.fullmatch(value):
        number = float(value)
        if number >= _FIRST_EPOCH_MS:
            return _plausible(number / _MS_PER_S - now_s)
        return _plausible(number - now_s if number >= _FIRST_EPOCH_S else number)
    if _DURATION.fullmatch(value):
        return _plausible(sum(float(amount) * _UNITS_S[unit] for amount, unit in _PART.findall(value)))
    moment = _moment(value)
    return None if moment is None else _plausible(moment.timestamp() - now_s)


def _plausible(seconds: float) -> float | None:
    return seconds if 0 <= seconds <= MAX_WAIT_S else None


def _moment(value: str) -> datetime | None:
    """Read RFC 3339 or an HTTP date. A moment without a zone is none, except that HTTP dates mean GMT."""
    try:
        if _HTTP_DATE.fullmatch(value):
            moment = parsedate_to_datetime(value)
            return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
        moment = datetime.fromisoformat(value)
    except (ValueError, OverflowError):
        return None
    return moment if moment.tzinfo is not None else None


def _lowered(headers: Mapping[str, object]) -> dict[str, str]:
    lowered = {name.lower(): _text(value) for name, value in headers.items()}
    if _LIST in lowered:
        lowered[_LIST] = next(str(value) for name, value in headers.items() if name.lower() == _LIST)
    return lowered


def _windows(value: str) -> Iterator[tuple[str, str]]:
    """Read the windows of a ``RateLimit`` header: of each what is left, and in how many seconds it ends."""
    if len(value) > _MAX_LIST_CHARS:
        return
    for window in value.split(",") if ";" in value else [value]:
        left, ends = _LEFT.search(window), _ENDS.search(window)
        if left and ends:
            yield left[1], ends[1]


def _text(value: object) -> str:
    """Write a number of a JSON body as a header would hold it."""
    return "" if value is None or isinstance(value, bool) else str(value)[: MAX_VALUE_CHARS + 1]


def _explicit(headers: Mapping[str, str], now_s: float) -> float | None:
    """Read what says outright when to come back."""
    if _NUMBER.fullmatch(milliseconds := headers.get("retry-after-ms", "").strip()):
        return _plausible(float(milliseconds) / _MS_PER_S)
    return read_wait_s(headers.get("retry-after", ""), now_s=now_s)


def _retry_info(error: JsonObject, now_s: float) -> float | None:
    delays = (_text(obj(detail).get("retryDelay")) for detail in array(error, "details"))
    return next((wait for delay in delays if (wait := read_wait_s(delay, now_s=now_s)) is not None), None)


def _reset(headers: Mapping[str, str], now_s: float, *, is_limited: bool) -> float | None:
    """Return when the windows that are used up begin anew; where none says so, when the last of all does.

    Some vendors tell of their windows with every answer: without a limit that was met they mean nothing.
    """
    used_up: list[float] = []
    waits: list[float] = []
    for left, seconds in _windows(headers.get(_LIST, "")):
        if (wait := read_wait_s(seconds, now_s=now_s)) is not None:
            waits.append(wait)
            used_up += [] if int(left) else [wait]
    for name, value in headers.items():
        match = _RESET.fullmatch(name)
        wait = read_wait_s(value, now_s=now_s) if match else None
        if wait is None or (_PLAN in headers and name != _PLAN and name.startswith(_PLANS_WINDOW)):
            continue
        waits.append(wait)
        if headers.get(name.replace("reset", "status")) == "rejected":
            used_up.append(wait)
        if _NUMBER.fullmatch(left := headers.get(name.replace("reset", "remaining"), "")) and not float(left):
            used_up.append(wait)
    return max(used_up or (waits if is_limited else []), default=None)
