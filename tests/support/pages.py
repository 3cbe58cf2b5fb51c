"""The routes of the pages as an application of their own, with the answers to errors that the service gives."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from cds_service.errors import RequestError
from cds_service.http import problems
from cds_service.settings import Settings
from cds_service.web.routes import Smart, web_routes
from tests.support.service import TestClient

LONG_AGO = datetime(1950, 1, 1, tzinfo=UTC)  # a story that lost its date on the way would be seen


def pages(settings: Settings | None = None, smart: Smart | None = None) -> TestClient:
    """A client of the pages alone."""
    handlers: dict[Any, Callable[[Request, Any], Response]] = {
        RequestError: lambda request, error: problems.of_request_error(error),
        HTTPException: lambda request, error: problems.of_status(error.status_code, error.headers),
    }
    routes = web_routes(settings or Settings(), lambda: LONG_AGO, smart)
    return TestClient(Starlette(routes=routes, exception_handlers=handlers))
