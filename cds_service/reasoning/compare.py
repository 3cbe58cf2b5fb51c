"""Comparisons of numbers that may be intervals: answered when the whole interval agrees, else unknown."""

from decimal import Decimal

from cds_service.reasoning.truth import NO, UNKNOWN, YES, Truth, negate
from fhir_mappings.facts import Fact, Interval, Unknown


def more_than(fact: Fact[Interval], limit: Decimal) -> Truth:
    """Whether the number is above the limit; the limit itself is not."""
    if isinstance(fact, Unknown):
        return UNKNOWN
    number = fact.value
    if number.low is not None and (number.low > limit or (number.low == limit and number.low_open)):
        return YES
    if number.high is not None and number.high <= limit:
        return NO
    return UNKNOWN


def at_least(fact: Fact[Interval], limit: Decimal) -> Truth:
    """Whether the number is the limit or above it."""
    if isinstance(fact, Unknown):
        return UNKNOWN
    number = fact.value
    if number.low is not None and number.low >= limit:
        return YES
    if number.high is not None and (number.high < limit or (number.high == limit and number.high_open)):
        return NO
    return UNKNOWN


def at_most(fact: Fact[Interval], limit: Decimal) -> Truth:
    """Whether the number is the limit or below it."""
    return negate(more_than(fact, limit))


def less_than(fact: Fact[Interval], limit: Decimal) -> Truth:
    """Whether the number is below the limit; the limit itself is not."""
    return negate(at_least(fact, limit))
