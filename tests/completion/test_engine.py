"""Ghost text from the gate to the trimmed item, through every way of asking for a fill."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from farebox.app import App, Client
from farebox.completion import engine
from farebox.completion.answer import HOLE
from farebox.completion.engine import Completion, Hole
from farebox.completion.prompt import MAX_LINE_TOKENS, TAG_TOKENS
from farebox.errors import Excluded, ModelNotFound, Overloaded
from farebox.messages import Usage
from support.patience import WAIT_S
from support.upstream import Answer, Upstream, chunk, json_answer, openrouter_stream, sse, sse_answer

OpenApp = Callable[..., App]

BEFORE, AFTER = "def add(a, b):\n    return ", "\n\nprint(add(1, 2))\n"
ADD = Hole("/ws/add.py", "python", BEFORE, AFTER, invoked=True)
ANSWER = "a + b"


def a_chat(text: str) -> Answer:
    usage = {"prompt_tokens": 90, "completion_tokens": 8}
    return Answer(body=openrouter_stream(text, usage), content_type="text/event-stream")


def a_text(text: str) -> Answer:
    """Answer as the text completions of the OpenAI dialect do."""
    choice = {"index": 0, "text": text, "finish_reason": None}
    return sse_answer({"choices": [choice]}, {"choices": [{**choice, "text": "", "finish_reason": "stop"}]})


def an_infill(text: str) -> Answer:
    """Answer as llama.cpp's /infill does."""
    last = {"content": "", "stop": True, "stop_type": "word", "tokens_evaluated": 90, "tokens_predicted": 8}
    return sse_answer({"content": text, "stop": False}, last, done=False)


@pytest.fixture
async def upstream() -> AsyncIterator[Upstream]:
    async with Upstream() as upstream:
        yield upstream


@pytest.fixture
async def open_app(tmp_path: Path) -> AsyncIterator[OpenApp]:
    opened: list[App] = []

    def make(config: str) -> App:
        (tmp_path / "config.toml").write_text(config, "utf-8")
        environment = {
            "FAREBOX_HOME": str(tmp_path / "home"),
            "FAREBOX_CONFIG": str(tmp_path / "config.toml"),
            "MISTRAL_API_KEY": "k",
        }
        opened.append(App(Client(name="test"), environment=environment))
        return opened[-1]

    yield make
    for app in opened:
        await app.close()


async def complete(app: App, hole: Hole = ADD, **changes: object) -> Completion:
    return await engine.complete(app.door(), replace(hole, **changes), app.config())  # type: ignore[arg-type]


def a_box(upstream: Upstream, more: str = "", *, model: str = "m") -> str:
    return f'[tasks]\ncomplete = "box/{model}"\n[providers.box]\nbase_url = "{upstream.base_url}"\n{more}\n'


CODESTRAL = '[tasks]\ncomplete = "mistral/codestral-latest"\n[providers.mistral]\nbase_url = "{}"'
QWEN = '[tasks]\ncomplete = "box/Qwen2.5-Coder-7B"\n[providers.box]\nfill = "tokens"\nbase_url = "{}"'
LLAMA = '[tasks]\ncomplete = "llama/x"\n[providers.llama]\ndialect = "llamacpp"\nfree = true\nbase_url = "{}"'


@pytest.mark.parametrize(
    ("config", "answer", "path", "sent"),
    [
        pytest.param(
            CODESTRAL,
            a_chat(ANSWER),
            "/v1/fim/completions",
            {"model": "codestral-latest", "prompt": BEFORE, "suffix": AFTER, "stop": ["\n"]},
            id="suffix",
        ),
        pytest.param(
            QWEN,
            a_text(ANSWER),
            "/v1/completions",
            {"prompt": f"<|fim_prefix|>{BEFORE}<|fim_suffix|>{AFTER}<|fim_middle|>", "temperature": 0},
            id="tokens",
        ),
        pytest.param(
            LLAMA,
            an_infill(ANSWER),
            "/infill",
            {"input_prefix": BEFORE, "input_suffix": AFTER, "n_predict": MAX_LINE_TOKENS},
            id="infill",
        ),
    ],
)
async def test_a_hole_is_put_as_the_target_takes_it(
    *,
    open_app: OpenApp,
    upstream: Upstream,
    config: str,
    answer: Answer,
    path: str,
    sent: Mapping[str, object],
):
    upstream.queue(answer)
    done = await complete(open_app(config.format(upstream.base_url)))
    assert [item.text for item in done.items] == [ANSWER]
    (request,) = upstream.requests
    assert request.path == path
    assert {name: request.json.get(name) for name in sent} == dict(sent)


async def test_a_completion_names_its_row_which_says_its_language(open_app: OpenApp, upstream: Upstream):
    upstream.answer("/v1/chat/completions", a_chat(f"<COMPLETION>{ANSWER}</COMPLETION>"))
    app = open_app(a_box(upstream))
    named, unnamed = await complete(app), await complete(app, language="")
    await app.ledger.check()  # what was handed over before is written now
    with closing(sqlite3.connect(app.ledger.path)) as connection:
        rows = dict(connection.execute("SELECT call_id, language FROM calls").fetchall())
    assert rows == {named.call_id: "python", unnamed.call_id: None}


async def test_a_chat_model_fills_a_hole_between_tags(open_app: OpenApp, upstream: Upstream):
    upstream.queue(a_chat(f"<COMPLETION>{ANSWER}</COMPLETION>"))
    done = await complete(open_app(a_box(upstream)))
    assert [item.text for item in done.items] == [ANSWER]
    body = upstream.requests[0].json
    assert upstream.requests[0].path == "/v1/chat/completions"
    assert body["messages"][-1] == {  # type: ignore[index]
        "role": "user",
        "content": f'<file path="add.py">\n{BEFORE}{HOLE}{AFTER}\n</file>',
    }
    assert body["max_tokens"] == MAX_LINE_TOKENS + TAG_TOKENS
    assert body["stop"] == ["</COMPLETION>"]


async def test_a_file_is_named_from_the_workspace_on(open_app: OpenApp, upstream: Upstream):
    upstream.queue(a_chat(f"<COMPLETION>{ANSWER}</COMPLETION>"))
    hole = replace(ADD, path="/Users/ann/ws/src/add.py", roots=("/Users/ann/ws",))
    await complete(open_app(a_box(upstream)), hole)
    sent = str(upstream.requests[0].json)
    assert '<file path="src/add.py">' in sent
    assert "/ann/" not in sent


async def test_a_model_whose_tokens_are_not_known_is_asked_by_chat(open_app: OpenApp, upstream: Upstream):
    upstream.queue(a_chat(f"<COMPLETION>{ANSWER}</COMPLETION>"))
    done = await complete(open_app(a_box(upstream, 'fill = "tokens"', model="mystery-7b")))
    assert [item.text for item in done.items] == [ANSWER]
    assert upstream.requests[0].path == "/v1/chat/completions"


async def test_the_answer_is_read_as_the_target_that_gave_it_was_asked(open_app: OpenApp, upstream: Upstream):
    chain = f'[tasks]\ncomplete = ["llama/x", "box/m"]\n[providers.box]\nbase_url = "{upstream.base_url}"\n'
    llama = f'[providers.llama]\ndialect = "llamacpp"\nbase_url = "{upstream.origin}"\n'
    upstream.queue(json_answer({}, status=503), a_chat(f"<COMPLETION>{ANSWER}</COMPLETION>"))
    done = await complete(open_app(chain + llama))
    assert [item.text for item in done.items] == [ANSWER]
    assert [request.path for request in upstream.requests] == ["/infill", "/v1/chat/completions"]


async def test_an_answer_has_an_id_a_route_usage_and_its_cost(open_app: OpenApp, upstream: Upstream):
    upstream.queue(an_infill(ANSWER), an_infill(ANSWER))
    app = open_app(LLAMA.format(upstream.base_url))
    first, second = await complete(app), await complete(app)
    assert first.items[0].id != second.items[0].id
    assert first.usage == Usage(input_tokens=90, output_tokens=8)
    assert first.cost is not None
    assert (first.cost.nanodollars, first.cost.basis) == (0, "computed")
    assert first.route is not None
    assert first.route.target.name == "llama/x"
    assert first.shut is None


@pytest.mark.parametrize(
    ("more", "hole", "reason"),
    [
        pytest.param("[completion]\nenabled = false", ADD, "disabled", id="disabled"),
        pytest.param('[completion]\ndisabled_languages = ["python"]', ADD, "language", id="language"),
        pytest.param("", replace(ADD, prefix="\n", suffix=" "), "empty", id="empty"),
        pytest.param("", replace(ADD, suffix=" other(x)\n", invoked=False), "midLine", id="mid-line"),
    ],
)
async def test_where_the_gate_is_closed_nothing_is_asked(
    open_app: OpenApp, upstream: Upstream, more: str, hole: Hole, reason: str
):
    done = await complete(open_app(a_box(upstream, more)), hole)
    assert done.shut is not None
    assert (done.shut.reason, done) == (reason, Completion(shut=done.shut))
    assert upstream.connections == 0


async def test_one_who_asks_passes_the_gate_that_only_guesses(open_app: OpenApp, upstream: Upstream):
    upstream.queue(a_chat("<COMPLETION>x</COMPLETION>"))
    done = await complete(open_app(a_box(upstream)), suffix="other(x)\n")
    assert [item.text for item in done.items] == ["x"]


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param("<COMPLETION></COMPLETION>", id="empty"),
        pytest.param("<COMPLETION>  \n </COMPLETION>", id="blank"),
        pytest.param("Sure! Here is what I would write.", id="prose"),
    ],
)
async def test_nothing_worth_showing_is_no_item_and_still_has_a_cost(
    open_app: OpenApp, upstream: Upstream, answer: str
):
    upstream.queue(a_chat(answer))
    done = await complete(open_app(a_box(upstream)))
    assert done.items == ()
    assert done.usage.input_tokens == 90
    assert done.cost is not None


async def test_a_newer_key_closes_the_socket_of_the_older_request(open_app: OpenApp, upstream: Upstream):
    body = sse(chunk({"content": "<COMPLETION>a"}), done=False)
    upstream.queue(Answer(body=body, content_type="text/event-stream", hang=True))
    task = asyncio.create_task(complete(open_app(a_box(upstream))))
    await upstream.arrived.wait()
    task.cancel()
    await asyncio.wait_for(upstream.closed.wait(), WAIT_S)
    await asyncio.wait([task])
    assert task.cancelled()


async def test_what_goes_wrong_is_said(open_app: OpenApp, upstream: Upstream):
    upstream.queue(json_answer({}, status=500))
    app = open_app(a_box(upstream))
    with pytest.raises(Overloaded):
        await complete(app)
    with pytest.raises(ModelNotFound):
        await complete(app, model="no/model")
    with pytest.raises(Excluded):
        await complete(app, path="/ws/.env")
    assert len(upstream.requests) == 1


async def test_the_dry_run_is_the_route_of_the_request(open_app: OpenApp, upstream: Upstream):
    upstream.queue(an_infill(ANSWER))
    app = open_app(LLAMA.format(upstream.base_url))
    shown = await engine.route(app.door(), ADD)
    assert upstream.connections == 0
    done = await complete(app)
    assert done.route is not None
    assert replace(done.route, attempts=()) == shown
