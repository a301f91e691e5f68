"""Keys: found in one order, shown nowhere, bound to one origin."""

import copy
import dataclasses
import json
import logging
import os
import pickle
import subprocess
import sys
import traceback
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.errors import ConfigError, FareboxError, InvalidParams
from farebox.secrets import Credential, FoundKey, Keys, Secret, origin_of
from support.guard.sitecustomize import watched

KEY = "sk-or-v1-0123456789abcdef"
ORIGIN = "https://own.test:443"
VARIABLES = ("FIRST_KEY", "SECOND_KEY")

posix_only = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "farebox" / "keys.json"


def check(file: Path, **environment: str) -> Keys:
    return Keys(environment=environment, file=file)


def found(keys: Keys, provider: str = "here") -> tuple[str, str, str] | None:
    key = keys.find(provider, VARIABLES, origin=ORIGIN)
    return (key.secret.reveal(), key.source, key.detail) if key is not None else None


# --- where keys are found ------------------------------------------------------------------------


def test_nothing_is_found_where_nothing_is(file: Path):
    assert found(check(file)) is None
    assert not file.parent.exists()


@pytest.mark.parametrize("empty", [pytest.param("", id="empty"), pytest.param("  \n", id="blank")])
def test_an_empty_variable_counts_as_absent(file: Path, empty: str):
    assert found(check(file, FIRST_KEY=empty, SECOND_KEY="second")) == ("second", "environment", "SECOND_KEY")


def test_a_key_belongs_to_its_provider(file: Path):
    keys = check(file)
    keys.remember("here", KEY, ORIGIN)
    keys.store("there", "other")
    assert found(keys, "elsewhere") is None
    assert found(keys, "there") == ("other", "file", str(file))


def test_space_around_a_key_is_not_part_of_it(file: Path):
    assert found(check(file, FIRST_KEY=f" {KEY}\n")) == (KEY, "environment", "FIRST_KEY")


def test_a_removed_key_is_gone(file: Path):
    keys = check(file)
    keys.store("here", KEY)
    keys.store("there", "other")
    assert keys.remove("here")
    assert not keys.remove("here")
    assert found(keys) is None
    assert json.loads(file.read_text("utf-8")) == {"there": "other"}


def test_forgetting_what_was_never_known_is_fine(file: Path):
    check(file).forget("here")


def test_a_key_that_the_client_has_set_stays_where_it_was_set_for(file: Path):
    keys = check(file, FIRST_KEY="the-users-own")
    keys.remember("here", KEY, ORIGIN)
    assert found(keys) == (KEY, "client", "set by the editor")
    for origin in ("http://own.test:80", "https://own.test:8443", "https://evil.test:443", None):
        assert keys.remembered("here", origin) is None
        elsewhere = keys.find("here", VARIABLES, origin=origin)
        assert elsewhere is not None
        assert elsewhere.secret.reveal() == "the-users-own"
    assert (keys.remembered_for("here"), keys.remembered_for("there")) == (ORIGIN, None)
    keys.remember("here", "another-key", "http://new.test:80")
    assert keys.remembered("here", ORIGIN) is None
    keys.forget("here")
    assert keys.remembered_for("here") is None


# --- a key is shown nowhere ----------------------------------------------------------------------


def holding(secret: Secret) -> list[object]:
    return [
        secret,
        Credential(secret, "https://h:443"),
        FoundKey(secret, "file", "x"),
        [secret],
        {"key": secret},
    ]


def test_no_way_to_print_a_key_shows_it(caplog: pytest.LogCaptureFixture):
    secret = Secret(KEY)
    for thing in holding(secret):
        for shown in (repr(thing), str(thing), f"{thing}", f"{thing!r}", "%s" % (thing,), format(thing)):  # noqa: UP031
            assert KEY not in shown
            assert "<secret:" in shown
        with caplog.at_level(logging.DEBUG):
            logging.getLogger("test").warning("%s %r", thing, thing, extra={"thing": thing})
    assert KEY not in caplog.text
    assert "<secret:" in caplog.text


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_a_key_is_never_pickled(protocol: int):
    for thing in holding(Secret(KEY)):
        with pytest.raises(TypeError) as raised:
            pickle.dumps(thing, protocol)
        assert KEY not in str(raised.value)


def test_a_key_is_never_copied_into_something_else():
    secret = Secret(KEY)
    with pytest.raises(TypeError):
        copy.copy(secret)
    with pytest.raises(TypeError):
        copy.deepcopy(secret)
    with pytest.raises(TypeError):
        dataclasses.asdict(Credential(secret, "https://h:443"))
    with pytest.raises(TypeError) as raised:
        json.dumps(secret)
    assert KEY not in str(raised.value)
    with pytest.raises(TypeError):
        vars(secret)


def test_a_fingerprint_tells_two_keys_apart_and_says_nothing_else():
    assert repr(Secret(KEY)) == repr(Secret(KEY))
    assert len({repr(Secret(f"{KEY}{number}")) for number in range(20)}) > 15
    elsewhere = subprocess.run(
        [sys.executable, "-c", f"from farebox.secrets import Secret; print(Secret({KEY!r}))"],
        env=watched({**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}),
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert elsewhere.startswith("<secret:")
    # Four hex digits can agree by chance once in 65536 runs; the salt is of one process.
    assert len(elsewhere.strip()) == len(repr(Secret(KEY)))


BAD_KEYS = [
    pytest.param("sk-left\nright", id="line-end"),
    pytest.param("sk-left\r\nX-Evil: right", id="header"),
    pytest.param("sk-left right", id="space"),
    pytest.param("sk-left\tright", id="tab"),
    pytest.param("sk-left\x00right", id="zero-byte"),
    pytest.param("sk-leftéright", id="outside-ascii"),
    pytest.param("sk-left\u200bright", id="zero-width-space"),
    pytest.param("sk-left" + "x" * 4096 + "right", id="too-long"),
]


def in_full(error: BaseException) -> str:
    """Return all that a log of an error would hold, the errors before it included."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))


@pytest.mark.parametrize("bad", BAD_KEYS)
def test_a_malformed_key_is_refused_and_not_repeated(bad: str, file: Path):
    with pytest.raises(InvalidParams) as raised:
        check(file).remember("here", bad, ORIGIN)
    assert "right" not in in_full(raised.value)
    with pytest.raises(InvalidParams):
        check(file).store("here", bad)
    assert not file.exists()


@pytest.mark.parametrize("empty", [pytest.param("", id="empty"), pytest.param(" \n", id="blank")])
def test_no_key_is_no_key(empty: str):
    with pytest.raises(InvalidParams):
        Secret(empty)


@pytest.mark.parametrize("bad", BAD_KEYS)
@pytest.mark.parametrize("place", ["environment", "file"])
def test_a_malformed_key_that_is_found_is_named_by_its_place(bad: str, place: str, file: Path):
    keys = check(file, **({"FIRST_KEY": bad} if place == "environment" else {}))
    if place == "file":
        file.parent.mkdir()
        file.write_text(json.dumps({"here": bad}), "utf-8")
        file.chmod(0o600)
    with pytest.raises(ConfigError) as raised:
        keys.find("here", VARIABLES, origin=ORIGIN)
    assert ("FIRST_KEY" if place == "environment" else str(file)) in raised.value.message
    assert "right" not in in_full(raised.value)


@given(value=st.text(max_size=30))
def test_a_key_is_one_printable_word_or_refused(value: str):
    try:
        secret = Secret(value)
    except InvalidParams:
        return
    revealed = secret.reveal()
    assert revealed == value.strip()
    assert revealed.isascii()
    assert revealed.isprintable()
    assert " " not in revealed


# --- origins -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("url", "origin"),
    [
        pytest.param("https://api.openai.com/v1", "https://api.openai.com:443", id="https"),
        pytest.param("http://localhost/v1", "http://localhost:80", id="http"),
        pytest.param("https://api.openai.com:443", "https://api.openai.com:443", id="default-port"),
        pytest.param("http://localhost:443", "http://localhost:443", id="another-schemes-port"),
        pytest.param("https://API.OpenAI.com", "https://api.openai.com:443", id="host-in-capitals"),
        pytest.param("HTTPS://api.openai.com", "https://api.openai.com:443", id="scheme-in-capitals"),
        pytest.param("http://127.0.0.1:8080/v1", "http://127.0.0.1:8080", id="address"),
        pytest.param("http://[::1]:8080/v1", "http://::1:8080", id="ipv6"),
        pytest.param("https://api.openai.com@evil.test/", "https://evil.test:443", id="host-as-user"),
        pytest.param(
            "https://api.openai.com:443@evil.test/", "https://evil.test:443", id="host-and-port-as-user"
        ),
        pytest.param(
            "https://evil.test/@api.openai.com", "https://evil.test:443", id="host-in-the-path"
        ),
        pytest.param("https://evil.test?@api.openai.com", "https://evil.test:443", id="host-in-the-query"),
        pytest.param(
            "https://evil.test#@api.openai.com", "https://evil.test:443", id="host-in-the-fragment"
        ),
        pytest.param("https://api.openai.com.evil.test", "https://api.openai.com.evil.test:443", id="longer"),
    ],
)  # fmt: skip
def test_an_origin_is_scheme_host_and_port(url: str, origin: str):
    assert origin_of(url) == origin


@pytest.mark.parametrize(
    "other",
    [
        pytest.param("http://api.openai.com", id="scheme"),
        pytest.param("https://api.openai.com:8443", id="port"),
        pytest.param("https://openai.com", id="parent"),
        pytest.param("https://x.api.openai.com", id="child"),
        pytest.param("https://api.openai.com.", id="trailing-dot"),
        pytest.param("//api.openai.com", id="no-scheme"),
        pytest.param("", id="nothing"),
    ],
)
def test_another_origin_is_another_origin(other: str):
    assert origin_of(other) != origin_of("https://api.openai.com")


def test_a_credential_binds_a_key_to_one_origin():
    credential = Credential(Secret(KEY), origin_of("https://api.openai.com/v1"))
    assert credential.origin == "https://api.openai.com:443"
    assert credential.secret.reveal() == KEY
    with pytest.raises(dataclasses.FrozenInstanceError):
        credential.origin = "https://evil.test:443"  # pyright: ignore[reportAttributeAccessIssue]


def test_every_error_of_a_key_is_one_that_users_understand(file: Path):
    with pytest.raises(FareboxError) as raised:
        check(file, FIRST_KEY="a b").find("here", VARIABLES, origin=ORIGIN)
    assert raised.value.hint == "Copy the key again, alone."
