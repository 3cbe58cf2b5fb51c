"""The Patient: age at a given moment, whether deceased, and a name for the reader of a card.

FHIR: https://hl7.org/fhir/R4/patient.html
# not read: gender (the protocol does not ask), address, telecom (nothing of ours).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal

from fhir_mappings.dates import parse_date
from fhir_mappings.facts import Fact, Interval, Known, Source, Unknown, WhyUnknown
from fhir_mappings.wire import Resource


def age_years(patient: Resource, as_of: datetime) -> Fact[Interval]:
    """Completed years at `as_of`; a birth date of a year or a month alone gives an interval."""
    born = parse_date(patient.birthDate)
    origin = (Source(patient.reference, patient.birthDate),)
    if patient.birthDate is None:
        return Unknown(WhyUnknown.NOT_RECORDED, (Source(patient.reference),))
    if born is None:
        return Unknown(WhyUnknown.MALFORMED, (Source(patient.reference),), "birthDate is not a date")
    if born.first.date() > as_of.date():
        return Unknown(WhyUnknown.FUTURE_DATE, origin)
    youngest = _completed_years(min(born.last.date(), as_of.date()), as_of.date())
    oldest = _completed_years(born.first.date(), as_of.date())
    return Known(Interval(Decimal(youngest), Decimal(oldest)), origin)


def is_deceased(patient: Resource, as_of: datetime) -> bool:
    """True if the record says so, by flag or by a date, readable or not, that does not lie in the future."""
    if patient.deceasedBoolean is not None:
        return patient.deceasedBoolean
    died = parse_date(patient.deceasedDateTime)
    if died is None:
        return bool((patient.deceasedDateTime or "").strip())
    return not died.certainly_after_instant(as_of)


def display_name(patient: Resource) -> str | None:
    """The name for a reader: the official or usual one, else the first; None if there is none."""
    if not isinstance(patient.name, list) or not patient.name:
        return None
    usual = next((n for n in patient.name if n.use in ("official", "usual")), patient.name[0])
    if usual.text:
        return usual.text
    family = usual.family if isinstance(usual.family, list) else [usual.family or ""]
    return " ".join([*(usual.given or ()), *family]).strip() or None


def _completed_years(born: date, day: date) -> int:
    return day.year - born.year - ((day.month, day.day) < (born.month, born.day))
