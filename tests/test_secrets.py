"""Keys: found in one order, shown nowhere, kept where only their owner can read."""

import copy
import dataclasses
import importlib
import json
import logging
import os
import pickle
import stat
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.errors import ConfigError, FareboxError, InvalidParams
from farebox.secrets import KEYRING_SERVICE, Credential, FoundKey, Keys, Secret, origin_of

KEY = "sk-or-v1-0123456789abcdef"
VARIABLES = ("FIRST_KEY", "SECOND_KEY")

posix_only = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


def a_keyring(kept: dict[tuple[str, str], str]) -> Any:
    """Return a back end of the real keyring library that keeps its entries in a dict."""
    backend = importlib.import_module("keyring.backend")

    def get_password(_self: object, service: str, username: str) -> str | None:
        return kept.get((service, username))

    def set_password(_self: object, service: str, username: str, password: str) -> None:
        kept[service, username] = password

    def delete_password(_self: object, service: str, username: str) -> None:
        del kept[service, username]

    methods = {"get_password": get_password, "set_password": set_password, "delete_password": delete_password}
    return type("Kept", (backend.KeyringBackend,), {"priority": 1, **methods})()


@pytest.fixture(autouse=True)
def _no_keyring_of_the_machine() -> Iterator[None]:
    """Keep these tests away from the keyring of whoever runs them."""
    try:
        keyring = importlib.import_module("keyring")
        fail = importlib.import_module("keyring.backends.fail")
    except ImportError:
        yield
        return
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def in_keyring() -> dict[tuple[str, str], str]:
    """Give the process a keyring; it is taken away by the fixture above."""
    keyring = pytest.importorskip("keyring", reason="the extra [keyring] is not installed")
    kept: dict[tuple[str, str], str] = {}
    keyring.set_keyring(a_keyring(kept))
    return kept


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "farebox" / "keys.json"


def check(file: Path, **environment: str) -> Keys:
    return Keys(environment=environment, file=file)


def found(keys: Keys, provider: str = "here") -> tuple[str, str, str] | None:
    key = keys.find(provider, VARIABLES)
    return (key.secret.reveal(), key.source, key.detail) if key is not None else None


# --- where keys are found ------------------------------------------------------------------------


def test_a_key_is_looked_up_in_memory_environment_keyring_and_file(
    file: Path, in_keyring: dict[tuple[str, str], str]
):
    keyring = importlib.import_module("keyring")
    fail = importlib.import_module("keyring.backends.fail")
    with_keyring = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    assert check(file).store("here", "in-file") == str(file)
    assert found(check(file)) == ("in-file", "file", str(file))
    keyring.set_keyring(with_keyring)
    assert check(file).store("here", "in-keyring") == "the system's keyring"
    assert in_keyring == {(KEYRING_SERVICE, "here"): "in-keyring"}
    assert found(check(file)) == ("in-keyring", "keyring", "the system's keyring")
    keys = check(file, SECOND_KEY="second", FIRST_KEY="first")
    assert found(keys) == ("first", "environment", "FIRST_KEY")
    keys.remember("here", "in-memory")
    assert found(keys) == ("in-memory", "client", "set by the editor")
    keys.remember("here", None)
    assert found(keys) == ("first", "environment", "FIRST_KEY")


def test_nothing_is_found_where_nothing_is(file: Path):
    assert found(check(file)) is None
    assert not file.parent.exists()


@pytest.mark.parametrize("empty", [pytest.param("", id="empty"), pytest.param("  \n", id="blank")])
def test_an_empty_variable_counts_as_absent(file: Path, empty: str):
    assert found(check(file, FIRST_KEY=empty, SECOND_KEY="second")) == ("second", "environment", "SECOND_KEY")


def test_a_key_belongs_to_its_provider(file: Path):
    keys = check(file)
    keys.remember("here", KEY)
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


def test_a_key_is_removed_from_the_keyring_and_the_file(file: Path, in_keyring: dict[tuple[str, str], str]):
    file.parent.mkdir()
    file.write_text('{"here": "in-file"}', "utf-8")
    file.chmod(0o600)
    keys = check(file)
    keys.store("here", KEY)
    assert keys.remove("here")
    assert in_keyring == {}
    assert found(keys) is None


def test_forgetting_what_was_never_known_is_fine(file: Path):
    check(file).remember("here", None)


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
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert elsewhere.startswith("<secret:")
    # Four hex digits can agree by chance once in 65536 runs; the salt is of one process.
    assert len(elsewhere.strip()) == len(repr(Secret(KEY)))


def test_a_key_is_taken_out_of_a_text():
    assert Secret(KEY).redact(f"bad key {KEY}, {KEY}") == "bad key <secret>, <secret>"


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
        check(file).remember("here", bad)
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
        keys.find("here", VARIABLES)
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


# --- the file ------------------------------------------------------------------------------------


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


@posix_only
@pytest.mark.parametrize(
    "umask", [pytest.param(0, id="0"), pytest.param(0o022, id="022"), pytest.param(0o077, id="077")]
)
def test_only_the_owner_can_read_the_file_whatever_the_umask(file: Path, umask: int):
    before = os.umask(umask)
    try:
        check(file).store("here", KEY)
        assert (mode(file), mode(file.parent)) == (0o600, 0o700)
        check(file).store("here", KEY + "2")
        assert mode(file) == 0o600
    finally:
        os.umask(before)


@posix_only
@pytest.mark.parametrize("bits", [0o644, 0o640, 0o604, 0o620, 0o601], ids=oct)
def test_a_file_that_others_can_read_is_refused_with_the_cure(file: Path, bits: int):
    check(file).store("here", KEY)
    file.chmod(bits)
    for use in (
        lambda: check(file).find("here", ()),
        lambda: check(file).store("here", KEY),
        lambda: check(file).remove("here"),
    ):
        with pytest.raises(ConfigError, match="can be read by others") as raised:
            use()
        assert raised.value.hint == f"Run: chmod 600 {file}"
    file.chmod(0o600)
    assert found(check(file)) == (KEY, "file", str(file))


@posix_only
def test_a_link_in_place_of_the_file_is_refused(file: Path, tmp_path: Path):
    target = tmp_path / "elsewhere.json"
    target.write_text('{"here": "planted"}', "utf-8")
    target.chmod(0o600)
    file.parent.mkdir()
    file.symlink_to(target)
    with pytest.raises(ConfigError, match="not a plain file"):
        check(file).find("here", ())
    with pytest.raises(ConfigError, match="not a plain file"):
        check(file).store("here", KEY)
    assert json.loads(target.read_text("utf-8")) == {"here": "planted"}


@posix_only
def test_a_folder_and_a_pipe_in_place_of_the_file_are_refused(file: Path):
    file.mkdir(parents=True)
    with pytest.raises(ConfigError, match="not a plain file"):
        check(file).find("here", ())
    file.rmdir()
    os.mkfifo(file)
    with pytest.raises(ConfigError, match="not a plain file"):
        check(file).find("here", ())


@pytest.mark.parametrize(
    "raw",
    [
        pytest.param(b"", id="empty"),
        pytest.param(b"{", id="cut-off"),
        pytest.param(b"[]", id="a-list"),
        pytest.param(b'"sk-left-right"', id="a-bare-key"),
        pytest.param(b"sk-left-right", id="no-json"),
        pytest.param(b"\xffsk-left-right", id="not-utf-8"),
    ],
)
def test_a_broken_file_is_named_and_not_repeated(file: Path, raw: bytes):
    file.parent.mkdir()
    file.write_bytes(raw)
    file.chmod(0o600)
    with pytest.raises(ConfigError, match="can't be read") as raised:
        check(file).find("here", ())
    assert str(file) in raised.value.message
    assert "sk-left-right" not in in_full(raised.value)


def test_entries_that_are_no_text_are_passed_over(file: Path):
    file.parent.mkdir()
    file.write_text('{"here": 5, "there": "k"}', "utf-8")
    file.chmod(0o600)
    assert found(check(file)) is None
    assert found(check(file), "there") == ("k", "file", str(file))


@posix_only
def test_the_file_is_replaced_whole(file: Path):
    keys = check(file)
    keys.store("here", "old")
    with file.open(encoding="utf-8") as reader:
        keys.store("here", "new")
        assert json.load(reader) == {"here": "old"}, "a reader keeps the file that it opened"
    assert json.loads(file.read_text("utf-8")) == {"here": "new"}
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


FULL_DISK = """
import resource, sys
from pathlib import Path
from farebox import secrets
keys = secrets.Keys(environment={}, file=Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
try:
    keys.store("here", "new" * 1000)
except OSError as error:
    print(type(error).__name__)
"""


@posix_only
def test_a_full_disk_leaves_the_old_file(file: Path):
    check(file).store("here", "old")
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(file)],
        env={**environment, "PYTHONPATH": os.pathsep.join(sys.path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == "OSError\n", done.stderr
    assert json.loads(file.read_text("utf-8")) == {"here": "old"}
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


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
        check(file, FIRST_KEY="a b").find("here", VARIABLES)
    assert raised.value.hint == "Copy the key again, alone."
