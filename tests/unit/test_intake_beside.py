"""What stands beside an input without changing it: hints, other results, old crises, and how much of it is shown."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.facts import Known, Unknown
from tests.support.charts import (
    NELM,
    Json,
    assessed,
    coded,
    condition,
    needs,
    observation,
    procedure,
    quantity,
    reading,
    said,
)

AFTER = "2026-02-20"
UP_TO_21 = {"high": quantity("21 umol/L")}
SIZE = "loinc:21889-1"
LIVER: Json = {"bodySite": coded("sct:10200004")}


@pytest.mark.parametrize(
    ("name", "resources", "note", "why"),
    [
        ("carcinoid_syndrome", [condition("icd:R23.2")], "hint only: icd:R23.2", "flushing"),
        ("carcinoid_syndrome", [condition("icd:R19.7"), condition("icd:R23.2")], "hint only: icd:R19.7; icd:R23.2", ""),
        ("carcinoid_syndrome", [condition("icd:R23.2", clinical="resolved")], None, "not now"),
        ("carcinoid_syndrome", [condition("icd:R23.2", verification="refuted")], None, ""),
        ("carcinoid_syndrome", [condition("icd:R23.2"), assessed("carcinoid-syndrome", False)], None, "it is answered"),
        *(("other_syndrome", [condition(f"icd:{code}")], f"hint only: icd:{code}", "a hormone without its tumour")
          for code in ("E16.1", "E16.3", "E16.4", "E16.8")),
        ("other_syndrome", [condition("icd:E16.1"), condition("sct:713189001")], None, "the tumour is there"),
        ("other_syndrome", [condition("icd:E11.9")], None, "diabetes"),
    ],
)  # fmt: skip
def test_a_hint_turns_no_unknown_into_yes(name: str, resources: list[Json], note: str | None, why: str) -> None:
    fact = needs(*resources).fact(name)
    assert fact.note == note, why
    if note:
        assert said(fact) == "?not_recorded"
        assert fact.sources


BILIRUBIN, INR, ALBUMIN = "loinc:14631-6", "loinc:6301-6", "loinc:1751-7"


@pytest.mark.parametrize(
    ("resources", "note", "why"),
    [
        ([], None, "nothing measured"),
        (
            [observation(BILIRUBIN, "40 umol/L"), observation(INR, "1.9 1"), observation(ALBUMIN, "31 g/L")],
            "bilirubin 40 umol/L (2026-02-20); INR 1.9 1 (2026-02-20); albumin 31 g/L (2026-02-20)",
            "no assessment",
        ),
        ([observation(ALBUMIN, "31 g/L"), assessed("hepatic-failure", False)], "albumin 31 g/L (2026-02-20)", ""),
        ([condition("icd:K72.90"), observation(INR, "1.9 1")], "INR 1.9 1 (2026-02-20)", ""),
        ([condition("icd:K74.60")], None, "cirrhosis is no failure, and no hint"),
    ],
)
def test_liver_tests_stand_beside_hepatic_failure(resources: list[Json], note: str | None, why: str) -> None:
    assert needs(*resources).hepatic_failure.note == note, why


def test_a_disease_status_is_shown_and_graded_by_nobody() -> None:
    older = observation("loinc:97509-4", {"valueCodeableConcept": {"text": "worsened"}}, "2026-02-01", id="older")
    newer = observation("loinc:97509-4", {"valueCodeableConcept": {"text": "improved"}}, AFTER, id="newer")
    fact = needs(procedure("sct:314617008", "2026-01-15"), older, newer).response
    assert isinstance(fact, Unknown)
    assert (fact.note, [source.reference for source in fact.sources]) == (
        "disease status recorded: improved", ["Observation/newer"],
    )  # fmt: skip


def crisis(recorded: str | None, clinical: str = "resolved", **more: Any) -> Json:
    return condition("sct:237833006", recorded=recorded, clinical=clinical, **more)


@pytest.mark.parametrize(
    ("resources", "earlier", "why"),
    [
        ([], None, "none"),
        ([crisis("2024-05-01")], "2024-05-01", "over"),
        ([crisis("2024-05-01", "active")], "2024-05-01", "active by its status, and old"),
        ([crisis("2023"), crisis("2024-05-01")], "2024-05-01", "the latest"),
        ([crisis(None)], "an unknown date", "undated"),
        ([crisis(None), crisis("2024-05-01")], "2024-05-01", ""),
        ([crisis("2024-05-01", verification="refuted")], None, "there was none"),
        ([assessed("carcinoid-crisis", True, "2024-05-01")], "2024-05-01", "by assessment"),
        ([assessed("carcinoid-crisis", False, "2024-05-01")], None, "there was none"),
        ([crisis("2026-03-02T11:00:00Z", "active")], None, "now is not earlier"),
        ([crisis("2026-03-02T11:00:00Z", "active"), crisis("2024-05-01")], "2024-05-01", "now and before"),
    ],
)
def test_an_earlier_crisis_is_history(resources: list[Json], earlier: str | None, why: str) -> None:
    for order in (resources, resources[::-1]):
        assert reading(NELM, *order).earlier_crisis == earlier, why


def test_what_changes_nothing_is_named_once_with_its_latest_date() -> None:
    stopped = [procedure("sct:431475009", date, status="stopped") for date in ("2024-01-01", "2025-01-01")]
    grade = observation("loinc:33732-9", {"valueCodeableConcept": {"text": "Low grade"}})
    found = reading(NELM, *stopped, grade, condition("icd:C7B.8", recorded="2025-03-01")).beside
    assert {name: source.date for name, source in found} == {
        "histologic grade (Low grade)": AFTER,
        "metastasis without a stated site": "2025-03-01",
        "liver ablation recorded as stopped": "2025-01-01",
    }


def test_a_metastasis_with_a_site_is_not_one_without() -> None:
    assert reading(NELM, condition("icd:C7B.8", site="sct:10200004")).beside == ()


def test_only_the_latest_sources_are_listed_and_the_others_counted() -> None:
    sizes = [observation(SIZE, f"{10 + n} mm", id=f"s{n}", **LIVER) for n in range(50)]
    fact = needs(*sizes).largest_lesion_cm
    assert isinstance(fact, Known)
    assert said(fact) == "5.9"
    assert (len(fact.sources), fact.note) == (20, "largest measured; and 30 more sources")


def test_the_latest_of_many_sources_are_kept() -> None:
    known = [condition("icd:C7B.03", id=f"c{n:02d}", recorded=f"20{n:02d}-01-01") for n in range(25)]
    fact = needs(*known).extrahepatic_disease
    assert fact.sources[-1].reference == "Condition/c24"
    results = [observation("loinc:29593-1", f"{n} %", f"20{n:02d}-01-01", id=f"k{n:02d}") for n in range(25)]
    found = needs(*results).ki67_percent
    assert [source.date for source in found.sources] == [f"20{n:02d}-01-01" for n in range(5, 25)]
    assert said(found) == "24", "what is not listed still counts"


def test_results_outside_their_range_are_named_in_part() -> None:
    against = [
        observation(
            BILIRUBIN, f"{40 + n} umol/L", f"2026-02-{20 + n}", referenceRange=[{"high": quantity("21 umol/L")}]
        )
        for n in range(5)
    ]
    fact = needs(assessed("hepatic-failure", False), *against).hepatic_failure
    assert fact.note == "outside range: 44 umol/L; 43 umol/L; 42 umol/L and 2 more"


@pytest.mark.parametrize(
    ("name", "resource"),
    [
        (
            "extrahepatic_disease",
            condition("icd:C79.51") | {"code": {"text": "x" * 5000} | condition("icd:C79.51")["code"]},
        ),
        ("cga", observation("loinc:25587-7", {"valueQuantity": {"value": 3, "unit": "u" * 5000}})),
        ("ki67_percent", observation("loinc:29593-1", {"valueQuantity": {"value": 3, "unit": "u" * 5000}})),
        ("ki67_percent", observation("loinc:29593-1", {"valueString": "u" * 5000})),
        ("lesion_count", assessed("lesion-count", {"valueQuantity": {"value": 3, "unit": "u" * 5000}})),
        ("largest_lesion_cm", observation(SIZE, {"valueString": "u" * 5000}, **LIVER)),
        ("hepatic_failure", observation(INR, {"valueQuantity": {"value": 3, "unit": "u" * 5000}})),
    ],
)
def test_a_note_bears_no_text_of_any_length(name: str, resource: Json) -> None:
    note = needs(resource).fact(name).note
    assert note is not None
    assert len(note) < 120


def test_many_records_set_aside_are_named_in_part() -> None:
    broken = [observation("loinc:25587-7", {"valueBoolean": "x"}, id=f"b{n}") for n in range(30)]
    note = needs(*broken).cga.note
    assert note is not None
    assert note.count("Observation/") == 20
    assert "and 10 more;" in note
