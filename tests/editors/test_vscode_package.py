"""What users download, and what its manifest lets a folder that they do not trust decide."""

import json
import re
import zipfile
from pathlib import Path
from typing import Any

import pytest

from support.vscode_extension import EXTENSION, REPOSITORY, script

MAX_BYTES = 300_000
MAX_SETTINGS = 6
MANIFEST: dict[str, Any] = json.loads((EXTENSION / "package.json").read_text("utf-8"))
SETTINGS: dict[str, dict[str, Any]] = MANIFEST["contributes"]["configuration"]["properties"]
FILES = re.compile(
    r"extension/(package\.json|readme\.md|LICENSE\.txt|dist/(extension|client|chat)\.js|media/[\w./-]+\.(css|svg|png|md)"
    r"|server/farebox-[\w.]+-py3-none-any\.whl)"
)


@pytest.fixture(scope="module")
def packaged(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    file = tmp_path_factory.mktemp("vsix") / "farebox.vsix"
    return file, script("package", "--out", str(file))


def test_it_is_packaged_without_a_warning(packaged: tuple[Path, str]):
    _, said = packaged
    assert "DONE" in said
    assert "WARNING" not in said.upper()
    assert "ERROR" not in said.upper()


def test_it_holds_nothing_but_what_it_runs_and_is_small(packaged: tuple[Path, str]):
    with zipfile.ZipFile(packaged[0]) as vsix:
        entries = {one.filename: one.compress_size for one in vsix.infolist()}
    ours = {name: size for name, size in entries.items() if name.startswith("extension/")}
    assert [name for name in ours if not FILES.fullmatch(name)] == []
    wheels = [name for name in ours if name.endswith(".whl")]
    assert len(wheels) == 1
    assert packaged[0].stat().st_size - ours[wheels[0]] < MAX_BYTES


def test_its_version_is_the_servers(packaged: tuple[Path, str]):
    from farebox import __version__

    with zipfile.ZipFile(packaged[0]) as vsix:
        (wheel,) = (one for one in vsix.namelist() if one.endswith(".whl"))
    assert MANIFEST["version"] == __version__
    assert Path(wheel).name == f"farebox-{__version__}-py3-none-any.whl"


def test_the_language_client_is_all_that_it_needs():
    assert MANIFEST["dependencies"] == {"vscode-languageclient": "11.0.0"}
    assert MANIFEST["engines"]["vscode"] == "^1.106.0"


# --- what a folder may decide ---------------------------------------------------------------------------


def test_no_setting_can_be_set_by_a_folder():
    assert 0 < len(SETTINGS) <= MAX_SETTINGS
    assert {name: one.get("scope") for name, one in SETTINGS.items()} == {
        name: "machine" if name == "farebox.server.command" else "application" for name in SETTINGS
    }


def test_no_setting_holds_a_key():
    telling = re.compile(r"key|token|secret|password|credential", re.IGNORECASE)
    assert [name for name in SETTINGS if telling.search(name)] == []


def test_in_restricted_mode_every_setting_is_restricted():
    restricted = MANIFEST["capabilities"]["untrustedWorkspaces"]
    assert restricted["supported"] == "limited"
    assert set(restricted["restrictedConfigurations"]) == set(SETTINGS)
    assert MANIFEST["capabilities"]["virtualWorkspaces"]["supported"] is False


def test_every_setting_and_command_says_what_it_is():
    assert all(one.get("description") or one.get("markdownDescription") for one in SETTINGS.values())
    commands: list[dict[str, Any]] = MANIFEST["contributes"]["commands"]
    assert all(one["category"] == "farebox" and one["title"] for one in commands)
    source = "".join(path.read_text("utf-8") for path in (EXTENSION / "src").rglob("*.ts"))
    unknown = [one["command"] for one in commands if one["command"].removeprefix("farebox.") not in source]
    assert unknown == []


def test_the_page_of_the_chat_may_load_nothing_from_anywhere():
    page = (EXTENSION / "src" / "chat" / "html.ts").read_text("utf-8")
    assert "default-src 'none'" in page
    assert "'nonce-${" in page
    for loose in ("unsafe-inline", "unsafe-eval", "https:", "http:", "data:", "*;"):
        assert loose not in page, loose


def test_the_walkthrough_has_four_steps():
    (walkthrough,) = MANIFEST["contributes"]["walkthroughs"]
    assert len(walkthrough["steps"]) == 4
    for step in walkthrough["steps"]:
        assert (EXTENSION / step["media"]["markdown"]).is_file()


def test_the_lock_file_names_no_registry():
    lock = json.loads((EXTENSION / "package-lock.json").read_text("utf-8"))
    assert [name for name, one in lock["packages"].items() if "resolved" in one] == []
    assert all("integrity" in one for name, one in lock["packages"].items() if name)
    assert (REPOSITORY / "LICENSE").is_file()
