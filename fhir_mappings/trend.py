"""How a tumour marker has moved, as values: the results, the latest first, and how it stands to the one before."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from fhir_mappings.facts import Interval, Source
from fhir_mappings.terminology import Concept


class Direction(StrEnum):
    """How the latest result stands to the one before; CEILING where the test cannot rise any further."""

    RISING = "rising"
    FALLING = "falling"
    STABLE = "stable"
    CEILING = "ceiling"
    NOT_COMPARABLE = "not_comparable"


class WhyNot(StrEnum):
    """Why two results are not compared."""

    ONE_RESULT = "one_result"
    OTHER_ASSAY = "other_assay"
    OTHER_UNIT = "other_unit"
    NOT_A_NUMBER = "not_a_number"
    NO_DATE = "no_date"  # there is another result, but when it was is not recorded
    SAME_DAY = "same_day"  # two differ, and which came first cannot be told
    TOO_VAGUE = "too_vague"  # "<20" against 15


@dataclass(frozen=True, slots=True)
class Result:
    """One result as recorded, its unit included."""

    text: str
    assay: str
    unit: str | None
    value: Interval | None  # in the unit as recorded; None where it is no number
    upper_limit: str | None  # of its own reference range
    preliminary: bool
    source: Source


@dataclass(frozen=True, slots=True)
class Trend:
    """The results of one marker, the latest first, and how the latest stands to the one before."""

    marker: Concept
    results: tuple[Result, ...]
    direction: Direction
    why_not: WhyNot | None = None
    other: Result | None = None  # the one that the latest was compared with, or could not be
