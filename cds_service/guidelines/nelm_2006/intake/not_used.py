"""Why a resource that was read informed no input, in words; asked only where a chart is explained."""

from __future__ import annotations

from collections.abc import Iterator

from cds_service.guidelines.nelm_2006.intake.assemble import ChartReading
from cds_service.guidelines.nelm_2006.intake.set_aside import inputs_of
from fhir_mappings.assessment import AssessmentCode, codes_of
from fhir_mappings.dates import DateInterval, parse_date
from fhir_mappings.facts import Source
from fhir_mappings.observation import COUNTED, when
from fhir_mappings.procedure import performed
from fhir_mappings.questionnaire import answered
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept
from fhir_mappings.wire import Coded, Reference, Resource

NOT_ASKED_FOR = "under a code that the protocol does not ask for"
STATUS = "status does not count"
TYPE = "of a type that is not read"
_LATER = "superseded by a later record"
_OTHER_RECORD = "another record answers the same question"

_STATUS_COUNTS = {
    "Observation": COUNTED,
    "Procedure": frozenset({"completed"}),
    "ImagingStudy": frozenset({"available"}),
    "DiagnosticReport": frozenset({"final", "amended", "corrected", "appended"}),
    "MedicationRequest": frozenset({"active", "completed", "ended"}),
    "MedicationStatement": frozenset({"active", "recorded", "completed"}),
    "MedicationAdministration": frozenset({"in-progress", "completed"}),
}
READ = frozenset({"Condition", "QuestionnaireResponse", *_STATUS_COUNTS})
_EXAMINATIONS = frozenset({"ImagingStudy", "DiagnosticReport"})
_NEVER_DIAGNOSTIC = frozenset({Concept.LIVER_THERAPY_GUIDANCE.value, Concept.NON_DIAGNOSTIC_IMAGING.value})
_NUCLEAR = frozenset({Concept.PET_MODALITY.value, Concept.NM_MODALITY.value})
_LIVER_TESTS = frozenset({Concept.BILIRUBIN_TOTAL.value, Concept.INR.value, Concept.ALBUMIN.value})
_SIZES = frozenset({Concept.TUMOUR_SIZE.value, Concept.TUMOUR_LONGEST_DIAMETER.value})
_NODES = frozenset({Concept.LYMPH_NODE_METASTASIS.value, Concept.DISTANT_LYMPH_NODE_METASTASIS.value})
# Where a body site stands says nothing of what is asked there.
_SITES = frozenset({
    Concept.LIVER_BODY_SITE.value, Concept.ABDOMEN_BODY_SITE.value, Concept.DIGESTIVE_BODY_SITE.value,
    Concept.EXTRAHEPATIC_BODY_SITE.value,
})  # fmt: skip
_REGIONS = _SITES | {Concept.OTHER_REGION.value}
# Concepts that answer an input beside others, for which nothing that was set aside is noted.
_ALSO_INFORMS = {
    Concept.CT_MODALITY: "liver_imaging",
    Concept.MR_MODALITY: "liver_imaging",
    Concept.WELL_DIFFERENTIATED: "differentiation",
    Concept.POORLY_DIFFERENTIATED: "differentiation",
    Concept.TUMOUR_LONGEST_DIAMETER: "largest_lesion_cm",
    Concept.LYMPH_NODE_METASTASIS: "extrahepatic_disease",
    Concept.DISTANT_LYMPH_NODE_METASTASIS: "extrahepatic_disease",
    Concept.LIVER_ABLATION: "context",
    Concept.LIVER_RESECTION: "context",
    Concept.OTHER_FUNCTIONING_SYNDROME: "other_syndrome",
    Concept.CARCINOID_HEART_DISEASE: "carcinoid_heart_disease",
}


def why_not_used(resource: Resource, chart: Chart, reading: ChartReading) -> tuple[str, str]:
    """The reason, and what the resource is or which other one stands in its place."""
    kind, label = str(resource.resourceType), label_of(resource)
    if kind not in READ:
        return TYPE, label
    counts = _STATUS_COUNTS.get(kind)
    if counts is not None and resource.status not in counts:
        return STATUS, _joined(resource.status or "none stated", label)
    if kind.startswith("Medication") and (why := _not_taken(resource)):
        return why, label
    own = meanings(resource, chart) - (_SITES if kind in _EXAMINATIONS else _REGIONS)
    if kind == "QuestionnaireResponse" and not own:
        return "answers nothing that an input asks for", label
    if not own and kind.startswith("Medication") and not _coded(resource, chart):
        return "the drug is not coded, or was not sent", label
    if not own:
        return NOT_ASKED_FOR, label
    if not reading.read_whole:
        return "the chart is not ours: read no further", label
    date = _date(resource)
    if date is not None and date.certainly_after_instant(chart.as_of):
        return "dated in the future", _joined(date.day, label)
    if (kind in _EXAMINATIONS or kind == "Procedure") and (why := _no_examination_of_ours(own)):
        return why, label
    if own & _LIVER_TESTS:
        return "shown beside hepatic failure, the latest alone", label
    if (other := _instead(resource, own, chart, reading)) is not None:
        its_date = parse_date(other.date)
        later = date is not None and its_date is not None and date.certainly_before(its_date)
        return (_LATER if later else _OTHER_RECORD), _joined(f"{other.reference} {other.date or 'undated'}", label)
    return _no_bearing(kind, own), label


def _not_taken(resource: Resource) -> str | None:
    if resource.doNotPerform:
        return "ordered not to be given"
    if resource.intent == "option":
        return "an option, not an order"
    if resource.adherence is not None and resource.adherence.code is not None:
        codes = {coding.code or "" for coding in resource.adherence.code.codings()}
        return None if any(code.startswith("taking") for code in codes) else "recorded as not taken"
    return None


def _no_examination_of_ours(own: set[str]) -> str | None:
    if own & _NEVER_DIAGNOSTIC:
        return "not a diagnostic examination"
    if own & _NUCLEAR and not own & {Concept.SOMATOSTATIN_RECEPTOR_IMAGING.value, Concept.MIBG_IMAGING.value}:
        return "a scan with another tracer, or with none stated"
    return "of another body region" if Concept.OTHER_REGION.value in own else None


def _no_bearing(kind: str, own: set[str]) -> str:
    if kind.startswith("Medication"):
        return "not in progress at this date"
    if own & {Concept.CARCINOID_CRISIS.value, f"assessment {AssessmentCode.CARCINOID_CRISIS}"}:
        return "a crisis of another time"
    if own & _NODES:
        return "lymph nodes of the primary's own region"
    if Concept.PATHOLOGY_REPORT.value in own:
        return "a report without a coded conclusion on the liver metastases"
    if own & _SIZES:
        return "a size that is not of a liver metastasis"
    return "says nothing that an input asks for"


def _instead(resource: Resource, own: set[str], chart: Chart, reading: ChartReading) -> Source | None:
    """The latest resource that answers what this one could have: for an input, else shown beside the inputs."""
    concepts = frozenset(concept for coded in _codes(resource, chart) for concept in chart.concepts(coded))
    names = {name for coded in _codes(resource, chart) for name in inputs_of(concepts, coded)}
    names |= {_ALSO_INFORMS[concept] for concept in concepts & _ALSO_INFORMS.keys()}
    answers = [source for name in sorted(names) for source in reading.needs.fact(name).sources]
    in_progress = [treatment.source for treatment in reading.medicines.in_progress]
    cautions = [caution.source for caution in reading.medicines.cautions]
    shown = [*in_progress, *cautions, *(source for _, source in reading.beside)]
    answers = answers or [source for source in shown if _same_meaning(source, own, chart)]
    others = [source for source in answers if source.reference != resource.reference]
    return max(others, key=lambda source: (source.date or "", source.reference), default=None)


def _same_meaning(source: Source, own: set[str], chart: Chart) -> bool:
    kind = source.reference.partition("/")[0]
    found = next((r for r in chart.of_type(kind) if r.reference == source.reference), None)
    return found is not None and bool((meanings(found, chart) & own) - _REGIONS)


def meanings(resource: Resource, chart: Chart) -> set[str]:
    """What the codes of a resource say, in the terms in which the inputs are asked."""
    known = {code.value for code in AssessmentCode}
    codes = list(_codes(resource, chart))
    found = {f"assessment {code}" for coded in codes for code in codes_of(coded) if code in known}
    return found | {concept.value for coded in codes for concept in chart.concepts(coded)}


def _codes(resource: Resource, chart: Chart) -> Iterator[Coded]:
    parts = [part.code for part in resource.component or ()]
    series = [code for one in resource.series or () for code in (one.modality, one.bodySite)]
    drugs = [medication.code for medication in named_by(resource, chart)]
    yield from filter(None, (resource.code, *parts, *series, *drugs, *resource.modalities(), *resource.body_sites()))
    yield from filter(None, (resource.medicationCodeableConcept, resource.medication, answered(resource)))
    yield from (*(resource.procedureCode or ()), *(resource.procedure or ()), *(resource.conclusionCode or ()))


def named_by(resource: Resource, chart: Chart) -> list[Resource]:
    """The Medications of the chart that a request, statement or administration points at."""
    targets = ((one.reference or "").partition("/_history/")[0] for one in _references(resource))
    return [chart.medications[target] for target in targets if target in chart.medications]


def _references(resource: Resource) -> Iterator[Reference]:
    drug = resource.medication.reference if resource.medication is not None else None
    yield from filter(None, (resource.medicationReference, drug))


def _coded(resource: Resource, chart: Chart) -> bool:
    return any(coding.code for coded in _codes(resource, chart) for coding in coded.codings())


def _date(resource: Resource) -> DateInterval | None:
    written = (resource.started, resource.recordedDate, resource.onsetDateTime, resource.authoredOn,
               resource.dateAsserted, resource.authored)  # fmt: skip
    return when(resource) or performed(resource) or next(filter(None, map(parse_date, written)), None)


def label_of(resource: Resource) -> str:
    """What the resource is called, for a reader: a name, else a code, else nothing."""
    codes = (resource.code, resource.medicationCodeableConcept, resource.medication, *(resource.procedureCode or ()))
    names = (*map(label, codes), *(one.display or "" for one in _references(resource)))
    return next(filter(None, names), "")


def label(code: Coded | None) -> str:
    """The name of a concept, else its first code, else nothing."""
    if code is None:
        return ""
    return code.label() or next((coding.code for coding in code.codings() if coding.code), "") or ""


def _joined(*parts: str) -> str:
    return ": ".join(filter(None, parts))
