"""What holds for the cards of any patient: their limits, what must stand on them, and what never does (4.4)."""

from __future__ import annotations

from hypothesis import HealthCheck, given, settings, target

from tests.support.always import ALWAYS
from tests.support.answers import Answer
from tests.support.any_answer import answers
from tests.support.never import NEVER

RULES = ALWAYS | NEVER


def broken(answer: Answer) -> dict[str, list[str]]:
    """Each rule that an answer breaks, with what breaks it. All in one pass: an answer is dear to make."""
    return {name: found for name, rule in RULES.items() if (found := rule(answer))}


@settings(max_examples=1000, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(answers())
def test_the_cards_of_any_patient(answer: Answer) -> None:
    assert broken(answer) == {}


@settings(max_examples=600, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(answers())
def test_the_cards_of_patients_on_whom_there_is_most_to_say(answer: Answer) -> None:
    target(float(len(answer.cards)), label="cards")
    target(float(sum(len(card.detail) for card in answer.cards)), label="characters")
    target(float(len(answer.decision.treatment)), label="options")
    assert broken(answer) == {}
