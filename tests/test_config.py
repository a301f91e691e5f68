"""Settings: who wins over whom, and what a client may not set."""

from decimal import Decimal
from pathlib import Path
from typing import get_args

import pytest

from farebox.config import Config, Tasks
from farebox.errors import ConfigError
from farebox.messages import Task
from farebox.settings_file import MAX_FILE_BYTES
from support.settings import check


def test_without_a_file_everything_has_its_default(user_file: Path):
    assert check(user_file) == Config()


def test_a_user_file_is_stronger_than_the_environment(user_file: Path):
    environment = {"FAREBOX_LOCAL_BASE_URL": "http://127.0.0.1:1/v1"}
    text = '[providers.local]\nbase_url = "http://127.0.0.1:2/v1"\n'
    assert check(user_file, environment=environment).providers["local"].base_url == "http://127.0.0.1:1/v1"
    config = check(user_file, text, environment=environment)
    assert config.providers["local"].base_url == "http://127.0.0.1:2/v1"


def test_the_clients_settings_are_stronger_than_the_user_file(user_file: Path):
    config = check(user_file, 'strategy = "cheap"\n', client={"strategy": "quality"})
    assert config.strategy == "quality"


def test_an_empty_variable_counts_as_absent(user_file: Path):
    assert check(user_file, environment={"FAREBOX_LOCAL_BASE_URL": ""}) == Config()


def test_tables_are_merged_key_by_key(user_file: Path):
    text = """
        [providers.local]
        fill = "chat"
        [models]
        fast = "a/b"
        deep = "a/c"
        [tasks]
        chat = "auto"
    """
    client: dict[str, object] = {
        "models": {"fast": "x/y"},
        "tasks": {"complete": "x/z"},
        "providers": {"local": {"free": True}},
    }
    config = check(
        user_file, text, client=client, environment={"FAREBOX_LOCAL_BASE_URL": "http://127.0.0.1:1"}
    )
    assert config.models == {"fast": "x/y", "deep": "a/c"}
    assert (config.tasks.chat, config.tasks.complete) == ("auto", "x/z")
    local = config.providers["local"]
    assert (local.base_url, local.fill, local.free) == ("http://127.0.0.1:1", "chat", True)


def test_lists_are_replaced_whole(user_file: Path):
    text = '[privacy]\nexclude = ["a", "b"]\n[tasks]\nchat = ["m/1", "m/2"]\n'
    config = check(user_file, text, client={"privacy": {"exclude": ["c"]}, "tasks": {"chat": "m/3"}})
    assert config.privacy.exclude == ["c"]
    assert config.tasks.chat == "m/3"


@pytest.mark.parametrize(
    ("tasks", "task", "chain"),
    [
        pytest.param(Tasks(), "chat", (), id="nothing-is-set"),
        pytest.param(Tasks(chat="a"), "chat", ("a",), id="one"),
        pytest.param(Tasks(chat=["a", "b"]), "chat", ("a", "b"), id="several"),
        pytest.param(Tasks(chat="a"), "review", ("a",), id="a-task-of-chat-takes-chats"),
        pytest.param(Tasks(chat="a", review="b"), "review", ("b",), id="unless-it-has-its-own"),
        pytest.param(Tasks(chat="a"), "complete", (), id="completion-never-does"),
    ],
)
def test_a_task_has_a_chain(tasks: Tasks, task: Task, chain: tuple[str, ...]):
    assert tasks.chain(task) == chain


def test_every_task_can_be_set():
    assert set(Tasks.model_fields) == set(get_args(Task))


def test_money_in_a_file_is_exact(user_file: Path):
    assert check(user_file, "[budgets]\ndaily_usd = 0.1\n").budgets.daily_usd == Decimal("0.1")


@pytest.mark.parametrize(
    "address",
    [
        "http://192.168.1.30:8000/v1",
        "http://[fe80::1%25eth0]:8000/v1",
        "http://[::ffff:127.0.0.1]/v1",
        "http://my_box.local.:8000/v1",
        "https://xn--bcher-kva.example/v1",
        "http://host:/v1",
        "http://1.2.3/v1",
    ],
)
def test_an_address_may_be_a_name_or_an_ip(user_file: Path, address: str):
    config = check(user_file, f'[providers.x]\nbase_url = "{address}"\n')
    assert config.providers["x"].base_url == address


def test_an_address_loses_its_last_slash(user_file: Path):
    config = check(user_file, '[providers.x]\nbase_url = "https://[::1]:8080/v1/"\n')
    assert config.providers["x"].base_url == "https://[::1]:8080/v1"


def test_a_byte_order_mark_is_no_error(user_file: Path):
    assert check(user_file, b'\xef\xbb\xbfstrategy = "cheap"\r\n').strategy == "cheap"


def test_a_file_of_the_largest_size_is_read(user_file: Path):
    assert check(user_file, "#" * MAX_FILE_BYTES) == Config()


# --- addresses that the client names -------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "client", "changed"),
    [
        pytest.param("", {"strategy": "cheap"}, {}, id="none"),
        pytest.param("", {"providers": {"x": {"base_url": "http://h/v1"}}}, {"x": None}, id="new"),
        pytest.param(
            '[providers.x]\nbase_url = "http://own/v1"',
            {"providers": {"x": {"base_url": "http://h/v1"}}},
            {"x": "http://own/v1"},
            id="another-than-the-users",
        ),
        pytest.param(
            '[providers.x]\nbase_url = "http://own/v1"',
            {"providers": {"x": {"base_url": "http://own/v1/", "free": True}}},
            {},
            id="the-users-own",
        ),
        pytest.param(
            '[providers.x]\nbase_url = "http://own/v1"',
            {"providers": {"x": {"base_url": None}}},
            {"x": "http://own/v1"},
            id="taken-away",
        ),
    ],
)
def test_it_is_remembered_which_addresses_the_client_has_changed(
    user_file: Path,
    workspace_file: Path,
    text: str,
    client: dict[str, object],
    changed: dict[str, str | None],
):
    workspace_file.write_text("[privacy]\nlocal_only = true\n", "utf-8")
    config = check(user_file, text, client=client, workspaces=(workspace_file,))
    assert config.client_addresses == changed


@pytest.mark.parametrize("key", ["client_addresses", "_client_addresses"])
def test_nobody_can_say_from_outside_whose_an_address_is(user_file: Path, key: str):
    with pytest.raises(ConfigError, match="unknown key"):
        check(user_file, f"[{key}]\nx = 'http://own/v1'\n")
    with pytest.raises(ConfigError, match="unknown key"):
        check(user_file, "", client={key: {"x": "http://own/v1"}})


@pytest.mark.parametrize("value", ["OPENAI_API_KEY", None])
def test_the_client_does_not_choose_which_variable_is_a_key(user_file: Path, value: str | None):
    with pytest.raises(ConfigError) as raised:
        check(user_file, client={"providers": {"x": {"base_url": "http://h/v1", "key_env": value}}})
    assert raised.value.message == (
        "the client's settings: providers.x.key_env can only be set in your own config.toml"
    )
    assert raised.value.hint
