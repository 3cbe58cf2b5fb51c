"""Ki-67 as a percentage of cells, and the specimen that it was counted in.

FHIR: https://hl7.org/fhir/R4/observation.html
# not read: method, note (text never becomes a value), a Specimen resource (its display is shown, no more).
"""

from __future__ import annotations

from msgspec import Struct

from fhir_mappings.facts import Fact, Interval, Known, Unknown, WhyUnknown, quoted
from fhir_mappings.observation import (
    observations,
    quantity_or_range,
    source,
    when,
    with_sources,
    within_0_and_100,
    without_value,
    written_value,
)
from fhir_mappings.quantities import written_number
from fhir_mappings.reading import Reading
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept
from fhir_mappings.wire import Resource


class Ki67Reading(Struct, frozen=True):
    """One Ki-67, in percent, and where its specimen was taken, as far as the record says so."""

    reading: Reading[Interval]
    in_liver: bool
    site: str | None  # in words
    of_primary: bool  # the site is an organ in which these tumours start


def ki67_readings(chart: Chart) -> list[Ki67Reading]:
    """Every counted Ki-67, those of panels included; preliminary pathology is Unknown(preliminary)."""
    return [_read(resource, chart) for resource in observations(chart, Concept.KI_67_PERCENT)]


def _read(resource: Resource, chart: Chart) -> Ki67Reading:
    date = when(resource)
    fact = _percentage(resource)
    if resource.status == "preliminary":
        fact = Unknown(WhyUnknown.PRELIMINARY, note="preliminary report")
    sites = resource.body_sites()
    organs = {chart.terminology.primary_site(c.system, c.code) for site in sites for c in site.codings()} - {None}
    in_liver = any(Concept.LIVER_BODY_SITE in chart.concepts(site) for site in sites)
    return Ki67Reading(
        reading=Reading(with_sources(fact, (source(resource, date),)), date),
        in_liver=in_liver,
        site="liver" if in_liver else _in_words(resource, organs),
        of_primary=bool(organs) and not in_liver,
    )


def _in_words(resource: Resource, organs: set[str | None]) -> str | None:
    """The specimen's place for a reader: the organ, else what the record calls it (shown, and decides nothing)."""
    if organs:
        return " or ".join(sorted(str(organ).replace("_", " ") for organ in organs))
    specimens = resource.specimen if isinstance(resource.specimen, list) else [resource.specimen]
    names = [site.label() for site in resource.body_sites()] + [s.display for s in specimens if s is not None]
    return next((quoted(name) for name in names if name), None)


def _percentage(resource: Resource) -> Fact[Interval]:
    if (absent := without_value(resource)) is not None:
        return absent
    fact = quantity_or_range(resource.valueQuantity, resource.valueRange, "%", dimensionless="%")
    text = written_value(resource)
    if fact is None and text:
        fact = _written_percentage(text)
    if fact is None:
        other = (resource.valueRatio, resource.valueInteger, resource.valueCodeableConcept, resource.valueBoolean)
        said_otherwise = any(value is not None for value in other)
        return Unknown(WhyUnknown.VALUE if said_otherwise else WhyUnknown.RESULT_MISSING)
    if isinstance(fact, Known) and not within_0_and_100(fact.value):
        return Unknown(WhyUnknown.MALFORMED, note="outside 0-100 %")
    return fact


def _written_percentage(text: str) -> Fact[Interval]:
    written = written_number(text)
    if written is None:
        return Unknown(WhyUnknown.VALUE, note=f"recorded as {quoted(text)}")
    interval, percent = written
    # "0,5" without a sign may be half a per cent or one half: the unit is not guessed.
    if percent is None and interval.high is not None and interval.high <= 1:
        return Unknown(WhyUnknown.UNIT, note=f"recorded as {interval.text()} without a unit")
    return Known(interval, note="read from text")
