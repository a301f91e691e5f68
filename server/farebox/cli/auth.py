"""``farebox auth``: keys are typed or piped in, never given as an argument (it would be in the history)."""

import getpass
import os
from typing import Literal

from farebox.app import App, Client, data_folder
from farebox.cli.terminal import from_stdin, harmless, note, show, stdin_is_terminal
from farebox.config import Config
from farebox.errors import ConfigError, InvalidParams
from farebox.providers.directory import Directory
from farebox.providers.http import Http
from farebox.report import clean
from farebox.secrets import BadKey, Keys


def auth(action: Literal["login", "logout", "list"], provider: str | None) -> int:
    """Keep, remove or list keys."""
    keys = Keys(environment=os.environ, file=data_folder(os.environ) / "keys.json")
    if action == "list" or provider is None:
        return _list(keys)
    if action == "logout":
        removed = keys.remove(provider)
        show(f"removed the key of {provider}" if removed else f"no key of {provider} was stored")
        return 0
    App(Client(name="command line")).require_provider(provider)
    secret = _read(provider)
    if not secret.strip():
        raise InvalidParams("no key was given", hint="Type the key at the prompt, or pipe it in.")
    show(f"kept in {keys.store(provider, secret)}")
    return 0


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


def _list(keys: Keys) -> int:
    try:
        config = App(Client(name="command line")).config()
    except ConfigError:
        config = Config()
    directory = Directory(config, keys, Http(), servers={})
    lines = {name: _where(directory, name) for name in (*directory.names(), *keys.stored_names())}
    width = max(12, *(len(clean(name)) for name in lines))
    for name, where in lines.items():
        if where is not None:
            show(clean(f"{clean(name):{width}} {where}"))
    return 0


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
