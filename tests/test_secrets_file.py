"""The file of keys: only its owner can read it, and it is whole or as it was."""

import json
import os
import stat
import subprocess
import sys
import traceback
from pathlib import Path

import pytest

from farebox.errors import ConfigError
from farebox.secrets import Keys
from support.guard.sitecustomize import watched

KEY = "sk-or-v1-0123456789abcdef"
VARIABLES = ("FIRST_KEY", "SECOND_KEY")

posix_only = pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX's")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "farebox" / "keys.json"


def check(file: Path, **environment: str) -> Keys:
    return Keys(environment=environment, file=file)


def found(keys: Keys, provider: str = "here") -> tuple[str, str, str] | None:
    key = keys.find(provider, VARIABLES, origin=None)
    return (key.secret.reveal(), key.source, key.detail) if key is not None else None


def in_full(error: BaseException) -> str:
    """Return all that a log of an error would hold, the errors before it included."""
    return "".join(traceback.format_exception(error)) + repr(error) + str(vars(error))


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
        lambda: check(file).find("here", (), origin=None),
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
        check(file).find("here", (), origin=None)
    with pytest.raises(ConfigError, match="not a plain file"):
        check(file).store("here", KEY)
    assert json.loads(target.read_text("utf-8")) == {"here": "planted"}


@posix_only
def test_a_folder_and_a_pipe_in_place_of_the_file_are_refused(file: Path):
    file.mkdir(parents=True)
    with pytest.raises(ConfigError, match="not a plain file"):
        check(file).find("here", (), origin=None)
    file.rmdir()
    os.mkfifo(file)
    with pytest.raises(ConfigError, match="not a plain file"):
        check(file).find("here", (), origin=None)


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
        check(file).find("here", (), origin=None)
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
from farebox.errors import ConfigError
keys = secrets.Keys(environment={}, file=Path(sys.argv[1]))
resource.setrlimit(resource.RLIMIT_FSIZE, (16, 16))
try:
    keys.store("here", "new" * 1000)
except ConfigError as error:
    print(error.message)
"""


@posix_only
def test_a_full_disk_leaves_the_old_file(file: Path):
    check(file).store("here", "old")
    environment = {**os.environ, "PYTHON_KEYRING_BACKEND": "keyring.backends.fail.Keyring"}
    done = subprocess.run(
        [sys.executable, "-c", FULL_DISK, str(file)],
        env=watched({**environment, "PYTHONPATH": os.pathsep.join(sys.path)}),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout == f"can't write {file}: File too large\n", done.stderr
    assert json.loads(file.read_text("utf-8")) == {"here": "old"}
    assert [entry.name for entry in file.parent.iterdir()] == [file.name]


def test_a_folder_that_cannot_be_made_is_an_error_that_users_understand(tmp_path: Path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ConfigError, match="can't write") as raised:
        check(tmp_path / "file" / "keys.json").store("here", KEY)
    assert raised.value.hint
