"""Whose resource is it? Every form of reference, and only a certain answer is "this patient"."""

from __future__ import annotations

import pytest

from fhir_mappings.compartment import PatientIdentity, Whose, whose
from fhir_mappings.wire import Reference, Resource
from tests.support.charts import SERVER

URN = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
OURS, OTHER, NOT_STATED = Whose.THIS_PATIENT, Whose.OTHER_PATIENT, Whose.NOT_STATED


def identity(server: str | None = SERVER) -> PatientIdentity:
    return PatientIdentity("p1", server, [URN, "https://elsewhere.example.org/fhir/Patient/p1"])


@pytest.mark.parametrize(
    ("reference", "expected", "why"),
    [
        ("Patient/p1", OURS, "relative"),
        ("Patient/p1/_history/3", OURS, "relative, of a version"),
        (f"{SERVER}/Patient/p1", OURS, "absolute on the server of the request"),
        (f"{SERVER}/Patient/p1/_history/3", OURS, "absolute, of a version"),
        (URN, OURS, "the Patient entry's own urn:uuid"),
        ("Patient/p2", OTHER, "somebody else"),
        ("Patient/p11", OTHER, "an id that only begins like ours"),
        ("Patient/p", OTHER, "an id that ours begins with"),
        ("Patient/P1", OTHER, "ids are case-sensitive"),
        (f"{SERVER}/Patient/p2", OTHER, "somebody else on our server"),
        ("https://other.example.org/fhir/Patient/p1", OTHER, "our id on another server is somebody else"),
        ("https://elsewhere.example.org/fhir/Patient/p1", OTHER, "even where a fullUrl says so: we know our server"),
        ("urn:uuid:00000000-0000-0000-0000-000000000000", OTHER, "a urn that nothing resolves"),
        ("Group/p1", OTHER, "a group"),
        ("#p1", NOT_STATED, "a contained patient identifies nobody"),
        ("", NOT_STATED, "empty"),
        (None, NOT_STATED, "only a display or a logical identifier"),
    ],
)
def test_a_reference_is_this_patient_only_if_it_certainly_is(reference: str | None, expected: Whose, why: str) -> None:
    assert whose(Resource(resourceType="Condition", subject=Reference(reference)), identity()) is expected, why


def test_without_a_server_in_the_request_a_full_url_names_the_patient() -> None:
    reference = Reference("https://elsewhere.example.org/fhir/Patient/p1")
    assert whose(Resource(resourceType="Condition", subject=reference), identity(server=None)) is OURS


def test_a_server_is_the_same_with_and_without_its_last_slash() -> None:
    reference = Reference(f"{SERVER}/Patient/p1")
    assert whose(Resource(resourceType="Condition", subject=reference), identity(f"{SERVER}/")) is OURS


def test_the_element_is_subject_or_patient() -> None:
    assert whose(Resource(resourceType="Condition", patient=Reference("Patient/p1")), identity()) is OURS
    assert whose(Resource(resourceType="Condition"), identity()) is NOT_STATED


@pytest.mark.parametrize(("patient_id", "expected"), [("p1", OURS), ("p2", OTHER), (None, OTHER)])
def test_a_patient_is_known_by_the_id(patient_id: str | None, expected: Whose) -> None:
    assert whose(Resource(resourceType="Patient", id=patient_id), identity()) is expected
