"""Where keys are found and kept; the only module that turns one into text.

A key is looked up in this order: set by the client in memory, the environment, the system's keyring
(extra ``keyring``; only for the names that the file lists), a file that only its owner can read. A
Secret has no ``str``; its ``repr`` shows a salted fingerprint. A Credential binds a Secret to the one
origin it may be sent to; what the client sets is bound at once.
"""

import contextlib
import hashlib
import importlib
import json
import os
import re
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal, NoReturn, Protocol, cast
from urllib.parse import urlsplit

from farebox import own_files
from farebox.errors import ConfigError, InvalidParams
from farebox.redaction import Redaction

_SALT = os.urandom(16)
_PRINTABLE = re.compile(r"[\x21-\x7e]{1,4096}")
KEYRING_SERVICE = "farebox"
KEYRING_CACHE_S = 30.0
MAX_FILE_BYTES = 1024 * 1024

_IN_KEYRING = "keyring"
"""The entry of the file that lists whose keys are in the keyring."""

KeySource = Literal["client", "environment", "keyring", "file"]


class BadKey(ConfigError):
    """A provider's key is there, or should be, and can't be used."""


class Secret:
    """A key that can't be printed by accident."""

    __slots__ = ("_redaction", "_value")

    def __init__(self, value: str) -> None:
        value = value.strip()
        if not _PRINTABLE.fullmatch(value):
            raise InvalidParams(
                "this key has spaces, line ends or characters outside ASCII",
                hint="Copy the key again, alone.",
            )
        self._value = value
        self._redaction = Redaction(value)

    def reveal(self) -> str:
        """Return the key itself. Only the function that attaches it to a request may call this."""
        return self._value

    @property
    def mark(self) -> str:
        """A short name that tells keys apart, in this process only; it says nothing of the key."""
        return hashlib.sha256(_SALT + self._value.encode()).hexdigest()[:12]

    def begins_with(self, prefix: str | None) -> bool:
        """Tell a vendor's kinds of keys apart by how they begin; nothing begins with None."""
        return prefix is not None and self._value.startswith(prefix)

    def is_in(self, text: str) -> bool:
        """Say whether a text holds the key, or enough of it in a row. See ``Redaction``."""
        return self._redaction.is_in(text)

    def redact(self, text: str) -> str:
        """Replace the key, and what tells enough of it. See ``Redaction``."""
        return self._redaction.redact(text)

    def __repr__(self) -> str:
        return f"<secret:{self.mark[:4]}>"

    __str__ = __repr__

    def __reduce__(self) -> NoReturn:
        raise TypeError("a key can't be pickled or copied")


@lru_cache(maxsize=256)
def origin_of(url: str) -> str:
    """Return scheme, host and port of an address, in one canonical form."""
    parts = urlsplit(url)
    port = parts.port or {"http": 80, "https": 443}.get(parts.scheme, 0)
    return f"{parts.scheme}://{(parts.hostname or '').lower()}:{port}"


@dataclass(frozen=True, slots=True)
class Credential:
    """A key and the one origin it may be sent to."""

    secret: Secret
    origin: str


@dataclass(frozen=True, slots=True)
class FoundKey:
    """A key and where it was found."""

    secret: Secret
    source: KeySource
    detail: str


class _Keyring(Protocol):
    def get_password(self, service: str, user: str) -> str | None: ...
    def set_password(self, service: str, user: str, password: str) -> None: ...
    def delete_password(self, service: str, user: str) -> None: ...


class Keys:
    """All keys of one user. Those set in memory live as long as this object."""

    def __init__(self, *, environment: Mapping[str, str], file: Path) -> None:
        self._environment = environment
        self._file = file
        self._memory: dict[str, Credential] = {}
        self._keyring_answers: dict[str, tuple[float, str | BadKey | None]] = {}
        self._changes = 0

    def find(self, provider: str, variables: tuple[str, ...], *, origin: str | None) -> FoundKey | None:
        """Look up a provider's key for its origin. Raises BadKey, or ConfigError.

        An empty variable counts as absent, and so does a key that the client has set for another origin.
        """
        if (remembered := self.remembered(provider, origin)) is not None:
            return remembered
        for variable in variables:
            if value := self._environment.get(variable, "").strip():
                return FoundKey(_checked(value, f"the variable {variable}"), "environment", variable)
        stored, in_keyring = self._stored()
        if provider in in_keyring and (value := self._from_keyring(provider, variables)):
            return FoundKey(_checked(value, "the system's keyring"), "keyring", "the system's keyring")
        if value := stored.get(provider):
            return FoundKey(_checked(value, str(self._file)), "file", str(self._file))
        return None

    def stamp(self) -> object:
        """Return what differs from an earlier stamp if any key may have changed since. Reads none.

        It changes every KEYRING_CACHE_S too, as a key in the keyring may.
        """
        try:
            info = os.lstat(self._file)
            file = (info.st_mtime_ns, info.st_size, info.st_ino, info.st_mode)
        except OSError:
            file = None
        return file, self._changes, time.monotonic() // KEYRING_CACHE_S

    def remembered(self, provider: str, origin: str | None) -> FoundKey | None:
        """Return the key that the client has set in memory, if it is for this origin."""
        credential = self._memory.get(provider)
        if credential is None or credential.origin != origin:
            return None
        return FoundKey(credential.secret, "client", "set by the editor")

    def remembered_for(self, provider: str) -> str | None:
        """Return the origin for which the client has set a provider's key."""
        credential = self._memory.get(provider)
        return credential.origin if credential is not None else None

    def _from_keyring(self, provider: str, variables: tuple[str, ...]) -> str | None:
        """Ask the keyring, which may be slow or locked, once in a while."""
        asked_s, answer = self._keyring_answers.get(provider, (-KEYRING_CACHE_S, None))
        if time.monotonic() - asked_s >= KEYRING_CACHE_S:
            try:
                with _keyring_errors(variables):
                    keyring = _keyring()
                    answer = keyring.get_password(KEYRING_SERVICE, provider) if keyring is not None else None
            except BadKey as exc:
                answer = exc
            self._keyring_answers[provider] = (time.monotonic(), answer)
        if isinstance(answer, BadKey):
            raise BadKey(answer.message, hint=answer.hint)
        return answer

    def remember(self, provider: str, value: str, origin: str) -> None:
        """Keep a key in memory only, for one origin: settings that change later do not take it elsewhere."""
        self._changes += 1
        self._memory[provider] = Credential(Secret(value), origin)

    def forget(self, provider: str) -> None:
        """Forget a key that was remembered."""
        self._changes += 1
        self._memory.pop(provider, None)

    def store(self, provider: str, value: str) -> str:
        """Keep a key for good, in the keyring if there is one; return where."""
        self._changes += 1
        secret = Secret(value)
        if provider == _IN_KEYRING:
            raise InvalidParams(f"{provider} is no name for a provider", hint="Choose another name for it.")
        stored, in_keyring = self._stored()
        in_keyring.discard(provider)
        stored.pop(provider, None)
        self._keyring_answers.pop(provider, None)
        with _keyring_errors():
            keyring = _keyring()
            if keyring is not None:
                keyring.set_password(KEYRING_SERVICE, provider, secret.reveal())
        if keyring is not None:
            self._write(stored, in_keyring | {provider})
            return "the system's keyring"
        self._write({**stored, provider: secret.reveal()}, in_keyring)
        return str(self._file)

    def stored_names(self) -> tuple[str, ...]:
        """Return the providers whose key was stored."""
        stored, in_keyring = self._stored()
        return tuple(sorted({*stored, *in_keyring}))

    def remove(self, provider: str) -> bool:
        """Remove a stored key; say whether there was one."""
        removed = False
        self._changes += 1
        self._keyring_answers.pop(provider, None)
        with _keyring_errors():
            keyring = _keyring()
            if keyring is not None and keyring.get_password(KEYRING_SERVICE, provider):
                keyring.delete_password(KEYRING_SERVICE, provider)
                removed = True
        stored, in_keyring = self._stored()
        if provider in stored or provider in in_keyring:
            removed = removed or provider in stored
            stored.pop(provider, None)
            self._write(stored, in_keyring - {provider})
        return removed

    def _stored(self) -> tuple[dict[str, str], set[str]]:
        """Read the file: its keys, and the names of those that are in the keyring. Never waits."""
        table = None
        try:
            table = cast("object", json.loads(own_files.read(self._file, MAX_FILE_BYTES)))
        except (FileNotFoundError, NotADirectoryError):
            return {}, set()
        except own_files.NotOwn as exc:
            shared = exc.why == own_files.SHARED
            hint = f"Run: chmod 600 {self._file}" if shared else "Remove it and run farebox auth login."
            raise ConfigError(f"{self._file} {exc.why}", hint=hint) from None
        except (OSError, ValueError, RecursionError):
            pass
        if not isinstance(table, dict):
            raise ConfigError(
                f"{self._file} can't be read", hint="Remove it and run farebox auth login again."
            )
        entries = cast("dict[str, object]", table)
        names = entries.get(_IN_KEYRING)
        listed = cast("list[object]", names) if isinstance(names, list) else []
        return (
            {name: value for name, value in entries.items() if isinstance(value, str)},
            {name for name in listed if isinstance(name, str)},
        )

    def _write(self, stored: dict[str, str], in_keyring: set[str]) -> None:
        """Replace the file whole; it is never readable by others, not even for a moment."""
        table = {**stored, **({_IN_KEYRING: sorted(in_keyring)} if in_keyring else {})}
        try:
            own_files.make_folder(self._file.parent)
            own_files.replace(self._file, json.dumps(table, indent=1).encode())
        except OSError as exc:
            raise ConfigError(
                f"can't write {self._file}: {exc.strerror}",
                hint="Check the folder, its permissions and the disk.",
            ) from None


def _checked(value: str, where: str) -> Secret:
    try:
        return Secret(value)
    except InvalidParams as exc:
        raise BadKey(f"the key in {where} is malformed: {exc.message}", hint=exc.hint) from None


@contextlib.contextmanager
def _keyring_errors(variables: tuple[str, ...] = ()) -> Generator[None]:
    """Translate whatever a back end of the keyring raises; there is no telling what that may be."""
    try:
        yield
    except Exception as exc:  # noqa: BLE001
        instead = variables[0] if variables else "the provider's variable, which farebox auth list names,"
        raise BadKey(
            f"the system's keyring can't be used: {type(exc).__name__}",
            hint=f"Unlock it, or set {instead} in the environment.",
        ) from None


def _keyring() -> _Keyring | None:
    """Return the keyring library if it is installed and has a usable back end."""
    try:
        keyring = importlib.import_module("keyring")
        fail = importlib.import_module("keyring.backends.fail")
    except ImportError:
        return None
    usable = not isinstance(keyring.get_keyring(), fail.Keyring)
    return cast("_Keyring", cast("object", keyring)) if usable else None
