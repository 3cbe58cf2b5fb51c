"""The answers to our prefetch queries: what the caller sent, what its FHIR server adds, and an honest 412.

CDS Hooks 2.0.1, Prefetch Template: a key that is absent is not a key whose value is null. `retrieve` waits for the
network and decodes nothing. Only the two `retrieve` functions know the client; the others are pure.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import msgspec
from msgspec import Raw

from cds_service.errors import MissingData
from cds_service.fhir_client import NOT_TRIED, Ask, Chain, Failure, Fetched, FhirClient, Retrieval
from cds_service.fhir_client.paging import UnreadableLinkError, next_link
from fhir_mappings.answer import ABSENT, Answer, Availability, read_answer, says_not_supported
from fhir_mappings.compartment import PatientIdentity, Whose, whose
from fhir_mappings.relevance import judge_by
from fhir_mappings.sifting import Glance, Judge
from fhir_mappings.terminology import Terminology, load_terminology
from fhir_mappings.wire import UNREADABLE

OBSERVATIONS = "observations"
_ASKED_FOR = {
    "patient": "Patient",
    "conditions": "Condition",
    OBSERVATIONS: "Observation",
    "imaging": "ImagingStudy",
    "procedures": "Procedure",
    "medicationRequests": "MedicationRequest",
    "medicationStatements": "MedicationStatement",
    "diagnosticReports": "DiagnosticReport",
    "questionnaireResponses": "QuestionnaireResponse",
}
PREFETCH_KEYS = tuple(_ASKED_FOR)
# A search that finds nothing is no 404: the server does not serve the type. Of these, few do; of any other type that is
# a fault.
_SERVED_BY_FEW = frozenset({"imaging", "diagnosticReports", "questionnaireResponses"})
REQUIRED_KEYS = ("patient", "conditions")

_NOTHING_CAME = Answer(Availability.FAILED)

_WHY = {
    Availability.ABSENT: "is not in the request",
    Availability.FAILED: "holds an error or no FHIR resource",
    Availability.PARTIAL: "holds only the first of several pages",
}
_WHY_FETCHED = {
    Availability.FAILED: "answered with an error or no FHIR resource",
    Availability.PARTIAL: "answered only in part",
}
_SEND = "Send the key with its FHIR resource"


def read_prefetch(
    prefetch: Mapping[str, Raw] | None, terminology: Terminology | None = None, glance: Glance | None = None
) -> dict[str, Answer]:
    """The answers that came with the request, by key; a key that was not sent has none.

    Observations under codes that mean nothing in the terminology are passed over, everyday laboratory values left for
    later. `glance` is what was seen of the Observations already.
    """
    judge = judge_by(terminology or load_terminology())
    return {
        key: _read_sent(key, value, judge, glance if key == OBSERVATIONS else None)
        for key, value in (prefetch or {}).items()
        if key in _ASKED_FOR
    }


def left_to_ask(prefetch: Mapping[str, Raw] | None, sent: Mapping[str, Answer]) -> dict[str, bytes | None]:
    """What is left to ask, by key: None where it was not sent, the page where a first page was and there are more.

    `sent` is what was read of the prefetch. A key that was sent is never asked again, `null` and errors included: the
    caller has looked already.
    """
    left: dict[str, bytes | None] = {}
    for key in PREFETCH_KEYS:
        if key not in sent:
            left[key] = None
        elif sent[key].availability is not Availability.COMPLETE and prefetch and _has_next_page(prefetch[key]):
            left[key] = bytes(prefetch[key])
    return left


def retrieve_at_once(
    left: Collection[str],
    *,
    server: str | None,
    token: str | None,
    fhir: FhirClient,
    servers: Collection[str] | None = None,
) -> Retrieval | None:
    """What comes of it where nobody has to be waited for: the server may not be contacted, or is left alone."""
    access = fhir.access(server, token, servers)
    if isinstance(access, str):
        return Retrieval(not_contacted=access)
    if fhir.leaves_alone(access):
        return Retrieval(dict.fromkeys(left, Fetched(failure=Failure.LEFT_ALONE)), server=server, base=access.base.url)
    return None


async def retrieve(
    left: Mapping[str, bytes | None],
    *,
    queries: Mapping[str, str],
    patient_id: str,
    server: str | None,
    token: str | None,
    fhir: FhirClient,
    servers: Collection[str] | None = None,
) -> Retrieval:
    """Ask the request's FHIR server for what is left, if it may be contacted; else say why not.

    `queries` are relative to its base, one for each key.
    """
    access = fhir.access(server, token, servers)
    if isinstance(access, str):
        return Retrieval(not_contacted=access)
    asks = {key: Ask(queries[key], key in REQUIRED_KEYS, first_page) for key, first_page in left.items()}
    fetched = await fhir.fetch(access, asks, patient_id)
    return Retrieval(fetched, patient_id=patient_id, server=server, base=access.base.url)


def gather(sent: Mapping[str, Answer], retrieval: Retrieval = NOT_TRIED) -> dict[str, Answer]:
    """The answer to every query: what the caller sent, completed by what was fetched.

    Raises MissingData if a required key has no complete answer: then nobody can say whether the chart is ours.
    """
    answers = gather_all(sent, retrieval)
    _require(answers, sent, retrieval)
    return answers


def gather_all(sent: Mapping[str, Answer], retrieval: Retrieval = NOT_TRIED) -> dict[str, Answer]:
    """The answer to every query, of a chart of which anything may be missing; unlike `gather` it raises nothing."""
    if not retrieval.fetched:
        return {key: sent.get(key, ABSENT) for key in PREFETCH_KEYS}
    patient = PatientIdentity(retrieval.patient_id, retrieval.server, ())
    answers: dict[str, Answer] = {}
    for key, resource_type in _ASKED_FOR.items():
        fetched = retrieval.fetched.get(key)
        if fetched is not None and key in _SERVED_BY_FEW and fetched.failure is Failure.NOT_FOUND:
            answers[key] = ABSENT
        elif fetched is not None and (fetched.chains or key not in sent):
            answers[key] = _read_fetched(fetched, resource_type, patient)
        else:
            answers[key] = sent.get(key, ABSENT)
    return answers


def _read_sent(key: str, value: Raw, judge: Judge, glance: Glance | None) -> Answer:
    answer = read_answer(value, _ASKED_FOR[key], judge, glance)
    refused = key in _SERVED_BY_FEW and answer.availability is Availability.FAILED
    return ABSENT if refused and says_not_supported(value) else answer


def _has_next_page(value: Raw) -> bool:
    try:
        return next_link(value) is not None
    except UnreadableLinkError:
        return False


def _read_fetched(fetched: Fetched, resource_type: str, patient: PatientIdentity) -> Answer:
    """One answer out of all pages; complete only if everything was asked, answered and about this patient."""
    if not fetched.chains:
        return _NOTHING_CAME
    parts = [_read_chain(chain, resource_type) for chain in fetched.chains]
    entries = tuple(entry for part in parts for entry in part.entries)
    malformed = tuple(piece for part in parts for piece in part.malformed)
    if all(part.availability is Availability.FAILED for part in parts):
        return Answer(Availability.FAILED, malformed=malformed)
    # A server that shows another patient has not answered our question, on whichever page it went astray.
    astray = any(entry.resource and whose(entry.resource, patient) is Whose.OTHER_PATIENT for entry in entries)
    complete = fetched.whole and not astray and all(map(_complete, parts))
    return Answer(Availability.COMPLETE if complete else Availability.PARTIAL, entries, malformed)


def _read_chain(chain: Chain, resource_type: str) -> Answer:
    answers = [read_answer(_page_alone(page), resource_type) for page in chain.pages]
    failed = [answer.availability is Availability.FAILED for answer in answers]
    if all(failed):
        return Answer(Availability.FAILED, malformed=tuple(piece for a in answers for piece in a.malformed))
    entries = tuple(entry for answer in answers for entry in answer.entries)
    malformed = tuple(piece for answer in answers for piece in answer.malformed)
    announced = _total(chain.pages)
    less = announced is not None and announced > len(entries) + len(malformed)
    complete = chain.ended and not less and all(map(_complete, answers))
    return Answer(Availability.COMPLETE if complete else Availability.PARTIAL, entries, malformed)


def _page_alone(page: bytes) -> bytes:
    """The page without what speaks of other pages: those were followed, and are counted over all of them."""
    members = _members(page)
    if members.get("resourceType") != Raw(b'"Bundle"'):
        return page
    return msgspec.json.encode({name: value for name, value in members.items() if name not in ("link", "total")})


def _total(pages: Sequence[bytes]) -> int | None:
    try:
        return msgspec.json.decode(bytes(_members(pages[0]).get("total", b"null")), type=int | None)
    except msgspec.DecodeError:
        return None


def _members(page: bytes) -> dict[str, Raw]:
    try:
        return msgspec.json.decode(page, type=dict[str, Raw])
    except UNREADABLE:
        return {}


def _require(answers: Mapping[str, Answer], sent: Mapping[str, Answer], retrieval: Retrieval) -> None:
    """Raise MissingData naming every required key without a complete answer, and what to do about it."""
    missing = [
        f"'{key}' {_why(answers[key].availability, key in sent, retrieval.fetched.get(key))}"
        for key in REQUIRED_KEYS
        if not _complete(answers[key])
    ]
    if not missing and not answers["patient"].entries:
        missing = ["'patient' holds no Patient"]
    if missing:
        advice = f"{_SEND}. {retrieval.not_contacted}" if retrieval.not_contacted else f"{_SEND}."
        raise MissingData(f"Required prefetch could not be had: {'; '.join(missing)}. {advice}")


def _why(availability: Availability, was_sent: bool, fetched: Fetched | None) -> str:
    if fetched is None:
        return _WHY[availability]
    in_request = _WHY[Availability.PARTIAL if was_sent else Availability.ABSENT]
    return f"{in_request}, and the FHIR server {fetched.failure or _WHY_FETCHED[availability]}"


def _complete(answer: Answer) -> bool:
    return answer.availability is Availability.COMPLETE
