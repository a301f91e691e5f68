"""Which addresses are on this machine."""

import pytest

from farebox.providers.address import is_loopback


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        pytest.param("http://127.0.0.1:8080/v1", True, id="version 4"),
        pytest.param("http://127.9.9.9", True, id="all of 127"),
        pytest.param("http://[::1]:8080", True, id="version 6"),
        pytest.param("http://LOCALHOST", True, id="localhost"),
        pytest.param("http://127.0.0.1@example.test", False, id="loopback as a user name"),
        pytest.param("http://example.test#127.0.0.1", False, id="loopback as a fragment"),
        pytest.param("http://10.0.0.1", False, id="a private net"),
        pytest.param("nonsense", False, id="nonsense"),
    ],
)
def test_an_address_is_on_this_machine(url: str, expected: bool):
    assert is_loopback(url) is expected
