"""What a provider's refusal means: HTTP status and error body -> one of our errors.

Knows the error shapes of the OpenAI family, OpenRouter (old and new), Anthropic, Groq, Ollama and llama.cpp.
The provider's own words are kept, short and without secrets; whether to try again or elsewhere is the door's
decision.
"""

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final
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
from farebox.providers import rate_limits
from farebox.providers.base import Endpoint
from farebox.providers.json_value import EMPTY, JsonObject, array, obj, parse_error, parse_object, text

MAX_WORDS_CHARS = 300
MAX_SEARCHED_CHARS = 4_000
MAX_NAMED = 3

STATUS_OF: Final[Mapping[str, int]] = {
    "invalid_request": 400,
    "invalid_request_error": 400,
    "invalid_prompt": 400,
    "context_length_exceeded": 400,
    "max_tokens_exceeded": 400,
    "token_limit_exceeded": 400,
    "string_too_long": 400,
    "exceed_context_size_error": 400,
    "invalid_api_key": 401,
    "authentication": 401,
    "authentication_error": 401,
    "billing_error": 402,
    "insufficient_quota": 402,
    "payment_required": 402,
    "content_policy_violation": 403,
    "permission_denied": 403,
    "permission_error": 403,
    "refusal": 403,
    "model_not_found": 404,
    "not_found": 404,
    "not_found_error": 404,
    "payload_too_large": 413,
    "request_too_large": 413,
    "unprocessable": 422,
    "rate_limit_error": 429,
    "rate_limit_exceeded": 429,
    "api_error": 500,
    "server": 500,
    "server_error": 500,
    "not_supported_error": 501,
    "provider_unavailable": 502,
    "capacity_exhausted": 503,
    "provider_overloaded": 503,
    "temporarily_unavailable": 503,
    "unavailable_error": 503,
    "timeout": 504,
    "timeout_error": 504,
    "overloaded_error": 529,
}
"""Error types by name, with the status that they are sent with; inside a stream there is no other
(Anthropic's and OpenRouter's error references, llama.cpp's ``format_error_response``)."""

_FIRST_ERROR, _LAST_ERROR = 400, 599
_BROKEN_OFF = 502
_TOO_LONG = frozenset(
    {"context_length_exceeded", "max_tokens_exceeded", "token_limit_exceeded", "string_too_long"}
    | {"exceed_context_size_error", "model_context_window_exceeded"}
)
_UNPAID = frozenset({"billing_error", "insufficient_quota", "payment_required"})
_AGAINST_POLICY = frozenset({"content_policy_violation", "content_filter", "refusal"})
_DAILY = frozenset({"openrouter_free_tier_daily"})
_PER_DAY = re.compile(r"\bper[ _-]?day\b|\bdaily\b|\b[RT]PD\b", re.IGNORECASE)
_SOONER = re.compile(r"\b(?:per|an?|each)[ _-]?(?:second|minute|hour)s?\b|\b[RT]P[MS]\b", re.IGNORECASE)
_DAYS_QUOTA = re.compile(r"(?:per|by)_?day", re.IGNORECASE)

_CONTEXT = re.compile(
    r"context[ _-]?(length|size|window|limit)|maximum (context|prompt) length|too many (input )?tokens"
    r"|(prompt|input)( is| was)? too (long|large)|input token count|reduce the length|token limit reached",
    re.IGNORECASE,
)
_RATE = re.compile(
    r"rate[ _-]?limit|\bper (second|minute|hour|day)\b|\b[TR]P[MD]\b|too many requests|quota|throttl",
    re.IGNORECASE,
)
_MEDIA = r"\b(images?|pictures?|vision|audio|video|multimodal|files?)\b"
_NO_MEDIA = re.compile(
    rf"{_MEDIA}[^.]{{0,60}}\b(not|n't|un)( be| currently)? ?support|\b(not|n't) support[^.]{{0,40}}{_MEDIA}",
    re.IGNORECASE,
)
_MODEL_NAME = re.compile(r"[\w.:/~-]{1,100}")
_NO_MEMORY = re.compile(r"requires more (system )?memory", re.IGNORECASE)
_AFFORDS = re.compile(r"\bafford\b|fewer max_tokens", re.IGNORECASE)
_PRIVACY = re.compile(r"privacy_restricted|data policy", re.IGNORECASE)

_ATTACH_LESS = "Attach less, start a new conversation, or choose a model with a larger context."
_WAIT = "Wait a moment, or add a fallback model to [tasks]."

UNPRINTABLE = re.compile(
    r"[^\x20-\x7e\xa0-\xac\xae-\u02ff\u0370-\u061b\u061d-\u115e\u1161-\u17b3\u17b6-\u180a\u1810-\u1fff"
    r"\u3040-\u3163\u3165-\ud7ff]+"
)
KEY_LIKE = re.compile(
    r"(?<![A-Za-z0-9])(?:"
    r"(?:sk|gsk|xai|csk|pplx|nvapi|hf|fw|tgp|ghp|github_pat)[-_]"
    r"(?:(?=[A-Za-z0-9_*.-]{0,64}[0-9*])[A-Za-z0-9_*.-]{8,}|[A-Za-z0-9_-]{32,})"
    r"|AIza[A-Za-z0-9_-]{20,}"
    r"|eyJ[A-Za-z0-9_-]{16,}[A-Za-z0-9_.-]*"
    r"|(?i:bearer)[ \t]+(?=[A-Za-z0-9._~+/=*-]{0,64}[0-9*])[A-Za-z0-9._~+/=*-]{8,}"
    r")"
)
"""Keys by the prefixes of their vendors. Without a digit or a star they must be long, as no word is."""


@dataclass(frozen=True, slots=True)
class _Said:
    """A refusal as read: ``words`` as they came, types and codes in ``names``, a hint in ``wait_s``.

    ``status`` is what it amounts to; ``is_told`` is False if the provider did not tell it.
    """

    status: int
    is_told: bool
    words: str
    names: tuple[str, ...]
    error: JsonObject
    wait_s: float | None
    says_no: bool

    def is_any(self, names: frozenset[str]) -> bool:
        return not names.isdisjoint(self.names)


def from_status(
    endpoint: Endpoint,
    *,
    model: str | None,
    status: int,
    headers: Mapping[str, str],
    body: str,
    now_s: float | None = None,
) -> ProviderError:
    """Translate a refused request. ``headers`` have lower-case names; ``now_s`` is the epoch's seconds."""
    table = parse_error(body)
    if table is None:
        words = "a page that is no JSON" if "<html" in body.lower() else body
        return _error(endpoint, model, _said(status, words, EMPTY, headers, now_s))
    words = _words(table) or "no reason given"
    return _error(endpoint, model, _said(status, words, table, headers, now_s))


def from_event(
    endpoint: Endpoint, *, model: str | None, table: JsonObject, now_s: float | None = None
) -> ProviderError:
    """Translate an error that came inside an answer whose status was 200.

    OpenRouter sends a top-level ``error`` with a numeric ``code``, Groq one with ``status_code`` beside a
    ``code`` in words, Anthropic an event with a ``type`` alone, Ollama a bare string.
    """
    error, names = obj(table, "error"), _names(table)
    named = [STATUS_OF[name] for name in names if name in STATUS_OF]
    codes = [_status(error.get(key)) for key in ("status_code", "code", "http_status")]
    told = next((code for code in (*codes, *named) if code is not None), None)
    words = _words(table) or "no reason given"
    said = _said(told or _BROKEN_OFF, words, table, {}, now_s, is_told=told is not None)
    return _error(endpoint, model, said)


def _said(
    status: int,
    words: str,
    table: JsonObject,
    headers: Mapping[str, str],
    now_s: float | None,
    *,
    is_told: bool = True,
) -> _Said:
    error = obj(table, "error")
    now_s = time.time() if now_s is None else now_s
    return _Said(
        status=status,
        is_told=is_told,
        words=words,
        names=_names(table),
        error=error,
        wait_s=rate_limits.wait_s(headers, error, status=status, now_s=now_s),
        says_no=headers.get("x-should-retry") == "false"
        or obj(error, "availability").get("retryable") is False,
    )


def _status(code: object) -> int | None:
    """Read a status that is a number, or a string of digits."""
    if isinstance(code, str) and re.fullmatch("[45][0-9]{2}", code):
        return int(code)
    return code if isinstance(code, int) and _FIRST_ERROR <= code <= _LAST_ERROR else None


def _names(table: JsonObject) -> tuple[str, ...]:
    """Collect the types and codes in words, the most telling first."""
    error = obj(table, "error")
    metadata = obj(error, "metadata")
    found = (
        text(obj(error, "availability"), "code"),
        text(metadata, "limit_source"),
        text(metadata, "error_type"),
        text(error, "error_type"),
        text(error, "code"),
        text(error, "type"),
        text(table, "error_type"),
        text(table, "code"),
        text(table, "type"),
    )
    return tuple(name.lower() for name in found if name)


def _error(endpoint: Endpoint, model: str | None, said: _Said) -> ProviderError:
    kind, hint = _meaning(endpoint, said)
    words = _clean(endpoint, said.words)
    what = f"answered {said.status}" if said.is_told else "answered with an error"
    message = f"{endpoint.provider} {what}" + (f": {words}" if words else "")
    if reasons := _reasons(said):
        message += f" (flagged: {_clean(endpoint, ', '.join(reasons))})"
    hint += _suggestion(endpoint, said)
    error = kind(message, hint=hint, provider=endpoint.provider, model=model, retry_after_s=said.wait_s)
    error.whole_provider = _is_about_all(kind, said)
    error.transient = kind in (Overloaded, RateLimited) and not _lasts(said)
    error.daily_quota = kind is RateLimited and _is_daily(said)
    return error


def _meaning(endpoint: Endpoint, said: _Said) -> tuple[type[ProviderError], str]:
    """Return the class of a refusal and what to do about it: by its words if they tell, or by its status."""
    told = _told(said)
    if told is not None:
        return told
    provider, status = endpoint.provider, said.status
    match status:
        case 401 | 403:
            key = f"farebox auth login {provider}, or the variable that holds it"
            return KeyRejected, f"Check the key: {key}."
        case 404:
            return UnknownAtProvider, _why_not_found(endpoint, said)
        case 402:
            return InsufficientCredits, f"Add credits at {provider}, or choose another model."
        case 429:
            return RateLimited, _WAIT
        case 501:
            way_out = f'For tab completion set fill = "chat" in [providers.{provider}].'
            return Refused, f"This server can't do it. {way_out}"
        case _ if status >= 500 or status in (408, 409, 425):  # noqa: PLR2004
            return Overloaded, "The provider has trouble. Try again, or add a fallback model to [tasks]."
        case _ if 300 <= status < 400:  # noqa: PLR2004
            return Refused, f"Redirects are not followed. Correct base_url of [providers.{provider}]."
        case _:
            return Refused, "The provider refused this request. Its words say why."


def _told(said: _Said) -> tuple[type[ProviderError], str] | None:
    """Return what types, codes and words say beside the status, if they do."""
    searched = said.words[:MAX_SEARCHED_CHARS]
    about_rates = _RATE.search(searched) is not None
    about_size = said.status in (400, 413, 422) and _CONTEXT.search(searched) is not None
    if said.is_any(_AGAINST_POLICY) or "flagged_input" in obj(said.error, "metadata") or _reasons(said):
        return Refused, "Moderation stopped this request. Word it otherwise, or choose another model."
    if said.is_any(_UNPAID):
        return InsufficientCredits, "Add credits at the provider, or choose another model."
    if said.is_any(_TOO_LONG) or (about_size and not about_rates):
        return ContextTooLong, _ATTACH_LESS
    if said.status == 413 and about_rates:  # noqa: PLR2004  Groq: larger than a minute's tokens
        return RateLimited, _WAIT
    if said.status >= 500 and _NO_MEMORY.search(searched):  # noqa: PLR2004
        return Refused, "Set a smaller context_tokens for this provider, or choose a smaller model."
    if said.status >= 500 and _NO_MEDIA.search(searched):  # noqa: PLR2004
        return Refused, "This model takes no such attachment. Leave it out, or choose another model."
    return None


def _is_about_all(kind: type[ProviderError], said: _Said) -> bool:
    """Say whether no other model there would answer; a key that can pay for less may do for a cheaper one."""
    if kind is InsufficientCredits:
        return _AFFORDS.search(said.words[:MAX_SEARCHED_CHARS]) is None
    return kind is KeyRejected and said.status == 401  # noqa: PLR2004  403 may be about one model


def _lasts(said: _Said) -> bool:
    """Say whether the same request will fail as well in a moment."""
    if said.says_no or said.status == 413:  # noqa: PLR2004  larger than a minute's allowance: it never fits
        return True
    return _is_daily(said)


def _is_daily(said: _Said) -> bool:
    """Say whether a day's allowance is used up."""
    if said.is_any(_DAILY) or said.status != 429:  # noqa: PLR2004
        return said.is_any(_DAILY)
    if any(_DAYS_QUOTA.search(quota) for quota in _quotas(said.error)):
        return True
    # A shorter window's limit may be told with a word on the day's.
    return bool(_PER_DAY.search(said.words)) and not _SOONER.search(said.words)


def _quotas(error: JsonObject) -> Iterator[str]:
    """Name the quotas that Google says were used up (google.rpc.QuotaFailure)."""
    for detail in array(error, "details"):
        for violation in array(obj(detail), "violations"):
            yield text(obj(violation), "quotaId")[:MAX_SEARCHED_CHARS]


def _why_not_found(endpoint: Endpoint, said: _Said) -> str:
    provider = endpoint.provider
    if _PRIVACY.search(" ".join((*said.names, said.words[:MAX_SEARCHED_CHARS]))):
        return (
            f"Your privacy settings at {provider} leave no host for this model: change them, or take another."
        )
    if not urlsplit(endpoint.base_url).path:
        return f"Most addresses end in /v1: is {endpoint.base_url}/v1 the right one for {provider}?"
    return f"Check the model's name: farebox models lists those known at {provider}."


def _reasons(said: _Said) -> tuple[str, ...]:
    """Name what moderation found; never ``flagged_input``, which quotes the prompt."""
    reasons = array(obj(said.error, "metadata"), "reasons")
    return tuple(reason for reason in reasons if isinstance(reason, str))[:MAX_NAMED]


def _suggestion(endpoint: Endpoint, said: _Said) -> str:
    models = array(obj(said.error, "availability"), "fallback_models")
    names = (model for model in models if isinstance(model, str) and _MODEL_NAME.fullmatch(model))
    named = ", ".join([*names][:MAX_NAMED])
    return f" {endpoint.provider} suggests: {_clean(endpoint, named)}." if named else ""


def _words(table: JsonObject) -> str:
    """Find the provider's own words in an error body."""
    error = obj(table, "error")
    found = next((words for words in map(_said_in, (error, table)) if words), "")
    raw = text(obj(error, "metadata"), "raw")
    inner = parse_object(raw)
    quoted = raw if inner is None else _words(inner)
    return f"{found} ({quoted})" if found and quoted else found or quoted


def _said_in(table: JsonObject) -> str:
    """Read words that stand under one of the usual names: a string, or FastAPI's list of what is wrong."""
    for key in ("message", "error", "detail"):
        value = table.get(key)
        if isinstance(value, str) and value:
            inner = parse_object(value)  # Ollama passes on what its own runner said
            return value if inner is None else _said_in(obj(inner, "error") or inner)
        entries = array(table, key) or array(obj(value), "detail")
        if told := ", ".join(told for entry in entries[:MAX_NAMED] if (told := text(obj(entry), "msg"))):
            return told
    return ""


def _clean(endpoint: Endpoint, words: str) -> str:
    """Keep words short, printable and free of keys."""
    words = words[:MAX_SEARCHED_CHARS]
    if endpoint.credential is not None:
        words = endpoint.credential.secret.redact(words)
    words = KEY_LIKE.sub("<secret>", UNPRINTABLE.sub(" ", words)).strip()
    return words if len(words) <= MAX_WORDS_CHARS else words[:MAX_WORDS_CHARS] + "…"
