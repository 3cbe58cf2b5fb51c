"""Pathology reports: which of them confirm that the liver metastases are neuroendocrine, and which do not."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.guidelines.nelm_2006.intake import read_chart
from fhir_mappings.facts import Known, Unknown
from fhir_mappings.pathology import pathology_reports
from fhir_mappings.select import WhyUnused
from tests.support.charts import (
    NELM,
    SERVER,
    Json,
    assessed,
    chart,
    chart_of,
    coded,
    condition,
    needs,
    reading,
    report,
    said,
    searchset,
)

PATHOLOGY = "loinc:22637-3"
LIVER, ILEUM = "sct:10200004", "sct:34516001"
DATED = "2025-11-02"
SURGICAL = {"category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v2-0074", "code": "SP"}]}]}


def pathology(*conclusions: str, code: str = PATHOLOGY, **more: Any) -> Json:
    """A final report; each conclusion is one concept, its codings separated by blanks."""
    found = report(code, DATED, **more)
    return found | ({"conclusionCode": [coded(*text.split()) for text in conclusions]} if conclusions else {})


CONFIRMS = [
    (pathology("icd:C7B.02"), True, "both in one code"),
    (pathology("o3:8240/3", LIVER), True, "a morphology, and the liver"),
    (pathology("o3:8240/3", "icd:C78.7"), True, "a morphology, and a liver metastasis"),
    (pathology(f"o3:8240/3 {LIVER}"), True, "as codings of one concept"),
    (pathology("sct:1286768001", LIVER), True, "in SNOMED CT"),
    (pathology("icd:C7A.012", "sct:94381002"), True, "primary and metastasis"),
    (pathology("o3:8240/3", bodySite=coded(LIVER)), True, "by a body site"),
    (pathology("icd:C7B.02", code="loinc:60568-3"), True, "a synoptic report"),
    (pathology("icd:C7B.02", code="loinc:18748-4", **SURGICAL), True, "a pathologist's by its section"),
    (pathology("o3:8240/3", LIVER, code="loinc:18748-4"), True, "only a pathologist names a morphology"),
    (pathology("icd:C7B.02", code="loinc:30612-6"), False, "a radiologist's conclusion is no histology"),
    (pathology("icd:C7B.02", code="loinc:18748-4"), False, "nobody says whose report it is"),
    (pathology("o3:8240/3"), False, "of nowhere: perhaps the primary"),
    (pathology("icd:C7A.012"), False, "of the primary alone"),
    (pathology("o3:8240/3", ILEUM), False, "of the ileum"),
    (pathology(LIVER), False, "of the liver, and nothing of the tumour"),
    (pathology("icd:C78.7"), False, "a metastasis of any tumour"),
    (pathology("icd:C18.9", "icd:C78.7"), False, "of the colon"),
    (pathology("o3:8240/3", "icd:C18.9", LIVER), False, "two tumours: which is in the liver?"),
    (pathology("icd:C18.9 o3:8240/3", LIVER), True, "one tumour, by its morphology ours"),
    (pathology("sct:716652006", LIVER), False, "started in the liver"),
    (pathology("o3:8240/3", "o3:8244/3", LIVER), False, "mixed"),
    (pathology("o3:8247/3", LIVER), False, "Merkel"),
    (pathology(conclusion="Neuroendocrine metastasis of the liver"), False, "words are not read"),
    (pathology("icd:C7B.02", status="registered"), False, ""),
    (pathology("icd:C7B.02", status="cancelled"), False, ""),
    (pathology("icd:C7B.02", status="entered-in-error"), False, ""),
    (pathology("icd:C7B.02", status="unknown"), False, ""),
    (pathology("icd:C7B.02", status="preliminary"), False, "not final"),
    (pathology("icd:C7B.02", status="partial"), False, ""),
    *((pathology("icd:C7B.02", status=status), True, status) for status in ("amended", "corrected", "appended")),
    (pathology("icd:C7B.02") | {"effectiveDateTime": "2027"}, False, "in the future"),
    (pathology("icd:C7B.02") | {"subject": {"reference": "Patient/p2"}}, False, "another patient's"),
]


@pytest.mark.parametrize(("resource", "confirms", "why"), CONFIRMS)
def test_a_report_confirms_the_histology_of_the_liver(resource: Json, confirms: bool, why: str) -> None:
    for order in ((NELM, resource), (resource, NELM)):
        found = reading(*order)
        assert found.histology_from_codes is not confirms, why
        assert said(found.needs.nelm_confirmed) is True, "the codes stand"


def test_histology_by_report_is_dated_and_names_it() -> None:
    older = pathology("icd:C7B.02", id="older") | {"effectiveDateTime": "2020-01-01"}
    fact = reading(NELM, pathology("icd:C7B.02", id="newest"), older).needs.nelm_confirmed
    assert isinstance(fact, Known)
    assert fact.note == "by pathology report of 2025-11-02"
    assert [source.reference for source in fact.sources] == ["Condition/nelm", "DiagnosticReport/newest"]


@pytest.mark.parametrize("status", ["preliminary", "partial"])
def test_a_preliminary_report_is_shown_and_not_counted(status: str) -> None:
    fact = reading(NELM, pathology("icd:C7B.02", status=status)).needs.nelm_confirmed
    assert isinstance(fact, Known)
    assert fact.note is not None
    assert fact.note.endswith("preliminary pathology report of 2025-11-02 not counted")


LIVER_METASTASIS, COLON, ILEAL = condition("icd:C78.7"), condition("icd:C18.9"), condition("icd:C7A.012")
OTHER_ROWS = [
    ([ILEAL, LIVER_METASTASIS], True, "by inference, confirmed by the report"),
    ([LIVER_METASTASIS, COLON], "?which_primary", "a report that contradicts the diagnoses is a question"),
    ([ILEAL, LIVER_METASTASIS, COLON], "?which_primary", "which only the assessment settles"),
    ([condition("icd:C7B.02", verification="provisional")], "?unconfirmed", ""),
    ([condition("icd:C7B.02", clinical="resolved")], False, "over"),
    ([ILEAL], False, "no liver metastasis on record"),
    ([], False, "a report is no diagnosis"),
    ([LIVER_METASTASIS, COLON, assessed("nelm-histology", False)], False, "the assessment outranks it"),
]


@pytest.mark.parametrize(("resources", "confirmed", "why"), OTHER_ROWS)
def test_a_report_beside_other_diagnoses(resources: list[Json], confirmed: bool | str, why: str) -> None:
    found = reading(*resources, pathology("icd:C7B.02"))
    assert said(found.needs.nelm_confirmed) == confirmed, why
    assert found.histology_from_codes is (confirmed != True and not _assessed(resources))  # noqa: E712 - or a reason


def _assessed(resources: list[Json]) -> bool:
    return any(resource["resourceType"] == "Observation" for resource in resources)


def test_a_report_that_no_unknown_can_use_is_named_beside_it() -> None:
    fact = reading(ILEAL, LIVER_METASTASIS, COLON, pathology("icd:C7B.02", id="r")).needs.nelm_confirmed
    assert isinstance(fact, Unknown)
    assert "DiagnosticReport/r" in [source.reference for source in fact.sources]
    assert fact.note is not None
    assert fact.note.endswith("a pathology report of 2025-11-02 says neuroendocrine")


def test_a_preliminary_report_beside_another_primary_is_a_question() -> None:
    fact = reading(LIVER_METASTASIS, COLON, pathology("icd:C7B.02", status="preliminary")).needs.nelm_confirmed
    assert said(fact) == "?preliminary"


def resting_on(reference: Json, code: str = "icd:C7B.02", **more: Any) -> Json:
    return condition(code, id="resting", evidence=[{"detail": [reference]}], **more)


BY_ID, ELSEWHERE = {"reference": "DiagnosticReport/r"}, {"reference": "https://else.example.org/DiagnosticReport/r"}
EVIDENCE = [
    (resting_on(BY_ID), pathology(), True, "the report of the very diagnosis"),
    (resting_on({"reference": "DiagnosticReport/r/_history/2"}), pathology(), True, "in a version"),
    (resting_on({"reference": f"{SERVER}/DiagnosticReport/r"}), pathology(), True, "by its full address"),
    (resting_on(ELSEWHERE), pathology(), False, "on another server"),
    (resting_on({"reference": "DiagnosticReport/other"}), pathology(), False, "another report"),
    (resting_on({"display": "pathology"}), pathology(), False, "words"),
    (condition("icd:C7B.02", evidence=[{"reference": BY_ID}]), pathology(), True, "R5's element"),
    (resting_on(BY_ID), report("loinc:30612-6", DATED), False, "a CT"),
    (resting_on(BY_ID), pathology(status="preliminary"), False, "not final"),
    (resting_on(BY_ID), pathology("icd:C18.9"), False, "it concludes another tumour"),
    (resting_on(BY_ID, verification="provisional"), pathology(), False, "the diagnosis is not confirmed"),
    (resting_on(BY_ID, "icd:C7B.8", site=LIVER), pathology(), True, "a metastasis with a liver body site"),
]


@pytest.mark.parametrize(("diagnosis", "resource", "confirms", "why"), EVIDENCE)
def test_the_evidence_of_the_diagnosis_confirms_it(diagnosis: Json, resource: Json, confirms: bool, why: str) -> None:
    assert reading(diagnosis, resource | {"id": "r"}).histology_from_codes is not confirms, why


def test_evidence_of_the_primary_says_nothing_of_the_liver() -> None:
    primary = resting_on(BY_ID, "icd:C7A.012")
    assert reading(primary, LIVER_METASTASIS, pathology() | {"id": "r"}).histology_from_codes


def test_evidence_is_found_by_the_urn_of_its_entry() -> None:
    urn = "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0"
    reports = searchset([pathology() | {"id": "r"}])
    reports["entry"][0]["fullUrl"] = urn
    values = {
        "patient": {"resourceType": "Patient", "id": "p1"},
        "conditions": searchset([resting_on({"reference": urn})]),
        "diagnosticReports": reports,
    }
    assert not read_chart(chart_of(values)).histology_from_codes


DIFFERENTIATION = [
    ([pathology("sct:1286768001")], "well", "by its conclusion, of whichever specimen"),
    ([pathology("o3:8013/3")], "poor", "large cell"),
    ([pathology("o3:8041/3", ILEUM)], "poor", "small cell of the gut"),
    ([pathology("o3:8041/3")], "?not_recorded", "small cell of nowhere is no tumour of ours"),
    ([pathology("o3:8246/3")], "?not_recorded", "carcinoma includes the well-differentiated"),
    ([pathology("sct:1286768001", status="preliminary")], "?preliminary", ""),
    ([pathology("sct:1286768001", status="preliminary"), condition("icd:C7A.1")], "poor", "a diagnosis stands"),
    ([pathology("sct:1286768001", status="cancelled")], "?not_recorded", ""),
    ([pathology("sct:1286768001"), condition("icd:C7A.1", recorded=DATED)], "?conflicting", "two of one day"),
    ([pathology("sct:1286768001"), condition("icd:C7A.1", recorded="2020")], "well", "the later"),
]


@pytest.mark.parametrize(("resources", "expected", "why"), DIFFERENTIATION)
def test_differentiation_by_report(resources: list[Json], expected: str, why: str) -> None:
    fact = needs(*resources).differentiation
    assert said(fact) == expected, why
    assert fact.sources or expected == "?not_recorded"


def test_a_report_that_is_not_fhir_is_set_aside() -> None:
    odd = pathology() | {"conclusionCode": [{"coding": [{"code": "a  b"}]}]}
    found, unused = pathology_reports(chart(odd))
    assert (found, [item.why for item in unused]) == ([], [WhyUnused.MALFORMED])
