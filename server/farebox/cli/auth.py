"""``farebox auth``: keys are typed or piped in, never given as an argument (it would be in the history)."""

import getpass
import re
from typing import Literal

from farebox.app import App, Client
from farebox.cli.terminal import from_stdin, harmless, note, show, stdin_is_terminal
from farebox.config import Config
from farebox.errors import ConfigError, InvalidParams
from farebox.providers.directory import Directory
from farebox.providers.http import Http
from farebox.secrets import BadKey
from farebox.unseen import clean

_LIKE_A_KEY = re.compile(r"(sk|pk|gsk|xai|csk)[-_].*|.{20,}", re.DOTALL)
"""Of names that no provider has: how keys begin, and how long they are."""


def auth(action: Literal["login", "logout", "list"], provider: str | None) -> int:
    """Keep, remove or list keys."""
    app = App(Client(name="command line"))
    if action == "list" or provider is None:
        _list(app)
    elif action == "login":
        _login(app, provider)
    else:
        _logout(app, provider)
    return 0


def _login(app: App, provider: str) -> None:
    _require_provider(app, provider)
    secret = _read(provider)
    if not secret.strip():
        raise InvalidParams("no key was given", hint="Type the key at the prompt, or pipe it in.")
    show(f"kept in {app.keys.store(provider, secret)}")
    _note_variable(_directory(app), provider, "goes before the stored one, and is used")


def _logout(app: App, provider: str) -> None:
    if app.keys.remove(provider):
        show(f"removed the key of {provider}")
    else:
        _require_provider(app, provider)
        show(f"no key of {provider} was stored")
    _note_variable(_directory(app), provider, "is not stored here, and is still used")


def _require_provider(app: App, name: str) -> None:
    """Raise InvalidParams unless there is such a provider; do not repeat what may be a key."""
    try:
        app.require_provider(name)
    except InvalidParams as error:
        if _LIKE_A_KEY.fullmatch(name) is None:
            raise
        raise InvalidParams(
            "no provider has this name; if it is a key: a key is never an argument, "
            "for it would stay in the shell's history",
            hint=error.hint,
        ) from None


def _note_variable(directory: Directory, provider: str, what: str) -> None:
    """Say if a variable holds a key for the provider too, or should."""
    try:
        found = directory.key(provider)
    except BadKey as error:
        note(clean(f"{error.message}. {error.hint}"))
        return
    if found is not None and found.source == "environment":
        note(clean(f"the key in {found.detail} {what}"))


def _read(provider: str) -> str:
    if not stdin_is_terminal():
        return from_stdin(lambda stream: stream.readline())
    try:
        return getpass.getpass(harmless(f"Key for {provider}: "))
    except EOFError:
        return ""
    except KeyboardInterrupt:
        note("")  # the cursor is still behind the prompt
        raise


def _directory(app: App) -> Directory:
    """Return the providers; a broken config does not keep the user from seeing to the keys."""
    try:
        config = app.config()
    except ConfigError:
        config = Config()
    return Directory(config, app.keys, Http(), servers={})


def _list(app: App) -> None:
    directory = _directory(app)
    lines = {name: _where(directory, name) for name in (*directory.names(), *app.keys.stored_names())}
    width = max(12, *(len(clean(name)) for name in lines))
    for name, where in lines.items():
        if where is not None:
            show(clean(f"{clean(name):{width}} {where}"))


def _where(directory: Directory, name: str) -> str | None:
    """Say where a provider's key comes from; None if there is none and none is needed."""
    try:
        found = directory.key(name)
    except BadKey as error:
        return f"error: {error.message}. {error.hint}"
    if found is not None:
        return f"from {found.detail}"
    variables = directory.key_variables(name)
    return f"none; {variables[0]} is not set" if variables else None
