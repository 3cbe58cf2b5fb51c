"""What a step rests on: the branch by which an option was reached, the round a question belongs to, the edge taken."""

from __future__ import annotations

import pytest

from cds_service.guidelines.nelm_2006 import bases as on
from cds_service.guidelines.nelm_2006.pathway import PATHWAY
from cds_service.reasoning.graph import Basis, Kind
from tests.support.facts import advise

BEYOND_LIVER = {"extrahepatic_disease": True, "carcinoid_syndrome": True, "symptoms_controlled": False}
NINE_LESIONS = {"lesion_count": 9}


@pytest.mark.parametrize(
    ("facts", "code", "branch"),
    [
        (NINE_LESIONS, "T-OCT", on.SYSTEMIC_ENTRY),  # not suitable for local destruction: from the paper
        (BEYOND_LIVER, "T-OCT", on.EXTRAHEPATIC_SYSTEMIC),  # the abstract says "extensive": inferred
        (NINE_LESIONS, "T-EMBO", on.EMBOLISATION_NOT_ABLATABLE),
        ({**BEYOND_LIVER, **NINE_LESIONS}, "T-EMBO", on.EXTRAHEPATIC_EMBOLISATION),
    ],
)
def test_an_option_names_the_branch_by_which_it_was_reached(facts: dict[str, object], code: str, branch: Basis) -> None:
    finding = advise(facts).finding(Kind.OFFER, code)
    assert finding is not None
    assert branch in finding.basis


@pytest.mark.parametrize(("age", "answer"), [(17, "under 18"), (18, "confirmed"), (None, "confirmed")])
def test_the_first_answer_tells_a_child_from_an_adult(age: int | None, answer: str) -> None:
    assert advise(age_years=age).steps[0].answer == answer


def test_every_node_asks_in_its_round() -> None:
    rounds = {node.id: node.round for node in PATHWAY.nodes.values()}
    first = {name for name, number in rounds.items() if number == 1}
    second = {name for name, number in rounds.items() if number == 2}
    assert first == {"N0", "N1", "N2", "N3", "N4"}
    assert second == {"N5"}
    assert set(rounds.values()) == {1, 2, 3}
