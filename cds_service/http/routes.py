"""The routes: discovery, the hook, feedback, health, metrics; who may call is asked first, health is never signed.

They are Starlette's own routes: what FastAPI adds for parameters it would add to every call, and there are none.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial

import orjson
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cds_service.http.discovery import discovery
from cds_service.http.feedback import take_feedback
from cds_service.http.hook import answer_hook
from cds_service.http.parts import Parts
from cds_service.http.reporting import Reported
from cds_service.telemetry import CallReport

Handler = Callable[[Request, CallReport, Parts], Awaitable[Response]]


def make_routes(parts: Parts) -> list[Route]:
    """The routes of the service, made of these parts."""

    def told(endpoint: str, handler: Handler) -> Reported:
        return Reported(
            endpoint, lambda request, report: handler(request, report, parts), parts.telemetry, parts.tracing
        )

    return [
        Route("/cds-services/{service_id}", told("hook", answer_hook), methods=["POST"]),
        Route("/cds-services", told("discovery", _discover), methods=["GET"]),
        Route("/cds-services/{service_id}/feedback", told("feedback", take_feedback), methods=["POST"]),
        Route("/healthz", _health, methods=["GET"]),
        Route("/readyz", partial(_ready, parts), methods=["GET"]),
        Route("/metrics", partial(_metrics, parts), methods=["GET"]),
    ]


async def _discover(request: Request, report: CallReport, parts: Parts) -> Response:
    client = await parts.callers.client(request, report, "/cds-services")
    return _json(discovery(parts.settings.local_codes, parts.services, client.profile.version))


async def _health(request: Request) -> Response:
    return _json({"status": "ok"})


async def _ready(parts: Parts, request: Request) -> Response:
    """Ready once it is asked: the application answers only after its warm-up, and never needs the store to advise."""
    store = "none" if parts.store is None else "reachable" if parts.store.reachable else "unreachable"
    return _json({"status": "ready", "store": store})


async def _metrics(parts: Parts, request: Request) -> Response:
    content, media_type = parts.telemetry.exposition(request.headers.get("accept", ""))
    return Response(content, headers={"Content-Type": media_type})


def _json(body: Mapping[str, object]) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
