"""One service call answered: parse, gather, decide, render. Used by the route and by `nelm-cds replay` alike.

What waits for the network is `retrieve_missing` alone; who has no FHIR server to ask leaves it out.
"""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any

from cds_service.cards.unreadable import unreadable_card
from cds_service.decide import Evaluation, evaluate
from cds_service.errors import MalformedRequest, MissingData
from cds_service.fhir_client import NOT_TRIED, Ask, FhirClient, Retrieval
from cds_service.gather import asks, gather, retrieve
from cds_service.http.discovery import HOOK, queries
from cds_service.http.wire import HookRequest, parse_request
from cds_service.settings import Settings
from fhir_mappings.local_codes import NO_LOCAL_CODES, LocalCodes, with_local_codes
from fhir_mappings.terminology import Terminology, load_terminology


def new_uuid() -> str:
    """A fresh uuid for a card or a suggestion."""
    return str(uuid.uuid4())


def answer_call(body: bytes, settings: Settings, now: datetime) -> dict[str, Any]:
    """The body of the answer to a hook request.

    Raises RequestError where there is none; with `NELM_CDS_MISSING_DATA=card` missing data is told on a card instead,
    for clients that show an error as "all clear".
    """
    return answer_request(parse_request(body, hook=HOOK), settings, now)


def answer_request(
    request: HookRequest, settings: Settings, now: datetime, retrieval: Retrieval = NOT_TRIED
) -> dict[str, Any]:
    """The same for a request that is parsed, with what was fetched for it."""
    try:
        return evaluate_request(request, settings, now, retrieval).response()
    except MissingData:
        if settings.missing_data != "card":
            raise
        return {"cards": [unreadable_card(new_uuid)]}


def read_call(body: bytes, local: LocalCodes = NO_LOCAL_CODES) -> tuple[HookRequest, dict[str, Ask]]:
    """The request of a call, and what its prefetch leaves to be asked; raises RequestError if it is none."""
    request = parse_request(body, hook=HOOK)
    return request, asks(request.prefetch, queries(request.context.patientId, local))


async def retrieve_missing(request: HookRequest, left: Mapping[str, Ask], fhir: FhirClient) -> Retrieval:
    """What is left to be asked, from the request's FHIR server; the one step that waits for the network."""
    authorization = request.fhirAuthorization
    return await retrieve(
        left,
        patient_id=request.context.patientId,
        server=request.fhirServer,
        token=authorization.access_token if authorization else None,
        fhir=fhir,
    )


def evaluate_request(
    request: HookRequest, settings: Settings, now: datetime, retrieval: Retrieval = NOT_TRIED
) -> Evaluation:
    """Evaluate a parsed request at its own date (a story's), the settings' date, or now."""
    asked = request.as_of()
    if asked is not None and settings.production:
        raise MalformedRequest("/extension/io.github.nelm-cds.as-of: refused in production")
    terminology = _terminology(settings.local_codes)
    return evaluate(
        gather(request.prefetch, retrieval, terminology),
        patient_id=request.context.patientId,
        fhir_server=request.fhirServer,
        as_of=asked or settings.as_of or now,
        new_uuid=new_uuid,
        policy=settings.policy,
        terminology=terminology,
    )


@cache
def _terminology(local: LocalCodes) -> Terminology:
    return with_local_codes(load_terminology(), local)
