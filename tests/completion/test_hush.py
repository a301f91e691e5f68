"""What looks like a secret."""

import pytest

from farebox.completion.hush import is_random, tells_secret


@pytest.mark.parametrize(
    "word",
    [
        pytest.param("A1b2C3d4E5f6G7h8I9", id="mixed"),
        pytest.param("9f86d081884c7d659a2feaa0c55ad015", id="hex"),
        pytest.param("sk-proj-a8Jd92kLmQ0z7Xw1", id="with-a-prefix"),
    ],
)
def test_a_random_word_is_known(word: str):
    assert is_random(word)


@pytest.mark.parametrize(
    "word",
    [
        pytest.param("get_user_by_email_address", id="name"),
        pytest.param("convert_utf8_to_latin1", id="name-with-numbers"),
        pytest.param("1234567890123456", id="number"),
        pytest.param("TestCase2", id="short"),
        pytest.param("numpy.testing.assert_allclose", id="dotted"),
    ],
)
def test_a_name_is_no_secret(word: str):
    assert not is_random(word)


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
