"""How long to wait: every dialect reads as the same number of seconds, and nothing absurd is a hint."""

import math
from datetime import UTC, datetime
from email.utils import format_datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.providers import rate_limits
from farebox.providers.rate_limits import MAX_WAIT_S, is_read_on, read_wait_s

NOW_S = 1_788_825_540.0  # 2026-09-07T23:59:00Z
ERRORS = (408, 409, 425, 429, 500, 502, 503, 504, 524, 529)

almost = st.from_regex(r"[0-9a-zA-Z:.,+ -]{0,40}", fullmatch=True) | st.from_regex(
    r"[A-Z][a-z]{2},? [0-9]{1,5}[ -][A-Z][a-z]{2}[ -][0-9]{1,6} [0-9:]{1,12} [A-Z0-9+-]{0,6}", fullmatch=True
)
waits_s = st.integers(0, int(MAX_WAIT_S))


def wait_s(
    headers: dict[str, str], error: dict[str, object] | None = None, status: int = 429
) -> float | None:
    return rate_limits.wait_s(headers, error or {}, status=status, now_s=NOW_S)


def go_duration(seconds: int, milliseconds: int = 0) -> str:
    """Write a duration as Go's ``Duration.String`` does."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if not seconds:
        return f"{milliseconds}ms" if milliseconds else "0s"
    fraction = f".{milliseconds:03d}".rstrip("0") if milliseconds else ""
    parts = f"{hours}h" if hours else "", f"{minutes}m" if hours or minutes else "", f"{rest}{fraction}s"
    return "".join(parts)


# --- one value -----------------------------------------------------------------------------------


@given(waits_s)
def test_a_wait_reads_the_same_in_every_dialect(wait: int):
    then = datetime.fromtimestamp(NOW_S + wait, UTC)
    for value in (
        str(wait),
        f"{wait}.0",
        str(int(NOW_S) + wait),
        str((int(NOW_S) + wait) * 1000),
        go_duration(wait),
        then.isoformat(),
        then.isoformat().replace("+00:00", "Z"),
        format_datetime(then, usegmt=True),
    ):
        assert read_wait_s(value, now_s=NOW_S) == wait, value


@given(st.integers(0, 100_000), st.integers(0, 999))
def test_a_duration_reads_as_go_wrote_it(seconds: int, milliseconds: int):
    read = read_wait_s(go_duration(seconds, milliseconds), now_s=NOW_S)
    assert read is not None
    assert math.isclose(read, seconds + milliseconds / 1000, abs_tol=1e-9)


@given(st.text(max_size=80) | almost, st.floats(0, 1e11))
def test_any_text_is_none_or_a_wait_within_the_cap(value: str, now_s: float):
    read = read_wait_s(value, now_s=now_s)
    assert read is None or 0 <= read <= MAX_WAIT_S


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        pytest.param("3", 3.0, id="seconds"),
        pytest.param("0.5", 0.5, id="a fraction"),
        pytest.param(" 3 ", 3.0, id="blanks around"),
        pytest.param("0", 0.0, id="nothing"),
        pytest.param("33011.382867", 33011.382867, id="Cerebras's seconds"),
        pytest.param("6m0s", 360.0, id="Go's minutes"),
        pytest.param("2ms", 0.002, id="Go's milliseconds"),
        pytest.param("1h2m3.5s", 3723.5, id="Go's hours"),
        pytest.param("250µs", 0.00025, id="Go's microseconds"),
        pytest.param("1788825600000", 60.0, id="OpenRouter's milliseconds"),
        pytest.param("1788825600", 60.0, id="the epoch's seconds"),
        pytest.param("2026-09-07T23:60:00Z", None, id="no time of day"),
        pytest.param("2026-09-08T00:00:00", None, id="a moment without a zone"),
        pytest.param("Tue, 08 Sep 2026 00:00:00 GMT", 60.0, id="an HTTP date"),
        pytest.param("Tuesday, 08-Sep-26 00:00:00 GMT", 60.0, id="an HTTP date of RFC 850"),
        pytest.param("Tue Sep  8 00:00:00 2026", 60.0, id="an HTTP date of asctime"),
        pytest.param("Tue, 08 Sep 2020 00:00:00 GMT", None, id="a past date"),
        pytest.param("1577836800", None, id="a past moment"),
        pytest.param("-1", None, id="negative"),
        pytest.param("-5s", None, id="a negative duration"),
        pytest.param("1000000000", None, id="10^9"),
        pytest.param("604801", None, id="more than a week"),
        pytest.param("9" * 40, None, id="more than anything"),
        pytest.param("nan", None, id="not a number"),
        pytest.param("inf", None, id="infinite"),
        pytest.param("1e3", None, id="an exponent"),
        pytest.param("1_0", None, id="an underscore"),
        pytest.param("٣", None, id="another script's digit"),
        pytest.param("soon", None, id="a word"),
        pytest.param("", None, id="empty"),
        pytest.param("5s" * 100, None, id="too long"),
    ],
)
def test_a_value_reads_as(value: str, expected: float | None):
    assert read_wait_s(value, now_s=NOW_S) == expected


# --- headers and bodies --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        pytest.param({"Retry-After": "7"}, 7.0, id="any letter case"),
        pytest.param({"retry-after-ms": "1500", "retry-after": "2"}, 1.5, id="milliseconds go first"),
        pytest.param({"retry-after-ms": "soon", "retry-after": "2"}, 2.0, id="unless they are none"),
        pytest.param({"retry-after": "2", "x-ratelimit-reset": "60"}, 2.0, id="a hint before a window"),
        pytest.param({"retry-after": "-1", "x-ratelimit-reset": "60"}, 60.0, id="unless it is none"),
        pytest.param(
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-tokens": "900",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            2.0,
            id="the window that is used up",
        ),
        pytest.param(
            {
                "x-ratelimit-remaining-requests": "0",
                "x-ratelimit-reset-requests": "2s",
                "x-ratelimit-remaining-tokens": "0",
                "x-ratelimit-reset-tokens": "6m0s",
            },
            360.0,
            id="the later of two that are",
        ),
        pytest.param(
            {"x-ratelimit-reset-requests": "2s", "x-ratelimit-reset-tokens": "6m0s"}, 360.0, id="the latest"
        ),
        pytest.param(
            {"x-ratelimit-reset-requests": "2s", "x-ratelimit-reset-tokens": "9999h"},
            2.0,
            id="the latest that is plausible",
        ),
        pytest.param(
            {
                "anthropic-ratelimit-requests-remaining": "49",
                "anthropic-ratelimit-requests-reset": "2026-09-08T00:00:00Z",
                "anthropic-ratelimit-input-tokens-remaining": "0",
                "anthropic-ratelimit-input-tokens-reset": "2026-09-07T23:59:20Z",
            },
            20.0,
            id="Anthropic's",
        ),
        pytest.param(
            {
                "anthropic-ratelimit-unified-5h-reset": "1788829140",
                "anthropic-ratelimit-unified-status": "rejected",
            },
            3_600.0,
            id="a plan's window",
        ),
        pytest.param({"ratelimit": "limit=10, remaining=0, reset=45"}, 45.0, id="the IETF's older form"),
        pytest.param({"ratelimit": '"burst";r=3;t=9, "day";r=0;t=45'}, 45.0, id="and its newer"),
        pytest.param(
            {
                "anthropic-ratelimit-unified-reset": "1788829140",
                "anthropic-ratelimit-unified-5h-reset": "1788829140",
                "anthropic-ratelimit-unified-7d-reset": "1789257540",
            },
            3_600.0,
            id="the one of a plan's windows that counts",
        ),
        pytest.param(
            {
                "anthropic-ratelimit-unified-5h-reset": "1788829140",
                "anthropic-ratelimit-unified-5h-status": "rejected",
                "anthropic-ratelimit-unified-7d-reset": "1789257540",
                "anthropic-ratelimit-unified-7d-status": "allowed",
            },
            3_600.0,
            id="the one that is used up",
        ),
        pytest.param(
            {"ratelimit": '"requests-per-minute";r=100;t=30, "requests-per-day-free";r=0;t=36000'},
            36_000.0,
            id="a long list",
        ),
        pytest.param({"ratelimit": '"day";t=45;r=0;w=60'}, 45.0, id="in any order"),
        pytest.param({"ratelimit": "limit=5, reset=9, remaining=0"}, 9.0, id="in the older form too"),
        pytest.param({"ratelimit": '"a";r=0;t=5,' * 100}, None, id="a list without end"),
        pytest.param({"ratelimit": "limit=10"}, None, id="a limit alone"),
        pytest.param({"x-ratelimit-reset": "1d2h"}, 93_600.0, id="days"),
        pytest.param({"x-ratelimit-limit-requests": "60"}, None, id="a limit is no reset"),
        pytest.param({"x-ratelimit-reset-tokens": "garbage"}, None, id="garbage"),
        pytest.param({}, None, id="nothing"),
    ],
)
def test_headers_read_as(headers: dict[str, str], expected: float | None):
    assert wait_s(headers) == expected


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        pytest.param(
            {
                "metadata": {
                    "headers": {"X-RateLimit-Remaining": "0", "X-RateLimit-Reset": "1788825600000"},
                    "provider_name": None,
                }
            },
            60.0,
            id="OpenRouter's headers inside the body",
        ),
        pytest.param({"availability": {"retry_after": 12}}, 12.0, id="OpenRouter's availability"),
        pytest.param({"availability": {"retry_after": "12"}}, 12.0, id="as a string"),
        pytest.param({"availability": {"retry_after": True}}, None, id="as a truth"),
        pytest.param({"availability": {"retry_after": -1}}, None, id="negative"),
        pytest.param({"availability": {"retry_after": {"s": 1}}}, None, id="an object"),
        pytest.param({"availability": "soon", "metadata": [1]}, None, id="other shapes"),
        pytest.param(
            {"details": [{"@type": "x"}, {"@type": "type.googleapis.com/RetryInfo", "retryDelay": "36s"}]},
            36.0,
            id="Google's",
        ),
    ],
)
def test_a_body_reads_as(error: dict[str, object], expected: float | None):
    assert wait_s({}, error) == expected


def test_headers_go_before_the_body():
    assert wait_s({"retry-after": "1"}, {"availability": {"retry_after": 9}}) == 1.0


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["headers", "Retry-After", "retry_after", "retryDelay"]), inner)
    ),
    max_leaves=8,
)
names = st.sampled_from(
    [
        "retry-after",
        "retry-after-ms",
        "x-ratelimit-reset",
        "x-ratelimit-remaining",
        "x-ratelimit-reset-tokens",
    ]
) | st.text(max_size=30)


@given(
    st.dictionaries(names, st.text(max_size=20)),
    st.dictionaries(st.sampled_from(["metadata", "availability", "details"]), json_values),
    st.sampled_from(ERRORS),
)
def test_whatever_is_sent_nothing_raises_and_no_wait_is_over_the_cap(
    headers: dict[str, str], error: dict[str, object], status: int
):
    wait = wait_s(headers, error, status)
    assert wait is None or 0 <= wait <= MAX_WAIT_S


@pytest.mark.parametrize("status", ERRORS)
def test_a_hint_is_read_on_errors_that_pass(status: int):
    assert is_read_on(status)
    assert wait_s({"retry-after": "3"}, status=status) == 3.0


@pytest.mark.parametrize("status", [200, 201, 301, 400, 401, 402, 403, 404, 413, 422])
def test_a_hint_is_not_read_elsewhere(status: int):
    """38 recorded good answers of Anthropic and Hugging Face carry one."""
    assert not is_read_on(status)
    assert wait_s({"retry-after": "3"}, status=status) is None
