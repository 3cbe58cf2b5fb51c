"""What holds for any patient, whatever is known of him or her."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.guidelines.nelm_2006 import NELM_2006, rules
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.order import WORKUP, treatment_order
from cds_service.guidelines.nelm_2006.pathway import EMBOLISATIONS, INVASIVE, PATHWAY
from cds_service.reasoning.decision import Decision, decide
from cds_service.reasoning.graph import Kind
from cds_service.reasoning.truth import UNKNOWN, Truth
from tests.support.any_patient import VALUES, answers, charts, is_unknown
from tests.support.facts import BEYOND_LIVER, EXTENSIVE, TRANSPLANTABLE, UNREAD, advise, needs

Facts = dict[str, Any]

STATES = {"emergency", "out_of_scope", "refer", "workup", "provisional", "treat"}
BASIC = {
    "T-RESECT-POSTEMBO": "T-RESECT", "T-ABLATE-EXT": "T-ABLATE", "T-ABLATE-PALL": "T-ABLATE", "T-EMBO-AGAIN": "T-EMBO",
}  # fmt: skip


def decided(facts: Mapping[str, Any]) -> Decision:
    return decide(NELM_2006, needs(facts))


any_patient = settings(max_examples=250, deadline=None)


@any_patient
@given(charts())
def test_there_is_always_one_answer_in_the_fixed_orders(facts: Facts) -> None:
    decision = decided(facts)
    assert decision.state in STATES
    assert decision == decided(facts), "same needs, same decision"
    for listed, order in ((decision.workup, WORKUP), (decision.treatment, treatment_order(needs(facts)))):
        assert list(listed) == [code for code in order if code in listed]
        assert len(set(listed)) == len(listed)
    offered = set(decision.treatment)
    assert offered == {f.code for f in decision.findings if f.kind is Kind.OFFER}, "an order forgets no option"
    assert decision.treatment or decision.state in {"emergency", "out_of_scope", "workup"}
    if decision.state in {"emergency", "out_of_scope"}:
        assert not (decision.treatment or decision.withhold or decision.workup or decision.unread or decision.info)
        assert not decision.follow_up
    if decision.state == "workup":
        assert decision.workup or decision.unread, "a stop names what it waits for"
        assert not (decision.treatment or decision.withhold or decision.safety or decision.follow_up)


@any_patient
@given(charts())
def test_options_come_with_their_protection_and_their_follow_up_and_nothing_else_does(facts: Facts) -> None:
    decision = decided(facts)
    offered = set(decision.treatment)
    assert ("S-OCT-PERI" in decision.safety) == bool(offered & INVASIVE)
    assert ("S-DIURESIS" in decision.safety) == bool(offered & EMBOLISATIONS)
    assert ("S-OLT-WARN" in decision.safety) == ("T-OLT-EVAL" in offered)
    assert ("S-OCT-CRISIS" in decision.safety) == (decision.state == "emergency")
    treated = any(code.startswith("T-") for code in offered)
    hindgut = facts["primary_site"] in {"rectum", "sigmoid"}
    expected = {"F-CGA"} | (set() if hindgut else {"F-SEROT"}) if treated else set()
    assert set(decision.follow_up) == expected
    assert ("I-NOSEROT" in decision.info) == (hindgut and decision.state not in {"emergency", "out_of_scope"})


@any_patient
@given(charts())
def test_what_is_contraindicated_or_withheld_is_never_offered(facts: Facts) -> None:
    decision = decided(facts)
    offered = {BASIC.get(code, code) for code in decision.treatment}
    assert not offered & {item.partition(":")[0] for item in decision.withhold}
    if facts["portal_vein"] == "complete_occlusion" or True in (facts["hepatic_failure"], facts["biliary_anastomosis"]):
        assert "T-EMBO" not in offered
    if facts["hepatic_failure"] is True:
        assert not offered & {"T-RESECT", "T-DEBULK"}
    if facts["srs"] == "negative":
        assert not offered & {"T-OCT", "T-PRRT", "T-RADIO-ADJ"}
    if facts["extrahepatic_disease"] is True:
        assert not set(decision.treatment) & {"T-RESECT", "T-RESECT-POSTEMBO", "T-DEBULK", "T-ABLATE", "T-OLT-EVAL"}
    for code in facts["failed_therapies"] if facts["failed_therapies"] is not UNREAD else ():
        if code not in {"T-RESECT"}:
            assert BASIC.get(code, code) not in offered
    if facts["context"] == "post_embolisation":
        assert "T-EMBO" not in decision.treatment


@any_patient
@given(charts())
def test_an_option_rests_on_known_facts(facts: Facts) -> None:
    """The inputs without which an option may never be offered: unknown is not no."""
    required = {
        "T-RESECT": ("lesion_count", "radical_resection_possible", "remnant_adequate"),
        "T-RESECT-POSTEMBO": ("context", "response", "remnant_adequate"),
        "T-ABLATE": ("lesion_count", "largest_lesion_cm"),
        "T-ABLATE-EXT": ("lesion_count", "largest_lesion_cm"),
        "T-ABLATE-PALL": ("lesion_count", "largest_lesion_cm", "carcinoid_syndrome", "symptoms_controlled"),
        "T-DEBULK": ("remnant_adequate",),
        "T-EMBO": ("lobar_predominance", "portal_vein", "hepatic_failure", "biliary_anastomosis"),
        "T-EMBO-AGAIN": ("response", "lobar_predominance", "portal_vein", "hepatic_failure", "biliary_anastomosis"),
        "T-MIBG": ("mibg_avid",),
        "T-RADIO-ADJ": ("small_multiple_mets",),
        "T-OLT-EVAL": ("age_years", "ki67_percent", "differentiation", "hepatomegaly", "carcinoid_syndrome",
                       "symptoms_controlled", "other_therapies_exhausted"),
    }  # fmt: skip
    decision = decided(facts)
    for code in decision.treatment:
        assert not [name for name in required.get(code, ()) if is_unknown(facts[name])]
        if code.startswith("T-"):
            gates = ("nelm_confirmed", "liver_imaging", "srs")
            assert not [name for name in gates if is_unknown(facts[name])]
            assert decision.state == "refer" or not is_unknown(facts["extrahepatic_disease"])


BLOCKING: tuple[tuple[str, str, str, frozenset[str]], ...] = (
    # input, its step, the node that asks, the answers of that node with which it is not asked
    ("nelm_confirmed", "W-PATH", "N1", frozenset()),
    ("primary_site", "W-PRIM", "N1", frozenset()),
    ("cga", "W-CGA", "N1", frozenset()),
    ("carcinoid_syndrome", "W-SYMPT", "N1", frozenset()),
    ("liver_imaging", "W-CT", "N2", frozenset()),
    ("srs", "W-SRS", "N2", frozenset()),
    ("ki67_percent", "W-KI67", "N3", frozenset()),
    ("extrahepatic_disease", "W-EXTRA", "N5", frozenset()),
    ("lesion_count", "W-MAP", "N6", frozenset({"embolised, response known"})),
    ("lesion_count", "W-MAP", "N8-AFTER", frozenset({
        "good response, not resectable", "good response, remnant not known",  # then N7 asks
    })),
    ("response", "W-MAP", "N6", frozenset()),
)  # fmt: skip


@any_patient
@given(charts())
def test_every_unknown_that_blocks_is_asked_for_or_named_as_unread(facts: Facts) -> None:
    decision = decided(facts)
    answered = {step.node: step.answer for step in decision.steps}
    asked = {name for f in decision.findings if f.kind is Kind.ASK for name in f.inputs}
    for name, code, node, silent in BLOCKING:
        if name == "response" and facts["context"] != "post_embolisation":
            continue
        if node in answered and answered[node] not in silent and is_unknown(facts[name]):
            assert name in asked
            assert name in decision.unread if facts[name] is UNREAD else code in decision.workup
    for name in asked:
        assert (name in decision.unread) == (facts[name] is UNREAD)


@any_patient
@given(charts())
def test_unread_changes_the_questions_and_nothing_else(facts: Facts) -> None:
    decision = decided(facts)
    missing = decided({name: None if value is UNREAD else value for name, value in facts.items()})
    assert missing.unread == ()
    assert set(decision.workup) <= set(missing.workup)
    for part in ("state", "treatment", "withhold", "safety", "follow_up", "info", "path"):
        assert getattr(decision, part) == getattr(missing, part)


@any_patient
@given(charts())
def test_a_known_high_grade_is_always_referred(facts: Facts) -> None:
    high = facts["differentiation"] == "poor" or facts["ki67_percent"] in {"15.1", "60", ">20"}
    decision = decided(facts)
    if facts["nelm_confirmed"] is True and facts["carcinoid_crisis_now"] is not True and high:
        assert decision.state == "refer"
        assert decision.treatment[0] == "R-MDT-HG"
        assert set(decision.treatment) <= {"R-MDT-HG", "T-OCT"}
    else:
        assert "R-MDT-HG" not in decision.treatment


def test_a_record_with_nothing_known_offers_no_treatment() -> None:
    for unknown in (None, UNREAD):
        decision = advise(dict.fromkeys(VALUES, unknown))
        assert decision.state == "workup"
        assert (decision.treatment, decision.withhold) == ((), ())


READ_SILENCE_AS_NO = frozenset({
    "crisis_now", "under_18", "hindgut_primary", "high_grade", "grade_signs_disagree", "small_multiple",
    "ablation_failed", "embolisation_failed", "debulking_considered", "cytoreduction_sufficient",
    "other_functioning_syndrome", "transplanted", "all_else_failed", "after_embolisation", "ablation_comes_first",
    "partial_response_to_ablation",
})  # fmt: skip
ABOUT_THE_RECORD = frozenset({"imaging_complete", "ki67_answers_the_grade"})  # "is it there", which answers may change

QUESTIONS: dict[str, Callable[[Needs], Truth]] = {
    name: rule
    for name, rule in inspect.getmembers(rules, inspect.isfunction)
    if rule.__module__ == rules.__name__ and list(inspect.signature(rule).parameters) == ["needs"]
}


@any_patient
@given(st.data())
def test_learning_more_never_overturns_an_answer(data: st.DataObject) -> None:
    """Kleene monotonicity of every question that does not read silence as no."""
    facts = data.draw(charts())
    before, after = needs(facts), needs(data.draw(answers(facts)))
    for name in QUESTIONS.keys() - READ_SILENCE_AS_NO - ABOUT_THE_RECORD:
        if (known := QUESTIONS[name](before)) is not UNKNOWN:
            if name == "remnant_adequate" and QUESTIONS[name](after) is not known:
                assert after.hepatic_failure != before.hepatic_failure, "hepatic failure outranks the record (I)"
                continue
            assert QUESTIONS[name](after) is known, name


TURNS = ("N0", "N2", "N4", "N5", "N6", "N7", "N8-AFTER")


@any_patient
@given(st.data())
def test_answering_what_was_asked_takes_nothing_back_unless_the_walk_turns(data: st.DataObject) -> None:
    facts = data.draw(charts())
    decision = decided(facts)
    asked = {name for f in decision.findings if f.kind is Kind.ASK for name in f.inputs}
    filled = data.draw(answers({name: facts[name] for name in facts if name in asked and is_unknown(facts[name])}))
    answered = decided({**facts, **filled})
    if _turns(decision) != _turns(answered) or filled.get("hepatic_failure") is True:
        return  # hepatic failure outranks a remnant recorded as enough (I)
    assert {f.code for f in decision.findings if f.kind is Kind.OFFER and _is_settled(f.code)} <= set(
        answered.treatment
    )
    assert {item for item in decision.withhold if _is_settled(item)} <= set(answered.withhold)


def _turns(decision: Decision) -> list[tuple[str, str]]:
    return [(step.node, step.answer) for step in decision.steps if step.node in TURNS]


def _is_settled(code: str) -> bool:
    """Referrals and transplantation weigh what is open elsewhere, so answers may change them."""
    return not code.startswith(("R-", "T-OLT-EVAL"))


SMALL_STEPS: dict[str, Facts] = {
    "emergency": {"carcinoid_crisis_now": True},
    "somebody else's patient": {"nelm_confirmed": False},
    "histology unknown": {"nelm_confirmed": None},
    "child": {"age_years": 9},
    "scan missing": {"srs": None},
    "scan missing, high grade": {"srs": None, "ki67_percent": 60},
    "high grade": {"ki67_percent": 60},
    "Ki-67 unknown": {"ki67_percent": None},
    "extrahepatic unknown": {"extrahepatic_disease": None},
    "resectable": {},
    "resectable, syndrome": {"carcinoid_syndrome": True},
    "recurrence": {"context": "recurrence"},
    "not radical": {"radical_resection_possible": False},
    "radicality unknown": {"radical_resection_possible": None},
    "count unknown": {"lesion_count": None},
    "size unknown": {"lesion_count": 2, "largest_lesion_cm": None},
    "ablatable": {"lesion_count": 2},
    "liver graft": {"liver_transplant": True},
    "extensive": dict(EXTENSIVE),
    "extensive, embolised": {**EXTENSIVE, "context": "post_embolisation"},
    "nothing left": {**TRANSPLANTABLE, "other_therapies_exhausted": False},
    "transplantable": dict(TRANSPLANTABLE),
    "good response": {"context": "post_embolisation", "response": "good"},
    "good response, remnant small": {"context": "post_embolisation", "response": "good", "remnant_adequate": False},
    "good response, remnant unknown": {"context": "post_embolisation", "response": "good", "remnant_adequate": None},
    "no response": {"context": "post_embolisation", "response": "none"},
    "no response, extensive": {**EXTENSIVE, "context": "post_embolisation", "response": "none"},
    "no response, count unknown": {"context": "post_embolisation", "response": "none", "lesion_count": None},
    "beyond the liver": dict(BEYOND_LIVER),
    "beyond the liver, no syndrome": {**BEYOND_LIVER, "carcinoid_syndrome": False},
    "beyond the liver, controlled": {**BEYOND_LIVER, "symptoms_controlled": True},
    "beyond the liver, control unknown": {**BEYOND_LIVER, "symptoms_controlled": None},
    "beyond the liver, count unknown": {**BEYOND_LIVER, "lesion_count": None},
    "beyond the liver, extensive": {**BEYOND_LIVER, **EXTENSIVE},
    "beyond the liver, embolised": {**BEYOND_LIVER, **EXTENSIVE, "context": "post_embolisation"},
}


def test_every_edge_of_the_graph_is_walked_by_somebody() -> None:
    walked = {(step.node, step.answer) for facts in SMALL_STEPS.values() for step in advise(facts).steps}
    assert walked == {(node.id, edge.answer) for node in PATHWAY.nodes.values() for edge in node.edges}


@pytest.mark.parametrize("node", PATHWAY.nodes)
def test_every_node_is_reached_by_somebody(node: str) -> None:
    assert any(node in advise(facts).path for facts in SMALL_STEPS.values())
