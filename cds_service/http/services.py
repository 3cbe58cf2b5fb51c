"""The services on offer, each one hook under an id; one id may stand on several hooks.

CDS Hooks 2.0.1: https://cds-hooks.hl7.org/2.0/#discovery
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from cds_service.errors import UnknownService

HOOK = "patient-view"
SERVICE_ID = "nelm-patient-view"


@dataclass(frozen=True, slots=True)
class Service:
    """An entry of discovery; `feedback` tells whether what became of its cards may be reported."""

    hook: str
    id: str
    title: str
    description: str
    usage_requirements: str
    feedback: bool = True


NELM_PATIENT_VIEW = Service(
    hook=HOOK,
    id=SERVICE_ID,
    title="Neuroendocrine liver metastases: work-up and options (2006 Utrecht protocol)",
    description=(
        "For patients with neuroendocrine liver metastases: the work-up that is missing, or the treatment "
        "options of Veenendaal et al., World J Surg Oncol 2006;4:35, with reasons, evidence and the chart "
        "data behind them. Silent on every other chart. For discussion in a tumour board; a reconstruction "
        "of a 2006 text, not reviewed by clinicians."
    ),
    usage_requirements=(
        "FHIR R4. Needs Patient and Condition by prefetch; without Observation, ImagingStudy, Procedure, "
        "medications, DiagnosticReport and QuestionnaireResponse it says what it could not read."
    ),
)
SERVICES = (NELM_PATIENT_VIEW,)


def services_of(services: Sequence[Service], service_id: str) -> tuple[Service, ...]:
    """The services of an id, one a hook; raises UnknownService if there is none."""
    found = tuple(service for service in services if service.id == service_id)
    if not found:
        raise UnknownService("There is no service of this id; GET /cds-services lists them.")
    return found
