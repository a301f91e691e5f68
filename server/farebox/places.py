"""Where things are on this machine: the user's settings, farebox's own data, and the workspace of a folder.

Says where to look and looks at nothing but folders; a shell's prompt waits for it, so it imports little.
"""

from collections.abc import Mapping
from pathlib import Path

from farebox.errors import ConfigError

WORKSPACE_FILE = ".farebox.toml"

_MARKS = (WORKSPACE_FILE, ".git")


def config_file(environment: Mapping[str, str]) -> Path:
    """Return where the user's settings are."""
    if named := environment.get("FAREBOX_CONFIG"):
        return Path(named)
    import platformdirs  # noqa: PLC0415  deferred, as below: often there is nothing to ask it

    return Path(platformdirs.user_config_dir("farebox", False)) / "config.toml"


def data_folder(environment: Mapping[str, str]) -> Path:
    """Return where farebox keeps its ledger and keys."""
    if named := environment.get("FAREBOX_HOME"):
        return Path(named)
    import platformdirs  # noqa: PLC0415

    return Path(platformdirs.user_data_dir("farebox", False))


def ledger_file(environment: Mapping[str, str]) -> Path:
    """Return where the ledger is."""
    return data_folder(environment) / "ledger.db"


def working_folder() -> Path:
    """Return the current folder. Raises ConfigError if it is there no more."""
    try:
        return Path.cwd()
    except FileNotFoundError:
        raise ConfigError(
            "the working folder was deleted", hint="Change to a folder that is there, and try again."
        ) from None


def workspace_of(folder: Path) -> Path:
    """Return the nearest folder, upward from one, that is a workspace's; else the folder itself."""
    marked = (above for above in (folder, *folder.parents) if any((above / name).exists() for name in _MARKS))
    return next(marked, folder)
