"""Comparisons answer when the whole interval agrees, else they are unknown (the CQL standard's Uncertainty tests)."""

from __future__ import annotations

from decimal import Decimal

import pytest

from cds_service.reasoning.compare import at_least, at_most, less_than, more_than
from cds_service.reasoning.truth import NO, UNKNOWN, YES, Truth, negate
from fhir_mappings.facts import Interval, Known, Unknown, WhyUnknown
from tests.support.facts import interval

SEVEN = Decimal(7)

ROWS = (
    # number, more than 7, at least 7
    ("6.9", NO, NO),
    ("7.0", NO, YES),
    ("7.1", YES, YES),
    ("<7", NO, NO),
    ("<=7", NO, UNKNOWN),
    ("<7.1", UNKNOWN, UNKNOWN),
    (">7", YES, YES),
    (">=7", UNKNOWN, YES),
    (">6.9", UNKNOWN, UNKNOWN),
    ("5-7", NO, UNKNOWN),
    ("7-9", UNKNOWN, YES),
    ("8-9", YES, YES),
    ("5-9", UNKNOWN, UNKNOWN),
    ("7-7", NO, YES),
)


@pytest.mark.parametrize(("number", "above", "from_it"), ROWS)
def test_against_seven(number: str, above: Truth, from_it: Truth) -> None:
    fact = Known(interval(number))
    assert more_than(fact, SEVEN) is above
    assert at_least(fact, SEVEN) is from_it
    assert at_most(fact, SEVEN) is negate(above)
    assert less_than(fact, SEVEN) is negate(from_it)


def test_half_open_intervals_leave_the_limit_out() -> None:
    assert more_than(Known(Interval(SEVEN, Decimal(9), low_open=True)), SEVEN) is YES
    assert at_least(Known(Interval(Decimal(5), SEVEN, high_open=True)), SEVEN) is NO


def test_nothing_known_answers_nothing() -> None:
    for fact in (Known(Interval(None, None)), Unknown(WhyUnknown.NOT_RECORDED)):
        for compare in (more_than, at_least, at_most, less_than):
            assert compare(fact, SEVEN) is UNKNOWN


def test_decimals_are_exact() -> None:
    assert at_most(Known(Interval.point("4.00")), Decimal("4.0")) is YES
    assert at_most(Known(Interval.point("4.0000001")), Decimal("4.0")) is NO
