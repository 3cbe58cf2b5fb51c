"""What a card never prints (protocol 4.4, X1-X14), each rule in the situation that would tempt one to."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.answers import Answer, answer
from tests.support.facts import BEYOND_LIVER, EXTENSIVE, TRANSPLANTABLE, UNREAD
from tests.support.never import NEVER

SYNDROME: Mapping[str, Any] = {"carcinoid_syndrome": True, "symptoms_controlled": False}
SITUATIONS: Mapping[str, Mapping[str, Any]] = {
    "resectable": {},
    "resectable, syndrome": SYNDROME,
    "ablatable": {"lesion_count": 3},
    "several called radical": {"lesion_count": 3, "radical_resection_possible": True},
    "debulking, 89 %": {**EXTENSIVE, "est_cytoreduction_pct": "89"},
    "debulking, 90 %": {**EXTENSIVE, "est_cytoreduction_pct": "90"},
    "extensive": EXTENSIVE,
    "extensive, syndrome": {**EXTENSIVE, **SYNDROME},
    "beyond the liver": BEYOND_LIVER,
    "high grade": {"ki67_percent": 60},
    "transplantable": TRANSPLANTABLE,
    "everything failed": {**EXTENSIVE, "failed_therapies": ["T-EMBO", "T-OCT", "T-MIBG", "T-PRRT"]},
    "emergency": {"carcinoid_crisis_now": True},
    "scan missing": {"srs": None, "liver_imaging": None},
    "nothing read": dict.fromkeys(("cga", "srs", "liver_imaging", "ki67_percent"), UNREAD),
}


@pytest.mark.verifies(
    "X1", "X2", "X3", "X4", "X5", "X6", "X7", "X8", "X9", "X10", "X11", "X12", "X13", "X14",
)  # fmt: skip
@pytest.mark.parametrize("rule", NEVER)
@pytest.mark.parametrize("situation", SITUATIONS)
def test_a_card_never_prints(rule: str, situation: str) -> None:
    assert NEVER[rule](answer(SITUATIONS[situation])) == []


@pytest.mark.verifies("X1")
def test_only_the_crisis_card_quotes_that_octreotide_prevents() -> None:
    assert '"usually prevents or aborts"' in answer(carcinoid_crisis_now=True).text
    assert "prevents" not in answer().text


@pytest.mark.verifies("X2")
def test_treatment_of_choice_stands_beside_how_often_it_does_not_cure() -> None:
    for facts, code in (({}, "T-RESECT"), (SITUATIONS["several called radical"], "T-DEBULK")):
        detail = answer(facts).card_with(code).detail
        assert "*treatment of choice*" in detail
        assert 'ure "frequently impossible"' in detail


@pytest.mark.verifies("X3", "M6")
def test_symptom_response_is_shown_only_where_there_are_symptoms() -> None:
    assert "Symptom response 90 %" in answer(SYNDROME).text
    for absent in (False, None, UNREAD):
        assert "Symptom response" not in answer(carcinoid_syndrome=absent).text


@pytest.mark.verifies("X4", "A1")
def test_the_grade_is_never_bare() -> None:
    assert "low grade by the paper's 2000 classes" in answer(ki67_percent="1.9").text
    assert "High grade by the paper's 2000 classes" in answer(ki67_percent="15.1").text
    assert "grade by" not in answer(ki67_percent=None).text


@pytest.mark.verifies("X6", "M8")
def test_absent_contraindications_are_not_an_all_clear() -> None:
    text = answer(EXTENSIVE).card_with("T-EMBO").detail
    assert "None of the three listed contraindications is recorded; the list is not complete" in text


@pytest.mark.verifies("X7", "A22")
def test_a_treatment_that_no_longer_helps_is_not_called_a_failure() -> None:
    text = answer(EXTENSIVE, failed_therapies=["T-PRRT"]).text
    assert "radionuclide therapy (stated to no longer help; not proposed as a new step)" in text


@pytest.mark.verifies("X9", "M9")
def test_systemic_options_are_paragraphs_not_ranks() -> None:
    text = answer(EXTENSIVE).text
    assert text.index("**Long-acting octreotide.**") < text.index("**131I-MIBG therapy.**")
    assert 'joined by "or" in the paper: not a ranking' in text


@pytest.mark.verifies("X11", "A11")
def test_ninety_percent_is_no_safety_limit() -> None:
    below, above = answer(SITUATIONS["debulking, 89 %"]), answer(SITUATIONS["debulking, 90 %"])
    assert "less than 90 % removable (inferred from R24; not called useless there)" in below.text
    assert "*adequate* for relief, no safety limit" in above.card_with("T-DEBULK").detail


@pytest.mark.verifies("X13", "X14")
def test_what_could_not_be_read_is_not_taken_as_normal() -> None:
    given: Answer = answer(SITUATIONS["nothing read"])
    assert "nothing in it is taken as normal" in given.text
    assert "Not read: chromogranin A, CT or MRI, receptor scan, Ki-67." in given.text
