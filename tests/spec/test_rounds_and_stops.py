"""N2, N3, N5 and the stops: what is asked before the walk stops, and that a stop leaves nothing else."""

from __future__ import annotations

import pytest

from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.reasoning.decision import decide
from tests.support.cases import Case, check, table
from tests.support.facts import advise, needs

STOPPED = {"state": "workup", "offered": "", "withheld": "", "safety": "", "follow_up": ""}
UNMEASURED = {"lesion_count": None, "largest_lesion_cm": None}


@pytest.mark.verifies("R13", "A12", "A15")
@table(
    Case(
        name="no CT or MRI", facts={"liver_imaging": None}, asked="W-CT", path="N0 N1 N2 N3 N4", **STOPPED,
        why="hCT/MRI and SRS before treatment",
    ),
    Case(
        name="no receptor scan", facts={"srs": None}, asked="W-SRS", path="N0 N1 N2 N3 N4", **STOPPED,
        why="both are needed",
    ),
    Case(
        name="neither", facts={"liver_imaging": None, "srs": None}, asked="W-CT W-SRS", **STOPPED,
        why="each whose input is unknown",
    ),
    Case(
        name="no scan, more of every round missing",
        facts={"srs": None, "cga": None, "ki67_percent": None, "differentiation": None, "extrahepatic_disease": None,
               "lesion_count": None, "mibg_avid": None, "portal_vein": None},
        asked="W-CGA W-SRS W-KI67", **STOPPED,
        why="round 1 in full, nothing of rounds 2 and 3; differentiation belongs to N4 and N10",
    ),
    Case(
        name="MRI for CT", facts={"liver_imaging": "mri"}, asked="", state="treat", offered="T-RESECT T-ABLATE",
        why="either satisfies the anatomical requirement",
    ),
    Case(
        name="negative scan", facts={"srs": "negative"}, asked="", state="treat", offered="T-RESECT T-ABLATE",
        why="a negative scan is a scan",
    ),
)  # fmt: skip
def test_imaging_blocks(case: Case) -> None:
    check(case)


@pytest.mark.verifies("R14", "A15", "A29")
@table(
    Case(
        name="Ki-67 missing", facts={"ki67_percent": None},
        state="provisional", asked="W-KI67", offered="T-RESECT T-ABLATE", withheld="",
        why="shown, flagged, not blocking",
    ),
    Case(
        name="Ki-67 and differentiation missing", facts={"ki67_percent": None, "differentiation": None},
        state="provisional", asked="W-KI67", offered="T-RESECT T-ABLATE",
        why="both unknown: provisional; the gate does not ask for W-PATH",
    ),
    Case(
        name="Ki-67 5-20 %", facts={"ki67_percent": "5-20"},
        state="provisional", asked="W-KI67", offered="T-RESECT T-ABLATE",
        why="an interval across 15 does not tell the grade",
    ),
    Case(
        name="Ki-67 below 2 %", facts={"ki67_percent": "<2"},
        state="treat", asked="", offered="T-RESECT T-ABLATE",
        why="an interval that answers is an answer",
    ),
    Case(
        name="Ki-67 above 20 %", facts={"ki67_percent": ">20", "differentiation": "poor"},
        state="refer", asked="", offered="R-MDT-HG",
        why="an interval that answers is an answer",
    ),
    Case(
        name="Ki-67 above 15 %, no more", facts={"ki67_percent": ">15", "differentiation": "poor"},
        state="refer", asked="", offered="R-MDT-HG",
        why="an open bound leaves the limit itself out",
    ),
    Case(
        name="Ki-67 15 % or more", facts={"ki67_percent": ">=15"},
        state="provisional", asked="W-KI67",
        why="exactly 15 would be low",
    ),
    Case(
        name="Ki-67 10-15 %", facts={"ki67_percent": "10-15"},
        state="treat", asked="",
        why="the whole interval is low",
    ),
)  # fmt: skip
def test_ki67_does_not_block(case: Case) -> None:
    check(case)


@pytest.mark.verifies("R12", "R15", "A7")
@table(
    Case(
        name="extrahepatic not known", facts={"extrahepatic_disease": None}, asked="W-EXTRA", **STOPPED,
        path="N0 N1 N2 N3 N4 N5", why="unknown is not no",
    ),
    Case(
        name="and the lesions not counted", facts={"extrahepatic_disease": None, "lesion_count": None},
        asked="W-EXTRA W-MAP", **STOPPED, why="round 2: asked together",
    ),
    Case(
        name="and the size not known", facts={"extrahepatic_disease": None, "largest_lesion_cm": None},
        asked="W-EXTRA W-MAP", **STOPPED, why="round 2: asked together",
    ),
    Case(
        name="and a count too vague", facts={"extrahepatic_disease": None, "lesion_count": ">=5"},
        asked="W-EXTRA W-MAP", **STOPPED, why="what does not answer is unknown",
    ),
    Case(
        name="and a count that answers all", facts={"extrahepatic_disease": None, "lesion_count": ">=8"},
        asked="W-EXTRA", **STOPPED, why="more than seven whatever it is",
    ),
    Case(
        name="rounds 1 and 2 open", facts={"extrahepatic_disease": None, **UNMEASURED, "cga": None,
                                           "carcinoid_syndrome": None, "ki67_percent": None, "mibg_avid": None},
        asked="W-CGA W-SYMPT W-KI67 W-EXTRA W-MAP", **STOPPED, why="round 1 is kept, round 3 not reached",
    ),
    Case(
        name="rectal primary", facts={"extrahepatic_disease": None, "primary_site": "rectum"},
        asked="W-EXTRA", info="I-NOSEROT", **STOPPED, why="the note is kept",
    ),
)  # fmt: skip
def test_extrahepatic_disease_blocks(case: Case) -> None:
    check(case)


@pytest.mark.verifies("R16", "R21", "A9")
@table(
    Case(
        name="count not known", facts={"lesion_count": None}, asked="W-MAP", **STOPPED,
        path="N0 N1 N2 N3 N4 N5 N6", why="N6 stops",
    ),
    Case(
        name="one to three lesions", facts={"lesion_count": "1-3"}, asked="W-MAP", **STOPPED,
        why="an interval across 1 does not tell a solitary lesion",
    ),
    Case(
        name="five to twenty lesions", facts={"lesion_count": "5-20"}, asked="W-MAP", **STOPPED,
        path="N0 N1 N2 N3 N4 N5 N6 N7",
        why="certainly several, but perhaps more than seven: N7 stops and `multiple` is taken back",
    ),
    Case(
        name="at least five lesions", facts={"lesion_count": ">=5"}, asked="W-MAP", **STOPPED,
        why="as above",
    ),
    Case(
        name="five to seven lesions", facts={"lesion_count": "5-7"}, asked="", state="treat",
        offered="T-ABLATE T-DEBULK", withheld="T-RESECT:multiple",
        why="the whole interval is within the limit",
    ),
    Case(
        name="at least eight lesions", facts={"lesion_count": ">=8"}, asked="", state="treat",
        withheld="T-RESECT:multiple T-ABLATE:count_gt_7",
        why="the whole interval is beyond the limit",
    ),
    Case(
        name="several lesions, size not known", facts={"lesion_count": 3, "largest_lesion_cm": None}, asked="W-MAP",
        **STOPPED, path="N0 N1 N2 N3 N4 N5 N6 N7", why="N7 stops: no reason of N7 holds",
    ),
    Case(
        name="several lesions of 3 to 5 cm", facts={"lesion_count": 3, "largest_lesion_cm": "3-5"}, asked="W-MAP",
        **STOPPED, why="which tier?",
    ),
    Case(
        name="several lesions of 5 to 6 cm", facts={"lesion_count": 3, "largest_lesion_cm": "5-6"}, asked="",
        offered="T-ABLATE-EXT T-DEBULK", why="the whole interval lies in one tier",
    ),
    Case(
        name="nine lesions, size not known", facts={"lesion_count": 9, "largest_lesion_cm": None}, asked="",
        withheld="T-RESECT:multiple T-ABLATE:count_gt_7", why="a reason holds: the size is not asked",
    ),
    Case(
        name="ablation failed, size not known",
        facts={"lesion_count": 3, "largest_lesion_cm": None, "failed_therapies": ["T-ABLATE"]}, asked="",
        withheld="T-RESECT:multiple T-ABLATE:prior_failure", why="a reason holds: the size is not asked",
    ),
    Case(
        name="one unresectable lesion, size not known",
        facts={"largest_lesion_cm": None, "radical_resection_possible": False}, asked="W-MAP", **STOPPED,
        why="what N6 withheld is taken back",
    ),
    Case(
        name="one lesion, resectability and size not known",
        facts={"largest_lesion_cm": None, "remnant_adequate": None}, asked="W-MAP", **STOPPED,
        why="a stop in N7 lists round 1 and W-MAP only",
    ),
    Case(
        name="one lesion, nothing measured, round 1 open", facts={**UNMEASURED, "cga": None, "ki67_percent": None},
        asked="W-CGA W-KI67 W-MAP", **STOPPED, why="round 1 is kept",
    ),
)  # fmt: skip
def test_unmeasured_lesions_block(case: Case) -> None:
    check(case)


@pytest.mark.verifies("A29")
@pytest.mark.parametrize(
    ("ki67", "differentiation", "answer"),
    [
        ("15.0", "well", "low"),
        ("15.0", None, "low"),
        (None, "well", "not known"),
        (None, None, "not known"),
        ("5-20", "well", "not known"),
        (None, "poor", "high"),
    ],
)
def test_the_gate_never_calls_an_unknown_grade_low(ki67: str | None, differentiation: str | None, answer: str) -> None:
    decision = advise(ki67_percent=ki67, differentiation=differentiation)
    assert next(step.answer for step in decision.steps if step.node == "N4") == answer


def test_nothing_known_asks_the_whole_first_round() -> None:
    decision = decide(NELM_2006, needs({}))
    assert decision.state == "workup"
    assert decision.workup == ("W-PRIM", "W-CGA", "W-SEROT", "W-SYMPT", "W-CT", "W-SRS", "W-KI67", "W-PATH")
    assert (decision.treatment, decision.withhold, decision.safety, decision.follow_up) == ((), (), (), ())
