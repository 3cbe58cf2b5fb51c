"""Around a route: how long a call took, what came of it, and its errors as answers, told to telemetry once.

What a route learns on the way (who called, what was decided) it puts into the Note that it is handed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from cds_service.errors import CallerGone, RequestError
from cds_service.http import problems
from cds_service.telemetry import CallReport, Telemetry, Tracing


@dataclass(slots=True)
class Note:
    """What is told of a call beside its status and its time: codes and names of ours, never a value from a chart."""

    client: str = ""
    hook_instance: str = ""
    state: str = ""
    recommendations: tuple[str, ...] = ()
    cards: tuple[tuple[str, str], ...] = ()
    unknown: tuple[tuple[str, str], ...] = ()
    fhir: tuple[tuple[str, str, str], ...] = ()
    refused: str = ""
    problem: str = ""


_OUR_FAULT = 500  # which the shell around the application answers
Handler = Callable[[Request, Note], Awaitable[Response]]


def reported(
    endpoint: str, handler: Handler, telemetry: Telemetry, tracing: Tracing
) -> Callable[[Request], Awaitable[Response]]:
    """The handler as a route's endpoint; `endpoint` is what metrics, logs and traces call it."""

    async def call(request: Request) -> Response:
        started = time.perf_counter()
        note = Note()
        status = _OUR_FAULT
        with tracing.call(endpoint, request.headers):
            try:
                try:
                    response = await handler(request, note)
                except RequestError as error:
                    note.problem = str(error)
                    response = problems.of_request_error(error)
                except asyncio.CancelledError:
                    status = CallerGone.status  # the server gave the call up, with its connection or its own end
                    raise
                status = response.status_code
                return response
            finally:
                report = _report(endpoint, status, time.perf_counter() - started, note)
                tracing.describe(report)
                telemetry.report(report)

    return call


def _report(endpoint: str, status: int, seconds: float, note: Note) -> CallReport:
    return CallReport(
        endpoint=endpoint,
        status=status,
        seconds=seconds,
        client=note.client,
        hook_instance=note.hook_instance,
        state=note.state,
        recommendations=note.recommendations,
        cards=note.cards,
        unknown=note.unknown,
        fhir=note.fhir,
        refused=note.refused,
        problem=note.problem,
    )
