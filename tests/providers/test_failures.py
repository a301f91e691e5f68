"""What a refusal means, in our words and the provider's, and never with a key in them."""

import json
import time
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.errors import InsufficientCredits, ProviderError
from farebox.providers import failures
from farebox.providers.base import Endpoint
from farebox.secrets import Credential, Secret

KEY = "test-Zm9vYmFyYmF6-0123456789"
NOW_S = 1_788_825_540.0  # 2026-09-07T23:59:00Z
ENDPOINT = Endpoint(
    provider="acme",
    dialect="openai",
    base_url="https://api.acme.test/v1",
    credential=Credential(Secret(KEY), "https://api.acme.test:443"),
)


def check(status: int, body: object, **headers: str) -> ProviderError:
    raw = body if isinstance(body, str) else json.dumps(body)
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    error = failures.from_status(ENDPOINT, model="m", status=status, headers=named, body=raw, now_s=NOW_S)
    assert error.hint
    assert (error.provider, error.model) == ("acme", "m")
    assert KEY not in f"{error.message} {error.hint}"
    return error


def said(message: str, **fields: object) -> dict[str, object]:
    return {"error": {"message": message, **fields}}


@pytest.mark.parametrize(
    ("status", "body", "kind", "retryable"),
    [
        pytest.param(400, said("Invalid value"), "refused", False, id="bad request"),
        pytest.param(401, said("No auth"), "keyRejected", True, id="unauthorized"),
        pytest.param(402, said("Insufficient credits"), "insufficientCredits", True, id="payment"),
        pytest.param(403, said("Moderation"), "keyRejected", True, id="forbidden"),
        pytest.param(404, said("No endpoints found"), "modelNotFound", True, id="not found"),
        pytest.param(408, said("Timeout"), "overloaded", True, id="timeout"),
        pytest.param(409, said("Conflict"), "overloaded", True, id="conflict"),
        pytest.param(425, said("Too early"), "overloaded", True, id="too early"),
        pytest.param(413, said("Too large"), "refused", False, id="too large"),
        pytest.param(422, said("Unprocessable"), "refused", False, id="unprocessable"),
        pytest.param(429, said("Slow down"), "rateLimited", True, id="rate limit"),
        pytest.param(500, said("Internal"), "overloaded", True, id="internal"),
        pytest.param(501, said("prefix token is missing"), "refused", False, id="not implemented"),
        pytest.param(502, said("Bad gateway"), "overloaded", True, id="bad gateway"),
        pytest.param(503, said("Loading model"), "overloaded", True, id="loading"),
        pytest.param(529, said("Overloaded"), "overloaded", True, id="Anthropic's overload"),
        pytest.param(302, "", "refused", False, id="redirect"),
        pytest.param(
            400,
            said("too big", type="exceed_context_size_error", n_ctx=512),
            "contextTooLong",
            True,
            id="llama.cpp's context",
        ),
        pytest.param(
            400,
            said("This model's maximum context length is 8192 tokens", code="context_length_exceeded"),
            "contextTooLong",
            True,
            id="OpenAI's context",
        ),
        pytest.param(
            400, said("prompt is too long: 9 > 8"), "contextTooLong", True, id="Anthropic's context"
        ),
        pytest.param(
            429, said("context window of requests"), "rateLimited", True, id="a rate limit is no context"
        ),
        pytest.param(
            400,
            said("input length and `max_tokens` exceed context limit: 190000 + 20000 > 200000"),
            "contextTooLong",
            True,
            id="Anthropic's context with the output",
        ),
        pytest.param(
            400,
            said("The input token count (1200000) exceeds the maximum number of tokens allowed (1048576)"),
            "contextTooLong",
            True,
            id="Google's context",
        ),
        pytest.param(
            400,
            said("Too big", metadata={"error_type": "string_too_long"}),
            "contextTooLong",
            True,
            id="by name",
        ),
        pytest.param(
            400,
            said("max_tokens: 100000 > 8192, which is the maximum allowed number of output tokens"),
            "refused",
            False,
            id="an output limit is no context",
        ),
        pytest.param(
            400, said("rate limit: too many tokens per minute"), "refused", False, id="nor is a rate limit"
        ),
        pytest.param(
            413,
            said("Request too large for model on tokens per minute (TPM): Limit 6000", type="tokens"),
            "rateLimited",
            True,
            id="Groq's request beyond a minute's tokens",
        ),
        pytest.param(
            429,
            said("You exceeded your current quota", code="insufficient_quota"),
            "insufficientCredits",
            True,
            id="OpenAI's quota is about money",
        ),
        pytest.param(
            500,
            said("image input is not supported - hint: you may need to provide the mmproj"),
            "refused",
            False,
            id="llama.cpp without eyes",
        ),
        pytest.param(
            500, said("This model does not support image input"), "refused", False, id="in other words"
        ),
        pytest.param(500, said("unsupported locale"), "overloaded", True, id="what else is not supported"),
        pytest.param(
            403,
            said("flagged", metadata={"reasons": ["violence"], "flagged_input": "my secret"}),
            "refused",
            False,
            id="moderation",
        ),
        pytest.param(
            403,
            said("no", metadata={"error_type": "content_policy_violation"}),
            "refused",
            False,
            id="policy",
        ),
        pytest.param(
            503,
            said("Loading model", code=503, type="unavailable_error"),
            "overloaded",
            True,
            id="llama.cpp while it loads",
        ),
        pytest.param(
            400,
            [{"error": {"code": 400, "message": "API key not valid", "status": "INVALID_ARGUMENT"}}],
            "refused",
            False,
            id="Google's list of one",
        ),
    ],
)
def test_a_status_and_a_body_mean(status: int, body: object, kind: str, retryable: bool):
    error = check(status, body)
    assert (error.kind, error.retryable) == (kind, retryable)
    assert str(status) in error.message


def test_a_provider_without_a_word_is_quoted_with_none():
    assert check(400, "").message == "acme answered 400"


@pytest.mark.parametrize(
    ("body", "words"),
    [
        pytest.param(said("Out of tea"), "Out of tea", id="OpenAI"),
        pytest.param({"error": "Out of tea"}, "Out of tea", id="a plain string"),
        pytest.param({"message": "Out of tea"}, "Out of tea", id="Mistral"),
        pytest.param({"detail": "Out of tea"}, "Out of tea", id="FastAPI"),
        pytest.param(
            said("Provider returned error", metadata={"raw": "Out of tea", "provider_name": "X"}),
            "Provider returned error (Out of tea)",
            id="OpenRouter quotes its upstream",
        ),
        pytest.param(
            {"type": "error", "error": {"type": "api_error", "message": "Out of tea"}},
            "Out of tea",
            id="Anthropic",
        ),
        pytest.param(
            said("Provider returned error", metadata={"raw": '{"error": {"message": "Out of tea"}}'}),
            "Provider returned error (Out of tea)",
            id="OpenRouter quotes its upstream's JSON",
        ),
        pytest.param(
            {"detail": [{"loc": ["body"], "msg": "Out of tea", "input": "my code"}]},
            "Out of tea",
            id="FastAPI's list, without what was sent",
        ),
        pytest.param([{"error": {"message": "Out of tea"}}], "Out of tea", id="Google's list of one"),
        pytest.param("Out of tea", "Out of tea", id="plain text"),
        pytest.param("<!DOCTYPE html><html>x</html>", "a page that is no JSON", id="a page"),
        pytest.param({}, "no reason given", id="an empty object"),
        pytest.param(said("Out\n\x1b[31mof\u202e tea"), "Out [31mof  tea", id="control characters"),
    ],
)
def test_the_providers_own_words_are_kept(body: object, words: str):
    assert check(400, body).message.endswith(f": {words}")


@pytest.mark.parametrize(
    "leak",
    [
        pytest.param(KEY, id="the key itself"),
        pytest.param("sk-or-v1-0123456789abcdef", id="what looks like another key"),
        pytest.param("gsk_-x gsk-0123456789abcdef", id="Groq's"),
        pytest.param("sk-ab****************wxyz", id="a masked key"),
        pytest.param("sk-ant-api03-0123456789-wxyz", id="Anthropic's"),
        pytest.param("sk-ant-oat01-0123456789_wxyz", id="Anthropic's token"),
        pytest.param("sk-proj-abc_0123456789-wxyz", id="OpenAI's of a project"),
        pytest.param("gsk_abc0123456789wxyz", id="Groq's as it is written"),
        pytest.param("xai-0123456789abcdefwxyz", id="xAI's"),
        pytest.param("AIzaSyA0123456789abcdefghijklmnopqrwxyz", id="Google's"),
        pytest.param("Bearer 0123456789abcdefwxyz", id="a header"),
        pytest.param("bearer\tabc.0123456789.wxyz~+/=", id="a header in small letters"),
        pytest.param("eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIwMTIzNDU2Nzg5In0.wxyz", id="a signed token"),
        pytest.param("key=sk-0123456789abcdef,sk-0123456789wxyz", id="two in a row"),
        pytest.param(f"sk-{'abcdefghij' * 4}wxyz", id="one without a digit"),
    ],
)
@pytest.mark.parametrize("shape", ["{}", '{{"error": {{"message": "bad key {}"}}}}'])
def test_no_message_holds_a_key(leak: str, shape: str):
    message = check(401, shape.format(leak)).message
    assert "0123456789" not in message
    assert "wxyz" not in message
    assert "<secret>" in message


@pytest.mark.parametrize(
    "words",
    [
        "or-something-2024 and key-value-pairs",
        "a risk-assessment-2024, a desk-number-12345678 and task-12345678",
        "sk-learn is not installed",
        "Bearer authentication required",
        "use gsk_ or xai- as the prefix",
        "openai/gpt-5-mini-2025-08-07 is unknown",
        "the hf-mirror is down",
    ],
)
def test_words_that_are_no_keys_are_kept(words: str):
    assert check(400, said(words)).message == f"acme answered 400: {words}"


@pytest.mark.parametrize("piece", ["sk-", "sk-a", "Bearer ", "eyJ", "AIza", "gsk_."])
def test_no_text_takes_long_to_clean(piece: str):
    """What a provider sends is bounded, and so is the time that it takes."""
    started_s = time.process_time()
    failures.KEY_LIKE.sub("", piece * (200_000 // len(piece)))
    assert time.process_time() - started_s < 2


@given(st.integers(min_value=300, max_value=599), st.text(max_size=400))
def test_any_refusal_is_one_short_line(status: int, body: str):
    error = check(status, body)
    assert len(error.message) <= failures.MAX_WORDS_CHARS + 100
    assert "\n" not in error.message


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        pytest.param(401, {}, {}, id="a rejected key"),
        pytest.param(402, {}, {}, id="no credits"),
        pytest.param(403, {}, {}, id="no permission"),
        pytest.param(404, {}, {}, id="an unknown model"),
        pytest.param(400, {}, {}, id="a bad request"),
        pytest.param(413, said("tokens per minute"), {}, id="what never fits a minute"),
        pytest.param(501, {}, {}, id="what can't be done"),
        pytest.param(503, {}, {"x_should_retry": "false"}, id="what the provider says lasts"),
        pytest.param(503, said("no", availability={"retryable": False}), {}, id="OpenRouter's word for it"),
        pytest.param(
            429,
            said("no", metadata={"limit_source": "openrouter_free_tier_daily"}),
            {},
            id="OpenRouter's free models, for today",
        ),
        pytest.param(429, said("Rate limit exceeded: free-models-per-day"), {}, id="in older words"),
    ],
)
def test_the_same_request_will_fail_again(status: int, body: object, headers: dict[str, str]):
    assert not check(status, body, **headers).transient


@pytest.mark.parametrize(
    ("status", "body"),
    [
        *(
            pytest.param(status, {}, id=str(status))
            for status in (408, 409, 425, 429, 500, 502, 503, 504, 529)
        ),
        pytest.param(
            429,
            said("Provider returned error", metadata={"limit_source": "upstream_provider_shared_pool"}),
            id="OpenRouter's shared pool",
        ),
        pytest.param(503, said("no", availability={"retryable": True, "retry_after": 4}), id="its own word"),
    ],
)
def test_the_same_request_may_well_succeed_soon(status: int, body: object):
    assert check(status, body).transient


FREE_FOR_TODAY = said("no", metadata={"limit_source": "openrouter_free_tier_daily"})


@pytest.mark.parametrize(
    ("status", "body"),
    [
        pytest.param(429, FREE_FOR_TODAY, id="OpenRouter's free models"),
        pytest.param(429, said("Rate limit exceeded: free-models-per-day"), id="in older words"),
        pytest.param(429, said("Limit reached on tokens per day (TPD): Limit 100000"), id="Groq's tokens"),
        pytest.param(429, said("You have exceeded your daily quota"), id="in plain words"),
        pytest.param(429, said("RPD limit reached"), id="in three letters"),
        pytest.param(
            429,
            said(
                "You exceeded your current quota. Please retry in 0.5s.",
                details=[{"violations": [{"quotaId": "GenerateRequestsPerDayPerProjectPerModel-FreeTier"}]}],
            ),
            id="Google's free tier",
        ),
    ],
)
def test_a_days_allowance_is_used_up(status: int, body: object):
    error = check(status, body)
    assert (error.kind, error.daily_quota, error.transient) == ("rateLimited", True, False)


@pytest.mark.parametrize(
    ("status", "body", "headers"),
    [
        pytest.param(429, said("Slow down"), {}, id="a limit"),
        pytest.param(429, said("20 requests per minute"), {}, id="a minute's limit"),
        pytest.param(
            429,
            said("Limit of 20 requests per minute reached. Add credits for a higher daily limit."),
            {},
            id="a minute's, with a word on the day's",
        ),
        pytest.param(
            429, said("requests (RPM): Limit 3. See your RPD and TPD limits"), {}, id="in three letters"
        ),
        pytest.param(429, said("superday paper days"), {}, id="other days"),
        pytest.param(
            429,
            said("no", metadata={"limit_source": "upstream_provider_shared_pool"}),
            {},
            id="a shared pool",
        ),
        pytest.param(503, said("no"), {"x_should_retry": "false"}, id="another trouble that lasts"),
        pytest.param(413, said("tokens per minute: larger than your limit"), {}, id="what never fits"),
        pytest.param(402, FREE_FOR_TODAY, {}, id="one that is about money"),
        pytest.param(400, said("at most 5 calls per day are documented"), {}, id="a bad request's words"),
    ],
)
def test_no_days_allowance_is_used_up(status: int, body: object, headers: dict[str, str]):
    assert not check(status, body, **headers).daily_quota


@pytest.mark.parametrize(
    ("status", "body", "headers", "expected"),
    [
        pytest.param(429, {}, {"retry_after": "3"}, 3.0, id="seconds"),
        pytest.param(503, {}, {"retry_after": "Tue, 08 Sep 2026 00:00:00 GMT"}, 60.0, id="a date"),
        pytest.param(429, {}, {"retry_after": "-1"}, None, id="negative"),
        pytest.param(429, {}, {"retry_after": "1000000000"}, None, id="10^9"),
        pytest.param(429, {}, {"retry_after": "nan"}, None, id="not a number"),
        pytest.param(400, {}, {"retry_after": "3"}, None, id="not with a bad request"),
        pytest.param(
            429,
            said("slow", metadata={"headers": {"X-RateLimit-Reset": "1788825600000"}}),
            {},
            60.0,
            id="OpenRouter's milliseconds",
        ),
        pytest.param(
            503, said("no", availability={"retry_after": 4}), {}, 4.0, id="OpenRouter's availability"
        ),
    ],
)
def test_the_hint_to_wait_is(status: int, body: object, headers: dict[str, str], expected: float | None):
    assert check(status, body, **headers).retry_after_s == expected


def test_moderation_names_its_reasons_and_never_the_prompt():
    metadata = {"reasons": ["violence", "self-harm"], "flagged_input": "my secret plan", "model_slug": "m"}
    error = check(403, said("Your input was flagged", code=403, metadata=metadata))
    assert error.kind == "refused"
    assert "(flagged: violence, self-harm)" in error.message
    assert "secret plan" not in error.message + error.hint


@pytest.mark.parametrize(
    "body",
    [
        {
            "error": {
                "http_status": 404,
                "error_type": "not_found",
                "availability": {"code": "privacy_restricted"},
            }
        },
        said("No endpoints found matching your data policy"),
    ],
)
def test_what_privacy_settings_leave_out_is_told_from_an_unknown_model(body: object):
    error = check(404, body)
    assert error.kind == "modelNotFound"
    assert "privacy settings at acme" in error.hint


def test_models_that_the_provider_suggests_are_in_the_hint_alone():
    availability = {"code": "model_deprecated", "fallback_models": ["a/new", "a/other", 7]}
    error = check(404, said("gone", availability=availability))
    assert error.hint.endswith("acme suggests: a/new, a/other.")


@pytest.mark.parametrize(
    ("error", "kind", "status", "transient"),
    [
        pytest.param({"code": 429, "message": "Slow"}, "rateLimited", 429, True, id="OpenRouter's number"),
        pytest.param(
            {"message": "bad call", "code": "tool_use_failed", "status_code": 400},
            "refused",
            400,
            False,
            id="Groq's number beside its word",
        ),
        pytest.param(
            {"http_status": 503, "error_type": "provider_overloaded", "message": "busy"},
            "overloaded",
            503,
            True,
            id="OpenRouter's without a code",
        ),
        pytest.param({"code": "429", "message": "Slow"}, "rateLimited", 429, True, id="a number in quotes"),
        pytest.param({"message": "odd", "code": "server_error"}, "overloaded", 500, True, id="a word"),
        pytest.param(
            {"message": "Token limit reached", "code": 400}, "contextTooLong", 400, False, id="a token limit"
        ),
        *(
            pytest.param({"type": name, "message": "no"}, kind, status, transient, id=name)
            for name, kind, status, transient in (
                ("overloaded_error", "overloaded", 529, True),
                ("rate_limit_error", "rateLimited", 429, True),
                ("authentication_error", "keyRejected", 401, False),
                ("permission_error", "keyRejected", 403, False),
                ("not_found_error", "modelNotFound", 404, False),
                ("request_too_large", "refused", 413, False),
                ("invalid_request_error", "refused", 400, False),
                ("billing_error", "insufficientCredits", 402, False),
                ("timeout_error", "overloaded", 504, True),
                ("api_error", "overloaded", 500, True),
            )
        ),
        pytest.param(
            {"type": "invalid_request_error", "message": "prompt is too long: 9 > 8"},
            "contextTooLong",
            400,
            False,
            id="Anthropic's context",
        ),
        pytest.param(
            {"type": "exceed_context_size_error", "message": "too big", "code": 400, "n_ctx": 512},
            "contextTooLong",
            400,
            False,
            id="llama.cpp's context",
        ),
    ],
)
def test_an_error_inside_a_stream_means(error: object, kind: str, status: int, transient: bool):
    table = {"type": "error", "error": error, "choices": []}
    raised = failures.from_event(ENDPOINT, model="m", table=table)
    assert (raised.kind, raised.transient) == (kind, transient)
    assert f"answered {status}: " in raised.message
    assert raised.hint


def test_a_days_allowance_may_end_inside_a_stream():
    table = {
        "error": {"code": 429, "message": "no", "metadata": {"limit_source": "openrouter_free_tier_daily"}}
    }
    raised = failures.from_event(ENDPOINT, model="m", table=table)
    assert (raised.kind, raised.daily_quota) == ("rateLimited", True)


@pytest.mark.parametrize(
    "error",
    [
        pytest.param({"message": "odd", "code": 7}, id="a number that is no status"),
        pytest.param("it broke", id="a string, as Ollama's"),
        pytest.param({"code": None}, id="nothing"),
    ],
)
def test_an_error_inside_a_stream_that_tells_no_status_may_pass(error: object):
    raised = failures.from_event(ENDPOINT, model="m", table={"error": error})
    assert (raised.kind, raised.transient) == ("overloaded", True)
    assert f"{ENDPOINT.provider} answered with an error: " in raised.message


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
shapes = st.dictionaries(
    st.sampled_from(["error", "message", "detail", "type", "code"]),
    json_values
    | st.dictionaries(
        st.sampled_from(["message", "code", "type", "metadata", "availability", "status_code", "details"]),
        json_values
        | st.dictionaries(
            st.sampled_from(["raw", "reasons", "headers", "code", "fallback_models", "error_type"]),
            json_values,
        ),
    ),
)


@given(shapes, st.sampled_from([400, 403, 404, 413, 429, 500, 503]))
def test_no_shape_of_a_body_raises(table: dict[str, object], status: int):
    assert check(status, table).message.startswith(f"acme answered {status}")
    assert failures.from_event(ENDPOINT, model="m", table=table).hint


def test_an_error_inside_a_stream_holds_no_key():
    error = failures.from_event(ENDPOINT, model="m", table={"error": {"message": f"bad {KEY}"}})
    assert KEY not in error.message


def test_an_address_without_a_path_is_asked_about():
    """Every server of the dialect answers below /v1, and few at the root as well."""
    bare = replace(ENDPOINT, base_url="http://127.0.0.1:8000", credential=None)
    error = failures.from_status(bare, model="m", status=404, headers={}, body="")
    assert "is http://127.0.0.1:8000/v1 the right one for acme?" in error.hint
    assert "farebox models" in check(404, "").hint


def test_an_error_without_a_status_is_not_given_one():
    error = failures.from_event(ENDPOINT, model="m", table={"error": {"message": "the host is gone"}})
    assert error.kind == "overloaded"
    assert error.message == f"{ENDPOINT.provider} answered with an error: the host is gone"


def test_an_error_that_ollama_passes_on_is_read():
    inner = {"error": {"code": 500, "message": "model requires more system memory (9 GiB)"}}
    body = json.dumps({"error": json.dumps(inner)})
    error = failures.from_status(ENDPOINT, model="m", status=500, headers={}, body=body)
    assert (error.kind, error.transient) == ("refused", False)
    assert "context_tokens" in error.hint
    assert error.message.endswith("model requires more system memory (9 GiB)")


@pytest.mark.parametrize(
    ("words", "about_all"),
    [
        ("Insufficient credits. Add more to go on.", True),
        ("You requested up to 8192 tokens, but can only afford 3000.", False),
        ("This request requires more credits, or fewer max_tokens.", False),
    ],
)
def test_a_key_that_can_pay_for_less_may_do_for_a_cheaper_model(words: str, about_all: bool):
    body = json.dumps({"error": {"code": 402, "message": words}})
    error = failures.from_status(ENDPOINT, model="m", status=402, headers={}, body=body)
    assert isinstance(error, InsufficientCredits)
    assert error.whole_provider is about_all
