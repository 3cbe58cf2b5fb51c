"""The composition root: settings, clock, routes and shell become one ASGI application."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime

from fastapi import FastAPI
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.requests import Request
from starlette.responses import Response

from cds_service import __version__
from cds_service.clock import now
from cds_service.errors import RequestError
from cds_service.fhir_client import FhirClient, Limits
from cds_service.http import problems
from cds_service.http.discovery import discovery
from cds_service.http.routes import make_router
from cds_service.http.shell import CatchAll, TidyPaths
from cds_service.http.warm_up import warm_up
from cds_service.settings import Settings
from cds_service.web.demo import demo_router


def create_app(settings: Settings, clock: Callable[[], datetime] = now) -> FastAPI:
    """Build the application; it answers only after its warm-up, so that the first chart opens as fast as the next."""
    limits = Limits(budget_seconds=settings.fhir_budget_seconds, request_seconds=settings.fhir_request_seconds)
    fhir = FhirClient(settings.fhir_servers, production=settings.production, limits=limits)

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        warm_up()
        discovery(settings.local_codes)
        async with fhir:
            yield

    app = FastAPI(
        title="nelm-cds",
        version=__version__,
        description="CDS Hooks service for neuroendocrine liver metastases, after the 2006 Utrecht protocol.",
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
    )
    app.include_router(make_router(settings, clock, fhir))
    if not settings.production:
        app.include_router(demo_router(settings))
    app.add_exception_handler(RequestError, _request_error)
    app.add_exception_handler(HTTPException, _http_error)
    # Added last is outermost: CORS headers stand on every answer, faults of ours included.
    app.add_middleware(CatchAll)
    app.add_middleware(TidyPaths)
    app.add_middleware(
        CORSMiddleware,
        allow_origins=list(settings.cors_origins),
        allow_methods=["GET", "POST", "OPTIONS"],
        allow_headers=["Authorization", "Content-Type"],
    )
    return app


async def _request_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestError)  # noqa: S101 - registered for this class
    return problems.of_request_error(error)


async def _http_error(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this class
    return problems.of_status(error.status_code, error.headers)
