"""Measurements: tumour markers, Ki-67, tumour sizes and liver tests, as laboratories and radiologists send them."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.facts import Known, Unknown
from fhir_mappings.observation import markers, outside_own_range, percentages, tumour_diameters
from fhir_mappings.terminology import Concept
from tests.support.charts import Json, chart, coded, observation, quantity, said

CGA = "loinc:25587-7"
KI67 = "loinc:29593-1"
LIVER = "sct:10200004"


def up_to(text: str, low: str | None = None) -> Json:
    found: Json = {"high": quantity(text)}
    return {"referenceRange": [found | ({"low": quantity(low)} if low else {})]}


def flag(text: str) -> Json:
    return {"interpretation": [coded(text)]}


def flag_in(system: str | None) -> Json:
    return {"interpretation": [{"coding": [{"system": system, "code": "H"}]}]}


TWO_RANGES = {"referenceRange": [{"high": quantity("1 ug/L")}, {"high": quantity("9 ug/L")}]}
BY_OID = {"value": 5, "unit": "per cent", "system": "urn:oid:2.16.840.1.113883.6.8", "code": "%"}
WIDTH = {"code": {"text": "width"}, "valueQuantity": quantity("20 mm")}


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
        ("300 ug/L", up_to("100 nmol/L"), None, "a range in another unit"),
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
        ({"status": None}, "none", "not there"),
        ({"dataAbsentReason": {"coding": [{"code": "not-performed"}]}}, "?data_absent", "the resource says so"),
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


def ratio(numerator: str, denominator: str) -> Json:
    return {"valueRatio": {"numerator": quantity(numerator), "denominator": quantity(denominator)}}


@pytest.mark.parametrize(
    ("value", "expected", "why"),
    [
        ("3 %", "3", "percent"),
        ("<2 %", "<2", "below detection"),
        ("0.051 1", "5.1", "a fraction by its unit"),
        ("0.051 {ratio}", "5.1", "or so"),
        ("5", "?unit_not_understood", "no unit"),
        ("5 mm", "?unit_not_understood", "not a percentage"),
        ({"valueQuantity": {"value": 5, "unit": "Percent"}}, "5", "the unit as text"),
        ({"valueQuantity": BY_OID}, "5", "UCUM by its OID"),
        ({"valueRange": {"low": quantity("5 %"), "high": quantity("10 %")}}, "5-10", "a range"),
        ({"valueRange": {"low": quantity("10 %"), "high": quantity("5 %")}}, "?malformed", "reversed"),
        ({"valueRange": {}}, "?malformed", "a range of nothing"),
        ({"valueString": "<2"}, "<2", "a number as text"),
        ({"valueString": "2,5 %"}, "2.5", "with a decimal comma"),
        ({"valueString": "0,5"}, "?unit_not_understood", "half a per cent or one half?"),
        ({"valueString": "0,5 %"}, "0.5", "it says which"),
        ({"valueString": "low"}, "?value_not_understood", "words"),
        ({"valueString": "2 % (hot spot 8 %)"}, "?value_not_understood", "text is never guessed from"),
        ("120 %", "?malformed", "no such share"),
        ("-3 %", "?malformed", "no such share"),
        ("1.5 1", "?malformed", "no such fraction"),
        ({"valueQuantity": {"value": "NaN", "code": "%"}}, "?malformed", "not a number"),
        (">95 %", ">95", ""),
        (ratio("5", "100"), "?value_not_understood", "a ratio of cells is not read"),
        (5, "?value_not_understood", "an integer has no unit"),
        ("sct:260385009", "?value_not_understood", "a code is no number"),
        (None, "?result_missing", "no value"),
        ({"dataAbsentReason": {"coding": [{"code": "unknown"}]}}, "?data_absent", "the resource says so"),
    ],
)  # fmt: skip
def test_ki_67_is_a_percentage(value: Any, expected: str, why: str) -> None:
    (reading,) = percentages(chart(observation(KI67, value)), Concept.KI_67_PERCENT)
    assert said(reading.fact) == expected, why
    assert [source.reference for source in reading.fact.sources] == ["Observation/observation-0"]


def test_preliminary_pathology_is_unknown() -> None:
    (reading,) = percentages(chart(observation(KI67, "3 %", status="preliminary")), Concept.KI_67_PERCENT)
    assert said(reading.fact) == "?preliminary"


def size(value: Any = None, site: str | None = LIVER, **more: Any) -> Json:
    return observation("loinc:21889-1", value, **more) | ({"bodySite": coded(site)} if site else {})


def longest(text: str) -> Json:
    return {"code": coded("loinc:33728-7"), "valueQuantity": quantity(text)}


@pytest.mark.parametrize(
    ("resource", "expected", "why"),
    [
        (size("41 mm"), ["4.1"], "a liver tumour"),
        (size(component=[longest("41 mm")]), ["4.1"], "by its component"),
        (size(component=[longest("41 mm"), WIDTH]), ["4.1"], "the longest only"),
        (size(component=[longest("41 mm"), longest("20 mm")]), ["?result_missing"], "two longest diameters"),
        (size("41 mm", site="sct:39607008"), [], "a lung tumour"),
        (size("41 mm", site=None), [], "site not stated"),
        (size("41 mm", specimen={"reference": "Specimen/1"}), [], "measured by pathology"),
        (size("41"), ["?unit_not_understood"], "mm or cm?"),
        (size("-41 mm"), ["?malformed"], "no such size"),
        (size(), ["?result_missing"], "no size"),
        (size(dataAbsentReason={"coding": [{"code": "unknown"}]}), ["?data_absent"], "the resource says so"),
        (size({"valueQuantity": {"value": "NaN", "code": "mm"}}), ["?malformed"], "not a number"),
        (size("41 mm", status="entered-in-error"), [], ""),
    ],
)  # fmt: skip
def test_a_diameter_is_that_of_a_liver_tumour_on_imaging(resource: Json, expected: list[str], why: str) -> None:
    assert [said(reading.fact) for reading in tumour_diameters(chart(resource))] == expected, why


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
        {"valueCodeableConcept": {"text": "Not done"}},
        "-5 ug/L",
    ],
)
def test_words_and_impossible_numbers_are_no_result_of_a_marker(value: Any) -> None:
    (reading,) = markers(chart(observation(CGA, value)), Concept.CHROMOGRANIN_A)
    assert isinstance(reading.fact, Unknown)
