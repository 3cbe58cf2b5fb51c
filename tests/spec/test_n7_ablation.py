"""N7: the limits and tiers of ablation, cytoreduction, and the adjuvant; the local branch that follows (N9-LOCAL)."""

from __future__ import annotations

import pytest

from cds_service.guidelines.nelm_2006 import bases as on
from cds_service.reasoning.graph import Kind
from tests.support.cases import Case, check, table
from tests.support.facts import EXTENSIVE, advise

SEVERAL = {"lesion_count": 3, "radical_resection_possible": False}


@pytest.mark.verifies("R21", "R22", "R23", "R54", "A9", "A10", "A22")
@table(
    Case(
        name="seven lesions of 4.0 cm", facts={"lesion_count": 7, "largest_lesion_cm": "4.0"}, state="treat",
        offered="T-ABLATE", withheld="T-RESECT:multiple", asked="", safety="S-OCT-PERI",
        path="N0 N1 N2 N3 N4 N5 N6 N7 N9-LOCAL N10 N11 N12 N13 N14",
        why="up to 7 lesions, up to 4 cm; local branch: N8 and N9 are not walked",
    ),
    Case(
        name="seven lesions of 4.1 cm", facts={"lesion_count": 7, "largest_lesion_cm": "4.1"},
        offered="T-ABLATE-EXT", withheld="T-RESECT:multiple", why="the extended tier",
    ),
    Case(
        name="seven lesions of 7.0 cm", facts={"lesion_count": 7, "largest_lesion_cm": "7.0"},
        offered="T-ABLATE-EXT", withheld="T-RESECT:multiple", why="up to 7 cm",
    ),
    Case(
        name="seven lesions of 7.1 cm", facts={"lesion_count": 7, "largest_lesion_cm": "7.1"},
        offered="T-OCT T-EMBO T-MIBG T-PRRT", withheld="T-RESECT:multiple T-ABLATE:size_gt_7cm",
        path="N0 N1 N2 N3 N4 N5 N6 N7 N8 N9 N10 N11 N12 N13 N14", why="not ablatable: N8, then N9",
    ),
    Case(
        name="eight lesions of 3 cm", facts={"lesion_count": 8},
        offered="T-OCT T-EMBO T-MIBG T-PRRT", withheld="T-RESECT:multiple T-ABLATE:count_gt_7",
        why="the limit is per session; staging is the team's",
    ),
    Case(
        name="eight lesions of 7.1 cm, ablation failed",
        facts={"lesion_count": 8, "largest_lesion_cm": "7.1", "failed_therapies": ["T-ABLATE"]},
        withheld="T-RESECT:multiple T-ABLATE:count_gt_7 T-ABLATE:size_gt_7cm T-ABLATE:prior_failure",
        why="each that holds",
    ),
    Case(
        name="extended ablation failed, 3 cm", facts={"failed_therapies": ["T-ABLATE-EXT"]},
        withheld="T-RESECT:multiple T-ABLATE:prior_failure", why="it closes both tiers",
    ),
    Case(
        name="other therapies failed", facts={"failed_therapies": ["T-EMBO", "T-RESECT", "T-DEBULK", "T-PRRT"]},
        offered="T-ABLATE", withheld="T-RESECT:multiple", why="closes no ablation",
    ),
    Case(
        name="not radical, one lesion, 7.1 cm", facts={"lesion_count": 1, "largest_lesion_cm": "7.1"},
        withheld="T-RESECT:not_radical T-ABLATE:size_gt_7cm", why="every step names its reason",
    ),
)  # fmt: skip
def test_the_limits_of_ablation(case: Case) -> None:
    check(case, SEVERAL)


@pytest.mark.verifies("R20", "R24", "R53", "A8", "A11")
@table(
    Case(
        name="90 %", facts={"est_cytoreduction_pct": 90}, offered="T-DEBULK T-OCT T-EMBO T-MIBG T-PRRT",
        withheld="T-RESECT:multiple T-ABLATE:count_gt_7", why="at least 90 %; N8 and N9 are walked beside it",
    ),
    Case(
        name="89 %", facts={"est_cytoreduction_pct": 89}, offered="T-OCT T-EMBO T-MIBG T-PRRT",
        withheld="T-RESECT:multiple T-ABLATE:count_gt_7 T-DEBULK:lt_90pct", why="not supported by the paper",
    ),
    Case(
        name="89.9 %", facts={"est_cytoreduction_pct": "89.9"},
        withheld="T-RESECT:multiple T-ABLATE:count_gt_7 T-DEBULK:lt_90pct", why="90.0 is meant",
    ),
    Case(
        name="80-95 %", facts={"est_cytoreduction_pct": "80-95"}, asked="",
        withheld="T-RESECT:multiple T-ABLATE:count_gt_7", why="too vague to answer: not named, and no W- code",
    ),
    Case(
        name="90-95 %", facts={"est_cytoreduction_pct": "90-95"}, offered="T-DEBULK T-OCT T-EMBO T-MIBG T-PRRT",
        why="the whole interval is enough",
    ),
    Case(
        name="below 90 %", facts={"est_cytoreduction_pct": "<90"},
        withheld="T-RESECT:multiple T-ABLATE:count_gt_7 T-DEBULK:lt_90pct", why="the whole interval is too little",
    ),
    Case(
        name="not recorded", facts={}, withheld="T-RESECT:multiple T-ABLATE:count_gt_7",
        why="not considered, not named",
    ),
    Case(
        name="several lesions called radically resectable", facts={"radical_resection_possible": True},
        offered="T-DEBULK T-OCT T-EMBO T-MIBG T-PRRT", why="appears as cytoreduction",
    ),
    Case(
        name="radically resectable, 50 %", facts={"radical_resection_possible": True, "est_cytoreduction_pct": 50},
        offered="T-DEBULK T-OCT T-EMBO T-MIBG T-PRRT", why="one of the two is enough",
    ),
    Case(
        name="radicality not known, 50 %", facts={"radical_resection_possible": None, "est_cytoreduction_pct": 50},
        asked="", withheld="T-RESECT:multiple T-ABLATE:count_gt_7 T-DEBULK:lt_90pct", why="and it is not asked",
    ),
    Case(
        name="90 %, remnant too small", facts={"est_cytoreduction_pct": 90, "remnant_adequate": False},
        withheld="T-RESECT:multiple T-ABLATE:count_gt_7 T-DEBULK:remnant", why="not enough liver left",
    ),
    Case(
        name="90 %, hepatic failure", facts={"est_cytoreduction_pct": 90, "hepatic_failure": True},
        withheld="T-RESECT:multiple T-ABLATE:count_gt_7 T-DEBULK:remnant T-EMBO:hepatic_failure",
        why="the remnant is no in N7 too",
    ),
    Case(
        name="90 %, remnant not known", facts={"est_cytoreduction_pct": 90, "remnant_adequate": None},
        state="provisional", asked="W-RESECT", offered="T-OCT T-EMBO T-MIBG T-PRRT",
        withheld="T-RESECT:multiple T-ABLATE:count_gt_7", why="asked only where debulking is considered",
    ),
    Case(
        name="89 %, remnant not known", facts={"est_cytoreduction_pct": 89, "remnant_adequate": None}, asked="",
        withheld="T-RESECT:multiple T-ABLATE:count_gt_7 T-DEBULK:lt_90pct", why="the reason is enough",
    ),
    Case(
        name="ablatable, 95 %", facts={"lesion_count": 3, "est_cytoreduction_pct": 95}, offered="T-ABLATE T-DEBULK",
        withheld="T-RESECT:multiple", why="whether or not ablatable",
    ),
    Case(
        name="one unresectable lesion, 95 %", facts={"lesion_count": 1, "est_cytoreduction_pct": 95},
        offered="T-ABLATE T-DEBULK", withheld="T-RESECT:not_radical", why="a percentage counts for one lesion too",
    ),
)  # fmt: skip
def test_cytoreduction(case: Case) -> None:
    check(case, EXTENSIVE)


@pytest.mark.verifies("R31", "R32", "R46", "A20")
@table(
    Case(
        name="ablation, receptor-positive", facts={}, offered="T-ABLATE T-RADIO-ADJ", withheld="T-RESECT:multiple",
        why="to eliminate small multiple metastases",
    ),
    Case(
        name="extended ablation", facts={"largest_lesion_cm": 6}, offered="T-ABLATE-EXT T-RADIO-ADJ",
        why="either tier",
    ),
    Case(
        name="debulking only", facts={"lesion_count": 9, "est_cytoreduction_pct": 95},
        offered="T-DEBULK T-RADIO-ADJ T-OCT T-EMBO T-MIBG T-PRRT", why="after surgical reduction of tumour load",
    ),
    Case(
        name="receptor-negative", facts={"srs": "negative"}, offered="T-ABLATE",
        withheld="T-RESECT:multiple T-RADIO-ADJ:srs_negative", why="receptor-targeted: needs a positive scan",
    ),
    Case(
        name="no small multiple metastases", facts={"small_multiple_mets": False}, offered="T-ABLATE",
        withheld="T-RESECT:multiple", why="not decided",
    ),
    Case(
        name="small multiple metastases not recorded, receptor-negative",
        facts={"small_multiple_mets": None, "srs": "negative"}, offered="T-ABLATE",
        withheld="T-RESECT:multiple", why="read as no, not named",
    ),
    Case(
        name="no local treatment, receptor-negative", facts={"lesion_count": 9, "srs": "negative", "mibg_avid": False},
        offered="T-EMBO", withheld="T-RESECT:multiple T-ABLATE:count_gt_7 T-OCT:srs_negative T-MIBG:not_avid "
                                   "T-PRRT:srs_negative",
        why="not decided without a local treatment of N7",
    ),
    Case(
        name="good response to embolisation", facts={
            "context": "post_embolisation", "response": "good", "radical_resection_possible": True},
        offered="T-RESECT-POSTEMBO T-ABLATE", withheld="", why="not beside T-RESECT-POSTEMBO",
    ),
    Case(
        name="good response, remnant too small", facts={
            "context": "post_embolisation", "response": "good", "remnant_adequate": False},
        offered="T-ABLATE T-RADIO-ADJ", withheld="T-RESECT:not_radical T-RESECT:remnant", why="N7 is walked",
    ),
    Case(
        name="partial response to embolisation", facts={"context": "post_embolisation", "response": "partial"},
        offered="T-ABLATE T-EMBO-AGAIN", withheld="", why="nor after partial or no response",
    ),
)  # fmt: skip
def test_the_adjuvant(case: Case) -> None:
    check(case, SEVERAL, {"small_multiple_mets": True})


@pytest.mark.verifies("R11", "R33", "R42", "A16", "A17", "A24")
@table(
    Case(
        name="no syndrome", facts={"mibg_avid": None, "failed_therapies": ["T-OCT", "T-MIBG"]}, state="treat",
        offered="T-ABLATE", withheld="T-RESECT:multiple", asked="",
        why="octreotide is not named, and MIBG and PRRT do not appear",
    ),
    Case(
        name="syndrome not recorded", facts={"carcinoid_syndrome": None, "srs": "negative"}, state="provisional",
        offered="T-ABLATE", withheld="T-RESECT:multiple", asked="W-SYMPT", why="only if yes",
    ),
    Case(
        name="syndrome", facts={"carcinoid_syndrome": True, "mibg_avid": None}, state="treat",
        offered="T-ABLATE T-OCT", withheld="T-RESECT:multiple", asked="", why="listed after the local treatment",
    ),
    Case(
        name="syndrome, receptor-negative", facts={"carcinoid_syndrome": True, "srs": "negative"},
        offered="T-ABLATE R-MDT", withheld="T-RESECT:multiple T-OCT:srs_negative", why="R-MDT last",
    ),
    Case(
        name="syndrome, receptor-negative, controlled",
        facts={"carcinoid_syndrome": True, "srs": "negative", "symptoms_controlled": True},
        offered="T-ABLATE", withheld="T-RESECT:multiple T-OCT:srs_negative", why="controlled: no question left",
    ),
    Case(
        name="syndrome, octreotide failed", facts={"carcinoid_syndrome": True, "failed_therapies": ["T-OCT"]},
        offered="T-ABLATE", withheld="T-RESECT:multiple T-OCT:prior_failure T-IFN:limited_benefit",
        why="by the same lines",
    ),
    Case(
        name="another syndrome beside it", facts={"carcinoid_syndrome": True, "other_syndrome": True},
        offered="T-ABLATE R-MDT", withheld="T-RESECT:multiple T-OCT:other_syndrome", why="by the same lines",
    ),
    Case(
        name="another syndrome alone", facts={"other_syndrome": True},
        offered="T-ABLATE R-MDT", withheld="T-RESECT:multiple",
        why="octreotide is not named without carcinoid syndrome; R-MDT is added all the same",
    ),
)  # fmt: skip
def test_octreotide_beside_local_treatment(case: Case) -> None:
    check(case, SEVERAL)


@pytest.mark.verifies("R33")
def test_after_a_partial_response_to_ablation_octreotide_rests_on_the_paper() -> None:
    symptomatic = {**SEVERAL, "carcinoid_syndrome": True}
    partial = advise(symptomatic, context="post_ablation", response="partial").finding(Kind.OFFER, "T-OCT")
    first = advise(symptomatic).finding(Kind.OFFER, "T-OCT")
    assert partial is not None
    assert first is not None
    assert partial.basis[0] is on.PARTIAL_RESPONSE_OCTREOTIDE
    assert first.basis[0] is on.LOCAL_OCTREOTIDE
