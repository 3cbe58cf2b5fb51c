"""Imaging that was done: which examinations of the liver count, and the many that do not."""

from __future__ import annotations

import pytest

from fhir_mappings.imaging import Examination, done, examinations
from tests.support.charts import Json, chart, coded, coding, procedure, report, said, study

LIVER, ABDOMEN, HEAD = "sct:10200004", "sct:818981001", "sct:69536005"
CHEST, KNEE = "sct:51185008", "sct:72696002"
CT_ABDOMEN, MR_ABDOMEN = "loinc:30612-6", "loinc:30670-4"
WITHOUT_CONTRAST = "sct:396101000119105"
SERIES_CT = {"series": [{"uid": "1", "modality": coding("dcm:CT"), "bodySite": coding(LIVER)}]}
SERIES_PT_CT = {
    "series": [{"uid": "1", "modality": coding(f"dcm:{m}"), "bodySite": coding(LIVER)} for m in ("PT", "CT")]
}
NOT_R4 = {"coding": [coding(CT_ABDOMEN), {"code": "a  b"}]}

STUDIES = [
    (study("CT", CT_ABDOMEN), "helical_ct", "named by its procedure code"),
    (study("MR", MR_ABDOMEN), "mri", ""),
    (study("CT", site=LIVER), "helical_ct", "by the body site of its series"),
    (study("CT", site=ABDOMEN), "helical_ct", "the abdomen covers the liver"),
    (study("MR", site=LIVER), "mri", ""),
    (study("CT", reasonCode=[coded("icd:C78.7")]), "helical_ct", "by its reason, where no site is given"),
    (study("CT", site=HEAD), None, "of the head alone: no"),
    (study("CT", site=CHEST, reasonCode=[coded("icd:C78.7")]), None, "of the chest, whatever it was asked for"),
    (study("CT", "loinc:24627-2"), None, "of the chest by its procedure code"),
    (study("CT", "loinc:24627-2", reasonCode=[coded("icd:C78.7")]), None, ""),
    (study("CT", "loinc:24627-2", CT_ABDOMEN), "helical_ct", "of chest and abdomen"),
    (study("CT", "loinc:24627-2", site=LIVER), "helical_ct", "its series say more than its name"),
    (study("MR", "loinc:24590-2"), None, "of the brain"),
    (study("CT", site=KNEE), "?region_not_stated", "a site that is not listed says neither"),
    (study("CT", site=KNEE, reasonCode=[coded("icd:C78.7")]), "?region_not_stated", "and the reason does not say it"),
    (study("CT", reasonCode=[coded("icd:E11.9")]), "?region_not_stated", "a reason that says nothing of it"),
    (study("CT"), "?region_not_stated", "region not stated"),
    (study("CT", CT_ABDOMEN) | {"modality": None} | SERIES_CT, "helical_ct", "the modality of a series only"),
    (study("CT", CT_ABDOMEN) | {"modality": None}, None, "no modality at all"),
    (study("US", site=LIVER), None, "ultrasound"),
    (study("PT", CT_ABDOMEN) | SERIES_PT_CT, None, "the CT inside a PET study is not a diagnostic CT"),
    (study("NM", site=LIVER), None, "scintigraphy with a tracer that is not named"),
    (study("CT", "loinc:44101-4", site=LIVER), None, "guidance of a biopsy"),
    (study("CT", "loinc:88935-2", site=LIVER), None, "guidance of an embolisation"),
    (study("CT", WITHOUT_CONTRAST), "?protocol_not_suitable", "without contrast"),
    (study("CT", "loinc:30611-8"), "?protocol_not_suitable", "without contrast, in LOINC"),
    (study("CT", CT_ABDOMEN, status="registered"), None, "not there yet"),
    (study("CT", CT_ABDOMEN, status="cancelled"), None, ""),
    (study("CT", CT_ABDOMEN, status="entered-in-error"), None, ""),
    (study("CT", CT_ABDOMEN) | {"procedureCode": [NOT_R4]}, "?malformed", "not R4"),
    (study("NM", "loinc:39828-9"), "somatostatin_receptor", "octreotide scan"),
    (study("PT", "sct:764695006"), "somatostatin_receptor", "SSTR-PET counts as SRS (P)"),
    (study("PT", "loinc:81555-5"), None, "FDG-PET is another tracer"),
    (study("PT"), None, "no tracer named"),
    (study("NM", "loinc:82136-3"), "mibg", ""),
    (study("NM", "loinc:82136-3") | {"modality": [{"code": "N  M"}]}, "?malformed", "not FHIR"),
    (study("NM", "loinc:82136-3") | {"modality": [coded("dcm:NM")]}, "mibg", "R5's modality is a concept"),
    (study("CT", CT_ABDOMEN) | {"modality": coded("dcm:CT")}, "helical_ct", "one alone"),
    (study("CT", procedure=[{"concept": coded(CT_ABDOMEN)}]), "helical_ct", "R5's procedure"),
    (study("CT", procedure=[{"concept": coded("loinc:24627-2")}]), None, "R5's procedure, of the chest"),
    (study("NM", procedure=[{"concept": coded("loinc:39828-9")}]), "somatostatin_receptor", ""),
    (study("CT", procedure=[{"reference": {"reference": "Procedure/1"}}]), "?region_not_stated", "elsewhere"),
    (study("CT", reason=[{"concept": coded("icd:C78.7")}]), "helical_ct", "R5's reason"),
    (study("MR", "sct:314635004", site=LIVER), None, "MRCP shows the bile ducts"),
    (study("CT", "loinc:24812-0", site=LIVER), None, "guidance of a liver biopsy"),
    (study("CT", CT_ABDOMEN) | {"status": None}, "?malformed", "without a status: not readable, and shown"),
    (report(CT_ABDOMEN) | {"status": None}, "?malformed", ""),
    (report(CT_ABDOMEN), "helical_ct", "a report names a diagnostic CT"),
    (report(MR_ABDOMEN), "mri", ""),
    (report("loinc:39828-9"), "somatostatin_receptor", ""),
    (report("loinc:82136-3"), "mibg", ""),
    (report(WITHOUT_CONTRAST), "?protocol_not_suitable", ""),
    (report("loinc:44101-4"), None, "guidance"),
    (report("loinc:24812-0"), None, "guidance of a biopsy"),
    (report("sct:314635004"), None, "MRCP"),
    (report("loinc:24627-2"), None, "a CT of the chest"),
    (report(CT_ABDOMEN, status="appended"), "helical_ct", ""),
    (report(CT_ABDOMEN, status="partial"), None, ""),
    (report(CT_ABDOMEN, status="preliminary"), None, ""),
    (report(CT_ABDOMEN) | {"code": NOT_R4}, "?malformed", "not R4"),
    (report(CT_ABDOMEN) | {"code": None}, None, "a report of nothing"),
    (procedure("sct:32962002"), "helical_ct", "where the EHR records imaging as a procedure"),
    (procedure("loinc:39828-9"), "somatostatin_receptor", ""),
    (procedure(CT_ABDOMEN, status="preparation"), None, "planned"),
    (procedure("loinc:88935-2"), None, "an embolisation is no imaging"),
]  # fmt: skip


@pytest.mark.parametrize(("resource", "expected", "why"), STUDIES)
def test_which_examination_was_done(resource: Json, expected: str | None, why: str) -> None:
    found = examinations(chart(resource))
    words = {said(item.reading.fact) for item in found}
    assert words == ({expected} if expected else set()), why
    assert all(item.reading.fact.sources for item in found)


@pytest.mark.parametrize(
    ("resource", "day", "why"),
    [
        (study("CT", CT_ABDOMEN, started="2026-02-01T10:00:00Z"), "2026-02-01", "when the study started"),
        (study("CT", CT_ABDOMEN, started=None), None, "no date"),
        (report(CT_ABDOMEN, "2026-02-01", issued="2026-02-03T10:00:00Z"), "2026-02-01", "not when it was reported"),
        (report(CT_ABDOMEN, None, issued="2026-02-03T10:00:00Z"), "2026-02-03", "unless nothing else is known"),
        (procedure(CT_ABDOMEN, "2026-02-01"), "2026-02-01", "when it was performed"),
    ],
)
def test_when_it_was_done(resource: Json, day: str | None, why: str) -> None:
    (item,) = examinations(chart(resource))
    assert item.reading.fact.sources[0].date == day, why


def series(*items: tuple[str, str]) -> Json:
    found = [{"uid": "1", "modality": coding(f"dcm:{modality}"), "bodySite": coding(site)} for modality, site in items]
    return {"resourceType": "ImagingStudy", "status": "available", "subject": {"reference": "Patient/p1"}} | {
        "series": found
    }


@pytest.mark.parametrize(
    ("study_of", "expected", "why"),
    [
        (series(("CT", CHEST), ("MR", LIVER)), ["mri"], "the CT is of the chest"),
        (series(("CT", LIVER), ("MR", HEAD)), ["helical_ct"], ""),
        (series(("CT", LIVER), ("MR", LIVER)), ["helical_ct", "mri"], "both"),
        (series(("CT", CHEST), ("CT", LIVER)), ["helical_ct"], "one series suffices"),
        (series(("CT", LIVER), ("PT", LIVER)), [], "the CT of a PET study"),
    ],
)
def test_each_modality_of_a_study_has_its_own_region(study_of: Json, expected: list[str], why: str) -> None:
    assert [said(item.reading.fact) for item in examinations(chart(study_of))] == expected, why


def test_the_ct_of_a_pet_study_counts_by_a_report_of_its_own() -> None:
    found = examinations(chart(study("PT") | SERIES_PT_CT, report(CT_ABDOMEN, id="of-the-ct")))
    assert [item.reading.fact.sources[0].reference for item in found] == ["DiagnosticReport/of-the-ct"]


def test_examinations_are_picked_by_kind() -> None:
    found = examinations(chart(study("CT", CT_ABDOMEN), study("MR", MR_ABDOMEN), report("loinc:39828-9")))
    assert [said(r.fact) for r in done(found, Examination.HELICAL_CT, Examination.MRI)] == ["helical_ct", "mri"]
