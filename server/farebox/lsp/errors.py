"""How our errors look on the wire: a code for each kind, and the hint in ``data``."""

from pygls.exceptions import JsonRpcException

from farebox.errors import FareboxError, Kind, ProviderError
from farebox.unseen import shown

CODES: dict[Kind, int] = {
    "config": -32050,
    "missingKey": -32051,
    "keyRejected": -32052,
    "insufficientCredits": -32053,
    "modelNotFound": -32054,
    "rateLimited": -32055,
    "overloaded": -32056,
    "unreachable": -32057,
    "contextTooLong": -32058,
    "refused": -32059,
    "brokenReply": -32060,
    "budgetExceeded": -32061,
    "localOnly": -32062,
    "excluded": -32063,
    "noRouteLeft": -32064,
    "invalidParams": -32065,
}
"""One for each kind, in the range that the protocol sets aside."""


def response_error(error: FareboxError) -> JsonRpcException:
    """Return what answers a request that failed."""
    data: dict[str, object] = {"kind": error.kind, "hint": error.hint}
    if isinstance(error, ProviderError):
        data["provider"] = shown(error.provider)
        if error.model is not None:
            data["model"] = shown(error.model)
        if error.retry_after_s is not None:
            data["retryAfterSeconds"] = error.retry_after_s
    return JsonRpcException(message=error.message, code=CODES[error.kind], data=data)
