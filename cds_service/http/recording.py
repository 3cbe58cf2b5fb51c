"""What is kept of an answer: which cards were shown, for whom as a pseudonym, and on what inputs as a keyed digest."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

import orjson

from cds_service.cards.make import codes_of
from cds_service.decide import value_as_json
from cds_service.http.answer import Answered
from cds_service.http.wire import HookRequest
from cds_service.reasoning.decision import Decision
from cds_service.store import Shown, ShownCard, ShownSuggestion, keyed_digest, pseudonym
from cds_service.telemetry.calls import NOT_A_UUID, hook_instance
from fhir_mappings.facts import Unknown


def patient_of(request: HookRequest, key: bytes, client: str) -> str:
    """The pseudonym of the request's patient at this client."""
    return pseudonym(key, client, request.fhirServer, request.context.patientId)


def as_shown(answered: Answered, request: HookRequest, *, key: bytes, client: str, at: datetime) -> Shown | None:
    """The record of an answer with advice; None for silence and for a card that only says that data is missing."""
    if answered.evaluation is None or not answered.cards:
        return None
    decision = answered.evaluation.decision
    digest = inputs_digest(decision, key)
    return Shown(
        hook_instance=_instance(request.hookInstance, key),
        client=client,
        patient=patient_of(request, key, client),
        at=at,
        guideline=decision.guideline,
        edition=decision.edition,
        cards=tuple(_card(card, digest) for card in answered.cards),
    )


def inputs_digest(decision: Decision, key: bytes) -> str:
    """A keyed digest of all that decided: the edition, the path, and the inputs its steps asked about.

    Values and reasons for not knowing count, sources do not: the same result measured again is the same input.
    """
    asked = {name for step in decision.steps for name in step.inputs}
    # A pair for each, so that no value is taken for a reason.
    values = {
        name: [None, fact.why.value] if isinstance(fact, Unknown) else [value_as_json(fact.value), None]
        for name, fact in decision.inputs.items()
        if name in asked
    }
    said = [decision.guideline, decision.edition, decision.path, values]
    return keyed_digest(key, "inputs", orjson.dumps(said, option=orjson.OPT_SORT_KEYS).decode())


def _instance(text: str, key: bytes) -> str:
    """A hookInstance; one that is no UUID may be any text of the caller's, so that it is kept as a digest."""
    told = hook_instance(text)
    return told if told != NOT_A_UUID else keyed_digest(key, "hookInstance", text)


def _card(card: Mapping[str, Any], digest: str) -> ShownCard:
    return ShownCard(
        uuid=card["uuid"],
        topic=card["source"]["topic"]["code"],
        indicator=card["indicator"],
        recommendations=codes_of(card),
        suggestions=tuple(
            ShownSuggestion(suggestion["uuid"], code)
            for suggestion in card.get("suggestions", ())
            for code in codes_of(suggestion)
        ),
        inputs_digest=digest,
    )
