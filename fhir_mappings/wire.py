"""Bytes to structs that hold only the elements our readers use; everything else is skipped, not built.

One flat struct serves every resource type: a chart's thousands of Observations then cost a fraction of a JSON parse.
The price is that a field keeps the union of the shapes it has in different types and FHIR versions; `Coded` is a
Coding, a CodeableConcept or R5's CodeableReference alike.

A resource whose elements have impossible types is set aside as `Malformed` and never costs its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from typing import Any

import msgspec
from msgspec import Raw, Struct


class Coding(Struct, frozen=True, omit_defaults=True):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class Coded(Struct, frozen=True, omit_defaults=True):
    """A CodeableConcept, a Coding (R4 ImagingStudy.modality) or a CodeableReference (R5)."""

    coding: list[Coding] | None = None
    text: str | None = None
    system: str | None = None
    code: str | None = None
    display: str | None = None
    concept: Coded | None = None

    def codings(self) -> Iterator[Coding]:
        """Every coding, in whichever of the three shapes it came."""
        if self.code is not None:
            yield Coding(self.system, self.code, self.display)
        yield from self.coding or ()
        if self.concept is not None:
            yield from self.concept.codings()

    def label(self) -> str | None:
        """A name for a reader: the text, else the first display."""
        if self.text:
            return self.text
        return next((coding.display for coding in self.codings() if coding.display), None)


class Reference(Struct, frozen=True, omit_defaults=True):
    reference: str | None = None
    display: str | None = None


class Quantity(Struct, frozen=True, omit_defaults=True):
    value: Decimal | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Range(Struct, frozen=True, omit_defaults=True):
    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Struct, frozen=True, omit_defaults=True):
    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Period(Struct, frozen=True, omit_defaults=True):
    start: str | None = None
    end: str | None = None


class Extension(Struct, frozen=True, omit_defaults=True):
    url: str | None = None
    valueCodeableConcept: Coded | None = None


class ReferenceRange(Struct, frozen=True, omit_defaults=True):
    low: Quantity | None = None
    high: Quantity | None = None


class Component(Struct, frozen=True, omit_defaults=True):
    code: Coded | None = None
    valueQuantity: Quantity | None = None
    valueRange: Range | None = None
    dataAbsentReason: Coded | None = None


class Series(Struct, frozen=True, omit_defaults=True):
    modality: Coded | None = None
    bodySite: Coded | None = None


class Name(Struct, frozen=True, omit_defaults=True):
    use: str | None = None
    text: str | None = None
    family: str | list[str] | None = None  # a list in DSTU2
    given: list[str] | None = None


class Evidence(Struct, frozen=True, omit_defaults=True):
    detail: list[Reference] | None = None


class Issue(Struct, frozen=True, omit_defaults=True):
    severity: str | None = None
    code: str | None = None


class Link(Struct, frozen=True, omit_defaults=True):
    relation: str | None = None


class Search(Struct, frozen=True, omit_defaults=True):
    mode: str | None = None


class Meta(Struct, frozen=True, omit_defaults=True):
    lastUpdated: str | None = None


class Resource(Struct, frozen=True, omit_defaults=True):
    """The elements that are read of any resource (a Bundle included); names are FHIR's."""

    resourceType: str | None = None
    id: str | None = None
    meta: Meta | None = None
    modifierExtension: list[Extension] | None = None
    extension: list[Extension] | None = None
    status: str | None = None
    code: Coded | None = None
    subject: Reference | None = None
    patient: Reference | None = None
    bodySite: Coded | list[Coded] | None = None
    issued: str | None = None
    # Bundle, OperationOutcome
    entry: list[Entry] | None = None
    link: list[Link] | None = None
    issue: list[Issue] | None = None
    # Patient (birthDate also decides the age gate)
    birthDate: str | None = None
    deceasedBoolean: bool | None = None
    deceasedDateTime: str | None = None
    name: list[Name] | str | None = None
    # Condition; STU3 and DSTU2 wrote both statuses as plain strings
    clinicalStatus: Coded | str | None = None
    verificationStatus: Coded | str | None = None
    onsetDateTime: str | None = None
    onsetPeriod: Period | None = None
    recordedDate: str | None = None
    abatementDateTime: str | None = None
    # Observation, DiagnosticReport
    effectiveDateTime: str | None = None
    effectiveInstant: str | None = None
    effectivePeriod: Period | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: Coded | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueInteger: int | None = None
    valueRange: Range | None = None
    valueRatio: Ratio | None = None
    dataAbsentReason: Coded | None = None
    interpretation: list[Coded] | Coded | None = None
    referenceRange: list[ReferenceRange] | None = None
    component: list[Component] | None = None
    specimen: Reference | list[Reference] | None = None
    conclusionCode: list[Coded] | None = None
    # ImagingStudy
    started: str | None = None
    modality: list[Coded] | None = None
    procedureCode: list[Coded] | None = None
    reasonCode: list[Coded] | None = None
    series: list[Series] | None = None
    # Procedure (R5 calls its date occurrence[x])
    performedDateTime: str | None = None
    performedPeriod: Period | None = None
    occurrenceDateTime: str | None = None
    occurrencePeriod: Period | None = None

    @property
    def reference(self) -> str:
        """`Type/id`, as sources and messages name it."""
        return f"{self.resourceType or 'resource'}/{self.id or 'without-id'}"

    def body_sites(self) -> list[Coded]:
        """bodySite as a list, whichever cardinality the type gives it."""
        if self.bodySite is None:
            return []
        return self.bodySite if isinstance(self.bodySite, list) else [self.bodySite]


class Entry(Struct, frozen=True, omit_defaults=True):
    fullUrl: str | None = None
    resource: Resource | None = None
    search: Search | None = None


class Malformed(Struct, frozen=True):
    """A resource that could not be decoded: what can still be said of it, and where it went wrong."""

    reference: str
    code: Coded | None
    where: str


# msgspec knows no optional Raw: an empty one stands for an element that is not there.
_NOTHING = Raw()


class _LooseResource(Struct, frozen=True):
    resourceType: Any = None
    id: Any = None
    code: Raw = _NOTHING


class _LooseEntry(Struct, frozen=True):
    fullUrl: Any = None
    resource: Raw = _NOTHING
    search: Any = None


class _LooseBundle(Struct, frozen=True):
    resourceType: str
    entry: list[Raw] | None = None
    link: Any = None
    issue: Any = None


_RESOURCE = msgspec.json.Decoder(Resource)
_LOOSE_RESOURCE = msgspec.json.Decoder(_LooseResource)
_LOOSE_ENTRY = msgspec.json.Decoder(_LooseEntry)
_LOOSE_BUNDLE = msgspec.json.Decoder(_LooseBundle)
_CODED = msgspec.json.Decoder(Coded)


def decode(raw: bytes | Raw) -> tuple[Resource | None, list[Malformed]]:
    """Decode one resource or Bundle; what fails inside a Bundle is set aside alone.

    Returns (None, [...]) if nothing of it can be read. Never raises, whatever the bytes.
    """
    try:
        return _RESOURCE.decode(raw), []
    except (msgspec.DecodeError, RecursionError) as error:
        return _decode_piece_by_piece(raw, str(error))


def _decode_piece_by_piece(raw: bytes | Raw, complaint: str) -> tuple[Resource | None, list[Malformed]]:
    try:
        bundle = _LOOSE_BUNDLE.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        bundle = None
    if bundle is None or bundle.resourceType != "Bundle":
        return None, [_malformed(raw, complaint)]
    entries: list[Entry] = []
    malformed: list[Malformed] = []
    for raw_entry in bundle.entry or []:
        _decode_entry(raw_entry, entries, malformed)
    links = [Link(link.get("relation")) for link in _dicts(bundle.link) if isinstance(link.get("relation"), str)]
    return Resource(resourceType="Bundle", entry=entries, link=links or None), malformed


def _decode_entry(raw: Raw, entries: list[Entry], malformed: list[Malformed]) -> None:
    try:
        loose = _LOOSE_ENTRY.decode(raw)
    except (msgspec.DecodeError, RecursionError) as error:
        malformed.append(_malformed(raw, str(error)))
        return
    if bytes(loose.resource) in (b"", b"null"):
        return
    try:
        resource = _RESOURCE.decode(loose.resource)
    except (msgspec.DecodeError, RecursionError) as error:
        malformed.append(_malformed(loose.resource, str(error)))
        return
    mode = loose.search.get("mode") if isinstance(loose.search, dict) else None
    entries.append(
        Entry(
            fullUrl=loose.fullUrl if isinstance(loose.fullUrl, str) else None,
            resource=resource,
            search=Search(mode) if isinstance(mode, str) else None,
        )
    )


def _malformed(raw: bytes | Raw, complaint: str) -> Malformed:
    """Name a resource that failed, by the little of it that can be read; the complaint names no values."""
    where = complaint.rpartition(" - at ")[2].strip("`") if " - at " in complaint else "$"
    try:
        loose = _LOOSE_RESOURCE.decode(raw)
    except (msgspec.DecodeError, RecursionError):
        return Malformed("resource/unreadable", None, where)
    kind = loose.resourceType if isinstance(loose.resourceType, str) else "resource"
    identity = loose.id if isinstance(loose.id, str) else "without-id"
    code: Coded | None = None
    if loose.code != _NOTHING:
        try:
            code = _CODED.decode(loose.code)
        except (msgspec.DecodeError, RecursionError):
            code = None
    return Malformed(f"{kind}/{identity}", code, where)


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
