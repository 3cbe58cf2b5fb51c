"""The hook: who calls, the request, what its prefetch leaves out, the decision, the answer; what was shown is kept.

Nothing here waits for the store longer than a fifth of a second: what was overridden is looked up for an answer with
cards alone, and what was shown is queued once the answer is sent.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from functools import partial

import orjson
from msgspec.structs import replace
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import Response

from cds_service.cards.make import codes_of
from cds_service.cards.quieter import quieten
from cds_service.clients import Client
from cds_service.fhir_client import NOT_TRIED, Retrieval
from cds_service.http.answer import (
    Answered,
    Call,
    answer_request,
    read_call,
    retrieve_missing,
    retrieve_missing_at_once,
)
from cds_service.http.apart import MOST_BYTES, MOST_BYTES_FETCHED, MOST_RESOURCES, apart
from cds_service.http.body import read_json_body
from cds_service.http.hanging_up import unless_hung_up
from cds_service.http.parts import Parts
from cds_service.http.recording import as_shown, inputs_digest, patient_of
from cds_service.http.services import services_of
from cds_service.http.wire import HookRequest
from cds_service.store import Overridden, StoreUnavailableError
from cds_service.telemetry import CallReport
from fhir_mappings.facts import Unknown

# An answer speaks of a patient: nobody on the way may keep it.
_HEADERS = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}


async def answer_hook(request: Request, report: CallReport, parts: Parts) -> Response:
    """The answer to `POST /cds-services/{id}`."""
    service_id = request.path_params["service_id"]
    client = await parts.callers.client(request, report, f"/cds-services/{service_id}")
    hooks = tuple(service.hook for service in services_of(parts.services, service_id))
    body = await read_json_body(request, parts.settings.max_body_bytes)
    large = len(body) > MOST_BYTES
    call, answered = await apart(large, partial(_read, body, hooks, client, report, parts, large))
    if answered is None:
        retrieval = NOT_TRIED
        if call.left:
            with parts.tracing.span("gather"):
                retrieval = await _retrieved(request, call, client, parts)
            report.fhir = _queries(retrieval)
        takes_long = large or call.to_read > MOST_RESOURCES or retrieval.size > MOST_BYTES_FETCHED
        answered = await apart(takes_long, partial(_decided, call, retrieval, client, parts))
    if answered.cards and parts.quieter_days and call.request.fhirServer:
        # Without its server's address, patients of one id from two of a client's tenants could not be told apart.
        answered = _quieter(answered, await _overridden(call.request, client, parts), parts)
    _describe(answered, report)
    keep = BackgroundTask(_keep, answered, call.request, client, parts) if parts.store and answered.cards else None
    return Response(orjson.dumps(answered.body()), headers=_HEADERS, media_type="application/json", background=keep)


def _read(
    body: bytes, hooks: Collection[str], client: Client, report: CallReport, parts: Parts, in_thread: bool
) -> tuple[Call, Answered | None]:
    """The call, and its answer where nothing is left to be asked and making it holds up nobody."""
    with parts.tracing.span("parse"):
        call = read_call(body, parts.settings.local_codes, hooks)
    report.hook_instance = call.request.hookInstance
    if call.left or (call.to_read > MOST_RESOURCES and not in_thread):
        return call, None
    return call, _decided(call, NOT_TRIED, client, parts)


def _decided(call: Call, retrieval: Retrieval, client: Client, parts: Parts) -> Answered:
    with parts.tracing.span("decide"):
        return answer_request(
            call.request,
            parts.settings,
            parts.clock(),
            retrieval,
            sent=call.sent,
            missing_data=client.profile.missing_data,
        )


async def _retrieved(request: Request, call: Call, client: Client, parts: Parts) -> Retrieval:
    # In the open, every listed base may be named; a registered client names its own.
    servers = client.fhir_servers if parts.settings.clients else None
    at_once = retrieve_missing_at_once(call, parts.fhir, servers)
    if at_once is not None:
        return at_once
    return await unless_hung_up(request, retrieve_missing(call, parts.fhir, servers))


def _queries(retrieval: Retrieval) -> tuple[tuple[str, str, str], ...]:
    """Listed base, key and outcome of every query that was made, or would have been but for the breaker."""
    return tuple(
        (retrieval.base, key, fetched.failure.name.lower() if fetched.failure else "answered")
        for key, fetched in retrieval.fetched.items()
    )


async def _overridden(called: HookRequest, client: Client, parts: Parts) -> Sequence[Overridden]:
    """What this client's users overrode for this patient; nothing where the store does not answer in time."""
    assert parts.store is not None  # noqa: S101 - without one, nothing gets quieter
    try:
        return await parts.store.overridden(
            client.name, patient_of(called, parts.settings.patient_hash_key, client.name)
        )
    except StoreUnavailableError:
        return ()


def _quieter(answered: Answered, before: Sequence[Overridden], parts: Parts) -> Answered:
    """The answer with those cards quieter that were overridden not long ago, on the same inputs."""
    if answered.evaluation is None or not before:
        return answered
    digest = inputs_digest(answered.evaluation.decision, parts.settings.patient_hash_key)
    earliest = parts.clock() - timedelta(days=parts.quieter_days)
    still: dict[str, date] = {
        one.code: one.outcome_at.date() for one in before if one.inputs_digest == digest and one.outcome_at >= earliest
    }
    return replace(answered, cards=quieten(answered.cards, still))


def _describe(answered: Answered, report: CallReport) -> None:
    """Report what was decided."""
    report.problem = answered.problem
    if answered.evaluation is None:
        return
    decision = answered.evaluation.decision
    report.state = decision.state
    if not answered.cards:
        return
    report.cards = tuple((card["source"]["topic"]["code"], card["indicator"]) for card in answered.cards)
    report.recommendations = tuple(dict.fromkeys(code for card in answered.cards for code in codes_of(card)))
    report.unknown = tuple(
        (name, fact.why.value) for name, fact in decision.inputs.items() if isinstance(fact, Unknown)
    )


async def _keep(answered: Answered, called: HookRequest, client: Client, parts: Parts) -> None:
    """Queue what was shown, once it is sent; nothing is waited for in between, so that no feedback comes before.

    A coroutine, because Starlette runs a plain function in a thread.
    """
    shown = as_shown(answered, called, key=parts.settings.patient_hash_key, client=client.name, at=parts.clock())
    if shown is not None and parts.store is not None:
        parts.store.shown(shown)
