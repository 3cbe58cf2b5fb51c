"""Which prefetch keys carry which inputs, and what it means when one of them could not be read."""

from __future__ import annotations

from typing import TypeVar

from fhir_mappings.answer import Availability
from fhir_mappings.facts import Fact, Known, Unknown, WhyUnknown
from fhir_mappings.select import Chart

T = TypeVar("T")

OBSERVATIONS = "observations"
PROCEDURES = "procedures"
MEDICATIONS = ("medicationRequests", "medicationStatements")
QUESTIONNAIRES = "questionnaireResponses"
IMAGING = ("imaging", "diagnosticReports", "procedures")

_WITHHELD = frozenset({Availability.FAILED, Availability.PARTIAL})

# A fact that is unknown for one of these reasons could be settled by the very resource that was not read.
_COULD_BE_SETTLED = frozenset({
    WhyUnknown.NOT_RECORDED,
    WhyUnknown.TOO_OLD,
    WhyUnknown.RESULT_MISSING,
    WhyUnknown.REGION,
    WhyUnknown.PROTOCOL,
    WhyUnknown.DEGREE,
    WhyUnknown.DATE_UNKNOWN,
    WhyUnknown.TOO_VAGUE,
    WhyUnknown.DATA_ABSENT,
    WhyUnknown.PRELIMINARY,
    WhyUnknown.HISTORY,
    WhyUnknown.REGIONAL_OR_DISTANT,
    WhyUnknown.NOT_GRADED,
})  # fmt: skip


def complete(chart: Chart, key: str) -> bool:
    """True if everything of this key was read."""
    return chart.availability.get(key) is Availability.COMPLETE


def unread(chart: Chart) -> tuple[str, ...]:
    """The queries that brought no answer, an error, or only part of it, as far as a reader has to be told.

    Medications show in either of two resources, and most EHRs serve only one. Assessments live in Observations; a
    caller that sends no QuestionnaireResponse keeps back nothing that the protocol asks for elsewhere.
    """
    keys = [key for key in chart.availability if not complete(chart, key)]
    if any(complete(chart, key) for key in MEDICATIONS):
        keys = [key for key in keys if key not in MEDICATIONS]
    return tuple(k for k in keys if k != QUESTIONNAIRES or chart.availability[k] is not Availability.ABSENT)


def unless_unread(fact: Fact[T], chart: Chart, *keys: str) -> Fact[T]:
    """The fact, or Unknown(not retrieved) where one of its carriers was not read in full and might have held it."""
    if isinstance(fact, Known) or all(complete(chart, key) for key in keys):
        return fact
    return _not_retrieved(fact)


def unless_all_unread(fact: Fact[T], chart: Chart, *keys: str) -> Fact[T]:
    """The fact, or Unknown(not retrieved) where none of its alternative carriers was read in full, or one was withheld.

    Imaging that was done shows in ImagingStudy, DiagnosticReport or Procedure; many EHRs serve only one of them. One
    that was asked for and failed is another matter: what it holds, nobody knows.
    """
    read = [complete(chart, key) for key in keys]
    withheld = any(chart.availability.get(key) in _WITHHELD for key in keys)
    if isinstance(fact, Known) or (any(read) and not withheld):
        return fact
    return _not_retrieved(fact)


def _not_retrieved(fact: Unknown) -> Unknown:
    if fact.why not in _COULD_BE_SETTLED:
        return fact
    return Unknown(WhyUnknown.NOT_RETRIEVED, fact.sources, fact.note)
