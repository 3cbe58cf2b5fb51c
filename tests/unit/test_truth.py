"""The truth tables, row by row as in CqlLogicalOperatorsTest of the CQL standard, and the questions put to a fact."""

from __future__ import annotations

import pytest

from cds_service.reasoning.truth import (
    NO,
    UNKNOWN,
    YES,
    Truth,
    all_of,
    any_of,
    equals,
    holds,
    is_known,
    negate,
    one_of,
)
from fhir_mappings.facts import Fact, Known, Unknown, WhyUnknown

TABLE = (
    # left, right, and, or
    (YES, YES, YES, YES),
    (YES, NO, NO, YES),
    (YES, UNKNOWN, UNKNOWN, YES),
    (NO, YES, NO, YES),
    (NO, NO, NO, NO),
    (NO, UNKNOWN, NO, UNKNOWN),
    (UNKNOWN, YES, UNKNOWN, YES),
    (UNKNOWN, NO, NO, UNKNOWN),
    (UNKNOWN, UNKNOWN, UNKNOWN, UNKNOWN),
)
MISSING = tuple(Unknown(why) for why in WhyUnknown)


@pytest.mark.parametrize(("left", "right", "both", "either"), TABLE)
def test_and_or(left: Truth, right: Truth, both: Truth, either: Truth) -> None:
    assert all_of(left, right) is both
    assert any_of(left, right) is either
    assert negate(any_of(negate(left), negate(right))) is both  # De Morgan


@pytest.mark.parametrize(("truth", "opposite"), [(YES, NO), (NO, YES), (UNKNOWN, UNKNOWN)])
def test_not(truth: Truth, opposite: Truth) -> None:
    assert negate(truth) is opposite


def test_of_nothing_and_of_many() -> None:
    assert all_of() is YES
    assert any_of() is NO
    assert all_of(YES, UNKNOWN, NO) is NO
    assert any_of(NO, UNKNOWN, YES) is YES


@pytest.mark.parametrize("truth", list(Truth))
def test_a_truth_is_not_a_bool(truth: Truth) -> None:
    with pytest.raises(TypeError, match="three values"):
        bool(truth)


def test_a_known_fact_answers() -> None:
    assert (holds(Known(True)), holds(Known(False))) == (YES, NO)
    assert (equals(Known("good"), "good"), equals(Known("good"), "none")) == (YES, NO)
    assert (one_of(Known("rectum"), {"rectum"}), one_of(Known("ileum"), {"rectum"})) == (YES, NO)
    assert is_known(Known(False)) is YES


@pytest.mark.parametrize("missing", MISSING, ids=[str(fact.why) for fact in MISSING])
def test_an_unknown_fact_never_answers_yes_or_no_whatever_the_reason(missing: Fact[bool]) -> None:
    assert holds(missing) is UNKNOWN
    assert equals(missing, False) is UNKNOWN
    assert one_of(missing, {True, False}) is UNKNOWN
    assert is_known(missing) is NO
