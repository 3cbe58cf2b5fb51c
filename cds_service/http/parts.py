"""What the routes work with, put together once by the composition root."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from cds_service.fhir_client import FhirClient
from cds_service.http.callers import Callers
from cds_service.http.services import Service
from cds_service.settings import Settings
from cds_service.store import Store
from cds_service.telemetry import Telemetry, Tracing


@dataclass(frozen=True, slots=True)
class Parts:
    """Settings, clock, and everything that outlives a call. Without a store nothing is kept and no feedback taken."""

    settings: Settings
    clock: Callable[[], datetime]
    services: tuple[Service, ...]
    callers: Callers
    fhir: FhirClient
    store: Store | None
    telemetry: Telemetry
    tracing: Tracing

    @property
    def quieter_days(self) -> int:
        """For how many days overridden recommendations are shown quieter; 0: not at all."""
        return self.settings.quieter_days if self.store is not None else 0
