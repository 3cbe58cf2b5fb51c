"""Medications: which drug, and whether it is given, was given, or neither; a name alone is no drug."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.medication import MedicationReading, Medications, medications
from fhir_mappings.select import WhyUnused
from fhir_mappings.terminology import Concept
from tests.support.charts import (
    PATIENT,
    SERVER,
    Json,
    chart,
    chart_of,
    coded,
    given,
    prescribed,
    searchset,
    taken,
)

C = Concept
OCTREOTIDE, LANREOTIDE = "rx:7617", "rx:68092"
DRUG: Json = {"resourceType": "Medication", "id": "m1", "code": coded(OCTREOTIDE)}


def referring(reference: Any, **more: Any) -> Json:
    return prescribed({"medicationReference": {"reference": reference, "display": "Sandostatin"}}, **more)


def read(*entries: Json, server: str | None = SERVER) -> Medications:
    """The medications of a chart whose prescriptions came in one answer, as its entries stand."""
    bundle: Json = {"resourceType": "Bundle", "type": "searchset", "entry": list(entries)}
    return medications(chart_of({"patient": PATIENT, "medicationRequests": bundle}, server=server))


def one(resource: Json) -> MedicationReading:
    found = medications(chart(resource))
    (reading,) = (*found.known, *found.others)
    return reading


@pytest.mark.parametrize(
    ("resource", "active", "done", "why"),
    [
        (prescribed(OCTREOTIDE), True, False, "a prescription that stands"),
        (prescribed(OCTREOTIDE, intent="plan"), True, False, "home medication, as Oracle Health sends it"),
        (prescribed(OCTREOTIDE, intent="proposal"), True, False, "and MEDITECH"),
        (prescribed(OCTREOTIDE, doNotPerform=False), True, False, "said in so many words"),
        (prescribed(OCTREOTIDE, status="completed"), False, True, "all of it was given"),
        (prescribed(OCTREOTIDE, status="ended"), False, True, "R5"),
        (taken(OCTREOTIDE), True, False, "on a list"),
        (taken(OCTREOTIDE, status="completed"), False, True, "no longer taken"),
        (taken(OCTREOTIDE, status="recorded"), True, False, "R5"),
        (taken(OCTREOTIDE, status="recorded", adherence={"code": {"text": "?"}}), None, None, "R5: nobody can tell"),
        (given(OCTREOTIDE), False, True, "given"),
        (given(OCTREOTIDE, status="in-progress"), True, False, "an infusion that runs"),
    ],
)
def test_the_status_counts_by_kind(resource: Json, active: bool | None, done: bool | None, why: str) -> None:
    found = medications(chart(resource)).known
    expected = [] if active is None else [(active, done)]
    assert [(reading.active, reading.done) for reading in found] == expected, why


def adherence(code: str) -> Json:
    system = "http://hl7.org/fhir/CodeSystem/medication-statement-adherence"
    return {"adherence": {"code": {"coding": [{"system": system, "code": code}]}}}


@pytest.mark.parametrize("code", ["taking", "taking-as-directed", "taking-not-as-directed"])
def test_a_statement_of_r5_says_in_its_adherence_that_it_is_taken(code: str) -> None:
    assert one(taken(OCTREOTIDE, status="recorded", **adherence(code))).active


@pytest.mark.parametrize(
    "resource",
    [
        *(prescribed(OCTREOTIDE, status=s) for s in ("on-hold", "cancelled", "stopped", "draft", "entered-in-error")),
        *(prescribed(OCTREOTIDE, status=s) for s in ("unknown", "recorded", "in-progress", "?", None)),
        *(taken(OCTREOTIDE, status=s) for s in ("intended", "stopped", "on-hold", "not-taken", "unknown", "draft")),
        *(
            taken(OCTREOTIDE, status="recorded", **adherence(s))
            for s in ("not-taking", "stopped", "on-hold", "unknown")
        ),
        *(given(OCTREOTIDE, status=s) for s in ("not-done", "on-hold", "stopped", "entered-in-error", "active")),
        prescribed(OCTREOTIDE, doNotPerform=True),
        prescribed(OCTREOTIDE, intent="option"),
    ],
)
def test_what_is_not_given_and_was_not_given_is_not_read(resource: Json) -> None:
    assert medications(chart(resource)) == Medications((), (), ())


@pytest.mark.parametrize(
    ("drug", "concept", "label", "why"),
    [
        ({"medicationCodeableConcept": coded("atc:H01CB02")}, C.OCTREOTIDE, "atc:H01CB02", "ATC"),
        ({"medicationCodeableConcept": coded("rx:1", LANREOTIDE)}, C.LANREOTIDE, f"rx:1 {LANREOTIDE}", "any coding"),
        ({"medication": {"concept": coded(OCTREOTIDE)}}, C.OCTREOTIDE, OCTREOTIDE, "R5"),
        (
            {"contained": [{"resourceType": "Medication", "id": "in", "code": coded(OCTREOTIDE)}]}
            | {"medicationReference": {"reference": "#in"}},
            C.OCTREOTIDE,
            OCTREOTIDE,
            "contained",
        ),
        (
            {"contained": [7, {"resourceType": "Medication", "id": []}, DRUG]}
            | {"medication": {"reference": {"reference": "#m1"}}},
            C.OCTREOTIDE,
            OCTREOTIDE,
            "contained beside rubbish, R5",
        ),
    ],
)
def test_a_code_tells_the_drug(drug: Json, concept: Concept, label: str, why: str) -> None:
    reading = one(prescribed(drug))
    assert (reading.concepts, reading.label, reading.coded) == (frozenset({concept}), label, True), why


@pytest.mark.parametrize(
    ("drug", "coded_as_something", "label", "why"),
    [
        ({"medicationCodeableConcept": {"text": "octreotide"}}, False, "octreotide", "text alone"),
        ({"medicationCodeableConcept": {"coding": [{"display": "octreotide"}]}}, False, "octreotide", "no code"),
        ({"medicationReference": {"display": "octreotide"}}, False, "octreotide", "as Epic sends it"),
        ({"medicationReference": {"reference": "#none", "display": "x"}}, False, "x", "contained, and is not"),
        ({"medicationReference": {"reference": "#in"}, "contained": {"id": "in"}}, False, None, "no list"),
        ({"medicationReference": {"reference": "Medication/gone"}}, False, None, "does not exist"),
        ({"medication": {"reference": {"display": "octreotide"}}}, False, "octreotide", "R5"),
        ({"medication": {"concept": {"text": "octreotide"}}}, False, "octreotide", "text alone, R5"),
        ({}, False, None, "nothing at all"),
        ({"medicationCodeableConcept": coded("rx:161")}, True, "rx:161", "another drug"),
    ],
)
def test_a_name_is_no_drug(drug: Json, coded_as_something: bool, label: str | None, why: str) -> None:
    found = medications(chart(prescribed(drug)))
    assert found.known == ()
    assert [(r.concepts, r.label, r.coded) for r in found.others] == [(frozenset(), label, coded_as_something)], why


RELATIVE: Json = {"resource": DRUG}
OURS: Json = {"fullUrl": f"{SERVER}/Medication/m1", "resource": DRUG}
FOREIGN: Json = {"fullUrl": "https://other.example.org/Medication/m1", "resource": DRUG}
BY_UUID: Json = {"fullUrl": "urn:uuid:5f1c", "resource": {k: v for k, v in DRUG.items() if k != "id"}}


@pytest.mark.parametrize(
    ("entry", "reference", "found", "why"),
    [
        (RELATIVE, "Medication/m1", True, "relative"),
        (RELATIVE, "Medication/m1/_history/2", True, "a version of it"),
        (RELATIVE, f"{SERVER}/Medication/m1", True, "absolute, on the server of the request"),
        (RELATIVE, "Medication/m2", False, "another one"),
        (RELATIVE, "https://other.example.org/Medication/m1", False, "another server's"),
        (OURS, "Medication/m1", True, "with its address"),
        (OURS, f"{SERVER}/Medication/m1", True, "by its address"),
        (FOREIGN, "https://other.example.org/Medication/m1", True, "another server's, sent along"),
        (FOREIGN, "Medication/m1", False, "and none of ours"),
        (BY_UUID, "urn:uuid:5f1c", True, "in a transaction"),
        (BY_UUID, "Medication/without-id", False, "it has no id"),
        ({"resource": DRUG | {"status": "entered-in-error"}}, "Medication/m1", False, "entered in error"),
    ],
)
def test_a_medication_of_the_same_answers_tells_the_drug(entry: Json, reference: str, found: bool, why: str) -> None:
    result = read({"resource": referring(reference, id="r")}, entry)
    assert bool(result.known) is found, why
    assert bool(result.others) is not found, why


def test_a_medication_may_come_in_another_answer_and_without_a_server_to_compare_with() -> None:
    values: Json = {"patient": PATIENT, "medicationStatements": searchset([DRUG])}
    values["medicationRequests"] = searchset([referring("Medication/m1", id="r")])
    assert [r.concepts for r in medications(chart_of(values)).known] == [frozenset({C.OCTREOTIDE})]
    assert read({"resource": referring("Medication/m1", id="r")}, FOREIGN, server=None).known


def test_a_medication_has_no_patient_and_is_not_set_aside_for_that() -> None:
    values: Json = {"patient": PATIENT, "medicationRequests": searchset([DRUG, DRUG | {"id": "m2"}])}
    assert chart_of(values).unused == ()


@pytest.mark.parametrize(
    ("resource", "why_unused"),
    [
        (DRUG | {"modifierExtension": [{"url": "x"}]}, WhyUnused.MODIFIER),
        (prescribed(OCTREOTIDE, subject={"reference": "Patient/p2"}), WhyUnused.OTHER_PATIENT),
        (prescribed(OCTREOTIDE, subject=None), WhyUnused.NO_SUBJECT),
        (prescribed({"medication": {"concept": coded(OCTREOTIDE)}}, subject=None), WhyUnused.NO_SUBJECT),
        (prescribed(OCTREOTIDE, modifierExtension=[{"url": "x"}]), WhyUnused.MODIFIER),
    ],
)
def test_what_is_set_aside_is_listed_with_its_drug(resource: Json, why_unused: WhyUnused) -> None:
    values: Json = {"patient": PATIENT, "medicationRequests": searchset([resource | {"id": "r"}])}
    read_chart = chart_of(values)
    assert [(item.why, item.concepts) for item in read_chart.unused] == [(why_unused, frozenset({C.OCTREOTIDE}))]
    assert medications(read_chart) == Medications((), (), ())


@pytest.mark.parametrize(
    "resource",
    [
        prescribed({"medicationCodeableConcept": {"coding": [*coded(OCTREOTIDE)["coding"], {"code": "a  b"}]}}),
        prescribed(OCTREOTIDE, intent=None),
        taken({"medicationCodeableConcept": coded(OCTREOTIDE), "medicationReference": {"display": "x"}}),
    ],
)
def test_one_of_ours_that_is_not_fhir_is_set_aside(resource: Json) -> None:
    found = medications(chart(resource))
    assert found.known == ()
    assert [(item.why, item.concepts) for item in found.unused] == [(WhyUnused.MALFORMED, frozenset({C.OCTREOTIDE}))]


@pytest.mark.parametrize(
    ("resource", "started", "ended", "recorded", "why"),
    [
        (prescribed(OCTREOTIDE, "2026-01-05"), "2026-01-05", None, "2026-01-05", "from the day of the prescription"),
        (
            prescribed(OCTREOTIDE, "2026-01-05")
            | {"dispenseRequest": {"validityPeriod": {"start": "2026-02-01", "end": "2026-07-31"}}},
            "2026-02-01",
            "2026-07-31",
            "2026-01-05",
            "valid later",
        ),
        (prescribed(OCTREOTIDE, "last year"), None, None, None, "no date"),
        (taken(OCTREOTIDE, "2025", "2026-01"), "2025", "2026-01", "2025", "parts of dates"),
        (taken(OCTREOTIDE, "2025-03", dateAsserted="2026-02-01"), "2025-03", None, "2026-02-01", "asserted later"),
        (taken(OCTREOTIDE, None, "2026-01-31"), None, "2026-01-31", "2026-01-31", "an end alone"),
        (given(OCTREOTIDE, "2026-02-20T10:00:00Z"), "2026-02-20T10:00:00Z", None, "2026-02-20", "one moment"),
        (given(OCTREOTIDE, None, occurenceDateTime="2026-02-20"), "2026-02-20", None, "2026-02-20", "as R5 spells it"),
        (
            given(OCTREOTIDE, None, occurencePeriod={"start": "2026-02-20", "end": "2026-02-22"}),
            "2026-02-20",
            "2026-02-22",
            "2026-02-20",
            "a period of R5",
        ),
        (given(OCTREOTIDE, None), None, None, None, "undated"),
    ],
)
def test_when_it_is_given(
    resource: Json, started: str | None, ended: str | None, recorded: str | None, why: str
) -> None:
    reading = one(resource)
    texts = tuple(date.text if date else None for date in (reading.started, reading.ended))
    assert (*texts, reading.source.date) == (started, ended, recorded), why


@pytest.mark.parametrize(
    ("drug", "substance_only"),
    [("sct:781259000", True), ("rx:1999335", False), ("hcpcs:A9513", False)],
)
def test_a_substance_does_not_say_what_it_is_used_for(drug: str, substance_only: bool) -> None:
    reading = one(given(drug))
    assert C.RADIONUCLIDE_SOMATOSTATIN_ANALOGUE in reading.concepts
    assert reading.substance_only is substance_only


@pytest.mark.parametrize(
    "drug",
    ["rx:1797118", "sct:447553000", "sct:764678003", "sct:1263784000", "atc:V09IX01", "atc:V09IX02", "sct:395789007"],
)
def test_tracers_microspheres_and_other_ligands_are_no_treatment_of_ours(drug: str) -> None:
    assert medications(chart(given(drug))).known == ()


def test_a_resource_with_something_contained_is_still_checked() -> None:
    assert one(prescribed(OCTREOTIDE, contained=[{"resourceType": "Patient", "id": "x"}])).active
