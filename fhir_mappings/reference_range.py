"""A result against its own reference range, and what the laboratory says of it by a flag.

FHIR: https://hl7.org/fhir/R4/observation.html#Observation.referenceRange
# not read: text (a range that is words, one of several, or one for some is no range that could be compared with).
"""

from __future__ import annotations

from decimal import Decimal

from fhir_mappings.quantities import RawQuantity, factor_between, plausible
from fhir_mappings.systems import canonical_system
from fhir_mappings.wire import Coded, Quantity, ReferenceRange, Resource

_HIGH = frozenset({"H", "HH", "HU"})
_INTERPRETATIONS = frozenset({
    "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation",
    "http://terminology.hl7.org/CodeSystem/v2-0078",
    "http://hl7.org/fhir/v2/0078",
    None,
})  # fmt: skip


def raw_quantity(quantity: Quantity) -> RawQuantity:
    """A wire Quantity for conversion, its system in canonical form."""
    system = canonical_system(quantity.system) or None
    return RawQuantity(quantity.value, quantity.comparator, quantity.unit, system, quantity.code)


def flagged_high(resource: Resource) -> bool:
    """True if the laboratory itself calls the result high, by a code."""
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


def above_range(resource: Resource, molar_mass: Decimal | None = None) -> bool | None:
    """True or False against the result's own single reference range; None if there is none that compares.

    From mass to moles only by the molar mass (g/mol) of what was measured.
    """
    value, own = resource.valueQuantity, normal_range(resource)
    if value is None or value.value is None or own is None or own.high is None:
        return None
    limit = _limit_in_unit_of(value, own.high, molar_mass)
    if limit is None:
        return None
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


def below_range(resource: Resource) -> bool:
    """True if the result lies below its own single reference range, in the same unit."""
    value, own = resource.valueQuantity, normal_range(resource)
    if value is None or value.value is None or own is None or own.low is None:
        return False
    if value.comparator not in (None, "<", "<=") or own.low.value is None or not plausible(own.low.value):
        return False
    return _same_unit(own.low, value) and value.value < own.low.value


def normal_range(resource: Resource) -> ReferenceRange | None:
    """The one range of a result, if it is the normal one and of everybody; of several nobody can tell which holds."""
    ranges = resource.referenceRange or ()
    if len(ranges) != 1 or ranges[0].appliesTo or ranges[0].age:
        return None
    kinds = {coding.code for coding in ranges[0].type.codings()} if ranges[0].type else set()
    return ranges[0] if kinds <= {"normal"} else None


def _limit_in_unit_of(value: Quantity, limit: Quantity, molar_mass: Decimal | None) -> Decimal | None:
    if limit.value is None or not plausible(limit.value):
        return None
    if _same_unit(limit, value):
        return limit.value
    factor = factor_between(raw_quantity(limit), raw_quantity(value), molar_mass)
    if factor is None or not plausible(limit.value):
        return None
    return limit.value * factor.numerator / factor.denominator


def _same_unit(one: Quantity, other: Quantity) -> bool:
    """By the codes where both have one, else by any spelling that they share; two without a unit are of one report."""
    if one.code and other.code:
        return one.code == other.code
    ours, theirs = {one.code, one.unit} - {None, ""}, {other.code, other.unit} - {None, ""}
    return bool(ours & theirs) or not (ours or theirs)
