"""N11 to N14: protection, follow-up markers, and the team; on options of every kind."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from cds_service.guidelines.nelm_2006 import bases as on
from cds_service.reasoning.graph import Basis, Kind
from tests.support.cases import Case, check, table
from tests.support.facts import BEYOND_LIVER, EXTENSIVE, TRANSPLANTABLE, advise

INVASIVE: dict[str, Mapping[str, Any]] = {
    "T-RESECT": {"largest_lesion_cm": 8},
    "T-ABLATE": {"radical_resection_possible": False},
    "T-ABLATE-EXT": {"radical_resection_possible": False, "largest_lesion_cm": 5},
    "T-ABLATE-PALL": BEYOND_LIVER,
    "T-DEBULK": {**EXTENSIVE, "est_cytoreduction_pct": 95, "lobar_predominance": False},
    "T-EMBO": EXTENSIVE,
    "T-EMBO-AGAIN": {**EXTENSIVE, "context": "post_embolisation", "response": "none"},
    "T-RESECT-POSTEMBO": {"context": "post_embolisation", "response": "good", "lesion_count": 9},
}


@pytest.mark.verifies("R30", "R38", "A23")
@pytest.mark.parametrize("code", INVASIVE)
def test_every_invasive_step_is_protected(code: str) -> None:
    decision = advise(INVASIVE[code])
    assert set(decision.treatment) & set(INVASIVE) == {code}, "the protection is due to this step alone"
    expected = {"S-OCT-PERI", "S-DIURESIS"} if code.startswith("T-EMBO") else {"S-OCT-PERI"}
    assert set(decision.safety) == expected


@pytest.mark.verifies("R8", "R38", "R50", "R55", "A13", "A23")
@table(
    Case(
        name="systemic options only", facts={**EXTENSIVE, "lobar_predominance": False},
        safety="", follow_up="F-CGA F-SEROT", why="nothing invasive; markers after any treatment",
    ),
    Case(
        name="systemic options only, sigmoid primary",
        facts={**EXTENSIVE, "lobar_predominance": False, "primary_site": "sigmoid"},
        safety="", follow_up="F-CGA", why="no serotonin in hindgut",
    ),
    Case(
        name="transplant evaluation", facts=TRANSPLANTABLE, safety="S-OLT-WARN", follow_up="F-CGA F-SEROT",
        why="it only refers, but is a T- code",
    ),
    Case(
        name="nothing left", facts={**TRANSPLANTABLE, "other_therapies_exhausted": False}, offered="R-MDT",
        safety="", follow_up="", why="R- codes alone give none",
    ),
    Case(
        name="a work-up step that may be a biopsy", facts={"extrahepatic_disease": None}, safety="", follow_up="",
        why="not for a W- code",
    ),
    Case(
        name="receptor-negative", facts={"srs": "negative"}, safety="S-OCT-PERI",
        why="as protection regardless of the scan",
    ),
    Case(
        name="octreotide failed", facts={"failed_therapies": ["T-OCT"], "other_syndrome": True}, safety="S-OCT-PERI",
        why="as protection, whatever is said about treatment",
    ),
)  # fmt: skip
def test_protection_and_follow_up(case: Case) -> None:
    check(case)


@pytest.mark.verifies("R52", "A16", "A24")
@table(
    Case(
        name="liver graft", facts={"liver_transplant": True}, offered="T-RESECT T-ABLATE R-MDT",
        why="not in the paper: last, beside the options",
    ),
    Case(
        name="liver graft beyond the liver", facts={**BEYOND_LIVER, "liver_transplant": True},
        offered="T-OCT T-MIBG T-PRRT T-ABLATE-PALL R-MDT", why="last in this order too",
    ),
    Case(
        name="liver graft not recorded", facts={"liver_transplant": None}, offered="T-RESECT T-ABLATE",
        why="read as no",
    ),
    Case(
        name="heart disease", facts={"carcinoid_heart_disease": True}, offered="T-RESECT T-ABLATE",
        why="shown only, no rule reads it",
    ),
    Case(
        name="nothing left while a question is open",
        facts={**TRANSPLANTABLE, "other_therapies_exhausted": False, "lobar_predominance": None},
        state="provisional", offered="R-MDT", asked="W-MAP", why="also while a question is open",
    ),
    Case(
        name="other syndrome, transplant evaluation", facts={**TRANSPLANTABLE, "other_syndrome": True},
        offered="T-OLT-EVAL R-MDT", why="last",
    ),
    Case(
        name="stopped", facts={"liver_imaging": None, "liver_transplant": True}, offered="", state="workup",
        why="a stop leaves no treatment list to fill",
    ),
)  # fmt: skip
def test_the_team(case: Case) -> None:
    check(case)


@pytest.mark.verifies("A16", "A24")
def test_the_referral_says_which_question_it_is_for() -> None:
    """M4: the status of the step is shown, and only the first of the three is the paper's (inferred)."""
    symptomatic = {"carcinoid_syndrome": True, "srs": "negative", "symptoms_controlled": False}
    questions: dict[Basis, dict[str, Any]] = {
        on.TEAM_BESIDE_OPTIONS: symptomatic,
        on.OTHER_SYNDROME: {"other_syndrome": True},
        on.TRANSPLANTED: {"liver_transplant": True},
    }
    for basis, facts in questions.items():
        referral = advise(facts).finding(Kind.OFFER, "R-MDT")
        assert referral is not None
        assert referral.basis == (basis,)
    both = advise(other_syndrome=True, liver_transplant=True).finding(Kind.OFFER, "R-MDT")
    assert both is not None
    assert both.basis == (on.OTHER_SYNDROME, on.TRANSPLANTED)
