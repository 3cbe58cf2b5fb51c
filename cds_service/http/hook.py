"""The hook: who calls, the request, what its prefetch leaves out, the decision, the answer; what was shown is kept.

Nothing here waits for the store: recording is a place in a queue, and what was overridden before is looked up while
the FHIR server is asked, within a time of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from functools import partial

import orjson
from starlette.requests import Request
from starlette.responses import Response

from cds_service.cards.make import codes_of
from cds_service.cards.quieter import quieten
from cds_service.clients import Client
from cds_service.fhir_client import NOT_TRIED, Ask, Retrieval
from cds_service.http.answer import Answered, answer_request, read_call, retrieve_missing, retrieve_missing_at_once
from cds_service.http.apart import apart
from cds_service.http.body import read_json_body
from cds_service.http.hanging_up import unless_hung_up
from cds_service.http.parts import Parts
from cds_service.http.recording import as_shown, inputs_digest, patient_of
from cds_service.http.reporting import Note
from cds_service.http.services import services_of
from cds_service.http.wire import HookRequest
from cds_service.store import Overridden, StoreUnavailableError
from fhir_mappings.facts import Unknown

# An answer speaks of a patient: nobody on the way may keep it.
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def answer_hook(request: Request, note: Note, parts: Parts) -> Response:
    """The answer to `POST /cds-services/{id}`."""
    service_id = request.path_params["service_id"]
    client = await parts.callers.client(request, note, f"/cds-services/{service_id}")
    hooks = tuple(service.hook for service in services_of(parts.services, service_id))
    body = await read_json_body(request, parts.settings.max_body_bytes)
    with parts.tracing.span("parse"):
        call = await apart(len(body), partial(read_call, body, parts.settings.local_codes, hooks))
    called = call.request
    note.hook_instance = called.hookInstance
    # Without its server's address, patients of one id from two of a client's tenants could not be told apart.
    known = parts.quieter_days and called.fhirServer
    before = asyncio.ensure_future(_overridden(called, client, parts)) if known else None
    try:
        with parts.tracing.span("gather"):
            retrieval = await _retrieved(request, called, call.left, client, parts) if call.left else NOT_TRIED
        note.fhir = _queries(retrieval)
        now = parts.clock()
        missing_data = client.profile.missing_data
        decide = partial(
            answer_request, called, parts.settings, now, retrieval, sent=call.sent, missing_data=missing_data
        )
        with parts.tracing.span("decide"):
            answered = await apart(len(body) + retrieval.size, decide)
        if before is not None:
            answered = _quieter(answered, await before, now, parts)
    finally:
        if before is not None:
            before.cancel()
    _keep(answered, called, client, now, note, parts)
    return Response(orjson.dumps(answered.body()), headers=_HEADERS, media_type="application/json")


async def _retrieved(
    request: Request, called: HookRequest, left: Mapping[str, Ask], client: Client, parts: Parts
) -> Retrieval:
    # In the open, every listed base may be named; a registered client names its own.
    servers = client.fhir_servers if parts.settings.clients else None
    at_once = retrieve_missing_at_once(called, left, parts.fhir, servers)
    if at_once is not None:
        return at_once
    return await unless_hung_up(request, retrieve_missing(called, left, parts.fhir, servers))


def _queries(retrieval: Retrieval) -> tuple[tuple[str, str, str], ...]:
    """Listed base, key and outcome of every query that was made, or would have been but for the breaker."""
    return tuple(
        (retrieval.base, key, fetched.failure.name.lower() if fetched.failure else "answered")
        for key, fetched in retrieval.fetched.items()
    )


async def _overridden(called: HookRequest, client: Client, parts: Parts) -> Sequence[Overridden]:
    """What this client's users overrode for this patient; nothing where the store does not answer in time."""
    if parts.store is None:
        return ()
    try:
        return await parts.store.overridden(
            client.name, patient_of(called, parts.settings.patient_hash_key, client.name)
        )
    except StoreUnavailableError:
        return ()


def _quieter(answered: Answered, before: Sequence[Overridden], now: datetime, parts: Parts) -> Answered:
    """The answer with those cards quieter that were overridden not long ago, on the same inputs."""
    if answered.evaluation is None or not before:
        return answered
    digest = inputs_digest(answered.evaluation.decision, parts.settings.patient_hash_key)
    earliest = now - timedelta(days=parts.quieter_days)
    still: dict[str, date] = {
        one.code: one.outcome_at.date() for one in before if one.inputs_digest == digest and one.outcome_at >= earliest
    }
    return replace(answered, cards=quieten(answered.cards, still))


def _keep(answered: Answered, called: HookRequest, client: Client, now: datetime, note: Note, parts: Parts) -> None:
    """Note what was decided, and queue what was shown."""
    note.problem = answered.problem
    if answered.evaluation is None:
        return
    decision = answered.evaluation.decision
    note.state = decision.state
    note.cards = tuple((card["source"]["topic"]["code"], card["indicator"]) for card in answered.cards)
    if not answered.cards:
        return
    note.recommendations = tuple(dict.fromkeys(code for card in answered.cards for code in codes_of(card)))
    note.unknown = tuple((name, fact.why.value) for name, fact in decision.inputs.items() if isinstance(fact, Unknown))
    if parts.store is not None:
        shown = as_shown(answered, called, key=parts.settings.patient_hash_key, client=client.name, at=now)
        if shown is not None:
            parts.store.shown(shown)
