"""One service call answered: parse, gather, decide, render. Used by the route and by `nelm-cds replay` alike.

What waits for the network is `retrieve_missing` alone; who has no FHIR server to ask leaves it out.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from functools import cache
from typing import Any

import uuid_utils
from msgspec import Struct

from cds_service.cards.unreadable import unreadable_card
from cds_service.decide import Evaluation, evaluate
from cds_service.errors import MalformedRequest, MissingData
from cds_service.fhir_client import NOT_TRIED, FhirClient, Retrieval
from cds_service.gather import gather, left_to_ask, read_prefetch, retrieve, retrieve_at_once
from cds_service.http.discovery import queries
from cds_service.http.services import HOOK
from cds_service.http.wire import HookRequest, parse_request, parse_with_glance
from cds_service.settings import Settings
from fhir_mappings.answer import Answer
from fhir_mappings.bundle import TooDeepError
from fhir_mappings.local_codes import NO_LOCAL_CODES, LocalCodes, with_local_codes
from fhir_mappings.terminology import Terminology, load_terminology


class Answered(Struct, frozen=True):
    """The cards of an answer and what they rest on: nothing where all they say is that required data is missing.

    `problem` is what an error would have said then.
    """

    cards: list[dict[str, Any]]
    evaluation: Evaluation | None
    problem: str = ""

    def body(self) -> dict[str, Any]:
        """The body of the HTTP answer."""
        return {"cards": self.cards} if self.evaluation is None else self.evaluation.response(self.cards)


def new_uuid() -> str:
    """A fresh uuid for a card or a suggestion.

    Ordered in time (RFC 9562, version 7): what is shown together is recorded on the same pages of an index.
    """
    return str(uuid_utils.uuid7())


def answer_call(body: bytes, settings: Settings, now: datetime) -> dict[str, Any]:
    """The body of the answer to a hook request whose data came with it.

    Raises RequestError where there is none.
    """
    return answer_request(parse_request(body), settings, now).body()


def answer_request(
    request: HookRequest,
    settings: Settings,
    now: datetime,
    retrieval: Retrieval = NOT_TRIED,
    *,
    sent: Mapping[str, Answer] | None = None,
    missing_data: str = "",
) -> Answered:
    """The answer to a request that is parsed, with what was fetched for it.

    `sent` is what was read of its prefetch, if it was. With `card` as the client's or the setting's `missing_data`,
    missing data is told on a card instead of raised, for clients that show an error as "all clear".
    """
    try:
        evaluation = evaluate_request(request, settings, now, retrieval, sent)
    except MissingData as error:
        if (missing_data or settings.missing_data) != "card":
            raise
        return Answered([unreadable_card(new_uuid)], None, str(error))
    return Answered(evaluation.cards, evaluation)


class Call(Struct, frozen=True):
    """A call that was read: its request, the answers in its prefetch, and what those leave to be asked.

    `local` are the site's own codes, which are asked for as well.
    """

    request: HookRequest
    sent: Mapping[str, Answer]
    left: Mapping[str, bytes | None]
    local: LocalCodes = NO_LOCAL_CODES

    @property
    def to_read(self) -> int:
        """How many resources of the prefetch matter, now or if the chart is one of ours."""
        return sum(len(answer.entries) + answer.undecoded.count_later for answer in self.sent.values())


def read_call(body: bytes, local: LocalCodes = NO_LOCAL_CODES, hooks: Collection[str] = (HOOK,)) -> Call:
    """Read a call; raises RequestError if it is none."""
    request, glance = parse_with_glance(body, hooks)
    sent = read_prefetch(request.prefetch, _terminology(local), glance)
    return Call(request, sent, left_to_ask(request.prefetch, sent), local)


async def retrieve_missing(call: Call, fhir: FhirClient, servers: Collection[str] | None = None) -> Retrieval:
    """What is left to be asked, from the request's FHIR server; the one step that waits for the network.

    `servers` are the bases that this caller may name; None: every base that may be contacted at all.
    """
    patient_id = call.request.context.patientId
    return await retrieve(
        call.left,
        queries=queries(patient_id, call.local),
        patient_id=patient_id,
        server=call.request.fhirServer,
        token=_token(call.request),
        fhir=fhir,
        servers=servers,
    )


def retrieve_missing_at_once(call: Call, fhir: FhirClient, servers: Collection[str] | None = None) -> Retrieval | None:
    """The same where nobody has to be waited for; None where somebody has to."""
    request = call.request
    return retrieve_at_once(call.left, server=request.fhirServer, token=_token(request), fhir=fhir, servers=servers)


def _token(request: HookRequest) -> str | None:
    return request.fhirAuthorization.access_token if request.fhirAuthorization else None


def evaluate_request(
    request: HookRequest,
    settings: Settings,
    now: datetime,
    retrieval: Retrieval = NOT_TRIED,
    sent: Mapping[str, Answer] | None = None,
) -> Evaluation:
    """Evaluate a parsed request at its own date (a story's), the settings' date, or now.

    `sent` is what was read of its prefetch, if it was.
    """
    asked = request.as_of()
    if asked is not None and settings.production:
        raise MalformedRequest("/extension/io.github.nelm-cds.as-of: refused in production")
    terminology = _terminology(settings.local_codes)
    try:
        return evaluate(
            gather(read_prefetch(request.prefetch, terminology) if sent is None else sent, retrieval),
            patient_id=request.context.patientId,
            fhir_server=request.fhirServer,
            as_of=asked or settings.as_of or now,
            new_uuid=new_uuid,
            policy=settings.policy,
            terminology=terminology,
        )
    except TooDeepError as error:
        raise MalformedRequest("A resource is nested too deeply to be read.") from error


@cache
def _terminology(local: LocalCodes) -> Terminology:
    return with_local_codes(load_terminology(), local)
