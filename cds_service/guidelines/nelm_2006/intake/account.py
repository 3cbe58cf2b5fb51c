"""What became of every resource of a chart: which inputs it informed, or why it informed none.

Made only where it is asked for (`nelm-cds replay --explain`); it changes nothing of what the readers found.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from cds_service.guidelines.nelm_2006.intake.assemble import ChartReading
from fhir_mappings.assessment import AssessmentCode, codes_of
from fhir_mappings.decoding import decode
from fhir_mappings.facts import Source
from fhir_mappings.observation import COUNTED
from fhir_mappings.select import Chart, Unused, WhyUnused, why_unused
from fhir_mappings.terminology import Concept
from fhir_mappings.wire import Coded, Resource

_WORDS = {
    WhyUnused.OTHER_PATIENT: "of another patient",
    WhyUnused.NO_SUBJECT: "no patient stated",
    WhyUnused.MALFORMED: "not readable",
    WhyUnused.MODIFIER: "with a modifier extension that is not understood",
    WhyUnused.STATUS: "refuted or entered in error",
    WhyUnused.NOT_DIAGNOSTIC: "not a diagnostic examination",
    WhyUnused.NOT_SUPPORTED: "in an older FHIR version",
    WhyUnused.OTHER_QUESTIONNAIRE: "answers to another questionnaire",
    WhyUnused.UNKNOWN_ITEM: "an item that this version does not know",
}
_NOT_ASKED_FOR = "under a code that the protocol does not ask for"
_SUPERSEDED = "another recording answers the same question"
_SHOWN = "shown beside hepatic failure, and no more"
_NOT_COUNTED = "status does not count"
_NO_BEARING = "says nothing that an input asks for"
_COPY = "another copy of a resource that was read"
_SILENT = "the chart is not ours: not read any further"
_TYPE = "of a type that is not read"

_STATUS_COUNTS = {
    "Observation": COUNTED,
    "Procedure": frozenset({"completed"}),
    "ImagingStudy": frozenset({"available"}),
    "DiagnosticReport": frozenset({"final", "amended", "corrected", "appended"}),
}
_LIVER_TESTS = frozenset({Concept.BILIRUBIN_TOTAL.value, Concept.INR.value, Concept.ALBUMIN.value})
_EXAMINATIONS = frozenset({"ImagingStudy", "DiagnosticReport"})
_READ = frozenset({
    "Condition", "Observation", "Procedure", "ImagingStudy", "DiagnosticReport", "MedicationRequest",
    "MedicationStatement", "MedicationAdministration", "QuestionnaireResponse",
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class NotUsed:
    """One resource that informed no input: why, in words, and what it is or where it went wrong."""

    reference: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Every resource of the answers once: the inputs that a used one informed, or the reason of one that was not."""

    used: dict[str, tuple[str, ...]]
    not_used: tuple[NotUsed, ...]


def account(chart: Chart, reading: ChartReading, never_read: Iterable[str] = ()) -> Account:
    """Account for everything that was in the answers but the Patient's own record.

    `never_read`: references of resources that came along and belong to no query of ours.
    """
    used = _used(reading)
    told = {item.reference: _of_unused(item) for item in reading.unused}
    not_used = [_of_unused(item) for item in reading.unused]
    not_used += [NotUsed(reference, _COPY) for reference in chart.copies]
    silent = not reading.read_whole
    meanings = {meaning for reference in used for meaning in _meanings_of(reference, chart)}
    for resource in _resources(chart):
        if resource.reference not in used and resource.reference not in told:
            not_used.append(_of_resource(resource, chart, meanings, silent=silent))
    not_used += [NotUsed(reference, _TYPE) for reference in never_read]
    not_used += [item for raw in chart.passed_over if (item := _passed_over(bytes(raw), chart)).reference not in used]
    return Account(used, tuple(not_used))


def _used(reading: ChartReading) -> dict[str, tuple[str, ...]]:
    informed: dict[str, list[str]] = {}
    for name, source in _sources(reading):
        names = informed.setdefault(source.reference, [])
        if name not in names:
            names.append(name)
    return {reference: tuple(names) for reference, names in informed.items()}


def _sources(reading: ChartReading) -> Iterator[tuple[str, Source]]:
    for name, fact in reading.needs.facts():
        yield from ((name, source) for source in fact.sources)
    medicines = reading.medicines
    yield from ((f"in progress: {item.code}", item.source) for item in medicines.in_progress)
    yield from ((f"disturbs {item.code}", item.source) for item in medicines.cautions)
    yield from (("found, not counted", source) for _, source in reading.beside)
    yield from (("found, not understood", item.source) for item in reading.not_understood)


def _resources(chart: Chart) -> Iterator[Resource]:
    for kind in sorted(chart.resources):
        yield from chart.resources[kind]
    yield from {medication.reference: medication for medication in chart.medications.values()}.values()


def _of_unused(item: Unused) -> NotUsed:
    parts = (_label(item.code), f"element {item.detail}" if item.detail and " " not in item.detail else item.detail)
    return NotUsed(item.reference, _WORDS[item.why], ", ".join(filter(None, parts)))


def _of_resource(resource: Resource, chart: Chart, meanings: set[str], *, silent: bool) -> NotUsed:
    kind = str(resource.resourceType)
    detail = _label(resource.code or resource.medicationCodeableConcept or resource.medication)
    detail = detail or next(map(_label, resource.procedureCode or ()), "")
    if kind == "Medication":
        return NotUsed(resource.reference, "looked up for what refers to it", detail)
    if kind not in _READ:
        return NotUsed(resource.reference, _TYPE, detail)
    counts = _STATUS_COUNTS.get(kind)
    if counts is not None and resource.status not in counts:
        return NotUsed(resource.reference, _NOT_COUNTED, ": ".join(filter(None, (resource.status, detail))))
    own = _meanings(resource, chart)
    if not own and kind not in ("ImagingStudy", "DiagnosticReport", "QuestionnaireResponse"):
        return NotUsed(resource.reference, _NOT_ASKED_FOR, detail)
    if silent:
        return NotUsed(resource.reference, _SILENT, detail)
    if own & _LIVER_TESTS:
        return NotUsed(resource.reference, _SHOWN, detail)
    # That an examination was done matters only until its result is there.
    answered = bool(own & meanings) or (kind in _EXAMINATIONS and bool(own))
    return NotUsed(resource.reference, _SUPERSEDED if answered else _NO_BEARING, detail)


def _passed_over(raw: bytes, chart: Chart) -> NotUsed:
    resource, malformed = decode(raw)
    if resource is None:
        return NotUsed(malformed[0].reference, _NOT_ASKED_FOR, _label(malformed[0].code))
    reason = why_unused(resource, chart.identity) if chart.identity else None
    return NotUsed(resource.reference, _WORDS[reason] if reason else _NOT_ASKED_FOR, _label(resource.code))


def _meanings_of(reference: str, chart: Chart) -> set[str]:
    kind = reference.partition("/")[0]
    found = next((r for r in chart.of_type(kind) if r.reference == reference), None)
    return _meanings(found, chart) if found else set()


def _meanings(resource: Resource, chart: Chart) -> set[str]:
    """What the codes of a resource say, in the terms in which the inputs are asked."""
    codes = [resource.code, *(part.code for part in resource.component or ())]
    codes += [*(resource.procedureCode or ()), *resource.body_sites()]
    codes += [resource.medicationCodeableConcept, resource.medication]
    known = {code.value for code in AssessmentCode}
    found = {f"assessment {code}" for coded in codes for code in codes_of(coded) if code in known}
    return found | {str(concept) for coded in codes for concept in chart.concepts(coded)}


def _label(code: Coded | None) -> str:
    if code is None:
        return ""
    return code.label() or next((coding.code for coding in code.codings() if coding.code), "") or ""
