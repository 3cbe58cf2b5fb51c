"""A result against its own reference range, and what the laboratory says of it by a flag.

FHIR: https://hl7.org/fhir/R4/observation.html#Observation.referenceRange
# not read: text, type, appliesTo (a range that is words, or one of several, is no range that could be compared with).
"""

from __future__ import annotations

from decimal import Decimal

from fhir_mappings.quantities import RawQuantity, factor_between, plausible
from fhir_mappings.terminology import canonical_system
from fhir_mappings.wire import Coded, Quantity, Resource

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
    value = resource.valueQuantity
    limits = [r.high for r in resource.referenceRange or () if r.high and r.high.value is not None]
    if value is None or value.value is None or len(limits) != 1:
        return None
    limit = _limit_in_unit_of(value, limits[0], molar_mass)
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
    value = resource.valueQuantity
    lows = [r.low for r in resource.referenceRange or () if r.low and r.low.value is not None]
    if value is None or value.value is None or len(lows) != 1 or value.comparator not in (None, "<", "<="):
        return False
    low = lows[0]
    return _same_unit(low, value) and value.value < (low.value or Decimal(0))


def _limit_in_unit_of(value: Quantity, limit: Quantity, molar_mass: Decimal | None) -> Decimal | None:
    if limit.value is None or _same_unit(limit, value):
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
