"""Which files may leave the machine: by their names, whatever leads to them.

Called by the door for every request of every feature, and by those who would only waste time on what may not
leave. It knows secret files, the user's patterns and the ignore files; not providers or editors.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache
from itertools import chain
from pathlib import PurePath
from typing import Final

from farebox.config import Privacy
from farebox.errors import ConfigError, Excluded
from farebox.patterns import Pattern, matching, parse
from farebox.privacy.ignores import Ignores
from farebox.privacy.lately import lately
from farebox.privacy.links import other_names
from farebox.privacy.names import MAX_PATH_CHARS, below, real, shown_name, spellings

REMEMBERED_S: Final = 5
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
    "**/.config/gh/",
    ".password-store/",
)
"""Apart from the files: nothing below these may leave, whatever it is called."""

SECRET_FILES = (
    "*.env",
    ".env",
    ".env.*",
    "*.env~",
    ".env[-_]*",
    "!.env[-_.]example",
    "!.env[-_.]sample",
    "!.env[-_.]template",
    ".envrc",
    "*.pem",
    "*.key",
    "*.ppk",
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
    ".my.cnf",
    ".vault-token",
    ".dockercfg",
    ".s3cfg",
    ".htpasswd",
    ".git-credentials",
    "kubeconfig",
    "*.tfstate",
    "*.tfstate.*",
    "*.tfvars",
    "*.tfvars.json",
    "**/.cargo/credentials",
    "**/.cargo/credentials.toml",
    "credentials.json",
    "application_default_credentials.json",
    "service[-_]account*.json",
    "secrets.json",
    "secrets.toml",
    "secrets.y*ml",
)


@dataclass(frozen=True, slots=True)
class Rules:
    """What decides: the workspace's folders, the user's patterns, and whose ignore files hold.

    ``gitignore``: what git ignores stays. ``reads`` false: no file is opened, as nobody trusts the workspace.
    """

    roots: tuple[str, ...] = ()
    exclude: tuple[str, ...] = ()
    gitignore: bool = True
    reads: bool = True


NO_RULES: Final = Rules()
"""Of no folder: only secret files stay."""


def rules_from(settings: Privacy, roots: tuple[str, ...], *, reads: bool = True) -> Rules:
    """Return the rules of these settings in these folders."""
    return Rules(roots, tuple(settings.exclude), gitignore=settings.gitignore, reads=reads)


def check(sources: Iterable[str], rules: Rules) -> None:
    """Raise Excluded if a rule keeps one of the sources (file paths) on the machine."""
    asked = dict.fromkeys(sources)
    look = Look(rules) if asked else None
    for source in asked:
        rule = look.kept(source) if look is not None else None
        if rule is not None:
            raise Excluded(
                f"{shown_name(source, rules.roots)} stays on this machine ({rule})",
                hint="No model is sent secret files, what [privacy] exclude names, nor what git and "
                ".fareboxignore ignore; [privacy] gitignore = false lets go what only git ignores.",
            )


@lately(REMEMBERED_S, most=1024)
def kept(path: str, rules: Rules) -> str | None:
    """Return the rule that keeps a file here, by its own name or by what its links lead to; or None.

    For those who ask at each key: the answer may be REMEMBERED_S old. The door itself always looks anew.
    """
    return Look(rules).kept(path)


class Look:
    """One look at the rules, for many files: links and ignore files of folders are looked up once."""

    def __init__(self, rules: Rules) -> None:
        self._rules = rules
        self._places = tuple(dict.fromkeys((*rules.roots, *filter(None, map(real, rules.roots)))))
        self._ignores = Ignores(self._places, gitignore=rules.gitignore) if rules.reads else None

    def kept(self, path: str, *, is_folder: bool = False) -> str | None:
        """Return the rule that keeps a file, or all of a folder, here; or None.

        It begins with where the rule stands.
        """
        if len(path) > MAX_PATH_CHARS:
            return "a path longer than any file's"
        names = dict.fromkeys(filter(None, (path, real(path))))
        if self._rules.reads:
            for name in tuple(names):
                names |= dict.fromkeys(other_names(name, self._places))
        for name in names:
            for spelled in spellings(name):
                if (rule := self._kept_by_name(spelled, is_folder=is_folder)) is not None:
                    return rule
        return None

    def _kept_by_name(self, path: PurePath, *, is_folder: bool) -> str | None:
        if (named := _named(path, self._rules.exclude, self._places)) is not None:
            return named
        if self._ignores is None or not path.name:
            return None
        return self._ignores.rule(path, is_folder=is_folder)


@lru_cache(maxsize=4096)
def _named(path: PurePath, exclude: tuple[str, ...], places: tuple[str, ...]) -> str | None:
    """Return the pattern that names a file, or None. User patterns are relative to the roots."""
    whole = path.as_posix()
    inside = (name for place in places if (name := below(path, place)))
    asked = [
        ("secret files", SECRET_FOLDERS, whole),
        ("secret files", SECRET_FILES, whole),
        ("[privacy] exclude", exclude, whole),
        *(("[privacy] exclude", exclude, name) for name in inside),
    ]
    found = ((where, matching(_parsed(rules), name)) for where, rules, name in asked)
    return next((f"{where}: {pattern}" for where, pattern in found if pattern is not None), None)


@lru_cache(maxsize=16)
def _parsed(rules: tuple[str, ...]) -> tuple[Pattern, ...]:
    try:
        return tuple(chain.from_iterable(map(parse, rules)))
    except ValueError as exc:
        raise ConfigError(
            f"[privacy] exclude: {exc}", hint="Patterns are written as in a .gitignore file."
        ) from exc
