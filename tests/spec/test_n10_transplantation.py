"""N10: transplantation, closed by default, with every reason it can be closed for."""

from __future__ import annotations

import pytest

from tests.support.cases import Case, table
from tests.support.facts import TRANSPLANTABLE, advise, reasons


@pytest.mark.verifies("R47", "R48", "R49", "R50", "R51", "A21")
def test_every_criterion_holds() -> None:
    decision = advise(TRANSPLANTABLE)
    assert decision.state == "treat"
    assert decision.treatment == ("T-OLT-EVAL",)
    assert decision.workup == ()
    assert decision.safety == ("S-OLT-WARN",)
    assert set(decision.follow_up) == {"F-CGA", "F-SEROT"}
    assert reasons(decision, "T-OLT-EVAL") == set()


ROWS = (
    ({"age_years": 55}, "", "", "55 passes"),
    ({"age_years": 56}, "age", "", "older than the limit"),
    ({"age_years": "55-56"}, "age_unknown", "", "a year of birth that does not tell"),
    ({"age_years": None}, "age_unknown", "", "no W- code for the age"),
    ({"ki67_percent": "9.9"}, "", "", "below 10"),
    ({"ki67_percent": "10.0"}, "ki67_ge_10", "", "low grade, not transplantable"),
    ({"ki67_percent": None}, "ki67_unknown", "W-KI67", "asked in round 1"),
    ({"ki67_percent": "<2"}, "", "", "an interval that answers"),
    ({"ki67_percent": "5-12"}, "ki67_unknown", "", "low grade for certain, the 10 % not"),
    ({"differentiation": None}, "differentiation_unknown", "W-PATH", "well differentiated is a criterion"),
    ({"hepatomegaly": False}, "no_hepatomegaly", "", "hepatomegaly is a criterion"),
    ({"hepatomegaly": None}, "hepatomegaly_unknown", "W-HEPMEG", "asked"),
    ({"symptoms_controlled": True}, "symptoms_controlled", "", "uncontrollable symptoms are a criterion"),
    ({"symptoms_controlled": None}, "symptoms_unknown", "W-SYMPT", "asked, with the syndrome"),
    ({"carcinoid_syndrome": False}, "symptoms_controlled", "", "no syndrome counts as controlled"),
    ({"carcinoid_syndrome": False, "symptoms_controlled": None}, "symptoms_controlled", "", "control is not asked"),
    ({"carcinoid_syndrome": None}, "symptoms_unknown", "W-SYMPT", "the syndrome is asked in round 1"),
    ({"failed_therapies": ["T-OCT", "T-PRRT"]}, "option_remaining", "", "an untried option: MIBG"),
    ({"failed_therapies": ["T-OCT", "T-PRRT"], "mibg_avid": None}, "option_remaining", "W-MIBG", "an open question"),
    ({"lobar_predominance": None}, "option_remaining", "W-MAP", "an open question"),
    ({"lobar_predominance": True, "portal_vein": None}, "option_remaining", "W-EMBO", "an open question"),
    ({"lobar_predominance": True}, "option_remaining", "", "an untried option: embolisation"),
    ({"est_cytoreduction_pct": 95, "remnant_adequate": None}, "option_remaining", "W-RESECT", "an open question"),
    ({"est_cytoreduction_pct": 95}, "option_remaining", "", "an untried option: cytoreduction"),
    ({"lesion_count": 3}, "option_remaining", "", "an untried option: ablation"),
    ({"lesion_count": 1, "radical_resection_possible": True}, "option_remaining", "", "unresectable is a criterion"),
    ({"srs": "negative", "failed_therapies": ["T-OCT", "T-MIBG"]}, "", "", "withheld is not an option"),
    (
        {"age_years": 70, "ki67_percent": 12, "hepatomegaly": False, "symptoms_controlled": True, "lesion_count": 3},
        "age ki67_ge_10 no_hepatomegaly symptoms_controlled option_remaining", "", "every criterion that fails",
    ),
    (
        {"age_years": 70, "differentiation": None, "hepatomegaly": None, "symptoms_controlled": None},
        "age differentiation_unknown hepatomegaly_unknown symptoms_unknown", "W-SYMPT W-PATH W-HEPMEG",
        "each is asked even if another criterion fails already",
    ),
    (
        {"extrahepatic_disease": True, "symptoms_controlled": True}, "extrahepatic symptoms_controlled", "",
        "extrahepatic disease excludes",
    ),
    (
        {"extrahepatic_disease": True, "failed_therapies": [], "hepatomegaly": False},
        "extrahepatic no_hepatomegaly option_remaining", "", "systemic options are options",
    ),
)  # fmt: skip


@pytest.mark.verifies("R47", "R48", "R49", "A21", "A22")
@pytest.mark.parametrize(("facts", "withheld_for", "asked", "why"), ROWS, ids=[f"{r[0]}" for r in ROWS])
def test_each_criterion_that_fails_or_is_unknown_is_a_reason(
    facts: dict[str, object], withheld_for: str, asked: str, why: str
) -> None:
    decision = advise(TRANSPLANTABLE, facts)
    assert reasons(decision, "T-OLT-EVAL") == set(withheld_for.split()), why
    assert list(decision.workup) == asked.split(), why
    assert ("T-OLT-EVAL" in decision.treatment) is not bool(withheld_for)


@pytest.mark.verifies("R48", "A21", "A22")
@table(
    Case(name="not stated", facts={"other_therapies_exhausted": False}, why="default is no"),
    Case(name="not recorded", facts={"other_therapies_exhausted": None}, why="silence states nothing"),
    Case(name="liver graft", facts={"liver_transplant": True}, why="after a transplantation it is not read"),
)
def test_without_the_statement_it_is_not_named(case: Case) -> None:
    decision = advise(TRANSPLANTABLE, case.facts, {"hepatomegaly": None, "differentiation": None})
    assert "T-OLT-EVAL" not in decision.treatment, case.why
    assert reasons(decision, "T-OLT-EVAL") == set(), case.why
    assert decision.workup == (), case.why
    assert decision.treatment == ("R-MDT",), case.why


@pytest.mark.verifies("A22")
def test_after_a_local_option_the_statement_is_contradicted() -> None:
    decision = advise(other_therapies_exhausted=True, hepatomegaly=True, carcinoid_syndrome=True, age_years=40)
    assert decision.treatment == ("T-RESECT", "T-ABLATE", "T-OCT")
    assert reasons(decision, "T-OLT-EVAL") == {"symptoms_unknown", "option_remaining"}
    assert decision.workup == ("W-SYMPT",)
