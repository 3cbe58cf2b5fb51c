"""From answers to a chart: four kinds of nothing stay apart, and nothing is dropped in silence."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_mappings.answer import ABSENT, Availability, read_answer
from fhir_mappings.meanings import assessment_meaning
from fhir_mappings.relevance import judge_by
from fhir_mappings.select import PatientMismatchError, WhyUnused, build_chart
from fhir_mappings.terminology import Concept, load_terminology
from tests.support.charts import (
    AS_OF,
    PATIENT,
    SERVER,
    SUBJECT,
    Json,
    answer,
    chart,
    chart_of,
    coded,
    condition,
    observation,
    searchset,
)

ERROR: Json = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
HIT: Json = {"resource": {"resourceType": "Condition", "id": "c"}, "search": {"mode": "match"}}
NEXT = [{"relation": "self", "url": "a"}, {"relation": "next", "url": "b"}]


def outcome(severity: str, code: str) -> Json:
    """An OperationOutcome among the entries, as Epic sends it with every answer."""
    resource = {"resourceType": "OperationOutcome", "issue": [{"severity": severity, "code": code}]}
    return {"resource": resource, "search": {"mode": "outcome"}}


def bundle(*entries: Json, **more: Any) -> Json:
    return {"resourceType": "Bundle", "type": "searchset", "entry": list(entries)} | more


@pytest.mark.parametrize(
    ("value", "availability", "hits", "why"),
    [
        (None, "complete", 0, "null: the client had no data"),
        ({"resourceType": "Bundle", "type": "searchset"}, "complete", 0, "an empty searchset has no entry at all"),
        (bundle(), "complete", 0, "or an empty list"),
        (bundle(HIT), "complete", 1, "a hit"),
        (PATIENT, "complete", 1, "a resource that was read, not searched"),
        (ERROR, "failed", 0, "an OperationOutcome alone"),
        (bundle({"resource": ERROR}), "failed", 0, "an error among the entries"),
        (bundle(HIT, outcome("fatal", "exception")), "failed", 0, "an error beside hits: what else is missing?"),
        (bundle(outcome("warning", "not-found")), "complete", 0, "a search without hits, in words"),
        (bundle(HIT, outcome("information", "informational")), "complete", 1, "a remark beside the hits"),
        (bundle(HIT, outcome("warning", "suppressed")), "partial", 1, "some results were withheld"),
        (bundle(HIT, link=NEXT), "partial", 1, "more pages exist"),
        (bundle({"resource": bundle(HIT, link=NEXT)}), "partial", 1, "more pages of a Bundle in a batch-response"),
        (bundle({"resource": bundle(HIT)}, {"resource": bundle(HIT)}), "complete", 2, "a batch-response"),
        (bundle({"resource": bundle({"resource": ERROR})}), "failed", 0, "an error in a batch-response"),
        ({}, "failed", 0, "an object without a type"),
        ("a text", "failed", 0, "a text"),
        ([HIT], "failed", 0, "a list"),
        (7, "failed", 0, "a number"),
        (True, "failed", 0, "a truth value"),
    ],
)
def test_an_answer_is_complete_partial_or_failed(value: Any, availability: str, hits: int, why: str) -> None:
    found = answer(value)
    assert (found.availability, len(found.entries)) == (availability, hits), why


def test_a_key_that_was_not_sent_is_absent() -> None:
    assert read_answer(None) is ABSENT
    assert read_answer(b"  null\n").availability is Availability.COMPLETE
    assert read_answer(b"").availability is Availability.FAILED


def test_entries_of_something_that_is_no_bundle_are_not_walked_into() -> None:
    nested = {"resourceType": "Condition", "id": "c", "entry": [{"resource": {"resourceType": "Condition"}}]}
    for value in (nested, searchset([nested])):
        (entry,) = answer(value).entries
        assert entry.resource is not None
        assert entry.resource.entry is None


@pytest.mark.parametrize(
    ("patient", "why"),
    [
        (PATIENT | {"id": "p2"}, "another patient"),
        ({"resourceType": "Patient"}, "no id"),
        (None, "no patient"),
        (ERROR, "not read"),
        (condition("icd:C7B.02"), "not a patient"),
        (searchset([PATIENT, PATIENT | {"id": "p2"}]), "two patients"),
    ],
)
def test_another_patient_stops_everything(patient: Any, why: str) -> None:
    with pytest.raises(PatientMismatchError) as stopped:
        chart_of({"patient": patient})
    assert "p1" not in str(stopped.value), why


def test_no_answer_about_the_patient_stops_everything() -> None:
    with pytest.raises(PatientMismatchError):
        build_chart({}, patient_id="p1", fhir_server=SERVER, as_of=AS_OF, terminology=load_terminology())


def test_the_patient_may_come_in_a_bundle() -> None:
    assert chart_of({"patient": searchset([PATIENT])}).patient.id == "p1"


@pytest.mark.parametrize(
    ("resource", "why_unused", "why"),
    [
        ({"subject": {"reference": "Patient/p2"}}, WhyUnused.OTHER_PATIENT, "another patient's"),
        ({"subject": {"reference": "#patient"}}, WhyUnused.NO_SUBJECT, "a contained patient"),
        ({"subject": {"identifier": {"value": "1"}}}, WhyUnused.NO_SUBJECT, "a logical identifier"),
        ({"subject": None}, WhyUnused.NO_SUBJECT, "no subject"),
        ({"modifierExtension": [{"url": "http://example.org/not"}]}, WhyUnused.MODIFIER, "it may mean the opposite"),
        ({"verificationStatus": 5}, WhyUnused.MALFORMED, "not decodable"),
    ],
)
def test_what_is_not_used_is_listed_with_its_reason_and_concepts(
    resource: Json, why_unused: WhyUnused, why: str
) -> None:
    found = chart(condition("icd:C7B.02", id="c") | resource)
    assert found.of_type("Condition") == ()
    (unused,) = found.unused
    assert (unused.reference, unused.why) == ("Condition/c", why_unused), why
    assert Concept.NEUROENDOCRINE_LIVER_METASTASIS in unused.concepts


def test_copies_with_one_id_are_one_resource_in_its_latest_version() -> None:
    old = observation("loinc:29593-1", "3 %", id="o", meta={"lastUpdated": "2026-01-01T00:00:00Z"})
    new = observation("loinc:29593-1", "20 %", id="o", meta={"lastUpdated": "2026-02-01T00:00:00Z"})
    for rows in ([old, new, new], [new, old]):
        (kept,) = chart(*rows).of_type("Observation")
        assert kept.meta is not None
        assert kept.meta.lastUpdated == "2026-02-01T00:00:00Z"


def test_copies_are_found_across_answers() -> None:
    value = searchset([observation("loinc:29593-1", "3 %", id="o")])
    found = chart_of({"patient": PATIENT, "observations": value, "diagnosticReports": value})
    assert len(found.of_type("Observation")) == 1


def test_two_resources_without_an_id_are_two() -> None:
    row = {"resourceType": "Observation", "status": "final", "subject": SUBJECT}
    found = chart_of({"patient": PATIENT, "observations": searchset([row, row])})
    assert len(found.of_type("Observation")) == 2


def test_two_malformed_resources_without_an_id_are_both_listed() -> None:
    broken = {"resourceType": "Observation", "code": 5}
    found = chart_of({"patient": PATIENT, "observations": searchset([broken, broken])})
    assert [item.why for item in found.unused] == [WhyUnused.MALFORMED] * 2


def test_another_patients_resource_does_not_displace_ours_of_the_same_id() -> None:
    ours = condition("icd:C7B.02", id="same")
    found = chart(ours, ours | {"subject": {"reference": "Patient/p2"}})
    assert len(found.of_type("Condition")) == 1
    assert [item.why for item in found.unused] == [WhyUnused.OTHER_PATIENT]


def test_a_patient_among_the_entries_resolves_its_urn() -> None:
    urn = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
    entries: list[Json] = [
        {"fullUrl": urn, "resource": PATIENT},
        {"resource": condition("icd:C7B.02", id="c") | {"subject": {"reference": urn}}},
        {"resource": None},
    ]
    found = chart_of({"patient": PATIENT, "conditions": bundle(*entries)})
    assert len(found.of_type("Condition")) == 1


def test_text_alone_stands_for_nothing() -> None:
    (resource,) = chart(condition("icd:C7B.02") | {"code": {"text": "C7B.02 neuroendocrine"}}).of_type("Condition")
    assert chart().concepts(resource.code) == frozenset()
    assert chart().concepts(None) == frozenset()


def test_panels_of_one_code_are_found_by_their_parts() -> None:
    parts = {Concept.CHROMOGRANIN_A: "loinc:9811-1", Concept.KI_67_PERCENT: "loinc:29593-1"}
    panels = [
        observation("loinc:1-1", None, id=concept.value) | {"component": [{"code": coded(code)}]}
        for concept, code in parts.items()
    ]
    for concept in parts:
        assert [found.id for found in chart(*panels).observations(concept)] == [concept.value]


def test_only_our_own_code_system_makes_an_assessment_of_a_code() -> None:
    ours = observation("nelm:hepatic-failure", {"valueBoolean": True}, id="ours")
    foreign = {"coding": [{"system": "urn:x", "code": "hepatic-failure"}]}
    found = chart(ours, ours | {"id": "foreign", "code": foreign})
    assert [resource.id for resource in found.observations(assessment_meaning("hepatic-failure"))] == ["ours"]


def test_a_result_without_an_id_that_is_decoded_later_displaces_none() -> None:
    nameless = [observation(code, "1 mg/dL") for code in ("loinc:9811-1", "loinc:1975-2", "loinc:1975-2")]
    value = json.dumps(searchset(nameless), separators=(",", ":")).encode()
    terminology = load_terminology()
    results = read_answer(value, "Observation", judge_by(terminology))
    answers = {"patient": answer(PATIENT), "observations": results}
    found = build_chart(answers, patient_id="p1", fhir_server=None, as_of=AS_OF, terminology=terminology)
    assert (len(found.of_type("Observation")), len(found.whole().of_type("Observation"))) == (1, 3)
