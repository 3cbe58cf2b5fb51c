"""Procedures on the liver and its vessels that were done.

FHIR: https://hl7.org/fhir/R4/procedure.html
Only `completed` is done; a `stopped` one is shown, everything else says nothing. Procedure.outcome is shown too and is
no failure of a therapy: that is a clinician's statement (assessment `failed-therapy`).
# not read: performer, location, complication, note.
"""

from __future__ import annotations

from collections.abc import Iterator

from msgspec import Struct

from fhir_mappings.dates import DateInterval, parse_date, period
from fhir_mappings.facts import Known, Source, quoted
from fhir_mappings.reading import Reading
from fhir_mappings.select import Chart, Unused, WhyUnused
from fhir_mappings.terminology import Concept
from fhir_mappings.typed import problem
from fhir_mappings.wire import Coded, Resource

LIVER_DIRECTED = frozenset({
    Concept.LIVER_RESECTION,
    Concept.LIVER_ABLATION,
    Concept.HEPATIC_ARTERY_EMBOLISATION,
    Concept.RADIOEMBOLISATION,
    Concept.LIVER_TRANSPLANTATION,
})  # fmt: skip


_NO_EMBOLISATION = frozenset({Concept.PORTAL_VEIN_EMBOLISATION, Concept.RADIOEMBOLISATION})
# In the order in which one is named: a code can stand for two of them.
_NAMES = {
    Concept.RADIOEMBOLISATION: "radioembolisation",
    Concept.PORTAL_VEIN_EMBOLISATION: "portal vein embolisation or ALPPS",
    Concept.HEPATIC_ARTERY_EMBOLISATION: "hepatic artery embolisation",
    Concept.LIVER_ABLATION: "liver ablation",
    Concept.LIVER_TRANSPLANTATION: "liver transplantation",
    Concept.LIVER_RESECTION: "liver resection",
    Concept.BILIARY_ENTERIC_ANASTOMOSIS: "biliary-enteric anastomosis",
}
_HINTS = {
    "bile duct joined to the gut?": (
        "whipple", "pancreatoduodenectomy", "pancreaticoduodenectomy", "duodenopancreatectomy",
    ),
    "a caution before embolisation": (
        "biliary stent", "bile duct stent", "biliary drain", "bile duct drain", "sphincterotomy",
    ),
}  # fmt: skip
_LONGEST_NAME = 200


class ProcedureReading(Struct, frozen=True):
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
        concepts = _concepts(resource, chart)
        if not concepts or resource.status not in (None, "completed"):
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


def remarks(chart: Chart) -> Iterator[tuple[str, Source]]:
    """What belongs on a card and changes nothing: stopped and unsuccessful attempts, and what is no embolisation."""
    for resource in chart.of_type("Procedure"):
        if resource.status not in ("completed", "stopped"):
            continue
        date = performed(resource)
        origin = Source(resource.reference, date.day if date else None)
        concepts = _concepts(resource, chart)
        kinds = [name for concept, name in _NAMES.items() if concept in concepts]
        if kinds and resource.status == "stopped":
            yield f"{kinds[0]} recorded as stopped", origin
        elif kinds and _unsuccessful(resource, chart):
            yield f"attempt of {kinds[0]} recorded as unsuccessful (failed or not?)", origin
        elif kinds and concepts & _NO_EMBOLISATION and Concept.HEPATIC_ARTERY_EMBOLISATION not in concepts:
            yield kinds[0], origin
        elif resource.status == "completed" and Concept.BILIARY_ENTERIC_ANASTOMOSIS not in concepts:
            yield from ((hint, origin) for hint in _by_name(resource))


def _concepts(resource: Resource, chart: Chart) -> frozenset[Concept]:
    concepts = chart.concepts(resource.code)
    for site in resource.body_sites():
        concepts |= chart.concepts(site)
    if Concept.EMBOLISATION_SITE_UNSTATED in concepts and Concept.LIVER_BODY_SITE in concepts:
        concepts |= {Concept.HEPATIC_ARTERY_EMBOLISATION}
    return concepts


def _unsuccessful(resource: Resource, chart: Chart) -> bool:
    return isinstance(resource.outcome, Coded) and Concept.UNSUCCESSFUL_OUTCOME in chart.concepts(resource.outcome)


def _by_name(resource: Resource) -> Iterator[str]:
    """What the words alone suggest, for which no sure code is listed; never more than a hint."""
    name = (resource.code.label() if resource.code else None) or ""
    words = name[:_LONGEST_NAME].lower()
    for hint, spellings in _HINTS.items():
        if any(spelling in words for spelling in spellings):
            yield f"{quoted(name)} (by its name only: {hint})"


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
