"""What a chart says on each input of the protocol: the rows of the input table, one chart a row."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.guidelines.nelm_2006.intake import read_chart
from fhir_mappings.facts import Known, Unknown
from tests.support.charts import (
    KEYS,
    NELM,
    Json,
    assessed,
    chart_of,
    coded,
    condition,
    needs,
    observation,
    procedure,
    quantity,
    reading,
    report,
    said,
    searchset,
    study,
)

KI67, CGA, PLATELET = "loinc:29593-1", "loinc:25587-7", "loinc:42671-8"
CT, MR, SSTR, MIBG = "loinc:30612-6", "loinc:30670-4", "loinc:39828-9", "loinc:82136-3"
LIVER = "sct:10200004"
ABLATION, EMBOLISATION, RESECTION, TRANSPLANT = "sct:431475009", "sct:314617008", "sct:107963000", "sct:18027006"
RADIOEMBOLISATION, ANASTOMOSIS, PORTAL_EMBOLISATION = "sct:764677008", "sct:87231001", "sct:723069003"
ILEUM, LUNG, RECTUM = condition("icd:C7A.012"), condition("icd:C7A.090"), condition("icd:C7A.026")
COLON_CANCER = condition("icd:C18.9")

LAST_DAY, TOO_OLD = "2025-09-03", "2025-09-02"  # 180 and 181 days
LAST_SYMPTOM_DAY, SYMPTOM_TOO_OLD = "2025-12-02", "2025-12-01"  # 90 and 91 days
BEFORE, TREATED, AFTER = "2026-01-10", "2026-01-15", "2026-02-20"

Row = tuple[str, list[Json], Any, str]


def above(text: str, limit: str, date: str = "2026-02-20", code: str = CGA) -> Json:
    return observation(code, text, date, referenceRange=[{"high": quantity(limit)}])


def size(text: str, date: str = AFTER, **more: Any) -> Json:
    return observation("loinc:21889-1", text, date, bodySite=coded(LIVER), **more)


PRIMARY_SITE: list[Row] = [
    ("primary_site", [], "?not_recorded", "no primary on record; a metastasis names none"),
    ("primary_site", [ILEUM], "ileum", "by its code"),
    ("primary_site", [condition("who:C17.2", morphology="o3:8240/3")], "ileum", "by a WHO site with a morphology"),
    ("primary_site", [condition("sct:255046005", site="sct:66754008")], "appendix", "by its body site"),
    (
        "primary_site",
        [condition("icd:C7A.012", clinical="resolved")],
        "ileum",
        "resolved, it still names the organ (P)",
    ),
    ("primary_site", [condition("icd:C7A.012", clinical="inactive")], "ileum", ""),
    ("primary_site", [condition("icd:C7A.012", verification="provisional")], "?unconfirmed", "never known"),
    ("primary_site", [ILEUM, condition("icd:C7A.026", verification="provisional")], "ileum", "a suspicion beside it"),
    ("primary_site", [condition("icd:C7A.029")], "?site_not_specific", "colon without its part"),
    ("primary_site", [condition("sct:721698005")], "?site_not_specific", "colon without its part, SNOMED CT"),
    ("primary_site", [condition("sct:726654006")], "?site_not_specific", ""),
    ("primary_site", [condition("sct:255046005", site="sct:72592005")], "?site_not_specific", "splenic flexure"),
    ("primary_site", [condition("icd:C7A.096")], "hindgut", "the region only"),
    ("primary_site", [ILEUM, condition("icd:C7A.019")], "ileum", "a stretch says nothing against its organ"),
    ("primary_site", [ILEUM, RECTUM], "?conflicting", "two organs"),
    ("primary_site", [COLON_CANCER], "?not_recorded", "another tumour's site is not ours"),
]

MARKERS: list[Row] = [
    ("cga", [], "?not_recorded", ""),
    ("cga", [above("300 ug/L", "100 ug/L")], "elevated", ""),
    ("cga", [above("50 ug/L", "100 ug/L")], "normal", ""),
    ("cga", [observation(CGA, "300 ug/L")], "measured", "no range"),
    ("cga", [observation(CGA, None)], "?result_missing", "a row without a result"),
    ("cga", [observation(CGA, None), above("300 ug/L", "100 ug/L", BEFORE)], "elevated", "hides no result"),
    ("cga", [observation("loinc:9811-1", "300 ug/L"), observation(CGA, "9 nmol/L")], "measured", "two assays of a day"),
    ("cga", [above("300 ug/L", "100 ug/L"), above("50 ug/L", "100 ug/L")], "?conflicting", "two meanings of a day"),
    ("cga", [above("300 ug/L", "100 ug/L", LAST_DAY)], "elevated", "180 days"),
    ("cga", [above("300 ug/L", "100 ug/L", TOO_OLD)], "?too_old", "181 days"),
    ("cga", [above("300 ug/L", "100 ug/L", BEFORE), procedure(ABLATION, TREATED)], "?too_old", "before the treatment"),
    ("cga", [observation("loinc:53047-7", "300 ug/L")], "?not_recorded", "in another fluid"),
    ("platelet_serotonin", [above("9 nmol", "5 nmol", code=PLATELET)], "elevated", ""),
    ("platelet_serotonin", [above("9 nmol", "5 nmol", code="loinc:2941-3")], "elevated", "seen once"),
    ("platelet_serotonin", [above("9 nmol", "5 nmol", code="loinc:2939-7")], "?not_recorded", "whole blood"),
    ("platelet_serotonin", [above("9 nmol", "5 nmol", code="loinc:1695-6")], "?not_recorded", "urinary 5-HIAA"),
]

PATHOLOGY: list[Row] = [
    ("ki67_percent", [], "?not_recorded", ""),
    ("ki67_percent", [observation(KI67, "3 %", "2020-01-01")], "3", "Ki-67 does not age out"),
    ("ki67_percent", [observation(KI67, "3 %"), observation(KI67, "20 %", "2020")], "20", "the highest of any"),
    ("ki67_percent", [observation(KI67, "<2 %"), observation(KI67, "<5 %")], "<5", "at most the highest"),
    ("ki67_percent", [observation(KI67, ">20 %"), observation(KI67, "3 %")], ">20", ""),
    ("ki67_percent", [observation(KI67, "3 %"), observation(KI67, "5")], "≥3", "another could be higher"),
    ("ki67_percent", [observation(KI67, "3 %"), observation(KI67, {"valueString": "high"})], "≥3", ""),
    ("ki67_percent", [observation(KI67, "5")], "?unit_not_understood", "one that cannot be read"),
    ("ki67_percent", [observation(KI67, "3 %"), observation(KI67, None)], "3", "an empty row says nothing"),
    ("ki67_percent", [observation(KI67, "3 %"), observation(KI67, "9 %", status="preliminary")], "3", "not counted"),
    ("ki67_percent", [observation(KI67, "9 %", status="preliminary")], "?preliminary", ""),
    ("ki67_percent", [observation(KI67, "9 %", "2027")], "?future_date", ""),
    ("ki67_percent", [observation(KI67, "3 %", None)], "3", "without a date it still counts"),
    ("ki67_percent", [observation("loinc:33055-5", "9 %")], "?not_recorded", "presence, not percentage"),
    ("ki67_percent", [observation("loinc:85330-9", "9 %")], "?not_recorded", "breast"),
    ("differentiation", [], "?not_recorded", ""),
    ("differentiation", [ILEUM], "?not_recorded", "C7A.0 says nothing about it"),
    ("differentiation", [condition("o3:8246/3")], "?not_recorded", "carcinoma includes the well-differentiated"),
    ("differentiation", [condition("icd:C7A.1")], "poor", ""),
    ("differentiation", [condition("icd:C7A.012", morphology="sct:1286767006")], "poor", ""),
    ("differentiation", [condition("icd:C7A.012", morphology="sct:1286768001")], "well", ""),
    ("differentiation", [condition("sct:74364000", site="sct:66754008")], "poor", "small cell of the gut"),
    ("differentiation", [condition("icd:C7A.1", verification="provisional")], "?not_recorded", "only suspected"),
    ("differentiation", [assessed("differentiation", "nelm:well")], "well", ""),
    ("differentiation", [assessed("differentiation", "nelm:well", status="preliminary")], "?preliminary", ""),
    ("differentiation", [assessed("differentiation", "nelm:moderate")], "?value_not_understood", "not an answer"),
    ("differentiation", [condition("icd:C7A.1", recorded=BEFORE), assessed("differentiation", "nelm:well", AFTER)],
     "well", "a later assessment"),
    ("differentiation", [condition("icd:C7A.1", recorded=AFTER), assessed("differentiation", "nelm:well", BEFORE)],
     "poor", "an earlier assessment"),
    ("differentiation", [condition("icd:C7A.1", recorded=AFTER), assessed("differentiation", "nelm:well", AFTER)],
     "?conflicting", "the same day"),
]  # fmt: skip

IMAGING: list[Row] = [
    ("liver_imaging", [], "?not_recorded", ""),
    ("liver_imaging", [study("CT", CT)], "helical_ct", ""),
    ("liver_imaging", [study("MR", MR)], "mri", ""),
    ("liver_imaging", [report(CT)], "helical_ct", "a report where there is no study"),
    ("liver_imaging", [study("CT", CT, started=LAST_DAY)], "helical_ct", "180 days"),
    ("liver_imaging", [study("CT", CT, started=TOO_OLD)], "?too_old", "181 days"),
    ("liver_imaging", [study("CT", CT, started=None)], "?date_unknown", ""),
    ("liver_imaging", [study("CT", CT, started=TOO_OLD), study("MR", MR)], "mri", "the one that counts"),
    ("liver_imaging", [study("CT", CT, started=BEFORE), study("MR", MR, started=AFTER)], "mri", "the newest is named"),
    ("liver_imaging", [study("CT", CT, started=BEFORE), procedure(ABLATION, TREATED)], "?too_old", "before it"),
    ("liver_imaging", [study("CT", CT, started=BEFORE), procedure(RADIOEMBOLISATION, TREATED)], "?too_old", ""),
    ("liver_imaging", [study("CT", CT, started=AFTER), procedure(ABLATION, TREATED)], "helical_ct", "after it"),
    ("liver_imaging", [study("CT", CT, started=BEFORE), procedure(ABLATION, TREATED, status="stopped")], "helical_ct",
     "a stopped procedure is not done"),
    ("liver_imaging", [study("CT")], "?region_not_stated", ""),
    ("liver_imaging", [study("CT"), study("CT", CT, started=BEFORE)], "helical_ct", "an older one says where"),
    ("liver_imaging", [study("CT", "sct:396101000119105")], "?protocol_not_suitable", "without contrast"),
    ("srs", [], "?not_recorded", ""),
    ("srs", [assessed("sstr-uptake", "nelm:positive")], "positive", ""),
    ("srs", [assessed("sstr-uptake", "nelm:negative")], "negative", ""),
    ("srs", [assessed("sstr-uptake", "nelm:avid")], "?value_not_understood", "the answer of another question"),
    ("srs", [study("NM", SSTR)], "?result_missing", "done, no result: the report is asked for"),
    ("srs", [study("NM", SSTR), assessed("sstr-uptake", "nelm:positive", TOO_OLD)], "?result_missing",
     "only an older scan has its result"),
    ("srs", [study("NM", SSTR, started=TOO_OLD)], "?too_old", ""),
    ("srs", [assessed("sstr-uptake", "nelm:positive", TOO_OLD)], "?too_old", ""),
    ("srs", [study("PT", "loinc:81555-5")], "?not_recorded", "FDG-PET"),
    ("mibg_avid", [], "?not_recorded", ""),
    ("mibg_avid", [assessed("mibg-uptake", "nelm:avid")], True, ""),
    ("mibg_avid", [assessed("mibg-uptake", "nelm:not-avid")], False, ""),
    ("mibg_avid", [assessed("mibg-uptake", "nelm:positive")], "?value_not_understood", ""),
    ("mibg_avid", [study("NM", MIBG)], "?result_missing", ""),
]  # fmt: skip

NO = assessed("extrahepatic-disease", "yn:N")
EXTRAHEPATIC: list[Row] = [
    ("extrahepatic_disease", [], "?not_recorded", "absence only by assessment"),
    ("extrahepatic_disease", [NO], False, ""),
    ("extrahepatic_disease", [assessed("extrahepatic-disease", "sct:82334004")], "?indeterminate", ""),
    ("extrahepatic_disease", [condition("icd:C7B.03")], True, "bone"),
    ("extrahepatic_disease", [condition("icd:C79.51")], True, ""),
    ("extrahepatic_disease", [condition("icd:C79.51", verification="provisional")], "?unconfirmed", ""),
    ("extrahepatic_disease", [condition("icd:C79.51", clinical="resolved")], "?history_of", "they do not resolve"),
    ("extrahepatic_disease", [condition("icd:C79.51"), COLON_CANCER], "?which_primary", "whose metastasis?"),
    ("extrahepatic_disease", [condition("icd:C7B.03"), COLON_CANCER], True, "C7B says whose"),
    ("extrahepatic_disease", [condition("icd:C79.51", recorded=BEFORE), NO], False, "a later no"),
    ("extrahepatic_disease", [condition("icd:C79.51", recorded="2026-02-20"), NO], "?conflicting", "the same day"),
    ("extrahepatic_disease", [condition("icd:C79.51", recorded="2026-02-25"), NO], True, "found after the no"),
    ("extrahepatic_disease", [condition("icd:C79.51", recorded=None), NO], "?conflicting", "no date"),
    ("extrahepatic_disease", [condition("icd:C7B.8")], "?not_recorded", "neither liver nor extrahepatic"),
    ("extrahepatic_disease", [condition("icd:C7B.01")], True, "distant nodes"),
    ("extrahepatic_disease", [condition("icd:C77.2"), ILEUM], "?not_recorded", "regional for the gut"),
    ("extrahepatic_disease", [condition("icd:C77.1"), LUNG], "?not_recorded", "regional for the lung"),
    ("extrahepatic_disease", [condition("icd:C77.5"), RECTUM], "?not_recorded", "regional for the rectum"),
    ("extrahepatic_disease", [condition("icd:C77.2"), RECTUM], "?not_recorded", "also regional for the rectum"),
    ("extrahepatic_disease", [condition("icd:C77.1"), ILEUM], True, "distant for the gut"),
    ("extrahepatic_disease", [condition("icd:C77.2"), LUNG], True, "distant for the lung"),
    ("extrahepatic_disease", [condition("icd:C77.5"), ILEUM], True, "distant for the ileum"),
    ("extrahepatic_disease", [condition("icd:C77.4"), ILEUM], True, "inguinal"),
    ("extrahepatic_disease", [condition("icd:C77.8"), ILEUM], "?regional_or_distant", "several regions"),
    ("extrahepatic_disease", [condition("icd:C77.9"), ILEUM], "?regional_or_distant", "no region"),
    ("extrahepatic_disease", [condition("icd:C77.2")], "?regional_or_distant", "primary unknown"),
    (
        "extrahepatic_disease",
        [condition("icd:C77.1"), condition("icd:C7A.094")],
        "?regional_or_distant",
        "lung or gut?",
    ),
    ("extrahepatic_disease", [condition("icd:C77.5"), condition("icd:C7A.096")], "?regional_or_distant", "rectum?"),
    ("extrahepatic_disease", [condition("icd:C77.2"), condition("icd:C7A.096")], "?not_recorded", "for all of it"),
    ("extrahepatic_disease", [condition("icd:C77.9"), ILEUM, condition("icd:C7B.03")], True, "bone decides"),
]

LESIONS: list[Row] = [
    ("lesion_count", [], "?not_recorded", ""),
    ("lesion_count", [assessed("lesion-count", 3)], "3", ""),
    ("lesion_count", [assessed("lesion-count", 3, TOO_OLD)], "?too_old", ""),
    ("lesion_count", [size("41 mm"), size("20 mm")], "?not_recorded", "measured tumours are no complete list"),
    ("largest_lesion_cm", [assessed("largest-lesion-diameter", "41 mm")], "4.1", ""),
    ("largest_lesion_cm", [size("41 mm"), size("20 mm")], "4.1", "the largest of a study"),
    ("largest_lesion_cm", [size("41 mm", BEFORE), size("20 mm")], "2", "the latest study"),
    ("largest_lesion_cm", [size("41 mm"), size("20")], "?unit_not_understood", "one of them is not understood"),
    ("largest_lesion_cm", [size("41 mm", TOO_OLD)], "?too_old", ""),
    ("largest_lesion_cm", [size("41 mm", "2027-01-01")], "?future_date", ""),
    ("largest_lesion_cm", [assessed("largest-lesion-diameter", "41 mm"), size("50 mm")], "?conflicting", "one day"),
    ("largest_lesion_cm", [assessed("largest-lesion-diameter", "41 mm"), size("50 mm", BEFORE)], "4.1", "later"),
    ("largest_lesion_cm", [assessed("largest-lesion-diameter", "41 mm", BEFORE), size("50 mm")], "5", "earlier"),
    ("largest_lesion_cm", [size("41 mm", specimen={"reference": "Specimen/1"})], "?not_recorded", "pathology's"),
    ("largest_lesion_cm", [procedure(ABLATION, "2026-01-21"), size("41 mm")], "?early_after_treatment", "30 days"),
    ("largest_lesion_cm", [procedure(ABLATION, "2026-01-20"), size("41 mm")], "4.1", "31 days"),
    ("largest_lesion_cm", [procedure(ABLATION, AFTER), size("41 mm")], "?early_after_treatment", "the same day"),
    ("largest_lesion_cm", [procedure(ABLATION, "2026-01"), size("41 mm")], "?early_after_treatment", "perhaps 20 days"),
    ("largest_lesion_cm", [procedure(EMBOLISATION, "2026-02-01"), size("41 mm")], "?early_after_treatment", ""),
    ("largest_lesion_cm", [procedure(RESECTION, "2026-02-01"), size("41 mm")], "4.1", "a resection leaves no necrosis"),
    ("largest_lesion_cm", [procedure(ABLATION, "2026-02-21"), size("41 mm")], "?too_old", "measured before it"),
    ("largest_lesion_cm", [procedure(ABLATION, "2026-02-01"), size("41 mm"),
                           assessed("largest-lesion-diameter", "20 mm")], "2", "an assessment knows what it is"),
    ("est_cytoreduction_pct", [assessed("expected-cytoreduction", ">=90 %")], "≥90", ""),
    ("est_cytoreduction_pct", [assessed("expected-cytoreduction", "900 %")], "?malformed", ""),
    ("remnant_adequate", [assessed("remnant-adequate", True)], True, ""),
    ("remnant_adequate", [assessed("remnant-adequate", True, TOO_OLD)], "?too_old", "read from imaging"),
    ("lobar_predominance", [assessed("lobar-predominance", True, BEFORE), procedure(RESECTION, TREATED)], "?too_old",
     "before the resection"),
    ("small_multiple_mets", [], "?not_recorded", "silence is the rules' to read"),
    ("other_therapies_exhausted", [assessed("other-therapies-exhausted", True, "2020-01-01")], True, "does not age"),
    ("symptoms_controlled", [assessed("symptoms-controlled", True, LAST_SYMPTOM_DAY)], True, "90 days"),
    ("symptoms_controlled", [assessed("symptoms-controlled", True, SYMPTOM_TOO_OLD)], "?too_old", "91 days"),
]  # fmt: skip


def portal(word: str, date: str = AFTER) -> Json:
    return assessed("portal-vein", f"nelm:{word}", date)


def failure(value: bool, date: str = AFTER) -> Json:
    return assessed("hepatic-failure", value, date)


def bilirubin(date: str | None = AFTER, value: str = "40 umol/L") -> Json:
    return observation("loinc:14631-6", value, date, referenceRange=[{"high": quantity("21 umol/L")}])


def inr(date: str | None = AFTER) -> Json:
    return observation("loinc:6301-6", "1.9 1", date, referenceRange=[{"high": quantity("1.2 1")}])


CONTRAINDICATIONS: list[Row] = [
    ("portal_vein", [], "?not_recorded", ""),
    ("portal_vein", [portal("patent")], "patent", ""),
    ("portal_vein", [portal("partial-occlusion")], "partial_occlusion", ""),
    ("portal_vein", [portal("complete-occlusion")], "complete_occlusion", ""),
    ("portal_vein", [portal("yes")], "?value_not_understood", ""),
    ("portal_vein", [condition("icd:I81")], "?degree_not_stated", "a thrombosis of unstated degree"),
    ("portal_vein", [condition("icd:I81", clinical="resolved")], "?not_recorded", "not now: contributes nothing"),
    ("portal_vein", [condition("icd:I81", recorded=BEFORE), portal("patent")], "patent", "looked at since"),
    ("portal_vein", [condition("icd:I81", recorded=AFTER), portal("patent")], "?conflicting", "the same day"),
    ("portal_vein", [condition("icd:I81", recorded="2026-02-25"), portal("patent")], "?degree_not_stated", "since"),
    ("portal_vein", [condition("icd:I81", recorded=AFTER), portal("complete-occlusion")], "complete_occlusion",
     "they agree"),
    ("portal_vein", [procedure(PORTAL_EMBOLISATION, BEFORE)], "?degree_not_stated", "a branch was closed on purpose"),
    ("portal_vein", [procedure(PORTAL_EMBOLISATION, None)], "?degree_not_stated", "whenever that was"),
    ("portal_vein", [procedure(PORTAL_EMBOLISATION, None), portal("patent")], "?conflicting", ""),
    ("hepatic_failure", [], "?not_recorded", "no only by assessment"),
    ("hepatic_failure", [condition("icd:K72.90")], True, ""),
    ("hepatic_failure", [failure(False)], False, ""),
    ("hepatic_failure", [failure(False, SYMPTOM_TOO_OLD)], "?too_old", "91 days"),
    ("hepatic_failure", [failure(False), inr()], "?conflicting", "an INR of the same day outside its range"),
    ("hepatic_failure", [failure(False), inr("2026-02-25")], "?conflicting", "a later INR"),
    ("hepatic_failure", [failure(False), bilirubin("2026-02-25")], "?conflicting", "a later bilirubin"),
    ("hepatic_failure", [failure(False), inr(None)], "?conflicting", "an INR of any day"),
    ("hepatic_failure", [failure(False), inr(BEFORE)], False, "an earlier INR"),
    ("hepatic_failure", [failure(False), inr("2027-01-01")], False, "the future says nothing"),
    ("hepatic_failure", [failure(False), bilirubin(value="10 umol/L")], False, "a bilirubin within its range"),
    ("hepatic_failure", [failure(True), inr()], True, ""),
    ("hepatic_failure", [failure(False), condition("icd:K72.90", clinical="resolved", recorded=AFTER)], False,
     "a failure that is over says nothing against the no"),
    ("hepatic_failure", [failure(False), condition("icd:K72.90", recorded="2026-02-25")], True, "since then"),
    ("hepatic_failure", [condition("icd:K72.90", verification="provisional")], "?unconfirmed", ""),
    ("biliary_anastomosis", [], "?not_recorded", ""),
    ("biliary_anastomosis", [procedure(ANASTOMOSIS, "2010")], True, "for life"),
    ("biliary_anastomosis", [procedure(ANASTOMOSIS, None)], True, "whenever that was"),
    ("biliary_anastomosis", [assessed("biliary-anastomosis", False)], False, ""),
    ("biliary_anastomosis", [assessed("biliary-anastomosis", True)], True, ""),
    ("biliary_anastomosis", [procedure(ANASTOMOSIS, "2010"), assessed("biliary-anastomosis", False)], "?conflicting",
     "never outranked"),
    ("biliary_anastomosis", [procedure(TRANSPLANT, "2010"), assessed("biliary-anastomosis", False)], "?conflicting",
     "a transplanted liver is often joined to the gut"),
    ("biliary_anastomosis", [procedure(TRANSPLANT, "2010")], "?not_recorded", "but not always"),
    ("liver_transplant", [procedure(TRANSPLANT, "2010")], True, ""),
    ("liver_transplant", [condition("icd:Z94.4")], True, "by its status code"),
    ("liver_transplant", [], "?not_recorded", ""),
    ("hepatomegaly", [condition("icd:R16.0")], True, ""),
    ("hepatomegaly", [assessed("hepatomegaly", False)], False, ""),
    ("hepatomegaly", [condition("icd:R16.0", clinical="resolved", recorded="2026-02-25"),
                      assessed("hepatomegaly", True)], True, "a finding that is over contributes nothing"),
]  # fmt: skip


def context(word: str, date: str = AFTER) -> Json:
    return assessed("disease-context", f"nelm:{word}", date)


def response(word: str, date: str = AFTER) -> Json:
    return assessed("treatment-response", f"nelm:{word}", date)


LESION = assessed("lesion-count", 3)
RECURRED = condition("icd:C78.7", clinical="recurrence", recorded=BEFORE)
COURSE: list[Row] = [
    ("carcinoid_syndrome", [], "?not_recorded", "no only by assessment"),
    ("carcinoid_syndrome", [condition("icd:E34.00")], True, ""),
    ("carcinoid_syndrome", [condition("sct:35868009")], True, ""),
    ("carcinoid_syndrome", [condition("icd:E34.00", clinical="inactive")], "?history_of", "not now, and not no"),
    ("carcinoid_syndrome", [condition("icd:E34.00", verification="provisional")], "?unconfirmed", ""),
    ("carcinoid_syndrome", [condition("icd:R23.2")], "?not_recorded", "flushing alone is not the syndrome"),
    ("carcinoid_syndrome", [assessed("carcinoid-syndrome", False)], False, ""),
    ("carcinoid_syndrome", [assessed("carcinoid-syndrome", False, SYMPTOM_TOO_OLD)], "?too_old", ""),
    ("carcinoid_heart_disease", [condition("icd:E34.01")], True, ""),
    ("other_syndrome", [condition("sct:713189001")], True, "insulinoma"),
    ("other_syndrome", [condition("icd:E16.1")], "?not_recorded", "low sugar alone is a hint"),
    ("other_syndrome", [condition("icd:E34.00")], "?not_recorded", "carcinoid is not another"),
    ("failed_therapies", [], frozenset(), "silence: none failed"),
    ("failed_therapies", [assessed("failed-therapy", "rec:T-OCT"), assessed("failed-therapy", "rec:T-EMBO", "2020")],
     frozenset({"T-OCT", "T-EMBO"}), "one observation each, of any age"),
    ("failed_therapies", [assessed("failed-therapy", "rec:T-OCT", "2027")], frozenset(), "not in the future"),
    ("failed_therapies", [procedure(EMBOLISATION, TREATED, outcome=coded("sct:385671000"))], frozenset(),
     "tried without success is shown, not failed"),
    ("context", [], "initial", "searched, nothing done"),
    ("context", [procedure(EMBOLISATION, TREATED)], "post_embolisation", ""),
    ("context", [procedure(ABLATION, TREATED)], "post_ablation", ""),
    ("context", [procedure(ABLATION, "2025-12-01"), procedure(EMBOLISATION, TREATED)], "post_embolisation", "latest"),
    ("context", [procedure(ABLATION, "2025-03-02")], "post_ablation", "twelve months ago to the day"),
    ("context", [procedure(ABLATION, "2025-03-01")], "?not_recorded", "a day more, no lesions on later imaging"),
    ("context", [procedure(ABLATION, "2024-01-01"), LESION], "recurrence", "long ago, lesions since"),
    ("context", [procedure(RESECTION, TREATED), LESION], "recurrence", ""),
    ("context", [procedure(RESECTION, TREATED)], "?not_recorded", ""),
    ("context", [procedure(TRANSPLANT, "2020-01-01"), LESION], "recurrence", ""),
    ("context", [procedure(EMBOLISATION, None)], "?date_unknown", "something was done, nobody says when"),
    ("context", [procedure(RADIOEMBOLISATION, TREATED)], "initial", "never read as embolisation"),
    ("context", [procedure("sct:57238002", TREATED)], "initial", "an artery somewhere"),
    ("context", [procedure("sct:57238002", TREATED, site=LIVER)], "post_embolisation", "an artery in the liver"),
    ("context", [procedure(EMBOLISATION, TREATED, status="not-done")], "initial", ""),
    ("context", [RECURRED], "recurrence", "by the status of the liver metastases"),
    ("context", [context("recurrence")], "recurrence", "by assessment"),
    ("context", [context("post-ablation")], "post_ablation", ""),
    ("context", [context("recurrence", TOO_OLD)], "initial", "an assessment that no longer counts"),
    ("context", [context("late")], "?value_not_understood", ""),
    ("context", [context("initial", BEFORE), procedure(EMBOLISATION, TREATED)], "post_embolisation", "embolised since"),
    ("context", [context("initial", TREATED), procedure(EMBOLISATION, TREATED)], "?conflicting", "the same day"),
    ("context", [context("recurrence"), procedure(EMBOLISATION, TREATED)], "recurrence", "a later word"),
    ("context", [context("recurrence"), context("initial")], "?conflicting", "two words of one day"),
    ("response", [], "?not_recorded", ""),
    ("response", [procedure(EMBOLISATION, TREATED), response("good")], "good", ""),
    ("response", [procedure(EMBOLISATION, TREATED), response("none")], "none", ""),
    ("response", [procedure(EMBOLISATION, TREATED), response("good", BEFORE)], "?too_old", "it grades an earlier one"),
    ("response", [procedure(EMBOLISATION, TREATED), response("good", TREATED)], "?too_vague", "the same day"),
    ("response", [procedure(EMBOLISATION, TREATED), response("better")], "?value_not_understood", ""),
    ("response", [procedure(EMBOLISATION, TREATED), observation("loinc:97509-4", "sct:268910001")], "?not_graded",
     "mCODE's improved is not graded"),
    ("response", [procedure(EMBOLISATION, TREATED), observation("loinc:97509-4", "sct:268910001", BEFORE)],
     "?not_recorded", "it is from before the embolisation"),
    ("context", [condition("icd:C78.7", clinical="recurrence", verification="provisional")], "?unconfirmed",
     "a suspected recurrence"),
    ("extrahepatic_disease", [condition("icd:C7B.8", site="sct:272673000")], True, "a metastasis by its body site"),
    ("extrahepatic_disease", [condition("icd:C7B.8", site="sct:59441001")], "?not_recorded", "nodes depend on it"),
]  # fmt: skip

ROWS = [*PRIMARY_SITE, *MARKERS, *PATHOLOGY, *IMAGING, *EXTRAHEPATIC, *LESIONS, *CONTRAINDICATIONS, *COURSE]


@pytest.mark.parametrize(("name", "resources", "expected", "why"), ROWS)
def test_an_input_says(name: str, resources: list[Json], expected: Any, why: str) -> None:
    assert said(needs(*resources).fact(name)) == expected, why
    assert said(needs(*reversed(resources)).fact(name)) == expected, "the order of the bundle does not matter"


NOTES = [
    ("ki67_percent", [observation(KI67, "3 %"), observation(KI67, "9 %")], "highest of 2 results"),
    ("ki67_percent", [observation(KI67, "3 %", "2024-03-01")], "more than 24 months old"),  # 731 days
    ("ki67_percent", [observation(KI67, "3 %", "2024-03-02")], None),  # 730 days
    ("ki67_percent", [observation(KI67, "3 %"), observation(KI67, "9 %", status="preliminary")],
     "a preliminary Ki-67 is not counted"),
    ("ki67_percent", [observation(KI67, "3 %"), observation(KI67, "9")], "another specimen's Ki-67 could not be read"),
    ("liver_imaging", [study("CT", CT, started="2025-12-02")], None),
    ("liver_imaging", [study("CT", CT, started="2025-12-01")], "91 days old"),
    ("cga", [above("300 ug/L", "100 ug/L")], "300 ug/L"),
    ("cga", [above("300 ug/L", "100 ug/L") | {"status": "preliminary"}], "300 ug/L (preliminary)"),
    ("extrahepatic_disease", [condition("icd:C7B.01")], "icd:C7B.01: truly distant?"),
    ("hepatic_failure", [failure(False), inr()], "outside range: 1.9 1"),
    ("primary_site", [condition("icd:C7A.029")], "icd:C7A.029: no site that the paper knows"),
    ("context", [], "no liver-directed procedure recorded"),
]  # fmt: skip


@pytest.mark.parametrize(("name", "resources", "note"), NOTES)
def test_a_fact_says_what_belongs_beside_it(name: str, resources: list[Json], note: str | None) -> None:
    assert needs(*resources).fact(name).note == note


def test_what_is_found_and_not_counted_is_named() -> None:
    beside = reading(
        NELM,
        observation("loinc:1695-6", "40 mg", id="hiaa"),
        observation("loinc:2939-7", "300 ug/L", id="blood"),
        observation("loinc:33055-5", "yn:Y", id="ki67"),
    ).beside
    assert {name: source.reference for name, source in beside} == {
        "urinary 5-HIAA": "Observation/hiaa",
        "serotonin in another specimen than platelets": "Observation/blood",
        "Ki-67 without a percentage": "Observation/ki67",
    }


@pytest.mark.parametrize(("name", "resources", "expected", "why"), ROWS)
def test_every_fact_that_rests_on_a_resource_names_it(
    name: str, resources: list[Json], expected: Any, why: str
) -> None:
    fact = needs(*resources).fact(name)
    silent = (
        fact.why.value in ("not_recorded",) if isinstance(fact, Unknown) else fact.value in ("initial", frozenset())
    )
    assert fact.sources or silent, why


OF_OBSERVATIONS = [
    "cga", "platelet_serotonin", "srs", "ki67_percent", "differentiation", "extrahepatic_disease", "lesion_count",
    "largest_lesion_cm", "portal_vein", "hepatic_failure", "biliary_anastomosis", "carcinoid_syndrome", "mibg_avid",
    "symptoms_controlled", "hepatomegaly", "failed_therapies", "response",
]  # fmt: skip


@pytest.mark.parametrize("how", ["absent", "failed", "partial"])
@pytest.mark.parametrize("name", OF_OBSERVATIONS)
def test_observations_that_were_not_read_are_not_nothing(name: str, how: str) -> None:
    assert said(needs(**{how: ["observations"]}).fact(name)) == "?not_retrieved"


@pytest.mark.parametrize(
    ("absent", "resources", "name", "expected", "why"),
    [
        ("imaging", [], "liver_imaging", "?not_recorded", "reports and procedures were read"),
        ("imaging diagnosticReports", [], "liver_imaging", "?not_recorded", "procedures were read"),
        ("imaging diagnosticReports procedures", [], "liver_imaging", "?not_retrieved", "none was read"),
        ("imaging diagnosticReports procedures", [], "srs", "?not_retrieved", "a scan that may exist is not asked for"),
        ("imaging diagnosticReports procedures", [], "mibg_avid", "?not_retrieved", ""),
        ("imaging", [report(CT)], "liver_imaging", "helical_ct", "a report"),
        ("observations", [study("NM", SSTR)], "srs", "?not_retrieved", "its result may be there"),
        ("diagnosticReports procedures", [study("NM", SSTR)], "srs", "?result_missing", "the scan was found"),
        ("procedures", [], "context", "?not_retrieved", "something may have been done"),
        ("procedures", [context("initial")], "context", "initial", "a clinician says"),
        ("procedures", [], "liver_transplant", "?not_retrieved", ""),
        ("procedures", [], "biliary_anastomosis", "?not_retrieved", ""),
        ("procedures", [assessed("biliary-anastomosis", True)], "biliary_anastomosis", True, ""),
        ("observations", [condition("icd:E34.00")], "carcinoid_syndrome", True, "a diagnosis stands"),
        ("observations", [condition("icd:E34.00", verification="provisional")], "carcinoid_syndrome", "?unconfirmed",
         "no observation would settle a suspicion"),
        ("observations", [ILEUM], "primary_site", "ileum", "not from observations"),
    ],
)  # fmt: skip
def test_what_could_not_be_read_is_said(absent: str, resources: list[Json], name: str, expected: Any, why: str) -> None:
    assert said(needs(*resources, absent=absent.split()).fact(name)) == expected, why


def test_what_is_known_stands_although_more_pages_exist() -> None:
    found = needs(observation(KI67, "3 %"), assessed("failed-therapy", "rec:T-OCT"), partial=["observations"])
    assert said(found.ki67_percent) == "3"
    assert said(found.failed_therapies) == {"T-OCT"}


def test_keys_that_were_not_read_in_full_are_listed() -> None:
    found = reading(NELM, absent=["imaging"], failed=["procedures"], partial=["observations"])
    assert set(found.unread_keys) == {"observations", "procedures"}


def test_a_chart_needs_no_optional_answer() -> None:
    patient = {"resourceType": "Patient", "id": "p1"}
    found = read_chart(chart_of({"patient": patient, "conditions": searchset([NELM])}))
    assert said(found.needs.nelm_confirmed) is True
    assert said(found.needs.age_years) == "?not_recorded"
    known = {name for name, fact in found.needs.facts() if isinstance(fact, Known)}
    assert known == {"nelm_confirmed"}
    assert set(KEYS.values()) > {"conditions"}
