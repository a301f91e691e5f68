"""What holds for every test: nothing beyond loopback, no keyring, key or setting of the developer's, noon.

All loggers are at debug level, and no record of theirs may hold a key.
"""

import logging
import os
import shutil
import signal
import tempfile
import time
from collections.abc import Generator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from farebox.config import WORKSPACE_FILE
from support.canary import Watch
from support.environment import is_the_developers, zone_where_it_is_noon
from support.guard import sitecustomize as guard
from support.loopback_only import ALONE
from support.sweep import SWEEP

os.environ["PYTHON_KEYRING_BACKEND"] = "keyring.backends.fail.Keyring"
for name in filter(is_the_developers, list(os.environ)):
    del os.environ[name]

os.environ["TZ"] = zone_where_it_is_noon(datetime.now(UTC))
if hasattr(time, "tzset"):
    time.tzset()

for ignored in ("SIGINT", "SIGHUP"):
    # A shell ignores these for what it runs in the background, and so would all that tests start.
    # A handler that does nothing is not inherited.
    number = getattr(signal, ignored, None)
    if number is not None and signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, lambda *_: None)

# A list of what the developer has git ignore is to hold for no file of a test; all else of git's stays.
_git_settings = Path(tempfile.mkdtemp()) / "gitconfig"
_developers = [
    os.environ.get("GIT_CONFIG_GLOBAL") or path for path in ("~/.config/git/config", "~/.gitconfig")
]
_git_settings.write_text(
    "".join(f"[include]\n\tpath = {path}\n" for path in _developers) + "[core]\n\texcludesFile =\n", "utf-8"
)
os.environ["GIT_CONFIG_GLOBAL"] = str(_git_settings)

_log_of_our_own = None if os.environ.get(guard.LOG) else Path(tempfile.mkdtemp()) / "network.log"
if _log_of_our_own is not None:
    os.environ[guard.LOG] = str(_log_of_our_own)
os.environ.update(guard.watched(os.environ))
guard.install()
_log = Path(os.environ[guard.LOG])


class _Noted:
    """What the guard has noted in this process and in all that it started, each line told once."""

    def __init__(self) -> None:
        self._told = _log.stat().st_size if _log.exists() else 0

    def new(self) -> list[str]:
        """Return what has come since."""
        if not _log.exists() or _log.stat().st_size == self._told:
            return []
        with _log.open("rb") as file:
            file.seek(self._told)
            lines = file.read()
        self._told += len(lines)
        return lines.decode("utf-8", "replace").splitlines()


_noted = _Noted()


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker of tests that can't run in a network namespace."""
    config.addinivalue_line("markers", "network: installs packages, so it needs a package index")


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail for what was noted after the last test, by a process that outlived it; tidy up."""
    if late := _noted.new():
        print("\nbeyond loopback, after the last test:", *late, sep="\n")
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    for folder in _folders:
        SWEEP.folder(folder)
    if SWEEP.hits:
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
    shutil.rmtree(_git_settings.parent)
    if _log_of_our_own is not None:
        shutil.rmtree(_log_of_our_own.parent)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say what was looked through for keys, and for what stands in files that may not leave."""
    terminalreporter.write_line(SWEEP.summary(), red=bool(SWEEP.hits))


_folders: list[Path] = []


@pytest.fixture(autouse=True, scope="session")
def _all_that_is_left_is_swept(tmp_path_factory: pytest.TempPathFactory) -> None:  # pyright: ignore[reportUnusedFunction]
    _folders.append(tmp_path_factory.getbasetemp())


def pytest_report_header() -> str:
    """Say what keeps the tests from the network."""
    return f"network: loopback alone, {'by a namespace' if os.environ.get(ALONE) else 'watched by a guard'}"


@pytest.fixture(autouse=True)
def _no_stranger_is_called() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]
    yield
    new = _noted.new()
    assert not new, "beyond loopback:\n" + "\n".join(new)


_watch_for_keys = Watch()
logging.getLogger().addHandler(_watch_for_keys)
logging.getLogger().setLevel(logging.DEBUG)


@pytest.fixture(autouse=True)
def _no_key_is_logged() -> Generator[None]:  # pyright: ignore[reportUnusedFunction]
    _watch_for_keys.leaks.clear()
    yield
    assert not _watch_for_keys.leaks, f"a key was logged: {_watch_for_keys.leaks}"


@pytest.fixture
def user_file(tmp_path: Path) -> Path:
    return tmp_path / "config.toml"


@pytest.fixture
def workspace_file(tmp_path: Path) -> Path:
    return tmp_path / WORKSPACE_FILE
