"""What a server has is told in its log, to whoever debugs it and to nobody else."""

import json
from pathlib import Path

import pytest

from support.client import Client


def told(folder: Path) -> list[dict[str, object]]:
    files = (folder / "farebox" / "logs").glob("*.jsonl")
    entries = [json.loads(line) for file in files for line in file.read_text("utf-8").splitlines()]
    return [entry for entry in entries if entry.get("event") == "standing"]


@pytest.mark.parametrize(("debug", "is_told"), [("1", True), ("0", False)])
def test_tasks_threads_and_conversations_are_counted_for_whoever_debugs(
    tmp_path: Path, debug: str, *, is_told: bool
) -> None:
    with Client(tmp_path, config="", environment={"FAREBOX_DEBUG": debug}) as client:
        client.initialize()
        client.request("farebox/costReport", {})  # the App is built
        client.request("farebox/conversations", {})
    entries = told(tmp_path)
    assert bool(entries) is is_told
    for entry in entries:
        assert entry["conversations"] == 0
        assert isinstance(entry["tasks"], int)
        assert isinstance(entry["threads"], int)
        assert min(entry["tasks"], entry["threads"]) > 0
