"""A caller of the hook that costs little: with 200 of a client library's, most of the time measured would be theirs."""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from urllib.parse import urlsplit

from tests.support.service import SERVICE


@dataclass(frozen=True)
class Answer:
    """One answer and the seconds until it was there."""

    status: int
    body: bytes
    seconds: float

    @property
    def left_alone(self) -> bool:
        """Whether it says that the FHIR server was not asked."""
        return self.status == 412 and b"left alone" in self.body


class Caller:
    """A connection to the service that stays open."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def to(cls, service: str) -> Caller:
        """Connect."""
        address = urlsplit(service)
        return cls(*await asyncio.open_connection(address.hostname, address.port))

    async def post(self, body: bytes) -> Answer:
        """Call the hook."""
        head = f"POST {SERVICE} HTTP/1.1\r\nhost: x\r\ncontent-type: application/json\r\ncontent-length: {len(body)}"
        return await self._send(head.encode() + b"\r\n\r\n" + body)

    async def healthz(self) -> Answer:
        """Ask whether the service lives."""
        return await self._send(b"GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n")

    async def _send(self, message: bytes) -> Answer:
        started = time.perf_counter()
        self._writer.write(message)
        head = (await self._reader.readuntil(b"\r\n\r\n")).lower()
        length = int(head.partition(b"content-length:")[2].partition(b"\r\n")[0])
        body = await self._reader.readexactly(length)
        return Answer(int(head.split(b" ", 2)[1]), body, time.perf_counter() - started)

    def close(self) -> None:
        """Hang up."""
        self._writer.close()
