"""The extension's TypeScript: types, format, sizes, unit tests, and the types of the protocol."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from support.guard.sitecustomize import watched
from support.vscode_extension import EXTENSION, modules, script

MAX_FILE_LINES = 400

SOURCES = sorted(
    path
    for folder in ("src", "webview", "test", "scripts", "media")
    for path in (EXTENSION / folder).rglob("*")
    if path.suffix in {".ts", ".mjs", ".css"}
)


def run(*command: str, text: str | None = None) -> str:
    modules()
    done = subprocess.run(
        command,
        cwd=EXTENSION,
        env=watched({**os.environ, "NO_COLOR": "1"}),
        input=text,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout


def tool(name: str) -> str:
    return str(modules() / ".bin" / name)


def test_every_type_is_right():
    run(tool("tsc"))


def test_everything_is_formatted_and_linted():
    run(tool("biome"), "check", "--error-on-warnings", ".")


def test_no_file_is_too_long():
    long = {
        str(path.relative_to(EXTENSION)): count
        for path in SOURCES
        if path.name != "protocol.ts"
        and (count := len(path.read_text("utf-8").splitlines())) > MAX_FILE_LINES
    }
    assert SOURCES
    assert long == {}


def test_every_module_says_why_it_is_there():
    silent = [
        str(path.relative_to(EXTENSION))
        for path in SOURCES
        if path.suffix != ".css"
        and path.relative_to(EXTENSION).parts[0] != "test"
        and not path.read_text("utf-8").startswith(("/**", "//"))
    ]
    assert silent == []


def test_types_of_the_protocol_are_those_of_the_server():
    schema = run(sys.executable, "-m", "farebox", "schema")
    generated = run("node", str(EXTENSION / "scripts" / "protocol.mjs"), text=schema)
    written = (EXTENSION / "src" / "protocol.ts").read_text("utf-8")
    assert generated == written, "farebox schema | node scripts/protocol.mjs > src/protocol.ts"


def test_a_change_of_the_servers_shapes_is_seen():
    schema = run(sys.executable, "-m", "farebox", "schema")
    other = schema.replace('"todayUsd"', '"todayEur"')
    assert other != schema
    generated = run("node", str(EXTENSION / "scripts" / "protocol.mjs"), text=other)
    assert generated != (EXTENSION / "src" / "protocol.ts").read_text("utf-8")


def test_the_unit_tests_pass(tmp_path: Path):
    script("build", "--tests", "--out", str(tmp_path))
    files = sorted(map(str, (tmp_path / "unit").glob("*.test.js")))
    said = run("node", "--test", "--test-reporter=tap", *files)
    counts = re.findall(r"^# (tests|pass|fail) (\d+)$", said, re.MULTILINE)
    counted = {name: int(count) for name, count in counts}
    assert counted["fail"] == 0
    assert counted["pass"] == counted["tests"] > len(files) > 0


@pytest.mark.parametrize("word", ["innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval("])
def test_no_text_is_ever_read_as_a_page(word: str):
    named = [
        path.name
        for path in SOURCES
        if path.relative_to(EXTENSION).parts[0] != "test" and word in path.read_text("utf-8")
    ]
    assert named == []
