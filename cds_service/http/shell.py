"""What stands around the routes: CORS, tidy paths, and a last line of defence that still carries CORS headers."""

from __future__ import annotations

import logging
import re

from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from cds_service.http.problems import of_our_own_fault, of_status
from cds_service.telemetry.logs import place

_log = logging.getLogger("nelm_cds")
_SLASHES = re.compile(r"/{2,}")


class TidyPaths:
    """Read `//id` and `/id/` as `/id`: clients join discovery URL and id by plain concatenation."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            path = _SLASHES.sub("/", scope["path"]).rstrip("/") or "/"
            if path != scope["path"]:
                scope = dict(scope, path=path)
        await self.app(scope, receive, send)


class Cors(CORSMiddleware):
    """CORS for browsers; to a POST without `Origin` it would add `Vary` alone, and no cache keeps such an answer."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and scope["method"] == "POST" and not _names_an_origin(scope):
            await self.app(scope, receive, send)
        else:
            await super().__call__(scope, receive, send)


def _names_an_origin(scope: Scope) -> bool:
    return any(name == b"origin" for name, _ in scope["headers"])


class CatchAll:
    """Turn what the router refuses, and a fault of ours, into one shape inside the CORS headers.

    Of a fault the log names its kind and place, never a value.
    """

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        started = ended = False

        async def watched(message: Message) -> None:
            nonlocal started, ended
            started = True
            ended = message["type"] == "http.response.body" and not message.get("more_body", False)
            await send(message)

        try:
            await self.app(scope, receive, watched)
        except HTTPException as error:
            if started:
                raise
            await of_status(error.status_code, error.headers)(scope, receive, send)
        except Exception as error:  # the outermost handler: whatever it is, it must not look like silence
            _log.error("request failed: %s at %s", type(error).__name__, place(error.__traceback__))
            if ended:
                return  # the caller has its answer, and need not lose its connection
            if started:
                raise
            await of_our_own_fault()(scope, receive, send)
