"""The elements that are read are checked as R4; what nobody reads cannot hurt, and a complaint names no value."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.typed import problem
from fhir_mappings.wire import Resource
from tests.support.charts import Json, answer, condition, observation, study


def decoded(value: Json) -> Resource:
    (entry,) = answer(value).entries
    assert entry.resource is not None
    return entry.resource


@pytest.mark.parametrize(
    ("resource", "where", "why"),
    [
        (condition("icd:C7B.02"), None, "a plain Condition"),
        (condition("icd:C7B.02") | {"stage": "odd", "onsetDateTime": "last year"}, None, "oddities that nobody reads"),
        (
            condition("icd:C7B.02") | {"code": {"coding": [{"code": "x", "display": ""}], "text": ""}},
            None,
            "empty texts",
        ),
        (condition("icd:C7B.02") | {"bodySite": {"text": "liver"}}, "bodySite", "one where R4 has a list"),
        (condition("icd:C7B.02") | {"subject": None}, "subject", "an element that R4 requires"),
        (observation("loinc:29593-1", "3 %"), None, "a plain Observation"),
        (observation("loinc:29593-1", {"valueQuantity": {"value": "NaN"}}), "valueQuantity.value", "not a number"),
        (observation("loinc:29593-1", {"valueString": "3", "valueInteger": 3}), "resource", "two values"),
        (observation("loinc:29593-1") | {"interpretation": {"text": "H"}}, "interpretation", "one, as STU3 has it"),
        (study("CT") | {"modality": [{"coding": [{"code": "CT"}]}]}, None, "a concept, as R5 has it"),
        (study("CT") | {"modality": [{"coding": [{"code": "C  T"}]}]}, "modality.0.code", "a code that is none"),
        (
            study("CT") | {"procedure": [{"concept": {"coding": [{"code": "a  b"}]}}]},
            "procedureCode.0.coding.0.code",
            "R5's procedure",
        ),
        (
            condition("icd:C7B.02") | {"code": {"coding": [{"code": "a"}] * 200 + [{"code": "b  c"}]}},
            None,
            "one of hundreds of codings, which cost more than they say",
        ),
    ],
)
def test_the_first_invalid_element_is_named(resource: Json, where: str | None, why: str) -> None:
    assert problem(decoded(resource)) == where, why


def test_the_resource_is_not_altered() -> None:
    resource = decoded(condition("icd:C7B.02"))
    before: Any = repr(resource)
    problem(resource)
    assert repr(resource) == before


def test_what_was_found_of_one_number_holds_for_another_and_for_nothing_else() -> None:
    numbers = [observation("loinc:29593-1", f"{n} %", id=str(n)) for n in (3, 4)]
    assert [problem(decoded(value)) for value in numbers] == [None, None]
    for value in ({"value": "NaN", "unit": "%"}, {"value": 3, "code": "a  b"}):
        odd = observation("loinc:29593-1", {"valueQuantity": value})
        assert problem(decoded(odd)) is not None
        assert problem(decoded(numbers[0])) is None
