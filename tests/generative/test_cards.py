"""What holds for the cards of any patient: their limits, what must stand on them, and what never does (4.4)."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings, target
from msgspec.structs import replace

from cds_service.guidelines.nelm_2006.intake.medicines import Medicines
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from cds_service.reasoning.advice import MOST_CARDS
from fhir_mappings.not_understood import NotUnderstood
from tests.support.always import ALWAYS
from tests.support.answers import Answer, Beside, answer_to, recorded
from tests.support.any_answer import FOUND_BESIDE, KEYS, MUCH_GIVEN, MUCH_UNCLEAR, answers
from tests.support.facts import EXTENSIVE, UNREAD, chart
from tests.support.never import NEVER

RULES = ALWAYS | NEVER


def broken(answer: Answer) -> dict[str, list[str]]:
    """Each rule that an answer breaks, with what breaks it. All in one pass: an answer is dear to make."""
    return {name: found for name, rule in RULES.items() if (found := rule(answer))}


@settings(max_examples=700, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(answers())
def test_the_cards_of_any_patient(answer: Answer) -> None:
    assert broken(answer) == {}


@settings(max_examples=450, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(answers())
def test_the_cards_of_patients_on_whom_there_is_most_to_say(answer: Answer) -> None:
    target(float(len(answer.cards)), label="cards")
    target(float(sum(len(card.detail) for card in answer.cards)), label="characters")
    target(float(len(answer.decision.treatment)), label="options")
    assert broken(answer) == {}


# What a search for the longest answer comes back to: six options, much withheld, much missing, and a chart full of
# remarks. Close to the limit, so a text that grows is noticed here first.
LONGEST: Mapping[str, Any] = {
    **EXTENSIVE, "largest_lesion_cm": "7.1", "small_multiple_mets": True, "radical_resection_possible": True,
    "primary_site": "rectum", "cga": None, "ki67_percent": "5-20", "differentiation": None, "age_years": 61,
    "portal_vein": "partial_occlusion", "carcinoid_syndrome": True, "symptoms_controlled": None, "hepatomegaly": UNREAD,
    "failed_therapies": ["T-ABLATE"], "other_therapies_exhausted": True, "context": UNREAD, "other_syndrome": UNREAD,
    "carcinoid_heart_disease": None, "liver_transplant": UNREAD,
}  # fmt: skip


@pytest.mark.parametrize("medicines", [MUCH_GIVEN, MUCH_UNCLEAR])
def test_the_longest_answer_known_fits_four_cards(medicines: Medicines) -> None:
    needs = recorded(chart(LONGEST), "2026-01-05", note="<b>& *x* [y](z) " * 9)
    beside = Beside(
        histology_from_codes=True,
        other_malignancies=("Malignant neoplasm of prostate",) * 3,
        beside=tuple((name, needs.cga.sources[0]) for name in FOUND_BESIDE),
        set_aside="2 records of another patient",
        unread_keys=KEYS,
        patient_line=f"Chart of {'W' * 30}, born 1967-03-02.",
        medicines=medicines,
        not_understood=(NotUnderstood("CHROMOGRANIN A (local method)", needs.cga.sources[0]),) * 3,
        earlier_crisis="2024-05-17",
    )
    given = answer_to(replace(needs, policy=SitePolicy(transplant_age_limit=Decimal(60))), beside)
    assert len(given.decision.treatment) == 6
    assert len(given.cards) == MOST_CARDS
    assert broken(given) == {}
