"""Resolved ambiguities and currency notes on the cards: each in the situation it is about, and in no other."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

import pytest
from msgspec.structs import replace

from cds_service.guidelines.nelm_2006.intake.course import HINT
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from fhir_mappings.facts import Unknown, WhyUnknown
from tests.support.answers import Beside, answer, answer_to
from tests.support.facts import BEYOND_LIVER, EXTENSIVE, TRANSPLANTABLE, chart

SYNDROME: Mapping[str, Any] = {"carcinoid_syndrome": True, "symptoms_controlled": False}
EMBOLISED: Mapping[str, Any] = {**EXTENSIVE, "context": "post_embolisation", "response": "none"}
SEVERAL_RADICAL: Mapping[str, Any] = {"lesion_count": 3, "radical_resection_possible": True}


@dataclass(frozen=True, kw_only=True)
class Note:
    """What is said of a patient, on the card of a code (or anywhere), and of a like patient is not."""

    rules: tuple[str, ...]
    says: str
    of: Mapping[str, Any]
    not_of: Mapping[str, Any] | None = None
    on: str | None = None


NOTES = (
    Note(rules=("A3", "C1"), says="Well differentiated: today grade 2 up to 20 % (C1).",
         of={"ki67_percent": "17"}, not_of={"ki67_percent": "17", "differentiation": "poor"}),
    Note(rules=("A2",), says="outside the paper's evidence, which does not call treatment contraindicated (A2)",
         of={"ki67_percent": "60"}, on="R-MDT-HG"),
    Note(rules=("A3",), says="The referral does not wait for a scan.",
         of={"ki67_percent": "60", "srs": None}, not_of={"ki67_percent": "60"}),
    Note(rules=("A4", "R18"), says="*should be considered* also where resection is possible",
         of={}, not_of={"lesion_count": 3}, on="T-ABLATE"),
    Note(rules=("A5",), says="(inferred from R15; R20 does not set this condition; team decision)",
         of=BEYOND_LIVER, not_of={}),
    Note(rules=("A8",), of=SEVERAL_RADICAL, not_of={**EXTENSIVE, "est_cytoreduction_pct": "95"}, on="T-DEBULK",
         says="Several lesions recorded as radically resectable: complete resection. The paper calls resection "
              "*feasible* for solitary metastases (R16) and *treatment of choice* in general (R19)"),
    Note(rules=("A8",), says="not the paper's solitary case", of={"lesion_count": 3}, not_of={}),
    Note(rules=("A10",), says="seven is per session; staged treatment: ask the team", of=EXTENSIVE,
         not_of={"largest_lesion_cm": 8}),
    Note(rules=("A14", "R6"), says="Hindgut primary: no serotonin is made", of={"primary_site": "rectum"}, not_of={}),
    Note(rules=("A14",), says="Carcinoid syndrome does not fit: recheck the primary; 5-HIAA (A14).",
         of={**SYNDROME, "primary_site": "rectum"}, not_of={"primary_site": "rectum"}),
    Note(rules=("A14",), says="does not fit: recheck the primary; 5-HIAA",
         of={**SYNDROME, "primary_site": "rectum", "srs": None}, not_of={**SYNDROME, "srs": None}),
    Note(rules=("A14",), says="does not fit: recheck the primary; 5-HIAA",
         of={**SYNDROME, "primary_site": "rectum", "ki67_percent": 60}, not_of={**SYNDROME, "ki67_percent": 60}),
    Note(rules=("A16", "R9"), of={**SYNDROME, "srs": "negative"}, not_of={**SYNDROME},
         says="The 2006 text ties analogues to the scan (R11) and, elsewhere, calls them efficacious for the syndrome "
              "without that condition (R42). A negative conventional scan can be false (R9: 90 %); repeat as SSTR-PET "
              "before excluding them; a trial for symptoms is the team's decision."),
    Note(rules=("A17",), says="Order of listing, not of time: symptom control need not wait for a procedure (A17).",
         of={**SYNDROME, "lesion_count": 3}, not_of={**TRANSPLANTABLE, "failed_therapies": []}),
    Note(rules=("A19",), says="Carcinoid syndrome: embolisation listed before octreotide (inferred, A19).",
         of={**EXTENSIVE, **SYNDROME}, not_of=EXTENSIVE),
    Note(rules=("A19",), says="No carcinoid syndrome on record: octreotide listed before embolisation (inferred, A19).",
         of=EXTENSIVE, not_of={**EXTENSIVE, "lobar_predominance": False}),
    Note(rules=("A19",), says="Disease beyond the liver: systemic options listed first (inferred, A19).",
         of=BEYOND_LIVER, not_of={**BEYOND_LIVER, "carcinoid_syndrome": False}),
    Note(rules=("A20", "C17"), says="only if 131I-MIBG treatment is available and wanted (C17)",
         of={**EXTENSIVE, "mibg_avid": None}, on="W-MIBG"),
    Note(rules=("A18",), says="main mass in one lobe or not (asked for a single lesion too)",
         of={"lesion_count": None}, on="W-MAP"),
    Note(rules=("A24",), says="Another hormone syndrome is recorded: ask the specialist first (A24).",
         of={"other_syndrome": True}, not_of={}, on="T-RESECT"),
    Note(rules=("A24",), says="another hormone syndrome recorded (A24, ours)",
         of={**EXTENSIVE, "other_syndrome": True}, not_of=EXTENSIVE),
    Note(rules=("A29",), says="differentiation not recorded", of={"differentiation": None}, not_of={}),
    Note(rules=("A30",), says="ablation (symptoms controlled (A30))",
         of={**BEYOND_LIVER, "symptoms_controlled": True}, not_of=BEYOND_LIVER),
    Note(rules=("C2",), says="SSTR-PET has replaced scintigraphy (C2)", of={"srs": None}, on="W-SRS"),
    Note(rules=("C4",), says="progressive midgut disease (C4)", of=EXTENSIVE, on="T-PRRT"),
    Note(rules=("C5",), says="first line in Ki67 10-55 % (C5)", of=EXTENSIVE, on="T-PRRT"),
    Note(rules=("C10",), says="Selection has since moved from rescue of uncontrollable symptoms to good-risk patients",
         of=TRANSPLANTABLE, on="T-OLT-EVAL"),
    Note(rules=("C17",), says="Generally replaced by receptor radionuclide therapy (C17)", of=EXTENSIVE, on="T-MIBG"),
    Note(rules=("C18",), says="later series doubt its effect, so an anaesthetic plan belongs beside it (C18)", of={},
         on="T-RESECT"),
    Note(rules=("C24",), of={**SYNDROME, "carcinoid_heart_disease": None}, not_of={"carcinoid_heart_disease": None},
         says="Carcinoid syndrome, heart not examined in this chart: consider NT-proBNP and echocardiography before an "
              "invasive step (C24).", on="T-RESECT"),
    Note(rules=("C24",), says="Carcinoid heart disease recorded.", of={"carcinoid_heart_disease": True}, not_of={},
         on="T-RESECT"),
    Note(rules=("C27",), says="has hypoglycaemia been excluded (C27)", of={**EXTENSIVE, "primary_site": "pancreas"},
         not_of=EXTENSIVE, on="T-OCT"),
    Note(rules=("C28",), says="hormonal crisis in about 1 % (C28", of=EXTENSIVE, on="T-PRRT"),
    Note(rules=("C28",), says="hormonal crisis in about 1 % (C28", of={**EXTENSIVE, "srs": "negative"}, on="T-MIBG"),
    Note(rules=("C34",), says="Depot for maintenance only, started after the immediate-release form",
         of=EXTENSIVE, on="T-OCT"),
    Note(rules=("R30",), says="immediate-release octreotide (intravenous or subcutaneous, never a depot)", of={},
         on="T-RESECT"),
)  # fmt: skip


@pytest.mark.verifies(
    "A2", "A3", "A4", "A5", "A8", "A10", "A14", "A16", "A17", "A18", "A19", "A20", "A24", "A29", "A30", "C1", "C2",
    "C4", "C5", "C10", "C17", "C18", "C24", "C27", "C28", "C34", "R6", "R9", "R18", "R30",
)  # fmt: skip
@pytest.mark.parametrize("note", NOTES, ids=[f"{'-'.join(note.rules)}: {note.says[:40]}" for note in NOTES])
def test_a_note_stands_where_it_belongs(note: Note) -> None:
    given = answer(note.of)
    assert note.says in (given.card_with(note.on).detail if note.on else given.text)
    if note.not_of is not None:
        assert note.says not in answer(note.not_of).text


HEPATIC_FAILURE = "Hepatic failure recorded: the paper sets no limit here; decide in the team."


@pytest.mark.verifies("A25")
@pytest.mark.parametrize(
    "facts", [{"lesion_count": 3}, EXTENSIVE, BEYOND_LIVER, {**SYNDROME, "ki67_percent": 60}, {**SYNDROME, **EXTENSIVE}]
)
def test_hepatic_failure_opens_every_ablation_and_systemic_card(facts: Mapping[str, Any]) -> None:
    options = {"T-ABLATE", "T-ABLATE-PALL", "T-OCT", "T-MIBG", "T-PRRT"}
    cards = answer(facts, hepatic_failure=True).cards
    assert any(options & set(card.codes) for card in cards)
    for card in cards:
        if options & set(card.codes):
            assert card.detail.split("\n\n")[1] == HEPATIC_FAILURE
    assert HEPATIC_FAILURE not in answer(facts).text


@pytest.mark.verifies("A4", "A19")
def test_the_cards_list_the_options_in_the_order_of_the_decision() -> None:
    for facts in ({}, {"context": "recurrence"}, EXTENSIVE, {**EXTENSIVE, **SYNDROME}, BEYOND_LIVER, EMBOLISED):
        given = answer(facts)
        listed = [code for card in given.cards for code in card.codes if code in given.decision.treatment]
        assert listed == list(given.decision.treatment)


@pytest.mark.verifies("A29")
def test_both_grade_signs_unknown_leave_no_draft_for_a_treatment() -> None:
    given = answer(ki67_percent=None, differentiation=None)
    assert given.decision.state == "provisional"
    assert "Discuss in tumour board" not in given.labels
    assert "Discuss in tumour board" in answer().labels


@pytest.mark.verifies("A24")
def test_a_hint_of_another_syndrome_stands_beside_octreotide_and_nowhere_else() -> None:
    hinted = Unknown(WhyUnknown.NOT_RECORDED, (), f"{HINT}Hypoglycaemia <b>")
    said = answer_to(replace(chart(EXTENSIVE), other_syndrome=hinted))
    sentence = "In the chart: Hypoglycaemia &lt;b&gt;: exclude another hormone syndrome first (A24)."
    assert sentence in said.card_with("T-OCT").detail
    assert "exclude another hormone syndrome" not in answer(EXTENSIVE).text
    assert "exclude another hormone syndrome" not in answer_to(replace(chart(), other_syndrome=hinted)).text


def test_a_hint_of_the_carcinoid_syndrome_stands_beside_the_question() -> None:
    hinted = Unknown(WhyUnknown.NOT_RECORDED, (), f"{HINT}Flushing")
    said = answer_to(replace(chart(), carcinoid_syndrome=hinted)).card_with("W-SYMPT").detail
    assert "In the chart: carcinoid syndrome not recorded, hint only: Flushing." in said


@pytest.mark.verifies("R30")
def test_an_earlier_crisis_is_told_before_an_invasive_step_and_is_no_emergency() -> None:
    earlier = Beside(earlier_crisis="2024-05-17")
    said = answer(beside=earlier)
    assert "Earlier carcinoid crisis recorded (2024-05-17)." in said.card_with("S-OCT-PERI").detail
    assert said.decision.state == "treat"
    assert "crisis recorded" not in answer().text
    not_invasive = answer({"extrahepatic_disease": True, "carcinoid_syndrome": False}, beside=earlier)
    assert "crisis recorded" not in not_invasive.text


@pytest.mark.verifies("A21")
def test_the_age_limit_is_nobody_elses_than_the_one_who_set_it() -> None:
    older = chart(TRANSPLANTABLE, age_years=62)
    assert "above the age limit, which is not the paper's (A21)" in answer_to(older).text
    here = answer_to(replace(older, policy=SitePolicy(transplant_age_limit=Decimal(60)))).text
    assert "transplantation up to 60 years" in here


def test_a_question_for_the_team_is_never_called_the_last_option_while_others_stand() -> None:
    beside = answer(lesion_count=3, liver_transplant=True)
    assert "T-ABLATE" in beside.decision.treatment
    assert not any("No option" in card.summary for card in beside.cards)
    (alone, *_) = answer(TRANSPLANTABLE, other_therapies_exhausted=False).cards
    assert alone.summary == "No option of the 2006 text left: tumour board"
    (waiting, *_) = answer(TRANSPLANTABLE, mibg_avid=None, failed_therapies=["T-OCT", "T-PRRT"],
                           other_therapies_exhausted=False).cards  # fmt: skip
    assert waiting.summary == "No option of the 2006 text while questions are open: tumour board"


def test_the_marker_names_the_rules_of_every_note() -> None:
    (marker,) = [mark for mark in test_a_note_stands_where_it_belongs.pytestmark if mark.name == "verifies"]  # type: ignore[attr-defined]  # set by pytest
    assert set(marker.args) == {rule for note in NOTES for rule in note.rules}
