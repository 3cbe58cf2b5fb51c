"""Procedures on the liver and its vessels: done, and what kind."""

from __future__ import annotations

import pytest

from fhir_mappings.procedure import LIVER_DIRECTED, latest_of, procedures, remarks
from fhir_mappings.select import WhyUnused
from fhir_mappings.terminology import Concept
from tests.support.charts import Json, chart, coded, coding, procedure, said

C = Concept
NOT_DONE = (
    "in-progress", "preparation", "on-hold", "not-done", "stopped", "entered-in-error", "unknown", "final", None,
)  # fmt: skip
ABLATION, RESECTION, EMBOLISATION = "sct:431475009", "sct:107963000", "sct:314617008"


@pytest.mark.parametrize(
    ("resource", "concept", "why"),
    [
        (procedure(ABLATION), C.LIVER_ABLATION, "ablation"),
        (procedure("pcs:0f503zz"), C.LIVER_ABLATION, "in ICD-10-PCS"),
        (procedure(EMBOLISATION), C.HEPATIC_ARTERY_EMBOLISATION, "of the hepatic artery"),
        (procedure("sct:57238002", site="sct:10200004"), C.HEPATIC_ARTERY_EMBOLISATION, "of any artery, in the liver"),
        (procedure("loinc:88935-2"), C.HEPATIC_ARTERY_EMBOLISATION, "guidance shows that it took place"),
        (procedure("sct:764677008"), C.RADIOEMBOLISATION, "not read as embolisation"),
        (procedure("sct:18027006"), C.LIVER_TRANSPLANTATION, ""),
        (procedure("sct:87231001"), C.BILIARY_ENTERIC_ANASTOMOSIS, ""),
    ],
)
def test_a_completed_procedure_is_of_a_kind(resource: Json, concept: Concept, why: str) -> None:
    ((found,), _) = procedures(chart(resource))
    assert concept in found.concepts, why


@pytest.mark.parametrize("code", ["sct:57238002", "sct:764677008", "loinc:88939-4", "loinc:88933-7", "sct:723069003"])
def test_it_is_no_hepatic_artery_embolisation(code: str) -> None:
    ((found,), _) = procedures(chart(procedure(code)))
    assert C.HEPATIC_ARTERY_EMBOLISATION not in found.concepts


@pytest.mark.parametrize(
    "resource",
    [
        *(procedure(ABLATION, status=status) for status in NOT_DONE),
        procedure("sct:80146002"),
        procedure(ABLATION) | {"code": {"coding": [coding(ABLATION), {"code": "a  b"}]}},
        procedure(ABLATION) | {"code": None},
    ],
)  # fmt: skip
def test_what_is_not_completed_or_not_known_to_us_is_not_done(resource: Json) -> None:
    assert procedures(chart(resource))[0] == []


@pytest.mark.parametrize(
    ("dates", "when", "why"),
    [
        ({"performedDateTime": "2025-10"}, "2025-10", "R4"),
        ({"performedPeriod": {"start": "2025-10-01", "end": "2025-10-02"}}, "2025-10-02", "a period"),
        ({"occurrenceDateTime": "2025-10-01"}, "2025-10-01", "R5"),
        ({"occurrencePeriod": {"start": "2025-10-01"}}, "2025-10-01", "R5, without an end"),
        ({"performedString": "last year"}, None, "words"),
        ({"performedDateTime": "2062-10-01"}, None, "done in the future: only the date can be wrong"),
        ({}, None, "no date"),
    ],
)
def test_when_it_was_done(dates: Json, when: str | None, why: str) -> None:
    ((found,), _) = procedures(chart(procedure(ABLATION, None, **dates)))
    assert (found.when.text if found.when else None) == when, why


def test_the_latest_dated_one_counts() -> None:
    found, _ = procedures(
        chart(procedure(ABLATION, "2025-10"), procedure(RESECTION, "2024"), procedure(EMBOLISATION, None))
    )
    latest = latest_of(found, LIVER_DIRECTED)
    assert latest is not None
    assert said(latest.fact) == "liver ablation"
    assert latest_of(found, frozenset({C.HEPATIC_ARTERY_EMBOLISATION})) is None
    assert latest_of([], LIVER_DIRECTED) is None


def test_a_procedure_that_is_not_fhir_is_set_aside_with_its_concepts() -> None:
    odd = procedure(ABLATION) | {"code": {"coding": [coding(ABLATION), {"code": "two  blanks"}]}}
    found, unused = procedures(chart(odd))
    assert found == []
    assert [(item.why, Concept.LIVER_ABLATION in item.concepts) for item in unused] == [(WhyUnused.MALFORMED, True)]


UNSUCCESSFUL: Json = {"outcome": coded("sct:385671000")}


@pytest.mark.parametrize(
    ("resource", "remark", "why"),
    [
        (procedure(ABLATION), [], "done"),
        (procedure(ABLATION, status="stopped"), ["liver ablation recorded as stopped"], ""),
        (procedure(ABLATION, status="not-done"), [], "nothing was tried"),
        (procedure(ABLATION, **UNSUCCESSFUL),
         ["attempt of liver ablation recorded as unsuccessful (failed or not?)"], ""),
        (procedure(ABLATION, outcome=coded("sct:385669000")), [], "successful"),
        (procedure(ABLATION, outcome="unsuccessful"), [], "a bare word"),
        (procedure("sct:764677008"), ["radioembolisation"], "never embolisation"),
        (procedure("sct:764677008", **UNSUCCESSFUL),
         ["attempt of radioembolisation recorded as unsuccessful (failed or not?)"], ""),
        (procedure("loinc:88933-7"), ["portal vein embolisation or ALPPS"], ""),
        (procedure("sct:723069003"), ["portal vein embolisation or ALPPS"], "a resection too"),
        (procedure("sct:80146002"), [], "an appendix"),
        (procedure(ABLATION) | {"code": {"text": "Whipple"}},
         ["Whipple (by its name only: bile duct joined to the gut?)"], "words are a hint"),
        (procedure(ABLATION) | {"code": {"text": "ERCP, biliary stent"}},
         ["ERCP, biliary stent (by its name only: a caution before embolisation)"], ""),
        (procedure(ABLATION, status="stopped") | {"code": {"text": "Whipple"}}, [], "begun and given up"),
        (procedure("sct:87231001") | {"code": coded("sct:87231001") | {"text": "Whipple"}}, [], "the code says so"),
    ],
)  # fmt: skip
def test_what_is_shown_of_a_procedure_and_changes_nothing(resource: Json, remark: list[str], why: str) -> None:
    found = list(remarks(chart(resource)))
    assert [text for text, _ in found] == remark, why
    assert all(source.reference == "Procedure/procedure-0" for _, source in found)


def test_a_procedure_without_a_status_is_set_aside() -> None:
    found, unused = procedures(chart(procedure(ABLATION) | {"status": None}))
    assert (found, [item.why for item in unused]) == ([], [WhyUnused.MALFORMED])
