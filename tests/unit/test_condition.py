"""Conditions: what they stand for, whether they are confirmed, and whether they hold now."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.condition import ConditionReading, conditions
from fhir_mappings.select import WhyUnused
from fhir_mappings.terminology import Concept
from tests.support.charts import Json, chart, condition

C = Concept


def read(resource: Json) -> ConditionReading:
    (found,), unused = conditions(chart(resource))
    assert unused == []
    return found


@pytest.mark.parametrize(
    ("verification", "confirmed", "from_codes", "why"),
    [
        ("confirmed", True, False, "the record says so"),
        (None, True, True, "most problem lists leave it out"),
        ("unconfirmed", False, False, ""),
        ("provisional", False, False, ""),
        ("differential", False, False, ""),
        ("Confirmed", True, False, "in capitals"),
        ("suspected", False, False, "a code that FHIR does not have is not a confirmation"),
    ],
)
def test_a_condition_is_confirmed_or_not(verification: str | None, confirmed: bool, from_codes: bool, why: str) -> None:
    found = read(condition("icd:C7A.012", verification=verification))
    assert (found.confirmed, found.from_codes) == (confirmed, from_codes), why


NOT_R4 = {"code": "a  b"}


@pytest.mark.parametrize(
    ("resource", "reason", "why"),
    [
        (condition("icd:C7A.012", verification="refuted"), WhyUnused.STATUS, "refuted"),
        (condition("icd:C7A.012", verification="entered-in-error"), WhyUnused.STATUS, "entered in error"),
        (condition("icd:C7A.012", verification="Refuted"), WhyUnused.STATUS, "in capitals"),
        (condition("icd:C7A.012") | {"clinicalStatus": "active"}, WhyUnused.NOT_SUPPORTED, "STU3 wrote a string"),
        (condition("icd:C7A.012") | {"verificationStatus": "confirmed"}, WhyUnused.NOT_SUPPORTED, "for both"),
        (condition("icd:C7A.012") | {"clinicalStatus": {"coding": [NOT_R4]}}, WhyUnused.MALFORMED, "not R4"),
    ],
)
def test_a_condition_that_does_not_count_is_listed_with_the_reason(resource: Json, reason: WhyUnused, why: str) -> None:
    found, (unused,) = conditions(chart(resource))
    assert found == []
    assert unused.why is reason, why


ABATED: dict[str, Any] = {
    "abatementDateTime": "2020-01-01",
    "abatementPeriod": {"start": "2020-01-01"},
    "abatementAge": {"value": 50, "code": "a"},
    "abatementRange": {"low": {"value": 50}},
    "abatementString": "years ago",
}


@pytest.mark.parametrize(
    ("clinical", "abated", "expected", "why"),
    [
        ("active", False, "active stated", ""),
        ("recurrence", False, "active stated recurrent", "has come back"),
        ("relapse", False, "active stated recurrent", "has come back"),
        ("inactive", False, "", "not now, and not resolved either"),
        ("remission", False, "resolved", ""),
        ("resolved", False, "resolved", ""),
        (None, False, "active", "not stated: active"),
        (None, True, "resolved", "not stated, but with an end"),
        ("active", True, "active stated", "contradicts itself: a question, below"),
    ],
)
@pytest.mark.parametrize("form", ABATED)
def test_a_condition_holds_now_or_not(clinical: str | None, abated: bool, expected: str, why: str, form: str) -> None:
    found = read(condition("icd:C7A.012", clinical=clinical, **({form: ABATED[form]} if abated else {})))
    words = {
        "active": found.active,
        "resolved": found.resolved,
        "stated": found.stated_active,
        "recurrent": found.recurrent,
    }
    assert [word for word, holds in words.items() if holds] == expected.split(), why
    assert found.abated is abated


TUMOURS = [
    (condition("icd:C7A.012"), True, False, False, "the primary"),
    (condition("icd:C7B.02"), True, True, False, "both in one code"),
    (condition("icd:C78.7"), False, True, False, "liver metastasis of any tumour"),
    (condition("sct:94381002"), False, True, False, ""),
    (condition("icd:C7B.8", site="sct:10200004"), True, True, False, "a metastasis with a liver body site"),
    (condition("icd:C7B.8"), True, False, False, "without a site it is neither here nor there"),
    (condition("icd:C7A.012", site="sct:10200004"), True, False, False, "a primary with a liver body site is none"),
    (condition("who:C17.2", morphology="o3:8240/3"), True, False, False, "mCODE's morphology makes it ours"),
    (condition("icd:C7B.1"), False, False, False, "Merkel cell metastasis"),
    (condition("icd:C4A.9"), False, False, False, "Merkel is neither ours nor another malignancy"),
    (condition("icd:C4A.9", morphology="o3:8246/3"), False, False, False, "not even by its other name"),
    (condition("icd:C34.90", morphology="o3:8041/3"), False, False, True, "small cell of the lung"),
    (condition("sct:74364000"), False, False, False, "small cell of nowhere"),
    (condition("sct:74364000", site="sct:66754008"), True, False, False, "small cell of the gut"),
    (condition("sct:74364000", "icd:C7A.1"), True, False, False, "small cell, and called neuroendocrine"),
    (condition("icd:C25.4"), True, False, False, "endocrine pancreas"),
    (condition("icd:C18.9"), False, False, True, "colon cancer"),
    (condition("icd:C18.9", "o3:8240/3"), True, False, False, "colon, by its morphology neuroendocrine"),
    (condition("icd:C18.9", morphology="o3:8244/3"), False, False, False, "mixed: a question, not another tumour"),
    (condition("sct:716652006"), False, False, True, "neuroendocrine, but started in the liver"),
    (condition("icd:C80.1"), False, False, False, "says only that the primary is unknown"),
    (condition("icd:Z85.060"), False, False, False, "history"),
    (condition("icd:D3A.012"), False, False, False, "benign"),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "neuroendocrine", "in_liver", "other", "why"), TUMOURS)
def test_which_tumour_it_is(resource: Json, neuroendocrine: bool, in_liver: bool, other: bool, why: str) -> None:
    found = read(resource)
    assert (found.neuroendocrine, found.in_liver, found.other_malignancy) == (neuroendocrine, in_liver, other), why


@pytest.mark.parametrize(
    "resource",
    [
        condition("icd:E11.9"),
        condition("icd:E11.9", site="sct:7771000"),
        condition(),
        condition("icd:E11.9", verification="refuted"),
        condition("icd:E11.9") | {"clinicalStatus": "active"},
        condition("icd:E11.9") | {"clinicalStatus": {"coding": [NOT_R4]}},
        condition("icd:E11.9") | {"code": {"coding": [NOT_R4]}},
    ],
)
def test_a_condition_that_says_nothing_to_us_is_neither_read_nor_listed(resource: Json) -> None:
    assert conditions(chart(resource)) == ([], [])


@pytest.mark.parametrize(
    "resource",
    [
        condition("icd:C18.9"),
        condition("icd:E11.9", site="sct:66754008"),
        condition("icd:C77.2"),
        condition("icd:E11.9") | {"evidence": [{"detail": [{"reference": "DiagnosticReport/1"}]}]},
    ],
    ids=["another malignancy", "a site of ours", "lymph nodes", "its evidence may name the tumour"],
)
def test_a_condition_that_may_say_anything_to_us_is_read(resource: Json) -> None:
    assert conditions(chart(resource))[0]


def test_a_morphology_in_another_extension_is_not_read() -> None:
    other = {"url": "http://example.org/x", "valueCodeableConcept": {"coding": [{"code": "8240/3"}]}}
    assert not read(condition("who:C17.2") | {"extension": [other]}).neuroendocrine


@pytest.mark.parametrize(
    ("dates", "when", "own", "why"),
    [
        ({"recordedDate": "2026-01-10", "onsetDateTime": "2020"}, "2026-01-10", 2, "the last date it speaks for"),
        ({"onsetDateTime": "2020-05"}, "2020-05", 1, "else its onset"),
        ({"onsetPeriod": {"start": "2020-05-01", "end": "2020-06-01"}}, "2020-06-01", 1, "as a period"),
        ({"onsetAge": {"value": 50}}, None, 0, "an age is no date"),
        ({"recordedDate": "soon", "onsetDateTime": "2020-05"}, "2020-05", 1, "a date that is none"),
        ({}, None, 0, "no date"),
    ],
)
def test_when_it_was_recorded(dates: Json, when: str | None, own: int, why: str) -> None:
    found = read(condition("icd:C7A.012", recorded=None, **dates))
    assert (found.source.date, found.when.text if found.when else None, len(found.own_dates)) == (when, when, own), why


def test_sites_and_regions_come_from_code_and_body_site() -> None:
    assert read(condition("icd:C7A.012")).primary_sites == {"ileum"}
    assert read(condition("o3:8240/3", site="sct:66754008")).primary_sites == {"appendix"}
    assert read(condition("icd:C77.2")).lymph_node_regions == {"intra_abdominal"}


def test_a_condition_without_a_name_has_a_label() -> None:
    assert read(condition("icd:C7A.012")).label == "icd:C7A.012"
    nameless = condition(site="sct:66754008") | {"code": None}
    assert read(nameless).label == "condition without a name"
