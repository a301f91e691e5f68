"""PASS or FAIL against the best peer at a latency."""

from collections.abc import Mapping

from bench.typing.tally import Figures

REQUESTS, TOKENS = 0.5, 0.25
"""What farebox may use at most, as a share of the best peer's."""


def best_of(peers: Mapping[str, Figures]) -> str:
    """Return the peer of whose text most was accepted."""
    return max(peers, key=lambda name: peers[name].accepted)


def verdicts(name: str, ours: Figures, peers: Mapping[str, Figures]) -> list[str]:
    """Say how one way to run farebox does beside the best peer."""
    best = best_of(peers)
    theirs = peers[best]
    ours_tokens, their_tokens = ours.tokens_per_accepted_char or 0.0, theirs.tokens_per_accepted_char or 0.0
    return [
        _line(ours.accepted >= theirs.accepted, f"{name}: accepted {100 * ours.accepted:.1f} %")
        + f", at least {100 * theirs.accepted:.1f} ({best})",
        _line(
            ours.requests_per_100_keys <= REQUESTS * theirs.requests_per_100_keys,
            f"{name}: requests per 100 keys {ours.requests_per_100_keys:.1f}",
        )
        + f", at most {REQUESTS * theirs.requests_per_100_keys:.1f}",
        _line(
            ours.accepted > 0 and ours_tokens <= TOKENS * their_tokens,
            f"{name}: output tokens per accepted character {ours_tokens:.2f}",
        )
        + f", at most {TOKENS * their_tokens:.2f}",
    ]


def _line(passed: bool, text: str) -> str:
    return f"{'PASS' if passed else 'FAIL'}: {text}"
