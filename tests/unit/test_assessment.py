"""Assessments in the project's own code system: yes/no in three shapes, codes, counts and measures."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.assessment import AssessmentCode, coded, codes_of, counts, measures, yes_no
from fhir_mappings.facts import Known, Unknown
from fhir_mappings.systems import NELM_RECOMMENDATION
from fhir_mappings.wire import Coded, Coding
from tests.support.charts import Json, assessed, chart, quantity, said
from tests.support.charts import coded as concept

CODE = AssessmentCode.HEPATIC_FAILURE


def concepts(*texts: str) -> Json:
    return {"valueCodeableConcept": concept(*texts)}


@pytest.mark.parametrize(
    ("value", "expected", "why"),
    [
        (True, True, "a boolean"),
        (False, False, ""),
        ("yn:Y", True, "HL7 table 0136"),
        ("yn:N", False, ""),
        ("sct:52101004", True, "present"),
        ("sct:2667000", False, "absent"),
        ("sct:82334004", "?indeterminate", "looked, and could not tell"),
        (concepts("yn:Y", "sct:52101004"), True, "two codes of one meaning"),
        (concepts("yn:Y", "sct:2667000"), "?conflicting", "two codes of two meanings"),
        (concepts("yn:Y", "sct:82334004"), "?conflicting", "yes, and not known"),
        (concepts("sct:373066001"), "?value_not_understood", "another code for yes"),
        ({"valueCodeableConcept": {"text": "yes"}}, "?value_not_understood", "text alone"),
        ({"valueString": "yes"}, "?value_not_understood", "text alone"),
        (1, "?value_not_understood", "a number"),
        (None, "?value_not_understood", "no value"),
        ({"dataAbsentReason": {"coding": [{"code": "asked-unknown"}]}}, "?data_absent", "the resource says so"),
        ({"valueBoolean": True, "valueString": "yes"}, "?malformed", "two values"),
    ],
)
def test_yes_and_no_come_in_three_shapes(value: Any, expected: Any, why: str) -> None:
    (reading,) = yes_no(chart(assessed("hepatic-failure", value)), CODE)
    assert said(reading.fact) == expected, why
    assert reading.fact.sources


@pytest.mark.parametrize(
    ("status", "expected"),
    [("final", 1), ("amended", 1), ("corrected", 1), ("preliminary", 1), ("registered", 0), ("cancelled", 0),
     ("entered-in-error", 0), ("unknown", 0)],
)  # fmt: skip
def test_only_a_status_that_counts_is_read(status: str, expected: int) -> None:
    assert len(yes_no(chart(assessed("hepatic-failure", True, status=status)), CODE)) == expected


def test_a_preliminary_assessment_says_so() -> None:
    (reading,) = yes_no(chart(assessed("hepatic-failure", True, status="preliminary")), CODE)
    assert isinstance(reading.fact, Known)
    assert reading.fact.note == "preliminary"


def test_only_our_own_code_system_carries_assessments() -> None:
    assert yes_no(chart(assessed("hepatic-failure", True) | {"code": concept("loinc:hepatic-failure")}), CODE) == []
    assert yes_no(chart(assessed("hepatomegaly", True)), CODE) == []
    assert codes_of(None) == set()
    own = Coding("http://nelm-cds.github.io/fhir/CodeSystem/nelm-assessment/", "hepatomegaly")
    assert codes_of(Coded(coding=[own, Coding("http://loinc.org", "1")])) == {"hepatomegaly"}


@pytest.mark.parametrize(
    ("value", "expected", "why"),
    [
        ("nelm:patent", "patent", "a code of our system"),
        (concepts("nelm:patent", "sct:1"), "patent", "beside another"),
        (concepts("nelm:patent", "nelm:complete-occlusion"), "?conflicting", "two of ours"),
        ("sct:1", "?value_not_understood", "none of ours"),
        (True, "?value_not_understood", "a truth value"),
    ],
)
def test_a_code_comes_from_our_system(value: Any, expected: str, why: str) -> None:
    (reading,) = coded(chart(assessed("portal-vein", value)), AssessmentCode.PORTAL_VEIN)
    assert said(reading.fact) == expected, why


def test_a_failed_therapy_is_a_recommendation_code() -> None:
    of = chart(assessed("failed-therapy", "rec:T-OCT"))
    (reading,) = coded(of, AssessmentCode.FAILED_THERAPY, NELM_RECOMMENDATION)
    assert said(reading.fact) == "T-OCT"


@pytest.mark.parametrize(
    ("value", "expected", "why"),
    [
        (3, "3", "an integer"),
        ("3 {lesions}", "3", "a quantity"),
        ("3 1", "3", "a quantity without dimension"),
        (">7 1", ">7", "more than seven"),
        (">=8 {lesions}", "≥8", ""),
        ({"valueRange": {"low": quantity("3 1"), "high": quantity("5 1")}}, "3-5", "a range"),
        ("3", "?unit_not_understood", "no unit"),
        ("3 mm", "?unit_not_understood", "a size"),
        (0, "?malformed", "no metastasis at all contradicts the scope"),
        ("<1 1", "?malformed", "the same in other words"),
        ("<=1 1", "≤1", "at most one"),
        (-1, "?malformed", "no such number"),
        ("2.5 1", "?malformed", "not whole"),
        ({"valueString": "several"}, "?value_not_understood", "words"),
        (None, "?value_not_understood", "no value"),
    ],
)
def test_a_count_of_lesions_is_whole_and_at_least_one(value: Any, expected: str, why: str) -> None:
    (reading,) = counts(chart(assessed("lesion-count", value)), AssessmentCode.LESION_COUNT)
    assert said(reading.fact) == expected, why


@pytest.mark.parametrize(
    ("code", "value", "unit", "expected", "why"),
    [
        ("largest-lesion-diameter", "41 mm", "cm", "4.1", "millimetres"),
        ("largest-lesion-diameter", "<4 cm", "cm", "<4", ""),
        ("largest-lesion-diameter", "41", "cm", "?unit_not_understood", "mm or cm?"),
        ("largest-lesion-diameter", "-4 cm", "cm", "?malformed", "no such size"),
        ("largest-lesion-diameter", {"valueString": "4 cm"}, "cm", "?value_not_understood", "words"),
        ("expected-cytoreduction", "90 %", "%", "90", "percent"),
        ("expected-cytoreduction", ">=90 %", "%", "≥90", ""),
        ("expected-cytoreduction", "900 %", "%", "?malformed", "more than all of it"),
        ("expected-cytoreduction", "<-1 %", "%", "?malformed", "less than nothing"),
        ("expected-cytoreduction", "0.9 1", "%", "?unit_not_understood", "only percent was agreed"),
    ],
)
def test_a_measure_is_converted(code: str, value: Any, unit: str, expected: str, why: str) -> None:
    (reading,) = measures(chart(assessed(code, value)), AssessmentCode(code), unit)
    assert said(reading.fact) == expected, why


def test_an_unknown_names_the_resource_and_its_day() -> None:
    (reading,) = yes_no(chart(assessed("hepatic-failure", None, id="x")), CODE)
    assert isinstance(reading.fact, Unknown)
    assert [(source.reference, source.date) for source in reading.fact.sources] == [("Observation/x", "2026-02-20")]
