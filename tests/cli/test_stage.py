"""Whom ``farebox demo`` speaks to: what it says beforehand is what then happens, and what it costs."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

import pytest

from farebox.cli.stage import found_running
from farebox.cli.stdio_client import Json, StdioClient
from farebox.messages import Task
from farebox.providers.local import WELL_KNOWN, LocalServer
from support.bad_input import KEY, USAGE
from support.environment import clean_environment, ledger_rows, openrouter_config
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, json_answer, openrouter_stream

LOCAL_ONLY = "[privacy]\nlocal_only = true\n"
MALFORMED_KEY = {"OPENROUTER_API_KEY": "two words"}
ANSWER = Answer(body=openrouter_stream("As asked.", USAGE), content_type="text/event-stream")
LOCAL_ANSWER = Answer(
    body=openrouter_stream("As asked.", {"prompt_tokens": 20, "completion_tokens": 4}),
    content_type="text/event-stream",
)


@dataclass(frozen=True)
class Shown:
    """What the demo printed (``text`` without the breaks of its lines) and how it ended."""

    code: int
    text: str
    errors: str


async def demo(folder: Path, config: str, environment: dict[str, str]) -> Shown:
    (folder / "config.toml").write_text(config, "utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "farebox", "demo"),
        env={**clean_environment(folder), "COLUMNS": "100", **environment},
        cwd=folder,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(WAIT_S):
        out, errors = await process.communicate()
    assert process.returncode is not None
    return Shown(process.returncode, " ".join(out.decode().split()), errors.decode())


@contextlib.asynccontextmanager
async def listening_at(upstream: Upstream, base_url: str) -> AsyncGenerator[None]:
    """Let an upstream answer at the usual port of a kind of model server too."""
    port = int(base_url.rpartition(":")[2].partition("/")[0])
    try:
        server = await asyncio.start_server(upstream._accept, "127.0.0.1", port)
    except OSError:
        pytest.skip(f"a model server already runs at {base_url}")
    async with server:
        yield


@pytest.mark.parametrize(
    ("config", "environment", "why"),
    [
        pytest.param("", {}, "no model provider is set up", id="nothing-set-up"),
        pytest.param(LOCAL_ONLY, KEY, "local-only mode is on", id="local-only-with-a-key"),
        pytest.param("", MALFORMED_KEY, "OPENROUTER_API_KEY is malformed", id="a-bad-key"),
        pytest.param("[budgets]\ndaily_usd = 0\n", KEY, "the daily budget has $0.00 left", id="no-money"),
    ],
)
async def test_a_local_server_that_runs_is_asked_alone(
    tmp_path: Path, config: str, environment: dict[str, str], why: str
):
    async with Upstream() as upstream, listening_at(upstream, WELL_KNOWN[0][1]):
        upstream.answer("/v1/models", json_answer({"data": [{"id": "small"}]}))
        upstream.answer("/v1/chat/completions", LOCAL_ANSWER)
        shown = await demo(tmp_path, config, environment)
        asked = [request for request in upstream.requests if request.method == "POST"]
    assert shown.code == 0, shown.errors
    said, _, played = shown.text.partition("Ghost text")
    assert f"at {WELL_KNOWN[0][1]}, found running on this machine: " in said
    assert why in said
    assert "farebox As asked. local/small | $0.00 (computed) | set for the task chat" in played
    assert {request.json["model"] for request in asked} == {"small"}
    assert not any("authorization" in request.headers for request in asked)
    assert ledger_rows_or_none(tmp_path) == []


async def test_no_task_can_leave_a_local_server_that_was_found(tmp_path: Path):
    """Also when it has gone, and there is a key."""
    server = LocalServer("llama.cpp", "http://127.0.0.1:9/v1", "llamacpp", "infill", ("small",))
    stage = found_running(server, tmp_path, "as a test")
    environment = {**clean_environment(tmp_path), **KEY, **stage.environment}
    async with StdioClient(environment, lambda _method, _params: None) as client:
        options = {"settings": stage.settings}
        await client.request(
            "initialize", {"processId": None, "capabilities": {}, "initializationOptions": options}
        )
        for task in get_args(Task):
            route = await client.request("farebox/route", {"text": "hi", "task": task})
            assert cast("Json", route)["model"] == "local/default"
            assert cast("Json", route)["fallbackChain"] == []
        await client.request("shutdown", None)
        await client.notify("exit")


@pytest.mark.parametrize(
    ("more", "words"),
    [
        pytest.param("", " This costs what it costs.", id="paid"),
        pytest.param("free = true\n", "", id="free"),
    ],
)
async def test_what_is_set_up_is_named_and_asked(tmp_path: Path, more: str, words: str):
    async with Upstream() as upstream:
        upstream.answer("/v1/chat/completions", ANSWER)
        config = openrouter_config(upstream.base_url).replace("[completion]", f"{more}[completion]")
        shown = await demo(tmp_path, config, KEY)
        assert {request.json["model"] for request in upstream.requests} == {"openai/gpt-4o-mini"}
    assert shown.code == 0, shown.errors
    said = shown.text.partition("Ghost text")[0]
    model = "openrouter/openai/gpt-4o-mini"
    assert said == f"farebox demo with what you have set up.{words} complete: {model} chat: {model} "
    assert {row["task"] for row in ledger_rows_or_none(tmp_path)} == {"complete", "chat"}


async def test_those_who_are_asked_if_the_first_fails_are_counted(tmp_path: Path):
    async with Upstream() as upstream:
        upstream.answer("/v1/chat/completions", ANSWER)
        chain = (
            f'["box/a", "openai/gpt-5", "box/b", "box/c"]\n[providers.box]\nbase_url = "{upstream.base_url}"'
        )
        shown = await demo(tmp_path, f'[tasks]\ncomplete = "box/a"\nchat = {chain}\n', {})
    assert "complete: box/a chat: box/a, else 2 more of box Ghost text" in shown.text


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        pytest.param(lambda config: f"{config}\nnope = 1\n", "unknown key", id="a-broken-config"),
        pytest.param(lambda config: config, "openrouter answered 401", id="a-rejected-key"),
    ],
)
async def test_what_is_set_up_and_broken_is_an_error_and_nothing_else_is_asked(
    tmp_path: Path, spoil: Callable[[str], str], words: str
):
    async with Upstream() as upstream:
        refusal = json_answer({"error": {"code": 401, "message": "No auth credentials found"}}, status=401)
        upstream.answer("/v1/chat/completions", refusal)
        shown = await demo(tmp_path, spoil(openrouter_config(upstream.base_url)), KEY)
    assert shown.code == 1
    assert words in f"{shown.text} {shown.errors}"
    assert "found running" not in shown.text
    assert "simulated" not in shown.text


async def test_the_costs_are_those_of_the_demo_and_of_nothing_before(tmp_path: Path):
    async with Upstream() as upstream:
        upstream.answer("/v1/chat/completions", ANSWER)
        await demo(tmp_path, openrouter_config(upstream.base_url), KEY)
        shown = await demo(tmp_path, openrouter_config(upstream.base_url), KEY)
    assert len(ledger_rows_or_none(tmp_path)) == 4
    assert "total 2 " in shown.text.partition("What it cost")[2]


def ledger_rows_or_none(folder: Path) -> list[dict[str, object]]:
    """Read the user's own ledger, if there is one."""
    return ledger_rows(folder) if (folder / "farebox" / "ledger.db").exists() else []
