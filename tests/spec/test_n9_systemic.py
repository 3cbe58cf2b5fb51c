"""N9: octreotide, 131I-MIBG and radionuclide therapy where local destruction is out of reach."""

from __future__ import annotations

import pytest

from tests.support.cases import Case, check, table
from tests.support.facts import EXTENSIVE

COMMON = "T-RESECT:multiple T-ABLATE:count_gt_7 T-EMBO:no_lobar_predominance"


@pytest.mark.verifies("R11", "R41", "R42", "R43", "R44", "R45", "R46", "A16", "A20", "A24", "A28")
@table(
    Case(
        name="positive, avid", facts={}, state="treat", offered="T-OCT T-MIBG T-PRRT", withheld=COMMON, asked="",
        safety="", why="carcinoid syndrome is not asked; no invasive step, no protection",
    ),
    Case(
        name="receptor-negative", facts={"srs": "negative"}, state="treat", offered="T-MIBG",
        withheld=f"{COMMON} T-OCT:srs_negative T-PRRT:srs_negative", why="no symptoms: no R-MDT",
    ),
    Case(
        name="not avid", facts={"mibg_avid": False}, offered="T-OCT T-PRRT", withheld=f"{COMMON} T-MIBG:not_avid",
        asked="", why="requires uptake",
    ),
    Case(
        name="uptake not known", facts={"mibg_avid": None}, state="provisional", offered="T-OCT T-PRRT",
        withheld=COMMON, asked="W-MIBG", why="an unknown gives a W- code",
    ),
    Case(
        name="another syndrome", facts={"other_syndrome": True}, offered="T-MIBG T-PRRT R-MDT",
        withheld=f"{COMMON} T-OCT:other_syndrome", why="R-MDT is added, last",
    ),
    Case(
        name="another syndrome, receptor-negative", facts={"other_syndrome": True, "srs": "negative"},
        offered="T-MIBG R-MDT", withheld=f"{COMMON} T-OCT:other_syndrome T-OCT:srs_negative T-PRRT:srs_negative",
        why="each of the two that holds",
    ),
    Case(
        name="another syndrome not recorded", facts={"other_syndrome": None}, offered="T-OCT T-MIBG T-PRRT",
        withheld=COMMON, why="read as no",
    ),
    Case(
        name="octreotide failed, receptor-negative, another syndrome",
        facts={"failed_therapies": ["T-OCT"], "srs": "negative", "other_syndrome": True},
        withheld=f"{COMMON} T-OCT:prior_failure T-IFN:limited_benefit T-PRRT:srs_negative",
        offered="T-MIBG R-MDT", why="prior failure stands alone; the other syndrome still belongs to the team",
    ),
    Case(
        name="MIBG failed, uptake not known", facts={"failed_therapies": ["T-MIBG"], "mibg_avid": None},
        state="treat", offered="T-OCT T-PRRT", withheld=f"{COMMON} T-MIBG:prior_failure", asked="",
        why="nothing else about that code",
    ),
    Case(
        name="radionuclide failed, receptor-negative", facts={"failed_therapies": ["T-PRRT"], "srs": "negative"},
        withheld=f"{COMMON} T-PRRT:prior_failure T-OCT:srs_negative", why="nothing else about that code",
    ),
    Case(
        name="all failed", facts={"failed_therapies": ["T-OCT", "T-MIBG", "T-PRRT"]}, state="treat",
        offered="R-MDT", follow_up="", asked="",
        withheld=f"{COMMON} T-OCT:prior_failure T-IFN:limited_benefit T-MIBG:prior_failure T-PRRT:prior_failure",
        why="no protocol option left",
    ),
    Case(
        name="failed therapies not recorded", facts={"failed_therapies": None}, offered="T-OCT T-MIBG T-PRRT",
        withheld=COMMON, asked="", why="an empty list: none failed, and no W- code",
    ),
    Case(
        name="interferon is never an option", facts={"failed_therapies": ["T-MIBG", "T-PRRT"]},
        offered="T-OCT", withheld=f"{COMMON} T-MIBG:prior_failure T-PRRT:prior_failure",
        why="it appears only where octreotide failed",
    ),
)  # fmt: skip
def test_systemic_options(case: Case) -> None:
    check(case, EXTENSIVE, {"lobar_predominance": False})


@pytest.mark.verifies("A16", "R52")
@table(
    Case(
        name="syndrome not controlled", facts={"symptoms_controlled": False}, offered="T-MIBG R-MDT",
        why="octreotide withheld from a patient with symptoms",
    ),
    Case(
        name="control not recorded", facts={"symptoms_controlled": None}, offered="T-MIBG R-MDT", asked="",
        why="not recorded as controlled; and not asked here",
    ),
    Case(name="syndrome controlled", facts={"symptoms_controlled": True}, offered="T-MIBG", why="no question"),
    Case(
        name="syndrome not recorded", facts={"carcinoid_syndrome": None}, offered="T-MIBG", asked="W-SYMPT",
        why="a syndrome on record is meant",
    ),
    Case(
        name="octreotide failed as well", facts={"failed_therapies": ["T-OCT"]}, offered="T-MIBG",
        why="withheld as prior_failure, not as srs_negative",
    ),
    Case(
        name="nothing left", facts={"mibg_avid": False, "other_syndrome": True, "liver_transplant": True},
        offered="R-MDT", why="once, whatever the number of questions",
    ),
)  # fmt: skip
def test_symptoms_and_a_negative_scan_belong_to_the_team(case: Case) -> None:
    symptomatic = {"carcinoid_syndrome": True, "srs": "negative", "lobar_predominance": False}
    check(case, EXTENSIVE, symptomatic)


@pytest.mark.verifies("A19", "R34", "R41", "R54")
@table(
    Case(
        name="with the syndrome", facts={"carcinoid_syndrome": True}, offered="T-EMBO T-OCT T-MIBG T-PRRT",
        why="the benefit quoted for embolisation is symptomatic",
    ),
    Case(
        name="without the syndrome", facts={"carcinoid_syndrome": False}, offered="T-OCT T-EMBO T-MIBG T-PRRT",
        why="`should be attempted` is the stronger word",
    ),
    Case(
        name="syndrome not known", facts={"carcinoid_syndrome": None}, offered="T-OCT T-EMBO T-MIBG T-PRRT",
        why="absent or unknown",
    ),
    Case(
        name="debulking and adjuvant before both",
        facts={"carcinoid_syndrome": True, "est_cytoreduction_pct": 95, "small_multiple_mets": True},
        offered="T-DEBULK T-RADIO-ADJ T-EMBO T-OCT T-MIBG T-PRRT", why="the order of 4.3",
    ),
    Case(
        name="embolisation again, with the syndrome",
        facts={"carcinoid_syndrome": True, "context": "post_embolisation", "response": "partial"},
        offered="T-EMBO-AGAIN T-OCT T-MIBG T-PRRT", why="in the place of T-EMBO",
    ),
    Case(
        name="beyond the liver, with the syndrome",
        facts={"carcinoid_syndrome": True, "symptoms_controlled": False, "extrahepatic_disease": True},
        offered="T-OCT T-MIBG T-PRRT T-EMBO", why="systemic first",
    ),
)  # fmt: skip
def test_embolisation_and_systemic_options_are_both_listed(case: Case) -> None:
    check(case, EXTENSIVE)
