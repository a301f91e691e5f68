"""Which words are drawn by lot and which are names."""

import pytest

from farebox.privacy.named_values import is_random, named_values_in


@pytest.mark.parametrize(
    ("text", "found"),
    [
        pytest.param("A_TOKEN=Xk29fjQ7Lm3p\n", True, id="as-a-file-of-settings"),
        pytest.param("a_token = Xk29fjQ7Lm3p\n", False, id="as-code"),
        pytest.param("token: Xk29fjQ7Lm3p;\n", False, id="as-a-type"),
        pytest.param('set("password", "x7Kq2mPw9")', True, id="in-a-call"),
        pytest.param('secret_id: "550e8400-e29b-41d4-a716-446655440000"', True, id="a-secret-that-is-an-id"),
        pytest.param('token_id: "550e8400-e29b-41d4-a716-446655440000"', False, id="an-id"),
        pytest.param('SORT_KEY = "user_v2_1a"', False, id="a-key-of-a-table"),
        pytest.param('"AWS::IAM::AccessKey": "72c2c3d4e5f6a7b8"', False, id="a-type"),
        pytest.param('["AWS::IAM::User", {"accessKey": "72c2c3d4e5f6a7b8"}]', True, id="a-key-behind-a-type"),
        pytest.param('MY_KEY = "Xk29fjQ7Lm3p"', True, id="a-key-drawn-by-lot"),
    ],
)
def test_how_a_value_is_written_decides_with_its_name(text: str, found: bool):
    assert bool(list(named_values_in(text, text.lower()))) == found


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
