"""The lowest layer of the fuzz: messages whose bytes went wrong on the way, and a good request after them."""

import json
import random
from collections.abc import Callable
from typing import TypeAlias

from support.fuzz.steps import Case, Raw, Send
from support.metamodel import Json

PADS = 3
"""What a broken length may swallow before the request that must be answered."""

Mutation: TypeAlias = Callable[[random.Random, bytes], bytes]


def byte_case(name: str, dice: random.Random) -> Case:
    """Return a case: one to three broken messages, in pieces of any size, and a request."""
    spoilt = b"".join(_spoilt(dice) for _ in range(dice.choice((1, 1, 1, 2, 3))))
    pad: Json = {"jsonrpc": "2.0", "method": "$/pad", "params": {}}
    ping: Json = {"jsonrpc": "2.0", "id": f"ping {name}", "method": "fuzz/ping"}
    return Case(name, "bytes", (*_pieces(dice, spoilt), *(Send(pad) for _ in range(PADS)), Send(ping)))


def _pieces(dice: random.Random, data: bytes) -> list[Raw]:
    if dice.random() < 0.8:
        return [Raw(data)]
    size = dice.choice((1, 7, 60)) if len(data) < 400 else 1 + len(data) // 5
    return [Raw(data[at : at + size]) for at in range(0, len(data), size)]


def _spoilt(dice: random.Random) -> bytes:
    body = _body(dice)
    return dice.choice(_MUTATIONS)(dice, body)


def _body(dice: random.Random) -> bytes:
    uri = f"untitled:bytes{dice.randrange(4)}"
    document = {"uri": uri, "languageId": "python", "version": 1, "text": "x = 1\n"}
    message: Json = dice.choice(
        (
            {"id": dice.randrange(10**6), "method": "fuzz/ping"},
            {"id": f"s{dice.randrange(10**6)}", "method": "farebox/models", "params": {}},
            {"method": "textDocument/didOpen", "params": {"textDocument": document}},
            {"method": "textDocument/didClose", "params": {"textDocument": {"uri": uri}}},
            {"method": "$/cancelRequest", "params": {"id": 1}},
            {"method": "$/note", "params": {"text": "Content-Length: 12\r\n\r\nhello"}},
        )
    )
    return json.dumps({"jsonrpc": "2.0", **message}).encode()


def _frame(body: bytes, head: bytes = b"Content-Length: %d\r\n\r\n", more: int = 0) -> bytes:
    return head % (len(body) + more) + body


def _with_head(head: bytes) -> Mutation:
    return lambda _, body: _frame(body, head)


def _with_length(length: bytes) -> Mutation:
    return lambda _, body: b"Content-Length: " + length + b"\r\n\r\n" + body


def _too_short(dice: random.Random, body: bytes) -> bytes:
    return _frame(body, more=-dice.randint(1, len(body)))


def _too_long(dice: random.Random, body: bytes) -> bytes:
    return _frame(body, more=dice.choice((1, 2, 5, dice.randint(1, 60), dice.randint(1, 300))))


def _flipped(dice: random.Random, body: bytes) -> bytes:
    data = bytearray(_frame(body))
    for _ in range(dice.randint(1, 4)):
        data[dice.randrange(len(data))] = dice.randrange(256)
    return bytes(data)


def _cut_out(dice: random.Random, body: bytes) -> bytes:
    data = _frame(body)
    start, end = sorted((dice.randrange(len(data)), dice.randrange(len(data))))
    return data[:start] + data[end:]


def _noise(dice: random.Random, _body: bytes) -> bytes:
    return dice.randbytes(dice.choice((1, 10, 300, 5_000)))


def _bad_text(dice: random.Random, body: bytes) -> bytes:
    at = body.index(b'"method"')
    junk = dice.choice((b"\xff", b"\xc3(", b"\xed\xa0\x80", b"\x00", b"\xef\xbb\xbf", b"NaN", b"\xf0\x9f"))
    return _frame(body[:at] + junk + body[at:])


def _odd_json(dice: random.Random, _body: bytes) -> bytes:
    return _frame(dice.choice(_ODD))


_ODD = (
    *(
        b"",
        b" ",
        b"null",
        b"5",
        b'"x"',
        b"[]",
        b"[1,2]",
        b"{}",
        b"{",
        b"nul",
        b"\xef\xbb\xbf{}",
        b"NaN",
        b"-",
    ),
    b'[{"jsonrpc":"2.0","id":1,"method":"fuzz/ping"}]',
    b'{"id":1,"method":"fuzz/ping"}',
    b'{"jsonrpc":"1.0","id":1,"method":"fuzz/ping"}',
    b'{"jsonrpc":"2.0","id":1,"method":5}',
    b'{"jsonrpc":"2.0","id":{},"method":"fuzz/ping"}',
    b'{"jsonrpc":"2.0","id":1.5,"method":"fuzz/ping"}',
    b'{"jsonrpc":"2.0","id":null,"method":"fuzz/ping"}',
    b'{"jsonrpc":"2.0","id":99,"result":null}',
    b'{"jsonrpc":"2.0","id":99,"error":{"code":1,"message":"x"}}',
    b'{"jsonrpc":"2.0","id":1,"method":"fuzz/ping","params":NaN}',
    b'{"jsonrpc":"2.0","id":1,"method":"fuzz/ping","params":[' + b"9" * 5_000 + b"]}",
    b'{"jsonrpc":"2.0","method":"$/deep","params":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
)

_MUTATIONS: tuple[Mutation, ...] = (
    _with_head(b"content-length: %d\r\n\r\n"),
    _with_head(b"CONTENT-LENGTH:%d\r\n\r\n"),
    _with_head(b"Content-Length:\t %d \r\n\r\n"),
    _with_head(b"Content-Length: %d\n\n"),
    _with_head(b"X-Other: 1\r\nContent-Length: %d\r\nContent-Type: application/vscode-jsonrpc\r\n\r\n"),
    _with_head(b"Content-Length: 5\r\nContent-Length: %d\r\n\r\n"),
    _with_head(b"\r\n\r\nContent-Length: %d\r\n\r\n"),
    _with_head(b"\xef\xbb\xbfContent-Length: %d\r\n\r\n"),
    lambda _, body: _frame(body, b"Content-Length: %d\r\n" + b"Content-Length: %d\r\n\r\n" % len(body)),
    lambda _, body: _frame(body, b"X-Pad: " + b"a" * 20_000 + b"\r\nContent-Length: %d\r\n\r\n"),
    lambda _, body: body,
    *(_with_length(one) for one in (b"", b"-1", b"0", b"abc", b"1e3", b"0x10", b"+5", b"1_0")),
    *(_with_length(one) for one in (b"9" * 30, b"1000000000000")),
    *(_too_short, _too_short, _too_long, _too_long, _flipped, _flipped, _flipped, _cut_out, _cut_out),
    *(_noise, _bad_text, _bad_text, _odd_json, _odd_json, _odd_json),
)  # fmt: skip
