"""An HTTP connection with limits that uvicorn leaves to a proxy: for the headers of a request, in bytes and in time.

Without them who sends a header without end fills the memory, and who dribbles one holds a connection for ever. What is
no HTTP is answered in the shape of every other error.
"""

from __future__ import annotations

import asyncio
from http import HTTPStatus
from typing import Any

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from cds_service.http import problems

HEADER_BYTES = 64 * 1024
HEADER_SECONDS = 10.0


class LimitedProtocol(HttpToolsProtocol):
    """uvicorn's protocol over httptools; a request whose headers are too large or too slow is answered and cut off."""

    _timer: asyncio.TimerHandle | None = None
    _reading_headers = True
    _header_bytes = 0

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Give the first request its time."""
        super().connection_made(transport)
        self._await_headers()

    def connection_lost(self, exc: Exception | None) -> None:
        """Forget the time."""
        self._stop_timer()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Count the bytes of headers that are not whole yet."""
        super().data_received(data)
        if self._reading_headers and not self.transport.is_closing():
            self._header_bytes += len(data)
            if self._header_bytes > HEADER_BYTES:
                self._refuse(431, "The headers of the request are larger than is read.")

    def on_message_begin(self) -> None:
        """Give this request its time."""
        super().on_message_begin()
        if not self._reading_headers:
            self._await_headers()

    def on_headers_complete(self) -> None:
        """The headers are whole; the body has limits of its own."""
        self._reading_headers = False
        self._header_bytes = 0
        self._stop_timer()
        super().on_headers_complete()

    def send_400_response(self, msg: str) -> None:
        """The answer to what is no HTTP."""
        self._refuse(400, msg)

    def _await_headers(self) -> None:
        self._reading_headers = True
        self._header_bytes = 0
        self._stop_timer()
        self._timer = self.loop.call_later(HEADER_SECONDS, self._too_slow)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

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
