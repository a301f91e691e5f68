"""Which text may leave the machine. Called by the door alone, for every request of every feature.

A request names the files that its text comes from; this module says whether a rule keeps one of them
here, and what of its name a model is told. It knows paths, links and patterns, not providers or editors.
"""

import os
import posixpath
import re
import time
from collections.abc import Iterable
from functools import lru_cache
from itertools import chain
from pathlib import Path, PurePath

from farebox.errors import ConfigError, Excluded
from farebox.patterns import Pattern, matching, parse

MAX_PATH_CHARS = 32_767
"""The most that any system takes (Windows's extended paths)."""

REMEMBERED_S = 5
"""How long ``kept`` may give an answer without following the links anew."""

SECRET_FOLDERS = (
    ".git/",
    ".ssh/",
    ".aws/",
    ".gnupg/",
    ".kube/",
    ".docker/",
    ".azure/",
    "**/.config/gcloud/",
    ".password-store/",
)
"""Apart from the files: nothing below these may leave, whatever it is called."""

SECRET_FILES = (
    "*.env",
    ".env",
    ".env.*",
    "!.env.example",
    "!.env.sample",
    "!.env.template",
    ".envrc",
    "*.pem",
    "*.key",
    "*.p12",
    "*.pfx",
    "*.jks",
    "*.keystore",
    "*.kdbx",
    "id_rsa*",
    "id_dsa*",
    "id_ed25519*",
    "id_ecdsa*",
    ".netrc",
    ".npmrc",
    ".pypirc",
    ".pgpass",
    ".htpasswd",
    ".git-credentials",
    "kubeconfig",
    "*.tfstate",
    "*.tfstate.*",
    "*.tfvars",
    "credentials.json",
    "application_default_credentials.json",
    "service[-_]account*.json",
    "secrets.json",
    "secrets.toml",
    "secrets.y*ml",
)

_ABSOLUTE = re.compile(r"/|[A-Za-z]:/")
_UNQUOTABLE = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]+")


def check(sources: Iterable[str], *, exclude: tuple[str, ...], roots: tuple[str, ...]) -> None:
    """Raise Excluded if a rule keeps one of the sources (file paths) on the machine."""
    asked = dict.fromkeys(sources)
    places = _places(roots) if asked else ()
    for source in asked:
        rule = _kept(source, exclude, places)
        if rule is not None:
            raise Excluded(
                f"{shown_name(source, roots)} stays on this machine: it matches {rule}",
                hint="Secret files and [privacy] exclude patterns are never sent to a model.",
            )


def kept(path: str, *, exclude: tuple[str, ...], roots: tuple[str, ...]) -> str | None:
    """Return the rule that keeps a file here, by its own name or by what its links lead to; or None.

    For those who ask at each key: the answer may be REMEMBERED_S old. The door itself always looks anew.
    """
    return _kept_lately(path, exclude, roots, int(time.monotonic() // REMEMBERED_S))


@lru_cache(maxsize=1024)
def _kept_lately(path: str, exclude: tuple[str, ...], roots: tuple[str, ...], _period: int) -> str | None:
    return _kept(path, exclude, _places(roots))


def _kept(path: str, exclude: tuple[str, ...], places: tuple[str, ...]) -> str | None:
    names = filter(None, (path, _real(path)))
    rules = (excluded_by(name, exclude=exclude, roots=places) for name in names)
    return next((rule for rule in rules if rule is not None), None)


def _places(roots: tuple[str, ...]) -> tuple[str, ...]:
    return (*roots, *filter(None, map(_real, roots)))


def _real(path: str) -> str | None:
    """Follow a path's links: what is behind them is what would leave. None if there is nothing to follow."""
    if len(path) > MAX_PATH_CHARS or not Path(path).is_absolute():
        return None
    try:
        real = os.path.realpath(path)
    except (OSError, ValueError):  # no path of a file at all
        return None
    return real if real != path else None


@lru_cache(maxsize=4096)
def excluded_by(source: str, *, exclude: tuple[str, ...], roots: tuple[str, ...]) -> str | None:
    """Return the pattern that excludes a file, or None. User patterns are relative to the roots."""
    if len(source) > MAX_PATH_CHARS:
        return "a path longer than any file's"
    path = _plain(source)
    whole = path.as_posix()
    below = (name for root in roots if (name := _below(path, root)))
    asked = [
        (SECRET_FOLDERS, whole),
        (SECRET_FILES, whole),
        (exclude, whole),
        *((exclude, name) for name in below),
    ]
    return next((rule for rules, name in asked if (rule := matching(_parsed(rules), name)) is not None), None)


def shown_name(path: str, roots: tuple[str, ...]) -> str:
    """Return what a model is told of where a text comes from: nothing of the machine, and on one line.

    A file is named from its workspace folder on, one outside of all by its last name alone. Quotes and
    line ends are replaced: a name stands in quotes in a prompt, and may not end them.
    """
    plain = _plain(path)
    inside = next((below for root in roots if (below := _below(plain, root))), None)
    is_absolute = _ABSOLUTE.match(plain.as_posix()) is not None
    name = inside or (plain.name if is_absolute else plain.as_posix())
    return _UNQUOTABLE.sub(" ", name).replace('"', "'")


def _plain(path: str) -> PurePath:
    """Spell a path with slashes and without ``..``, so that no other spelling slips past a pattern."""
    plain = posixpath.normpath(path.replace("\\", "/"))
    return PurePath("/" + plain.lstrip("/") if plain.startswith("/") else plain)


def _below(path: PurePath, root: str) -> str:
    folder = _plain(root)
    return path.relative_to(folder).as_posix() if path.is_relative_to(folder) else ""


@lru_cache(maxsize=16)
def _parsed(rules: tuple[str, ...]) -> tuple[Pattern, ...]:
    try:
        return tuple(chain.from_iterable(map(parse, rules)))
    except ValueError as exc:
        raise ConfigError(
            f"[privacy] exclude: {exc}", hint="Patterns are written as in a .gitignore file."
        ) from exc
