"""An HTTP connection with limits that uvicorn leaves to a proxy: for the headers of a request, in bytes and in time.

Without them who sends a header without end fills the memory, and who dribbles one holds a connection for ever. What is
no HTTP is answered in the shape of every other error.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from io import BytesIO
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cds_service.http import problems

HEADER_BYTES = 64 * 1024
HEADER_SECONDS = 10.0
# The service gives up waiting for a body before that; what is left then is a client that sends on after its answer.
REQUEST_SECONDS = 60.0
_FRAMING_PER_BODY_BYTE = 8  # a chunk of one byte takes six more
# A body up to here is handed on as a whole: the application wakes once for it, and it is put together once. So it looks
# at its own limit this many bytes later.
_HANDED_ON_BYTES = 1024 * 1024


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol over httptools; a request whose headers are too large or too slow is answered and cut off.

    All that is no body counts as headers: trailers and the framing of chunks may be as endless as they.
    """

    # One timer, which is set anew only where it would ring too late: most requests are over long before.
    _timer: asyncio.TimerHandle | None = None
    _rings_at = 0.0
    _due: tuple[float, Callable[[], None]] | None = None
    _reading_headers = True
    _ended = 0
    _body_bytes = 0  # of all requests of the connection; `_before` of those before this one
    _before = 0
    _other_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first request its time."""
        super().connection_made(transport)
        self._held = BytesIO()  # of a body, what was not handed on yet
        self._give(HEADER_SECONDS, self._too_slow)

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        if self._timer is not None:
            self._timer.cancel()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count what is no body."""
        ended, body_bytes = self._ended, self._body_bytes
        super().data_received(data)
        if self._ended != ended or self.transport.is_closing():
            return  # a request ended in the middle of this: the next one's share of it is small
        self._other_bytes += len(data) - (self._body_bytes - body_bytes)
        if self._other_bytes > HEADER_BYTES + _FRAMING_PER_BODY_BYTE * (self._body_bytes - self._before):
            self._refuse(431, "The headers of the request are larger than is read.")

    def on_message_begin(self) -> None:
        """Give this request its time and its bytes."""
        super().on_message_begin()
        self._before, self._other_bytes = self._body_bytes, 0
        self._reading_headers = True
        self._give(HEADER_SECONDS, self._too_slow)

    def on_header(self, name: bytes, value: bytes) -> None:
        """Keep a header; what comes after the body is not looked at."""
        if self._reading_headers:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The headers are whole; the body has limits of its own, and the request an end."""
        self._reading_headers = False
        self._give(REQUEST_SECONDS, self.transport.close)
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """Count the body, and keep it until there is enough of it to be handed on; nobody needs it after an answer."""
        self._body_bytes += len(body)
        if self.cycle.response_complete:
            return
        self._held.write(body)
        if self._held.tell() > _HANDED_ON_BYTES:
            self._hand_on()

    def on_message_complete(self) -> None:
        """Nothing more is waited for."""
        self._ended += 1
        self._due = None
        if self._held.tell():
            self._hand_on()
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """What was kept of a body that nobody read is dropped."""
        if self.cycle.response_complete:  # else this was the answer before the last one
            self._held = BytesIO()
        super().on_response_complete()

    def send_400_response(self, msg: str) -> None:
        """The answer to what is no HTTP."""
        self._refuse(400, msg)

    def _hand_on(self) -> None:
        if not self.cycle.body:
            self.cycle.body = b""  # type: ignore[assignment]  # of a bytearray uvicorn hands on a copy
        super().on_body(self._held.getvalue())
        self._held = BytesIO()

    def _give(self, seconds: float, then: Callable[[], None]) -> None:
        """Give what comes next its time; what was given before counts no more."""
        until = self.loop.time() + seconds
        self._due = until, then
        if self._timer is not None and self._rings_at > until:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._set_timer(until)

    def _set_timer(self, at: float) -> None:
        self._rings_at = at
        self._timer = self.loop.call_at(at, self._rings)

    def _rings(self) -> None:
        self._timer = None
        if self._due is None:
            return
        until, then = self._due
        if self.loop.time() < until:
            self._set_timer(until)
        else:
            then()

    def _too_slow(self) -> None:
        self._refuse(408, f"The headers of the request did not arrive within {HEADER_SECONDS:.0f} seconds.")

    def _refuse(self, status: int, why: str) -> None:
        if self.transport.is_closing():
            return
        answer = problems.problem(status, "too-costly" if status == 431 else "invalid", why)
        headers: list[tuple[bytes, Any]] = [*answer.raw_headers, (b"connection", b"close")]
        head = b"".join(b"%b: %b\r\n" % header for header in headers)
        self.transport.write(
            b"HTTP/1.1 %d %b\r\n%b\r\n%b" % (status, HTTPStatus(status).phrase.encode(), head, bytes(answer.body))
        )
        self.transport.close()
