"""From the answers to our prefetch queries to one patient's chart, keeping four kinds of nothing apart.

An answer is absent (not asked or not sent), failed (OperationOutcome, or not FHIR at all), partial (more pages exist)
or complete; a complete answer may be empty. Resources of other patients, without a subject or not decodable are left
out of the chart and listed in it with the reason: nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from msgspec.structs import replace

from fhir_mappings.compartment import PatientIdentity, Whose, whose
from fhir_mappings.decoding import Malformed, decode
from fhir_mappings.terminology import Concept, Terminology
from fhir_mappings.wire import Coded, Entry, Resource


class Availability(StrEnum):
    """What became of one query; only COMPLETE lets "nothing there" mean "nothing recorded"."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"
    ABSENT = "absent"


@dataclass(frozen=True, slots=True)
class Answer:
    """The decoded answer to one query."""

    availability: Availability
    entries: tuple[Entry, ...] = ()
    malformed: tuple[Malformed, ...] = ()


ABSENT = Answer(Availability.ABSENT)

_FAILURES = frozenset({"error", "fatal"})
# Issue codes of a warning beside the hits: some results were left out (Epic 59204), so "nothing there" means nothing.
_WITHHELD = frozenset({"suppressed", "incomplete"})


class WhyUnused(StrEnum):
    """Why a resource was looked at and not used."""

    OTHER_PATIENT = "other_patient"
    NO_SUBJECT = "no_subject"
    MALFORMED = "malformed"
    MODIFIER = "modifier_extension_not_understood"
    STATUS = "status"
    NOT_DIAGNOSTIC = "not_diagnostic"
    NOT_SUPPORTED = "fhir_version_not_supported"


@dataclass(frozen=True, slots=True)
class Unused:
    """One resource that was looked at and not used, with its code and the concepts it would have informed."""

    reference: str
    why: WhyUnused
    concepts: frozenset[Concept] = frozenset()
    detail: str | None = None
    code: Coded | None = None


class PatientMismatchError(ValueError):
    """The Patient in the answer is not the patient whose chart is open."""


@dataclass(frozen=True, slots=True)
class Chart:
    """One patient's usable resources by type, what each query brought, and what was left out."""

    patient: Resource
    as_of: datetime
    terminology: Terminology
    availability: Mapping[str, Availability]
    resources: Mapping[str, tuple[Resource, ...]]
    unused: tuple[Unused, ...] = field(default=())

    def of_type(self, resource_type: str) -> tuple[Resource, ...]:
        """This patient's resources of one type, in no particular order."""
        return self.resources.get(resource_type, ())

    def concepts(self, coded: Coded | None) -> frozenset[Concept]:
        """Every concept that any coding of the element stands for."""
        return concepts_of(coded, self.terminology)


def concepts_of(coded: Coded | None, terminology: Terminology) -> frozenset[Concept]:
    """Every concept that any coding of the element stands for; text alone stands for nothing."""
    if coded is None:
        return frozenset()
    found: frozenset[Concept] = frozenset()
    for coding in coded.codings():
        found |= terminology.concepts(coding.system, coding.code)
    return found


def read_answer(raw: bytes | None, resource_type: str | None = None) -> Answer:
    """Decode the value of one prefetch key (or one server answer); `None` stands for a key that is not there.

    `resource_type` is what the query asked for: a lone resource of another type is no answer to it.
    """
    if raw is None:
        return ABSENT
    if raw.strip() == b"null":
        return Answer(Availability.COMPLETE)
    resource, malformed = decode(raw)
    if resource is None or resource.resourceType is None:
        return Answer(Availability.FAILED, malformed=tuple(malformed))
    if resource.resourceType == "OperationOutcome":
        return Answer(Availability.FAILED)
    if resource.resourceType != "Bundle" and resource_type not in (None, resource.resourceType):
        return Answer(Availability.FAILED)
    if resource.resourceType != "Bundle":
        return Answer(Availability.COMPLETE, (Entry(resource=_without_entries(resource)),), tuple(malformed))
    entries = tuple(_flatten(resource))
    if _query_failed(resource, malformed):
        return Answer(Availability.FAILED)
    issues = [issue for entry in entries if entry.resource for issue in entry.resource.issue or ()]
    if any(issue.severity in _FAILURES for issue in issues):
        return Answer(Availability.FAILED)
    partial = _has_next(resource) or _lost_something(resource, entries, malformed)
    partial = partial or any(issue.code in _WITHHELD for issue in issues)
    usable = tuple(e for e in entries if e.resource and e.resource.resourceType != "OperationOutcome")
    return Answer(Availability.PARTIAL if partial else Availability.COMPLETE, usable, tuple(malformed))


def build_chart(
    answers: Mapping[str, Answer],
    *,
    patient_id: str,
    fhir_server: str | None,
    as_of: datetime,
    terminology: Terminology,
) -> Chart:
    """Assemble the chart of the context patient from the answers.

    Raises PatientMismatchError if the `patient` answer is another Patient; the other answers may hold other patients'
    resources (they are set aside), because servers do send them.
    """
    patient = _context_patient(answers.get("patient", ABSENT), patient_id)
    entries = [entry for answer in answers.values() for entry in answer.entries]
    identity = PatientIdentity.of(patient_id, fhir_server, _patient_urls(entries, patient_id))
    usable: dict[str, dict[str, Resource]] = {}
    unused: dict[str, Unused] = {}
    for number, entry in enumerate(entries):
        resource = entry.resource
        if resource is None or resource.resourceType in (None, "Patient"):
            continue
        # Two results without an id are two results; only copies with the same id are one.
        key = resource.reference if resource.id else f"{resource.reference}#{number}"
        reason = _why_unused(resource, identity)
        if reason is None:
            kept = usable.setdefault(str(resource.resourceType), {})
            kept[key] = _newer(kept.get(key), resource)
        else:
            concepts = concepts_of(resource.code, terminology)
            unused[key] = Unused(resource.reference, reason, concepts, code=resource.code)
    for number, item in enumerate(piece for answer in answers.values() for piece in answer.malformed):
        unused[f"{item.reference}#malformed-{number}"] = Unused(
            item.reference, WhyUnused.MALFORMED, concepts_of(item.code, terminology), item.where, item.code
        )
    return Chart(
        patient=patient,
        as_of=as_of,
        terminology=terminology,
        availability={key: answer.availability for key, answer in answers.items()},
        resources={kind: tuple(items.values()) for kind, items in usable.items()},
        unused=tuple(unused[reference] for reference in sorted(unused)),
    )


def _context_patient(answer: Answer, patient_id: str) -> Resource:
    patients = [e.resource for e in answer.entries if e.resource and e.resource.resourceType == "Patient"]
    if len(patients) != 1 or patients[0].id != patient_id:
        raise PatientMismatchError("the Patient that was sent is not the patient whose chart is open")
    return patients[0]


def _patient_urls(entries: list[Entry], patient_id: str) -> Iterator[str]:
    for entry in entries:
        resource = entry.resource
        if resource and resource.resourceType == "Patient" and resource.id == patient_id and entry.fullUrl:
            yield entry.fullUrl


def _why_unused(resource: Resource, identity: PatientIdentity) -> WhyUnused | None:
    belongs_to = whose(resource, identity)
    if belongs_to is not Whose.THIS_PATIENT:
        return WhyUnused.OTHER_PATIENT if belongs_to is Whose.OTHER_PATIENT else WhyUnused.NO_SUBJECT
    # A modifier extension may negate what it stands on; none is known to us, so none is understood.
    return WhyUnused.MODIFIER if resource.modifierExtension else None


def _newer(kept: Resource | None, resource: Resource) -> Resource:
    """Of two copies of one resource the later version; servers repeat rows, and pages overlap."""
    if kept is None:
        return resource
    return max(kept, resource, key=lambda r: ((r.meta and r.meta.lastUpdated) or "", repr(r)))


def _flatten(bundle: Resource) -> Iterator[Entry]:
    """The entries of a Bundle, and of the Bundles inside it (a batch-response holds one per query)."""
    for entry in bundle.entry or ():
        if entry.resource is not None and entry.resource.resourceType == "Bundle":
            yield from _flatten(entry.resource)
        elif entry.resource is not None:
            yield Entry(entry.fullUrl, _without_entries(entry.resource), entry.search)


def _without_entries(resource: Resource) -> Resource:
    """Only Bundles have entries; on anything else they are an endless nesting that no reader should walk into."""
    return resource if resource.entry is None else replace(resource, entry=None)


def _query_failed(bundle: Resource, malformed: Sequence[Malformed]) -> bool:
    """True if a Bundle, or one inside it, says that its query failed, in whatever shape it says so."""
    if bundle.issue or any(item.reference.startswith("OperationOutcome/") for item in malformed):
        return True
    for entry in bundle.entry or ():
        if entry.response is not None and not (entry.response.status or "2").startswith("2"):
            return True
        inner = entry.resource
        if inner is None:
            continue
        if inner.resourceType == "OperationOutcome" and not inner.issue:
            return True
        if inner.resourceType == "Bundle" and _query_failed(inner, ()):
            return True
    return False


def _lost_something(bundle: Resource, entries: Sequence[Entry], malformed: Sequence[Malformed]) -> bool:
    """True if there is less than was announced, or an entry of which not even the type can be told."""
    if any(item.reference.startswith("resource/") for item in malformed):
        return True
    if any(entry.resource is not None and entry.resource.resourceType is None for entry in entries):
        return True
    return bundle.total is not None and bundle.total > len(entries) + len(malformed)


def _has_next(bundle: Resource) -> bool:
    """True if more pages exist, of the Bundle or of one inside it."""
    if any((link.relation or "").lower() == "next" for link in bundle.link or ()):
        return True
    inner = (entry.resource for entry in bundle.entry or () if entry.resource)
    return any(_has_next(resource) for resource in inner if resource.resourceType == "Bundle")
