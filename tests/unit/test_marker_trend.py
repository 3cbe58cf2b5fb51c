"""How a marker has moved: what is compared with what, and what never is."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cds_service.guidelines.nelm_2006 import thresholds as limit
from fhir_mappings.marker_trend import marker_trend
from fhir_mappings.quantities import RawQuantity
from fhir_mappings.terminology import Concept
from fhir_mappings.trend import Trend
from tests.support.charts import Json, chart, observation

CGA, CGA_MASS, SEROTONIN = "loinc:25587-7", "loinc:9811-1", "loinc:42671-8"
CEILING = RawQuantity(limit.PLATELET_SEROTONIN_CEILING, code="nmol/10*9")


def measured(code: str, value: float, unit: str, date: str | None, comparator: str = "", **more: object) -> Json:
    return observation(code, f"{comparator}{value} {unit}", date, id=f"o-{date}-{value}", **more)


def cga(value: float, date: str | None, unit: str = "nmol/L", **more: object) -> Json:
    return measured(CGA, value, unit, date, **more)  # type: ignore[arg-type]  # a comparator is text


def serotonin(value: float, date: str, unit: str = "nmol/10*9") -> Json:
    return measured(SEROTONIN, value, unit, date)


def of(*resources: Json, marker: Concept = Concept.CHROMOGRANIN_A, percent: str = "25") -> Trend | None:
    ceiling = CEILING if marker is Concept.PLATELET_SEROTONIN else None
    return marker_trend(chart(*resources), marker, change_percent=Decimal(percent), ceiling=ceiling)


def written(text: str, **more: object) -> Json:
    return observation(CGA, None, NEW, valueString=text, id="written", **more)


H = [{"coding": [{"code": "H"}]}]
OLD, NEW = "2025-06-02", "2026-01-10"
TABLE: list[tuple[list[Json], str, str]] = [
    ([cga(4, OLD), cga(10, NEW)], "rising", "by more than a quarter"),
    ([cga(4, OLD), cga(5, NEW)], "stable", "by exactly a quarter"),
    ([cga(4, OLD), cga(5.01, NEW)], "rising", "just above"),
    ([cga(4, OLD), cga(3, NEW)], "stable", "down by exactly a quarter"),
    ([cga(4, OLD), cga(2.99, NEW)], "falling", "just below"),
    ([cga(0, OLD), cga(0, NEW)], "stable", "nothing then, nothing now"),
    ([cga(4000, OLD, "pmol/L"), cga(10, NEW)], "rising", "the same in another unit of the same kind"),
    ([cga(4, "2020-01-01"), cga(4, OLD), cga(10, NEW)], "rising", "against the one before, however old the others"),
    ([cga(4, NEW)], "not_comparable one_result", ""),
    ([measured(CGA_MASS, 100, "ug/L", OLD), cga(10, NEW)], "not_comparable other_assay", "assays are never compared"),
    ([cga(3, OLD), measured(CGA_MASS, 100, "ug/L", "2025-09-01"), cga(10, NEW)], "rising", "the last of this assay"),
    ([cga(4, OLD, "ug/L"), cga(10, NEW)], "not_comparable other_unit", "mass and moles: no molar mass is agreed"),
    ([cga(4, OLD, "U/L"), cga(10, NEW)], "not_comparable other_unit", ""),
    ([cga(4, NEW), cga(10, NEW)], "not_comparable same_day", ""),
    ([cga(20, OLD, comparator="<"), cga(15, NEW)], "not_comparable too_vague", "below 20 may be anything"),
    ([cga(20, OLD, comparator="<"), cga(30, NEW)], "rising", "whatever was below 20"),
    ([cga(4, OLD), cga(20, NEW, comparator=">")], "rising", ""),
    ([cga(40, OLD), cga(20, NEW, comparator=">")], "not_comparable too_vague", ""),
    ([cga(100, OLD), cga(20, NEW, comparator="<")], "falling", ""),
    ([cga(4, OLD), cga(5, NEW, comparator=">")], "rising", "more than a quarter above, whatever it is"),
    ([cga(20, OLD, comparator="<"), cga(25, NEW)], "rising", "whatever was below 20"),
    ([cga(4, OLD), cga(5, NEW, comparator=">=")], "not_comparable too_vague", "may be exactly a quarter"),
    ([cga(4, OLD), cga(10, NEW), cga(10000, NEW, "pmol/L")], "rising", "one result, sent twice"),
    ([cga(4, OLD), cga(12, OLD), cga(10, NEW)], "not_comparable same_day", "risen from one, stable to the other"),
    ([cga(4, None), cga(10, NEW)], "not_comparable no_date", "no order in time"),
    ([cga(4, OLD), written("2,5")], "not_comparable other_unit", "the latest is written, without a unit"),
    ([cga(4, OLD), cga(1e15, NEW)], "not_comparable not_a_number", "nothing measures so much"),
    ([cga(4, OLD), written("<2")], "not_comparable other_unit", ""),
    ([cga(4, OLD), cga(10, "2025-09-01"), written("high", interpretation=H)], "not_comparable not_a_number", ""),
]  # fmt: skip


@pytest.mark.parametrize(("resources", "expected", "why"), TABLE, ids=[f"{n}-{row[1]}" for n, row in enumerate(TABLE)])
def test_how_the_latest_stands_to_the_one_before(resources: list[Json], expected: str, why: str) -> None:
    for order in (resources, resources[::-1]):
        found = of(*order)
        assert found is not None
        assert " ".join(filter(None, (found.direction, found.why_not))) == expected, why


@pytest.mark.parametrize(
    ("results", "expected"),
    [
        ([serotonin(20, OLD), serotonin(39.9, NEW)], "rising"),
        ([serotonin(20, OLD), serotonin(40, NEW)], "ceiling"),
        ([serotonin(41, OLD), serotonin(42, NEW)], "ceiling"),  # not "stable": the test cannot rise
        ([serotonin(42, NEW)], "ceiling"),
        ([serotonin(42, OLD), serotonin(20, NEW)], "falling"),
        ([serotonin(42, OLD), serotonin(39.9, NEW)], "ceiling"),  # the one before was there
        ([serotonin(42, NEW), serotonin(20, NEW)], "not_comparable"),  # two results of one day
        ([serotonin(20, NEW), serotonin(42.5, NEW)], "not_comparable"),
        ([serotonin(17.622, OLD, "ng/10*9"), serotonin(0.125, NEW)], "stable"),  # by exactly a quarter
        ([serotonin(7048.8, NEW, "ng/10*9")], "ceiling"),  # 40 nmol at 176.22 g/mol
        ([serotonin(7000, NEW, "ng/10*9")], "not_comparable"),
        ([serotonin(3524.4, OLD, "ng/10*9"), serotonin(30, NEW)], "rising"),  # from 20 nmol
    ],
)
def test_serotonin_has_a_ceiling(results: list[Json], expected: str) -> None:
    found = of(*results, marker=Concept.PLATELET_SEROTONIN)
    assert found is not None
    assert found.direction == expected


def test_how_much_is_a_change_is_a_matter_of_policy() -> None:
    results = (cga(4, OLD), cga(4.5, NEW))
    assert [found.direction for p in ("25", "10") if (found := of(*results, percent=p))] == ["stable", "rising"]


@pytest.mark.parametrize(
    "unusable",
    [
        cga(99, "2027-01-01"),
        cga(99, None),
        cga(99, "2026-02-01", status="cancelled"),
        cga(-1, "2026-02-01"),
        observation(CGA, None, "2026-02-01", valueString="pending", id="words"),
        measured("loinc:2823-3", 99, "mmol/L", "2026-02-01"),
        cga(99, "2026-02-01", dataAbsentReason={"coding": [{"code": "error"}]}),
        observation(CGA, None, "2026-02-01", valueQuantity={"value": 0}, id="zero"),
    ],
    ids=["future", "undated", "cancelled", "negative", "words", "another test", "absent", "zero, no unit"],
)
def test_what_is_no_result_of_the_past_is_not_in_the_course(unusable: Json) -> None:
    found = of(cga(4, OLD), cga(10, NEW), unusable)
    assert found is not None
    assert [result.source.date for result in found.results] == [NEW, OLD]
    assert of(unusable) is None


def test_a_result_is_kept_as_recorded() -> None:
    ranged = cga(10.50, NEW, status="preliminary", referenceRange=[{"high": {"value": 3, "unit": "nmol/L"}}])
    found = of(ranged)
    assert found is not None
    (result,) = found.results
    assert (result.text, result.unit, result.assay) == ("10.5 nmol/L", "nmol/L", "25587-7")
    assert (result.upper_limit, result.preliminary) == ("3 nmol/L", True)


def test_the_twenty_latest_results_are_kept() -> None:
    found = of(*(cga(4, f"2025-{month:02}-{day:02}") for month in (1, 2, 3) for day in range(1, 11)))
    assert found is not None
    assert len(found.results) == 20
    assert found.results[-1].source.date == "2025-02-01"
