"""Structs that hold only the elements our readers use; everything else is skipped, not built.

One flat struct serves every resource type: a chart's thousands of Observations then cost a fraction of a JSON parse.
The price is that a field keeps the union of the shapes it has in different types and FHIR versions; `Coded` is a
Coding, a CodeableConcept or R5's CodeableReference alike.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from msgspec import DecodeError, Raw, Struct

# msgspec knows no optional Raw: an empty one stands for an element that is not there.
NOTHING = Raw()
NULL = Raw(b"null")
# What msgspec raises of bytes that are not JSON of the expected shape.
UNREADABLE = (DecodeError, RecursionError, UnicodeDecodeError)


class Coding(Struct, frozen=True, omit_defaults=True, gc=False):
    system: str | None = None
    code: str | None = None
    display: str | None = None


class CodeableConcept(Struct, frozen=True, omit_defaults=True, gc=False):
    coding: list[Coding] | None = None
    text: str | None = None


class Coded(Struct, frozen=True, omit_defaults=True, gc=False):
    """A CodeableConcept, a Coding (R4 ImagingStudy.modality) or a CodeableReference (R5)."""

    coding: list[Coding] | None = None
    text: str | None = None
    system: str | None = None
    code: str | None = None
    display: str | None = None
    concept: CodeableConcept | None = None
    reference: Reference | None = None

    def codings(self) -> Sequence[Coding]:
        """Every coding, in whichever of the three shapes it came."""
        listed = self.coding or ()
        if self.code is None and self.concept is None:
            return listed  # nearly all; asked for hundreds of times in a chart
        itself = [] if self.code is None else [Coding(self.system, self.code, self.display)]
        return [*itself, *listed, *((self.concept.coding or ()) if self.concept is not None else ())]

    def names(self) -> list[str]:
        """Every name it has: texts, displays and the codes themselves, which are often a laboratory's only name."""
        codings = self.codings()
        concept = self.concept.text if self.concept is not None else None
        names = [self.text, concept, *[coding.display for coding in codings], *[coding.code for coding in codings]]
        return [name for name in names if name]

    def label(self) -> str | None:
        """A name for a reader: the text, else the first display."""
        if self.text:
            return self.text
        return next((coding.display for coding in self.codings() if coding.display), None)


class Reference(Struct, frozen=True, omit_defaults=True, gc=False):
    reference: str | None = None
    display: str | None = None


class Quantity(Struct, frozen=True, omit_defaults=True, gc=False):
    value: Decimal | None = None
    comparator: str | None = None
    unit: str | None = None
    system: str | None = None
    code: str | None = None


class Range(Struct, frozen=True, omit_defaults=True, gc=False):
    low: Quantity | None = None
    high: Quantity | None = None


class Ratio(Struct, frozen=True, omit_defaults=True, gc=False):
    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Period(Struct, frozen=True, omit_defaults=True, gc=False):
    start: str | None = None
    end: str | None = None


class Extension(Struct, frozen=True, omit_defaults=True, gc=False):
    url: str | None = None
    valueCodeableConcept: Coded | None = None


class ReferenceRange(Struct, frozen=True, omit_defaults=True, gc=False):
    low: Quantity | None = None
    high: Quantity | None = None
    type: Coded | None = None
    appliesTo: list[Coded] | Coded | None = None
    age: Range | None = None


class Component(Struct, frozen=True, omit_defaults=True, gc=False):
    code: Coded | None = None
    valueQuantity: Quantity | None = None
    valueCodeableConcept: Coded | None = None
    valueString: str | None = None
    valueBoolean: bool | None = None
    valueInteger: int | None = None
    valueRange: Range | None = None
    dataAbsentReason: Coded | None = None
    interpretation: list[Coded] | None = None
    referenceRange: list[ReferenceRange] | None = None


class Series(Struct, frozen=True, omit_defaults=True, gc=False):
    modality: Coded | None = None
    bodySite: Coded | None = None


class Name(Struct, frozen=True, omit_defaults=True, gc=False):
    use: str | None = None
    text: str | None = None
    family: str | list[str] | None = None  # a list in DSTU2
    given: list[str] | None = None


class Evidence(Struct, frozen=True, omit_defaults=True, gc=False):
    """Condition.evidence: R4 lists its details, R5 is itself a reference."""

    detail: list[Reference] | None = None
    reference: Reference | None = None


class DispenseRequest(Struct, frozen=True, omit_defaults=True, gc=False):
    validityPeriod: Period | None = None


class Adherence(Struct, frozen=True, omit_defaults=True, gc=False):
    code: Coded | None = None


class Issue(Struct, frozen=True, omit_defaults=True, gc=False):
    severity: str | None = None
    code: str | None = None


class Link(Struct, frozen=True, omit_defaults=True, gc=False):
    relation: str | None = None


class ResponseOutcome(Struct, frozen=True, omit_defaults=True, gc=False):
    issue: list[Issue] | None = None


class EntryResponse(Struct, frozen=True, omit_defaults=True, gc=False):
    status: str | None = None
    outcome: ResponseOutcome | None = None


class Search(Struct, frozen=True, omit_defaults=True, gc=False):
    mode: str | None = None


class Meta(Struct, frozen=True, omit_defaults=True, gc=False):
    lastUpdated: str | None = None
    versionId: str | None = None


class Resource(Struct, frozen=True, omit_defaults=True, gc=False):
    """The elements that are read of any resource (a Bundle included); names are FHIR's."""

    resourceType: str | None = None
    id: str | None = None
    meta: Meta | None = None
    modifierExtension: list[Extension] | None = None
    extension: list[Extension] | None = None
    status: str | None = None
    category: Coded | str | list[Coded | str] | None = None  # codes as bare strings in AllergyIntolerance
    code: Coded | None = None
    subject: Reference | None = None
    patient: Reference | None = None
    bodySite: Coded | list[Coded] | None = None
    # Observation, DiagnosticReport; in the order in which servers write them, which is how they are looked for
    effectiveDateTime: str | None = None
    effectiveInstant: str | None = None
    effectivePeriod: Period | None = None
    issued: str | None = None
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
    method: Coded | None = None
    conclusionCode: list[Coded] | None = None
    # Bundle, OperationOutcome
    entry: list[Entry] | None = None
    link: list[Link] | None = None
    issue: list[Issue] | None = None
    total: int | None = None
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
    evidence: list[Evidence] | None = None
    abatementDateTime: str | None = None
    abatementPeriod: Period | None = None
    abatementAge: Quantity | None = None
    abatementRange: Range | None = None
    abatementString: str | None = None
    # ImagingStudy
    started: str | None = None
    modality: Coded | list[Coded] | None = None
    procedureCode: list[Coded] | None = None
    procedure: list[Coded] | None = None  # R5
    reasonCode: list[Coded] | None = None
    reason: Coded | list[Coded] | None = None  # R5
    series: list[Series] | None = None
    # Procedure (R5 calls its date occurrence[x])
    performedDateTime: str | None = None
    performedPeriod: Period | None = None
    occurrenceDateTime: str | None = None
    occurrencePeriod: Period | None = None
    outcome: Coded | str | None = None
    # MedicationRequest, MedicationStatement, MedicationAdministration (R5: one `medication`, a CodeableReference)
    medicationCodeableConcept: Coded | None = None
    medicationReference: Reference | None = None
    medication: Coded | None = None
    intent: str | None = None
    doNotPerform: bool | None = None
    authoredOn: str | None = None
    dateAsserted: str | None = None
    dispenseRequest: DispenseRequest | None = None
    taken: str | None = None  # STU3
    adherence: Adherence | None = None  # R5: whether it is taken, where R4 said so in the status
    occurenceDateTime: str | None = None  # R5 spells it so
    occurencePeriod: Period | None = None
    # QuestionnaireResponse
    questionnaire: str | None = None
    authored: str | None = None
    # Kept as bytes: read piece by piece where a reader asks, so that an odd one inside costs nobody else.
    contained: Raw = NOTHING
    item: Raw = NOTHING

    @property
    def reference(self) -> str:
        """`Type/id`, as sources and messages name it."""
        return f"{self.resourceType or 'resource'}/{self.id or 'without-id'}"

    def body_sites(self) -> list[Coded]:
        """bodySite as a list, whichever cardinality the type gives it."""
        return _listed(self.bodySite)

    def categories(self) -> list[Coded]:
        """category as a list; a bare string is no Coding."""
        listed = self.category if isinstance(self.category, list) else [self.category]
        return [category for category in listed if isinstance(category, Coded)]

    def modalities(self) -> list[Coded]:
        """ImagingStudy.modality as a list: Codings in R4, concepts in R5."""
        return _listed(self.modality)

    def reasons(self) -> list[Coded]:
        """R5's reason as a list; STU3 has one alone."""
        return _listed(self.reason)


def _listed(element: Coded | list[Coded] | None) -> list[Coded]:
    if element is None:
        return []
    return element if isinstance(element, list) else [element]


class Entry(Struct, frozen=True, omit_defaults=True, gc=False):
    fullUrl: str | None = None
    resource: Resource | None = None
    search: Search | None = None
    response: EntryResponse | None = None  # of a batch: one status per query
