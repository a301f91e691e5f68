"""A settings file: what can't be read is named, nothing is waited for, and every key has its line."""

import os
import socket
import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.config import Config
from farebox.errors import ConfigError
from farebox.settings_file import MAX_FILE_BYTES, MAX_KEY_PARTS, line_of, read_file
from support.settings import check


@pytest.mark.parametrize(
    ("raw", "part"),
    [
        pytest.param(b'strategy = "cheap\n', "line 1", id="open-string"),
        pytest.param(b"\n\n[budgets\n", "line 3", id="open-header"),
        pytest.param(b"a = 1\na = 2\n", "line 2", id="the-same-key-twice"),
        pytest.param(b"a = 2021-02-30\n", "line 1", id="no-such-day"),
        pytest.param(b"strategy = '\xff'\n", "not UTF-8", id="not-utf-8"),
        pytest.param(b"\xff\xfea\x00", "not UTF-8", id="utf-16"),
        pytest.param(b"#" * (MAX_FILE_BYTES + 1), f"larger than {MAX_FILE_BYTES} bytes", id="too-large"),
        pytest.param(b"\n\n" + b"a." * MAX_FILE_BYTES + b"a = 1", "larger than", id="too-large-a-key"),
        pytest.param(b"\n\n" + b"a." * 30_000 + b"a = 1", "line 3: a key has more than", id="too-long-a-key"),
        pytest.param(b"[" + b"a ." * 16_000 + b"a]\nb = 1", "line 1: a key has more than", id="header"),
        pytest.param(b"x = {" + b"'a'.\"b\"." * 7000 + b"a = 1}", "a key has more than", id="inline"),
        pytest.param(b"a = " + b"[" * 5000, "nested too deeply", id="too-deep"),
        pytest.param(b"a = " + b"9" * 5000, "number too large", id="too-many-digits"),
        pytest.param(b"a = 1e99999999999999999999", "number too large", id="too-large-an-exponent"),
    ],
)
def test_a_file_that_is_no_settings_file_is_named(user_file: Path, raw: bytes, part: str):
    with pytest.raises(ConfigError) as raised:
        check(user_file, raw)
    assert str(user_file) in raised.value.message
    assert part in raised.value.message
    assert raised.value.hint


def test_a_key_may_have_dots_and_a_value_many(user_file: Path):
    parts = ".".join("a" * MAX_KEY_PARTS)
    with pytest.raises(ConfigError, match="unknown key a"):
        check(user_file, f"{parts} = 1\n")
    patterns = ", ".join(f"'*.{number}.a.b'" for number in range(200))
    config = check(user_file, f"# 1.2.3. and so on ...................\n[privacy]\nexclude = [{patterns}]\n")
    assert len(config.privacy.exclude) == 200


@pytest.mark.timeout(10)
@pytest.mark.parametrize(
    "text",
    [
        pytest.param('"' + '\\"' * 32_000, id="an-open-string"),
        pytest.param("a" * 64_000, id="one-word"),
        pytest.param("a " * 32_000, id="many-words"),
        pytest.param("a" + " " * 64_000, id="spaces"),
        pytest.param(f"{'.'.join(['a' * 1000] * 64)} = 1", id="long-parts"),
        pytest.param(f"[{'.'.join('a' * MAX_KEY_PARTS)}]\n" + "x=1\n" * 16_000, id="long-header"),
    ],
)
def test_no_text_keeps_the_reader_busy(user_file: Path, text: str):
    with pytest.raises(ConfigError):
        check(user_file, text)


def test_a_folder_in_place_of_the_file_is_named(user_file: Path):
    user_file.mkdir()
    with pytest.raises(ConfigError, match="can't read"):
        check(user_file)


# --- nothing is waited for -----------------------------------------------------------------------


def pipe(path: Path) -> None:
    os.mkfifo(path)


def link_to_a_pipe(path: Path) -> None:
    os.mkfifo(path.with_suffix(".pipe"))
    path.symlink_to(path.with_suffix(".pipe"))


def link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/zero")


def local_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listener:
        here = Path.cwd()
        os.chdir(path.parent)  # the path of a socket must be short
        try:
            listener.bind(path.name)
        finally:
            os.chdir(here)


@pytest.mark.skipif(os.name != "posix", reason="git makes no such files on Windows")
@pytest.mark.timeout(10)
@pytest.mark.parametrize("make", [pipe, link_to_a_pipe, link_to_a_device, local_socket])
def test_what_is_no_plain_file_is_refused_at_once(
    user_file: Path, workspace_file: Path, make: Callable[[Path], None]
):
    make(user_file)
    make(workspace_file)
    for path, read in (
        (user_file, lambda: check(user_file)),
        (workspace_file, lambda: check(user_file.with_name("absent.toml"), workspaces=(workspace_file,))),
    ):
        with pytest.raises(ConfigError) as raised:
            read()
        assert str(path) in raised.value.message
        assert "not a plain file" in raised.value.message or "can't read" in raised.value.message
        assert raised.value.hint


@pytest.mark.skipif(os.name != "posix", reason="Windows has no terminals of this sort")
@pytest.mark.timeout(10)
def test_a_link_to_a_terminal_is_refused_at_once(workspace_file: Path):
    ours, theirs = os.openpty()
    try:
        workspace_file.symlink_to(os.ttyname(theirs))
        with pytest.raises(ConfigError, match="not a plain file") as raised:
            read_file(workspace_file)
    finally:
        os.close(ours)
        os.close(theirs)
    assert raised.value.hint == "Remove it, or put a file with settings in its place."


def test_a_link_to_a_file_is_read(user_file: Path):
    user_file.with_name("real.toml").write_text('strategy = "cheap"\n')
    user_file.symlink_to("real.toml")
    assert check(user_file).strategy == "cheap"


def test_a_link_to_nothing_is_an_absent_file(user_file: Path):
    user_file.symlink_to("nothing.toml")
    assert check(user_file) == Config()


# --- the line of a key ---------------------------------------------------------------------------

BARE = st.from_regex(r"[A-Za-z0-9_-]{1,6}", fullmatch=True)
QUOTED = st.text(st.sampled_from("ab.=[]# "), min_size=1, max_size=6).map(lambda name: f'"{name}"')
KEYS = st.one_of(BARE, BARE, QUOTED)
VALUES = st.sampled_from(
    [
        "1",
        "true",
        '"text"',
        '"a = 1"',
        "'# [x]'",
        "[1, 2]",
        '[\n  "x = 1", # note\n  "[y]",\n]',
        '"""\na = 1\n[b]\n"""',
        "'''x\nb = 2\n'''",
        '"""one line"""',
        "1 # a = 2",
        "2026-01-01T00:00:00Z",
    ]
)
FILLERS = st.lists(st.sampled_from(["", "  ", "# note", "# a = 1", "# [a]", "# \u2028\x85"]), max_size=2)
TABLES = st.dictionaries(KEYS, st.dictionaries(KEYS, VALUES, max_size=4), max_size=4)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[tuple[str, ...], int]]:
    """Draw TOML text, and the line of each key in it."""
    lines: list[str] = []
    places: dict[tuple[str, ...], int] = {}

    def write(text: str, path: tuple[str, ...]) -> None:
        lines.extend(draw(FILLERS))
        places[tuple(part.strip('"') for part in path)] = len(lines) + 1
        lines.extend((draw(st.sampled_from(["", "  "])) + text).split("\n"))

    top = draw(st.dictionaries(KEYS, VALUES, max_size=3))
    tables = draw(TABLES)
    taken = {key.strip('"') for key in tables}
    for key, value in top.items():
        if key.strip('"') not in taken:
            taken.add(key.strip('"'))
            write(f"{key} = {value}", (key,))
    written: set[str] = {path[0] for path in places}
    for table, pairs in tables.items():
        if table.strip('"') in written:
            continue
        written.add(table.strip('"'))
        inner = draw(st.sampled_from(["", "sub"]))
        header = (table, inner) if inner else (table,)
        write(f"[{'.'.join(header)}]{draw(st.sampled_from(['', ' # a = 1', ' # ]']))}", header)
        seen: set[str] = set()
        for key, value in pairs.items():
            if key.strip('"') not in seen:
                seen.add(key.strip('"'))
                dotted = draw(st.sampled_from(["", ".deep", ' . "x.y"']))
                path = (*header, key, *([dotted.strip(' ."')] if dotted else []))
                write(f"{key}{dotted} = {value}", path)
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines) + "\n", places


def has(table: object, path: tuple[str, ...]) -> bool:
    for part in path:
        if not isinstance(table, dict) or part not in table:
            return False
        table = table[part]
    return True


@given(document=documents())
def test_the_line_of_a_key_holds_the_key(document: tuple[str, dict[tuple[str, ...], int]]):
    text, places = document
    table = tomllib.loads(text)
    for path, line in places.items():
        assert has(table, path), "the generator and tomllib agree"
        assert line_of(text, path) == line
        assert path[-1] in text.split("\n")[line - 1]


@given(text=st.text(), path=st.lists(st.text(), min_size=1, max_size=3).map(tuple))
def test_any_text_has_a_line_or_none(text: str, path: tuple[str, ...]):
    line = line_of(text, path)
    assert line is None or 1 <= line <= text.count("\n") + 1


@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        pytest.param("[a]\nb = { c = 1 }\n", ("a", "b", "c"), 2, id="an-inline-table"),
        pytest.param("a.b.c = 1\n", ("a", "b"), 1, id="a-table-made-by-a-dotted-key"),
        pytest.param("[a]\nx = 1\n", ("a", "y"), 1, id="the-nearest-table"),
        pytest.param("[[a]]\nx = 1\n", ("a", "x"), 2, id="an-array-of-tables"),
        pytest.param("x = 1\n", ("y",), None, id="nowhere"),
    ],
)
def test_the_line_of_a_key_that_has_no_line_of_its_own(text: str, path: tuple[str, ...], line: int | None):
    assert line_of(text, path) == line
