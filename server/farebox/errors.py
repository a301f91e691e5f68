"""Every error that farebox raises on purpose, and nothing about how a surface shows it.

Foreign exceptions are translated into these at the border where they occur. A message says what
happened, a hint what to do; neither ever holds a key, a prompt or code
(``router.door`` drops a provider's words that repeat the prompt).

FareboxError                 kind, message, hint
├── ConfigError              config               a setting is wrong: names the file, the key and the line
├── InvalidParams            invalidParams        the caller asked for something malformed
├── MissingKey               missingKey           a provider needs a key and none was found
├── BudgetExceeded           budgetExceeded       a budget has no room for this request, or can't be checked
├── LocalOnly                localOnly            local-only mode forbids this provider
├── Excluded                 excluded             a privacy rule keeps this text on the machine
├── ModelNotFound            modelNotFound        a name that means no model here
├── ProviderError            provider, model, retry_after_s, after_first_event, transient
│   ├── Unreachable          unreachable          DNS, connect, TLS, time-out before an answer  *
│   ├── RateLimited          rateLimited          429  *
│   ├── Overloaded           overloaded           408, 409, 425, 5xx, 529  *
│   ├── BrokenReply          brokenReply          the answer ended early or can't be read  *
│   ├── KeyRejected          keyRejected          401, 403  *
│   ├── InsufficientCredits  insufficientCredits  402  *
│   ├── UnknownAtProvider    modelNotFound        404: the provider does not know the model  *
│   ├── ContextTooLong       contextTooLong       the prompt is larger than the model's window  *
│   └── Refused              refused              400, 413, 422, moderation
└── NoRouteLeft              noRouteLeft          every target failed: holds each failure in order

* ``retryable``: another *target* may well succeed. ``transient``, which each error says of itself: so may
the same one soon. The door decides, an adapter never does.
"""

from typing import ClassVar, Literal

from farebox.unseen import shown

Kind = Literal[
    "config",
    "missingKey",
    "keyRejected",
    "insufficientCredits",
    "modelNotFound",
    "rateLimited",
    "overloaded",
    "unreachable",
    "contextTooLong",
    "refused",
    "brokenReply",
    "budgetExceeded",
    "localOnly",
    "excluded",
    "noRouteLeft",
    "invalidParams",
]


class FareboxError(Exception):
    """Something went wrong that a user can understand; ``hint`` says what to do about it."""

    kind: ClassVar[Kind]

    def __init__(self, message: str, *, hint: str) -> None:
        message = shown(message)  # it may quote a provider, a setting or a file's name
        super().__init__(message)
        self.message = message
        self.hint = shown(hint)


class ConfigError(FareboxError):
    """A setting is wrong. The message names where it stands."""

    kind = "config"


class InvalidParams(FareboxError):
    """The caller asked for something malformed or unknown."""

    kind = "invalidParams"


class MissingKey(FareboxError):
    """A provider needs a key and none was found."""

    kind = "missingKey"


class BudgetExceeded(FareboxError):
    """A budget has no room left for this request, or could not be checked."""

    kind = "budgetExceeded"


class LocalOnly(FareboxError):
    """Local-only mode forbids this provider."""

    kind = "localOnly"


class Excluded(FareboxError):
    """A privacy rule keeps this text on the machine."""

    kind = "excluded"


class ModelNotFound(FareboxError):
    """A name that means no model here."""

    kind = "modelNotFound"


class ProviderError(FareboxError):
    """A provider did not give a whole answer."""

    retryable: ClassVar[bool] = True
    may_be_billed: bool = False
    """True if the provider has taken the request in, so that it may have cost something."""
    whole_provider: bool = False
    """True if no other model there would answer: nobody listens, or the key is wrong."""
    transient: bool = False
    """True if the same request may well succeed there soon."""
    daily_quota: bool = False
    """True if a day's allowance is used up: nothing that counts against it succeeds there today."""

    def __init__(
        self,
        message: str,
        *,
        hint: str,
        provider: str,
        model: str | None = None,
        retry_after_s: float | None = None,
        after_first_event: bool = False,
    ) -> None:
        super().__init__(message, hint=hint)
        self.provider = provider
        self.model = model
        self.retry_after_s = retry_after_s
        self.after_first_event = after_first_event


class Unreachable(ProviderError):
    """No answer at all: name lookup, connection, TLS or a time-out."""

    kind = "unreachable"


class RateLimited(ProviderError):
    """HTTP 429."""

    kind = "rateLimited"


class Overloaded(ProviderError):
    """HTTP 408, 409, 425, 5xx and 529: the provider can't serve this now."""

    kind = "overloaded"


class BrokenReply(ProviderError):
    """The answer ended before its end, or is not what the wire format says."""

    kind = "brokenReply"
    may_be_billed = True


class KeyRejected(ProviderError):
    """HTTP 401 and 403."""

    kind = "keyRejected"


class InsufficientCredits(ProviderError):
    """HTTP 402."""

    kind = "insufficientCredits"


class UnknownAtProvider(ProviderError):
    """HTTP 404: the provider does not know this model."""

    kind = "modelNotFound"


class ContextTooLong(ProviderError):
    """The prompt is larger than the model's context window."""

    kind = "contextTooLong"


class Refused(ProviderError):
    """The provider understood the request and will not serve it."""

    kind = "refused"
    retryable = False


class NoRouteLeft(FareboxError):
    """Every target of the fallback chain failed."""

    kind = "noRouteLeft"

    def __init__(self, message: str, *, hint: str, failures: tuple[FareboxError, ...]) -> None:
        super().__init__(message, hint=hint)
        self.failures = failures
