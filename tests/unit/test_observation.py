"""Measurements: tumour markers, Ki-67, tumour sizes and liver tests, as laboratories and radiologists send them."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.facts import Known, Unknown
from fhir_mappings.observation import coded_values, markers, newest_results, outside_own_range
from fhir_mappings.reading import Reading
from fhir_mappings.terminology import Concept
from tests.support.charts import Json, chart, coded, observation, quantity, said

C = Concept
CGA = "loinc:25587-7"


def up_to(text: str, low: str | None = None) -> Json:
    found: Json = {"high": quantity(text)}
    return {"referenceRange": [found | ({"low": quantity(low)} if low else {})]}


def flag(text: str) -> Json:
    return {"interpretation": [coded(text)]}


def flag_in(system: str | None) -> Json:
    return {"interpretation": [{"coding": [{"system": system, "code": "H"}]}]}


TWO_RANGES = {"referenceRange": [{"high": quantity("1 ug/L")}, {"high": quantity("9 ug/L")}]}
MISSPELT = {"value": 300, "unit": "mcg/l", "system": "http://unitsofmeasure.org", "code": "ug/L"}


@pytest.mark.parametrize(
    ("value", "more", "elevated", "why"),
    [
        ("300 ug/L", flag("flag:H"), True, "flagged high"),
        ("300 ug/L", flag("flag:HH"), True, "critically high"),
        ("300 ug/L", flag("flag:HU"), True, "significantly high"),
        ("300 ug/L", flag_in("http://terminology.hl7.org/CodeSystem/v2-0078"), True, "by the table of HL7 v2"),
        ("300 ug/L", flag_in(None), True, "by a code without a system"),
        ("300 ug/L", flag_in("http://example.org"), None, "H in a system of the site's own"),
        ("300 ug/L", {"interpretation": [{"text": "(NONE)"}]}, None, "an interpretation without a code"),
        ("300 ug/L", flag("flag:N"), None, "normal by flag alone: the paper asks for the range"),
        ("300 ug/L", {}, None, "measured, elevation unknown"),
        ("101 ug/L", up_to("100 ug/L"), True, "above its own range"),
        ("100 ug/L", up_to("100 ug/L"), False, "at the limit is not above it"),
        ("<100 ug/L", up_to("100 ug/L"), False, "below the limit"),
        ("<200 ug/L", up_to("100 ug/L"), None, "below something above the limit"),
        (">100 ug/L", up_to("100 ug/L"), True, "above the limit"),
        (">=100 ug/L", up_to("100 ug/L"), None, "perhaps at the limit"),
        (">=101 ug/L", up_to("100 ug/L"), True, "at least above the limit"),
        (">50 ug/L", up_to("100 ug/L"), None, "above something below the limit"),
        ("<>300 ug/L", up_to("100 ug/L"), None, "a converter's sign"),
        ("300 ug/L", up_to("100 nmol/L"), None, "a range in another unit: no molar mass is agreed"),
        ("300 ug/L", up_to("0.1 mg/L"), True, "a range in another unit of mass"),
        ("300 ug/L", {"referenceRange": [{"high": {"value": 100, "unit": "ug/L"}}]}, True, "one spelling is shared"),
        ({"valueQuantity": MISSPELT}, up_to("100 ug/L"), True, "the code says what the unit misspells"),
        ({"valueQuantity": {"value": 9, "unit": "K/mm3"}}, up_to("5 ug/L"), None, "no unit of UCUM"),
        ({"valueString": "GT 300"}, up_to("100 ug/L"), None, "a number as text, in words"),
        ("300 ug/L", up_to("100"), None, "a range without the unit"),
        ("300", up_to("100"), True, "neither has a unit: one report, one unit"),
        ("300 ug/L", {"referenceRange": [{"text": "0-99"}]}, None, "a range as text"),
        ("300 ug/L", TWO_RANGES, None, "two ranges"),
        ("300 ug/L", {"referenceRange": [{"low": quantity("1 ug/L")}]}, None, "a range without an upper end"),
        ({"valueString": "<300"}, up_to("100 ug/L"), None, "a number as text"),
        (300, {}, None, "a bare integer"),
    ],
)  # fmt: skip
def test_a_marker_is_elevated_by_its_flag_or_its_own_range(
    value: Any, more: Json, elevated: bool | None, why: str
) -> None:
    (reading,) = markers(chart(observation(CGA, value, **more)), Concept.CHROMOGRANIN_A)
    assert isinstance(reading.fact, Known)
    assert reading.fact.value.elevated is elevated, why
    assert reading.fact.sources


@pytest.mark.parametrize(
    ("more", "expected", "why"),
    [
        ({"status": "preliminary"}, "known", "shown as preliminary"),
        ({"status": "amended"}, "known", ""),
        ({"status": "corrected"}, "known", ""),
        ({"status": "registered"}, "none", "no result yet"),
        ({"status": "cancelled"}, "none", ""),
        ({"status": "entered-in-error"}, "none", ""),
        ({"status": "unknown"}, "none", ""),
        ({"status": "completed"}, "none", "not in the value set"),
        ({"status": None}, "?malformed", "not there: not readable, and shown"),
        (
            {"dataAbsentReason": {"coding": [{"code": "not-performed"}]}, "valueQuantity": None},
            "?data_absent",
            "the resource says so",
        ),
        ({"dataAbsentReason": {"coding": [{"code": "unknown"}]}}, "?malformed", "a value beside a reason for none"),
        ({"valueQuantity": {"value": 1e15, "unit": "ug/L", "code": "ug/L"}}, "?malformed", "nothing measures so much"),
        ({"valueQuantity": None}, "?result_missing", "no value, no reason"),
        ({"valueQuantity": {"unit": "ug/L"}}, "?result_missing", "a unit without a value"),
        ({"valueQuantity": {"value": "NaN"}}, "?malformed", "not a number"),
    ],
)
def test_a_marker_counts_by_its_status_and_needs_a_result(more: Json, expected: str, why: str) -> None:
    found = markers(chart(observation(CGA, "300 ug/L") | more), Concept.CHROMOGRANIN_A)
    got = "none" if not found else said(found[0].fact) if isinstance(found[0].fact, Unknown) else "known"
    assert got == expected, why


def test_a_preliminary_marker_says_so() -> None:
    (reading,) = markers(chart(observation(CGA, "300 ug/L", status="preliminary")), Concept.CHROMOGRANIN_A)
    assert isinstance(reading.fact, Known)
    assert reading.fact.note == "preliminary"


@pytest.mark.parametrize(
    ("value", "more", "outside", "why"),
    [
        ("40 umol/L", up_to("21 umol/L"), True, "above"),
        ("10 umol/L", up_to("21 umol/L", "3 umol/L"), False, "within"),
        ("1 umol/L", up_to("21 umol/L", "3 umol/L"), True, "below"),
        (">1 umol/L", up_to("21 umol/L", "3 umol/L"), False, "above something below"),
        ("40 umol/L", flag("flag:H"), True, "flagged high without a range"),
        ("40 umol/L", {}, False, "no range"),
        ({"valueString": "40"}, up_to("21 umol/L"), False, "not a quantity"),
        ({"valueQuantity": {"value": "NaN"}}, up_to("21 umol/L"), False, "not a number"),
        ({"valueQuantity": {"value": "sNaN", "code": "umol/L"}}, up_to("21 umol/L", "3 umol/L"), False, "nor this"),
    ],
)
def test_a_liver_test_lies_outside_its_own_range(value: Any, more: Json, outside: bool, why: str) -> None:
    found = list(outside_own_range(chart(observation("loinc:14631-6", value, **more)), Concept.BILIRUBIN_TOTAL))
    assert bool(found) is outside, why


@pytest.mark.parametrize(
    ("dates", "day", "why"),
    [
        ({"effectiveDateTime": "2026-02-01", "issued": "2026-02-05"}, "2026-02-01", "effective before issued"),
        ({"effectiveInstant": "2026-02-01T10:00:00Z"}, "2026-02-01", "an instant"),
        ({"effectivePeriod": {"start": "2026-02-01", "end": "2026-02-03"}}, "2026-02-03", "a period"),
        ({"effectivePeriod": {"start": "2026-02-01"}}, "2026-02-01", "a period without end"),
        ({"issued": "2026-02-05T10:00:00Z"}, "2026-02-05", "only issued"),
        ({"effectiveDateTime": "31.01.2026", "issued": "2026-02-05"}, "2026-02-05", "an effective date that is none"),
        ({}, None, "no date at all"),
    ],
)
def test_the_time_of_a_result_is_effective_else_issued(dates: Json, day: str | None, why: str) -> None:
    (reading,) = markers(chart(observation(CGA, "3 ug/L", date=None, **dates)), Concept.CHROMOGRANIN_A)
    assert reading.fact.sources[0].date == day, why


@pytest.mark.parametrize(
    "value",
    [
        {"valueString": "Specimen haemolysed, not done"},
        {"valueString": "pending"},
        {"valueString": " "},
        {"valueQuantity": {"value": 0}},
        {"valueCodeableConcept": {"text": "Not done"}},
        "-5 ug/L",
    ],
)
def test_words_and_impossible_numbers_are_no_result_of_a_marker(value: Any) -> None:
    (reading,) = markers(chart(observation(CGA, value)), Concept.CHROMOGRANIN_A)
    assert isinstance(reading.fact, Unknown)


@pytest.mark.parametrize(
    ("value", "limit", "elevated", "why"),
    [
        ("5 umol/L", "300 ug/L", True, "5 umol are 881 ug"),
        ("1 umol/L", "300 ug/L", False, "1 umol is 176 ug"),
        ("881 ug/L", "6 umol/L", False, "and back"),
        ("5 umol/L", "300 10*9", None, "no concentration"),
    ],
)
def test_serotonin_is_compared_across_mass_and_moles(value: str, limit: str, elevated: bool | None, why: str) -> None:
    (reading,) = markers(chart(observation("loinc:2941-3", value, **up_to(limit))), Concept.PLATELET_SEROTONIN)
    assert isinstance(reading.fact, Known)
    assert reading.fact.value.elevated is elevated, why


def test_a_marker_is_found_in_a_panel() -> None:
    part = {"code": coded(CGA), "valueQuantity": quantity("300 ug/L")} | flag("flag:H")
    (reading,) = markers(chart(observation("loinc:24357-6", component=[part])), Concept.CHROMOGRANIN_A)
    assert isinstance(reading.fact, Known)
    assert reading.fact.value.elevated
    assert [source.reference for source in reading.fact.sources] == ["Observation/observation-0"]


def test_the_text_of_a_result_is_shown_in_part() -> None:
    (reading,) = markers(chart(observation(CGA, {"valueString": "9" * 5000, **flag("flag:H")})), Concept.CHROMOGRANIN_A)
    assert isinstance(reading.fact, Known)
    assert reading.fact.value.result == f"{'9' * 60}…"


def newest(*results: Json) -> Reading[str] | None:
    return dict(newest_results(chart(*results), [C.BILIRUBIN_TOTAL])).get(C.BILIRUBIN_TOTAL)


def test_the_newest_result_is_shown_as_it_stands() -> None:
    bilirubin = [observation("loinc:14631-6", f"{n} umol/L", f"2026-01-0{n}") for n in (1, 3, 2)]
    odd = observation("loinc:14631-6", {"valueQuantity": {"value": "NaN"}}, "2026-01-05")
    found = newest(*bilirubin, odd, observation("loinc:14631-6", "9 umol/L", "2027"))
    assert found is not None
    assert said(found.fact) == "3 umol/L"
    assert newest(observation("loinc:14631-6", "9 umol/L", None)) is None


@pytest.mark.parametrize(
    ("dates", "day"),
    [
        ({"effectivePeriod": {"start": "2026-01-02", "end": "2026-01-03"}}, "2026-01-03"),
        ({"effectiveDateTime": "yesterday", "issued": "2026-01-04"}, "2026-01-04"),
    ],
    ids=["a period", "a date that is none, beside one that is"],
)
def test_the_newest_result_is_told_by_whatever_date_it_has(dates: Json, day: str) -> None:
    of_one_sample = [observation("loinc:14631-6", f"{n} umol/L", None, id=f"o{n}") | dates for n in (1, 2)]
    found = newest(observation("loinc:14631-6", "9 umol/L", "2026-01-01"), *of_one_sample)
    assert found is not None
    assert found.when is not None
    assert found.when.day == day


def test_what_is_no_fhir_is_outside_no_range() -> None:
    odd = observation("loinc:14631-6", "99 umol/L", **up_to("20 umol/L")) | {"bodySite": {"coding": "liver"}}
    flagged = observation("loinc:14631-6", {"valueQuantity": {"value": "NaN"}}, **flag("flag:H"))
    assert not list(outside_own_range(chart(odd, flagged), C.BILIRUBIN_TOTAL))


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ({"valueCodeableConcept": {"text": "Low"}}, "Low"),
        ("sct:1155708003", "sct:1155708003"),
        ({"valueCodeableConcept": {"coding": [{"code": "G1"}]}}, "G1"),
        (None, "?value_not_understood"),
    ],
)
def test_a_coded_result_is_shown_by_its_name(value: Any, expected: str) -> None:
    (reading,) = coded_values(chart(observation("loinc:33732-9", value)), C.HISTOLOGIC_GRADE)
    assert said(reading.fact) == expected
