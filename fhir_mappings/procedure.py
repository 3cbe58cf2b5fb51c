"""Procedures on the liver and its vessels that were done.

FHIR: https://hl7.org/fhir/R4/procedure.html
Only `completed` is done; everything else says nothing. Procedure.outcome is no failure of a
therapy: that is a clinician's statement (assessment `failed-therapy`).
# not read: performer, location, complication, note.
"""

from __future__ import annotations

from dataclasses import dataclass

from fhir_mappings.dates import DateInterval, parse_date, period
from fhir_mappings.facts import Known, Source
from fhir_mappings.reading import Reading
from fhir_mappings.select import Chart, Unused, WhyUnused
from fhir_mappings.terminology import Concept
from fhir_mappings.typed import problem
from fhir_mappings.wire import Resource

LIVER_DIRECTED = frozenset({
    Concept.LIVER_RESECTION,
    Concept.LIVER_ABLATION,
    Concept.HEPATIC_ARTERY_EMBOLISATION,
    Concept.RADIOEMBOLISATION,
    Concept.LIVER_TRANSPLANTATION,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class ProcedureReading:
    """One completed procedure of a kind that the protocol knows."""

    source: Source
    concepts: frozenset[Concept]
    when: DateInterval | None


def procedures(chart: Chart) -> tuple[list[ProcedureReading], list[Unused]]:
    """Every completed procedure whose concept matters, and those of them that are not valid FHIR.

    Embolisation of an artery counts only with a liver body site.
    """
    found: list[ProcedureReading] = []
    unused: list[Unused] = []
    for resource in chart.of_type("Procedure"):
        concepts = chart.concepts(resource.code)
        for site in resource.body_sites():
            concepts |= chart.concepts(site)
        if Concept.EMBOLISATION_SITE_UNSTATED in concepts and Concept.LIVER_BODY_SITE in concepts:
            concepts |= {Concept.HEPATIC_ARTERY_EMBOLISATION}
        if not concepts or resource.status != "completed":
            continue
        where = problem(resource)
        if where is not None:
            unused.append(Unused(resource.reference, WhyUnused.MALFORMED, concepts, f"element {where}"))
            continue
        date = performed(resource)
        if date is not None and date.certainly_after_instant(chart.as_of):
            # It is recorded as done, so only its date can be wrong.
            date = None
        found.append(ProcedureReading(Source(resource.reference, date.day if date else None), concepts, date))
    return found, unused


def latest_of(found: list[ProcedureReading], concepts: frozenset[Concept]) -> Reading[str] | None:
    """The latest dated procedure of any of these kinds, its kind as a word; None if there is none with a date."""
    dated = [p for p in found if p.when is not None and p.concepts & concepts]
    if not dated:
        return None
    newest = max(dated, key=lambda p: (p.when.last if p.when else None, p.source.reference))
    kind = min(newest.concepts & concepts)
    return Reading(Known(kind.value.replace("-", " "), (newest.source,)), newest.when)


def performed(resource: Resource) -> DateInterval | None:
    """When the procedure was done, in the element of R4 or of R5."""
    spans = (resource.performedPeriod, resource.occurrencePeriod)
    return (
        parse_date(resource.performedDateTime or resource.occurrenceDateTime)
        or next((period(span.start, span.end) for span in spans if span is not None), None)
    )  # fmt: skip
