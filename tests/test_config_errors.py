"""What an error in the settings names: the file, the key and the line."""

import tomllib
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from farebox.config import (
    MAX_FILE_BYTES,
    Config,
    Section,
    WorkspaceConfig,
    WorkspacePrivacy,
    line_of,
)
from farebox.errors import ConfigError
from support.settings import check

# --- errors --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "line", "key", "hint"),
    [
        pytest.param("\nstrateg = 1\n", 2, "strateg", "Did you mean strategy?", id="unknown-at-the-top"),
        pytest.param(
            "[agent]\nx = 1\n", 1, "agent", "Known keys there: budgets, completion", id="unknown-table"
        ),
        pytest.param(
            "# x\n[budgets]\ndaily_us = 1\n",
            3,
            "budgets.daily_us",
            "Did you mean daily_usd?",
            id="unknown-in-a-table",
        ),
        pytest.param(
            "[budgets]\nzzz = 1\n",
            2,
            "budgets.zzz",
            "Known keys there: daily_usd, monthly_usd.",
            id="unknown-and-like-nothing",
        ),
        pytest.param(
            "[tasks]\nchat = 'a'\n[providers.x]\nbaseurl = 'http://h'\n",
            4,
            "providers.x.baseurl",
            "Did you mean base_url?",
            id="unknown-in-a-provider",
        ),
        pytest.param(
            "privacy = { local_onl = true }\n",
            1,
            "privacy.local_onl",
            "Did you mean local_only?",
            id="unknown-inline",
        ),
        pytest.param("\nstrategy = 5\n", 2, "strategy", "Correct strategy", id="number-for-a-word"),
        pytest.param("\n\nbudgets = 5\n", 3, "budgets", "Correct budgets", id="number-for-a-table"),
        pytest.param("providers = 5\n", 1, "providers", "Correct providers", id="number-for-providers"),
        pytest.param("[tasks]\n\nchat = 3\n", 3, "tasks.chat", "Correct", id="number-for-a-model"),
        pytest.param("[tasks]\nchat = ['a', 3]\n", 2, "tasks.chat", "Correct", id="number-in-a-list"),
        pytest.param("[tasks]\nchat = ''\n", 2, "tasks.chat", "Correct", id="empty-name"),
        pytest.param("[privacy]\nexclude = 'x'\n", 2, "privacy.exclude", "Correct", id="text-for-a-list"),
        pytest.param(
            "[privacy]\nlocal_only = 'perhaps'\n", 2, "privacy.local_only", "Correct", id="word-for-a-switch"
        ),
        pytest.param("strategy = 'best'\n", 1, "strategy", "Correct", id="bad-choice"),
        pytest.param(
            "[providers.x]\ndialect = 'opnai'\n", 2, "providers.x.dialect", "Correct", id="bad-dialect"
        ),
        pytest.param("[budgets]\ndaily_usd = -1\n", 2, "budgets.daily_usd", "Correct", id="negative-budget"),
        pytest.param("[budgets]\ndaily_usd = nan\n", 2, "budgets.daily_usd", "Correct", id="nan-budget"),
        pytest.param("[budgets]\ndaily_usd = inf\n", 2, "budgets.daily_usd", "Correct", id="endless-budget"),
        pytest.param(
            "[completion]\ndebounce_ms = 5001\n", 2, "completion.debounce_ms", "Correct", id="too-long"
        ),
        pytest.param(
            '[providers.x]\nkey_env = "A B"\n', 2, "providers.x.key_env", "Correct", id="no-variable"
        ),
        pytest.param(
            '[providers."a.b"]\n\nfree = []\n', 3, "providers.a.b.free", "Correct", id="a-quoted-name"
        ),
    ],
)
def test_an_error_names_the_file_the_line_and_the_key(
    user_file: Path, text: str, line: int, key: str, hint: str
):
    with pytest.raises(ConfigError) as raised:
        check(user_file, text)
    assert f"{user_file}, line {line}:" in raised.value.message
    assert key in raised.value.message
    assert hint in raised.value.hint


@pytest.mark.parametrize(
    "url",
    [
        pytest.param("127.0.0.1:8080", id="no-scheme"),
        pytest.param("ftp://host/v1", id="another-scheme"),
        pytest.param("file:///etc/passwd", id="a-file"),
        pytest.param("http://", id="no-host"),
        pytest.param("http:///v1", id="no-host-but-a-path"),
        pytest.param("http://user@host/v1", id="user"),
        pytest.param("http://user:word@host/v1", id="user-and-password"),
        pytest.param("http://host/v1?key=1", id="query"),
        pytest.param("http://host/v1#top", id="fragment"),
        pytest.param("http://[::1/v1", id="open-bracket"),
        pytest.param("http://host:99999/v1", id="port-out-of-range"),
        pytest.param("http://host:0/v1", id="port-zero"),
        pytest.param("http://host:http/v1", id="port-in-letters"),
        pytest.param("http://host /v1", id="space"),
        pytest.param("http://ho\\nst/v1", id="line-end"),
        pytest.param("http://hóst/v1", id="outside-ascii"),
    ],
)
def test_an_address_is_plain_http(user_file: Path, url: str):
    with pytest.raises(ConfigError, match=r"line 2: providers\.x\.base_url: ") as raised:
        check(user_file, f'[providers.x]\nbase_url = "{url}"\n')
    assert "address" in raised.value.message or "port" in raised.value.message.lower() or "IP" in str(raised)


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


def test_a_folder_in_place_of_the_file_is_named(user_file: Path):
    user_file.mkdir()
    with pytest.raises(ConfigError, match="can't read"):
        check(user_file)


def test_an_error_in_the_clients_settings_names_them_and_the_key(user_file: Path):
    with pytest.raises(ConfigError) as raised:
        check(user_file, client={"budgets": {"daily_usd": "much"}})
    assert raised.value.message.startswith("the client's settings: budgets.daily_usd: ")


def test_an_error_in_the_environment_names_the_variable(user_file: Path):
    with pytest.raises(ConfigError, match="FAREBOX_LOCAL_BASE_URL"):
        check(user_file, environment={"FAREBOX_LOCAL_BASE_URL": "localhost"})


def test_further_errors_are_counted(user_file: Path):
    with pytest.raises(ConfigError, match=r"\(and 2 more\)"):
        check(user_file, "a = 1\nb = 2\nc = 3\n")


def test_an_error_never_shows_a_value(user_file: Path):
    with pytest.raises(ConfigError) as raised:
        check(user_file, '[providers.x]\napi_key = "sk-very-secret"\nbase_url = "sk-very-secret"\n')
    assert "sk-very-secret" not in raised.value.message + raised.value.hint


def test_everything_is_frozen_and_refuses_unknown_keys():
    for section in (Config, WorkspaceConfig, *(type(value) for _, value in Config()), WorkspacePrivacy):
        if issubclass(section, Section):
            assert section.model_config.get("frozen")
            assert section.model_config.get("extra") == "forbid"


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
