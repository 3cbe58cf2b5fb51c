"""The routes of the pages: playground, pathway and SMART app, and what they ask the service.

None of them is signed: they work on what the browser itself sends. In production they exist only for the SMART app.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from cds_service.http.body import read_json_body
from cds_service.http.discovery import queries
from cds_service.settings import Settings
from cds_service.web.evaluation import evaluate_for_the_pages
from cds_service.web.guideline import guideline
from cds_service.web.pages import Pages
from cds_service.web.stories import listed, stories

_MOST_BYTES = 16 * 1024 * 1024
_AT_ONCE = 4
_OPEN_PAGES = {"/": "index", "/pathway": "pathway"}
_SMART_PAGES = {"/launch": "launch", "/smart": "smart"}


@dataclass(frozen=True, slots=True)
class Smart:
    """How the SMART pages sign in: with which client id (None: nowhere), asking for what, at which servers.

    scope: empty for the least that the service reads. servers: authorization servers, where they are not at the origin
    of a FHIR server that is configured.
    """

    client_id: str | None = None
    scope: str = ""
    servers: tuple[str, ...] = ()


def web_routes(settings: Settings, clock: Callable[[], datetime], smart: Smart | None = None) -> list[Route]:
    """The routes; none at all in a production service without a SMART client id."""
    smart = smart or Smart()
    if settings.production and not smart.client_id:
        return []
    # Demo patients have no place among real ones.
    demo = {} if settings.production else stories()
    pages, connect = Pages(), _origins(settings, smart)
    turns = asyncio.Semaphore(_AT_ONCE)

    async def evaluate(request: Request) -> Response:
        async with turns:  # nobody is asked who they are here, so that signed calls must not wait for it
            body = await read_json_body(request, min(settings.max_body_bytes, _MOST_BYTES))
            return _json(await run_in_threadpool(evaluate_for_the_pages, body, settings, clock()))

    async def story(request: Request) -> Response:
        folder = demo.get(request.path_params["name"])
        if folder is None:
            raise HTTPException(404)
        return Response((folder / "request.json").read_bytes(), headers=_DATA)

    async def asset(request: Request) -> Response:
        return pages.asset(request.path_params["name"])

    def page(name: str, connect: tuple[str, ...] = ()) -> Callable[[Request], Response]:
        return lambda request: pages.page(name, connect)

    def fixed(body: Any) -> Callable[[Request], Response]:
        return lambda request: _json(body)

    return [
        *(Route(path, page(name), methods=["GET"]) for path, name in _OPEN_PAGES.items()),
        *(Route(path, page(name, connect), methods=["GET"]) for path, name in _SMART_PAGES.items()),
        Route("/assets/{name}", asset, methods=["GET"]),
        Route("/web/guideline.json", fixed(guideline(settings.policy)), methods=["GET"]),
        Route("/web/stories.json", fixed(listed() if demo else ()), methods=["GET"]),
        Route("/web/stories/{name}.json", story, methods=["GET"]),
        Route("/web/settings.json", fixed(_settings(settings, smart, connect)), methods=["GET"]),
        Route("/web/evaluate", evaluate, methods=["POST"]),
    ]


_DATA = {
    "Content-Type": "application/json",
    "Cache-Control": "no-store",  # an answer speaks of a patient
    "X-Content-Type-Options": "nosniff",
}


def _json(body: Any) -> Response:
    # Not orjson: a number that is supposed may have more than 64 bits.
    return Response(json.dumps(body, allow_nan=False), headers=_DATA)


def _settings(settings: Settings, smart: Smart, connect: tuple[str, ...]) -> Mapping[str, Any]:
    return {
        "public_url": settings.public_url,
        "smart": {"client_id": smart.client_id, "scope": smart.scope or _least_scope()},
        "connect": connect,
        "production": settings.production,
    }


def _least_scope() -> str:
    """To be launched in a chart, and to read of it the types that the service's own queries name."""
    types = sorted({query.partition("?")[0].partition("/")[0] for query in queries("").values()})
    return " ".join(("launch", *(f"patient/{name}.rs" for name in types)))


def _origins(settings: Settings, smart: Smart) -> tuple[str, ...]:
    of_clients = (server for client in settings.clients for server in client.fhir_servers)
    parts = [urlsplit(url) for url in (*settings.fhir_servers, *of_clients, *smart.servers)]
    return tuple(dict.fromkeys(f"{part.scheme}://{part.netloc}" for part in parts))
