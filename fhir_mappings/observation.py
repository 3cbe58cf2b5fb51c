"""Observations as measurements: tumour markers, Ki-67, tumour sizes, liver tests.

FHIR: https://hl7.org/fhir/R4/observation.html
# not read: note, performer, device, focus (they do not change a value); hasMember (members come as resources).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from fhir_mappings.dates import DateInterval, parse_date, period
from fhir_mappings.facts import Fact, Interval, Known, Source, Unknown, WhyUnknown
from fhir_mappings.quantities import RawQuantity, quantity_in, range_in, written_number
from fhir_mappings.reading import Reading
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept, canonical_system
from fhir_mappings.typed import problem
from fhir_mappings.wire import Coded, Component, Quantity, Range, Resource

COUNTED = frozenset({"final", "amended", "corrected", "preliminary"})

_HIGH = frozenset({"H", "HH", "HU"})
_INTERPRETATIONS = frozenset({
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://terminology.hl7.org/CodeSystem/v2-0078",
    "http://hl7.org/fhir/v2/0078",
    None,
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Marker:
    """A tumour marker as recorded: whether it lies above its own reference range, and the result as text."""

    elevated: bool | None
    result: str
    assay: str


def observations(chart: Chart, concept: Concept) -> list[Resource]:
    """This patient's Observations of a concept whose status counts."""
    return [
        resource
        for resource in chart.of_type("Observation")
        if concept in chart.concepts(resource.code) and resource.status in COUNTED
    ]


def when(resource: Resource) -> DateInterval | None:
    """The clinically relevant time: effective, else issued."""
    return (
        parse_date(resource.effectiveDateTime or resource.effectiveInstant)
        or (period(resource.effectivePeriod.start, resource.effectivePeriod.end) if resource.effectivePeriod else None)
        or parse_date(resource.issued)
    )  # fmt: skip


def source(resource: Resource, date: DateInterval | None) -> Source:
    """The resource as a source, with its date as recorded."""
    return Source(resource.reference, date.day if date else None)


def markers(chart: Chart, concept: Concept) -> list[Reading[Marker]]:
    """Every counted result of one tumour marker; a result counts even where its elevation cannot be told."""
    found = []
    for resource in observations(chart, concept):
        date = when(resource)
        found.append(Reading(_marker(resource, source(resource, date)), date))
    return found


def percentages(chart: Chart, concept: Concept) -> list[Reading[Interval]]:
    """Every counted result of a concept that is a percentage of cells, as an interval in percent."""
    found = []
    for resource in observations(chart, concept):
        date = when(resource)
        origin = (source(resource, date),)
        fact = _percentage(resource)
        if resource.status == "preliminary":
            fact = Unknown(WhyUnknown.PRELIMINARY, note="preliminary report")
        found.append(Reading(with_sources(fact, origin), date))
    return found


def tumour_diameters(chart: Chart) -> list[Reading[Interval]]:
    """Longest diameters (cm) of liver tumours by mCODE tumour size; one with a specimen is pathology's."""
    found = []
    for resource in observations(chart, Concept.TUMOUR_SIZE):
        in_liver = any(Concept.LIVER_BODY_SITE in chart.concepts(site) for site in resource.body_sites())
        if not in_liver or resource.specimen:
            continue
        date = when(resource)
        fact = _diameter(resource, chart)
        found.append(Reading(with_sources(fact, (source(resource, date),)), date))
    return found


def outside_own_range(chart: Chart, concept: Concept) -> Iterator[Reading[str]]:
    """Results of a concept that lie outside their own reference range, as text (bilirubin, INR)."""
    for resource in observations(chart, concept):
        if problem(resource) is not None or resource.valueQuantity is None:
            continue
        if _flagged_high(resource) or _above(resource) or _below(resource):
            date = when(resource)
            text = raw_quantity(resource.valueQuantity).text()
            yield Reading(Known(text, (source(resource, date),)), date)


def raw_quantity(quantity: Quantity) -> RawQuantity:
    """A wire Quantity for conversion, its system in canonical form."""
    system = canonical_system(quantity.system) or None
    return RawQuantity(quantity.value, quantity.comparator, quantity.unit, system, quantity.code)


def with_sources(fact: Fact[Interval], sources: tuple[Source, ...]) -> Fact[Interval]:
    """The same fact with its sources filled in."""
    if isinstance(fact, Known):
        return Known(fact.value, sources, fact.note)
    return Unknown(fact.why, sources, fact.note)


def quantity_or_range(
    quantity: Quantity | None, value_range: Range | None, unit: str, *, dimensionless: str | None = None
) -> Fact[Interval] | None:
    """valueQuantity, else valueRange, in a unit; None if there is neither."""
    if quantity is not None:
        return quantity_in(raw_quantity(quantity), unit, dimensionless=dimensionless)
    if value_range is not None:
        low = raw_quantity(value_range.low) if value_range.low else None
        high = raw_quantity(value_range.high) if value_range.high else None
        return range_in(low, high, unit)
    return None


def _marker(resource: Resource, origin: Source) -> Fact[Marker]:
    if resource.dataAbsentReason is not None:
        return Unknown(WhyUnknown.DATA_ABSENT, (origin,), _label(resource.dataAbsentReason))
    where = problem(resource)
    if where is not None:
        return Unknown(WhyUnknown.MALFORMED, (origin,), f"element {where}")
    result = _result_text(resource)
    if result is None:
        return Unknown(WhyUnknown.RESULT_MISSING, (origin,))
    if not _is_result(resource):
        return Unknown(WhyUnknown.VALUE, (origin,), "words instead of a result, or below zero")
    elevated = True if _flagged_high(resource) else _above_range(resource)
    note = "preliminary" if resource.status == "preliminary" else None
    assay = next((c.code for c in resource.code.codings() if c.code), "") if resource.code else ""
    return Known(Marker(elevated, result, assay), (origin,), note)


def _is_result(resource: Resource) -> bool:
    """A number, or a finding flagged by the laboratory; "pending" and "haemolysed" are no results."""
    quantity = resource.valueQuantity
    if quantity is not None and quantity.value is not None:
        return quantity.value >= 0
    written = bool(resource.valueString) and written_number(str(resource.valueString)) is not None
    return written or resource.valueInteger is not None or _flagged_high(resource)


def _result_text(resource: Resource) -> str | None:
    if resource.valueQuantity is not None and resource.valueQuantity.value is not None:
        return raw_quantity(resource.valueQuantity).text()
    if resource.valueString:
        return resource.valueString
    if resource.valueCodeableConcept is not None:
        return resource.valueCodeableConcept.label()
    if resource.valueInteger is not None:
        return str(resource.valueInteger)
    return None


def _flagged_high(resource: Resource) -> bool:
    return any(
        coding.code in _HIGH and coding.system in _INTERPRETATIONS
        for flag in _interpretations(resource)
        for coding in flag.codings()
    )


def _interpretations(resource: Resource) -> list[Coded]:
    flags = resource.interpretation
    if flags is None:
        return []
    return flags if isinstance(flags, list) else [flags]


def _above_range(resource: Resource) -> bool | None:
    """True or False against the result's own single reference range in the same unit; None if there is none."""
    value = resource.valueQuantity
    limits = [r.high for r in resource.referenceRange or () if r.high and r.high.value is not None]
    if value is None or value.value is None or len(limits) != 1:
        return None
    if (limits[0].code or limits[0].unit) != (value.code or value.unit):
        return None
    limit = limits[0].value
    assert limit is not None  # noqa: S101 - filtered above
    match value.comparator:
        case None | "":
            return value.value > limit
        case ">":
            return True if value.value >= limit else None
        case ">=":
            return True if value.value > limit else None
        case "<" | "<=":
            return False if value.value <= limit else None
        case _:
            return None


def _above(resource: Resource) -> bool:
    return _above_range(resource) is True


def _below(resource: Resource) -> bool:
    value = resource.valueQuantity
    lows = [r.low for r in resource.referenceRange or () if r.low and r.low.value is not None]
    if value is None or value.value is None or len(lows) != 1 or value.comparator not in (None, "<", "<="):
        return False
    low = lows[0]
    return (low.code or low.unit) == (value.code or value.unit) and value.value < (low.value or Decimal(0))


def _percentage(resource: Resource) -> Fact[Interval]:
    if resource.dataAbsentReason is not None:
        return Unknown(WhyUnknown.DATA_ABSENT, note=_label(resource.dataAbsentReason))
    where = problem(resource)
    if where is not None:
        return Unknown(WhyUnknown.MALFORMED, note=f"element {where}")
    fact = quantity_or_range(resource.valueQuantity, resource.valueRange, "%", dimensionless="%")
    if fact is None and resource.valueString:
        fact = _written_percentage(resource.valueString)
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
        return Unknown(WhyUnknown.VALUE, note="free text")
    interval, percent = written
    # "0,5" without a sign may be half a per cent or one half: the unit is not guessed.
    if percent is None and interval.high is not None and interval.high <= 1:
        return Unknown(WhyUnknown.UNIT, note=f"recorded as {interval.text()} without a unit")
    return Known(interval)


def within_0_and_100(interval: Interval) -> bool:
    """True if no end of the interval lies outside 0-100 %."""
    ends = [end for end in (interval.low, interval.high) if end is not None]
    return all(0 <= end <= 100 for end in ends)


def _diameter(resource: Resource, chart: Chart) -> Fact[Interval]:
    if resource.dataAbsentReason is not None:
        return Unknown(WhyUnknown.DATA_ABSENT, note=_label(resource.dataAbsentReason))
    where = problem(resource)
    if where is not None:
        return Unknown(WhyUnknown.MALFORMED, note=f"element {where}")
    longest = [c for c in resource.component or () if _is_longest(c, chart)]
    parts: list[tuple[Quantity | None, Range | None]] = [(c.valueQuantity, c.valueRange) for c in longest]
    if not parts:
        parts = [(resource.valueQuantity, resource.valueRange)]
    fact = quantity_or_range(*parts[0], "cm") if len(parts) == 1 else None
    if isinstance(fact, Known) and below_zero(fact.value):
        return Unknown(WhyUnknown.MALFORMED, note="below zero")
    return fact if fact is not None else Unknown(WhyUnknown.RESULT_MISSING)


def below_zero(interval: Interval) -> bool:
    """True if an end of the interval is negative, which no size or share can be."""
    return any(end is not None and end < 0 for end in (interval.low, interval.high))


def _is_longest(component: Component, chart: Chart) -> bool:
    return Concept.TUMOUR_LONGEST_DIAMETER in chart.concepts(component.code)


def _label(coded: Coded) -> str | None:
    return next((c.code for c in coded.codings() if c.code), None)
