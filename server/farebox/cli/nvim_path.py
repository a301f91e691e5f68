"""``farebox nvim-path``: where this farebox's Neovim plugin is; ``--link`` lets Neovim find it by itself.

Neovim's start may wait for the first: nothing is imported that it can do without.
"""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import farebox

_NOWHERE = (
    "farebox: the Neovim plugin is not beside this farebox\n"
    "  Install farebox anew (pipx install --force farebox), or from a whole clone of it."
)
_IN_SITE = Path("site", "pack", "farebox", "start", "farebox")
"""Neovim sources what lies in such a folder of its data by itself (``:help packages``)."""


def print_nvim_path() -> int:
    """Print the plugin's folder, for a program: no character of it may be written otherwise."""
    found = _plugin()
    if found is None:
        return 1
    _print(found)
    return 0


def link_nvim_plugin() -> int:
    """Put a link to the plugin where Neovim looks for such, in place of an older one; print where it is."""
    found = _plugin()
    if found is None:
        return 1
    link = data_folder(os.environ) / _IN_SITE
    try:
        put_link(link, found)
    except OSError as error:
        from farebox.cli.terminal import note

        why = "there is something else already" if isinstance(error, FileExistsError) else error.strerror
        note(f"farebox: {link} could not be made: {why}\n  Move it away, or use the path in your init.lua.")
        return 1
    _print(link)
    return 0


def plugin_of(package: Path) -> Path | None:
    """Return the folder of the plugin that belongs to a package: in a wheel's, or in the clone around it."""
    folders = (package / "neovim", package.parent.parent / "editor-clients" / "neovim")
    return next((folder for folder in folders if _is_plugin(folder)), None)


def data_folder(environment: Mapping[str, str]) -> Path:
    """Return Neovim's folder for data (``:help stdpath()``)."""
    name = environment.get("NVIM_APPNAME") or "nvim"
    if sys.platform == "win32":
        base = environment.get("XDG_DATA_HOME") or environment.get("LOCALAPPDATA")
        return (Path(base) if base else Path.home() / "AppData" / "Local") / f"{name}-data"
    base = environment.get("XDG_DATA_HOME")
    return (Path(base) if base else Path.home() / ".local" / "share") / name


def put_link(link: Path, target: Path) -> None:
    """Make a link to a folder. Raises OSError; FileExistsError if what is there is no link."""
    if _is_link(link):
        link.unlink()
    elif link.exists() and os.path.realpath(link) == os.path.realpath(target):
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    if sys.platform == "win32":
        import _winapi

        _winapi.CreateJunction(str(target), str(link))  # a symlink would need rights
    else:
        link.symlink_to(target, target_is_directory=True)


def _is_link(path: Path) -> bool:
    """Whether it is a symlink, or a junction of Windows."""
    try:
        path.readlink()
    except OSError:
        return False
    return True


def _plugin() -> Path | None:
    """Return the plugin's folder, or say that there is none."""
    found = plugin_of(Path(farebox.__file__).parent)
    if found is None:
        from farebox.cli.terminal import note

        note(_NOWHERE)
    return found


def _is_plugin(folder: Path) -> bool:
    return (folder / "plugin" / "farebox.lua").is_file()


def _print(path: Path) -> None:
    sys.stdout.write(f"{path}\n")
    sys.stdout.flush()
