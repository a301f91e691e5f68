"""Which form a configured model really fills holes in, asked with tiny holes through the door."""

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.completion.probe import Finding, probe
from support.environment import ledger_rows
from support.upstream import Answer, Upstream, openrouter_stream, sse_answer

OpenApp = Callable[..., App]

RIGHT = ("handle", "amount", "invoice")
WRONG = ("f", "x, y", "i")


def texts(*words: str) -> list[Answer]:
    """Answer as text completions do."""
    choice = {"index": 0, "finish_reason": None}
    end = {"choices": [{**choice, "text": "", "finish_reason": "stop"}]}
    return [sse_answer({"choices": [{**choice, "text": word}]}, end) for word in words]


def chats(*words: str) -> list[Answer]:
    """Answer as a chat does."""
    usage = {"prompt_tokens": 90, "completion_tokens": 8}
    bodies = [openrouter_stream(f"<COMPLETION>{word}</COMPLETION>", usage) for word in words]
    return [Answer(body=body, content_type="text/event-stream") for body in bodies]


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def open_app(tmp_path: Path) -> AsyncIterator[OpenApp]:
    opened: list[App] = []

    def make(config: str) -> App:
        (tmp_path / "config.toml").write_text(config, "utf-8")
        folders = {
            "FAREBOX_HOME": str(tmp_path / "farebox"),
            "FAREBOX_CONFIG": str(tmp_path / "config.toml"),
        }
        opened.append(App(Client(name="test"), environment=folders))
        return opened[-1]

    yield make
    for app in opened:
        await app.close()


def a_box(upstream: Upstream, fill: str, *, model: str = "Qwen2.5-Coder-7B") -> str:
    return (
        f'[tasks]\ncomplete = "box/{model}"\n'
        f'[providers.box]\nfree = true\nfill = "{fill}"\nbase_url = "{upstream.base_url}"\n'
    )


async def check(app: App) -> Finding:
    return await probe(app.door)


async def test_a_form_that_works_is_well(open_app: OpenApp, upstream: Upstream, tmp_path: Path):
    upstream.queue(*texts(*RIGHT), *texts(*WRONG), *chats("handle", "a", "x"))
    app = open_app(a_box(upstream, "tokens"))
    finding = await check(app)
    assert finding == Finding(
        "ok",
        "box/Qwen2.5-Coder-7B: tokens 3 of 3 right, in use; suffix 0 of 3 right; chat 1 of 3 right "
        "(9 requests for $0.00)",
    )
    paths = [request.path for request in upstream.requests]
    assert paths == ["/v1/completions"] * 6 + ["/v1/chat/completions"] * 3
    await app.close()
    assert len(ledger_rows(tmp_path)) == 9


async def test_a_better_form_is_named_as_a_setting(open_app: OpenApp, upstream: Upstream):
    upstream.queue(*chats(*WRONG), *texts(*WRONG), *texts(*RIGHT))
    finding = await check(open_app(a_box(upstream, "chat")))
    assert (finding.state, finding.hint) == ("warning", 'Set fill = "tokens" in [providers.box].')


async def test_a_model_of_no_family_is_not_asked_in_tokens(open_app: OpenApp, upstream: Upstream):
    upstream.queue(*chats(*RIGHT), *texts(*WRONG))
    finding = await check(open_app(a_box(upstream, "chat", model="mystery-7b")))
    assert finding.state == "ok"
    assert len(upstream.requests) == 6


async def test_a_form_that_is_refused_is_asked_once(open_app: OpenApp, upstream: Upstream):
    upstream.queue(*chats(*RIGHT))
    finding = await check(open_app(a_box(upstream, "chat", model="mystery-7b")))
    assert finding.state == "ok"
    assert "suffix failed (" in finding.message
    assert len(upstream.requests) == 4


async def test_a_form_that_is_refused_gives_way_to_one_that_works(open_app: OpenApp, upstream: Upstream):
    upstream.queue(Answer(status=400, body=b"{}"), *chats(*RIGHT))
    finding = await check(open_app(a_box(upstream, "suffix", model="mystery-7b")))
    assert (finding.state, finding.hint) == ("warning", 'Set fill = "chat" in [providers.box].')


async def test_a_model_that_fills_nothing_is_a_warning(open_app: OpenApp, upstream: Upstream):
    upstream.queue(*chats(*WRONG), *texts(*WRONG))
    finding = await check(open_app(a_box(upstream, "chat", model="mystery-7b")))
    assert finding.state == "warning"
    assert "choose a model" in finding.hint


async def test_a_server_that_does_not_answer_is_an_error_with_its_words(
    open_app: OpenApp, upstream: Upstream
):
    finding = await check(open_app(a_box(upstream, "chat", model="mystery-7b")))
    assert finding.state == "error"
    assert "404" in finding.message or "nothing here" in finding.message


async def test_no_model_at_all_is_an_error_and_nothing_is_asked(open_app: OpenApp):
    finding = await check(open_app("[providers.box]\nnonsense = 1\n"))
    assert finding.state == "error"
    assert finding.hint
