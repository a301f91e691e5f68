"""The watch over the network sees what it must, and nothing that is loopback's."""

import subprocess
import sys
from pathlib import Path

import pytest

from support.environment import clean_environment
from support.guard.sitecustomize import ACTS, LOG, watched
from support.patience import WAIT_S

BESIDE = "import socket, subprocess, sys, os, asyncio\nudp = socket.socket(type=socket.SOCK_DGRAM)\n"
ASK = "socket.getaddrinfo({!r}, 80, flags=socket.AI_NUMERICHOST)"  # is noted, and asks no name server
NO_PACKET = "udp.bind(('127.0.0.1', 0))\n"  # from there nothing can leave the machine


def noted(folder: Path, code: str) -> list[str]:
    """Run code in a process with a log of its own; whether it fails does not matter."""
    log = folder / "network.log"
    subprocess.run(
        [sys.executable, "-c", BESIDE + code],
        env={**clean_environment(folder), LOG: str(log)},
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=WAIT_S,
    )
    return log.read_text("utf-8").splitlines() if log.exists() else []


@pytest.mark.parametrize(
    ("code", "beginning"),
    [
        pytest.param("udp.connect(('192.0.2.1', 9))", "socket.connect ('192.0.2.1', 9)", id="connect"),
        pytest.param("udp.connect_ex(('192.0.2.1', 9))", "socket.connect ('192.0.2.1', 9)", id="connect_ex"),
        pytest.param(
            "socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).connect(('::ffff:127.0.0.1', 9))",
            "socket.connect ('::ffff:127.0.0.1', 9)",
            id="mapped",
        ),
        pytest.param("udp.connect(('0.0.0.0', 9))", "socket.connect ('0.0.0.0', 9)", id="every-interface"),
        pytest.param("udp.connect(('localhost', 9))", "socket.connect ('localhost', 9)", id="name"),
        pytest.param(NO_PACKET + "udp.sendto(b'', ('192.0.2.1', 9))", "socket.sendto", id="sendto"),
        pytest.param(
            NO_PACKET + "udp.sendmsg([b''], [], 0, ('192.0.2.1', 9))", "socket.sendmsg", id="sendmsg"
        ),
        pytest.param("udp.bind(('', 0))", "socket.bind ('', 0)", id="bind"),
        pytest.param(ASK.format("localhost"), "socket.getaddrinfo localhost", id="localhost"),
        pytest.param(ASK.format(b"example.test"), "socket.getaddrinfo example.test", id="bytes"),
        pytest.param(ASK.format("0x7f.1"), "socket.getaddrinfo 0x7f.1", id="odd-notation"),
        pytest.param(
            "socket.gethostbyname('localhost')", "socket.gethostbyname localhost", id="gethostbyname"
        ),
        pytest.param(
            "subprocess.run([sys.executable, '-c', ''], env={})", "subprocess.Popen without", id="no-guard"
        ),
        pytest.param(
            "asyncio.run(asyncio.create_subprocess_exec(sys.executable, '-c', '', env={'PYTHONPATH': ''}))",
            "subprocess.Popen without",
            id="no-guard-of-asyncio",
        ),
        pytest.param(
            f"subprocess.run([sys.executable, '-c', {BESIDE + ASK.format('localhost')!r}])",
            "socket.getaddrinfo localhost",
            id="grandchild",
        ),
    ],
)
def test_what_leads_beyond_loopback_is_noted(tmp_path: Path, code: str, beginning: str):
    lines = noted(tmp_path, code)
    assert len(lines) == 1
    assert lines[0].startswith(beginning)


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("udp.connect(('127.0.0.1', 9))", id="connect"),
        pytest.param("udp.bind(('127.0.0.1', 0))", id="bind"),
        pytest.param("socket.socket(socket.AF_INET6).connect(('::1', 1))", id="version-6"),
        pytest.param("socket.socket(socket.AF_UNIX).bind('here')", id="a-path"),
        pytest.param(ASK.format("127.0.0.1"), id="an-address-is-no-name"),
        pytest.param(ASK.format(b"::1"), id="nor-is-one-of-version-6"),
        pytest.param("socket.getaddrinfo(None, 80)", id="no-name"),
        pytest.param("subprocess.run([sys.executable, '-c', ''])", id="a-watched-process"),
        pytest.param(
            f"subprocess.run([sys.executable, '-c', ''], env={{{LOG!r}: ''}})",
            id="one-that-may-use-the-network",
        ),
    ],
)
def test_what_stays_here_is_not(tmp_path: Path, code: str):
    assert noted(tmp_path, code) == []


@pytest.mark.parametrize(
    ("code", "line"),
    [
        pytest.param("open('new', 'w')", "open\twrite\tnew", id="open"),
        pytest.param("os.open('new', os.O_RDWR | os.O_CREAT)", "open\twrite\tnew", id="os.open"),
        pytest.param("os.open(b'new', os.O_APPEND)", "open\twrite\tnew", id="bytes"),
        pytest.param("open('new')", "open\tread\tnew", id="read"),
        pytest.param("os.rename('a', 'new')", "os.rename\t\ta", id="rename"),
        pytest.param("import sqlite3; sqlite3.connect('new')", "sqlite3.connect\t\tnew", id="sqlite"),
        pytest.param("subprocess.run(['nothing'])", "subprocess.Popen\t\tnothing", id="Popen"),
        pytest.param("os.execv('nothing', ['a'])", "os.exec\t\tnothing", id="exec"),
        pytest.param(
            "os.fork()",
            "os.fork\t\tNone",
            id="fork",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="is POSIX's own"),
        ),
        pytest.param("os.system('exit')", "os.system\t\texit", id="system"),
        pytest.param(
            "os.posix_spawn('nothing', ['a'], {})",
            "os.posix_spawn\t\tnothing",
            id="posix_spawn",
            marks=pytest.mark.skipif(sys.platform == "win32", reason="is POSIX's own"),
        ),
    ],
)
def test_each_file_and_each_process_can_be_noted(tmp_path: Path, code: str, line: str):
    acts = tmp_path / "acts.log"
    environment = {**clean_environment(tmp_path), LOG: str(tmp_path / "network.log"), ACTS: str(acts)}
    command = [sys.executable, "-c", BESIDE + code]
    subprocess.run(command, env=environment, cwd=tmp_path, capture_output=True, check=False, timeout=WAIT_S)
    assert line in acts.read_text("utf-8").splitlines()


def test_a_watched_environment_keeps_its_own_path(tmp_path: Path):
    once = watched({"PYTHONPATH": str(tmp_path), "A": "b"})
    assert once["A"] == "b"
    assert once["PYTHONPATH"].endswith(str(tmp_path))
    assert watched(once) == once


def test_another_module_of_its_name_runs_all_the_same(tmp_path: Path):
    (tmp_path / "sitecustomize.py").write_text("import sys; sys.flag = 'ours'", "utf-8")
    environment = watched({**clean_environment(tmp_path), "PYTHONPATH": str(tmp_path)})
    ask = "import sys; print(sys.flag, sys.modules['sitecustomize'].__file__)"
    done = subprocess.run(
        [sys.executable, "-c", ask],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT_S,
    )
    assert done.stdout == f"ours {tmp_path / 'sitecustomize.py'}\n"
