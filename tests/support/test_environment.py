"""What tests stand on: nothing of the developer's, no midnight, the prices that they were written with."""

import json
import os
import subprocess
import sys
import time
import tomllib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from importlib.metadata import version
from pathlib import Path

import pytest

from farebox.providers.vendors import vendors
from support.environment import NOON, clean_environment, is_the_developers, zone_where_it_is_noon
from support.guard.sitecustomize import watched
from support.patience import WAIT_S

TESTS = Path(__file__).parent.parent
LOAD_CONFTEST = "import json, os, conftest; print(json.dumps(dict(os.environ)))"
KEYS = {variable for vendor in vendors().values() for variable in vendor.key_env}
SETTINGS = {"FAREBOX_HOME", "FAREBOX_CONFIG", "FAREBOX_LOCAL_BASE_URL", "FAREBOX_DEBUG"}
STEERING = {"FAREBOX_REQUIRE_MODELS", "FAREBOX_TEST_QWEN"}


def test_tests_start_without_any_key_or_setting_of_the_developer():
    assert "ANTHROPIC_AUTH_TOKEN" in KEYS
    given = dict.fromkeys(KEYS | SETTINGS | STEERING, "the developer's")
    found = subprocess.run(
        [sys.executable, "-c", LOAD_CONFTEST],
        env=watched({**os.environ, "PYTHONPATH": str(TESTS), **given}),
        capture_output=True,
        text=True,
        check=True,
        timeout=WAIT_S,
    )
    assert {
        name for name, value in json.loads(found.stdout).items() if value == "the developer's"
    } == STEERING


@pytest.mark.parametrize("name", ["PATH", "HOME", "TOKENIZERS_PARALLELISM", "API_KEYS_FOLDER"])
def test_what_is_neither_a_key_nor_ours_stays(name: str):
    assert not is_the_developers(name)


@pytest.fixture
def clock_of_this_process() -> Iterator[pytest.MonkeyPatch]:
    if not hasattr(time, "tzset"):
        pytest.skip("can't change the time zone in a process")
    with pytest.MonkeyPatch.context() as patch:
        yield patch
    time.tzset()


@pytest.mark.parametrize("hour", range(24))
def test_at_any_hour_there_is_a_zone_where_it_is_noon(clock_of_this_process: pytest.MonkeyPatch, hour: int):
    now = datetime(2026, 3, 1, hour, 59, 59, tzinfo=UTC)
    clock_of_this_process.setenv("TZ", zone_where_it_is_noon(now))
    time.tzset()
    assert (now.astimezone().hour, now.astimezone().minute) == (NOON, 59)


@pytest.mark.skipif(not hasattr(time, "tzset"), reason="can't change the time zone in a process")
def test_it_is_noon_here_and_in_every_process_that_tests_start(tmp_path: Path):
    ask = "from datetime import datetime; print(datetime.now().astimezone().isoformat())"
    command = [sys.executable, "-c", ask]
    environment = clean_environment(tmp_path)
    there = subprocess.run(
        command, env=environment, capture_output=True, text=True, check=True, timeout=WAIT_S
    )
    now = datetime.now().astimezone()
    assert str(now.tzname()) == "NOON"
    assert timedelta() <= now - datetime.fromisoformat(there.stdout.strip()) < timedelta(minutes=1)
    assert datetime.fromisoformat(there.stdout.strip()).utcoffset() == now.utcoffset()


def test_prices_are_those_that_the_tests_were_written_with():
    project = tomllib.loads((TESTS.parent / "pyproject.toml").read_text("utf-8"))["project"]
    pinned = [one for one in project["optional-dependencies"]["dev"] if one.startswith("genai-prices")]
    assert pinned == [f"genai-prices=={version('genai-prices')}"]
    assert "genai-prices>=0.2" in project["dependencies"], "users get newer prices"
