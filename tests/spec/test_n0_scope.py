"""N0: the emergency, whose patient it is, and children."""

from __future__ import annotations

import pytest

from tests.support.cases import Case, check, table

EMPTY = {"offered": "", "withheld": "", "asked": "", "follow_up": "", "info": ""}


@pytest.mark.verifies("R30")
@table(
    Case(
        name="crisis in a complete chart",
        facts={"carcinoid_crisis_now": True, "primary_site": "rectum"},
        state="emergency", safety="S-OCT-CRISIS", path="N0", **EMPTY,
        why="the emergency leaves nothing else to read, not even the hindgut note",
    ),
    Case(
        name="crisis before the histology is known",
        facts={"carcinoid_crisis_now": True, "nelm_confirmed": None},
        state="emergency", safety="S-OCT-CRISIS", path="N0", **EMPTY,
        why="tested before scope",
    ),
    Case(
        name="crisis, histology says something else",
        facts={"carcinoid_crisis_now": True, "nelm_confirmed": False},
        state="emergency", safety="S-OCT-CRISIS", path="N0", **EMPTY,
        why="first state that applies",
    ),
    Case(
        name="crisis in a child",
        facts={"carcinoid_crisis_now": True, "age_years": 9},
        state="emergency", safety="S-OCT-CRISIS", path="N0", **EMPTY,
        why="before the age too",
    ),
    Case(
        name="crisis not recorded",
        facts={"carcinoid_crisis_now": None},
        state="treat", offered="T-RESECT T-ABLATE", asked="", safety="S-OCT-PERI",
        why="silence is read as no",
    ),
)  # fmt: skip
def test_a_crisis_outranks_everything(case: Case) -> None:
    check(case)


@table(
    Case(
        name="another tumour",
        facts={"nelm_confirmed": False, "primary_site": "rectum", "cga": None, "ki67_percent": 80},
        state="out_of_scope", safety="", path="N0", **EMPTY,
        why="every list empty: no questions and no referral for somebody else's patient",
    ),
    Case(
        name="another tumour in a child",
        facts={"nelm_confirmed": False, "age_years": 9},
        state="out_of_scope", safety="", path="N0", **EMPTY,
        why="scope before age",
    ),
    Case(
        name="histology not known",
        facts={"nelm_confirmed": None},
        state="workup", offered="", withheld="", asked="W-PATH", safety="", follow_up="", path="N0 N1 N2 N3 N4",
        why="unknown is not no; the round is read to its end, then the walk stops",
    ),
    Case(
        name="histology not known, more missing",
        facts={"nelm_confirmed": None, "cga": None, "liver_imaging": None, "ki67_percent": None, "lesion_count": None},
        state="workup", offered="", withheld="", asked="W-CGA W-CT W-KI67 W-PATH",
        why="round 1 in full and nothing of round 2",
    ),
    Case(
        name="histology not known, high grade by what is recorded",
        facts={"nelm_confirmed": None, "ki67_percent": 80, "differentiation": "poor"},
        state="workup", offered="", withheld="", asked="W-PATH",
        why="the referral of a high grade needs a confirmed histology",
    ),
    Case(
        name="histology not known in a child",
        facts={"nelm_confirmed": None, "age_years": 9},
        state="workup", offered="", withheld="", asked="W-PATH",
        why="`refer` is for age under 18, histology unknown excepted",
    ),
    Case(
        name="histology not known, rectal primary",
        facts={"nelm_confirmed": None, "primary_site": "rectum", "platelet_serotonin": None},
        state="workup", asked="W-PATH", info="I-NOSEROT",
        why="the hindgut note stands in every state but out of scope and emergency",
    ),
)  # fmt: skip
def test_whose_patient(case: Case) -> None:
    check(case)


@table(
    Case(
        name="17 years", facts={"age_years": 17},
        state="refer", offered="R-MDT", withheld="", asked="", safety="", follow_up="", path="N0 N1 N2 N3 N4",
        why="the paper's patients are adults",
    ),
    Case(
        name="18 years", facts={"age_years": 18},
        state="treat", offered="T-RESECT T-ABLATE", asked="",
        why="18 is adult",
    ),
    Case(
        name="age unknown", facts={"age_years": None},
        state="treat", offered="T-RESECT T-ABLATE", asked="",
        why="read as 18 or over, and not asked",
    ),
    Case(
        name="born in a year only, 17 or 18", facts={"age_years": "17-18"},
        state="treat", offered="T-RESECT T-ABLATE", asked="",
        why="an interval that does not answer is as good as unknown",
    ),
    Case(
        name="certainly under 18", facts={"age_years": "16-17"},
        state="refer", offered="R-MDT",
        why="an interval that answers is an answer",
    ),
    Case(
        name="17 years, round 1 open",
        facts={"age_years": 17, "primary_site": None, "cga": None, "platelet_serotonin": None,
               "carcinoid_syndrome": None, "liver_imaging": None, "srs": None, "ki67_percent": None,
               "extrahepatic_disease": None, "lesion_count": None, "differentiation": None},
        state="refer", offered="R-MDT", withheld="",
        asked="W-PRIM W-CGA W-SEROT W-SYMPT W-CT W-SRS W-KI67",
        why="under 18: round 1 only, in full; the referral does not wait",
    ),
    Case(
        name="17 years, Ki-67 20 %, syndrome, all else failed",
        facts={"age_years": 17, "ki67_percent": 20, "carcinoid_syndrome": True, "other_therapies_exhausted": True},
        state="refer", offered="R-MDT-HG", withheld="", asked="", follow_up="",
        why="one R- code alone, with nothing else of N4",
    ),
    Case(
        name="17 years, poorly differentiated, no scan",
        facts={"age_years": 17, "differentiation": "poor", "srs": None},
        state="refer", offered="R-MDT-HG", withheld="", asked="W-SRS",
        why="the grade is known to be high",
    ),
    Case(
        name="17 years, other syndrome and a liver graft",
        facts={"age_years": 17, "other_syndrome": True, "liver_transplant": True},
        state="refer", offered="R-MDT", withheld="",
        why="alone",
    ),
)  # fmt: skip
def test_children_are_referred(case: Case) -> None:
    check(case)
