"""Applications for rows that ask for another service than ours, started by uvicorn in a process of their own.

Each reads the NELM_CDS_ settings as `nelm-cds serve` does and differs from it in what its name says.
"""

from __future__ import annotations

import logging
import os
import sys
from dataclasses import replace
from typing import Any, NoReturn

from fastapi import FastAPI

from cds_service.app import create_app
from cds_service.http import answer as answering
from cds_service.http import body
from cds_service.http.services import NELM_PATIENT_VIEW, SERVICES, Service
from cds_service.settings import Settings
from cds_service.store.migrate import upgrade

SECOND_HOOK = "encounter-start"


def without_services() -> FastAPI:
    """Nothing on offer."""
    return _app(services=())


def one_id_on_two_hooks() -> FastAPI:
    """One logical service that follows the workflow from one hook to the next."""
    return _app(services=(NELM_PATIENT_VIEW, replace(NELM_PATIENT_VIEW, hook=SECOND_HOOK)))


def without_feedback() -> FastAPI:
    """Our service, but nobody can say what became of its cards."""
    return _app(services=(replace(NELM_PATIENT_VIEW, feedback=False),))


def that_fails() -> FastAPI:
    """Our service with a fault of its own, whose message quotes the whole request."""

    def fail(*chart: Any, **known: Any) -> NoReturn:
        raise KeyError(f"{chart!r} {known!r}")

    vars(answering)["evaluate"] = fail
    return _app()


def that_waits_briefly() -> FastAPI:
    """Our service, which gives a body one second to arrive."""
    vars(body)["_SECONDS"] = 1
    return _app()


def that_logs_everything() -> FastAPI:
    """Our service with every logger of the process at DEBUG."""
    logging.basicConfig(level=logging.DEBUG, stream=sys.stderr, force=True)
    return _app()


def _app(services: tuple[Service, ...] = SERVICES) -> FastAPI:
    settings = Settings.from_environ(os.environ)
    if settings.database_url is not None:
        upgrade(settings.database_url)
    return create_app(settings, services=services)
