"""What is known about a patient, what is not, and where either comes from.

A fact is `Known(value, sources)` or `Unknown(why, sources)`; there is no third form and no default. Facts
refuse to be used as a truth value, so that "unknown" can never slip through an `if` as "no".

This module is the only one of `fhir_mappings` that rules may see. It imports none of the others.
"""

from __future__ import annotations

from decimal import Decimal
from enum import StrEnum
from typing import Generic, NoReturn, TypeAlias, TypeVar

from msgspec import Struct

T = TypeVar("T")


class WhyUnknown(StrEnum):
    """The closed list of reasons for which a fact is not known."""

    NOT_RECORDED = "not_recorded"  # looked for, nothing there
    NOT_RETRIEVED = "not_retrieved"  # could not be looked for
    TOO_OLD = "too_old"
    FUTURE_DATE = "future_date"
    DATE_UNKNOWN = "date_unknown"  # no date where the rule needs one
    UNIT = "unit_not_understood"
    VALUE = "value_not_understood"
    TOO_VAGUE = "too_vague"  # an interval or a partial date that does not settle the question
    DATA_ABSENT = "data_absent"  # the resource itself says that it has no value
    MALFORMED = "malformed"
    CONFLICTING = "conflicting"
    UNCONFIRMED = "unconfirmed"
    PRELIMINARY = "preliminary"
    HISTORY = "history_of"
    INDETERMINATE = "indeterminate"  # a clinician looked and could not tell
    RESULT_MISSING = "result_missing"  # the examination was done, its result is not there
    REGION = "region_not_stated"
    PROTOCOL = "protocol_not_suitable"  # for example CT without contrast medium
    DEGREE = "degree_not_stated"
    SITE = "site_not_specific"  # an organ that spans two regions of the paper
    REGIONAL_OR_DISTANT = "regional_or_distant"
    WHICH_PRIMARY = "which_primary"
    EARLY_AFTER_TREATMENT = "early_after_treatment"
    NOT_GRADED = "not_graded"  # a course is recorded, not in the grades that the rule needs


class Source(Struct, frozen=True):
    """One resource that a fact rests on: a reference such as `Observation/123`, and its date as recorded."""

    reference: str
    date: str | None = None


class _Fact(Struct, frozen=True):
    def __bool__(self) -> NoReturn:
        raise TypeError(
            "a fact has no truth value: compare it with cds_service.reasoning.truth, so that unknown stays unknown"
        )


class Known(_Fact, Generic[T], frozen=True):
    """A value, the resources it was read from, and a remark that belongs beside it on a card."""

    value: T
    sources: tuple[Source, ...] = ()
    note: str | None = None


class Unknown(_Fact, frozen=True):
    """No value: why, the resources that were looked at (if any), and what a reader should be told."""

    why: WhyUnknown
    sources: tuple[Source, ...] = ()
    note: str | None = None


Fact: TypeAlias = Known[T] | Unknown

_LONGEST_QUOTE = 60


def quoted(text: str) -> str:
    """Text of the chart as a note shows it: on one line, and no longer than a card could bear."""
    line = " ".join(text[: 4 * _LONGEST_QUOTE].split())
    return line if len(line) <= _LONGEST_QUOTE and len(text) <= 4 * _LONGEST_QUOTE else f"{line[:_LONGEST_QUOTE]}…"


class Interval(Struct, frozen=True):
    """A number as far as it is known: `<2` and `5-10` are intervals, `3.0` is an interval of one point.

    `None` as a bound means unbounded. Bounds are inclusive unless marked open.
    """

    low: Decimal | None
    high: Decimal | None
    low_open: bool = False
    high_open: bool = False

    @classmethod
    def point(cls, value: Decimal | int | str) -> Interval:
        """Exactly this number. The type leaves floats out: 70 mm must not become 7.000000000000001 cm."""
        exact = Decimal(value)
        return cls(exact, exact)

    def __post_init__(self) -> None:
        if self.low is not None and self.high is not None and self.low > self.high:
            raise ValueError("an interval runs from its lower to its higher bound")

    def text(self) -> str:
        """The interval as a clinician writes it: `3`, `<2`, `5-10`."""
        if self.low is not None and self.low == self.high:
            return _plain(self.low)
        if self.low is None:
            return "any" if self.high is None else f"{'<' if self.high_open else '≤'}{_plain(self.high)}"
        if self.high is None:
            return f"{'>' if self.low_open else '≥'}{_plain(self.low)}"
        return f"{_plain(self.low)}-{_plain(self.high)}"


def _plain(number: Decimal) -> str:
    """Decimal without exponent or trailing zeros; one decimal is kept where the record has one (4.0)."""
    text = format(number, "f")
    if "." not in text:
        return text
    whole, _, fraction = text.partition(".")
    fraction = fraction.rstrip("0") or "0"
    return f"{whole}.{fraction}"
