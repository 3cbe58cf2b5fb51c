"""Sizes of liver tumours, as radiologists and pathologists send them."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.tumour_size import tumour_diameters
from tests.support.charts import Json, chart, coded, observation, quantity, said

LIVER = "sct:10200004"
WIDTH = {"code": {"text": "width"}, "valueQuantity": quantity("20 mm")}


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
        (size("41 mm", method=coded("sct:787377000")), [], "on the specimen, by its method"),
        (size("41 mm", method=coded("sct:77477000")), ["4.1"], "on CT"),
        (size({"valueString": "4.1 cm"}), ["?value_not_understood"], "words, and no silence"),
        (size("230 cm"), ["?malformed"], "no such tumour: another unit than it claims"),
        (size(component=[{"code": coded("loinc:33728-7"), "dataAbsentReason": {"coding": [{"code": "error"}]}}]),
         ["?data_absent"], "the component says so"),
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
