"""Why a connection failed: whether for want of a certificate that this machine trusts."""

from ssl import SSLCertVerificationError

MAX_CAUSES = 8


def untrusted(error: BaseException) -> SSLCertVerificationError | None:
    """Find the certificate's error among an error's causes, as deep as the HTTP library hides it."""
    cause: BaseException | None = error
    for _ in range(MAX_CAUSES):
        if cause is None or isinstance(cause, SSLCertVerificationError):
            return cause
        cause = cause.__cause__ or cause.__context__
    return None
