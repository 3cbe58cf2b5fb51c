"""Draft orders: a proposal for this patient, with a code only where one is known, and always valid FHIR."""

from __future__ import annotations

import pytest
from fhir.resources.R4B.servicerequest import ServiceRequest
from pydantic import ValidationError

from cds_service.cards.orders import draft_order
from cds_service.reasoning.advice import Order

CODED = Order("Chromogranin A", "http://loinc.org", "25587-7", "Chromogranin A [Moles/volume] in Serum or Plasma")


def test_an_order_is_a_draft_proposal_for_the_patient() -> None:
    order = draft_order(CODED, "p1", ())
    assert order == {
        "resourceType": "ServiceRequest",
        "status": "draft",
        "intent": "proposal",
        "code": {
            "coding": [{"system": CODED.system, "code": CODED.code, "display": CODED.display}],
            "text": "Chromogranin A",
        },
        "subject": {"reference": "Patient/p1"},
    }


@pytest.mark.parametrize(
    ("order", "code"),
    [
        (Order("Biopsy"), {"text": "Biopsy"}),
        (Order("CT", "http://loinc.org"), {"text": "CT"}),
        (Order("CT", code="1-2"), {"text": "CT"}),
        (
            Order("CT", "http://loinc.org", "1-2"),
            {"coding": [{"system": "http://loinc.org", "code": "1-2"}], "text": "CT"},
        ),
    ],
    ids=["no code", "no code but a system", "no system", "no display"],
)
def test_half_a_code_is_no_code(order: Order, code: dict[str, object]) -> None:
    assert draft_order(order, "p1", ())["code"] == code


def test_the_reasons_are_the_conditions_it_rests_on() -> None:
    order = draft_order(CODED, "p1", ("Condition/1", "Condition/2"))
    assert order["reasonReference"] == [{"reference": "Condition/1"}, {"reference": "Condition/2"}]


@pytest.mark.parametrize("patient_id", ["1", "a.b-c", "x" * 200, "é", "<img>", 'a"b', "a&b", "%41"])
def test_every_patient_id_that_a_request_may_carry_makes_valid_fhir(patient_id: str) -> None:
    order = draft_order(CODED, patient_id, (f"Condition/{patient_id}",))
    assert order["subject"] == {"reference": f"Patient/{patient_id}"}
    ServiceRequest.model_validate(order)


def test_what_is_not_fhir_is_a_fault_of_ours_and_never_sent() -> None:
    with pytest.raises(ValidationError):
        draft_order(Order(""), "p1", ())
