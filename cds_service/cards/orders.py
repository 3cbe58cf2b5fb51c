"""Draft ServiceRequests, validated with `fhir.resources`; never a drug, a dose or a procedure.

FHIR: https://hl7.org/fhir/R4/servicerequest.html
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from cds_service.reasoning.advice import Order


def draft_order(order: Order, patient_id: str, reasons: tuple[str, ...]) -> dict[str, Any]:
    """A ServiceRequest in status draft, intent proposal, for this patient.

    `reasons` are references to Conditions of the chart. Raises pydantic's ValidationError if the draft were not FHIR,
    which would be a fault of ours; the references are put in after that.
    """
    draft = dict(_validated(order))
    draft["subject"] = _reference(f"Patient/{patient_id}")
    if reasons:
        draft["reasonReference"] = [_reference(reference) for reference in reasons]
    else:
        del draft["reasonReference"]
    return draft


@lru_cache(maxsize=256)
def _validated(order: Order) -> dict[str, Any]:
    """The draft for nobody in particular: what differs between patients are strings, which no validation looks into."""
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
        "subject": _reference("Patient/-"),
        "reasonReference": [_reference("Condition/-")],
    }
    validated: dict[str, Any] = ServiceRequest.model_validate(resource).model_dump(mode="json", exclude_none=True)
    return validated


def _reference(reference: str) -> dict[str, str]:
    return {"reference": reference}
