"""``farebox auth``: keys are typed or piped in, never given as an argument (it would be in the history)."""

import getpass
import os
import sys
from typing import Literal

from farebox.app import App, Client, data_folder
from farebox.errors import InvalidParams
from farebox.providers.directory import vendors
from farebox.secrets import Keys


def auth(action: Literal["login", "logout", "list"], provider: str | None) -> int:
    """Keep, remove or list keys."""
    keys = Keys(environment=os.environ, file=data_folder(os.environ) / "keys.json")
    if action == "list" or provider is None:
        return _list(keys)
    if action == "logout":
        removed = keys.remove(provider)
        print(f"removed the key of {provider}" if removed else f"no key of {provider} was stored")
        return 0
    _check_known(provider)
    secret = getpass.getpass(f"Key for {provider}: ") if sys.stdin.isatty() else sys.stdin.readline()
    print(f"kept in {keys.store(provider, secret)}")
    return 0


def _check_known(provider: str) -> None:
    known = App(Client(name="command line")).door().directory.names()
    if provider not in known:
        raise InvalidParams(f"there is no provider {provider}", hint=f"Known: {', '.join(known)}.")


def _list(keys: Keys) -> int:
    variables = {name: vendor.key_env for name, vendor in vendors().items() if vendor.key_env}
    variables |= {name: () for name in keys.stored_names() if name not in variables}
    for name, own in variables.items():
        found = keys.find(name, own)
        where = f"from {found.detail}" if found is not None else f"none; {own[0]} is not set"
        print(f"{name:12} {where}")
    return 0
