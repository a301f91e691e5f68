"""``farebox doctor --report``: all that helps, and nothing of the user's."""

import os
from pathlib import Path

import pytest

from support.canary import FILE_CANARY, KEY, keys_in
from support.client import Client, Failed
from support.command import run_farebox
from support.upstream import Upstream, json_answer

NAME = "their-secret-project"

CONFIG = f"""
strategy = "cheap"
[tasks]
chat = "{NAME}/{NAME}-model"
[models]
"{NAME}-short" = "{NAME}/{NAME}-model"
[providers."{NAME}"]
base_url = "BASE"
key_env = "THEIR_KEY"
[privacy]
exclude = ["{NAME}/**", "{FILE_CANARY}"]
[completion]
enabled = true
debounce_ms = 250
[agents."{NAME}"]
providers = ["{NAME}"]
"""


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """Return a folder of a user's after a session in which much went wrong."""
    folder = tmp_path / NAME
    folder.mkdir()
    with Upstream.in_thread() as upstream:
        upstream.answer("/v1/chat/completions", json_answer({"error": {"message": f"no {KEY}"}}, status=401))
        config = CONFIG.replace("BASE", upstream.base_url)
        with Client(folder, config=config, environment={"THEIR_KEY": KEY}) as client:
            client.initialize(rootUri=folder.as_uri())
            with pytest.raises(Failed):
                client.chat(f"what is {NAME}?")
    return folder


def test_a_report_has_what_helps_and_nothing_of_the_users(project: Path):
    done = run_farebox(project, "doctor", "--report", environment={"THEIR_KEY": KEY})
    assert (done.returncode, done.stderr) == (0, "")
    file = project / "farebox-report.txt"
    text = file.read_text("utf-8")
    for part in (
        "[versions]\nfarebox ",
        "pygls ",
        "\n[checks]\nok      version\n",
        "error   provider (unreachable)",
        "strategy = cheap",
        "providers.1.base_url is set",
        "completion.debounce_ms = 250",
        "privacy.exclude has 2 entries",
        "completion.enabled = True",
        "agents.1.providers has 1 entries",
        '"event":"request failed","kind":"keyRejected"',
    ):
        assert part in text, text
    for theirs in (NAME, FILE_CANARY, str(project.parent), "THEIR_KEY", "127.0.0.1"):
        assert theirs not in text
    assert keys_in(text + done.stdout) == []
    if os.name == "posix":
        assert file.stat().st_mode & 0o777 == 0o600
    again = run_farebox(project, "doctor", "--report", environment={"THEIR_KEY": KEY})
    assert again.returncode == 0, "an earlier report is replaced"


@pytest.mark.skipif(os.name != "posix", reason="only POSIX makes a file with a hole of it")
def test_a_huge_file_is_no_report_and_not_read(tmp_path: Path):
    target = tmp_path / "report.txt"
    with target.open("wb") as file:
        file.truncate(1 << 40)
    done = run_farebox(tmp_path, "doctor", "--report", str(target))
    target.unlink()  # before whoever looks through what tests leave behind
    assert done.returncode == 2
    assert "is no report" in done.stderr


def test_a_report_can_be_printed(tmp_path: Path):
    done = run_farebox(tmp_path, "doctor", "--report", "-")
    assert done.returncode == 0
    assert done.stdout.startswith("farebox report: ")
    assert "error   chat (missingKey)" in done.stdout
    assert not (tmp_path / "farebox-report.txt").exists()


def test_a_config_that_is_broken_is_told_by_its_kind(tmp_path: Path):
    (tmp_path / "config.toml").write_text(f"[privacy]\n{NAME} = 5\nlocal_only = 'x'\n", "utf-8")
    done = run_farebox(tmp_path, "doctor", "--report", "-")
    assert "error   config (config)" in done.stdout
    assert "privacy.? is unknown" in done.stdout
    assert "privacy.local_only is set" in done.stdout
    (tmp_path / "config.toml").write_text(f"{NAME} is no toml", "utf-8")
    done = run_farebox(tmp_path, "doctor", "--report", "-")
    assert "unreadable: config" in done.stdout
    assert NAME not in done.stdout


@pytest.mark.parametrize("planted", ["theirs", "link", "folder"])
def test_what_is_there_and_is_no_report_stays(tmp_path: Path, planted: str):
    target, other = tmp_path / "report.txt", tmp_path / "other.txt"
    other.write_text("theirs", "utf-8")
    if planted == "theirs":
        target.write_text("theirs", "utf-8")
    elif planted == "link":
        target.symlink_to(other)
    else:
        target.mkdir()
    done = run_farebox(tmp_path, "doctor", "--report", str(target))
    assert done.returncode == 2
    assert str(target) in done.stderr
    assert other.read_text("utf-8") == "theirs"
    assert target.is_symlink() == (planted == "link")
