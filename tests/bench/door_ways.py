"""The ways to send one and the same request, each in a process of its own, one for each line of stdin.

Run by ``door.py`` as ``door_ways.py NAME URL``, by the Python that has what the way needs. Answers every line
with three numbers: milliseconds to the first text, to the end, and of the process's own CPU time.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from pathlib import Path
from typing import Any

from door_upstream import EVENTS

HTTPX2, ONE, AUTO, OPENAI, LITELLM = (
    "httpx2, lines only",
    "farebox, one model",
    "farebox, auto, budgets",
    "openai package",
    "litellm acompletion",
)
MODEL = "openai/gpt-4o-mini"
KEY = "sk-or-bench-0123456789"

Ask = Callable[[int], Awaitable[tuple[float | None, int]]]
"""Send the request with this number; return the moment of its first text, and how many texts there were."""


async def take_orders(name: str, url: str) -> None:
    """Send one request for each line of stdin; between them the event loop runs on, as in any program."""
    loop = asyncio.get_running_loop()
    orders = asyncio.StreamReader()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(orders), sys.stdin)
    opened: dict[str, Callable[[str], AsyncIterator[Ask]]] = {
        HTTPX2: by_httpx2,
        ONE: by_one_model,
        AUTO: by_auto,
        OPENAI: by_openai,
        LITELLM: by_litellm,
    }
    async for ask in opened[name](url):
        while line := await orders.readline():
            cpu_s, began = time.process_time(), time.perf_counter()
            first, count = await ask(int(line))
            ended, cpu_s = time.perf_counter(), time.process_time() - cpu_s
            if first is None or count != EVENTS:
                raise RuntimeError(f"{name} read {count} events of {EVENTS}")
            print(json.dumps([(first - began) * 1000, (ended - began) * 1000, cpu_s * 1000]), flush=True)


def question(number: int) -> str:
    """Return a prompt of a length that differs from one request to the next."""
    return "word " * (200 + number % 97)


async def by_httpx2(url: str) -> AsyncIterator[Ask]:
    """Do what any client must: post, read lines, look for the mark of an event; parse nothing."""
    import httpx2

    async with httpx2.AsyncClient(trust_env=False) as client:

        async def ask(number: int) -> tuple[float | None, int]:
            messages = [{"role": "user", "content": question(number)}]
            body = {"model": MODEL, "stream": True, "messages": messages}
            first, count = None, 0
            headers = {"Authorization": f"Bearer {KEY}"}
            async with client.stream("POST", f"{url}/chat/completions", json=body, headers=headers) as reply:
                async for line in reply.aiter_lines():
                    if line.startswith("data: ") and '"content"' in line:
                        first = first or time.perf_counter()
                        count += 1
            return first, count

        yield ask


async def by_one_model(url: str) -> AsyncIterator[Ask]:
    """Ask through the door for a model by its name."""
    async for ask in by_door(url, f'[tasks]\nchat = "openrouter/{MODEL}"\n'):
        yield ask


async def by_auto(url: str) -> AsyncIterator[Ask]:
    """Let the door choose among eight candidates, within two budgets."""
    async for ask in by_door(url, "[budgets]\ndaily_usd = 50000\nmonthly_usd = 900000\n"):
        yield ask


async def by_door(url: str, config: str) -> AsyncIterator[Ask]:
    """Do what the language server does for a chat: a door for each request, a real ledger."""
    from farebox.app import App, Client
    from farebox.messages import Call, Chat, Message, Text
    from farebox.router.request import Request, Serving

    with tempfile.TemporaryDirectory(prefix="farebox-bench-") as home:
        file = Path(home) / "config.toml"
        file.write_text(f'{config}[providers.openrouter]\nbase_url = "{url}"\n', "utf-8")
        folders = {"FAREBOX_HOME": home, "FAREBOX_CONFIG": str(file)}
        app = App(Client("bench"), environment={**folders, "OPENROUTER_API_KEY": KEY})
        app.warm_up()

        async def ask(number: int) -> tuple[float | None, int]:
            text = question(number)

            def render(serving: Serving) -> Call:
                return Call(serving.model, Chat((Message("user", text),)), max_output_tokens=1000)

            request = Request("chat", render, len(text), 1000)
            first, count = None, 0
            async with aclosing(app.door().send(request).events()) as events:
                async for event in events:
                    if isinstance(event, Text):
                        first = first or time.perf_counter()
                        count += 1
            return first, count

        yield ask
        await app.close()


async def by_openai(url: str) -> AsyncIterator[Ask]:
    """Ask with the vendor's own package."""
    from openai import AsyncOpenAI

    client = AsyncOpenAI(base_url=url, api_key=KEY)

    async def ask(number: int) -> tuple[float | None, int]:
        stream = await client.chat.completions.create(
            model=MODEL,
            messages=[{"role": "user", "content": question(number)}],
            stream=True,
            stream_options={"include_usage": True},
        )
        return await texts_of(stream)

    yield ask
    await client.close()


async def by_litellm(url: str) -> AsyncIterator[Ask]:
    """Ask with litellm's own function; it takes the price table that it came with."""
    import litellm  # pyright: ignore[reportMissingImports]

    async def ask(number: int) -> tuple[float | None, int]:
        stream: Any = await litellm.acompletion(
            model=f"openai/{MODEL}",
            messages=[{"role": "user", "content": question(number)}],
            api_base=url,
            api_key=KEY,
            stream=True,
            stream_options={"include_usage": True},
        )
        return await texts_of(stream)

    yield ask


async def texts_of(stream: AsyncIterator[Any]) -> tuple[float | None, int]:
    """Read a stream of the OpenAI package's shape."""
    first, count = None, 0
    async for chunk in stream:
        if chunk.choices and chunk.choices[0].delta.content:
            first = first or time.perf_counter()
            count += 1
    return first, count


if __name__ == "__main__":
    asyncio.run(take_orders(*sys.argv[1:]))
