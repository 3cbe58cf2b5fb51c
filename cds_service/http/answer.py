"""One service call answered: parse, gather, decide, render. Used by the route and by `nelm-cds replay` alike."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Any

from cds_service.cards.unreadable import unreadable_card
from cds_service.decide import Evaluation, evaluate
from cds_service.errors import MalformedRequest, MissingData
from cds_service.gather import gather
from cds_service.http.discovery import HOOK
from cds_service.http.wire import HookRequest, parse_request
from cds_service.settings import Settings


def new_uuid() -> str:
    """A fresh uuid for a card or a suggestion."""
    return str(uuid.uuid4())


def answer_call(body: bytes, settings: Settings, now: datetime) -> dict[str, Any]:
    """The body of the answer to a hook request.

    Raises RequestError where there is none; with `NELM_CDS_MISSING_DATA=card` missing data is told on a card instead,
    for clients that show an error as "all clear".
    """
    request = parse_request(body, hook=HOOK)
    try:
        return evaluate_request(request, settings, now).response()
    except MissingData:
        if settings.missing_data != "card":
            raise
        return {"cards": [unreadable_card(new_uuid)]}


def evaluate_request(request: HookRequest, settings: Settings, now: datetime) -> Evaluation:
    """Evaluate a parsed request at its own date (a story's), the settings' date, or now."""
    asked = request.as_of()
    if asked is not None and settings.production:
        raise MalformedRequest("/extension/io.github.nelm-cds.as-of: refused in production")
    return evaluate(
        gather(request.prefetch),
        patient_id=request.context.patientId,
        fhir_server=request.fhirServer,
        as_of=asked or settings.as_of or now,
        new_uuid=new_uuid,
        policy=settings.policy,
    )
