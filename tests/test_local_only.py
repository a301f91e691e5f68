"""Local-only mode keeps its word, whatever an address pretends: a real farebox, watched by the guard.

Where Linux lets them, two of these tests also meet a machine whose hosts file sends ``localhost`` elsewhere.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from farebox.errors import ConfigError
from support.client import Client, Failed
from support.command import run_farebox
from support.environment import clean_environment
from support.guard.sitecustomize import LOG
from support.loopback_only import ALONE, FORBIDDEN, interfaces_up
from support.metamodel import Json
from support.settings import check
from support.upstream import Answer, Upstream, chunk, json_answer, sse

STRANGER = "203.0.113.7"

ELSEWHERE = {
    "every": "0.0.0.0",
    "every6": "[::]",
    "mapped": "[::ffff:127.0.0.1]",
    "mappedhex": "[::ffff:7f00:1]",
    "mappedstranger": f"[::ffff:{STRANGER}]",
    "compatible": "[::127.0.0.1]",
    "scoped": "[::1%lo]",
    "rooted": "localhost.",
    "below": "a.localhost",
    "alike": "localhost.localdomain",
    "wildcard": "127.0.0.1.nip.io",
    "rebinding": "rebinding.example.test",
    "decimal": "2130706433",
    "hexadecimal": "0x7f000001",
    "hexdots": "0x7f.1",
    "octal": "017700000001",
    "short": "127.1",
    "private": "192.168.0.1",
    "linklocal": "[fe80::1%lo]",
    "stranger": STRANGER,
    "stranger6": "[2001:db8::7]",
}
"""Hosts that lead elsewhere, may do so, or are no plain way to say that they don't."""

HERE = {"address": "127.0.0.1", "name": "localhost", "capitals": "LocalHost"}

NO_ADDRESS = [
    "http://127.0.0.1@203.0.113.7:{port}/v1",
    "http://127.0.0.1:{port}@example.test/v1",
    "http://127.0.0.1\\@example.test:{port}/v1",
    "http://127.0.0.1#@example.test:{port}/v1",
    "http://0177.0.0.1:{port}/v1",
    "http://lo%63alhost:{port}/v1",
    "http://127\u30020\u30020\u30021:{port}/v1",
    "http:127.0.0.1:{port}/v1",
]

TEXT = Answer(
    body=sse(chunk({"content": "<COMPLETION>here</COMPLETION>"}), chunk({}, "stop")),
    content_type="text/event-stream",
)


@pytest.fixture
def upstream() -> Iterator[Upstream]:
    with Upstream.in_thread() as server:
        server.answer("/v1/chat/completions", TEXT)
        server.answer("/v1/models", json_answer({"data": [{"id": "m"}]}))
        yield server


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "network.log"


def noted(log: Path) -> list[str]:
    """Return what the guard has noted in the farebox of a test."""
    return log.read_text("utf-8").splitlines() if log.exists() else []


def config(hosts: dict[str, str], upstream: Upstream) -> str:
    """Return a config in which each provider is at another spelling of a host, at the upstream's port."""
    port = upstream.origin.rpartition(":")[2]
    tables = (f'[providers.{name}]\nbase_url = "http://{host}:{port}/v1"\n' for name, host in hosts.items())
    first = next(iter(hosts))
    tasks = f'[tasks]\nchat = "{first}/m"\ncomplete = "{first}/m"\n'
    return f"{tasks}[privacy]\nlocal_only = true\n{''.join(tables)}"


def questions(model: str) -> list[tuple[str, Json]]:
    """Return everything that may ask a model, or plan to."""
    return [
        ("farebox/chat", {"text": "Hello", "model": model}),
        (
            "farebox/complete",
            {"path": "a.py", "language": "python", "prefix": "x = ", "suffix": "\n", "model": model},
        ),
        ("farebox/route", {"text": "Hello", "model": model}),
    ]


def test_no_other_is_asked(tmp_path: Path, upstream: Upstream, log: Path):
    """Not even by name. One upstream waits on loopback: some of these spellings would have reached it."""
    with Client(tmp_path, config=config(ELSEWHERE, upstream), environment={LOG: str(log)}) as client:
        client.initialize()
        for name in ELSEWHERE:
            for method, params in questions(f"{name}/m"):
                with pytest.raises(Failed) as failed:
                    client.request(method, params)
                assert failed.value.data["kind"] == "localOnly", (method, name)
        models = client.request("farebox/models")["models"]
        assert {model["provider"]: model["state"] for model in models} == dict.fromkeys(ELSEWHERE, "notLocal")
        checks = {check["name"]: check for check in client.request("farebox/doctor")["checks"]}
        for name in ELSEWHERE:
            assert checks[f"provider {name}"]["state"] == "error"
            assert "is not on this machine" in checks[f"provider {name}"]["message"]
    assert noted(log) == []
    assert upstream.connections == 0


def test_what_is_plainly_here_answers(tmp_path: Path, upstream: Upstream, log: Path):
    with Client(tmp_path, config=config(HERE, upstream), environment={LOG: str(log)}) as client:
        client.initialize()
        for name in HERE:
            (_, chat), (_, hole), (_, route) = questions(f"{name}/m")
            assert client.request("farebox/chat", chat)["text"] == "<COMPLETION>here</COMPLETION>"
            assert client.request("farebox/complete", hole)["items"], name
            assert client.request("farebox/route", route)["model"] == f"{name}/m"
        models = client.request("farebox/models")["models"]
        assert {model["id"]: model["state"] for model in models} == {f"{name}/m": "ready" for name in HERE}
        checks = {check["name"]: check["state"] for check in client.request("farebox/doctor")["checks"]}
        assert all(checks[f"provider {name}"] == "ok" for name in HERE)
    assert noted(log) == []
    assert upstream.connections > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        pytest.param(("chat", "hi"), "is not on this machine", id="chat"),
        pytest.param(("complete", "a.py:1:1"), "is not on this machine", id="complete"),
        pytest.param(("route", "hi"), "is not on this machine", id="route"),
        pytest.param(("models",), "not local", id="models"),
        pytest.param(("doctor",), "127.0.0.1, [::1] or localhost", id="doctor"),
    ],
)
def test_every_command_keeps_to_this_machine(
    tmp_path: Path, upstream: Upstream, log: Path, arguments: tuple[str, ...], said: str
):
    (tmp_path / "a.py").write_text("x = \n", "utf-8")
    (tmp_path / "config.toml").write_text(config(ELSEWHERE, upstream), "utf-8")
    done = run_farebox(tmp_path, *arguments, environment={LOG: str(log)})
    assert said in done.stdout + done.stderr
    assert noted(log) == []
    assert upstream.connections == 0


@pytest.mark.parametrize("address", NO_ADDRESS)
def test_an_address_that_reads_in_two_ways_is_no_setting(user_file: Path, address: str):
    with pytest.raises(ConfigError, match="must be a"):
        check(user_file, environment={"FAREBOX_LOCAL_BASE_URL": address.format(port=8080)})


# --- a machine that lies, and one that is alone ------------------------------------------------------


def alone(
    folder: Path, *command: str, hosts: Path | None = None, log: Path | None = None
) -> "subprocess.CompletedProcess[str]":
    """Run a command in a namespace of its own; skip the test where there is none to be had."""
    script = Path(__file__).parent / "support" / "loopback_only.py"
    environment = clean_environment(folder)
    done = subprocess.run(
        [sys.executable, str(script), *(["--hosts", str(hosts)] if hosts else []), "--", *command],
        env={**environment, LOG: str(log or environment[LOG])},
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        check=False,
        timeout=110,
    )
    if done.returncode == FORBIDDEN or "no network namespace here" in done.stderr:
        pytest.skip(f"this machine allows no namespace of our own: {done.stderr.strip()}")
    return done


def test_a_hosts_file_that_sends_localhost_to_a_stranger_changes_nothing(tmp_path: Path, log: Path):
    hosts = tmp_path / "hosts"
    hosts.write_text(f"{STRANGER} localhost localhost.localdomain ip6-localhost\n", "utf-8")
    ask = "import socket; print(*{one[4][0] for one in socket.getaddrinfo('localhost', 80)})"
    asked = alone(tmp_path, sys.executable, "-c", ask, hosts=hosts, log=log)
    if asked.stdout != f"{STRANGER}\n":
        pytest.skip(f"a hosts file does not decide here what localhost is: {asked.stdout}{asked.stderr}")
    assert len(noted(log)) == 1, "the guard sees a look-up of localhost"
    tests = (
        f"{__file__}::{test.__name__}" for test in (test_what_is_plainly_here_answers, test_no_other_is_asked)
    )
    command = (sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *tests)
    done = alone(tmp_path, *command, hosts=hosts)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert "2 passed" in done.stdout


NO_WAY_OUT = """
import errno, socket
for family, address in ((socket.AF_INET, "203.0.113.7"), (socket.AF_INET6, "2001:db8::7")):
    try:
        with socket.socket(family, socket.SOCK_DGRAM) as way:
            way.connect((address, 9))
        print("a-way-out")
    except OSError as error:
        print(errno.errorcode[error.errno])
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(server.getsockname()).close()
    print("loopback")
"""
NOTHING_BUT_LOOPBACK = (
    ["ENETUNREACH", "ENETUNREACH", "loopback"],
    ["ENETUNREACH", "EADDRNOTAVAIL", "loopback"],  # where IPv6 is switched off
    ["ENETUNREACH", "EAFNOSUPPORT", "loopback"],  # where there is none
)


def test_in_a_namespace_of_our_own_there_is_no_way_out(tmp_path: Path, log: Path):
    done = alone(tmp_path, sys.executable, "-c", NO_WAY_OUT, log=log)
    assert done.stdout.split() in NOTHING_BUT_LOOPBACK, done.stderr
    assert done.stderr == "in a network namespace with loopback alone\n"
    assert noted(log), "the guard sees what the namespace stops"


@pytest.mark.skipif(ALONE not in os.environ, reason="not started by tests/support/loopback_only.py")
def test_these_tests_have_no_way_out(tmp_path: Path, log: Path):
    environment = {**clean_environment(tmp_path), LOG: str(log)}
    command = [sys.executable, "-c", NO_WAY_OUT]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.split() in NOTHING_BUT_LOOPBACK
    assert interfaces_up() == ["lo"]
