"""Around a route: how long a call took, what came of it, and its errors as answers, told to telemetry once.

What a route learns on the way (who called, what was decided) it puts into the report that it is handed. The answer is
sent first: nobody waits for a log.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from cds_service.errors import CallerGone, RequestError
from cds_service.http import problems
from cds_service.telemetry import CallReport, Telemetry, Tracing

Handler = Callable[[Request, CallReport], Awaitable[Response]]


class Reported:
    """The handler as a route's endpoint, an ASGI application; `endpoint` is what metrics, logs and traces call it."""

    def __init__(self, endpoint: str, handler: Handler, telemetry: Telemetry, tracing: Tracing) -> None:
        self._endpoint = endpoint
        self._handler = handler
        self._telemetry = telemetry
        self._tracing = tracing

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a call."""
        started = time.perf_counter()
        request = Request(scope, receive)
        report = CallReport(self._endpoint)
        with self._tracing.call(self._endpoint, request.headers):
            try:
                response = await self._answer(request, report)
                report.status = response.status_code
                report.seconds = time.perf_counter() - started
                await response(scope, receive, send)
            finally:
                # A call that was never answered took until now.
                report.seconds = report.seconds or time.perf_counter() - started
                self._tracing.describe(report)
                self._telemetry.report(report)

    async def _answer(self, request: Request, report: CallReport) -> Response:
        try:
            return await self._handler(request, report)
        except RequestError as error:
            report.problem = str(error)
            return problems.of_request_error(error)
        except asyncio.CancelledError:
            report.status = CallerGone.status  # the server gave the call up, with its connection or its own end
            raise
