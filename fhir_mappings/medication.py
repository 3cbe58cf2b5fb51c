"""Medications that are given, prescribed or listed, and which drug each of them is.

FHIR: https://hl7.org/fhir/R4/medicationrequest.html, medicationstatement.html, medicationadministration.html
The drug is told by a code alone: of the element itself, of a contained Medication, or of one in the same answers. A
display, or a reference to something that was not sent, is a name for a reader. Any intent counts but an `option`:
reported home medication comes as a plan or a proposal.
# not read: dosage, reason, category, dispenses, Medication.ingredient and Medication.form.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

import msgspec
from msgspec import Raw, Struct
from msgspec.structs import replace

from fhir_mappings.dates import DateInterval, parse_date
from fhir_mappings.decoding import decode
from fhir_mappings.facts import Source
from fhir_mappings.select import Chart, Unused, WhyUnused
from fhir_mappings.systems import SNOMED_CT, canonical_system
from fhir_mappings.terminology import Concept
from fhir_mappings.typed import problem
from fhir_mappings.wire import NOTHING, UNREADABLE, Coded, Period, Reference, Resource


class Kind(StrEnum):
    """Which resource tells of the medication; the value is the name of its type."""

    REQUEST = "MedicationRequest"
    STATEMENT = "MedicationStatement"
    ADMINISTRATION = "MedicationAdministration"


# What counts as running and what as over, in the words of R4 and of R5.
_ACTIVE = {
    Kind.REQUEST: frozenset({"active"}),
    Kind.STATEMENT: frozenset({"active", "recorded"}),
    Kind.ADMINISTRATION: frozenset({"in-progress"}),
}
_DONE = {
    Kind.REQUEST: frozenset({"completed", "ended"}),
    Kind.STATEMENT: frozenset({"completed"}),
    Kind.ADMINISTRATION: frozenset({"completed"}),
}
_TAKING = frozenset({"taking", "taking-as-directed", "taking-not-as-directed"})
_VERSION = re.compile(r"/_history/[^/]+$")
_CONTAINED = msgspec.json.Decoder(list[Raw])


class MedicationReading(Struct, frozen=True):
    """One medication whose status counts: the drug as far as it is known, and when it was or is given."""

    source: Source  # with the date of the record: authored, asserted or given
    concepts: frozenset[Concept]
    label: str | None
    kind: Kind
    started: DateInterval | None
    ended: DateInterval | None
    active: bool
    done: bool
    coded: bool = True  # by whatever code: without one nobody can tell which drug it is
    substance_only: bool = False  # known by codes of a substance alone, which do not say for what it is used


class Medications(Struct, frozen=True):
    """What a chart tells of medications: drugs that we know, all others, and what could not be used."""

    known: tuple[MedicationReading, ...]
    others: tuple[MedicationReading, ...]
    unused: tuple[Unused, ...]


def medications(chart: Chart) -> Medications:
    """Every medication of this patient that counts by its status."""
    known: list[MedicationReading] = []
    others: list[MedicationReading] = []
    unused: list[Unused] = []
    for kind in Kind:
        for resource in chart.of_type(kind):
            if not _counts(resource, kind):
                continue
            drug = _drug(resource, chart)
            concepts = chart.concepts(drug)
            if resource.taken is not None:
                # STU3 said beside an active status whether it is taken at all: half-reading that is worse than none.
                unused.append(Unused(resource.reference, WhyUnused.NOT_SUPPORTED, concepts))
                continue
            where = problem(_as_r4(resource)) if concepts else None
            if where is not None:
                unused.append(Unused(resource.reference, WhyUnused.MALFORMED, concepts, f"element {where}"))
                continue
            (known if concepts else others).append(_read(resource, kind, drug, chart))
    return Medications(tuple(known), tuple(others), tuple(unused))


def _counts(resource: Resource, kind: Kind) -> bool:
    if resource.doNotPerform or resource.intent == "option":
        return False
    if resource.status not in _ACTIVE[kind] | _DONE[kind]:
        return False
    adherence = resource.adherence.code if resource.adherence else None
    return adherence is None or any(coding.code in _TAKING for coding in adherence.codings())


def _drug(resource: Resource, chart: Chart) -> Coded | None:
    """The element whose codes name the drug; None where nothing is coded."""
    candidates = (resource.medicationCodeableConcept, resource.medication, *_referenced(resource, chart))
    return next((c for c in candidates if c is not None and any(coding.code for coding in c.codings())), None)


def _referenced(resource: Resource, chart: Chart) -> Iterator[Coded | None]:
    for reference in _references(resource):
        target = _VERSION.sub("", reference.reference or "")
        found = _contained(resource, target[1:]) if target.startswith("#") else chart.medications.get(target)
        if found is not None and found.status != "entered-in-error" and not found.modifierExtension:
            yield found.code


def _references(resource: Resource) -> Iterator[Reference]:
    if resource.medicationReference is not None:
        yield resource.medicationReference
    if resource.medication is not None and resource.medication.reference is not None:
        yield resource.medication.reference


def _contained(resource: Resource, identity: str) -> Resource | None:
    """The contained Medication of this id; a broken neighbour costs nothing."""
    if resource.contained == NOTHING:
        return None
    try:
        pieces = _CONTAINED.decode(resource.contained)
    except UNREADABLE:
        return None
    inside = (decode(piece)[0] for piece in pieces)
    return next((r for r in inside if r and r.resourceType == "Medication" and r.id == identity), None)


def _as_r4(resource: Resource) -> Resource:
    """With R5's one `medication` in the two elements of R4, in which its shape is checked."""
    drug = resource.medication
    if drug is None:
        return resource
    concept = Coded(coding=drug.concept.coding, text=drug.concept.text) if drug.concept else None
    reference = drug.reference if concept is None else None
    return replace(resource, medicationCodeableConcept=concept, medicationReference=reference)


def _read(resource: Resource, kind: Kind, drug: Coded | None, chart: Chart) -> MedicationReading:
    given = _given(resource, kind)
    started, ended = parse_date(given.start), parse_date(given.end)
    recorded = parse_date(resource.authoredOn if kind is Kind.REQUEST else resource.dateAsserted) or started or ended
    return MedicationReading(
        source=Source(resource.reference, recorded.day if recorded else None),
        concepts=chart.concepts(drug),
        label=_label(resource, drug),
        kind=kind,
        started=started,
        ended=ended,
        active=resource.status in _ACTIVE[kind],
        done=resource.status in _DONE[kind],
        coded=drug is not None,
        substance_only=_substance_only(drug, chart),
    )


def _given(resource: Resource, kind: Kind) -> Period:
    """From when to when, in the elements of R4 and of R5."""
    if kind is Kind.REQUEST:
        valid = resource.dispenseRequest.validityPeriod if resource.dispenseRequest else None
        return Period((valid.start if valid else None) or resource.authoredOn, valid.end if valid else None)
    moment = resource.effectiveDateTime or resource.occurenceDateTime or resource.occurrenceDateTime
    spans = (resource.effectivePeriod, resource.occurencePeriod, resource.occurrencePeriod)
    return next((span for span in spans if span is not None), Period(start=moment))


def _label(resource: Resource, drug: Coded | None) -> str | None:
    named = (drug, resource.medicationCodeableConcept, resource.medication)
    labels = [element.label() for element in named if element is not None]
    if resource.medication is not None and resource.medication.concept is not None:
        labels.append(resource.medication.concept.text)
    labels += [reference.display for reference in _references(resource)]
    return next((label for label in labels if label), None)


def _substance_only(drug: Coded | None, chart: Chart) -> bool:
    codings = drug.codings() if drug else ()
    systems = {canonical_system(c.system) for c in codings if chart.terminology.concepts(c.system, c.code)}
    return systems == {SNOMED_CT}
