"""Ki-67 as laboratories send it: the percentage, the specimen it was counted in, and panels."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.ki67 import Ki67Reading, ki67_readings
from fhir_mappings.reading import Reading
from tests.support.charts import Json, chart, coded, needs, observation, quantity, said

KI67 = "loinc:29593-1"
BY_OID = {"value": 5, "unit": "per cent", "system": "urn:oid:2.16.840.1.113883.6.8", "code": "%"}
LIVER, ILEUM, THIGH = "sct:10200004", "sct:34516001", "sct:68367000"


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
        ({"valueString": "4.0"}, "4.0", "a number as text, without a sign"),
        ({"valueString": "GT 45"}, ">45", "as some senders write >45"),
        ({"valueString": "LTE 2 %"}, "≤2", ""),
        ({"valueString": "GT45"}, "?value_not_understood", "a word is no comparator"),
        ({"valueCodeableConcept": {"text": "GT 45"}}, ">45", "in a concept without any code"),
        ({"valueCodeableConcept": {"text": "high"}}, "?value_not_understood", "words"),
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
    (found,) = ki67_readings(chart(observation(KI67, value)))
    assert said(found.reading.fact) == expected, why
    assert [source.reference for source in found.reading.fact.sources] == ["Observation/observation-0"]


def test_preliminary_pathology_is_unknown() -> None:
    (found,) = ki67_readings(chart(observation(KI67, "3 %", status="preliminary")))
    assert said(found.reading.fact) == "?preliminary"


def of(site: str, value: str = "3 %", date: str = "2025-06-01", **more: Any) -> Json:
    return observation(KI67, value, date, bodySite=coded(site), **more)


@pytest.mark.parametrize(
    ("more", "in_liver", "site", "of_primary", "why"),
    [
        ({"bodySite": coded(LIVER)}, True, "liver", False, "by its body site"),
        ({"bodySite": coded("sct:277959000")}, True, "liver", False, "a segment of it"),
        ({"bodySite": coded(ILEUM)}, False, "ileum", True, "an organ in which these tumours start"),
        ({"bodySite": coded(THIGH)}, False, THIGH, False, "a place that is neither: by what the record calls it"),
        ({"specimen": {"display": "Liver biopsy"}}, False, "Liver biopsy", False, "words are shown and decide nothing"),
        ({"specimen": {"reference": "Specimen/1"}}, False, None, False, "a specimen without a name"),
        ({"specimen": {"display": "x" * 400}}, False, f"{'x' * 60}…", False, "only so much of it"),
        ({}, False, None, False, "nothing said"),
    ],
)
def test_the_specimen_has_a_place(more: Json, in_liver: bool, site: str | None, of_primary: bool, why: str) -> None:
    (found,) = ki67_readings(chart(observation(KI67, "3 %", **more)))
    assert (found.in_liver, found.site, found.of_primary) == (in_liver, site, of_primary), why


def part(value: Json, code: str = KI67) -> Json:
    return {"code": coded(code)} | value


THREE, NINE = {"valueQuantity": quantity("3 %")}, {"valueQuantity": quantity("9 %")}


@pytest.mark.parametrize(
    ("panel", "expected", "why"),
    [
        (observation("loinc:85337-4", component=[part(THREE)]), ["3"], "a panel under another code"),
        (observation(KI67, component=[part(THREE)]), ["3"], "a panel under the same code, without a value"),
        (observation(KI67, "9 %", component=[part(THREE)]), ["9"], "a value of its own is counted, and once"),
        (observation("loinc:85337-4", component=[part(THREE), part(NINE)]), ["3", "9"], "two specimens in one panel"),
        (observation("loinc:85337-4", component=[part({"valueString": "<2 %"})]), ["<2"], "as text"),
        (observation("loinc:85337-4", component=[part({"dataAbsentReason": {"coding": [{"code": "error"}]}})]),
         ["?data_absent"], "the component says so"),
        (observation("loinc:85337-4", component=[part({})]), ["?result_missing"], "the component says nothing"),
        (observation("loinc:85337-4", component=[part(THREE)], status="preliminary"), ["?preliminary"], ""),
        (observation("loinc:85337-4", component=[part(THREE)], status="cancelled"), [], ""),
        (observation("loinc:85337-4", component=[part(THREE, "loinc:33055-5")]), [], "another component"),
    ],
)  # fmt: skip
def test_a_panel_is_read_by_its_components_and_never_twice(panel: Json, expected: list[str], why: str) -> None:
    assert [said(found.reading.fact) for found in ki67_readings(chart(panel))] == expected, why


NOTES = [
    ([of(LIVER)], "liver specimen", "one, from the liver"),
    ([of(LIVER), of(ILEUM, "9 %")], "highest of 2 results; liver 3 % (2025)", "the liver value and its year"),
    ([of(LIVER), of(LIVER, "5 %", "2026-01-02"), of(ILEUM, "9 %")], "highest of 3 results; liver 5 % (2026)", ""),
    ([of(ILEUM)], "only from the primary: ileum, 2025", "from the primary alone"),
    ([of(ILEUM), of(ILEUM, "9 %", "2026")], "highest of 2 results; only from the primary: ileum, 2026", ""),
    ([of(THIGH)], f"specimen: {THIGH}, 2025", "from elsewhere"),
    ([of(ILEUM), observation(KI67, "9 %")], "highest of 2 results", "one of them might be from the liver"),
    ([of(ILEUM, date="2023-01-01")], "only from the primary: ileum, 2023; more than 24 months old", ""),
    ([of(LIVER), of(ILEUM, "9")], "another specimen's Ki-67 could not be read; liver specimen", ""),
    ([observation(KI67, {"valueString": "3 %"})], "read from text", "a number that was written as text"),
]


@pytest.mark.parametrize(("resources", "note", "why"), NOTES)
def test_the_card_is_told_of_the_specimen(resources: list[Json], note: str, why: str) -> None:
    for order in (resources, resources[::-1]):
        assert needs(*order).ki67_percent.note == note, why


def test_one_result_that_arrives_three_times_is_one() -> None:
    twice = [of(LIVER, id="a"), of(LIVER, id="b")]
    panel = observation("loinc:85337-4", date="2025-06-01", bodySite=coded(LIVER), component=[part(THREE)])
    assert needs(*twice, panel).ki67_percent.note == "liver specimen"


def test_results_are_not_compared_one_with_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    """A body may hold a hundred thousand of them."""

    def compared(self: object, other: object) -> bool:
        raise AssertionError("compared")

    for kind in (Ki67Reading, Reading):
        monkeypatch.setattr(kind, "__eq__", compared)
    results = [of(LIVER, "3 %", f"2025-06-{day:02}", id=f"k{day}") for day in range(1, 29)]
    future = of(LIVER, "5 %", "2099-01-01", id="future")
    note = needs(*results, future).ki67_percent.note or ""
    assert note.startswith("another Ki-67 is dated in the future; liver 3 % (2025)")
