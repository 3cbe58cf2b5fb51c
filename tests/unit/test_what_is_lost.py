"""What could not be read, in every shape it comes: never silence, never "no", never an older answer left standing."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.answer import Availability, read_answer
from fhir_mappings.compartment import PatientIdentity, Whose, whose
from fhir_mappings.wire import Reference, Resource
from tests.support.charts import NELM, Json, answer, assessed, condition, needs, observation, procedure, reading, said

BUNDLE = {"resourceType": "Bundle", "type": "searchset"}
OUTCOME = {"resourceType": "OperationOutcome"}


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (BUNDLE | {"entry": [{"response": {"status": "500 Internal Server Error"}}]}, "a batch whose query failed"),
        (BUNDLE | {"entry": [{"response": {"status": "403"}}, {"resource": 5}]}, "the same beside a broken entry"),
        (BUNDLE | {"entry": [{"resource": OUTCOME}]}, "an outcome without an issue"),
        (BUNDLE | {"entry": [{"resource": OUTCOME | {"issue": [{"severity": "error", "code": {}}]}}]}, "not R4"),
        (BUNDLE | {"entry": [], "issue": [{"severity": "error"}]}, "an outcome in the shape of a Bundle"),
    ],
)
def test_a_query_that_failed_is_not_an_empty_answer(value: Json, why: str) -> None:
    assert answer(value).availability is Availability.FAILED, why


@pytest.mark.parametrize(
    ("value", "why"),
    [
        (BUNDLE | {"total": 7}, "seven announced, none there"),
        (BUNDLE | {"total": 3, "entry": None}, "three announced"),
        (BUNDLE | {"entry": [1, 2, 3]}, "entries that are nothing"),
        (BUNDLE | {"entry": [{"resource": {}}]}, "a resource without a type"),
        (BUNDLE | {"link": {"relation": "next", "url": "x"}}, "a link that is no list"),
        (BUNDLE | {"link": [{"relation": "Next", "url": "x"}]}, "in capitals"),
    ],
)
def test_less_than_was_announced_is_a_partial_answer(value: Json, why: str) -> None:
    assert answer(value).availability is Availability.PARTIAL, why


def test_a_lone_resource_of_another_type_is_no_answer() -> None:
    lone = b'{"resourceType": "Observation", "id": "1"}'
    assert read_answer(lone, "Condition").availability is Availability.FAILED
    assert read_answer(lone, "Observation").availability is Availability.COMPLETE


UNREADABLE: list[Json] = [
    {"clinicalStatus": "active"},  # STU3 and DSTU2
    {"onsetDateTime": 5},
    {"modifierExtension": [{"url": "x"}]},
]


@pytest.mark.parametrize("fault", UNREADABLE)
def test_a_diagnosis_that_could_not_be_read_is_a_question_not_silence(fault: Json) -> None:
    assert said(reading(NELM | fault).needs.nelm_confirmed) == "?malformed"
    assert said(reading(condition("icd:E11.9") | fault).needs.nelm_confirmed) is False, "of something else"


@pytest.mark.parametrize("fault", UNREADABLE)
def test_a_metastasis_that_could_not_be_read_unsettles_a_no(fault: Json) -> None:
    settled = assessed("extrahepatic-disease", False)
    assert said(needs(settled).extrahepatic_disease) is False
    assert said(needs(settled, condition("icd:C7B.03") | fault).extrahepatic_disease) == "?malformed"


def test_an_assessment_that_could_not_be_read_unsettles_an_older_one() -> None:
    old, new = assessed("extrahepatic-disease", False), assessed("extrahepatic-disease", None)
    assert said(needs(old, new | {"valueBoolean": "true"}).extrahepatic_disease) == "?malformed"


def test_a_yes_that_calls_for_caution_stands_beside_a_record_that_could_not_be_read() -> None:
    found = needs(condition("icd:C7B.03"), assessed("extrahepatic-disease", None) | {"valueBoolean": "false"})
    assert said(found.extrahepatic_disease) is True


def test_a_ki67_that_could_not_be_read_may_be_the_highest() -> None:
    unreadable = observation("loinc:29593-1", None) | {"valueQuantity": "40 %"}
    assert said(needs(observation("loinc:29593-1", "3 %"), unreadable).ki67_percent) == "≥3"


ANASTOMOSIS, EMBOLISATION = "sct:42246001", "sct:314617008"


@pytest.mark.parametrize("fault", [{"performedDateTime": 7}, {"modifierExtension": [{"url": "x"}]}, {"code": None}])
def test_an_operation_that_could_not_be_read_is_not_taken_as_never_done(fault: Json) -> None:
    no = assessed("biliary-anastomosis", False)
    if fault == {"code": None}:  # valid in code and status, not valid FHIR
        fault = {"code": {"coding": [{"system": "http://snomed.info/sct", "code": "42246001"}, {"code": "a  b"}]}}
    assert said(needs(no, procedure(ANASTOMOSIS) | fault).biliary_anastomosis) == "?malformed"


def test_an_embolisation_that_could_not_be_read_is_not_the_initial_course() -> None:
    assert said(needs(procedure(EMBOLISATION) | {"performedDateTime": 7}).context) == "post_embolisation"


@pytest.mark.parametrize(
    ("statuses", "expected"),
    [
        ({"verificationStatus": {"text": "Refuted"}}, "?unconfirmed"),
        ({"verificationStatus": {"coding": [{"display": "Refuted"}]}}, "?unconfirmed"),
        ({"clinicalStatus": {"text": "Resolved"}}, "?history_of"),
        ({"clinicalStatus": {"coding": [{"system": "http://snomed.info/sct", "code": "73425007"}]}}, "?history_of"),
    ],
)
def test_a_status_that_is_not_understood_confirms_nothing(statuses: Json, expected: str) -> None:
    assert said(reading(NELM | statuses).needs.nelm_confirmed) == expected


@pytest.mark.parametrize("url", ["Patient/other", "https://ehr/fhir/Patient/other", "Group/7"])
def test_the_address_of_the_patient_entry_counts_only_if_it_is_an_address_of_that_patient(url: str) -> None:
    identity = PatientIdentity("p1", None, [url])
    assert whose(Resource(resourceType="Observation", subject=Reference(url)), identity) is Whose.OTHER_PATIENT


def test_two_references_that_disagree_identify_nobody() -> None:
    identity = PatientIdentity("p1", None, [])
    both: dict[str, Any] = {"subject": Reference("Patient/p1"), "patient": Reference("Patient/other")}
    assert whose(Resource(resourceType="Condition", **both), identity) is Whose.OTHER_PATIENT
