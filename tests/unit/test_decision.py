"""A decision: what could not be retrieved asks to read, not to repeat, and changes nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.reasoning.graph import Kind
from tests.support.facts import BASELINE, BEYOND_LIVER, EXTENSIVE, UNREAD, advise

QUESTIONS: tuple[tuple[str, dict[str, Any], str, str], ...] = (
    # input, chart around it, the step that would settle it, state
    ("nelm_confirmed", {}, "W-PATH", "workup"),
    ("primary_site", {}, "W-PRIM", "treat"),
    ("cga", {}, "W-CGA", "treat"),
    ("platelet_serotonin", {}, "W-SEROT", "treat"),
    ("carcinoid_syndrome", {}, "W-SYMPT", "provisional"),
    ("liver_imaging", {}, "W-CT", "workup"),
    ("srs", {}, "W-SRS", "workup"),
    ("ki67_percent", {}, "W-KI67", "provisional"),
    ("extrahepatic_disease", {}, "W-EXTRA", "workup"),
    ("lesion_count", {}, "W-MAP", "workup"),
    ("largest_lesion_cm", {"lesion_count": 2}, "W-MAP", "workup"),
    ("radical_resection_possible", {}, "W-RESECT", "provisional"),
    ("remnant_adequate", {}, "W-RESECT", "provisional"),
    ("lobar_predominance", dict(EXTENSIVE), "W-MAP", "provisional"),
    ("portal_vein", dict(EXTENSIVE), "W-EMBO", "provisional"),
    ("hepatic_failure", dict(EXTENSIVE), "W-EMBO", "provisional"),
    ("biliary_anastomosis", dict(EXTENSIVE), "W-EMBO", "provisional"),
    ("mibg_avid", dict(EXTENSIVE), "W-MIBG", "provisional"),
    ("symptoms_controlled", dict(BEYOND_LIVER), "W-SYMPT", "provisional"),
    ("hepatomegaly", {"other_therapies_exhausted": True}, "W-HEPMEG", "provisional"),
    ("differentiation", {"other_therapies_exhausted": True}, "W-PATH", "provisional"),
    ("response", {"context": "post_embolisation"}, "W-MAP", "provisional"),
    ("extrahepatic_disease", {"ki67_percent": None}, "W-EXTRA", "workup"),
)


@pytest.mark.parametrize(("name", "around", "code", "state"), QUESTIONS)
def test_an_input_that_could_not_be_retrieved(name: str, around: dict[str, Any], code: str, state: str) -> None:
    missing = advise(around, {name: None})
    unread = advise(around, {name: UNREAD})
    assert code in missing.workup
    assert missing.unread == ()
    assert missing.asked_inputs(code) == (name,)
    assert unread.workup == tuple(c for c in missing.workup if c != code), "asks to read, not to repeat"
    assert unread.unread == (name,)
    assert unread.asked_inputs(code) == ()
    assert unread.state == missing.state == state
    assert unread.path == missing.path
    assert unread.treatment == missing.treatment
    assert unread.withhold == missing.withhold
    assert unread.safety == missing.safety


@pytest.mark.parametrize(
    ("facts", "workup", "unread"),
    [
        pytest.param(
            {**EXTENSIVE, "portal_vein": UNREAD, "hepatic_failure": None}, ("W-EMBO",), ("portal_vein",),
            id="two inputs of one step at one node",
        ),
        pytest.param(
            {**EXTENSIVE, "portal_vein": UNREAD, "hepatic_failure": UNREAD}, (), ("portal_vein", "hepatic_failure"),
            id="both unread",
        ),
        pytest.param(
            {"lesion_count": UNREAD, "largest_lesion_cm": None}, ("W-MAP",), ("lesion_count",),
            id="the count could not be read, the size is missing",
        ),
        pytest.param(
            {"lesion_count": None, "largest_lesion_cm": UNREAD}, ("W-MAP",), ("largest_lesion_cm",),
            id="the other way round",
        ),
        pytest.param(
            {"extrahepatic_disease": UNREAD, "lesion_count": None}, ("W-MAP",), ("extrahepatic_disease",),
            id="two steps of one round",
        ),
        pytest.param(
            {"context": "post_embolisation", "lesion_count": 3, "largest_lesion_cm": UNREAD}, ("W-MAP",),
            ("largest_lesion_cm",),
            id="the response asked for in N6 is not lost at the stop in N7",
        ),
        pytest.param(
            {"context": "post_embolisation", "response": UNREAD, "lesion_count": None}, ("W-MAP",), ("response",),
            id="nor at the stop in N6",
        ),
        pytest.param(
            {**BEYOND_LIVER, "carcinoid_syndrome": UNREAD, "symptoms_controlled": None}, (), ("carcinoid_syndrome",),
            id="whether symptoms are controlled is asked only where there are symptoms",
        ),
        pytest.param(
            {"nelm_confirmed": UNREAD, "cga": None, "srs": UNREAD}, ("W-CGA",), ("nelm_confirmed", "srs"),
            id="a stop with nothing but the unread to wait for",
        ),
    ],
)  # fmt: skip
def test_unread_beside_missing(facts: dict[str, Any], workup: tuple[str, ...], unread: tuple[str, ...]) -> None:
    decision = advise(facts)
    assert decision.workup == workup
    assert decision.unread == unread


def test_what_nobody_asks_is_not_unread() -> None:
    decision = advise(small_multiple_mets=UNREAD, context=UNREAD, hepatomegaly=UNREAD, mibg_avid=UNREAD)
    assert decision.unread == ()
    assert decision.state == "treat"


def test_unread_keeps_the_order_of_the_inputs() -> None:
    decision = advise(srs=UNREAD, cga=UNREAD, primary_site=UNREAD)
    assert decision.unread == ("primary_site", "cga", "srs")


def test_a_decision_names_its_guideline_and_carries_its_inputs() -> None:
    decision = advise()
    assert decision.guideline == "nelm-2006"
    assert list(decision.inputs)[: len(BASELINE)] == list(BASELINE)
    assert decision.path[0] == "N0"
    offered = decision.finding(Kind.OFFER, "T-RESECT")
    assert offered is not None
    assert offered.basis
    assert decision.finding(Kind.OFFER, "T-EMBO") is None


def test_a_step_settles_its_own_inputs_and_no_other_s() -> None:
    decided = advise({"primary_site": None, "cga": None, "platelet_serotonin": None})
    assert decided.asked_inputs("W-PRIM") == ("primary_site",)
    assert decided.asked_inputs("W-CGA") == ("cga",)
    assert decided.asked_inputs("W-SEROT") == ("platelet_serotonin",)
