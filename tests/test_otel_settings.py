"""The [otel] table: only the user's own file has it, and it names the collector as everybody does."""

from pathlib import Path

import pytest

from farebox.config import WORKSPACE_FILE, load
from farebox.errors import ConfigError

HERE = "http://127.0.0.1:4318"


def test_the_users_own_file_names_the_collector(tmp_path: Path):
    file = tmp_path / "config.toml"
    file.write_text(f'[otel]\nendpoint = "{HERE}/"\n', "utf-8")
    assert load(environment={}, user_file=file).otel.endpoint == HERE


def test_the_environment_alone_switches_nothing_on(tmp_path: Path):
    named = {"OTEL_EXPORTER_OTLP_ENDPOINT": HERE, "OTEL_EXPORTER_OTLP_METRICS_ENDPOINT": HERE}
    assert load(environment=named, user_file=tmp_path / "none.toml").otel.endpoint is None


def test_a_client_can_not_name_a_collector(tmp_path: Path):
    with pytest.raises(ConfigError, match="otel can only be set in your own config"):
        load(
            environment={},
            user_file=tmp_path / "none.toml",
            client_settings={"otel": {"endpoint": HERE}},
        )


def test_a_workspace_can_not_name_a_collector(tmp_path: Path):
    file = tmp_path / WORKSPACE_FILE
    file.write_text(f'[otel]\nendpoint = "{HERE}"\n', "utf-8")
    with pytest.raises(ConfigError, match="otel can't be set by a workspace"):
        load(environment={}, user_file=tmp_path / "none.toml", workspace_files=(file,))


@pytest.mark.parametrize(
    ("endpoint", "words"),
    [
        (f"{HERE}/v1/metrics", "line 2: otel.endpoint: must be the collector's address without /v1/metrics"),
        ("http://me:secret@127.0.0.1:4318", "no user name, password"),
        ("127.0.0.1:4318", "must be an address"),
    ],
)
def test_a_wrong_address_is_said_to_be(tmp_path: Path, endpoint: str, words: str):
    file = tmp_path / "config.toml"
    file.write_text(f'[otel]\nendpoint = "{endpoint}"\n', "utf-8")
    with pytest.raises(ConfigError) as caught:
        load(environment={}, user_file=file)
    assert words in caught.value.message
    assert "secret" not in caught.value.message
