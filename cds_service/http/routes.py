"""The routes: discovery, the hook, health. A route parses, hands over, and renders; nothing else."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from cds_service.errors import UnknownService
from cds_service.http.answer import answer_call
from cds_service.http.body import read_json_body
from cds_service.http.discovery import SERVICE_ID, discovery
from cds_service.settings import Settings

# Above this a chart takes more than a few milliseconds; other calls must not wait for it.
_OFF_THE_EVENT_LOOP = 64 * 1024


def make_router(settings: Settings, clock: Callable[[], datetime]) -> APIRouter:
    """The routes of the service with these settings and this clock."""
    router = APIRouter()

    @router.get("/cds-services")
    async def discover() -> Response:
        return _json(discovery())

    @router.post("/cds-services/{service_id}")
    async def call(service_id: str, request: Request) -> Response:
        if service_id != SERVICE_ID:
            raise UnknownService("There is no service of this id; GET /cds-services lists them.")
        body = await read_json_body(request, settings.max_body_bytes)
        if len(body) > _OFF_THE_EVENT_LOOP:
            return _json(await run_in_threadpool(answer_call, body, settings, clock()))
        return _json(answer_call(body, settings, clock()))

    @router.get("/healthz")
    async def health() -> Response:
        return _json({"status": "ok"})

    @router.get("/readyz")
    async def ready() -> Response:
        # The application answers only after its warm-up (`app`), so being asked is being ready.
        return _json({"status": "ready"})

    return router


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
