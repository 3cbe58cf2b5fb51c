"""N6: one lesion, radical, enough liver left; and its neighbour N7 beside a resection."""

from __future__ import annotations

import pytest

from tests.support.cases import Case, check, table

RESECTED = {"state": "treat", "safety": "S-OCT-PERI", "follow_up": "F-CGA F-SEROT"}


@pytest.mark.verifies("R15", "R16", "R17", "R18", "R19", "A4", "A8")
@table(
    Case(
        name="all conditions met", facts={}, offered="T-RESECT T-ABLATE", withheld="", asked="", **RESECTED,
        path="N0 N1 N2 N3 N4 N5 N6 N7 N9-LOCAL N10 N11 N12 N13 N14",
        why="surgery first, ablation as the named alternative; N8 and N9 are not walked",
    ),
    Case(
        name="two lesions", facts={"lesion_count": 2, "radical_resection_possible": None, "remnant_adequate": None},
        state="treat", offered="T-ABLATE", withheld="T-RESECT:multiple", asked="",
        why="its only reason; radicality and remnant are not asked",
    ),
    Case(
        name="two lesions, neither radical nor remnant",
        facts={"lesion_count": 2, "radical_resection_possible": False, "remnant_adequate": False},
        withheld="T-RESECT:multiple", asked="", why="stands alone",
    ),
    Case(
        name="one lesion and small multiple ones",
        facts={"small_multiple_mets": True, "radical_resection_possible": None},
        state="treat", offered="T-ABLATE T-RADIO-ADJ", withheld="T-RESECT:multiple", asked="",
        why="not solitary",
    ),
    Case(
        name="small multiple ones not recorded", facts={"small_multiple_mets": None},
        offered="T-RESECT T-ABLATE", withheld="", asked="", why="read as no",
    ),
    Case(
        name="not radical", facts={"radical_resection_possible": False}, state="treat",
        offered="T-ABLATE", withheld="T-RESECT:not_radical", asked="", why="then N7",
    ),
    Case(
        name="too little liver left", facts={"remnant_adequate": False}, state="treat",
        offered="T-ABLATE", withheld="T-RESECT:remnant", asked="", why="then N7",
    ),
    Case(
        name="neither", facts={"radical_resection_possible": False, "remnant_adequate": False},
        withheld="T-RESECT:not_radical T-RESECT:remnant", asked="", why="all reasons are named",
    ),
    Case(
        name="not radical, remnant not known", facts={"radical_resection_possible": False, "remnant_adequate": None},
        offered="T-ABLATE", withheld="T-RESECT:not_radical", asked="", why="a reason holds: nothing is asked",
    ),
    Case(
        name="radicality not known", facts={"radical_resection_possible": None}, state="provisional",
        offered="T-ABLATE", withheld="", asked="W-RESECT", why="an unknown gives a W- code, and the walk goes on",
    ),
    Case(
        name="remnant not known", facts={"remnant_adequate": None}, state="provisional",
        offered="T-ABLATE", withheld="", asked="W-RESECT", why="an unknown gives a W- code, and the walk goes on",
    ),
    Case(
        name="neither known", facts={"radical_resection_possible": None, "remnant_adequate": None},
        state="provisional", offered="T-ABLATE", withheld="", asked="W-RESECT", why="asked once",
    ),
    Case(
        name="hepatic failure, remnant recorded as enough", facts={"hepatic_failure": True}, state="treat",
        offered="T-ABLATE", withheld="T-RESECT:remnant", asked="", why="enough functional liver tissue: no",
    ),
    Case(
        name="hepatic failure, remnant not known", facts={"hepatic_failure": True, "remnant_adequate": None},
        withheld="T-RESECT:remnant", asked="", why="the remnant is no whatever is recorded",
    ),
    Case(
        name="hepatic failure not known", facts={"hepatic_failure": None},
        offered="T-RESECT T-ABLATE", withheld="", asked="", why="read where it is known; N8 asks",
    ),
    Case(
        name="with the syndrome", facts={"carcinoid_syndrome": True, "symptoms_controlled": None},
        state="treat", offered="T-RESECT T-ABLATE T-OCT", asked="", why="control is not asked here",
    ),
)  # fmt: skip
def test_resection(case: Case) -> None:
    check(case)


@pytest.mark.verifies("R18", "R21", "R22", "A4", "A9", "A22")
@table(
    Case(name="4.0 cm", facts={"largest_lesion_cm": "4.0"}, offered="T-RESECT T-ABLATE", withheld="", why="R21"),
    Case(name="4.1 cm", facts={"largest_lesion_cm": "4.1"}, offered="T-RESECT T-ABLATE-EXT", withheld="", why="R22"),
    Case(name="7.0 cm", facts={"largest_lesion_cm": "7.0"}, offered="T-RESECT T-ABLATE-EXT", withheld="", why="R22"),
    Case(
        name="7.1 cm", facts={"largest_lesion_cm": "7.1", "mibg_avid": None, "portal_vein": None},
        state="treat", offered="T-RESECT", withheld="T-ABLATE:size_gt_7cm", asked="",
        why="N7 decides only on the ablation beside it; N8 and N9 are not walked",
    ),
    Case(
        name="ablation failed", facts={"failed_therapies": ["T-ABLATE-EXT"]},
        offered="T-RESECT", withheld="T-ABLATE:prior_failure", why="either tier closes both",
    ),
    Case(
        name="size not known", facts={"largest_lesion_cm": None}, state="provisional",
        offered="T-RESECT", withheld="", asked="W-MAP", why="W-MAP, and T-RESECT stands",
    ),
    Case(
        name="3 to 5 cm", facts={"largest_lesion_cm": "3-5"}, state="provisional",
        offered="T-RESECT", withheld="", asked="W-MAP", why="which tier?",
    ),
    Case(
        name="more than 5 cm", facts={"largest_lesion_cm": ">5"}, state="provisional",
        offered="T-RESECT", withheld="", asked="W-MAP", why="perhaps beyond 7",
    ),
    Case(
        name="size not known, ablation failed", facts={"largest_lesion_cm": None, "failed_therapies": ["T-ABLATE"]},
        state="treat", offered="T-RESECT", withheld="T-ABLATE:prior_failure", asked="", why="a reason holds",
    ),
    Case(
        name="50 % cytoreduction recorded", facts={"est_cytoreduction_pct": 50},
        offered="T-RESECT T-ABLATE", withheld="", why="debulking is not walked beside a resection",
    ),
)  # fmt: skip
def test_ablation_beside_a_resection(case: Case) -> None:
    check(case)


@pytest.mark.verifies("R56", "A4", "A22")
@table(
    Case(name="initial", facts={"context": "initial"}, offered="T-RESECT T-ABLATE", why="A4"),
    Case(name="context not recorded", facts={"context": None}, offered="T-RESECT T-ABLATE", why="read as initial"),
    Case(name="recurrence", facts={"context": "recurrence"}, offered="T-ABLATE T-RESECT", why="reversed"),
    Case(name="after ablation", facts={"context": "post_ablation"}, offered="T-ABLATE T-RESECT", why="reversed"),
    Case(
        name="recurrence of 5 cm", facts={"context": "recurrence", "largest_lesion_cm": 5},
        offered="T-ABLATE-EXT T-RESECT", why="either tier",
    ),
    Case(
        name="after ablation, no response", facts={"context": "post_ablation", "response": "none"},
        offered="T-ABLATE T-RESECT", asked="", why="only what is recorded as failed counts as failed",
    ),
    Case(
        name="recurrence, with the syndrome", facts={"context": "recurrence", "carcinoid_syndrome": True},
        offered="T-ABLATE T-RESECT T-OCT", asked="", why="they change the order only and ask for no new imaging",
    ),
)  # fmt: skip
def test_the_context_changes_the_order(case: Case) -> None:
    check(case)
