"""What an error in the settings names: the file, the key and the line."""

from pathlib import Path

import httpx2
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from farebox.config import Config, Section, WorkspaceConfig, WorkspacePrivacy
from farebox.errors import ConfigError
from farebox.patterns import (
    MAX_LENGTH,
    MAX_PATTERN_LENGTH,
    MAX_PATTERN_WILDCARDS,
    MAX_PATTERNS,
    MAX_WILDCARDS,
)
from support.settings import check


@pytest.mark.parametrize(
    ("text", "line", "key", "hint"),
    [
        pytest.param("\nstrateg = 1\n", 2, "strateg", "Did you mean strategy?", id="unknown-at-the-top"),
        pytest.param("[tool]\nx = 1\n", 1, "tool", "Known keys there: agents, budgets", id="unknown-table"),
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
            "Known keys there: daily_usd, hourly_usd, ladder, monthly_usd, providers, request_usd, tasks, "
            "weekly_usd, workspaces.",
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
            "[budgets.tasks.complte]\nhourly_usd = 1\n",
            1,
            "budgets.tasks.complte",
            "Did you mean complete?",
            id="unknown-task-of-a-budget",
        ),
        pytest.param(
            "[budgets.providers.x]\nhour_usd = 1\n",
            2,
            "budgets.providers.x.hour_usd",
            "Did you mean hourly_usd?",
            id="unknown-in-a-providers-budget",
        ),
        pytest.param(
            "[budgets.ladder]\nstopp = 99\n", 2, "budgets.ladder.stopp", "mean stop?", id="unknown-rung"
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
        pytest.param("http://192.168.1.300:8000/v1", id="no-ipv4-address"),
        pytest.param("http://192.168.01.3/v1", id="ipv4-with-a-leading-zero"),
        pytest.param("http://[v1.a]/", id="an-address-of-the-future"),
        pytest.param("http://[::1::2]/v1", id="no-ipv6-address"),
        pytest.param("http://[127.0.0.1]/v1", id="ipv4-in-brackets"),
        pytest.param("http://[::1]x/v1", id="something-behind-the-bracket"),
        pytest.param("http://a..b/v1", id="a-name-with-an-empty-part"),
        pytest.param(f"http://{'a' * 64}/v1", id="a-name-with-a-part-too-long"),
        pytest.param("http://a,b/v1", id="a-comma-for-a-dot"),
        pytest.param(f"http://host/{'v' * 2000}", id="too-long"),
    ],
)
def test_an_address_is_plain_http(user_file: Path, url: str):
    with pytest.raises(ConfigError, match=r"line 2: providers\.x\.base_url: ") as raised:
        check(user_file, f'[providers.x]\nbase_url = "{url}"\n')
    assert "address" in raised.value.message or "port" in raised.value.message.lower() or "IP" in str(raised)


HOSTS = st.one_of(
    st.from_regex(r"[0-9.]{1,16}", fullmatch=True),
    st.from_regex(r"\[[0-9a-f:.%v]{1,20}\]", fullmatch=True),
    st.text("ab-_.:[]%@,!\\~*", min_size=1, max_size=12),
    st.ip_addresses(v=4).map(str),
    st.ip_addresses(v=6).map(lambda address: f"[{address}]"),
)


@given(host=HOSTS, port=st.sampled_from(["", ":", ":80", ":65535"]), path=st.text("/a%.:\\[ ", max_size=6))
def test_the_http_library_takes_every_address_that_is_accepted(host: str, port: str, path: str):
    address = f"http://{host}{port}/{path}"
    try:
        config = Config.model_validate({"providers": {"x": {"base_url": address}}})
    except ValidationError:
        return
    assert httpx2.URL(f"{config.providers['x'].base_url}/chat/completions").host


def test_a_value_that_fits_nowhere_is_one_problem_and_others_are_counted(user_file: Path):
    with pytest.raises(ConfigError, match=r"line 2: tasks\.chat: .*[^)]$"):
        check(user_file, "[tasks]\nchat = 1\n")
    with pytest.raises(ConfigError, match=r"line 2: tasks\.chat: .* \(and 1 more\)$"):
        check(user_file, "[tasks]\nchat = 1\nreview = 2\n")


# --- patterns ------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("exclude", "words"),
    [
        pytest.param(["x" * (MAX_PATTERN_LENGTH + 1)], f"at most {MAX_PATTERN_LENGTH} are", id="too-long"),
        pytest.param(
            ["*a" * (MAX_PATTERN_WILDCARDS + 1)], f"at most {MAX_PATTERN_WILDCARDS} are", id="stars"
        ),
        pytest.param(["[a]" * (MAX_PATTERN_WILDCARDS + 1)], "32 are allowed", id="too-many-sets"),
        pytest.param(["x"] * (MAX_PATTERNS + 1), f"at most {MAX_PATTERNS} are", id="too-many"),
        pytest.param(["x" * MAX_PATTERN_LENGTH] * 41, f"at most {MAX_LENGTH} are", id="too-long-together"),
        pytest.param(["*a"] * (MAX_WILDCARDS + 1), f"at most {MAX_WILDCARDS} are", id="stars-together"),
        pytest.param(["ok", "mine["], "'mine[' is no pattern", id="an-open-bracket"),
        pytest.param(["[z-a]"], "'[z-a]' is no pattern", id="a-range-backwards"),
        pytest.param(["a\\\\"], "nothing follows a \\", id="an-open-escape"),
    ],
)
def test_a_pattern_beyond_a_bound_or_malformed_is_named_in_every_layer(
    user_file: Path, workspace_file: Path, exclude: list[str], words: str
):
    listed = ", ".join(f'"{pattern}"' for pattern in exclude)
    text = f"[privacy]\nexclude = [{listed}]\n"
    workspace_file.write_text(text, "utf-8")
    said: list[str] = []
    with pytest.raises(ConfigError, match=r"config\.toml, line 2: privacy\.exclude") as raised:
        check(user_file, text)
    said.append(raised.value.message)
    with pytest.raises(ConfigError, match=r"\.farebox\.toml, line 2: privacy\.exclude") as raised:
        check(user_file, "", workspaces=(workspace_file,))
    said.append(raised.value.message)
    plain = [pattern.replace("\\\\", "\\") for pattern in exclude]
    with pytest.raises(ConfigError, match=r"the client's settings: privacy\.exclude") as raised:
        check(user_file, client={"privacy": {"exclude": plain}})
    said.append(raised.value.message)
    assert [message for message in said if words not in message] == []


def test_the_patterns_of_all_workspaces_are_bounded_together(user_file: Path, tmp_path: Path):
    files = [tmp_path / f"{number}.toml" for number in range(3)]
    for file in files:
        patterns = ", ".join(f"'{file.stem}{number}'" for number in range(MAX_PATTERNS // 2))
        file.write_text(f"[privacy]\nexclude = [{patterns}]\n")
    assert len(check(user_file, workspaces=tuple(files[:2])).privacy.exclude) == MAX_PATTERNS
    with pytest.raises(ConfigError) as raised:
        check(user_file, workspaces=tuple(files))
    assert raised.value.message == (
        f"{files[2]}: privacy.exclude: together with your own and other workspaces' patterns the whole list "
        f"has {3 * MAX_PATTERNS // 2} patterns, and at most {MAX_PATTERNS} are allowed"
    )


# --- what is named -------------------------------------------------------------------------------


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
