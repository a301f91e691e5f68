"""A watch over the network in every Python process of the tests: it notes what no test may do.

Python imports a module of this name at its start, so a process is watched whose PYTHONPATH holds this folder
(``watched`` adds it, ``support.environment`` has it); conftest watches the tests' own process. Noted,
as a line in the file that FAREBOX_TEST_NETWORK_LOG names, are each connection, datagram and listening socket
that is not loopback's, each look-up of a name (also of ``localhost``: only a hosts file says where that is),
and each process that was started with an environment in which it would not be watched. It stops nothing: the
code under test must not see a difference, and would hide an exception among its own.

Little is imported: this runs before everything, also where tests measure what is imported.
"""

import os
import sys
from collections.abc import Callable, Mapping

LOG = "FAREBOX_TEST_NETWORK_LOG"
"""Names the file; empty in the environment of a process that is to use the network."""

CONTACTS = "FAREBOX_TEST_CONTACTS"
"""Names a file that gets a line for each address that is connected to, loopback's as well."""

ACTS = "FAREBOX_TEST_ACTS"
"""Names a file that gets a line for each file opened or moved and each process started: the event, ``read``
or ``write`` or nothing, and the path, with tabs between."""

FOLDER = os.path.dirname(os.path.abspath(__file__))  # noqa: PTH100, PTH120  pathlib would be an import
LOOPBACK_6 = b"\0" * 15 + b"\1"
BYTES_4 = 4
HELPERS = ("/ldconfig",)
"""Programs that the standard library (``ctypes.util``) starts with an environment of its own."""

Arguments = tuple[object, ...]


def watched(environment: Mapping[str, str]) -> dict[str, str]:
    """Return an environment with that by which a process is watched as this one is."""
    before = environment.get("PYTHONPATH", "")
    path = before if FOLDER in before.split(os.pathsep) else os.pathsep.join(filter(None, (FOLDER, before)))
    return {**environment, "PYTHONPATH": path, LOG: os.environ.get(LOG, "")}


def install() -> None:
    """Watch this process from now on; there is no way to stop it."""
    log, contacts, acts = os.environ.get(LOG), os.environ.get(CONTACTS), os.environ.get(ACTS)
    if not log:
        return

    def watch(event: str, arguments: Arguments) -> None:
        judge = _JUDGES.get(event)
        if judge is not None and (what := judge(arguments)) is not None:
            _append(log, f"{event} {what} by {' '.join(sys.orig_argv)[:200]!r}\n")
        if contacts and event == "socket.connect" and isinstance(address := arguments[1], tuple):
            _append(contacts, f"{address[0]} {address[1]}\n")

        if acts and event in _ACTS and _is_new(arguments, {acts, contacts, log}):
            _append(
                acts, f"{event}\t{_how(event, arguments)}\t{_place(arguments[0] if arguments else None)}\n"
            )

    sys.addaudithook(watch)


def _is_new(arguments: Arguments, own: set[str | None]) -> bool:
    """Say whether an event is no file's that is open already, and no line of this watch."""
    what = arguments[0] if arguments else None
    return not isinstance(what, int) and not (isinstance(what, str) and what in own)


def _how(event: str, arguments: Arguments) -> str:
    if event != "open":
        return ""
    flags = arguments[2]
    return "write" if isinstance(flags, int) and flags & _TO_WRITE else "read"


def _place(argument: object) -> str:
    """Write a path in one line."""
    named = isinstance(argument, str | bytes | os.PathLike)
    return (os.fsdecode(argument) if named else repr(argument)).replace("\n", " ")  # type: ignore[arg-type]


def _append(file: str, line: str) -> None:
    number = os.open(file, os.O_WRONLY | os.O_APPEND | os.O_CREAT)
    os.write(number, line.encode("utf-8", "backslashreplace"))
    os.close(number)


def _stranger(arguments: Arguments) -> object:
    """Return the address of a socket's event if it is not loopback's; a path of this machine has no host."""
    address = arguments[1]
    host = address[0] if isinstance(address, tuple) and address else None
    return address if isinstance(host, str) and not _is_loopback(host) else None


def _name(arguments: Arguments) -> object:
    """Return a host that has to be looked up."""
    host = arguments[0].decode("ascii", "replace") if isinstance(arguments[0], bytes) else arguments[0]
    return host if isinstance(host, str) and host and _packed(host) is None else None


def _anyone(arguments: Arguments) -> object:
    return arguments[0]


def _unwatched(arguments: Arguments) -> object:
    """Return the command of a process that would not be watched."""
    environment = arguments[3]
    if not isinstance(environment, Mapping) or str(arguments[0]).endswith(HELPERS):
        return None
    log, path = environment.get(LOG), environment.get("PYTHONPATH", "")
    if log is not None and (not log or FOLDER in str(path).split(os.pathsep)):
        return None
    return f"without {LOG} and the guard's folder: {arguments[1]}"


_JUDGES: dict[str, Callable[[Arguments], object]] = {
    "socket.connect": _stranger,
    "socket.bind": _stranger,
    "socket.sendto": _stranger,
    "socket.sendmsg": _stranger,
    "socket.getaddrinfo": _name,
    "socket.gethostbyname": _name,
    "socket.gethostbyaddr": _anyone,
    "socket.getnameinfo": _anyone,
    "subprocess.Popen": _unwatched,
}


_STARTS = ("os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.startfile", "os.system")
_MOVES = ("os.link", "os.mkdir", "os.remove", "os.rename", "os.rmdir", "os.symlink", "os.truncate")
_ACTS = frozenset((*_STARTS, *_MOVES, "open", "sqlite3.connect", "subprocess.Popen"))
_TO_WRITE = os.O_WRONLY | os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_APPEND


def _packed(host: str) -> bytes | None:
    """Return the bytes of an address; None for a name. Whoever raises such an event has a socket module."""
    from _socket import AF_INET, AF_INET6, inet_pton

    for family in (AF_INET, AF_INET6):
        try:
            return inet_pton(family, host.partition("%")[0])
        except (OSError, ValueError):
            continue
    return None


def _is_loopback(host: str) -> bool:
    packed = _packed(host)
    return packed == LOOPBACK_6 or (packed is not None and len(packed) == BYTES_4 and packed[0] == 127)


def _make_way() -> None:
    """Run the module of this name that this one hides, if there is one: a test's own, or the system's."""
    sys.path[:] = [place for place in sys.path if place != FOLDER]
    this = sys.modules.pop(__name__)
    try:
        __import__(__name__)
    except ModuleNotFoundError:
        sys.modules[__name__] = this


if __name__ == "sitecustomize":
    install()
    _make_way()
