"""Around the application: a copy of the body of every hook call, for whoever records them; the answer waits for none.

Bodies alone: what a caller says of itself in headers, tokens above all, is not copied.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from starlette.types import ASGIApp, Message, Receive, Scope, Send

# As the application reads paths: with slashes doubled, or one at the end.
_HOOK = re.compile(r"/+cds-services/+[^/]+/*")


class CopiedCalls:
    """The application, with the body of each call to a service handed to `keep` as it arrived, up to a limit.

    `keep` is called on the event loop, once a body is complete: it must not wait, and must not raise.
    """

    def __init__(self, app: ASGIApp, keep: Callable[[list[bytes]], None], limit: int) -> None:
        self.app = app
        self._keep = keep
        self._limit = limit

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        is_call = scope["type"] == "http" and scope["method"] == "POST" and _HOOK.fullmatch(scope["path"])
        await self.app(scope, self._copying(receive) if is_call else receive, send)

    def _copying(self, receive: Receive) -> Receive:
        chunks: list[bytes] = []
        size = 0

        async def copied() -> Message:
            nonlocal size
            message = await receive()
            if message["type"] == "http.request":
                chunk = message.get("body", b"")
                size += len(chunk)
                if size <= self._limit:  # more than that the application refuses to read
                    chunks.append(chunk)
                    if not message.get("more_body", False):
                        self._keep(list(chunks))
            return message

        return copied
