"""Observations as measurements: tumour markers and liver tests, and what every reader of a measurement needs.

FHIR: https://hl7.org/fhir/R4/observation.html
# not read: note, performer, device, focus (they do not change a value); hasMember (members come as resources).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from decimal import Decimal

from msgspec import Struct
from msgspec.structs import replace

from fhir_mappings.dates import DateInterval, parse_date, period
from fhir_mappings.facts import Fact, Interval, Known, Source, Unknown, WhyUnknown, quoted
from fhir_mappings.quantities import plausible, quantity_in, range_in, written_number
from fhir_mappings.reading import Reading
from fhir_mappings.reference_range import above_range, below_range, flagged_high, raw_quantity
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept
from fhir_mappings.typed import problem
from fhir_mappings.wire import Coded, Component, Quantity, Range, Resource

COUNTED = frozenset({"final", "amended", "corrected", "preliminary"})

_VALUES = (
    "valueQuantity", "valueCodeableConcept", "valueString", "valueBoolean", "valueInteger", "valueRange", "valueRatio",
)  # fmt: skip
# g/mol. Chromogranin A has none agreed: it is compared only within one unit.
MOLAR_MASS = {
    Concept.PLATELET_SEROTONIN: Decimal("176.22"),
    Concept.SEROTONIN_OTHER_SPECIMEN: Decimal("176.22"),
    Concept.URINARY_5_HIAA: Decimal("191.18"),
}


class Marker(Struct, frozen=True):
    """A tumour marker as recorded: whether it lies above its own reference range, and the result as text."""

    elevated: bool | None
    result: str
    assay: str


def is_counted(resource: Resource) -> bool:
    """True by its status; one that has none is looked at too, and found not to be FHIR, so that it is shown."""
    return resource.status is None or resource.status in COUNTED


def observations(chart: Chart, concept: Concept) -> list[Resource]:
    """This patient's Observations of a concept whose status counts; of a panel, each component that is of the concept.

    An Observation that has a value of its own is counted once, whatever its components repeat.
    """
    found: list[Resource] = []
    for resource in chart.observations(concept):
        if not is_counted(resource):
            continue
        if not resource.component:
            found.append(resource)  # it has no other code by which it could have been found
            continue
        parts = [part for part in resource.component if concept in chart.concepts(part.code)]
        itself = concept in chart.concepts(resource.code)
        if itself and (not parts or has_value(resource)):
            found.append(resource)
        else:
            found += [as_observation(resource, part) for part in parts]
    return found


def as_observation(panel: Resource, part: Component) -> Resource:
    """A component as the Observation that it could have been: its own value, with all else that the panel says."""
    return replace(
        panel,
        code=part.code,
        valueQuantity=part.valueQuantity,
        valueCodeableConcept=part.valueCodeableConcept,
        valueString=part.valueString,
        valueInteger=part.valueInteger,
        valueRange=part.valueRange,
        valueBoolean=part.valueBoolean,
        valueRatio=None,
        # That a panel has no value of its own says nothing of a part that has one.
        dataAbsentReason=part.dataAbsentReason or (None if _part_has_value(part) else panel.dataAbsentReason),
        interpretation=part.interpretation,
        referenceRange=part.referenceRange,
        component=None,
    )


def _part_has_value(part: Component) -> bool:
    values = (
        part.valueQuantity, part.valueCodeableConcept, part.valueString, part.valueBoolean, part.valueInteger,
        part.valueRange,
    )  # fmt: skip
    return any(value is not None for value in values)


def has_value(resource: Resource) -> bool:
    """Whether the Observation has a value of its own, in whatever element."""
    return any(getattr(resource, name) is not None for name in _VALUES)


def without_value(resource: Resource) -> Unknown | None:
    """Why there is no value to read: the record's own reason, or an element that is no FHIR; None if there is one."""
    if resource.dataAbsentReason is not None:
        if has_value(resource):
            return Unknown(WhyUnknown.MALFORMED, note="a value beside a reason for having none")
        return Unknown(WhyUnknown.DATA_ABSENT, note=reason_code(resource.dataAbsentReason))
    where = problem(resource)
    return None if where is None else Unknown(WhyUnknown.MALFORMED, note=f"element {where}")


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
        found.append(Reading(_marker(resource, source(resource, date), concept), date))
    return found


def outside_own_range(chart: Chart, concept: Concept) -> Iterator[Reading[str]]:
    """Results of a concept that lie outside their own reference range, as text (bilirubin, INR)."""
    for resource in observations(chart, concept):
        # Asked first, because few are; what the laboratory flags is outside, in whatever shape the value came.
        if not _is_outside(resource) or problem(resource) is not None:
            continue
        if text := result_text(resource):
            date = when(resource)
            yield Reading(Known(text, (source(resource, date),)), date)


def _is_outside(resource: Resource) -> bool:
    value = resource.valueQuantity.value if resource.valueQuantity else None
    if value is not None and value.is_nan():
        return False  # no number, and not to be compared with one
    return flagged_high(resource) or bool(above_range(resource)) or below_range(resource)


def newest_results(chart: Chart, concepts: Iterable[Concept]) -> Iterator[tuple[Concept, Reading[str]]]:
    """The latest result of each concept as text, to be shown beside what it bears on.

    A concept is left out if no result of it has a number and a date that is not in the future, and is valid FHIR.
    """
    date_of: dict[str, DateInterval | None] = {}  # what came of one sample shares its date
    for concept in concepts:
        dated = [
            (date, resource)
            for resource in observations(chart, concept)
            if resource.valueQuantity is not None and resource.valueQuantity.value is not None
            if (date := _when(resource, date_of)) is not None
        ]
        for date, resource in sorted(dated, key=lambda pair: (pair[0].last, pair[1].reference), reverse=True):
            if date.certainly_after_instant(chart.as_of):
                continue
            if resource.valueQuantity is not None and problem(resource) is None:
                text = raw_quantity(resource.valueQuantity).text()
                yield concept, Reading(Known(text, (source(resource, date),)), date)
                break


def _when(resource: Resource, date_of: dict[str, DateInterval | None]) -> DateInterval | None:
    text = resource.effectiveDateTime
    if not text:
        return when(resource)
    if text not in date_of:
        date_of[text] = parse_date(text)
    return date_of[text] or when(resource)


def coded_values(chart: Chart, concept: Concept) -> list[Reading[str]]:
    """Every counted result of a concept whose value is a code, by its name or else the code: for showing only."""
    found = []
    for resource in observations(chart, concept):
        date, value = when(resource), resource.valueCodeableConcept
        code = next((c.code for c in value.codings() if c.code), None) if value else None
        name = (value.label() if value else None) or code
        origin = (source(resource, date),)
        found.append(Reading(Known(quoted(name), origin) if name else Unknown(WhyUnknown.VALUE, origin), date))
    return found


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


def _marker(resource: Resource, origin: Source, concept: Concept) -> Fact[Marker]:
    if (absent := without_value(resource)) is not None:
        return Unknown(absent.why, (origin,), absent.note)
    result = result_text(resource)
    if result is None:
        return Unknown(WhyUnknown.RESULT_MISSING, (origin,))
    if not is_result(resource):
        return Unknown(WhyUnknown.VALUE, (origin,), "words instead of a result, below zero, or zero without a unit")
    number = resource.valueQuantity.value if resource.valueQuantity else None
    if number is not None and not plausible(number):
        return Unknown(WhyUnknown.MALFORMED, (origin,), "a number that no measurement has")
    elevated = True if flagged_high(resource) else above_range(resource, MOLAR_MASS.get(concept))
    note = "preliminary" if resource.status == "preliminary" else None
    assay = next((c.code for c in resource.code.codings() if c.code), "") if resource.code else ""
    return Known(Marker(elevated, result, assay), (origin,), note)


def is_result(resource: Resource) -> bool:
    """A number, or a finding flagged by the laboratory; "pending" and "haemolysed" are no results."""
    quantity = resource.valueQuantity
    if quantity is not None and quantity.value is not None:
        # Old interfaces send 0 without a unit where the real result stands in a text.
        return quantity.value > 0 or (quantity.value == 0 and bool(quantity.unit or quantity.code))
    text = written_value(resource)
    written = text is not None and written_number(text) is not None
    return written or resource.valueInteger is not None or flagged_high(resource)


def result_text(resource: Resource) -> str | None:
    """The result as recorded, for a reader; None if there is none."""
    if resource.valueQuantity is not None and resource.valueQuantity.value is not None:
        return raw_quantity(resource.valueQuantity).text()
    if resource.valueString:
        return quoted(resource.valueString)
    if resource.valueCodeableConcept is not None:
        label = resource.valueCodeableConcept.label()
        return quoted(label) if label else None
    if resource.valueInteger is not None:
        return str(resource.valueInteger)
    return None


def within_0_and_100(interval: Interval) -> bool:
    """True if no end of the interval lies outside 0-100 %."""
    ends = [end for end in (interval.low, interval.high) if end is not None]
    return all(0 <= end <= 100 for end in ends)


def below_zero(interval: Interval) -> bool:
    """True if an end of the interval is negative, which no size or share can be."""
    return any(end is not None and end < 0 for end in (interval.low, interval.high))


# A size beyond this is one in another unit than it claims.
_LARGEST_CM = Decimal(50)


def beyond_any_tumour(centimetres: Interval) -> bool:
    """True if the size is certainly larger than a liver tumour can be."""
    return centimetres.low is not None and centimetres.low > _LARGEST_CM


def reason_code(coded: Coded) -> str | None:
    """The code of a dataAbsentReason, for a reader."""
    return next((quoted(c.code) for c in coded.codings() if c.code), None)


def written_value(resource: Resource | Component) -> str | None:
    """The result where it is written as text: valueString, or a concept that has no code at all."""
    if resource.valueString is not None:
        return resource.valueString
    concept = resource.valueCodeableConcept
    return concept.text if concept is not None and not any(True for _ in concept.codings()) else None
