"""Connections with limits: headers without end, headers that dribble, and what is no HTTP at all."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
import uvicorn
from uvicorn.server import ServerState

from cds_service.http import connection
from cds_service.http.connection import HEADER_BYTES, LimitedProtocol

HEAD = b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n"
CHUNKED = b"POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n"
Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


async def app(scope: Any, receive: Any, send: Any) -> None:
    """Answer with the length of the body."""
    length, more = 0, True
    while more:
        message = await receive()
        length, more = length + len(message.get("body", b"")), message.get("more_body", False)
    body = str(length).encode()
    headers = [(b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def talk(to: Talk, of: Any = app) -> None:
    async def run() -> None:
        config = uvicorn.Config(of, lifespan="off", ws="none", log_config=None)
        config.load()
        state = ServerState()
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: LimitedProtocol(config, state, {}), "127.0.0.1", 0)
        async with server, asyncio.timeout(20):
            reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
            await to(reader, writer)
            writer.close()

    asyncio.run(run())


async def answer(reader: asyncio.StreamReader) -> tuple[int, dict[str, str], bytes]:
    status = int((await reader.readline()).split()[1])
    headers = {}
    while (line := (await reader.readline()).decode().strip()) != "":
        name, _, value = line.partition(": ")
        headers[name] = value
    return status, headers, await reader.readexactly(int(headers["content-length"]))


async def refused(reader: asyncio.StreamReader, status: int) -> str:
    """What a refusal says; the connection ends with it."""
    told, headers, body = await answer(reader)
    assert (told, headers["content-type"], headers["connection"]) == (status, "application/fhir+json", "close")
    assert await reader.read() == b""
    outcome = json.loads(body)
    assert outcome["resourceType"] == "OperationOutcome"
    return str(outcome["issue"][0]["diagnostics"])


def test_a_request_like_any_other_is_answered_again_and_again() -> None:
    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        for _ in range(3):
            for piece in (HEAD[:10], HEAD[10:], b"\r\n", b"ab", b"c"):
                writer.write(piece)
                await asyncio.sleep(0.01)
            assert (await answer(reader))[::2] == (200, b"3")

    talk(to)


def test_a_body_may_be_larger_than_the_headers_may() -> None:
    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        size = 30 * HEADER_BYTES
        for _ in range(3):
            writer.write(HEAD.replace(b"3\r\n", b"%d\r\n\r\n" % size))
            await writer.drain()
            writer.write(b"x" * size)
            assert (await answer(reader))[::2] == (200, b"%d" % size)

    talk(to)


def received(body: bytes, reads: asyncio.Event | None = None) -> list[bytes]:
    """What an application is given of a body, which it does not read before this event."""
    given: list[bytes] = []

    async def reading(scope: Any, receive: Any, send: Any) -> None:
        if reads is not None:
            await reads.wait()
        more = True
        while more:
            message = await receive()
            given.append(message["body"])
            more = message["more_body"]
        await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % len(body))
        for start in range(0, len(body), 300_000):
            writer.write(body[start : start + 300_000])
            await asyncio.sleep(0.02)
        if reads is not None:
            reads.set()
        await answer(reader)

    talk(to, reading)
    return given


LARGE = bytes(range(250)) * 10_000  # 2.5 MB, no two pieces of which are alike where they are parted


@pytest.mark.parametrize("late", [False, True], ids=["as it comes", "once most of it has come"])
def test_of_a_large_body_nothing_is_lost_or_moved(late: bool) -> None:
    given = received(LARGE, asyncio.Event() if late else None)
    assert b"".join(given) == LARGE
    assert len(given) > 1


def test_a_small_body_is_given_at_once() -> None:
    assert received(LARGE[:900_000]) == [LARGE[:900_000]]


@pytest.mark.parametrize("size", [3, connection._HANDED_ON_BYTES, 3 * connection._HANDED_ON_BYTES + 5])
@pytest.mark.parametrize("pieces", [1, 7, 300])
def test_a_body_is_handed_on_whole_however_it_comes(size: int, pieces: int) -> None:
    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n" % size)
        step = -(-size // pieces)
        for start in range(0, size, step):
            writer.write(bytes(min(step, size - start)))
            await writer.drain()
        assert (await answer(reader))[::2] == (200, str(size).encode())
        writer.write(HEAD + b"\r\nabc")
        assert (await answer(reader))[::2] == (200, b"3")

    talk(to)


@pytest.mark.parametrize("before", [b"", b"a" * 1000], ids=["after the answer", "before it as well"])
def test_of_a_body_that_nobody_reads_nothing_is_kept(before: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    connections: list[LimitedProtocol] = []

    async def refuses(scope: Any, receive: Any, send: Any) -> None:
        connections.append(scope["state"]["connection"])
        await asyncio.sleep(0.05)
        await send({"type": "http.response.start", "status": 404, "headers": [(b"content-length", b"0")]})
        await send({"type": "http.response.body", "body": b""})

    def on_message_begin(self: LimitedProtocol) -> None:
        whole(self)
        self.scope["state"] = {"connection": self}

    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 900000\r\n\r\n" + before)
        assert (await answer(reader))[0] == 404
        writer.write(bytes(500_000))
        await writer.drain()
        await asyncio.sleep(0.05)
        assert connections[0]._body_bytes == 500_000 + len(before)
        assert connections[0]._held.tell() == 0

    whole = LimitedProtocol.on_message_begin
    monkeypatch.setattr(LimitedProtocol, "on_message_begin", on_message_begin)
    talk(to, refuses)


def test_headers_without_end_are_cut_off() -> None:
    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"X: " + b"y" * HEADER_BYTES)
        assert "larger than is read" in await refused(reader, 431)

    talk(to)


@pytest.mark.parametrize("sent", [b"", HEAD, HEAD[:5]], ids=["nothing", "no end", "half a line"])
def test_headers_that_dribble_are_cut_off(sent: bytes, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.2)

    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(sent)
        assert "did not arrive" in await refused(reader, 408)

    talk(to)


def test_a_second_request_has_its_own_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "HEADER_SECONDS", 0.3)

    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\nabc")
        assert (await answer(reader))[0] == 200
        await asyncio.sleep(0.4)  # an idle connection is not late
        writer.write(HEAD)
        assert "did not arrive" in await refused(reader, 408)

    talk(to)


def test_trailers_without_end_are_cut_off() -> None:
    """They come after the headers, and would be kept like them."""

    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED + b"3\r\nabc\r\n0\r\n" + b"X: y\r\n" * (HEADER_BYTES // 6 + 100))
        assert "larger than is read" in await refused(reader, 431)

    talk(to)


def test_small_chunks_are_a_body_like_any_other() -> None:
    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(CHUNKED)
        for _ in range(20):
            writer.write(b"1\r\na\r\n" * 2000)
            await writer.drain()
        writer.write(b"0\r\n\r\n")
        assert (await answer(reader))[::2] == (200, b"40000")

    talk(to)


def test_a_request_that_goes_on_after_its_answer_is_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection, "REQUEST_SECONDS", 0.2)

    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(HEAD + b"\r\na")
        assert await reader.read() == b""

    talk(to)


def test_many_requests_in_one_go_are_no_headers_without_end() -> None:
    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write((HEAD + b"\r\nabc") * 3000)
        for _ in range(3000):
            assert (await answer(reader))[0] == 200

    talk(to)


def test_what_is_no_http_is_told_in_the_shape_of_every_error() -> None:
    async def to(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"\x16\x03\x01\x02\x00\x01\r\n\r\n")
        assert await refused(reader, 400)

    talk(to)
