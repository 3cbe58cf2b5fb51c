"""Draft ServiceRequests, built and validated with `fhir.resources`; never a drug, a dose or a procedure.

FHIR: https://hl7.org/fhir/R4/servicerequest.html
"""

from __future__ import annotations

from typing import Any

from cds_service.reasoning.advice import Order


def draft_order(order: Order, patient_id: str, reasons: tuple[str, ...]) -> dict[str, Any]:
    """A ServiceRequest in status draft, intent proposal, for this patient.

    `reasons` are references to Conditions of the chart. Raises pydantic's ValidationError if the result were not FHIR,
    which would be a fault of ours.
    """
    from fhir.resources.R4B.servicerequest import ServiceRequest

    code: dict[str, Any] = {"text": order.text}
    if order.system is not None and order.code is not None:
        coding = {"system": order.system, "code": order.code}
        code["coding"] = [coding | ({"display": order.display} if order.display else {})]
    resource: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "code": code,
        "subject": {"reference": f"Patient/{patient_id}"},
    }
    if reasons:
        resource["reasonReference"] = [{"reference": reference} for reference in reasons]
    validated: dict[str, Any] = ServiceRequest.model_validate(resource).model_dump(mode="json", exclude_none=True)
    return validated
