"""Secrets in texts: found in every form that people write them in, and nothing else taken for one."""

import random
import time
from importlib.resources import files
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from farebox.privacy.texts import MASK, SLICE_BYTES, Secret, masked, secrets_in, splits_secret
from support.secret_samples import MAKERS, Dice, named, samples

SHA256 = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def clean(text: str) -> str:
    return masked(text, secrets_in(text))


@pytest.mark.parametrize("kind", MAKERS)
def test_a_known_format_is_found_wherever_it_stands(kind: str):
    missed = [
        place
        for one, place, secret, text in samples()
        if one == kind and secret.split(":")[-1] in clean(text)
    ]
    assert missed == []


@pytest.mark.parametrize(("secret", "text"), [pytest.param(*one[1:], id=one[0]) for one in named()])
def test_a_name_tells_a_secret(secret: str, text: str):
    assert secret not in clean(text)
    assert len(clean(text)) <= len(text)


@pytest.mark.parametrize(
    "text",
    [
        'password = getpass("Password: ")\n',
        "token = tokens[index + 1]\n",
        'API_KEY = os.environ["API_KEY"]\n',
        'api_key = "YOUR_API_KEY_HERE"\n',
        'key = "user_name_2"\nitem["key"] = "value1"\n',
        'if token == "access_token_v2":\n',
        "url = 'https://example.test:8080/a@b'\n",
        "postgres://user:password@localhost/db\n",
        "postgres://{user}:{password}@{host}/db\n",
        "git clone https://github.com/a/b.git && cd b\n",
        'sk-learn and task-1234567890abcdefghij and "disk-usage-monitoring-2024-report"\n',
        "SG.something and AKIA and eyJ and ghp_ alone\n",
        'if line.startswith("-----BEGIN RSA PRIVATE KEY-----"):\n    return parse(line)\n',
        "commit 9f86d081884c7d659a2feaa0c55ad015a3bf4f1b\n",
        "integrity sha512-9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08\n",
        "id: 550e8400-e29b-41d4-a716-446655440000\n",
        "CSRF_COOKIE_NAME = 'csrftoken'\nTOKEN_TYPE = 'sha256'\n",
        "The secret: never write a password (such as hunter2) down.\n",
        'tokenizer = AutoTokenizer.from_pretrained("mistralai/Mistral-7B-v0.1")\n',
        'PASSWORD_RESET_URL = "https://example.com/reset?v=1"\nPWD=/data/u/pkg@1.2.3\npwd: /www/app@2x/x\n',
        '"password-validator": "git+https://host/x#v5.0.0", "passwordless": "npm:pkg@1.1.4"\n',
        'pass: git@github.com:foo/bar1.git\nPASS: tests/test_foo.py#3\npwd = "%s/dir1/dir2"\n',
        'password="%PASSWORD1%"\npassword: @db_password1@\nandroid:password="@string/pass_1"\n',
        'passwordSelector = "#password-1"\npasswordField = "input#pwd2"\npass_rate = "99.5%passed"\n',
        "PASSWORD_FILE=/run/x@1/pass\nPASSWORD=${DB_PASSWORD1}\n",
        f"hash\n{SHA256}\nName\nother\n{SHA256.upper()}\nname\n",
        f"0\n{'0' * 64}\n{'12' * 35}\nEnd2\n{'/' * 64}\n//Step1\n{'/' * 76}\nEnd2\n",
        'authorization = "rbac.authorization.k8s.io/v1beta1"\nsecretName: "my-app-tls-v1beta1"\n',
        '"secretsManagerArn": "arn:aws:secretsmanager:us-east-1:123456789012:secret:x-a1b2c3"\n',
        '"password" => "required|min:8|max:255",\n"resetPassword": "Passwort-Reset-2FA"\n',
        'getTokenBalance("0xdAC17F958D2ee523a2206206994597C13D831ec7")\n',
        "address token = 0xdAC17F958D2ee523a2206206994597C13D831ec7;\n",
        'tokenId: "550e8400-e29b-41d4-a716-446655440000"\n',
        'api_key_id = "550e8400-e29b-41d4-a716-446655440000"\n',
        'token.type("string.quoted.2x")\nsecretSanta("alice2024party")\n',
        'secret: "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"\n',
        "login(password=sha256Hash, token: Base64String)\npassword = user1Password\npwd=/srv/www2/x1y\n",
        "password = hashedPw2x9y\nlet pass = a1b2c3d4e;\nbypass: a1b2c3d4e5\ncompass=a1b2c3d4e5\n",
        '["MLKEM768PrivateKey", "MLKEM768X25519PublicKey"]\n',
    ],
)
def test_code_about_secrets_holds_none(text: str):
    assert secrets_in(text) == ()


def test_a_mask_names_the_kind_and_never_makes_a_text_longer():
    token = MAKERS["GitHub token"](Dice(random.Random(1)))
    assert clean(f'token = "{token}"') == 'token = "<secret: GitHub token>"'
    assert clean("postgres://app:x7Kq2@db") == "postgres://app:***@db"
    assert clean("postgres://app:x7Kq2mPw@db") == "postgres://app:<secret>@db"


PARTS = st.one_of(
    st.text(max_size=20),
    st.sampled_from([text for _, _, _, text in samples()][::17]),
    st.sampled_from([text for _, _, text in named()]),
    st.sampled_from(
        ["token", "key: ", "password=", "sk-", "eyJ", "://", "Q~", "-----BEGIN PRIVATE KEY-----", '"']
    ),
)


@given(st.lists(PARTS, max_size=8).map("".join))
@example("İpassword = 'x7Kq2mPw9'")
@example("\ud800 token='x7Kq2mPw9'")
def test_any_text_comes_out_without_what_was_found_and_no_longer(text: str):
    found = secrets_in(text)
    left = masked(text, found)
    assert len(left) <= len(text)
    assert all(0 <= one.start < one.end <= len(text) for one in found)
    assert all(one.end <= other.start for one, other in pairwise(found))
    assert clean(left).count("\n") <= text.count("\n")


@given(before=st.text(max_size=30), after=st.text(max_size=30), seed=st.integers(0, 99))
def test_what_stands_around_a_secret_does_not_hide_it(before: str, after: str, seed: int):
    token = MAKERS["Anthropic key"](Dice(random.Random(seed)))
    assert token not in clean(f"{before} {token} {after}")


@pytest.mark.timeout(30)
@pytest.mark.parametrize(
    "piece",
    [
        "token",
        "api_key: ",
        "eyJ",
        ".eyJ",
        "://a:b",
        "sk-",
        " sk-a1",
        "Q~",
        "sig=",
        'api_key="',
        "SG.",
        "password:  |",
        "token:",
        "pass=\\\\",
        "\u0130\u0130\u0130token=",
        "password=aB3!",
        "-----BEGIN PRIVATE KEY-----\n",
        "-----END PRIVATE KEY-----\n",
        "-----BEGIN PRIVATE KEY-----\n" + "Ab1" * 20 + "\n",
        "Ab1/" * 16 + "\n",
        "Ab1/" * 16,
    ],
)
def test_hostile_text_takes_linear_time(piece: str):
    def seconds(size: int) -> float:
        text = piece * (size // len(piece))
        begun = time.process_time()
        secrets_in(text)
        return time.process_time() - begun

    seconds(1_000)
    assert seconds(400_000) < 10, "the square of it would take hours"


@pytest.mark.parametrize("before", range(SLICE_BYTES - 50, SLICE_BYTES + 50))
def test_a_secret_is_found_across_the_slices_that_a_text_is_looked_at_in(before: int):
    secret = MAKERS["Anthropic key"](Dice(random.Random(before)))
    text = "é" + "ab " * (before // 3) + " " * (before % 3) + f"{secret} and more"
    assert secret not in clean(text)


@pytest.mark.parametrize("cut", range(5, 35, 7))
def test_a_place_inside_of_a_secret_is_told(cut: int):
    token = MAKERS["GitHub token"](Dice(random.Random(2)))
    line = f'token = "{token}"'
    assert splits_secret(line[: 9 + cut], line[9 + cut :])
    assert not splits_secret('token = "', f'{token}"')
    assert not splits_secret(line, "")
    assert not splits_secret("x = compute_", "total(1)")


def test_the_list_of_formats_holds_no_secret():
    text = files("farebox.privacy").joinpath("secrets.toml").read_text("utf-8")
    assert secrets_in(text) == ()


@pytest.mark.parametrize("kind", ["password", "GitHub token", "password in an address"])
@pytest.mark.parametrize("size", [3, 8, 20, 60])
def test_a_mask_is_known_when_seen(kind: str, size: int):
    text = f"a://b:{'x' * size}@c"
    left = masked(text, [Secret(6, 6 + size, kind)])
    assert MASK.search(left)
    assert not MASK.search("a <secrets> ***bold*** <secret-name> b")
