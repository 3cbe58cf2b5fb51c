"""From the answers to our prefetch queries to one patient's chart.

Resources of other patients, without a subject or not decodable are left out of the chart and listed in it with the
reason: nothing is dropped in silence.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from msgspec import Struct
from msgspec.json import encode

from fhir_mappings.answer import ABSENT, Answer, Availability
from fhir_mappings.compartment import PatientIdentity, Whose, normal, points_at, whose
from fhir_mappings.decoding import Decoded, Malformed
from fhir_mappings.meanings import by_meaning, codes_in, concepts_of
from fhir_mappings.questionnaire import Reply, answered, replies
from fhir_mappings.sifting import Choice, Undecoded
from fhir_mappings.terminology import Concept, Terminology
from fhir_mappings.versions import newer
from fhir_mappings.wire import Coded, Entry, Resource


class WhyUnused(StrEnum):
    """Why a resource was looked at and not used."""

    OTHER_PATIENT = "other_patient"
    NO_SUBJECT = "no_subject"
    MALFORMED = "malformed"
    MODIFIER = "modifier_extension_not_understood"
    STATUS = "status"
    NOT_DIAGNOSTIC = "not_diagnostic"
    NOT_SUPPORTED = "fhir_version_not_supported"
    OTHER_QUESTIONNAIRE = "other_questionnaire"
    UNKNOWN_ITEM = "item_not_known"  # of our Questionnaire, in a version that this one does not know


# It could be read by none of our readers, so what it says is not known; it may say anything.
UNREADABLE_WHYS = frozenset({WhyUnused.MALFORMED, WhyUnused.MODIFIER, WhyUnused.NOT_SUPPORTED})


class Unused(Struct, frozen=True):
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
    medications: Mapping[str, Resource] = field(default_factory=dict)  # by every address that can mean one
    reports: Mapping[str, str] = field(default_factory=dict)  # DiagnosticReports, likewise
    copies: tuple[str, ...] = ()  # references that stood in the answers more than once, each further time
    undecoded: tuple[Undecoded, ...] = ()  # Observations that did not matter at once
    later_decoded: bool = False  # true once `whole` has decoded those that matter later
    identity: PatientIdentity | None = None
    # Made when it is first asked for: a chart out of scope never pays for it.
    # Of each Observation its codes as JSON: many share few, and equal bytes are looked up once.
    codes_of_each: list[bytes] = field(default_factory=list, init=False, compare=False, repr=False)
    by_meaning: dict[str, list[Resource]] = field(default_factory=dict, init=False, compare=False, repr=False)
    by_response: dict[int, Sequence[Reply]] = field(default_factory=dict, init=False, compare=False, repr=False)

    def passed_over(self, wanted: Choice | None = None) -> Iterator[Decoded]:
        """Observations under codes that mean nothing to us: the wanted ones, or all."""
        for left in self.undecoded:
            yield from left.passed_over(wanted)

    def whole(self) -> Chart:
        """The same chart with what was left for later."""
        later = () if self.later_decoded else [decoded for left in self.undecoded for decoded in left.later()]
        if not later or self.identity is None:
            return self
        observations = {_key(resource, number): resource for number, resource in enumerate(self.of_type("Observation"))}
        unused, copies = list(self.unused), list(self.copies)
        for number, (resource, malformed) in enumerate(later, start=len(observations)):
            unused += [_malformed(item, self.identity, self.terminology) for item in malformed]
            if resource is None:
                continue
            reason = why_unused(resource, self.identity)
            if reason is not None:
                unused.append(_unused(resource, reason, self.terminology))
                continue
            key = _key(resource, number)
            if key in observations:
                copies.append(resource.reference)
                resource = newer(observations[key], resource)
            observations[key] = resource
        return replace(
            self,
            resources={**self.resources, "Observation": tuple(observations[key] for key in sorted(observations))},
            unused=tuple(sorted(unused, key=lambda item: item.reference)),
            copies=tuple(sorted(copies)),
            later_decoded=True,
        )

    def replies(self, response: Resource) -> Sequence[Reply]:
        """The answers of a QuestionnaireResponse; read once, however many questions are asked of it."""
        key = id(response)
        if key not in self.by_response:
            self.by_response[key] = tuple(replies(response))
        return self.by_response[key]

    def of_type(self, resource_type: str) -> tuple[Resource, ...]:
        """This patient's resources of one type, by reference: a server's order of rows must not show."""
        return self.resources.get(resource_type, ())

    def observations(self, meaning: Concept | str) -> Sequence[Resource]:
        """This patient's Observations whose code, or a component's, means a concept or an assessment."""
        if not self.by_meaning:
            self.by_meaning.update(by_meaning(self._with_codes(), self.terminology))
        return self.by_meaning.get(meaning, ())

    def every_observation(self, wanted: Choice) -> Iterator[tuple[bytes, Resource]]:
        """This patient's Observations, with their codes as bytes; of those passed over, the ones that are wanted."""
        yield from self._with_codes()
        for resource, _ in self.passed_over(wanted):
            if resource is not None and self.identity and why_unused(resource, self.identity) is None:
                yield encode(codes_in(resource)), resource

    def _with_codes(self) -> Iterator[tuple[bytes, Resource]]:
        observations = self.of_type("Observation")
        if not self.codes_of_each:
            self.codes_of_each.extend(encode(codes_in(resource)) for resource in observations)
        return zip(self.codes_of_each, observations, strict=True)

    def concepts(self, coded: Coded | None) -> frozenset[Concept]:
        """Every concept that any coding of the element stands for."""
        return concepts_of(coded, self.terminology)


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
    identity = PatientIdentity(patient_id, fhir_server, _patient_urls(entries, patient_id))
    usable: dict[str, dict[str, Resource]] = {}
    unused: dict[str, Unused] = {}
    medications: dict[str, Resource] = {}
    reports: dict[str, str] = {}
    copies: list[str] = []
    for number, entry in enumerate(entries):
        resource = entry.resource
        if resource is None or resource.resourceType in (None, "Patient"):
            continue
        key = _key(resource, number)
        reason = why_unused(resource, identity)
        if reason is None and resource.resourceType == "Medication":
            for address in _addresses(entry, resource, fhir_server):
                medications[address] = newer(medications.get(address), resource)
        elif reason is None:
            if resource.resourceType == "DiagnosticReport":
                reports |= dict.fromkeys(_addresses(entry, resource, fhir_server), resource.reference)
            kept = usable.setdefault(str(resource.resourceType), {})
            if key in kept:
                copies.append(resource.reference)
                resource = newer(kept[key], resource)
            kept[key] = resource
        else:
            unused[f"{key}#{number}"] = _unused(resource, reason, terminology)
    for number, item in enumerate(piece for answer in answers.values() for piece in answer.malformed):
        unused[f"{item.reference}#malformed-{number}"] = _malformed(item, identity, terminology)
    return Chart(
        patient=patient,
        as_of=as_of,
        terminology=terminology,
        availability={key: answer.availability for key, answer in answers.items()},
        resources={kind: tuple(items[key] for key in sorted(items)) for kind, items in usable.items()},
        unused=tuple(unused[reference] for reference in sorted(unused)),
        medications=medications,
        reports=reports,
        copies=tuple(sorted(copies)),
        undecoded=tuple(answer.undecoded for answer in answers.values() if answer.undecoded.count),
        identity=identity,
    )


def _key(resource: Resource, number: int) -> str:
    """Two results without an id are two results; only copies with the same id are one."""
    return resource.reference if resource.id else f"{resource.reference}#{number}"


def _unused(resource: Resource, reason: WhyUnused, terminology: Terminology) -> Unused:
    code = resource.code or resource.medicationCodeableConcept or resource.medication or answered(resource)
    return Unused(resource.reference, reason, concepts_of(code, terminology), code=code)


def _malformed(item: Malformed, identity: PatientIdentity, terminology: Terminology) -> Unused:
    others = item.subject is not None and points_at(item.subject, identity) is Whose.OTHER_PATIENT
    why = WhyUnused.OTHER_PATIENT if others else WhyUnused.MALFORMED
    return Unused(item.reference, why, concepts_of(item.code, terminology), item.where, item.code)


def _context_patient(answer: Answer, patient_id: str) -> Resource:
    patients = [e.resource for e in answer.entries if e.resource and e.resource.resourceType == "Patient"]
    if len(patients) != 1 or patients[0].id != patient_id:
        raise PatientMismatchError("the Patient that was sent is not the patient whose chart is open")
    return patients[0]


def _patient_urls(entries: list[Entry], patient_id: str) -> Iterator[str]:
    # An address under which two resources stand names neither.
    ours = {e.fullUrl for e in entries if e.fullUrl and e.resource and _is_patient(e.resource, patient_id)}
    others = {e.fullUrl for e in entries if e.fullUrl and e.resource and not _is_patient(e.resource, patient_id)}
    yield from sorted(ours - others)


def _is_patient(resource: Resource, patient_id: str) -> bool:
    return resource.resourceType == "Patient" and resource.id == patient_id


def why_unused(resource: Resource, identity: PatientIdentity) -> WhyUnused | None:
    """Why a resource of the answers is left out of the chart, as far as its own content tells; None if it is not."""
    # A Medication is a drug, nobody's in particular: requests and statements point at it.
    belongs_to = Whose.THIS_PATIENT if resource.resourceType == "Medication" else whose(resource, identity)
    if belongs_to is not Whose.THIS_PATIENT:
        return WhyUnused.OTHER_PATIENT if belongs_to is Whose.OTHER_PATIENT else WhyUnused.NO_SUBJECT
    # A modifier extension may negate what it stands on; none is known to us, so none is understood.
    return WhyUnused.MODIFIER if resource.modifierExtension else None


def _addresses(entry: Entry, resource: Resource, fhir_server: str | None) -> Iterator[str]:
    """Every reference that can mean this entry: its own address, and on the request's server the relative one too."""
    if entry.fullUrl:
        yield entry.fullUrl
    ours = f"{fhir_server.rstrip('/')}/{resource.reference}" if fhir_server else None
    elsewhere = ours and (entry.fullUrl or "").startswith("http") and normal(entry.fullUrl or "") != normal(ours)
    if resource.id and not elsewhere:
        yield from filter(None, (resource.reference, ours))
