"""The Patient: age as far as the birth date tells, deceased or not, and a name for the reader."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.patient import age_years, display_name, is_deceased
from fhir_mappings.wire import Resource
from tests.support.charts import AS_OF, PATIENT, answer, said


def patient(**elements: Any) -> Resource:
    (entry,) = answer(PATIENT | elements).entries
    assert entry.resource is not None
    return entry.resource


@pytest.mark.parametrize(
    ("born", "age", "why"),
    [
        ("1960-03-02", "66", "a birthday today"),
        ("1960-03-03", "65", "a birthday tomorrow"),
        ("2008-03-02", "18", "of age today"),
        ("2008-03-03", "17", "of age tomorrow"),
        ("1960-02-29", "66", "born on a leap day"),
        ("1960", "65-66", "a year"),
        ("2008-03", "17-18", "a month: of age or not"),
        ("2026", "0", "the year that runs"),
        ("2026-03-02", "0", "born today"),
        ("2027", "?future_date", ""),
        ("2026-03-03", "?future_date", "tomorrow"),
        ("1960-02-30", "?malformed", "no such day"),
        (None, "?not_recorded", ""),
    ],
)
def test_the_age_is_as_exact_as_the_birth_date(born: str | None, age: str, why: str) -> None:
    fact = age_years(patient(birthDate=born), AS_OF)
    assert said(fact) == age, why
    assert fact.sources[0].reference == "Patient/p1"


@pytest.mark.parametrize(
    ("elements", "deceased", "why"),
    [
        ({}, False, "not stated"),
        ({"deceasedBoolean": False}, False, ""),
        ({"deceasedBoolean": True}, True, ""),
        ({"deceasedDateTime": "2025"}, True, "by a date"),
        ({"deceasedDateTime": "unknown"}, True, "by a date that cannot be read"),
        ({"deceasedDateTime": ""}, False, "an empty date says nothing"),
        ({"deceasedDateTime": "2030-01-01"}, False, "a date to come"),
        ({"deceasedBoolean": False, "deceasedDateTime": "2025"}, False, "a contradiction must not silence the chart"),
    ],
)
def test_a_patient_is_deceased_by_flag_or_date(elements: dict[str, Any], deceased: bool, why: str) -> None:
    assert is_deceased(patient(**elements), AS_OF) is deceased, why


@pytest.mark.parametrize(
    ("name", "expected", "why"),
    [
        ([{"text": "Ada Test"}], "Ada Test", "the text"),
        ([{"family": "Test", "given": ["Ada", "B"]}], "Ada B Test", "else its parts"),
        ([{"use": "old", "text": "Old"}, {"use": "official", "text": "New"}], "New", "the official one"),
        ([{"family": ["van", "Test"]}], "van Test", "a list, as DSTU2 has it"),
        ([{"use": "official"}], None, "an empty name"),
        ([], None, "no name"),
        ("Ada", None, "a name that is a text is not a person's"),
        (None, None, ""),
    ],
)
def test_the_name_for_a_reader(name: Any, expected: str | None, why: str) -> None:
    assert display_name(patient(name=name)) == expected, why
