"""Is this chart ours? Every row of the scope table, on charts of a few diagnoses."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from cds_service.guidelines.nelm_2006.intake import read_chart
from fhir_mappings.facts import Known
from tests.support.charts import (
    AS_OF,
    NELM,
    PATIENT,
    Json,
    assessed,
    chart,
    condition,
    observation,
    quantity,
    reading,
    said,
)

HIGH_CGA = observation("loinc:25587-7", "300 ug/L", referenceRange=[{"high": quantity("100 ug/L")}])
PLAIN_CGA = observation("loinc:25587-7", "50 ug/L", referenceRange=[{"high": quantity("100 ug/L")}])

ILEUM = condition("icd:C7A.012")
LIVER = condition("icd:C78.7")
COLON = condition("icd:C18.9")
C7B02 = condition("icd:C7B.02")


def primary(**status: str | None) -> Json:
    return condition("icd:C7A.012", **status)


def liver(**status: str | None) -> Json:
    return condition("icd:C78.7", **status)


def in_one_code(**status: str | None) -> Json:
    return condition("icd:C7B.02", **status)


SCOPE = [
    # C7B.02 confirmed, any other cancer beside it
    ([C7B02], True, "one code says both"),
    ([C7B02, COLON], True, "and a colon cancer beside it changes nothing"),
    ([in_one_code(verification=None)], True, "no verification status: most problem lists leave it out"),
    ([in_one_code(verification=None, clinical=None)], True, "nor a clinical status"),
    ([condition("icd:c7b02")], True, "without the dot"),
    # NET and LIVER both confirmed, no other malignancy
    ([ILEUM, LIVER], True, "by inference (P)"),
    ([ILEUM, condition("sct:94381002")], True, "in SNOMED CT"),
    ([condition("icd:C25.4"), LIVER], True, "endocrine pancreas"),
    ([condition("who:C17.2", morphology="o3:8240/3"), condition("who:C78.7")], True, "WHO codes with a morphology"),
    ([condition("icd:C7B.8", site="sct:10200004")], True, "a neuroendocrine metastasis with a liver body site"),
    ([condition("sct:74364000", site="sct:66754008"), LIVER], True, "small cell carcinoma of the gut"),
    ([ILEUM, LIVER, condition("icd:C4A.9")], True, "Merkel is not another malignancy"),
    ([ILEUM, LIVER, condition("icd:C80.1")], True, "an unknown primary is not another malignancy (P)"),
    ([ILEUM, LIVER, condition("icd:C50.911", verification="refuted")], True, "a refuted malignancy is none"),
    # the same, and another malignancy not refuted
    ([ILEUM, LIVER, COLON], "?which_primary", "which tumour is in the liver?"),
    ([ILEUM, LIVER, condition("icd:C18.9", clinical="resolved")], "?which_primary", "a resolved one may be there"),
    ([ILEUM, LIVER, condition("icd:C18.9", verification="provisional")], "?which_primary", "a suspected one too"),
    ([condition("icd:C7B.8", site="sct:10200004"), COLON], "?which_primary", "also for a liver body site"),
    ([ILEUM, LIVER, in_one_code(verification="provisional"), COLON], "?which_primary",
     "a C7B.02 that nobody confirmed decides nothing"),
    # one of them unconfirmed, or LIVER inactive
    ([in_one_code(verification="unconfirmed")], "?unconfirmed", ""),
    ([in_one_code(verification="provisional")], "?unconfirmed", ""),
    ([in_one_code(verification="differential"), COLON], "?unconfirmed", "beside another cancer too"),
    ([in_one_code(verification="suspected")], "?unconfirmed", "a status that FHIR does not have"),
    ([primary(verification="provisional"), LIVER], "?unconfirmed", ""),
    ([ILEUM, liver(verification="differential")], "?unconfirmed", ""),
    ([ILEUM, liver(clinical="inactive")], "?history_of", "inactive is not resolved"),
    ([in_one_code(clinical="inactive")], "?history_of", ""),
    # NET over or only in the history, LIVER confirmed and active
    ([primary(clinical="resolved"), LIVER], "?history_of", "never silence"),
    ([primary(clinical="inactive"), LIVER], "?history_of", ""),
    ([primary(clinical="remission"), LIVER], "?history_of", ""),
    *(([condition(f"icd:{code}"), LIVER], "?history_of", "only a history code")
      for code in ("Z85.020", "Z85.030", "Z85.040", "Z85.060", "Z85.230")),
    # only "not enough alone" codes, with LIVER
    ([condition("icd:D3A.012"), LIVER], "?value_not_understood", "benign by its code"),
    ([condition("sct:255047001"), LIVER], "?value_not_understood", ""),
    ([condition("sct:714810002"), LIVER], "?value_not_understood", ""),
    ([condition("o3:8243/3"), LIVER], "?value_not_understood", "goblet cell"),
    ([condition("icd:C18.1", "o3:8244/3"), LIVER], "?value_not_understood", "mixed, with the colon's code beside it"),
    # LIVER with unknown primary
    ([LIVER, condition("icd:C80.1"), HIGH_CGA], "?which_primary", "chromogranin A above its range"),
    ([condition("sct:285613005"), HIGH_CGA], "?which_primary", "in one code"),
    ([LIVER, condition("icd:C80.1"), PLAIN_CGA], False, "chromogranin A within its range"),
    ([LIVER, condition("icd:C80.1")], False, "no chromogranin A"),
    ([LIVER, HIGH_CGA], False, "an unknown primary is a diagnosis, not its absence"),
    # LIVER with a primary that is not neuroendocrine
    ([LIVER, COLON], False, "colorectal metastases"),
    ([LIVER, COLON, HIGH_CGA], False, "chromogranin A rises for other reasons"),
    ([LIVER, condition("icd:C34.90", morphology="o3:8041/3")], False, "small cell carcinoma of the lung"),
    ([LIVER, condition("icd:C4A.9")], False, "Merkel"),
    ([LIVER, condition("icd:C7B.1")], False, "Merkel"),
    ([LIVER, condition("sct:716652006")], False, "a primary in the liver has not come from elsewhere"),
    ([LIVER, primary(verification="refuted")], False, "a refuted NET is none"),
    ([LIVER, primary(verification="entered-in-error")], False, ""),
    # LIVER over
    ([in_one_code(clinical="resolved")], False, "removed"),
    ([in_one_code(clinical="remission")], False, ""),
    ([ILEUM, liver(clinical="resolved")], False, ""),
    ([ILEUM, liver(clinical=None) | {"abatementString": "after surgery"}], False, "an end in words is an end"),
    ([in_one_code(clinical="resolved"), LIVER], "?history_of", "one is over, another is not"),
    # NET without LIVER, or neither
    ([ILEUM], False, "no metastases"),
    ([condition("icd:C7B.8")], False, "a metastasis of no stated site"),
    ([condition("icd:C7B.03")], False, "bone"),
    ([condition("icd:E11.9")], False, "a diabetic"),
    ([], False, "nothing"),
    # the assessment outranks the rows above
    ([COLON, LIVER, assessed("nelm-histology", "yn:Y")], True, "a pathologist says yes"),
    ([assessed("nelm-histology", True)], True, "without any code"),
    ([C7B02, assessed("nelm-histology", "yn:N")], False, "a pathologist says no"),
    ([in_one_code(clinical="resolved"), assessed("nelm-histology", True)], True, ""),
    ([C7B02, assessed("nelm-histology", "sct:82334004")], "?indeterminate", "a pathologist could not tell"),
    ([C7B02, assessed("nelm-histology", True, status="preliminary")], "?preliminary", "preliminary pathology"),
    ([COLON, LIVER, assessed("nelm-histology", True, status="preliminary")], "?preliminary", "is not silence either"),
    ([C7B02, assessed("nelm-histology", True), assessed("nelm-histology", False)], "?conflicting", "two of one day"),
    ([COLON, LIVER, assessed("nelm-histology", None)], False, "an assessment without a value asks nothing"),
    ([C7B02, assessed("nelm-histology", None)], "?value_not_understood", "but beside our codes it does"),
]  # fmt: skip


@pytest.mark.parametrize(("resources", "confirmed", "why"), SCOPE)
def test_a_row_of_the_scope_table(resources: list[Json], confirmed: bool | str, why: str) -> None:
    assert said(reading(*resources).needs.nelm_confirmed) == confirmed, why
    assert said(reading(*reversed(resources)).needs.nelm_confirmed) == confirmed


@pytest.mark.parametrize("how", ["absent", "failed", "partial"])
@pytest.mark.parametrize(
    ("resources", "confirmed", "why"),
    [
        ([C7B02], True, "the codes suffice"),
        ([LIVER], "?not_retrieved", "the histology may stand in what could not be read"),
        ([LIVER, condition("icd:C80.1")], "?not_retrieved", "or a raised chromogranin A"),
        ([LIVER, COLON], False, "a recorded primary explains the metastases"),
        ([ILEUM], False, "no metastases"),
        ([], False, "nothing that would be ours"),
    ],
)
def test_scope_where_observations_were_not_read(
    resources: list[Json], confirmed: bool | str, why: str, how: str
) -> None:
    assert said(reading(*resources, **{how: ["observations"]}).needs.nelm_confirmed) == confirmed, why


@pytest.mark.parametrize(
    ("resources", "from_codes", "why"),
    [
        ([C7B02], True, "a code is no histology"),
        ([C7B02, assessed("nelm-histology", True)], False, "the assessment is"),
        ([C7B02, assessed("nelm-histology", None)], True, "if it says something"),
    ],
)
def test_true_by_codes_is_not_histology(resources: list[Json], from_codes: bool, why: str) -> None:
    assert reading(*resources).histology_from_codes is from_codes, why


def test_the_codes_and_their_resources_are_named() -> None:
    fact = reading(condition("icd:C7A.012", id="net"), condition("icd:C78.7", id="liver")).needs.nelm_confirmed
    assert isinstance(fact, Known)
    assert [source.reference for source in fact.sources] == ["Condition/net", "Condition/liver"]
    assert fact.note == "from diagnosis codes (icd:C7A.012; icd:C78.7)"


def test_another_malignancy_is_named() -> None:
    assert reading(C7B02, COLON, condition("icd:C50.911")).other_malignancies == ("icd:C18.9", "icd:C50.911")


@pytest.mark.parametrize("elements", [{"deceasedBoolean": True}, {"deceasedDateTime": "2025-12-01"}])
@pytest.mark.parametrize(
    "resource",
    [C7B02, assessed("nelm-histology", True), condition("sct:237833006", recorded="2026-03-02")],
)
def test_a_deceased_patient_is_out_of_scope_whatever_is_recorded(elements: Json, resource: Json) -> None:
    found = read_chart(chart(NELM, resource, patient=PATIENT | elements)).needs
    assert said(found.nelm_confirmed) is False
    assert said(found.carcinoid_crisis_now) == "?not_recorded"


def test_a_chart_that_is_not_ours_is_read_no_further() -> None:
    found = reading(COLON, LIVER, HIGH_CGA).needs
    assert said(found.cga) == "?not_recorded"
    assert said(found.age_years) == "?not_recorded"


NOW, YESTERDAY_MORNING, HOURS_AGO = "2026-03-02T11:00:00Z", "2026-03-01T11:00:00Z", "2026-03-02T01:00:00Z"


def crisis(recorded: str | None = NOW, clinical: str | None = "active", **more: Any) -> Json:
    return condition("sct:237833006", recorded=recorded, clinical=clinical, **more)


def says(value: bool, date: str | None = NOW) -> Json:
    return assessed("carcinoid-crisis", value, date)


CRISIS = [
    ([], "?not_recorded", "silence"),
    ([crisis()], True, "active now"),
    ([crisis(clinical="recurrence")], True, ""),
    ([crisis(clinical="relapse")], True, ""),
    ([crisis(recorded=None)], True, "without any date of its own"),
    ([crisis(recorded="2026-03-02")], True, "today"),
    ([crisis(recorded="2026-03-01")], True, "yesterday: it may be less than 24 hours"),
    ([crisis(recorded=HOURS_AGO)], True, "this night"),
    ([crisis(recorded=(AS_OF - timedelta(hours=24)).isoformat())], True, "24 hours to the minute"),
    ([crisis(recorded=(AS_OF - timedelta(hours=24, minutes=1)).isoformat())], "?not_recorded", "a minute more"),
    ([crisis(recorded=(AS_OF - timedelta(hours=23, minutes=59)).isoformat())], True, "a minute less"),
    ([crisis(recorded=YESTERDAY_MORNING)], "?not_recorded", "25 hours: history"),
    ([crisis(recorded="2026-02-28")], "?not_recorded", "history"),
    ([crisis(onsetDateTime="2025")], "?not_recorded", "one of its dates is old"),
    ([crisis(clinical=None)], "?not_recorded", "not stated as active"),
    ([crisis(clinical="inactive")], "?not_recorded", ""),
    ([crisis(clinical="resolved")], "?not_recorded", ""),
    ([crisis(abatementDateTime=NOW)], "?not_recorded", "it has an end"),
    ([crisis(abatementString="this morning")], "?not_recorded", "in words"),
    ([crisis(verification="unconfirmed")], True, "suspected counts"),
    ([crisis(verification="provisional")], True, ""),
    ([crisis(verification=None)], True, ""),
    ([crisis(verification="refuted")], "?not_recorded", ""),
    ([crisis(verification="entered-in-error")], "?not_recorded", ""),
    ([condition("icd:E34.00")], "?not_recorded", "the syndrome is not the crisis"),
    ([says(True)], True, "a clinician says so"),
    ([says(True, HOURS_AGO)], True, ""),
    ([says(True, YESTERDAY_MORNING)], "?not_recorded", "25 hours ago"),
    ([says(True, None)], "?not_recorded", "at no stated time"),
    ([says(True, "2026-03-02T13:00:00Z")], "?not_recorded", "in an hour"),
    ([says(False)], False, ""),
    ([crisis(recorded=HOURS_AGO), says(False, NOW)], False, "a strictly later no"),
    ([crisis(recorded=NOW), says(False, HOURS_AGO)], True, "an earlier no"),
    ([crisis(recorded="2026-03-02"), says(False, "2026-03-02")], True, "a no of the same day silences no emergency"),
    ([crisis(recorded=None), says(False, NOW)], True, "nor a no against a record without a date"),
    ([crisis(recorded=HOURS_AGO), says(False, "2026-03-02T06:00:00Z"), crisis(recorded=NOW)], True,
     "a no between two records"),
]  # fmt: skip


@pytest.mark.parametrize("others", [[], [NELM]])
@pytest.mark.parametrize(("resources", "now", "why"), CRISIS)
def test_a_carcinoid_crisis_is_now_or_history(
    resources: list[Json], now: bool | str, why: str, others: list[Json]
) -> None:
    for order in (resources, resources[::-1]):
        assert said(reading(*others, *order).needs.carcinoid_crisis_now) == now, why


def test_a_suspected_crisis_says_so() -> None:
    fact = reading(crisis(verification="unconfirmed")).needs.carcinoid_crisis_now
    assert isinstance(fact, Known)
    assert fact.note == "suspected"
    both = reading(crisis(verification="unconfirmed"), crisis()).needs.carcinoid_crisis_now
    assert isinstance(both, Known)
    assert both.note is None


def test_the_clock_is_the_charts() -> None:
    later = AS_OF.replace(day=4)
    assert said(reading(crisis(), as_of=later).needs.carcinoid_crisis_now) == "?not_recorded"
