"""Three-valued logic (Kleene), written out as tables that can be checked row by row against the CQL standard's own.

A Truth refuses to be used in an `if`: "unknown" must never be taken for "no".
"""

from collections.abc import Container
from enum import Enum
from typing import NoReturn, TypeVar

from fhir_mappings.facts import Fact, Unknown

T = TypeVar("T")


class Truth(Enum):
    """Yes, no, or not known."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"

    @property
    def yes(self) -> bool:
        """Known to be so."""
        return self is Truth.YES

    @property
    def no(self) -> bool:
        """Known not to be so; not the same as "not yes"."""
        return self is Truth.NO

    @property
    def unknown(self) -> bool:
        """Not known."""
        return self is Truth.UNKNOWN

    def __bool__(self) -> NoReturn:
        raise TypeError("a Truth has three values: ask for .yes, .no or .unknown")


YES, NO, UNKNOWN = Truth.YES, Truth.NO, Truth.UNKNOWN

_AND = {
    (YES, YES): YES,
    (YES, NO): NO,
    (YES, UNKNOWN): UNKNOWN,
    (NO, YES): NO,
    (NO, NO): NO,
    (NO, UNKNOWN): NO,
    (UNKNOWN, YES): UNKNOWN,
    (UNKNOWN, NO): NO,
    (UNKNOWN, UNKNOWN): UNKNOWN,
}
_OR = {
    (YES, YES): YES,
    (YES, NO): YES,
    (YES, UNKNOWN): YES,
    (NO, YES): YES,
    (NO, NO): NO,
    (NO, UNKNOWN): UNKNOWN,
    (UNKNOWN, YES): YES,
    (UNKNOWN, NO): UNKNOWN,
    (UNKNOWN, UNKNOWN): UNKNOWN,
}
_NOT = {YES: NO, NO: YES, UNKNOWN: UNKNOWN}


def all_of(*truths: Truth) -> Truth:
    """Yes if every one is yes, no if any is no."""
    result = YES
    for truth in truths:
        result = _AND[result, truth]
    return result


def any_of(*truths: Truth) -> Truth:
    """Yes if any is yes, no if every one is no."""
    result = NO
    for truth in truths:
        result = _OR[result, truth]
    return result


def negate(truth: Truth) -> Truth:
    """The opposite; the opposite of unknown is unknown."""
    return _NOT[truth]


def holds(fact: Fact[bool]) -> Truth:
    """A yes/no fact as a Truth."""
    if isinstance(fact, Unknown):
        return UNKNOWN
    return YES if fact.value else NO


def equals(fact: Fact[T], value: T) -> Truth:
    """Whether a fact has exactly this value."""
    if isinstance(fact, Unknown):
        return UNKNOWN
    return YES if fact.value == value else NO


def one_of(fact: Fact[T], values: Container[T]) -> Truth:
    """Whether a fact has one of these values."""
    if isinstance(fact, Unknown):
        return UNKNOWN
    return YES if fact.value in values else NO


def is_known(fact: Fact[T]) -> Truth:
    """Whether there is a value at all; the one question about a fact that is never unknown."""
    return NO if isinstance(fact, Unknown) else YES
