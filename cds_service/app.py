"""The composition root: settings, clock, store, telemetry, routes and shell become one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import datetime
from functools import partial
from typing import Any

from fastapi import FastAPI
from starlette.types import ASGIApp

from cds_service import __version__
from cds_service.clients import InMemoryUsedTokens
from cds_service.clock import now
from cds_service.fhir_client import FhirClient, Limits
from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.http.callers import Callers
from cds_service.http.discovery import discovery
from cds_service.http.openapi import openapi
from cds_service.http.parts import Parts
from cds_service.http.routes import make_routes
from cds_service.http.services import SERVICES, Service
from cds_service.http.shell import CatchAll, Cors, TidyPaths
from cds_service.http.warm_up import warm_up
from cds_service.settings import Settings
from cds_service.store import Store
from cds_service.telemetry import Telemetry, Tracing
from cds_service.web.routes import web_routes
from cds_service.web.stories import stories

_BUILD = {"version": __version__, "guideline": NELM_2006.id, "edition": NELM_2006.edition}


def create_app(
    settings: Settings, clock: Callable[[], datetime] = now, services: tuple[Service, ...] = SERVICES
) -> FastAPI:
    """Build the application; it answers only after its warm-up, so that the first chart opens as fast as the next."""
    parts = _parts(settings, clock, services)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        warm_up()
        for client in (*settings.clients, None):
            discovery(settings.local_codes, services, client.profile.version if client else "")
        async with AsyncExitStack() as stack:
            # The store leaves last: what the last calls showed is still to be written.
            for part in (parts.tracing, parts.store, parts.callers, parts.fhir):
                if part is not None:
                    await stack.enter_async_context(part)
            yield

    app = _Application(
        title="nelm-cds",
        version=__version__,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        # Its own traces hold whole exceptions, whose messages may quote a chart; ours are in `telemetry`.
        telemetry={"tracing": False, "metrics": False, "logs": False, "auto_configure": False},
    )
    # FastAPI names this attribute as the place to put a document of one's own.
    app.openapi = partial(_described, settings, services)  # type: ignore[method-assign]
    # Asked in this order: the hook has most of the calls, FastAPI's own document the fewest.
    app.router.routes[:0] = [*make_routes(parts), *web_routes(parts)]
    # Added last is outermost: CORS headers stand on every answer to a page, faults of ours included.
    app.add_middleware(CatchAll)
    app.add_middleware(TidyPaths)
    app.add_middleware(
        Cors,
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST", "OPTIONS"],
        allow_headers=["Authorization", "Content-Type"],
        # A browser asks for it when a page from outside calls a service on the reader's own machine.
        allow_private_network=not settings.production,
    )
    return app


class _Application(FastAPI):
    """FastAPI with the middleware that was added, and none of its own, through which every call would pass.

    Left out are its limit of bodies (ours: `http.body`), its telemetry (ours: `telemetry`), its handlers of exceptions
    (`Reported` and `CatchAll`; one that is added is never asked), and the closing of forms, of which there are none.
    """

    def build_middleware_stack(self) -> ASGIApp:
        """The middleware that was added, around the routes."""
        app: ASGIApp = self.router
        for middleware in reversed(self.user_middleware):
            app = middleware.cls(app, *middleware.args, **middleware.kwargs)
        return app


def _parts(settings: Settings, clock: Callable[[], datetime], services: tuple[Service, ...]) -> Parts:
    limits = Limits(budget_seconds=settings.fhir_budget_seconds, request_seconds=settings.fhir_request_seconds)
    of_clients = [base for client in settings.clients for base in client.fhir_servers]
    bases = of_clients if settings.clients else settings.fhir_servers
    fhir = FhirClient(bases, production=settings.production, limits=limits)
    store = Store(settings.database_url, clock) if settings.database_url else None
    return Parts(
        settings=settings,
        clock=clock,
        services=services,
        callers=Callers(settings, store or InMemoryUsedTokens(clock), clock),
        fhir=fhir,
        store=store,
        telemetry=Telemetry(store=store, breakers=fhir.open_breakers, build=_BUILD),
        tracing=Tracing(settings.otlp_endpoint, __version__),
    )


def _described(settings: Settings, services: tuple[Service, ...]) -> dict[str, Any]:
    """The OpenAPI document: by hand, as the bodies are not FastAPI's to read; with examples from a demo patient."""
    story = stories()["nothing-known-yet"] / "request.json"
    return openapi(story.read_bytes(), signed=bool(settings.clients), services=services)
