"""What a card must say (protocol 4.4, M1-M15), each rule in a situation that calls for it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from msgspec.structs import replace

from fhir_mappings.facts import Known, Source, Unknown, WhyUnknown
from tests.support.answers import Answer, Beside, answer, answer_to, recorded
from tests.support.facts import BEYOND_LIVER, EXTENSIVE, TRANSPLANTABLE, UNREAD, chart

SYNDROME: Mapping[str, Any] = {"carcinoid_syndrome": True, "symptoms_controlled": False}
EMBOLISED: Mapping[str, Any] = {**EXTENSIVE, "context": "post_embolisation", "response": "partial"}
ADJUVANT: Mapping[str, Any] = {"lesion_count": 3, "small_multiple_mets": True}
DEBULKABLE: Mapping[str, Any] = {**EXTENSIVE, "est_cytoreduction_pct": "95"}
FROM_CODES = Beside(histology_from_codes=True)

M1 = (
    "Options from a 2006 review and one centre's experience, reconstructed from its text; its flow chart (Figure 2) "
    "was not available; not reviewed by clinicians. For discussion in the tumour board."
)
M2 = (
    "Not assessed: fitness, heart (carcinoid heart disease), kidney and marrow function, coagulation, pregnancy, other "
    "illness, patient's wishes, the primary tumour."
)
UPTAKE = "usually needs uptake above normal liver (Krenning 3-4) in all lesions: not captured here, check the report"
NOT_TO_STOP = "This is not advice to stop a treatment that is being given."


def says(text: str, *sentences: str) -> None:
    for sentence in sentences:
        assert sentence in text


@pytest.mark.verifies("M1", "M2")
@pytest.mark.parametrize(
    "facts",
    [{}, {"srs": None}, {"ki67_percent": 60}, {"age_years": 9}, EXTENSIVE, {"srs": UNREAD}, {"nelm_confirmed": None}],
)
def test_what_it_is_and_what_was_not_assessed_close_the_answer(facts: Mapping[str, Any]) -> None:
    given = answer(facts)
    assert given.text.count(M1) == given.text.count(M2) == 1
    assert f"{M1} {M2}" in given.cards[-1].detail


@pytest.mark.verifies("M1", "M2", "M15")
def test_an_emergency_says_only_what_to_do() -> None:
    given = answer(carcinoid_crisis_now=True)
    (card,) = given.cards
    assert (card.topic, card.raw["indicator"], card.suggestions) == ("emergency", "critical", [])
    says(
        card.detail,
        "Recognise it by flush, usually with hypotension, occasionally shock.",
        "Call anaesthesia or intensive care.",
        "Treat as life-threatening hypotension by local protocol (fluids, vasopressors).",
        '"usually prevents or aborts" it in the 2006 text (R30)',
        "never a depot",
        "later series doubt that (Condron et al.; McCully et al., Ann Surg Oncol 2024)",
    )
    assert M1 not in card.detail
    assert M2 not in card.detail
    assert "%" not in card.text


@pytest.mark.verifies("M3")
def test_a_treatment_card_dates_what_it_rests_on() -> None:
    needs = recorded(chart(), "2026-01-05", ["liver_imaging", "lesion_count"])
    needs = replace(
        needs,
        liver_imaging=Known("helical_ct", (Source("ImagingStudy/1", "2025-11-01"),), "93 days old"),
        srs=Known("positive", (Source("Observation/2", "2026-01-07"),)),
        ki67_percent=replace(needs.ki67_percent, sources=(Source("Observation/3", "2024-02-01"),), note="primary only"),
    )
    card = answer_to(needs).card_with("T-RESECT")
    says(
        card.detail,
        "CT 2025-11-01 (93 days old)",
        "receptor scan positive 2026-01-07",
        "Ki-67 3.0 % 2024-02-01 (primary only)",
        "2026-01-05: 1 lesion",
    )


@pytest.mark.verifies("M3", "A29")
def test_each_silence_read_as_no_is_named_and_so_is_what_could_not_be_read() -> None:
    silent = dict.fromkeys(("small_multiple_mets", "est_cytoreduction_pct", "other_syndrome", "differentiation"))
    given = answer(silent, context=None, lesion_count=3, liver_transplant=UNREAD, carcinoid_heart_disease=None)
    says(
        given.text,
        "Not recorded, read as no: small metastases, expected cytoreduction, treatments that no longer help, earlier "
        "liver treatment, other hormone syndrome, carcinoid heart disease.",
        "Not readable, read as no: liver transplantation.",
        "differentiation not recorded",
    )


@pytest.mark.verifies("M3")
def test_records_that_were_not_used_or_not_read_are_named() -> None:
    beside = Beside(
        set_aside="1 record of another patient",
        unread_keys=("diagnosticReports",),
        other_malignancies=("Prostate cancer",),
        beside=(("urinary 5-HIAA", Source("Observation/1", "2026-01-05")),),
    )
    given = answer(beside=beside, platelet_serotonin=None)
    says(
        given.text,
        "Set aside, not used: 1 record of another patient.",
        "Could not be read, or only in part: diagnostic reports.",
        "Another malignancy is recorded: Prostate cancer.",
        "Found, but not counted: urinary 5-HIAA 2026-01-05.",
    )


@pytest.mark.verifies("M3")
@pytest.mark.parametrize("facts", [{}, {**SYNDROME, **EXTENSIVE}, {"ki67_percent": 60}])
def test_every_card_with_options_opens_with_histology_from_codes(facts: Mapping[str, Any]) -> None:
    needs = recorded(chart(facts), "2026-01-05", ["nelm_confirmed"])
    opening = "Histology taken from diagnosis codes (2026-01-05), no pathology report read."
    cards = answer_to(needs, FROM_CODES).cards
    assert cards[0].lead.startswith(opening)
    for card in cards:
        if card.topic in {"treatment", "refer"}:
            assert card.lead.startswith("Histology taken from diagnosis codes")


@pytest.mark.verifies("M5")
def test_withheld_is_explained() -> None:
    given = answer(EXTENSIVE)
    says(
        given.text,
        "Withheld = not supported by this 2006 text for the reason given. Only complete portal vein occlusion, hepatic "
        "failure and biliary anastomosis are called contraindications there, and transplantation 'in most cases'.",
        "- Withheld: resection (not the paper's solitary case (R16)).",
    )


@pytest.mark.verifies("M6")
def test_resection_says_how_often_it_does_not_cure() -> None:
    quiet, symptomatic = answer(small_multiple_mets=None), answer(SYNDROME)
    says(
        quiet.card_with("T-RESECT").detail,
        'Cure "frequently impossible"; in most patients new metastases appear after resection with curative intent',
        "Small metastases besides this lesion: not known",
    )
    assert "19.3" not in quiet.text
    says(symptomatic.card_with("T-RESECT").detail, "90 % for a mean of 19.3 months (R16)")
    assert "Small metastases besides" not in symptomatic.text


@pytest.mark.verifies("M7", "R26", "R28")
@pytest.mark.parametrize(
    ("code", "facts"),
    [
        ("T-ABLATE", {"lesion_count": 3}),
        ("T-ABLATE-EXT", {"lesion_count": 3, "largest_lesion_cm": 5}),
        ("T-ABLATE-PALL", BEYOND_LIVER),
    ],
)
def test_ablation_says_its_harm_and_how_thin_the_evidence_is(code: str, facts: Mapping[str, Any]) -> None:
    detail = answer(facts).card_with(code).detail
    says(
        detail,
        "Complications 5-10 %, mortality about 0.5 % (R28)",
        "small series, largest 34 patients, relief mean 10 months (R26); no survival data",
        "Several lesions: the paper's seven were treated with specialised techniques",
    )
    assert ("nly where the technique exists" in detail) == (code == "T-ABLATE-EXT")


@pytest.mark.verifies("M8", "R37")
@pytest.mark.parametrize(("code", "facts"), [("T-EMBO", EXTENSIVE), ("T-EMBO-AGAIN", EMBOLISED)])
def test_embolisation_says_its_harm_and_that_the_list_is_open(code: str, facts: Mapping[str, Any]) -> None:
    detail = answer(facts, portal_vein="partial_occlusion").card_with(code).detail
    says(
        detail,
        "Mortality about 5 %, serious complications about 10 %, post-embolisation syndrome in almost all",
        "None of the three listed contraindications is recorded; the list is not complete",
        "Partial occlusion of the portal vein: not on the paper's list; ask the interventional radiologist.",
        "Forced diuresis is the paper's advice (R38); with heart or kidney disease, carcinoid heart disease above all, "
        "ask first.",
    )
    assert "Partial occlusion" not in answer(facts).text


@pytest.mark.verifies("M9")
def test_octreotide_says_whether_it_is_given_and_that_the_list_is_no_ranking() -> None:
    given = answer(EXTENSIVE, primary_site="pancreas")
    says(
        given.card_with("T-OCT").detail,
        "No running one found in the medications read.",
        NOT_TO_STOP,
        "Depot for maintenance only",
        "Pancreatic primary: has hypoglycaemia been excluded (C27)?",
    )
    says(given.text, 'joined by "or" in the paper: not a ranking')
    assert "hypoglycaemia" not in answer(EXTENSIVE).text


@pytest.mark.verifies("M9")
@pytest.mark.parametrize("facts", [{"failed_therapies": ["T-PRRT"]}, {"srs": "negative"}])
def test_withholding_is_not_advice_to_stop(facts: Mapping[str, Any]) -> None:
    says(answer(EXTENSIVE, facts).text, NOT_TO_STOP)


@pytest.mark.verifies("M10")
def test_radionuclide_therapy_says_what_later_trials_were_about() -> None:
    says(
        answer(EXTENSIVE).card_with("T-PRRT").detail,
        "promising, experimental in 2006",
        "Later trials, receptor-positive: progressive midgut disease (C4), first line in Ki67 10-55 % (C5)",
        "hormonal crisis in about 1 % (C28",
        UPTAKE,
    )


@pytest.mark.verifies("M11")
def test_adjuvant_radionuclides_say_that_no_trial_was_found() -> None:
    says(answer(ADJUVANT).card_with("T-RADIO-ADJ").detail, "No trial confirming this was found (C22)", UPTAKE, "R32")
    says(answer(DEBULKABLE).card_with("T-DEBULK").detail, "*might be a useful adjunct* (R32)")


@pytest.mark.verifies("M12")
def test_transplantation_says_no_before_yes() -> None:
    given = answer(TRANSPLANTABLE)
    card = given.card_with("T-OLT-EVAL")
    assert 0 < card.detail.index("(R48)") < card.detail.index("(R47)")
    says(
        card.detail,
        '"controversial and in most cases even contraindicated"',
        "Post-operative mortality 19 % of 31 patients",
        "one or more major complications in 50 % of the carcinoid patients",
        "(C10)",
    )
    assert "S-OLT-WARN" in card.codes


@pytest.mark.verifies("M13")
def test_a_provisional_answer_says_what_is_missing() -> None:
    grade, mibg = answer(EXTENSIVE, ki67_percent=None), answer(EXTENSIVE, mibg_avid=None)
    says(grade.cards[0].lead, "**Provisional:** Ki-67 missing, may change this list.")
    says(grade.cards[0].lead, "Do not decide before the grade is known.")
    says(mibg.cards[0].lead, "**Provisional:** MIBG uptake missing, may change this list.")
    assert "Do not decide" not in mibg.text
    says(answer(EXTENSIVE, mibg_avid=UNREAD).cards[0].lead, "MIBG uptake missing, may change this list.")


@pytest.mark.verifies("M13")
def test_a_long_list_of_what_is_missing_is_counted_and_named_on_the_work_up_card() -> None:
    unknown = dict.fromkeys(("carcinoid_syndrome", "ki67_percent", "lobar_predominance", "portal_vein", "mibg_avid"))
    given = answer(EXTENSIVE, unknown, beside=FROM_CODES)
    says(given.cards[0].lead, "**Provisional:** symptoms, Ki-67", "may change this list")
    for code in ("W-SYMPT", "W-KI67", "W-MAP", "W-EMBO", "W-MIBG"):
        assert given.card_with(code).topic == "workup"


@pytest.mark.verifies("M13")
def test_a_marker_that_could_not_be_read_changes_no_list() -> None:
    given = answer(EXTENSIVE, mibg_avid=UNREAD, cga=UNREAD)
    says(given.cards[0].lead, "**Provisional:** MIBG uptake missing")
    says(given.text, "Not read: chromogranin A, MIBG uptake. It may change the options.")
    says(answer(cga=UNREAD).text, "Not read: chromogranin A. The options do not wait for it.")


@pytest.mark.verifies("M14", "A15", "A23")
@pytest.mark.parametrize("facts", [{"srs": None}, {"extrahepatic_disease": None}, {"ki67_percent": None}])
def test_the_work_up_is_no_reason_to_wait_with_symptom_control(facts: Mapping[str, Any]) -> None:
    sentence = "Waiting for these results is no reason to delay symptom control or emergency care."
    (card,) = [card for card in answer(SYNDROME, facts).cards if card.topic == "workup"]
    says(card.detail, sentence)
    assert sentence not in answer(facts).text


@pytest.mark.verifies("M14", "A23")
def test_a_biopsy_is_an_invasive_step_too() -> None:
    for facts in ({"nelm_confirmed": None}, {"extrahepatic_disease": None}):
        says(answer(facts).text, "If this means a biopsy, see S-OCT-PERI")
    assert "biopsy" not in answer(mibg_avid=None).text


def test_what_could_not_be_read_is_to_be_read_not_repeated() -> None:
    given = answer(srs=UNREAD, cga=UNREAD, beside=Beside(unread_keys=("observations",)))
    (card,) = given.cards
    assert (card.topic, card.raw["indicator"], card.suggestions) == ("unread", "warning", [])
    says(card.detail, "Not read: chromogranin A, receptor scan.", "Look in the chart before repeating any test.")


def test_a_scan_without_its_result_is_asked_for_as_a_report() -> None:
    done = Unknown(WhyUnknown.RESULT_MISSING, (Source("ImagingStudy/1", "2026-01-05"),))
    given: Answer = answer(srs=done)
    says(given.text, "ask for the report, not for a new scan (R13)", "done, result not recorded (2026-01-05)")
    assert given.labels == ["Ask for the scan report"]
