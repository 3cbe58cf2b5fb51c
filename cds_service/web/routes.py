"""The routes of the pages: playground, pathway and SMART app, and what they ask the service.

None of them is signed: they work on what the browser itself sends. In production there is the SMART app alone, and
nothing at all without a SMART client id.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cds_service.clients.registry import OPEN
from cds_service.http.body import read_json_body
from cds_service.http.discovery import discovery
from cds_service.http.parts import Parts
from cds_service.http.reporting import Reported
from cds_service.http.services import HOOK, SERVICE_ID
from cds_service.settings import Settings
from cds_service.telemetry import CallReport
from cds_service.web.evaluation import evaluate_for_the_pages
from cds_service.web.guideline import guideline
from cds_service.web.pages import Pages
from cds_service.web.stories import listed, stories

_MOST_BYTES = 16 * 1024 * 1024
_AT_ONCE = 4
_OPEN_PAGES = {"/": "index", "/pathway": "pathway"}
_SMART_PAGES = {"/launch": "launch", "/smart": "smart"}


def web_routes(parts: Parts) -> list[Route]:
    """The routes, made of the service's parts; none at all in a production service without a SMART client id."""
    settings = parts.settings
    if settings.production and not settings.smart_client_id:
        return []
    pages, origins = Pages(), _origins(settings)
    turns = asyncio.Semaphore(_AT_ONCE)

    async def evaluate(request: Request, report: CallReport) -> Response:
        report.client = OPEN
        async with turns:  # nobody is asked who they are here, so that signed calls must not wait for it
            body = await read_json_body(request, min(settings.max_body_bytes, _MOST_BYTES))
            return _json(await run_in_threadpool(evaluate_for_the_pages, body, settings, parts.clock()))

    async def asset(request: Request) -> Response:
        return pages.asset(request.path_params["name"])

    def smart_page(name: str) -> Callable[[Request], Response]:
        # An EHR shows its apps in a frame, from the launch on.
        return lambda request: pages.page(name, connect=origins, framed_by=origins)

    routes = [
        *(Route(path, smart_page(name), methods=["GET"]) for path, name in _SMART_PAGES.items()),
        Route("/assets/{name}", asset, methods=["GET"]),
        Route("/web/guideline.json", _fixed(guideline(settings.policy)), methods=["GET"]),
        Route("/web/settings.json", _fixed(_settings(parts, origins)), methods=["GET"]),
        Route("/web/evaluate", Reported("evaluate", evaluate, parts.telemetry, parts.tracing), methods=["POST"]),
    ]
    return routes if settings.production else [*_open_routes(pages), *routes]


def _open_routes(pages: Pages) -> list[Route]:
    """Playground, pathway and their demo patients, which have no place among real ones."""
    demo = stories()

    async def story(request: Request) -> Response:
        folder = demo.get(request.path_params["name"])
        if folder is None:
            raise HTTPException(404)
        return Response((folder / "request.json").read_bytes(), headers=_DATA)

    def page(name: str) -> Callable[[Request], Response]:
        return lambda request: pages.page(name)

    return [
        *(Route(path, page(name), methods=["GET"]) for path, name in _OPEN_PAGES.items()),
        Route("/web/stories.json", _fixed(listed()), methods=["GET"]),
        Route("/web/stories/{name}.json", story, methods=["GET"]),
    ]


_DATA = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",  # an answer speaks of a patient
    "X-Content-Type-Options": "nosniff",
}


def _json(body: Any) -> Response:
    # Not orjson: a number that is supposed may have more than 64 bits.
    return Response(json.dumps(body, allow_nan=False), headers=_DATA)


def _fixed(body: Any) -> Callable[[Request], Response]:
    return lambda request: _json(body)


def _settings(parts: Parts, connect: tuple[str, ...]) -> Mapping[str, Any]:
    settings = parts.settings
    # Discovery is signed where clients are registered, and the browser has no key to sign with.
    told = discovery(settings.local_codes, parts.services)["services"]
    prefetch: dict[str, str] = next((service["prefetch"] for service in told if service["hook"] == HOOK), {})
    return {
        "smart": {"client_id": settings.smart_client_id, "scope": settings.smart_scope or _least_scope(prefetch)},
        "connect": connect,
        "prefetch": prefetch,
        "feedback": f"/cds-services/{SERVICE_ID}/feedback",
    }


def _least_scope(prefetch: Mapping[str, str]) -> str:
    """To be launched in a chart, and to read of it the types that the service's own queries name."""
    types = sorted({query.partition("?")[0].partition("/")[0] for query in prefetch.values()})
    return " ".join(("launch", *(f"patient/{name}.rs" for name in types)))


def _origins(settings: Settings) -> tuple[str, ...]:
    """The origins of the FHIR and authorization servers that the service is set up for."""
    of_clients = (server for client in settings.clients for server in client.fhir_servers)
    parts = [urlsplit(url) for url in (*settings.fhir_servers, *of_clients, *settings.smart_servers)]
    return tuple(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts))
