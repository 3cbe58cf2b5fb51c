"""The service with its pages, at a date at which no story happens."""

from __future__ import annotations

from datetime import UTC, datetime

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.support.service import TestClient

LONG_AGO = datetime(1950, 1, 1, tzinfo=UTC)  # a story that lost its date on the way would be seen


def pages(settings: Settings | None = None) -> TestClient:
    """A client of the pages; a fault of the service is an answer, not an exception."""
    return TestClient(create_app(settings or Settings(), lambda: LONG_AGO), raise_server_exceptions=False)
