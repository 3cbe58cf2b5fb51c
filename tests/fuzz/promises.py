"""What the whole pure path promises of any bytes, from the answers of a prefetch to the cards, as one check.

Shared by `make fuzz` and by the generative tests. `broken` lists what was not kept; a fault of ours is raised as it is.
"""

from __future__ import annotations

import itertools
import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import orjson
from msgspec import Raw

from cds_service.decide import Evaluation, evaluate
from cds_service.errors import MalformedRequest, RequestError
from cds_service.gather import PREFETCH_KEYS, gather, read_prefetch
from cds_service.http.wire import parse_request
from fhir_mappings.facts import Known
from tests.support.cds_hooks import complaints

AS_OF = datetime(2026, 3, 2, 12, tzinfo=UTC)
SERVER = "https://ehr.example.org/fhir"
PATIENT_ID = "p1"
PATIENT = json.dumps({"resourceType": "Patient", "id": PATIENT_ID, "birthDate": "1960-05-05"}).encode()
CONDITIONS = json.dumps({
    "resourceType": "Condition", "id": "nelm", "subject": {"reference": f"Patient/{PATIENT_ID}"},
    "code": {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C7B.02"}]},
    "verificationStatus": {"coding": [{"code": "confirmed"}]}, "clinicalStatus": {"coding": [{"code": "active"}]},
}).encode()  # fmt: skip

# `<2` is how a clinician writes an interval, and no renderer takes it for a tag.
_TAG = re.compile(r"<(?![0-9.])")
_COMMANDS = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def answer(prefetch: Mapping[str, bytes], patient_id: str = PATIENT_ID, as_of: datetime = AS_OF) -> Evaluation:
    """Evaluate the bytes of the prefetch answers, with nothing between them and the cards.

    Raises RequestError where there is no answer.
    """
    numbers = itertools.count(1)
    return evaluate(
        gather(read_prefetch({key: Raw(value) for key, value in prefetch.items()})),
        patient_id=patient_id,
        fhir_server=SERVER,
        as_of=as_of,
        new_uuid=lambda: f"00000000-0000-4000-8000-{next(numbers):012}",
    )


def broken(data: bytes) -> list[str]:
    """What does not hold of these bytes, as a hook request; if they are none, as the answer to every query."""
    before = bytearray(data)
    found: list[str] = []
    try:
        request = parse_request(data)
        prefetch = {key: bytes(value) for key, value in (request.prefetch or {}).items()}
        as_of = request.as_of() or AS_OF
    except MalformedRequest:
        for charts in _as_answers(data):
            found += broken_by(charts)
    except RequestError:
        pass
    else:
        found += broken_by(prefetch, request.context.patientId, as_of)
    return found if bytes(before) == data else [*found, "the input was altered"]


def _as_answers(data: bytes) -> Iterator[dict[str, bytes]]:
    optional = [key for key in PREFETCH_KEYS if key not in ("patient", "conditions")]
    yield {"patient": PATIENT, "conditions": CONDITIONS} | dict.fromkeys(optional, data)
    yield {"patient": PATIENT, "conditions": data}


def broken_by(prefetch: Mapping[str, bytes], patient_id: str = PATIENT_ID, as_of: datetime = AS_OF) -> list[str]:
    """What does not hold of the answer to these prefetch values; a refusal with a documented error is an answer."""
    try:
        evaluation = answer(prefetch, patient_id, as_of)
    except RequestError:
        return []
    response = evaluation.response()
    found = list(_treats_a_question(evaluation))
    try:
        sent = json.loads(orjson.dumps(response))
    except (orjson.JSONEncodeError, json.JSONDecodeError):
        return [*found, "the answer is no JSON"]
    if sent != response:
        found.append("the answer is another once it is sent")
    found += complaints(response, patient_id, set())
    if evaluation.cards and evaluation.decision.state == "out_of_scope":
        found.append("a card on a chart that is not ours")
    if not evaluation.cards and evaluation.decision.state != "out_of_scope":
        found.append("no card, as if all were clear")
    return found + [f"card text: {text!r}" for card in evaluation.cards for text in _texts(card) if not _inert(text)]


def _treats_a_question(evaluation: Evaluation) -> Iterator[str]:
    """A treatment needs a histology that is known and is ours."""
    ours = evaluation.reading.needs.nelm_confirmed
    if evaluation.decision.treatment and not (isinstance(ours, Known) and ours.value is True):
        yield "a treatment for a chart that nobody knows to be ours"


def _texts(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for member in value.values():
            yield from _texts(member)
    elif isinstance(value, list):
        for member in value:
            yield from _texts(member)


def _inert(text: str) -> bool:
    if _TAG.search(text):
        return False
    # The quick question first: hardly a text has anything but printable characters and line ends.
    return text.replace("\n", " ").isprintable() or not any(
        unicodedata.category(character) in _COMMANDS for character in text.replace("\n", " ")
    )
