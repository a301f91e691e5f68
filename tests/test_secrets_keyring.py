"""The system's keyring: asked only for what was stored there, and never the reason for a traceback."""

import json
import os
import subprocess
import sys
import traceback
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.backends import fail
from keyring.errors import KeyringLocked

from farebox.errors import ConfigError, InvalidParams
from farebox.secrets import KEYRING_SERVICE, BadKey, Keys
from support.environment import clean_environment

KEY = "sk-or-v1-0123456789abcdef"
ORIGIN = "https://own.test:443"
VARIABLES = ("FIRST_KEY", "SECOND_KEY")

posix_only = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


def a_keyring(kept: dict[tuple[str, str], str]) -> Any:
    """Return a back end of the real keyring library that keeps its entries in a dict."""

    def get_password(_self: object, service: str, username: str) -> str | None:
        return kept.get((service, username))

    def set_password(_self: object, service: str, username: str, password: str) -> None:
        kept[service, username] = password

    def delete_password(_self: object, service: str, username: str) -> None:
        del kept[service, username]

    methods = {"get_password": get_password, "set_password": set_password, "delete_password": delete_password}
    return type("Kept", (KeyringBackend,), {"priority": 1, **methods})()


@pytest.fixture(autouse=True)
def _no_keyring_of_the_machine() -> Iterator[None]:
    """Keep these tests away from the keyring of whoever runs them."""
    before = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    yield
    keyring.set_keyring(before)


@pytest.fixture
def in_keyring() -> dict[tuple[str, str], str]:
    """Give the process a keyring; it is taken away by the fixture above."""
    kept: dict[tuple[str, str], str] = {}
    keyring.set_keyring(a_keyring(kept))
    return kept


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "farebox" / "keys.json"


def check(file: Path, **environment: str) -> Keys:
    return Keys(environment=environment, file=file)


def found(keys: Keys, provider: str = "here") -> tuple[str, str, str] | None:
    key = keys.find(provider, VARIABLES, origin=ORIGIN)
    return (key.secret.reveal(), key.source, key.detail) if key is not None else None


def test_a_key_is_looked_up_in_memory_environment_keyring_and_file(
    file: Path, in_keyring: dict[tuple[str, str], str]
):
    with_keyring = keyring.get_keyring()
    keyring.set_keyring(fail.Keyring())
    assert check(file).store("here", "in-file") == str(file)
    assert found(check(file)) == ("in-file", "file", str(file))
    keyring.set_keyring(with_keyring)
    assert check(file).store("here", "in-keyring") == "the system's keyring"
    assert in_keyring == {(KEYRING_SERVICE, "here"): "in-keyring"}
    assert json.loads(file.read_text("utf-8")) == {"keyring": ["here"]}, "names only"
    assert found(check(file)) == ("in-keyring", "keyring", "the system's keyring")
    keys = check(file, SECOND_KEY="second", FIRST_KEY="first")
    assert found(keys) == ("first", "environment", "FIRST_KEY")
    keys.remember("here", "in-memory", ORIGIN)
    assert found(keys) == ("in-memory", "client", "set by the editor")
    keys.forget("here")
    assert found(keys) == ("first", "environment", "FIRST_KEY")


def test_a_key_is_removed_from_the_keyring_and_the_file(file: Path, in_keyring: dict[tuple[str, str], str]):
    file.parent.mkdir()
    file.write_text('{"here": "in-file"}', "utf-8")
    file.chmod(0o600)
    keys = check(file)
    keys.store("here", KEY)
    assert keys.remove("here")
    assert in_keyring == {}
    assert found(keys) is None


class Locked(KeyringBackend):
    """A keyring that is there and fails, as a desktop's does while it is locked; it counts who asks."""

    priority = 1  # pyright: ignore[reportAssignmentType]
    asked = 0

    def _fail(self, *about: str) -> NoReturn:
        self.asked += 1
        raise KeyringLocked(f"Failed to unlock the collection of {KEY}!", *about)

    def get_password(self, service: str, username: str) -> str | None:
        self._fail(service, username)

    def set_password(self, service: str, username: str, password: str) -> None:
        self._fail(service, username, password)

    def delete_password(self, service: str, username: str) -> None:
        self._fail(service, username)


def lock_after_storing(file: Path, *providers: str) -> Locked:
    for provider in providers:
        assert check(file).store(provider, KEY) == "the system's keyring"
    locked = Locked()
    keyring.set_keyring(locked)
    return locked


@pytest.mark.usefixtures("in_keyring")
def test_a_locked_keyring_is_an_error_with_a_way_around_it_and_is_not_asked_at_each_look_up(file: Path):
    locked = lock_after_storing(file, "here")
    keys = check(file)
    for _ in range(3):
        with pytest.raises(BadKey, match="the system's keyring can't be used: KeyringLocked") as raised:
            keys.find("here", VARIABLES, origin=ORIGIN)
        assert "FIRST_KEY" in raised.value.hint
        assert KEY not in "".join(traceback.format_exception(raised.value))
    assert locked.asked == 1
    assert found(check(file, FIRST_KEY="first")) == ("first", "environment", "FIRST_KEY")
    assert found(keys, "elsewhere") is None
    assert locked.asked == 1


@pytest.mark.usefixtures("in_keyring")
def test_a_locked_keyring_keeps_nothing_and_says_so(file: Path):
    lock_after_storing(file, "here")
    before = file.read_text("utf-8")
    with pytest.raises(ConfigError, match="KeyringLocked"):
        check(file).store("there", "other")
    with pytest.raises(ConfigError, match="KeyringLocked"):
        check(file).remove("here")
    assert file.read_text("utf-8") == before


def test_who_has_stored_no_key_in_the_keyring_never_waits_for_it(file: Path):
    file.parent.mkdir()
    file.write_text('{"old": "from-before"}', "utf-8")
    file.chmod(0o600)
    locked = Locked()
    keyring.set_keyring(locked)
    assert found(check(file)) is None
    assert found(check(file), "old") == ("from-before", "file", str(file))
    assert locked.asked == 0


def test_a_key_stored_anew_counts_at_once(file: Path, in_keyring: dict[tuple[str, str], str]):
    keys = check(file)
    keys.store("here", "old")
    assert found(keys) == ("old", "keyring", "the system's keyring")
    keys.store("here", "new")
    assert found(keys) == ("new", "keyring", "the system's keyring")
    assert keys.stored_names() == ("here",)
    keyring.set_keyring(fail.Keyring())
    assert keys.store("here", "plain") == str(file)
    assert found(keys) == ("plain", "file", str(file)), "it is in one place only"
    assert in_keyring


def test_the_name_under_which_the_list_is_kept_is_no_provider(file: Path):
    with pytest.raises(InvalidParams):
        check(file).store("keyring", KEY)


def test_a_back_end_that_does_not_exist_is_no_traceback(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "farebox", "auth", "login", "openai"],
        env={**clean_environment(tmp_path), "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.NoSuch"},
        input=KEY,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.startswith("farebox: the system's keyring can't be used: AttributeError\n  ")
