"""Small charts for the tests: resources with the few elements that a case is about, and one call to read them.

A code is written with a short name of its system: `icd:C7B.02`, `sct:94381002`, `loinc:29593-1`, `o3:8240/3`,
`dcm:CT`, `nelm:portal-vein`. Anything else of FHIR goes in as it stands, by the name of its element.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Any, TypeAlias

from cds_service.guidelines.nelm_2006.intake import ChartReading, read_chart
from cds_service.guidelines.nelm_2006.needs import Needs
from fhir_mappings import systems
from fhir_mappings.answer import Answer, read_answer
from fhir_mappings.facts import Interval, Known, Unknown
from fhir_mappings.select import Chart, build_chart
from fhir_mappings.terminology import load_terminology

Json: TypeAlias = dict[str, Any]

AS_OF = datetime(2026, 3, 2, 12, tzinfo=UTC)
SERVER = "https://ehr.example.org/fhir"
RECENTLY = "2026-02-20"
SUBJECT = {"reference": "Patient/p1"}
PATIENT: Json = {"resourceType": "Patient", "id": "p1", "birthDate": "1960-05-05"}

SYSTEMS = {
    "icd": systems.ICD_10_CM,
    "who": systems.ICD_10,
    "sct": systems.SNOMED_CT,
    "loinc": systems.LOINC,
    "o3": systems.ICD_O_3,
    "dcm": systems.DICOM,
    "pcs": systems.ICD_10_PCS,
    "rx": systems.RXNORM,
    "atc": systems.ATC,
    "hcpcs": systems.HCPCS,
    "nelm": systems.NELM_ASSESSMENT,
    "rec": systems.NELM_RECOMMENDATION,
    "yn": "http://terminology.hl7.org/CodeSystem/v2-0136",
    "flag": "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
}
MORPHOLOGY = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-histology-morphology-behavior"

KEYS = {
    "Condition": "conditions",
    "Observation": "observations",
    "ImagingStudy": "imaging",
    "Procedure": "procedures",
    "MedicationRequest": "medicationRequests",
    "MedicationStatement": "medicationStatements",
    "MedicationAdministration": "medicationStatements",
    "DiagnosticReport": "diagnosticReports",
    "QuestionnaireResponse": "questionnaireResponses",
}


def coding(text: str) -> Json:
    """`icd:C7B.02` as a Coding."""
    name, _, code = text.partition(":")
    return {"system": SYSTEMS[name], "code": code}


def coded(*texts: str) -> Json:
    """One CodeableConcept with these codings."""
    return {"coding": [coding(text) for text in texts], "text": " ".join(texts)}


def condition(
    *codes: str,
    verification: str | None = "confirmed",
    clinical: str | None = "active",
    site: str | None = None,
    morphology: str | None = None,
    recorded: str | None = "2026-01-10",
    **more: Any,
) -> Json:
    """A Condition; None leaves the element out."""
    found: Json = {"resourceType": "Condition", "code": coded(*codes), "subject": SUBJECT}
    if verification:
        found["verificationStatus"] = {"coding": [{"code": verification}]}
    if clinical:
        found["clinicalStatus"] = {"coding": [{"code": clinical}]}
    if site:
        found["bodySite"] = [coded(site)]
    if morphology:
        found["extension"] = [{"url": MORPHOLOGY, "valueCodeableConcept": coded(morphology)}]
    if recorded:
        found["recordedDate"] = recorded
    return found | more


def observation(code: str, value: Any = None, date: str | None = RECENTLY, **more: Any) -> Json:
    """A final Observation. The value's Python type picks the element: bool, int, `3 %` or `rec:T-OCT` as text, JSON."""
    found: Json = {"resourceType": "Observation", "status": "final", "code": coded(code), "subject": SUBJECT}
    if date:
        found["effectiveDateTime"] = date
    return found | _value(value) | more


def _value(value: Any) -> Json:
    if value is None:
        return {}
    if isinstance(value, bool):
        return {"valueBoolean": value}
    if isinstance(value, int):
        return {"valueInteger": value}
    if isinstance(value, dict):
        return value
    if value.partition(":")[0] in SYSTEMS:
        return {"valueCodeableConcept": coded(value)}
    return {"valueQuantity": quantity(value)}


def quantity(text: str) -> Json:
    """`41 mm`, `<2 %`, `7` (no unit) as a Quantity with a UCUM code."""
    number, _, unit = text.partition(" ")
    comparator = number[: len(number) - len(number.lstrip("<>="))]
    found: Json = {"value": json.loads(number.lstrip("<>="))}
    if comparator:
        found["comparator"] = comparator
    if unit:
        found |= {"unit": unit, "system": systems.UCUM, "code": unit}
    return found


def assessed(code: str, value: Any, date: str | None = RECENTLY, **more: Any) -> Json:
    """An assessment of the project's own code system."""
    return observation(f"nelm:{code}", value, date, **more)


def study(modality: str, *codes: str, site: str | None = None, started: str | None = RECENTLY, **more: Any) -> Json:
    """An available ImagingStudy; the site is that of its only series."""
    found: Json = {"resourceType": "ImagingStudy", "status": "available", "subject": SUBJECT}
    found["modality"] = [coding(f"dcm:{modality}")]
    if codes:
        found["procedureCode"] = [coded(*codes)]
    if site:
        found["series"] = [{"uid": "1.2", "modality": coding(f"dcm:{modality}"), "bodySite": coding(site)}]
    if started:
        found["started"] = started
    return found | more


def report(code: str, date: str | None = RECENTLY, **more: Any) -> Json:
    """A final DiagnosticReport."""
    found: Json = {"resourceType": "DiagnosticReport", "status": "final", "code": coded(code), "subject": SUBJECT}
    return found | ({"effectiveDateTime": date} if date else {}) | more


def procedure(code: str, date: str | None = RECENTLY, site: str | None = None, **more: Any) -> Json:
    """A completed Procedure."""
    found: Json = {"resourceType": "Procedure", "status": "completed", "code": coded(code), "subject": SUBJECT}
    if site:
        found["bodySite"] = [coded(site)]
    return found | ({"performedDateTime": date} if date else {}) | more


def prescribed(drug: str | Json, date: str | None = RECENTLY, **more: Any) -> Json:
    """An active MedicationRequest; the drug is a code, or whatever element names it."""
    found: Json = {"resourceType": "MedicationRequest", "status": "active", "intent": "order", "subject": SUBJECT}
    return found | _drug(drug) | ({"authoredOn": date} if date else {}) | more


def taken(drug: str | Json, start: str | None = "2025-06-01", end: str | None = None, **more: Any) -> Json:
    """An active MedicationStatement, taken from one day on, or to another."""
    found: Json = {"resourceType": "MedicationStatement", "status": "active", "subject": SUBJECT} | _drug(drug)
    dates = {"start": start, "end": end}
    return found | {"effectivePeriod": {name: day for name, day in dates.items() if day}} | more


def given(drug: str | Json, date: str | None = RECENTLY, **more: Any) -> Json:
    """A completed MedicationAdministration."""
    found: Json = {"resourceType": "MedicationAdministration", "status": "completed", "subject": SUBJECT}
    return found | _drug(drug) | ({"effectiveDateTime": date} if date else {}) | more


def _drug(drug: str | Json) -> Json:
    return {"medicationCodeableConcept": coded(drug)} if isinstance(drug, str) else drug


def searchset(resources: Iterable[Json], **more: Any) -> Json:
    """A searchset Bundle of resources."""
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": r} for r in resources]} | more


def answer(value: Any) -> Answer:
    """The answer that the JSON value of a prefetch key makes."""
    return read_answer(json.dumps(value).encode())


def chart_of(values: Json, as_of: datetime = AS_OF, server: str | None = SERVER) -> Chart:
    """The chart that prefetch values make, as they stand."""
    answers = {key: answer(value) for key, value in values.items()}
    return build_chart(answers, patient_id="p1", fhir_server=server, as_of=as_of, terminology=load_terminology())


def chart(
    *resources: Json,
    as_of: datetime = AS_OF,
    patient: Json = PATIENT,
    absent: Iterable[str] = (),
    failed: Iterable[str] = (),
    partial: Iterable[str] = (),
) -> Chart:
    """A chart in which every query was answered in full, except those named. A resource without id gets one."""
    values: Json = {"patient": patient}
    for kind, key in KEYS.items():
        mine = [{"id": f"{kind.lower()}-{n}"} | r for n, r in enumerate(resources) if r["resourceType"] == kind]
        values[key] = searchset([*(entry["resource"] for entry in values.get(key, {"entry": []})["entry"]), *mine])
    for key in partial:
        values[key]["link"] = [{"relation": "next", "url": "https://ehr.example.org/fhir?page=2"}]
    for key in failed:
        values[key] = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
    for key in absent:
        del values[key]
    return chart_of(values, as_of)


NELM = condition("icd:C7B.02", recorded="2025-12-01", id="nelm")  # in scope by one code


def reading(*resources: Json, **more: Any) -> ChartReading:
    """What the intake reads of a small chart."""
    return read_chart(chart(*resources, **more))


def needs(*resources: Json, **more: Any) -> Needs:
    """The needs of a small chart that is in scope by one diagnosis code."""
    return reading(NELM, *resources, **more).needs


def said(fact: Known[Any] | Unknown) -> Any:
    """A fact in one word for a table: its value (an interval as text), or the reason as `?too_old`."""
    if isinstance(fact, Unknown):
        return f"?{fact.why.value}"
    return fact.value.text() if isinstance(fact.value, Interval) else fact.value
