"""N5: disease beyond the liver: systemic options, and local treatment for uncontrolled symptoms only."""

from __future__ import annotations

import pytest

from tests.support.cases import Case, check, table
from tests.support.facts import BEYOND_LIVER

SYSTEMIC = "T-OCT T-MIBG T-PRRT"


@pytest.mark.verifies("R15", "R27", "R41", "A5", "A6", "A30")
@table(
    Case(
        name="syndrome not controlled, three lesions of 3 cm", facts={},
        state="treat", offered=f"{SYSTEMIC} T-ABLATE-PALL", withheld="T-RESECT:extrahepatic", asked="",
        safety="S-OCT-PERI", path="N0 N1 N2 N3 N4 N5 N9 N5-LOCAL N10 N11 N12 N13 N14",
        why="ablation may also provide symptom relief; listed after systemic options; N6 and N7 are not walked",
    ),
    Case(
        name="no syndrome", facts={"carcinoid_syndrome": False, "symptoms_controlled": None, "lesion_count": 30},
        state="treat", offered=SYSTEMIC, withheld="T-RESECT:extrahepatic T-ABLATE:extrahepatic_asymptomatic", asked="",
        safety="", why="no symptoms, no stated benefit; its only reason; embolisation is not named",
    ),
    Case(
        name="syndrome controlled", facts={"symptoms_controlled": True, "lesion_count": 30},
        state="treat", offered=SYSTEMIC, withheld="T-RESECT:extrahepatic T-ABLATE:symptoms_controlled", asked="",
        why="no symptom left; its only reason; embolisation is not named",
    ),
    Case(
        name="control not recorded", facts={"symptoms_controlled": None, "lesion_count": None},
        state="provisional", offered=SYSTEMIC, withheld="T-RESECT:extrahepatic", asked="W-SYMPT",
        why="no local treatment offered or withheld; the lesions are not asked for before the symptoms",
    ),
    Case(
        name="syndrome not recorded", facts={"carcinoid_syndrome": None, "symptoms_controlled": None},
        state="provisional", offered=SYSTEMIC, withheld="T-RESECT:extrahepatic", asked="W-SYMPT",
        why="no local treatment offered or withheld",
    ),
    Case(
        name="syndrome not recorded, though controlled",
        facts={"carcinoid_syndrome": None, "symptoms_controlled": True},
        state="provisional", offered=SYSTEMIC, withheld="T-RESECT:extrahepatic", asked="W-SYMPT",
        why="no reason without the syndrome",
    ),
    Case(
        name="count not known", facts={"lesion_count": None},
        state="provisional", offered=SYSTEMIC, withheld="T-RESECT:extrahepatic", asked="W-MAP",
        why="no local offer; the systemic ones stand",
    ),
    Case(
        name="size not known", facts={"largest_lesion_cm": None},
        state="provisional", offered=SYSTEMIC, withheld="T-RESECT:extrahepatic", asked="W-MAP",
        why="no local offer; the systemic ones stand",
    ),
    Case(
        name="size 3 to 5 cm", facts={"largest_lesion_cm": "3-5"},
        state="treat", offered=f"{SYSTEMIC} T-ABLATE-PALL", asked="",
        why="within the limits whichever it is: here ablation has no tiers",
    ),
    Case(
        name="size 6 to 8 cm", facts={"largest_lesion_cm": "6-8"},
        state="provisional", offered=SYSTEMIC, asked="W-MAP",
        why="perhaps beyond the limit",
    ),
    Case(
        name="seven lesions of 7.0 cm", facts={"lesion_count": 7, "largest_lesion_cm": "7.0"},
        offered=f"{SYSTEMIC} T-ABLATE-PALL", asked="", why="at both limits of N7",
    ),
    Case(
        name="eight lesions", facts={"lesion_count": 8},
        offered=f"{SYSTEMIC} T-EMBO", withheld="T-RESECT:extrahepatic T-ABLATE:count_gt_7", asked="",
        safety="S-OCT-PERI S-DIURESIS", path="N0 N1 N2 N3 N4 N5 N9 N5-LOCAL N8 N10 N11 N12 N13 N14",
        why="beyond the limits: then N8, listed after systemic options",
    ),
    Case(
        name="eight lesions of 7.1 cm after failed ablation, both lobes",
        facts={"lesion_count": 8, "largest_lesion_cm": "7.1", "failed_therapies": ["T-ABLATE"],
               "lobar_predominance": False},
        offered=SYSTEMIC, asked="",
        withheld="T-RESECT:extrahepatic T-ABLATE:count_gt_7 T-ABLATE:size_gt_7cm T-ABLATE:prior_failure "
                 "T-EMBO:no_lobar_predominance",
        why="every reason that holds",
    ),
    Case(
        name="eight lesions, size not known", facts={"lesion_count": 8, "largest_lesion_cm": None},
        offered=f"{SYSTEMIC} T-EMBO", asked="", why="a reason of N7 holds: the size is not asked",
    ),
    Case(
        name="eight lesions, lobe and portal vein not known",
        facts={"lesion_count": 8, "lobar_predominance": None, "portal_vein": None},
        state="provisional", offered=SYSTEMIC, asked="W-MAP W-EMBO", why="as N8 asks",
    ),
    Case(
        name="receptor-negative, MIBG-negative, another syndrome",
        facts={"srs": "negative", "mibg_avid": False, "other_syndrome": True, "carcinoid_syndrome": False},
        state="treat", offered="R-MDT", follow_up="",
        withheld="T-RESECT:extrahepatic T-ABLATE:extrahepatic_asymptomatic T-OCT:srs_negative T-OCT:other_syndrome "
                 "T-MIBG:not_avid T-PRRT:srs_negative",
        why="nothing left: R-MDT, once",
    ),
)  # fmt: skip
def test_local_treatment_beyond_the_liver_is_for_symptoms(case: Case) -> None:
    check(case, BEYOND_LIVER)


@pytest.mark.verifies("R15", "R20", "A5")
@table(
    Case(
        name="three lesions, radical", facts={"radical_resection_possible": True},
        withheld="T-RESECT:extrahepatic T-DEBULK:extrahepatic", why="N7 would have considered it",
    ),
    Case(
        name="percentage recorded, not radical",
        facts={"radical_resection_possible": False, "est_cytoreduction_pct": 50},
        withheld="T-RESECT:extrahepatic T-DEBULK:extrahepatic", why="considered, however small the percentage",
    ),
    Case(
        name="nothing recorded", facts={"radical_resection_possible": None},
        withheld="T-RESECT:extrahepatic", why="not considered, not named",
    ),
    Case(
        name="one lesion, radical", facts={"lesion_count": 1, "radical_resection_possible": True},
        withheld="T-RESECT:extrahepatic", why="several lesions are meant",
    ),
    Case(
        name="count not known, radical", facts={"lesion_count": None, "radical_resection_possible": True},
        withheld="T-RESECT:extrahepatic", why="several lesions are meant",
    ),
)  # fmt: skip
def test_debulking_is_named_only_where_it_would_have_been_considered(case: Case) -> None:
    check(case, BEYOND_LIVER)


@pytest.mark.verifies("R39", "A19")
@table(
    Case(
        name="embolised, partial response", facts={"response": "partial"},
        state="treat", offered=f"{SYSTEMIC} T-EMBO-AGAIN", asked="", safety="S-OCT-PERI S-DIURESIS",
        why="the one thing for which the context is read here",
    ),
    Case(
        name="embolised, no response", facts={"response": "none"},
        offered=f"{SYSTEMIC} T-EMBO-AGAIN", asked="", why="partial or none",
    ),
    Case(
        name="embolised, no response, embolisation failed", facts={"response": "none", "failed_therapies": ["T-EMBO"]},
        offered=SYSTEMIC, withheld="T-RESECT:extrahepatic T-ABLATE:count_gt_7 T-EMBO:prior_failure",
        why="withheld under the basic code",
    ),
    Case(
        name="embolised, good response", facts={"response": "good"},
        state="treat", offered=SYSTEMIC, withheld="T-RESECT:extrahepatic T-ABLATE:count_gt_7", asked="",
        why="N8 leaves no code; no resection after embolisation here",
    ),
    Case(
        name="embolised, response not known", facts={"response": None},
        state="provisional", offered=SYSTEMIC, withheld="T-RESECT:extrahepatic T-ABLATE:count_gt_7", asked="W-MAP",
        why="N8 is reached, so the response is asked for",
    ),
    Case(
        name="embolised, response not known, within the limits", facts={"response": None, "lesion_count": 3},
        state="treat", offered=f"{SYSTEMIC} T-ABLATE-PALL", asked="",
        why="N8 is not reached: the response is not asked for",
    ),
    Case(
        name="embolised, response not known, no syndrome",
        facts={"response": None, "carcinoid_syndrome": False},
        state="treat", offered=SYSTEMIC, asked="", why="N8 is not reached",
    ),
)  # fmt: skip
def test_embolised_before(case: Case) -> None:
    check(case, BEYOND_LIVER, {"context": "post_embolisation", "lesion_count": 9, "radical_resection_possible": False})


@pytest.mark.verifies("R56", "A19")
@pytest.mark.parametrize("context", ["initial", "recurrence", "post_ablation", None])
def test_other_contexts_change_nothing_beyond_the_liver(context: str | None) -> None:
    case = Case(name=str(context), facts={"context": context}, why="4.1", offered=f"{SYSTEMIC} T-ABLATE-PALL", asked="")
    decision = check(case, BEYOND_LIVER)
    assert next(step.answer for step in decision.steps if step.node == "N13") == "as listed"
