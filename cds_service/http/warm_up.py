"""One evaluation of a made-up chart before the first call: models, value sets and units are loaded by then."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime

import msgspec
import orjson

from cds_service.decide import evaluate
from cds_service.gather import gather, read_prefetch

_LANREOTIDE = {"coding": [{"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "68092"}]}
_PATHOLOGY = {"coding": [{"system": "http://loinc.org", "code": "22637-3"}]}
_SEGMENT = {"coding": [{"system": "http://www.cms.gov/Medicare/Coding/ICD10", "code": "0FT00ZZ"}]}
_MOMENT = datetime(2026, 1, 2, tzinfo=UTC)


def _bundle(*resources: Mapping[str, object]) -> dict[str, object]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": r} for r in resources]}


def warm_up() -> None:
    """Evaluate a chart in scope that touches every reader and every model."""
    subject = {"reference": "Patient/warm-up"}
    liver = {"coding": [{"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": "C7B.02"}]}
    ki67 = {"coding": [{"system": "http://loinc.org", "code": "29593-1"}]}
    diameter = {
        "coding": [
            {"system": "https://nelm-cds.github.io/fhir/CodeSystem/nelm-assessment", "code": "largest-lesion-diameter"}
        ]
    }
    size = {"value": 30, "unit": "mm", "system": "http://unitsofmeasure.org", "code": "mm"}
    day = "2026-01-01"
    observation = {"resourceType": "Observation", "status": "final", "subject": subject, "effectiveDateTime": day}
    prefetch = {
        "patient": {"resourceType": "Patient", "id": "warm-up", "birthDate": "1960-01-01"},
        "conditions": _bundle({"resourceType": "Condition", "id": "1", "subject": subject, "code": liver}),
        "observations": _bundle(
            observation | {"id": "2", "code": ki67, "valueQuantity": {"value": 3, "unit": "%", "code": "%"}},
            observation | {"id": "3", "code": diameter, "valueQuantity": size},
        ),
        "imaging": _bundle(
            {"resourceType": "ImagingStudy", "id": "4", "status": "available", "subject": subject, "started": day,
             "modality": [{"system": "http://dicom.nema.org/resources/ontology/DCM", "code": "CT"}]}
        ),
        "procedures": _bundle(
            {"resourceType": "Procedure", "id": "5", "status": "completed", "subject": subject, "code": _SEGMENT}
        ),
        "medicationRequests": _bundle(
            {"resourceType": "MedicationRequest", "id": "6", "status": "active", "intent": "order", "subject": subject,
             "authoredOn": day, "medicationCodeableConcept": _LANREOTIDE}
        ),
        "medicationStatements": _bundle(
            {"resourceType": "MedicationStatement", "id": "7", "status": "active", "subject": subject,
             "medicationCodeableConcept": _LANREOTIDE},
            {"resourceType": "MedicationAdministration", "id": "8", "status": "completed", "subject": subject,
             "effectiveDateTime": day, "medicationCodeableConcept": _LANREOTIDE},
        ),
        "diagnosticReports": _bundle(
            {"resourceType": "DiagnosticReport", "id": "9", "status": "final", "subject": subject, "code": _PATHOLOGY,
             "conclusionCode": [liver]}
        ),
        "questionnaireResponses": None,
    }  # fmt: skip
    raw = {key: msgspec.Raw(orjson.dumps(value)) for key, value in prefetch.items()}
    evaluate(
        gather(read_prefetch(raw)), patient_id="warm-up", fhir_server=None, as_of=_MOMENT, new_uuid=lambda: "warm-up"
    )
