"""The provider of the door's benchmark, in a process of its own: the same stream for every request.

The path says how it is sent: in one write, or an event a millisecond. Prints its port.
"""

import asyncio
import json
import time

WHOLE, PACED = "whole", "paced"
EVENTS = 50
PAUSE_S = 0.001


async def serve() -> None:
    """Answer every request with the same stream: in one write, or an event a millisecond."""
    head = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
    pieces = [b"%x\r\n%b\r\n" % (len(event), event) for event in events()]
    end = b"0\r\n\r\n"

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while request := await reader.readuntil(b"\r\n\r\n"):
            fields = request.lower().partition(b"content-length:")[2]
            await reader.readexactly(int(fields.partition(b"\r\n")[0]))
            if f"/{PACED}/".encode() not in request.partition(b"\r\n")[0]:
                writer.write(b"".join([head, *pieces, end]))
                continue
            writer.write(head)
            due = time.perf_counter()
            for piece in pieces:
                writer.write(piece)
                due += PAUSE_S
                await asyncio.sleep(max(0.0, due - time.perf_counter()))
            writer.write(end)

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            writer.close()

    server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=1024 * 1024)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


def events() -> list[bytes]:
    """Return fifty pieces of text, the finish, the usage and the end mark."""
    shared = {"id": "gen-1", "object": "chat.completion.chunk", "created": 1_790_000_000, "model": "m"}

    def event(**fields: object) -> bytes:
        return f"data: {json.dumps({**shared, **fields})}\n\n".encode()

    def choice(delta: dict[str, str], finish: str | None = None) -> list[object]:
        return [{"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}]

    texts = [event(choices=choice({"role": "assistant", "content": f"word{n} "})) for n in range(EVENTS)]
    usage = {"prompt_tokens": 250, "completion_tokens": EVENTS, "total_tokens": 250 + EVENTS, "cost": 0.0001}
    return [*texts, event(choices=choice({}, "stop")), event(choices=[], usage=usage), b"data: [DONE]\n\n"]


if __name__ == "__main__":
    asyncio.run(serve())
