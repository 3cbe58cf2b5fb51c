"""What the service offers, for whoever configures an EHR.

CDS Hooks 2.0.1: https://cds-hooks.hl7.org/2.0/#discovery
"""

from __future__ import annotations

import re
from functools import cache
from typing import Any
from urllib.parse import quote

from cds_service.http.services import SERVICES, Service
from fhir_mappings.assessment import AssessmentCode
from fhir_mappings.local_codes import NO_LOCAL_CODES, LocalCodes, with_local_codes
from fhir_mappings.systems import LOINC, NELM_ASSESSMENT
from fhir_mappings.terminology import Concept, load_terminology

_PATIENT = "patient={{context.patientId}}"
_PAGE = "_count=200"
_MEASURED = frozenset({
    Concept.CHROMOGRANIN_A, Concept.PLATELET_SEROTONIN, Concept.SEROTONIN_OTHER_SPECIMEN, Concept.URINARY_5_HIAA,
    Concept.KI_67_PERCENT, Concept.KI_67_NOT_PERCENT, Concept.TUMOUR_SIZE, Concept.BILIRUBIN_TOTAL, Concept.INR,
    Concept.ALBUMIN, Concept.DISEASE_STATUS_MCODE, Concept.HISTOLOGIC_GRADE,
})  # fmt: skip


@cache
def discovery(
    local: LocalCodes = NO_LOCAL_CODES, services: tuple[Service, ...] = SERVICES, version: str = ""
) -> dict[str, Any]:
    """The body of `GET /cds-services`; a site's own codes are asked for as well.

    `version` is a member of CDS Hooks 3.0, so only clients that are known to speak it are shown one.
    """
    return {"services": [_entry(service, local, version) for service in services]}


def _entry(service: Service, local: LocalCodes, version: str) -> dict[str, Any]:
    announced = {"version": version} if version else {}
    return announced | {
        "hook": service.hook,
        "id": service.id,
        "title": service.title,
        "description": service.description,
        "usageRequirements": service.usage_requirements,
        "prefetch": _prefetch(local),
    }


def queries(patient_id: str, local: LocalCodes = NO_LOCAL_CODES) -> dict[str, str]:
    """The templates with the patient put in: what an EHR asks for us, and what we ask where it does not."""
    # In a search value these separate values, so an id that holds one would ask for several patients.
    in_a_search = quote(re.sub(r"([\\,$|])", r"\\\1", patient_id), safe="")
    in_a_path = quote(patient_id, safe="")
    return {
        key: template.replace("{{context.patientId}}", in_a_search if "?" in template else in_a_path)
        for key, template in _prefetch(local).items()
    }


@cache
def _prefetch(local: LocalCodes) -> dict[str, str]:
    """The templates, required ones first; only 2.0 tokens, no dates, no sorting (servers differ too much)."""
    return {
        "patient": "Patient/{{context.patientId}}",
        "conditions": f"Condition?{_PATIENT}&{_PAGE}",
        # Epic refuses an Observation search without code or category.
        "observations": f"Observation?{_PATIENT}&code={','.join(_observation_codes(local))}&{_PAGE}",
        "imaging": f"ImagingStudy?{_PATIENT}&{_PAGE}",
        "procedures": f"Procedure?{_PATIENT}&{_PAGE}",
        "medicationRequests": f"MedicationRequest?{_PATIENT}&{_PAGE}",
        "medicationStatements": f"MedicationStatement?{_PATIENT}&{_PAGE}",
        "diagnosticReports": f"DiagnosticReport?{_PATIENT}&{_PAGE}",
        "questionnaireResponses": f"QuestionnaireResponse?{_PATIENT}&{_PAGE}",
    }


def _observation_codes(local: LocalCodes) -> list[str]:
    by_code = load_terminology().by_code
    loinc = sorted(code for (system, code), concepts in by_code.items() if system == LOINC and concepts & _MEASURED)
    ours = [f"{LOINC}|{code}" for code in loinc] + [f"{NELM_ASSESSMENT}|{code}" for code in AssessmentCode]
    terminology = with_local_codes(load_terminology(), local)
    measured = [(m.system, m.code) for m in local.mapped if terminology.concepts(m.system, m.code) & _MEASURED]
    return ours + [f"{_search_value(system)}|{_search_value(code)}" for system, code in sorted(measured)]


def _search_value(text: str) -> str:
    """One part of a token as a search takes it: FHIR's separators escaped, then the URL's."""
    return quote(re.sub(r"([\\,$|])", r"\\\1", text), safe="/:")
