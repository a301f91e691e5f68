"""The errors as the page at the top of their file draws them."""

import re
from collections.abc import Iterator
from typing import get_args

import pytest

from farebox import errors
from farebox.errors import FareboxError, Kind, NoRouteLeft, ProviderError

TREE = re.findall(r"^[│├└─ ]+(\w+) .*?(\*?)$", errors.__doc__ or "", re.MULTILINE)
BASES = (FareboxError, ProviderError)


def below(base: type[FareboxError]) -> Iterator[type[FareboxError]]:
    """Yield every error of the module, base first."""
    yield base
    for child in base.__subclasses__():
        if child.__module__ == errors.__name__:
            yield from below(child)


ALL = list(below(FareboxError))
CONCRETE = [pytest.param(error, id=error.__name__) for error in ALL if error not in BASES]
OF_PROVIDERS = [error for error in below(ProviderError) if error is not ProviderError]


@pytest.mark.parametrize("error", CONCRETE)
def test_an_error_has_a_kind_that_clients_know(error: type[FareboxError]):
    assert error.kind in get_args(Kind)
    assert "kind" in vars(error), "a kind is said, not inherited"


def test_every_kind_is_raised_by_an_error():
    assert {error.kind for error in ALL if error not in BASES} == set(get_args(Kind))


def test_only_the_unknown_model_has_two_errors():
    kinds = [error.kind for error in ALL if error not in BASES]
    assert {kind for kind in kinds if kinds.count(kind) > 1} == {"modelNotFound"}


def test_the_tree_in_the_docstring_names_every_error_once_with_its_kind():
    named = [name for name, _ in TREE]
    assert sorted(named) == sorted(error.__name__ for error in ALL if error is not FareboxError)
    for error in ALL:
        if error not in BASES:
            assert re.search(rf"\b{error.__name__} +{error.kind}\b", errors.__doc__ or ""), error


@pytest.mark.parametrize(
    ("error", "retryable"),
    [
        pytest.param(errors.Unreachable, True, id="unreachable"),
        pytest.param(errors.RateLimited, True, id="rate-limited"),
        pytest.param(errors.Overloaded, True, id="overloaded"),
        pytest.param(errors.BrokenReply, True, id="broken-reply"),
        pytest.param(errors.KeyRejected, True, id="key-rejected"),
        pytest.param(errors.InsufficientCredits, True, id="insufficient-credits"),
        pytest.param(errors.UnknownAtProvider, True, id="unknown-at-provider"),
        pytest.param(errors.ContextTooLong, True, id="context-too-long"),
        pytest.param(errors.Refused, False, id="refused"),
    ],
)
def test_another_target_may_well_succeed(error: type[ProviderError], retryable: bool):
    assert error.retryable is retryable
    assert dict(TREE)[error.__name__] == ("*" if retryable else "")


def test_the_table_above_is_whole():
    starred = {name for name, star in TREE if star}
    assert starred == {error.__name__ for error in OF_PROVIDERS if getattr(error, "retryable", False)}
    assert len(OF_PROVIDERS) == 9


@pytest.mark.parametrize(
    "error",
    [
        pytest.param(error, id=error.__name__)
        for error in ALL
        if error not in BASES and not issubclass(error, ProviderError)
    ],
)
def test_an_error_says_what_happened_and_what_to_do(error: type[FareboxError]):
    known = {"failures": ()} if error is NoRouteLeft else {}
    raised = error("it broke", hint="Mend it.", **known)
    assert (str(raised), raised.message, raised.hint) == ("it broke", "it broke", "Mend it.")


def test_an_error_of_a_provider_says_whose_it_is():
    raised = errors.RateLimited(
        "too fast", hint="Wait.", provider="here", model="m", retry_after_s=2.5, after_first_event=True
    )
    assert (raised.provider, raised.model) == ("here", "m")
    assert (raised.retry_after_s, raised.after_first_event) == (2.5, True)


def test_an_error_of_a_provider_comes_before_the_first_event_unless_it_says_so():
    raised = errors.Refused("no", hint="Ask otherwise.", provider="here")
    assert (raised.model, raised.retry_after_s, raised.after_first_event) == (None, None, False)


def test_the_end_of_a_chain_holds_each_failure_in_order():
    first = errors.Unreachable("no answer", hint="Start it.", provider="here")
    second = errors.BudgetExceeded("no money", hint="Wait.")
    raised = NoRouteLeft("all failed", hint="See each.", failures=(first, second))
    assert raised.failures == (first, second)
