"""Runs a command where there is no way out: in a network namespace with nothing but loopback.

``python tests/support/loopback_only.py -- COMMAND…`` says on stderr whether it could. Linux may let a user do
so or not; where it does not, the command runs all the same, for the tests have a guard of their own
(``support/guard``), and FAREBOX_TEST_ALONE, by which they know that they are alone, is not set. Inside, the
user is who they were before. ``--hosts FILE`` lays a hosts file over the system's, and then there is no
running without.

It needs neither ``unshare`` nor ``ip``: a bare machine has Python alone.
"""

import argparse
import ctypes
import os
import socket
import struct
import sys
from pathlib import Path

ALONE = "FAREBOX_TEST_ALONE"
"""Set to 1 for a command that runs in such a namespace."""

FORBIDDEN = 77
"""The exit code where ``--hosts`` can't be had."""

_NEW_MOUNTS, _NEW_USER, _NEW_NETWORK = 0x00020000, 0x10000000, 0x40000000
_MS_BIND, _MS_RECURSIVE, _MS_PRIVATE = 0x1000, 0x4000, 0x40000
_GET_FLAGS, _SET_FLAGS, _UP = 0x8913, 0x8914, 0x1


def enter(hosts: Path | None = None) -> None:
    """Move this process, which may have one thread only, into a namespace. Raises OSError."""
    if not sys.platform.startswith("linux"):
        raise OSError(f"{sys.platform} has no network namespaces")
    libc = ctypes.CDLL(None, use_errno=True)
    user, group = os.getuid(), os.getgid()
    wanted = _NEW_NETWORK | (_NEW_MOUNTS if hosts else 0)
    if libc.unshare(wanted) != 0:
        _succeed(libc.unshare(wanted | _NEW_USER))
        Path("/proc/self/setgroups").write_text("deny", "ascii")
        Path("/proc/self/uid_map").write_text(f"{user} {user} 1", "ascii")
        Path("/proc/self/gid_map").write_text(f"{group} {group} 1", "ascii")
    if hosts:
        _succeed(libc.mount(b"none", b"/", None, _MS_RECURSIVE | _MS_PRIVATE, None))
        _succeed(libc.mount(os.fsencode(hosts.resolve()), b"/etc/hosts", None, _MS_BIND, None))
    _flags("lo", _flags("lo") | _UP)


def _succeed(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def interfaces_up() -> list[str]:
    """Return the interfaces that are up; a namespace may have others, of the kernel's, that are not."""
    return [name for _, name in socket.if_nameindex() if _flags(name) & _UP]


def _flags(interface: str, wanted: int | None = None) -> int:
    from fcntl import ioctl

    request, form = (_GET_FLAGS, 0) if wanted is None else (_SET_FLAGS, wanted)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        answer = ioctl(any_socket, request, struct.pack("16sH14x", interface.encode(), form))
    flags: int = struct.unpack("16sH14x", answer)[1]
    return flags


def main() -> None:
    """Enter a namespace, if that is allowed, and become the command."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--hosts", type=Path, help="a file to lay over the system's hosts file")
    parser.add_argument("command", nargs="+")
    asked = parser.parse_args()
    environment = {name: value for name, value in os.environ.items() if name != ALONE}
    try:
        enter(asked.hosts)
    except OSError as error:
        print(f"no network namespace here ({error})", file=sys.stderr, flush=True)
        if asked.hosts:
            sys.exit(FORBIDDEN)
    else:
        print("in a network namespace with loopback alone", file=sys.stderr, flush=True)
        environment[ALONE] = "1"
    os.execvpe(asked.command[0], asked.command, environment)


if __name__ == "__main__":
    main()
