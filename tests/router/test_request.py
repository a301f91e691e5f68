"""Sizes that are guessed before a tokenizer could say."""

import pytest

from farebox.messages import Call, Chat
from farebox.router.request import NOBODY, Request, tokens_in


@pytest.mark.parametrize(
    ("chars", "tokens"),
    [
        pytest.param(0, 0, id="nothing"),
        pytest.param(1, 1, id="one"),
        pytest.param(4, 1, id="whole"),
        pytest.param(5, 2, id="begun"),
        pytest.param(4_000_000, 1_000_000, id="large"),
    ],
)
def test_a_token_that_has_begun_counts(chars: int, tokens: int):
    assert tokens_in(chars) == tokens


def test_a_request_guesses_its_tokens_and_comes_from_nobody():
    request = Request("chat", lambda serving: Call(serving.model, Chat(())), 9, 100)
    assert request.input_tokens == 3
    assert request.origin == NOBODY
    assert (NOBODY.workspace, NOBODY.client, NOBODY.conversation) == (None, None, None)
    assert request.sources == ()
