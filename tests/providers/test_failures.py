"""What a refusal means, in our words and the provider's, and never with a key in them."""

import json
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.errors import ProviderError
from farebox.providers import failures
from farebox.providers.base import Endpoint
from farebox.secrets import Credential, Secret

KEY = "test-Zm9vYmFyYmF6-0123456789"
ENDPOINT = Endpoint(
    provider="acme",
    dialect="openai",
    base_url="https://api.acme.test/v1",
    credential=Credential(Secret(KEY), "https://api.acme.test:443"),
)


def check(status: int, body: object, retry_after: str | None = None) -> ProviderError:
    raw = body if isinstance(body, str) else json.dumps(body)
    error = failures.from_status(ENDPOINT, model="m", status=status, retry_after=retry_after, body=raw)
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
    ],
)
@pytest.mark.parametrize("shape", ["{}", '{{"error": {{"message": "bad key {}"}}}}'])
def test_no_message_holds_a_key(leak: str, shape: str):
    message = check(401, shape.format(leak)).message
    assert "0123456789" not in message
    assert "wxyz" not in message
    assert "<secret>" in message


@given(st.integers(min_value=300, max_value=599), st.text(max_size=400))
def test_any_refusal_is_one_short_line(status: int, body: str):
    error = check(status, body)
    assert len(error.message) <= failures.MAX_WORDS_CHARS + 100
    assert "\n" not in error.message


@pytest.mark.parametrize(
    ("retry_after", "expected"),
    [
        pytest.param("3", 3.0, id="seconds"),
        pytest.param("0.5", 0.5, id="a fraction"),
        pytest.param("Wed, 21 Oct 2026 07:28:00 GMT", None, id="a date"),
        pytest.param("1788825600000", None, id="absurd"),
        pytest.param("-1", None, id="negative"),
        pytest.param("nan", None, id="not a number"),
        pytest.param(None, None, id="none"),
    ],
)
def test_retry_after_reads_as(retry_after: str | None, expected: float | None):
    assert check(429, said("Slow down"), retry_after).retry_after_s == expected


@pytest.mark.parametrize(
    ("table", "kind", "status"),
    [
        pytest.param(
            {"error": {"code": 429, "message": "Slow"}, "choices": []},
            "rateLimited",
            429,
            id="OpenRouter's number",
        ),
        pytest.param(
            {"error": {"message": "bad call", "code": "tool_use_failed", "status_code": 400}},
            "refused",
            400,
            id="Groq's number beside its word",
        ),
        pytest.param({"error": {"message": "odd", "code": "server_error"}}, "overloaded", 502, id="a word"),
        pytest.param({"error": "it broke"}, "overloaded", 502, id="a string"),
        pytest.param({"error": {"code": None}}, "overloaded", 502, id="nothing"),
    ],
)
def test_an_error_inside_a_stream_means(table: dict[str, object], kind: str, status: int):
    error = failures.from_event(ENDPOINT, model="m", table=table)
    assert error.kind == kind
    assert f"answered {status}: " in error.message
    assert error.hint


def test_an_error_inside_a_stream_holds_no_key():
    error = failures.from_event(ENDPOINT, model="m", table={"error": {"message": f"bad {KEY}"}})
    assert KEY not in error.message


def test_an_address_without_a_path_is_asked_about():
    """Every server of the dialect answers below /v1, and few at the root as well."""
    bare = replace(ENDPOINT, base_url="http://127.0.0.1:8000", credential=None)
    error = failures.from_status(bare, model="m", status=404, retry_after=None, body="")
    assert "is http://127.0.0.1:8000/v1 the right one for acme?" in error.hint
    assert "farebox models" in check(404, "").hint
