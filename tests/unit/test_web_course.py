"""The course over time as it is drawn: marker results as numbers, and the treatments beside them."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.web.course import treatments, trends
from tests.support.charts import NELM, Json, chart, coded, given, observation, procedure, reading, taken

CGA, CGA_MASS = "loinc:25587-7", "loinc:9811-1"
ABLATION, OCTREOTIDE = "sct:431475009", "rx:7617"


def drawn(*resources: Json) -> list[dict[str, Any]]:
    return trends(chart(NELM, *resources), reading(NELM, *resources))


def measured(value: str, date: str, code: str = CGA, **more: Any) -> Json:
    return observation(code, value, date, id=f"o-{date}", **more)


def normal(low: float | None, high: float | None, unit: str = "nmol/L") -> list[Json]:
    bounds = {"low": low, "high": high}
    return [{name: {"value": value, "unit": unit} for name, value in bounds.items() if value is not None}]


def test_results_stand_in_their_order_with_sign_and_source() -> None:
    (series,) = drawn(measured("12 nmol/L", "2026-01-10"), measured("<4 nmol/L", "2025-06-02"))
    assert (series["marker"], series["label"], series["unit"]) == ("chromogranin-a", "chromogranin A", "nmol/L")
    assert series["points"] == [
        {"date": "2025-06-02", "value": 4.0, "comparator": "<", "reference": "Observation/o-2025-06-02"},
        {"date": "2026-01-10", "value": 12.0, "comparator": None, "reference": "Observation/o-2026-01-10"},
    ]
    assert series["left_out"] == []


@pytest.mark.parametrize("sign", ["<", "<=", ">", ">="])
def test_a_sign_is_kept(sign: str) -> None:
    (series,) = drawn(measured(f"{sign}4 nmol/L", "2025-06-02"))
    assert [(point["comparator"], point["value"]) for point in series["points"]] == [(sign, 4.0)]


def test_another_unit_or_assay_is_another_series() -> None:
    found = drawn(
        measured("12 nmol/L", "2026-01-10"),
        measured("300 ug/L", "2025-06-02", CGA_MASS),
        measured("9 U/L", "2025-03-01"),
    )
    assert {(series["label"], series["unit"], len(series["points"])) for series in found} == {
        ("chromogranin A (25587-7)", "nmol/L", 1),
        ("chromogranin A (9811-1)", "ug/L", 1),
        ("chromogranin A (25587-7)", "U/L", 1),
    }


def test_a_result_that_is_no_number_is_no_point_and_is_told() -> None:
    between = observation(CGA, None, "2026-01-20", valueString="5-10", id="between")
    (series,) = drawn(measured("12 nmol/L", "2026-01-10"), between, measured("1e15 nmol/L", "2026-01-21"))
    assert [point["date"] for point in series["points"]] == ["2026-01-10"]
    assert [item["reference"] for item in series["left_out"]] == ["Observation/between", "Observation/o-2026-01-21"]
    assert series["left_out"][0] == {"date": "2026-01-20", "text": "5-10", "reference": "Observation/between"}


def test_the_reference_range_is_the_one_that_all_results_state() -> None:
    same = [measured(f"{n} nmol/L", f"2026-01-1{n}", referenceRange=normal(1, 4)) for n in (1, 2)]
    (series,) = drawn(*same, measured("9 nmol/L", "2026-02-01"))
    assert (series["low"], series["high"]) == (1.0, 4.0)
    (series,) = drawn(*same, measured("9 nmol/L", "2026-02-01", referenceRange=normal(None, 6)))
    assert (series["low"], series["high"]) == (None, None)


def test_a_range_in_another_unit_is_not_drawn() -> None:
    (series,) = drawn(measured("9 nmol/L", "2026-02-01", referenceRange=normal(None, 100, "ug/L")))
    assert series["high"] is None


def test_treatments_stand_by_date_with_their_spans() -> None:
    ablated = procedure(ABLATION, "2025-03-10", id="ablated")
    spanned = procedure(ABLATION, None, id="spanned") | {"performedPeriod": {"start": "2025-05", "end": "2025-06-02"}}
    octreotide = taken(OCTREOTIDE, "2025-04-01", "2025-09-01", id="octreotide")
    found = treatments(chart(NELM, ablated, spanned, octreotide))
    assert [(item["date"], item["end"], item["reference"]) for item in found] == [
        ("2025-03-10", None, "Procedure/ablated"),
        ("2025-04-01", "2025-09-01", "MedicationStatement/octreotide"),
        ("2025-05", "2025-06-02", "Procedure/spanned"),
    ]
    assert found[0]["label"] == "liver ablation"


def test_what_has_no_date_or_one_in_the_future_has_no_place() -> None:
    assert treatments(chart(NELM, procedure(ABLATION, None, id="a"), procedure(ABLATION, "2027-01-01", id="b"))) == []
    assert treatments(chart(NELM, given(OCTREOTIDE, None, id="a"), given(OCTREOTIDE, "2027-01-01", id="b"))) == []


def test_procedures_without_an_id_keep_their_own_days() -> None:
    first, second = (procedure(ABLATION, date, id=None) for date in ("2025-03-10", "2025-05-10"))
    found = treatments(chart(NELM, first, second))
    assert [item["date"] for item in found] == ["2025-03-10", "2025-05-10"]


def test_a_drug_keeps_its_name() -> None:
    named = taken(OCTREOTIDE, "2025-04-01", id="x")
    named["medicationCodeableConcept"] = coded(OCTREOTIDE) | {"text": "Sandostatin LAR 20 mg"}
    (found,) = treatments(chart(NELM, named))
    assert found["label"] == "Sandostatin LAR 20 mg"
