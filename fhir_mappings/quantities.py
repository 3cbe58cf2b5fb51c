"""FHIR quantities as intervals in the unit a rule asks for; a unit that is not understood stays Unknown.

UCUM expressions are read by `ucumvert` (with pint); only the factor between two units is taken from there, as an
exact fraction, so that 70 mm is 7 cm and not 7.000000000000001 cm.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

from msgspec import Struct

from fhir_mappings.facts import Fact, Interval, Known, Unknown, WhyUnknown, quoted
from fhir_mappings.systems import UCUM

# Units that real servers write in `unit` without a UCUM `code`; nothing is guessed beyond this list.
_WRITTEN_UNITS = {
    "percent": "%",
    "pct": "%",
    "mcg/l": "ug/L",
    "µg/l": "ug/L",
    "μg/l": "ug/L",
    "centimeter": "cm",
    "centimeters": "cm",
    "centimetre": "cm",
    "centimetres": "cm",
    "millimeter": "mm",
    "millimeters": "mm",
    "millimetre": "mm",
    "millimetres": "mm",
}
_ANNOTATION = re.compile(r"\{[^}]*\}")
_NUMBER = r"\d+(?:[.,]\d+)?"
# "GT 45" is how some senders write ">45"; with a blank, so that no unit or word is taken for it.
_SIGNS = {"≤": "<=", "≥": ">=", "LT": "<", "LE": "<=", "LTE": "<=", "GT": ">", "GE": ">=", "GTE": ">="}
_WRITTEN = re.compile(
    rf"\s*(<=|>=|<|>|≤|≥|(?:GTE|GT|GE|LTE|LT|LE)(?=\s))?\s*({_NUMBER})\s*(?:(?:-|–|to)\s*({_NUMBER}))?\s*(%)?\s*"
)
# Beyond these no measurement of ours is real, and printing one would cost memory (1e999999).
_LARGEST_EXPONENT, _FINEST = 12, -12
# Longer texts are no number or unit, and would cost time in the patterns; so would 10*99999999 in the library.
_LONGEST_TEXT = 40
_ABSURD_EXPONENT = re.compile(r"[0-9]{3}")


class RawQuantity(Struct, frozen=True):
    """A Quantity as the chart writes it: value, comparator, unit text and coded unit."""

    value: Decimal | None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None

    def text(self) -> str:
        """The quantity as recorded, for a reader."""
        value = "?" if self.value is None else f"{self.value:.12g}"
        return f"{quoted(self.comparator or '')}{value} {quoted(self.unit or self.code or '(no unit)')}"


def quantity_in(raw: RawQuantity, target: str, *, dimensionless: str | None = None) -> Fact[Interval]:
    """Convert a quantity to an interval in the UCUM unit `target`.

    `dimensionless` names the unit that a bare ratio (`1`, `{ratio}`) counts as: for Ki-67, 0.05 is 5 %.
    Unknown(unit_not_understood) where there is no unit or no way from it to the target; Unknown(malformed) for a
    value that cannot be a measurement.
    """
    if raw.value is None or not plausible(raw.value):
        return Unknown(WhyUnknown.MALFORMED, note=f"value not readable ({_unit_text(raw)})")
    unit = _ucum_unit(raw)
    factor = None if unit is None else conversion_factor(unit, target, dimensionless)
    if factor is None:
        return Unknown(WhyUnknown.UNIT, note=f"recorded as {raw.text()}")
    return _interval(_scaled(raw.value, factor), raw.comparator, raw)


def range_in(low: RawQuantity | None, high: RawQuantity | None, target: str) -> Fact[Interval]:
    """Convert a Range to an interval in the UCUM unit `target`; either end may be open."""
    bounds: list[Decimal | None] = []
    for end in (low, high):
        if end is None:
            bounds.append(None)
            continue
        fact = quantity_in(end, target)
        if isinstance(fact, Unknown):
            return fact
        if fact.value.low != fact.value.high:
            return Unknown(WhyUnknown.VALUE, note=f"range that ends at {end.text()}")
        bounds.append(fact.value.low)
    if bounds == [None, None] or (None not in bounds and bounds[0] > bounds[1]):  # type: ignore[operator]  # None was ruled out
        return Unknown(WhyUnknown.MALFORMED, note="range without ends, or with its ends reversed")
    return Known(Interval(bounds[0], bounds[1]))


def highest(intervals: Sequence[Interval]) -> Interval:
    """The highest of several numbers, each known as an interval: at least the highest low, at most the highest high."""
    low = max((i for i in intervals if i.low is not None), key=lambda i: (i.low, i.low_open), default=None)
    ends = [i for i in intervals if i.high is not None]
    top = max(ends, key=lambda i: (i.high, not i.high_open)) if len(ends) == len(intervals) else None
    return Interval(
        low.low if low else None,
        top.high if top else None,
        low_open=low is not None and low.low_open,
        high_open=top is not None and top.high_open,
    )


def written_number(text: str) -> tuple[Interval, str | None] | None:
    """Read a number that a laboratory wrote as text: `4.0`, `<2`, `2,5`, `5-10 %`.

    Returns the interval and "%" if the text carries it, else None for the unit. Anything more than a number (words,
    two numbers that are no range) is not read: text alone never becomes a value by guessing.
    """
    match = _WRITTEN.fullmatch(text) if len(text) <= _LONGEST_TEXT else None
    if match is None:
        return None
    comparator, first, second, percent = match.groups()
    low = Decimal(first.replace(",", "."))
    if not plausible(low):
        return None
    if second is not None:
        high = Decimal(second.replace(",", "."))
        if comparator or high < low or not plausible(high):
            return None
        return Interval(low, high), percent
    symbol = _SIGNS.get(comparator or "", comparator)
    fact = _interval(low, symbol, None)
    return (fact.value, percent) if isinstance(fact, Known) else None


@lru_cache(maxsize=512)
def conversion_factor(unit: str, target: str, dimensionless: str | None = None) -> Fraction | None:
    """The exact factor from one UCUM unit to another, or None if there is none.

    Annotations in curly brackets carry no meaning in UCUM and are removed before comparing; a unit that is nothing
    but an annotation is a bare count.
    """
    if len(unit) > _LONGEST_TEXT:
        return None
    source, goal = _bare(unit), _bare(target)
    if source == goal:
        return Fraction(1)
    if source == "1":
        # A bare ratio is a unit only where the caller says what it is a ratio of.
        bare_ratio = unit.strip() in ("1", "{ratio}")
        return Fraction(100) if bare_ratio and dimensionless == "%" and goal == "%" else None
    if _ABSURD_EXPONENT.search(source):
        return None
    return _ucum_factor(source, goal)


def factor_between(one: RawQuantity, other: RawQuantity, molar_mass: Decimal | None = None) -> Fraction | None:
    """The factor from the unit of one quantity to that of another; from mass to moles only by a molar mass (g/mol)."""
    source, goal = _ucum_unit(one), _ucum_unit(other)
    if source is None or goal is None:
        return None
    factor = conversion_factor(source, goal)
    if factor is not None or molar_mass is None:
        return factor
    mass = Fraction(molar_mass)
    to_moles, to_grams = conversion_factor(source, f"g.{goal}/mol"), conversion_factor(f"g.{source}/mol", goal)
    if to_moles is not None:
        return to_moles / mass
    return None if to_grams is None else to_grams * mass


@cache
def _from_ucum() -> Callable[[str], Any]:
    """What reads a UCUM expression; built on first use, since an out-of-scope chart never pays for it.

    Made of the parts of `ucumvert.PintUcumRegistry`, which itself would build pint's registry twice, and a table of
    every unit's dimension that is not needed here.
    """
    import pint
    import ucumvert
    from ucumvert.parser import get_ucum_parser, parse_ucum
    from ucumvert.ucum_pint import UcumToPintTransformer

    registry: Any = pint.UnitRegistry(None)
    registry.load_definitions(Path(pint.__file__).parent / "default_en.txt")
    registry.load_definitions(Path(ucumvert.__file__).parent / "pint_ucum_defs.txt")
    parser = get_ucum_parser()
    transform = UcumToPintTransformer(registry).transform
    return lambda expression: transform(parse_ucum(expression, parser))


def _ucum_factor(source: str, goal: str) -> Fraction | None:
    from lark.exceptions import LarkError
    from pint.errors import PintError

    from_ucum = _from_ucum()
    try:
        ours, theirs = from_ucum(source), from_ucum(goal)
        magnitude = float(ours.to(theirs.units).magnitude) / float(theirs.magnitude)
        return Fraction(magnitude).limit_denominator(10**9) or None
    except (LarkError, PintError, AttributeError, ArithmeticError, TypeError, ValueError):
        # What both libraries say of text that is no unit, or no unit of this dimension.
        return None


def _bare(unit: str) -> str:
    return _ANNOTATION.sub("", unit).strip() or "1"


def _ucum_unit(raw: RawQuantity) -> str | None:
    if raw.code and raw.system in (UCUM, None):
        return raw.code
    if raw.unit:
        return _WRITTEN_UNITS.get(raw.unit.strip().lower(), raw.unit.strip())
    return raw.code


def plausible(value: Decimal) -> bool:
    """True of a number that a measurement can have, and that arithmetic can bear."""
    # By its exponents alone: arithmetic on 1e1000000 would overflow before it could be refused.
    exponent = value.as_tuple().exponent
    return isinstance(exponent, int) and exponent >= _FINEST and value.adjusted() <= _LARGEST_EXPONENT


def _scaled(value: Decimal, factor: Fraction) -> Decimal:
    return value * factor.numerator / factor.denominator


def _interval(value: Decimal, comparator: str | None, raw: RawQuantity | None) -> Fact[Interval]:
    match comparator:
        case None | "":
            return Known(Interval(value, value))
        case "<":
            return Known(Interval(None, value, high_open=True))
        case "<=":
            return Known(Interval(None, value))
        case ">":
            return Known(Interval(value, None, low_open=True))
        case ">=":
            return Known(Interval(value, None))
        case _:
            # R5's "ad" and converters' "<>" say something, but not on which side the value lies.
            return Unknown(WhyUnknown.VALUE, note=f"recorded as {raw.text() if raw else comparator}")


def _unit_text(raw: RawQuantity) -> str:
    return quoted(raw.unit or raw.code or "no unit")
