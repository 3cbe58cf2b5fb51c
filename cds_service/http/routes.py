"""The routes: discovery, the hook, health. A route parses, has the rest fetched, hands over, and renders."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from functools import partial
from typing import TypeVar

import orjson
from fastapi import APIRouter
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response

from cds_service.errors import UnknownService
from cds_service.fhir_client import NOT_TRIED, FhirClient
from cds_service.http.answer import answer_request, read_call, retrieve_missing
from cds_service.http.body import read_json_body
from cds_service.http.discovery import SERVICE_ID, discovery
from cds_service.http.hanging_up import unless_hung_up
from cds_service.settings import Settings

T = TypeVar("T")

# Above this a chart takes more than a few milliseconds; other calls must not wait for it.
_OFF_THE_EVENT_LOOP = 64 * 1024


def make_router(settings: Settings, clock: Callable[[], datetime], fhir: FhirClient) -> APIRouter:
    """The routes of the service with these settings, this clock and this client of the callers' FHIR servers."""
    router = APIRouter()

    @router.get("/cds-services")
    async def discover() -> Response:
        return _json(discovery(settings.local_codes))

    @router.post("/cds-services/{service_id}")
    async def call(service_id: str, request: Request) -> Response:
        if service_id != SERVICE_ID:
            raise UnknownService("There is no service of this id; GET /cds-services lists them.")
        body = await read_json_body(request, settings.max_body_bytes)
        called, left = await _apart(len(body), partial(read_call, body, settings.local_codes))
        retrieval = await unless_hung_up(request, retrieve_missing(called, left, fhir)) if left else NOT_TRIED
        size = len(body) + retrieval.size
        return _json(await _apart(size, partial(answer_request, called, settings, clock(), retrieval)))

    @router.get("/healthz")
    async def health() -> Response:
        return _json({"status": "ok"})

    @router.get("/readyz")
    async def ready() -> Response:
        # The application answers only after its warm-up (`app`), so being asked is being ready.
        return _json({"status": "ready"})

    return router


async def _apart(size: int, work: Callable[[], T]) -> T:
    """Do the work in a thread if it is on that many bytes that it would hold up the others."""
    return await run_in_threadpool(work) if size > _OFF_THE_EVENT_LOOP else work()


def _json(body: object) -> Response:
    return Response(orjson.dumps(body), media_type="application/json")
