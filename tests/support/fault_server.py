"""A FHIR server on a loopback port that holds one patient and misbehaves as told; it stops by itself.

It speaks HTTP by hand over asyncio streams: a proper server would not drop a connection in the middle of an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
import struct
import threading
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlsplit

PATIENT = "p1"
FHIR_JSON = "application/fhir+json"
Act = Callable[["Request", "Connection"], Awaitable[None]]


@dataclass(frozen=True)
class Request:
    """A request as it came in."""

    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def resource_type(self) -> str:
        """`Condition` of `/fhir/Condition?...`."""
        return urlsplit(self.target).path.split("/")[2]

    @property
    def page(self) -> int:
        """The page that is asked for; the first has no number in its address."""
        return int(parse_qs(urlsplit(self.target).query).get("page", ["1"])[0])


class Connection:
    """The way back, for faults that are not a whole answer."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    async def closed(self) -> None:
        """Wait until the client closes its side."""
        while await self._reader.read(1024):
            pass

    async def answer(self, body: Any, status: int = 200, **headers: str) -> None:
        """A whole answer; what is not bytes is written as JSON."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        await self.head(status, **{"content_length": str(len(content))} | headers)
        await self.send(content)

    async def head(self, status: int = 200, **headers: str) -> None:
        """The status line and the headers; FHIR JSON unless told otherwise."""
        lines = {"content_type": FHIR_JSON} | headers
        text = "".join(f"{name.replace('_', '-')}: {value}\r\n" for name, value in lines.items())
        await self.send(f"HTTP/1.1 {status} x\r\n{text}\r\n".encode())

    async def send(self, content: bytes) -> None:
        """Bytes as they are."""
        self._writer.write(content)
        await self._writer.drain()

    def reset(self) -> None:
        """Drop the connection with a TCP reset."""
        raw = self._writer.get_extra_info("socket")
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._writer.transport.abort()


@dataclass
class FaultServer:
    """Its address, what it was asked, and its faults by resource type."""

    base: str = ""
    faults: dict[str, Act] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)

    def asked(self, resource_type: str) -> list[Request]:
        """What was asked about one type."""
        return [request for request in self.requests if request.resource_type == resource_type]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Requests of one connection, one after the other."""
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            try:
                while not writer.is_closing():
                    request = await _read(reader)
                    self.requests.append(request)
                    await self.faults.get(request.resource_type, soundly)(request, Connection(reader, writer))
            finally:
                writer.transport.abort()
                await writer.wait_closed()


async def soundly(request: Request, connection: Connection) -> None:
    """The right answer."""
    if request.target == f"/fhir/Patient/{PATIENT}":
        await connection.answer({"resourceType": "Patient", "id": PATIENT, "birthDate": "1960-01-01"})
    elif request.resource_type == "Patient":
        await connection.answer(b"", 404)
    else:
        await connection.answer(bundle(request, 1))


def bundle(
    request: Request, *ids: int, patient: str = PATIENT, total: int | None = None, **more: Any
) -> dict[str, Any]:
    """A searchset with one plain resource of the type that was searched for each id."""
    entries = [
        {
            "resource": {
                "resourceType": request.resource_type,
                "id": str(i),
                "subject": {"reference": f"Patient/{patient}"},
            }
        }
        for i in ids
    ]
    counted = {} if total is None else {"total": total}
    return {"resourceType": "Bundle", "type": "searchset", "entry": entries} | counted | more


@contextmanager
def fault_server(**faults: Act) -> Iterator[FaultServer]:
    """A server with these faults, by resource type, in a thread of its own."""
    server = FaultServer(faults=dict(faults))
    loop = asyncio.new_event_loop()
    listening = socket.create_server(("127.0.0.1", 0), backlog=200)
    server.base = f"http://127.0.0.1:{listening.getsockname()[1]}/fhir"
    stop = asyncio.Event()
    thread = threading.Thread(target=loop.run_until_complete, args=(_run(server, listening, stop),), daemon=True)
    thread.start()
    try:
        yield server
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


async def _run(server: FaultServer, listening: socket.socket, stop: asyncio.Event) -> None:
    serving: set[asyncio.Task[None]] = set()

    def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.ensure_future(server.serve(reader, writer))
        serving.add(task)
        task.add_done_callback(serving.discard)

    opened = await asyncio.start_server(accept, sock=listening)
    await stop.wait()
    opened.close()
    for task in tuple(serving):
        task.cancel()
    await asyncio.gather(*serving, return_exceptions=True)


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").splitlines()
    method, target, _ = head[0].split(" ", 2)
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:] if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    return Request(method, target, headers, body)
