"""N8: embolisation, its contraindications, and what follows an embolisation (N8-AFTER)."""

from __future__ import annotations

import pytest

from tests.support.cases import Case, check, table
from tests.support.facts import EXTENSIVE

COMMON = "T-RESECT:multiple T-ABLATE:count_gt_7"
WITHOUT = "T-OCT T-MIBG T-PRRT"


@pytest.mark.verifies("R34", "R36", "A18", "A22")
@table(
    Case(
        name="one lobe, nothing against it", facts={}, state="treat", offered="T-OCT T-EMBO T-MIBG T-PRRT",
        withheld=COMMON, asked="", safety="S-OCT-PERI S-DIURESIS", why="palliative option",
    ),
    Case(
        name="both lobes", facts={"lobar_predominance": False, "portal_vein": None}, offered=WITHOUT, asked="",
        withheld=f"{COMMON} T-EMBO:no_lobar_predominance", safety="", why="a reason holds: nothing more is asked",
    ),
    Case(
        name="portal vein partly occluded", facts={"portal_vein": "partial_occlusion"},
        offered="T-OCT T-EMBO T-MIBG T-PRRT", withheld=COMMON, asked="", why="complete only",
    ),
    Case(
        name="portal vein completely occluded", facts={"portal_vein": "complete_occlusion"}, offered=WITHOUT,
        withheld=f"{COMMON} T-EMBO:portal_vein_occlusion", asked="", why="contraindication",
    ),
    Case(
        name="hepatic failure", facts={"hepatic_failure": True}, offered=WITHOUT,
        withheld=f"{COMMON} T-EMBO:hepatic_failure", asked="", why="contraindication",
    ),
    Case(
        name="biliary anastomosis", facts={"biliary_anastomosis": True}, offered=WITHOUT,
        withheld=f"{COMMON} T-EMBO:biliary_anastomosis", asked="", why="contraindication",
    ),
    Case(
        name="embolisation failed", facts={"failed_therapies": ["T-EMBO"]}, offered=WITHOUT,
        withheld=f"{COMMON} T-EMBO:prior_failure", asked="", why="a clinician has stated it",
    ),
    Case(
        name="all five", facts={"lobar_predominance": False, "portal_vein": "complete_occlusion",
                                "hepatic_failure": True, "biliary_anastomosis": True, "failed_therapies": ["T-EMBO"]},
        offered=WITHOUT, asked="", why="each that holds",
        withheld=f"{COMMON} T-EMBO:no_lobar_predominance T-EMBO:portal_vein_occlusion T-EMBO:hepatic_failure "
                 "T-EMBO:biliary_anastomosis T-EMBO:prior_failure",
    ),
    Case(
        name="lobe not known", facts={"lobar_predominance": None}, state="provisional", offered=WITHOUT,
        withheld=COMMON, asked="W-MAP", safety="", why="an unknown gives a W- code, never a reason",
    ),
    Case(
        name="portal vein not known", facts={"portal_vein": None}, state="provisional", offered=WITHOUT,
        withheld=COMMON, asked="W-EMBO", why="unknown is not no",
    ),
    Case(
        name="hepatic failure not known", facts={"hepatic_failure": None}, state="provisional", offered=WITHOUT,
        withheld=COMMON, asked="W-EMBO", why="unknown is not no",
    ),
    Case(
        name="biliary anastomosis not known", facts={"biliary_anastomosis": None}, state="provisional",
        offered=WITHOUT, withheld=COMMON, asked="W-EMBO", why="unknown is not no",
    ),
    Case(
        name="lobe and portal vein not known", facts={"lobar_predominance": None, "portal_vein": None},
        state="provisional", offered=WITHOUT, withheld=COMMON, asked="W-MAP W-EMBO", why="a round is asked in full",
    ),
    Case(
        name="portal vein not known, biliary anastomosis", facts={"portal_vein": None, "biliary_anastomosis": True},
        state="treat", withheld=f"{COMMON} T-EMBO:biliary_anastomosis", asked="", why="nothing more is asked",
    ),
    Case(
        name="one lesion of 8 cm, lobe not known",
        facts={"lesion_count": 1, "largest_lesion_cm": 8, "lobar_predominance": None},
        asked="W-MAP", withheld="T-RESECT:not_radical T-ABLATE:size_gt_7cm", why="asked for a single lesion too",
    ),
    Case(
        name="tried, not failed", facts={"context": "recurrence"}, offered="T-OCT T-EMBO T-MIBG T-PRRT",
        why="only what is recorded as failed counts as failed",
    ),
)  # fmt: skip
def test_embolisation(case: Case) -> None:
    check(case, EXTENSIVE)


EMBOLISED = {"context": "post_embolisation"}


@pytest.mark.verifies("R40", "A4")
@table(
    Case(
        name="three lesions, radicality recorded", facts={"lesion_count": 3}, state="treat",
        offered="T-RESECT-POSTEMBO T-ABLATE", withheld="", asked="", safety="S-OCT-PERI",
        path="N0 N1 N2 N3 N4 N5 N6 N8-AFTER N9-LOCAL N10 N11 N12 N13 N14",
        why="selected case; several lesions are no reason here, debulking is not walked",
    ),
    Case(
        name="radicality not known", facts={"radical_resection_possible": None}, state="treat",
        offered="T-RESECT-POSTEMBO T-ABLATE", withheld="", asked="", why="not asked after embolisation",
    ),
    Case(
        name="4.1 cm", facts={"largest_lesion_cm": "4.1"}, offered="T-RESECT-POSTEMBO T-ABLATE-EXT",
        why="ablation beside it, by the tiers of N7",
    ),
    Case(
        name="nine lesions of 8 cm, ablation failed",
        facts={"lesion_count": 9, "largest_lesion_cm": 8, "failed_therapies": ["T-ABLATE"]},
        offered="T-RESECT-POSTEMBO", asked="",
        withheld="T-ABLATE:count_gt_7 T-ABLATE:size_gt_7cm T-ABLATE:prior_failure", why="each reason of N7",
    ),
    Case(
        name="count not known", facts={"lesion_count": None}, state="provisional", offered="T-RESECT-POSTEMBO",
        withheld="", asked="W-MAP", why="W-MAP, and T-RESECT-POSTEMBO stands",
    ),
    Case(
        name="size not known", facts={"largest_lesion_cm": None}, state="provisional", offered="T-RESECT-POSTEMBO",
        withheld="", asked="W-MAP", why="W-MAP, and T-RESECT-POSTEMBO stands",
    ),
    Case(
        name="remnant too small", facts={"remnant_adequate": False}, state="treat",
        offered="T-ABLATE", withheld="T-RESECT:remnant", asked="",
        path="N0 N1 N2 N3 N4 N5 N6 N8-AFTER N7 N9-LOCAL N10 N11 N12 N13 N14", why="T-RESECT with its reason, then N7",
    ),
    Case(
        name="neither radical nor remnant", facts={"remnant_adequate": False, "radical_resection_possible": False},
        offered="T-ABLATE", withheld="T-RESECT:remnant T-RESECT:not_radical", why="and/or",
    ),
    Case(
        name="not radical, remnant not known", facts={"remnant_adequate": None, "radical_resection_possible": False},
        offered="T-ABLATE", withheld="T-RESECT:not_radical", asked="", why="a reason holds",
    ),
    Case(
        name="remnant not known", facts={"remnant_adequate": None}, state="provisional", offered="T-ABLATE",
        withheld="", asked="W-RESECT", why="W-RESECT, then N7",
    ),
    Case(
        name="remnant and size not known", facts={"remnant_adequate": None, "largest_lesion_cm": None},
        state="workup", offered="", withheld="", asked="W-MAP", why="a stop in N7 lists W-MAP only",
    ),
    Case(
        name="remnant too small, count not known", facts={"remnant_adequate": False, "lesion_count": None},
        state="workup", offered="", withheld="", asked="W-MAP", why="N7 has to know the count",
    ),
    Case(
        name="hepatic failure", facts={"hepatic_failure": True}, offered="T-ABLATE", withheld="T-RESECT:remnant",
        why="the remnant is no in N8 too",
    ),
    Case(
        name="nine lesions, remnant too small",
        facts={"lesion_count": 9, "remnant_adequate": False, "radical_resection_possible": False}, state="treat",
        offered="T-OCT T-MIBG T-PRRT", asked="",
        withheld="T-RESECT:not_radical T-RESECT:remnant T-ABLATE:count_gt_7",
        why="good: N8 leaves no code, neither offered nor withheld",
    ),
    Case(
        name="with the syndrome", facts={"carcinoid_syndrome": True, "mibg_avid": None},
        offered="T-RESECT-POSTEMBO T-ABLATE T-OCT", asked="", why="local branch",
    ),
    Case(
        name="several lesions called radical, remnant too small", facts={"lesion_count": 3, "remnant_adequate": False},
        offered="T-ABLATE", withheld="T-RESECT:remnant T-DEBULK:remnant", why="N7 in full",
    ),
)  # fmt: skip
def test_after_a_good_response(case: Case) -> None:
    check(case, EMBOLISED, {"response": "good"})


@pytest.mark.verifies("R39")
@pytest.mark.parametrize("response", ["partial", "none"])
@table(
    Case(
        name="within the limits", facts={}, state="treat", offered="T-ABLATE T-EMBO-AGAIN", withheld="", asked="",
        safety="S-OCT-PERI S-DIURESIS", path="N0 N1 N2 N3 N4 N5 N6 N8-AFTER N9-LOCAL N10 N11 N12 N13 N14",
        why="embolise again, or ablate: local branch; N6 and N7 leave no code",
    ),
    Case(
        name="5 cm", facts={"largest_lesion_cm": 5}, offered="T-ABLATE-EXT T-EMBO-AGAIN", why="by the tiers of N7",
    ),
    Case(
        name="one to three lesions", facts={"lesion_count": "1-3"}, state="treat", offered="T-ABLATE T-EMBO-AGAIN",
        asked="", why="after embolisation only the limits of N7 matter, and they are answered",
    ),
    Case(
        name="five to twenty lesions", facts={"lesion_count": "5-20"}, state="workup", offered="", asked="W-MAP",
        why="perhaps more than seven",
    ),
    Case(
        name="nine lesions", facts={"lesion_count": 9}, state="treat", offered="T-OCT T-EMBO-AGAIN T-MIBG T-PRRT",
        withheld="T-ABLATE:count_gt_7", asked="",
        path="N0 N1 N2 N3 N4 N5 N6 N8-AFTER N9 N10 N11 N12 N13 N14", why="not ablatable: N9",
    ),
    Case(
        name="nine lesions of 8 cm, ablation failed",
        facts={"lesion_count": 9, "largest_lesion_cm": 8, "failed_therapies": ["T-ABLATE-EXT"]},
        withheld="T-ABLATE:count_gt_7 T-ABLATE:size_gt_7cm T-ABLATE:prior_failure", why="reasons by N7",
    ),
    Case(
        name="embolisation failed, both lobes", facts={"failed_therapies": ["T-EMBO"], "lobar_predominance": False},
        offered="T-ABLATE", withheld="T-EMBO:prior_failure T-EMBO:no_lobar_predominance", safety="S-OCT-PERI",
        why="on the conditions of N8, under the basic code",
    ),
    Case(
        name="lobe and biliary anastomosis not known", facts={"lobar_predominance": None, "biliary_anastomosis": None},
        state="provisional", offered="T-ABLATE", withheld="", asked="W-MAP W-EMBO", why="asked again",
    ),
    Case(
        name="portal vein completely occluded", facts={"portal_vein": "complete_occlusion"},
        offered="T-ABLATE", withheld="T-EMBO:portal_vein_occlusion", why="the same conditions",
    ),
    Case(
        name="count not known", facts={"lesion_count": None, "largest_lesion_cm": 9}, state="workup", offered="",
        withheld="", asked="W-MAP", why="stop, as in N6",
    ),
    Case(
        name="size not known", facts={"largest_lesion_cm": None}, state="workup", offered="", withheld="",
        asked="W-MAP", why="stop, as in N7",
    ),
    Case(
        name="size not known, nine lesions", facts={"largest_lesion_cm": None, "lesion_count": 9}, state="treat",
        offered="T-OCT T-EMBO-AGAIN T-MIBG T-PRRT", asked="", why="as in N7: a reason holds",
    ),
    Case(
        name="debulking recorded, small multiple metastases",
        facts={"est_cytoreduction_pct": 95, "small_multiple_mets": True}, offered="T-ABLATE T-EMBO-AGAIN", withheld="",
        why="N6 and N7 leave no code",
    ),
    Case(
        name="with the syndrome", facts={"carcinoid_syndrome": True}, offered="T-ABLATE T-EMBO-AGAIN T-OCT",
        why="local branch; with the syndrome embolisation stands before octreotide",
    ),
)  # fmt: skip
def test_after_partial_or_no_response(case: Case, response: str) -> None:
    check(case, EMBOLISED, {"response": response, "lesion_count": 3})


@pytest.mark.verifies("R39", "R40")
@table(
    Case(
        name="nine lesions", facts=EXTENSIVE, state="provisional", offered="T-OCT T-MIBG T-PRRT",
        withheld=COMMON, asked="W-MAP", why="N6, N7 and N9 as usual; embolisation neither offered nor withheld",
    ),
    Case(
        name="nine lesions, nothing known for N8",
        facts={**EXTENSIVE, "portal_vein": None, "hepatic_failure": True, "failed_therapies": ["T-EMBO"]},
        offered="T-OCT T-MIBG T-PRRT", withheld=COMMON, asked="W-MAP", why="N8 leaves no code",
    ),
    Case(
        name="one resectable lesion", facts={}, state="provisional", offered="T-RESECT T-ABLATE", withheld="",
        asked="W-MAP", why="N6 as usual",
    ),
    Case(
        name="three lesions", facts={"lesion_count": 3, "radical_resection_possible": False}, state="provisional",
        offered="T-ABLATE", withheld="T-RESECT:multiple", asked="W-MAP", why="N7 as usual",
    ),
    Case(
        name="one lesion, remnant not known", facts={"remnant_adequate": None}, state="provisional",
        offered="T-ABLATE", withheld="", asked="W-MAP W-RESECT", why="N6 as usual",
    ),
    Case(
        name="count not known", facts={"lesion_count": None}, state="workup", offered="", asked="W-MAP",
        why="N6 stops",
    ),
    Case(
        name="extrahepatic not known", facts={"extrahepatic_disease": None}, state="workup", asked="W-EXTRA",
        why="the response belongs to round 3",
    ),
)  # fmt: skip
def test_response_not_known(case: Case) -> None:
    check(case, EMBOLISED, {"response": None})
