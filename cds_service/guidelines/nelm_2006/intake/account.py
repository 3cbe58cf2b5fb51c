"""What became of every resource of a chart: which inputs it informed, or why it informed none.

Made only where it is asked for (`nelm-cds replay --explain`); it changes nothing of what the readers found.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from cds_service.guidelines.nelm_2006.intake.assemble import ChartReading
from cds_service.guidelines.nelm_2006.intake.not_used import (
    NOT_ASKED_FOR,
    READ,
    STATUS,
    TYPE,
    label,
    label_of,
    named_by,
    why_not_used,
)
from fhir_mappings.answer import Availability
from fhir_mappings.condition import every_condition_left_out
from fhir_mappings.decoding import Decoded
from fhir_mappings.facts import Known, Source, quoted
from fhir_mappings.select import Chart, Unused, WhyUnused, why_unused
from fhir_mappings.wire import Coded, Resource

_WORDS = {
    WhyUnused.OTHER_PATIENT: "of another patient",
    WhyUnused.NO_SUBJECT: "no patient stated",
    WhyUnused.MALFORMED: "not readable",
    WhyUnused.MODIFIER: "with a modifier extension that is not understood",
    WhyUnused.STATUS: STATUS,
    WhyUnused.NOT_DIAGNOSTIC: "not a diagnostic examination",
    WhyUnused.NOT_SUPPORTED: "in an older FHIR version",
    WhyUnused.OTHER_QUESTIONNAIRE: "answers to another questionnaire",
    WhyUnused.UNKNOWN_ITEM: "an item that this version does not know",
}
_NOT_UNDERSTOOD = "looks like one of our markers, under a code that is not understood"
_COPY = "another copy of a resource that is told of"
_NO_ID = "without an id, not told apart from one that was used"
_MEDICATION = "a drug that no medication used here names"
_FAILED = "in an answer that failed"
_OUTCOME = "tells how a query went, and nothing of the patient"


@dataclass(frozen=True, slots=True)
class NotUsed:
    """One resource that informed no input: why, in words, and what it is or where it went wrong."""

    reference: str
    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Account:
    """Every resource once: what a used one informed, or why one was not used; and why a silent chart is silent."""

    used: dict[str, tuple[str, ...]]
    not_used: tuple[NotUsed, ...]
    silent: str | None = None


def account(chart: Chart, reading: ChartReading, sent: Iterable[str] | None = None) -> Account:
    """Account for everything that was in the answers.

    `sent`: the reference of every resource that came along, each as often as it came, where that is known; of them are
    told also those that belong to no query of ours, or stood in an answer that failed.
    """
    came = Counter(sent)
    by_readers = reading.unused[len(chart.unused) :]  # what these set aside follows what the chart did
    others = [item for item in by_readers if not item.reference.startswith("Condition/")]
    by_readers = (*every_condition_left_out(chart), *others)
    chart = chart.whole()
    used = _used(chart, reading)
    if came[chart.patient.reference]:
        used.setdefault(chart.patient.reference, []).insert(0, "whose chart it is")
    elif sent is not None:
        used.pop(chart.patient.reference, None)  # of whom nothing but the id is known
    not_used = [*_set_aside(chart, by_readers, used), *(NotUsed(reference, _COPY) for reference in chart.copies)]
    not_used += _left_over(chart, reading, used, {item.reference for item in by_readers})
    not_used += [_passed_over(decoded, chart, reading) for decoded in chart.passed_over()]
    told = Counter([*used, *(item.reference for item in not_used)])
    not_used += _never_read(came - told, told, chart)
    return Account({key: tuple(names) for key, names in used.items()}, tuple(not_used), _why_silent(chart, reading))


def _used(chart: Chart, reading: ChartReading) -> dict[str, list[str]]:
    informed: dict[str, list[str]] = {}
    for name, reference in _informing(chart, reading):
        names = informed.setdefault(reference, [])
        if name not in names:
            names.append(name)
    for kind in ("MedicationRequest", "MedicationStatement", "MedicationAdministration"):
        for resource in chart.of_type(kind):
            for drug in named_by(resource, chart) if resource.reference in informed else ():
                informed.setdefault(drug.reference, []).append(f"the drug of {resource.reference}")
    return informed


def _informing(chart: Chart, reading: ChartReading) -> Iterator[tuple[str, str]]:
    for name, source in _sources(reading):
        yield name, source.reference
    dropped = {item.reference for item in reading.unused}
    for resource in chart.of_type("Condition"):
        if quoted(label(resource.code)) in reading.other_malignancies and resource.reference not in dropped:
            codings = resource.code.codings() if resource.code else ()
            if any(chart.terminology.is_other_malignancy(coding.system, coding.code) for coding in codings):
                yield "another malignancy", resource.reference


def _sources(reading: ChartReading) -> Iterator[tuple[str, Source]]:
    for name, fact in reading.needs.facts():
        yield from ((name, source) for source in fact.sources)
    medicines = reading.medicines
    yield from ((f"in progress: {item.code}", item.source) for item in medicines.in_progress)
    yield from ((f"disturbs {item.code}", item.source) for item in medicines.cautions)
    yield from (("found, not counted", source) for _, source in reading.beside)
    for course in reading.trends:
        yield from ((f"course of {course.marker.replace('-', ' ')}", result.source) for result in course.results)


def _set_aside(chart: Chart, by_readers: Iterable[Unused], used: dict[str, list[str]]) -> Iterator[NotUsed]:
    """What was set aside, once each; a fact that is unknown because of it does not make it used."""
    kept = {resource.reference for resource in _resources(chart)}
    for item in chart.unused:
        if item.reference not in kept:
            used.pop(item.reference, None)
        yield _of_unused(item, None)
    by_reference = {resource.reference: resource for resource in _resources(chart)}
    parts: dict[str, list[Unused]] = {}
    # What the readers themselves set aside may be several parts of one resource.
    for item in by_readers:
        parts.setdefault(item.reference, []).append(item)
    for reference, items in parts.items():
        if reference.startswith("QuestionnaireResponse/") and reference in used:
            used[reference] += [f"in part {_WORDS[item.why]}" for item in items]
            continue
        used.pop(reference, None)
        yield _of_unused(items[0], by_reference.get(reference))


def _left_over(
    chart: Chart, reading: ChartReading, used: Mapping[str, list[str]], aside: set[str]
) -> Iterator[NotUsed]:
    seen: set[str] = set()
    for resource in _resources(chart):
        reference = resource.reference
        if reference in used:
            if reference in seen:
                yield NotUsed(reference, _NO_ID, label_of(resource))
        elif reference not in aside or reference in seen:
            yield _of_resource(resource, chart, reading)
        seen.add(reference)


def _resources(chart: Chart) -> Iterator[Resource]:
    for kind in sorted(chart.resources):
        yield from chart.resources[kind]
    yield from {medication.reference: medication for medication in chart.medications.values()}.values()


def _of_resource(resource: Resource, chart: Chart, reading: ChartReading) -> NotUsed:
    if resource.resourceType == "Medication":
        return NotUsed(resource.reference, _MEDICATION, label_of(resource))
    reason, detail = why_not_used(resource, chart, reading)
    if reason == NOT_ASKED_FOR and (name := _named_like_ours(resource, reading)):
        return NotUsed(resource.reference, _NOT_UNDERSTOOD, name)
    return NotUsed(resource.reference, reason, detail)


def _named_like_ours(resource: Resource, reading: ChartReading) -> str | None:
    ours = {item.label for item in reading.not_understood}
    codes = (resource.code, *(part.code for part in resource.component or ()))
    return next((name for code in codes if code is not None for name in code.names() if name in ours), None)


def _of_unused(item: Unused, resource: Resource | None) -> NotUsed:
    name = label(item.code) or (label_of(resource) if resource is not None else "")
    detail = f"element {item.detail}" if item.detail and " " not in item.detail else item.detail
    if item.why is WhyUnused.STATUS and resource is not None:
        verification = resource.verificationStatus
        detail = resource.status or (_code(verification) if isinstance(verification, Coded) else None)
    return NotUsed(item.reference, _WORDS[item.why], ": ".join(filter(None, (detail, name))))


def _code(coded: Coded) -> str:
    return ", ".join(coding.code for coding in coded.codings() if coding.code)


def _passed_over(decoded: Decoded, chart: Chart, reading: ChartReading) -> NotUsed:
    resource, malformed = decoded
    if resource is None:
        return NotUsed(malformed[0].reference, _WORDS[WhyUnused.MALFORMED], f"element {malformed[0].where}")
    why = why_unused(resource, chart.identity) if chart.identity else None
    if why is not None:
        return NotUsed(resource.reference, _WORDS[why], label_of(resource))
    named = _named_like_ours(resource, reading)
    return NotUsed(resource.reference, _NOT_UNDERSTOOD if named else NOT_ASKED_FOR, named or label_of(resource))


def _never_read(left: Counter[str], told: Counter[str], chart: Chart) -> Iterator[NotUsed]:
    failed = Availability.FAILED in chart.availability.values()
    for reference in left.elements():
        kind = reference.partition("/")[0]
        if told[reference]:
            yield NotUsed(reference, _COPY)
        elif kind == "Patient":
            yield NotUsed(reference, _WORDS[WhyUnused.OTHER_PATIENT])
        elif kind == "OperationOutcome":
            yield NotUsed(reference, _OUTCOME)
        elif kind not in READ and kind != "Medication":
            yield NotUsed(reference, TYPE)
        elif failed:
            yield NotUsed(reference, _FAILED)


def _why_silent(chart: Chart, reading: ChartReading) -> str | None:
    """The rule of scope by which a chart gets no card; None for a chart that gets one."""
    fact = reading.needs.nelm_confirmed
    if reading.read_whole or not isinstance(fact, Known):
        return None
    if fact.note == "deceased":
        return "the patient has died"
    if fact.note is None:
        return "recorded: the liver metastases are not neuroendocrine"
    liver = any(source.reference.startswith("Condition/") for source in fact.sources)
    if liver and reading.other_malignancies and fact.note.startswith("no neuroendocrine"):
        return f"liver metastases with another primary ({'; '.join(reading.other_malignancies)}); {fact.note}"
    return fact.note
