"""The answers to our prefetch queries: what the caller sent, and an honest 412 where required data is not there.

CDS Hooks 2.0.1, Prefetch Template: a key that is absent is not a key whose value is null.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Raw

from cds_service.errors import MissingData
from fhir_mappings.select import ABSENT, Answer, Availability, read_answer

_ASKED_FOR = {
    "patient": "Patient",
    "conditions": "Condition",
    "observations": "Observation",
    "imaging": "ImagingStudy",
    "procedures": "Procedure",
    "medicationRequests": "MedicationRequest",
    "medicationStatements": "MedicationStatement",
    "diagnosticReports": "DiagnosticReport",
    "questionnaireResponses": "QuestionnaireResponse",
}
PREFETCH_KEYS = tuple(_ASKED_FOR)
REQUIRED_KEYS = ("patient", "conditions")

_WHY = {
    Availability.ABSENT: "is not in the request",
    Availability.FAILED: "holds an error or no FHIR resource",
    Availability.PARTIAL: "holds only the first of several pages",
}


def gather(prefetch: Mapping[str, Raw] | None) -> dict[str, Answer]:
    """Read the prefetch; keys that were never asked for are left alone.

    Raises MissingData if a required key has no complete answer: then nobody can say whether the chart is ours.
    """
    sent = prefetch or {}
    answers = {
        key: read_answer(bytes(sent[key]), resource_type) if key in sent else ABSENT
        for key, resource_type in _ASKED_FOR.items()
    }
    require(answers)
    return answers


def require(answers: Mapping[str, Answer]) -> None:
    """Raise MissingData naming every required key without a complete answer, and what to do about it."""
    missing = [f"'{key}' {_WHY[answers[key].availability]}" for key in REQUIRED_KEYS if not _complete(answers[key])]
    if not missing and not answers["patient"].entries:
        missing = ["'patient' holds no Patient"]
    if missing:
        raise MissingData(
            f"Required prefetch could not be had: {'; '.join(missing)}. Send the key with its FHIR resource; "
            "this version does not read it from the FHIR server itself."
        )


def _complete(answer: Answer) -> bool:
    return answer.availability is Availability.COMPLETE
