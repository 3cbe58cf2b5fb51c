"""N4: the grade by the paper's 2000 classes, and what a high one brings."""

from __future__ import annotations

import pytest

from tests.support.cases import Case, check, table
from tests.support.facts import advise

LOW = {"state": "treat", "offered": "T-RESECT T-ABLATE", "withheld": "", "asked": ""}
HIGH = {"state": "refer", "safety": ""}


@pytest.mark.verifies("R1", "R14", "A1", "A2", "A29")
@table(
    Case(name="Ki-67 1.9 %", facts={"ki67_percent": "1.9"}, why="below 2 is not benign: the same pathway", **LOW),
    Case(name="Ki-67 2.0 %", facts={"ki67_percent": "2.0"}, why="exactly 2 is low grade", **LOW),
    Case(name="Ki-67 9.9 %", facts={"ki67_percent": "9.9"}, why="10 is asked for transplantation only", **LOW),
    Case(name="Ki-67 10.0 %", facts={"ki67_percent": "10.0"}, why="low grade, though not transplantable", **LOW),
    Case(name="Ki-67 15.0 %", facts={"ki67_percent": "15.0"}, why="exactly 15 is low grade", **LOW),
    Case(
        name="Ki-67 15.1 %", facts={"ki67_percent": "15.1", "differentiation": "poor"},
        offered="R-MDT-HG", withheld="LOCAL:high_grade", asked="", follow_up="", path="N0 N1 N2 N3 N4 N11 N12", **HIGH,
        why="above 15: the local pathway is closed",
    ),
    Case(
        name="differentiation not recorded, Ki-67 low", facts={"differentiation": None}, **LOW,
        why="the gate passes and does not ask for pathology",
    ),
    Case(
        name="differentiation not recorded, Ki-67 exactly 15", facts={"differentiation": None, "ki67_percent": 15},
        **LOW, why="at most 15",
    ),
)  # fmt: skip
def test_the_gate(case: Case) -> None:
    check(case)


@pytest.mark.verifies("R1", "A3")
@table(
    Case(
        name="well differentiated, Ki-67 16 %", facts={"ki67_percent": 16},
        offered="R-MDT-HG", asked="W-PATH", withheld="LOCAL:high_grade", **HIGH,
        why="only one of the two is high: pathology review",
    ),
    Case(
        name="poorly differentiated, Ki-67 12 %", facts={"differentiation": "poor", "ki67_percent": 12},
        offered="R-MDT-HG", asked="W-PATH", withheld="LOCAL:high_grade", **HIGH,
        why="treated as high grade for safety",
    ),
    Case(
        name="differentiation not recorded, Ki-67 16 %", facts={"differentiation": None, "ki67_percent": 16},
        offered="R-MDT-HG", asked="W-PATH", **HIGH,
        why="the other low or unknown",
    ),
    Case(
        name="poorly differentiated, Ki-67 unknown", facts={"differentiation": "poor", "ki67_percent": None},
        offered="R-MDT-HG", asked="W-KI67 W-PATH", **HIGH,
        why="refer whatever is open; round 1 is asked in refer too",
    ),
    Case(
        name="poorly differentiated, Ki-67 5-20 %", facts={"differentiation": "poor", "ki67_percent": "5-20"},
        offered="R-MDT-HG", asked="W-KI67 W-PATH", **HIGH,
        why="a Ki-67 that does not tell is unknown",
    ),
    Case(
        name="both high", facts={"differentiation": "poor", "ki67_percent": 60},
        offered="R-MDT-HG", asked="", **HIGH,
        why="nothing to reconcile",
    ),
)  # fmt: skip
def test_ki67_and_architecture_disagree(case: Case) -> None:
    check(case)


@pytest.mark.verifies("R11", "R42", "A16", "A21", "A24")
@table(
    Case(
        name="syndrome, receptor-positive", facts={"carcinoid_syndrome": True},
        offered="R-MDT-HG T-OCT", withheld="LOCAL:high_grade", follow_up="F-CGA F-SEROT", **HIGH,
        why="octreotide as in N9",
    ),
    Case(
        name="syndrome, receptor-negative", facts={"carcinoid_syndrome": True, "srs": "negative"},
        offered="R-MDT-HG", withheld="LOCAL:high_grade T-OCT:srs_negative", follow_up="", **HIGH,
        why="withheld with its reason; R-MDT is not added in refer",
    ),
    Case(
        name="syndrome, octreotide failed", facts={"carcinoid_syndrome": True, "failed_therapies": ["T-OCT"]},
        offered="R-MDT-HG", withheld="LOCAL:high_grade T-OCT:prior_failure T-IFN:limited_benefit", **HIGH,
        why="failure always brings interferon among the withheld",
    ),
    Case(
        name="syndrome and another one, receptor-negative",
        facts={"carcinoid_syndrome": True, "other_syndrome": True, "srs": "negative"},
        offered="R-MDT-HG", withheld="LOCAL:high_grade T-OCT:srs_negative T-OCT:other_syndrome", **HIGH,
        why="each reason that holds",
    ),
    Case(
        name="no syndrome", facts={"failed_therapies": ["T-OCT"], "srs": "negative", "mibg_avid": None},
        offered="R-MDT-HG", withheld="LOCAL:high_grade", asked="", **HIGH,
        why="beside the referral octreotide is named for the syndrome only, MIBG never",
    ),
    Case(
        name="syndrome not recorded", facts={"carcinoid_syndrome": None},
        offered="R-MDT-HG", withheld="LOCAL:high_grade", asked="W-SYMPT", **HIGH,
        why="unknown is asked in round 1",
    ),
    Case(
        name="another syndrome only", facts={"other_syndrome": True},
        offered="R-MDT-HG", withheld="LOCAL:high_grade", **HIGH,
        why="R-MDT not in refer",
    ),
    Case(
        name="all else failed", facts={"other_therapies_exhausted": True, "hepatomegaly": None, "age_years": 70},
        offered="R-MDT-HG", withheld="LOCAL:high_grade T-OLT-EVAL:high_grade", asked="", **HIGH,
        why="its only reason; the criteria of N10 are not asked",
    ),
    Case(
        name="all else failed, liver graft", facts={"other_therapies_exhausted": True, "liver_transplant": True},
        offered="R-MDT-HG", withheld="LOCAL:high_grade", **HIGH,
        why="after a transplantation that statement is not read",
    ),
    Case(
        name="extrahepatic, lesions not measured",
        facts={"extrahepatic_disease": None, "lesion_count": None, "largest_lesion_cm": None},
        offered="R-MDT-HG", asked="", **HIGH,
        why="round 2 is for those who pass the gate",
    ),
)  # fmt: skip
def test_beside_the_referral(case: Case) -> None:
    check(case, {"ki67_percent": 60, "differentiation": "poor"})


@pytest.mark.verifies("R13", "A3")
@table(
    Case(
        name="no receptor scan", facts={"srs": None}, asked="W-SRS",
        why="the referral does not wait for a scan",
    ),
    Case(
        name="no CT, no scan, chromogranin missing", facts={"srs": None, "liver_imaging": None, "cga": None},
        asked="W-CGA W-CT W-SRS", why="round 1 in full",
    ),
    Case(
        name="syndrome, all else failed, no CT",
        facts={"liver_imaging": None, "carcinoid_syndrome": True, "other_therapies_exhausted": True},
        asked="W-CT", why="nothing else of N4: no octreotide, no transplantation",
    ),
    Case(
        name="only the Ki-67 is high, no scan", facts={"srs": None, "differentiation": "well"},
        asked="W-SRS", why="nothing else of N4: no pathology review",
    ),
)  # fmt: skip
def test_a_known_high_grade_with_imaging_missing(case: Case) -> None:
    decision = check(case, {"ki67_percent": 60, "differentiation": "poor"})
    assert decision.state == "refer"
    assert decision.treatment == ("R-MDT-HG",)
    assert decision.withhold == ("LOCAL:high_grade",)
    assert decision.follow_up == decision.safety == ()
    assert decision.path == ("N0", "N1", "N2", "N3", "N4")


@pytest.mark.verifies("A2")
def test_the_high_grade_covers_every_local_option_under_one_name() -> None:
    withheld = advise(ki67_percent=60, lesion_count=30, extrahepatic_disease=True, est_cytoreduction_pct=50).withhold
    assert withheld == ("LOCAL:high_grade",)
