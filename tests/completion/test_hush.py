"""What looks like a secret."""

import pytest

from farebox.completion.hush import tells_secret


@pytest.mark.parametrize(
    ("line", "text"),
    [
        pytest.param("password = ", '"hunter22"', id="assigned"),
        pytest.param('api_key: str = "', "letmein-please", id="typed-and-open"),
        pytest.param('  "client_secret": ', "'correcthorse'", id="json"),
        pytest.param("", "-----BEGIN RSA PRIVATE KEY-----", id="pem"),
        pytest.param('key = "ghp_', 'a1B2c3D4e5F6g7H8"', id="begun"),
    ],
)
def test_a_text_that_gives_a_secret_away_is_known(line: str, text: str):
    assert tells_secret(line, text)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        pytest.param("password = ", "getpass(prompt)", id="call"),
        pytest.param("token = ", "next(tokens)", id="name"),
        pytest.param('password = "hunter22"; user = ', "ask_user()", id="before-the-cursor"),
        pytest.param("return ", "self.context_manager", id="code"),
    ],
)
def test_code_about_secrets_may_be_suggested(line: str, text: str):
    assert not tells_secret(line, text)
