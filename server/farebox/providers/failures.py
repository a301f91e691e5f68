"""What a provider's refusal means: HTTP status and error body -> one of our errors.

Knows the error shapes of the OpenAI family, OpenRouter, Anthropic and llama.cpp. The provider's own
words are kept, short and without secrets; whether to try elsewhere is the door's decision.
"""

import re
from urllib.parse import urlsplit

from farebox.errors import (
    ContextTooLong,
    InsufficientCredits,
    KeyRejected,
    Overloaded,
    ProviderError,
    RateLimited,
    Refused,
    UnknownAtProvider,
)
from farebox.providers.base import Endpoint
from farebox.providers.json_value import JsonObject, obj, parse_object, text

MAX_WORDS_CHARS = 300
MAX_RETRY_AFTER_S = 3600.0

_CONTEXT = re.compile(
    r"exceed_context_size|context_length_exceeded|context (length|size|window)|maximum context"
    r"|too many tokens|prompt is too long",
    re.IGNORECASE,
)
UNPRINTABLE = re.compile(r"[^\x20-\x7e\u00a0-\u02ff\u0370-\u1fff\u3040-\ud7ff]+")
KEY_LIKE = re.compile(r"\b(sk|gsk|xai|key|or)-[A-Za-z0-9_\-*.]{8,}")


def from_status(
    endpoint: Endpoint, *, model: str | None, status: int, retry_after: str | None, body: str
) -> ProviderError:
    """Translate a refused request."""
    words = _words(endpoint, body)
    return _error(endpoint, model=model, status=status, words=words, retry_after=retry_after, body=body)


def from_event(endpoint: Endpoint, *, model: str | None, table: JsonObject) -> ProviderError:
    """Translate an error that came inside a stream whose status was 200.

    OpenRouter sends a top-level ``error`` with a numeric ``code``, Groq one with ``status_code`` beside a
    ``code`` in words.
    """
    error = obj(table, "error")
    codes = (error.get("status_code"), error.get("code"))
    status = next((code for code in codes if isinstance(code, int)), 502)
    words = _clean(endpoint, text(error, "message") or text(table, "error") or "an error inside the stream")
    return _error(endpoint, model=model, status=status, words=words, retry_after=None, body=words)


def _error(
    endpoint: Endpoint, *, model: str | None, status: int, words: str, retry_after: str | None, body: str
) -> ProviderError:
    provider = endpoint.provider
    message = f"{provider} answered {status}: {words}" if words else f"{provider} answered {status}"
    if status in (400, 413, 422) and _CONTEXT.search(body):
        hint = "Attach less, start a new conversation, or choose a model with a larger context."
        return ContextTooLong(message, hint=hint, provider=provider, model=model)
    match status:
        case 401 | 403:
            hint = f"Check the key: farebox auth login {provider}, or the variable that holds it."
            rejected = KeyRejected(message, hint=hint, provider=provider, model=model)
            rejected.whole_provider = status == 401  # noqa: PLR2004  403 may be about one model
            return rejected
        case 402:
            hint = f"Add credits at {provider}, or choose another model."
            return InsufficientCredits(message, hint=hint, provider=provider, model=model)
        case 404:
            hint = (
                f"Check the model's name: farebox models lists those known at {provider}."
                if urlsplit(endpoint.base_url).path
                else f"Most addresses end in /v1: is {endpoint.base_url}/v1 the right one for {provider}?"
            )
            return UnknownAtProvider(message, hint=hint, provider=provider, model=model)
        case 429:
            hint = "Wait a moment, or add a fallback model to [tasks]."
            wait_s = _seconds(retry_after)
            return RateLimited(message, hint=hint, provider=provider, model=model, retry_after_s=wait_s)
        case 501:
            hint = (
                f'This server can\'t do it. For tab completion set fill = "chat" in [providers.{provider}].'
            )
            return Refused(message, hint=hint, provider=provider, model=model)
        case _ if status >= 500 or status == 408:  # noqa: PLR2004
            hint = "The provider has trouble. Try again, or add a fallback model to [tasks]."
            return Overloaded(message, hint=hint, provider=provider, model=model)
        case _ if 300 <= status < 400:  # noqa: PLR2004
            hint = f"Redirects are not followed. Correct base_url of [providers.{provider}]."
            return Refused(message, hint=hint, provider=provider, model=model)
        case _:
            hint = "The provider refused this request. Its words say why."
            return Refused(message, hint=hint, provider=provider, model=model)


def _words(endpoint: Endpoint, body: str) -> str:
    """Find the provider's own words in an error body."""
    table = parse_object(body)
    if table is None:
        return "a page that is no JSON" if "<html" in body.lower() else _clean(endpoint, body)
    error = obj(table, "error")
    found = (
        text(error, "message")
        or text(table, "message")
        or text(table, "error")
        or text(table, "detail")
        or "no reason given"
    )
    raw = text(obj(error, "metadata"), "raw")
    return _clean(endpoint, f"{found} ({raw})" if raw else found)


def _clean(endpoint: Endpoint, words: str) -> str:
    """Keep words short, printable and free of keys."""
    if endpoint.credential is not None:
        words = endpoint.credential.secret.redact(words)
    words = KEY_LIKE.sub("<secret>", UNPRINTABLE.sub(" ", words)).strip()
    return words if len(words) <= MAX_WORDS_CHARS else words[:MAX_WORDS_CHARS] + "…"


def _seconds(value: str | None) -> float | None:
    """Read a Retry-After given in seconds; anything else, or anything absurd, is no hint."""
    try:
        seconds = float(value) if value is not None else -1.0
    except ValueError:
        return None
    return seconds if 0 <= seconds <= MAX_RETRY_AFTER_S else None
