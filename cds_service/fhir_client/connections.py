"""Connections that stay open between requests; the one that was used last is used next.

httpcore's own pool compares all its connections with each other at the begin and at the end of every request, which
took a third of a call's time. It limits their number too: here that is done by the slots of each server.
"""

from __future__ import annotations

import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterable, AsyncIterator
from typing import Any, cast

import httpcore

_KEPT_SECONDS = 30.0


class Connections:
    """A pool without a limit of its own; one request at a time on each connection."""

    def __init__(self, context: ssl.SSLContext, network: httpcore.AsyncNetworkBackend) -> None:
        self._context = context
        self._network = network
        self._idle: defaultdict[tuple[bytes, bytes, int], _Idle] = defaultdict(deque)

    async def __aenter__(self) -> Connections:
        """Nothing is opened beforehand."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Close what is kept."""
        await self.aclose()

    async def aclose(self) -> None:
        """Close every connection that no request is using."""
        for idle in self._idle.values():
            while idle:
                await idle.pop().aclose()

    async def handle_async_request(self, request: httpcore.Request) -> httpcore.Response:
        """Send a request; its connection is free again when the answer is closed."""
        origin = request.url.origin
        idle = self._idle[origin.scheme, origin.host, origin.port]
        connection = await _kept(idle) or httpcore.AsyncHTTPConnection(
            origin, self._context, _KEPT_SECONDS, network_backend=self._network
        )
        try:
            response = await connection.handle_async_request(request)
        except BaseException:  # a call that is cancelled leaves a connection in the middle of an answer, too
            await connection.aclose()
            raise
        return httpcore.Response(
            response.status,
            headers=response.headers,
            content=_Content(cast("AsyncIterable[bytes]", response.stream), connection, idle),
            extensions=response.extensions,
        )


_Idle = deque[httpcore.AsyncHTTPConnection]


class _Content:
    """The body of an answer, which gives its connection back at the end."""

    def __init__(self, stream: Any, connection: httpcore.AsyncHTTPConnection, idle: _Idle) -> None:
        self._stream = stream
        self._connection = connection
        self._idle = idle

    def __aiter__(self) -> AsyncIterator[bytes]:
        return cast("AsyncIterator[bytes]", self._stream.__aiter__())

    async def aclose(self) -> None:
        """Keep the connection if the answer was read to its end; else it cannot be used again."""
        try:
            await self._stream.aclose()
        finally:
            if self._connection.is_idle():
                self._idle.append(self._connection)
            else:
                await self._connection.aclose()


async def _kept(idle: _Idle) -> httpcore.AsyncHTTPConnection | None:
    """The connection used last that is still open; those that were not needed for a while are closed."""
    while idle and idle[0].has_expired():
        await idle.popleft().aclose()
    while idle:
        connection = idle.pop()
        if not connection.has_expired():
            return connection
        await connection.aclose()
    return None
