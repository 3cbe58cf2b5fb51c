"""Conditions: what they stand for, whether they are confirmed, and whether they hold now.

FHIR: https://hl7.org/fhir/R4/condition.html
A missing verificationStatus counts as confirmed: most EHR problem lists leave it out. A missing clinicalStatus counts
as active unless an abatement is given.
# not read: severity, stage (the protocol asks neither), note (text never becomes a value).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from msgspec import Struct

from fhir_mappings.dates import DateInterval, parse_date, period
from fhir_mappings.facts import Source, quoted
from fhir_mappings.select import Chart, Unused, WhyUnused
from fhir_mappings.terminology import Concept, Terminology
from fhir_mappings.typed import problem
from fhir_mappings.wire import Coded, Resource

# mCODE writes the morphology of the primary in this extension of the Condition.
_MORPHOLOGY = "http://hl7.org/fhir/us/mcode/StructureDefinition/mcode-histology-morphology-behavior"

_DROPPED = frozenset({"refuted", "entered-in-error"})
_ACTIVE = frozenset({"active", "recurrence", "relapse"})
_RESOLVED = frozenset({"remission", "resolved"})


class ConditionReading(Struct, frozen=True):
    """One Condition that counts, in the terms the guideline asks in."""

    source: Source
    concepts: frozenset[Concept]
    label: str
    confirmed: bool
    active: bool
    resolved: bool  # resolved, in remission or abated; merely inactive is not resolved
    stated_active: bool  # the record says so itself; an absent clinicalStatus does not
    recurrent: bool
    from_codes: bool  # the record does not say itself that it is confirmed
    neuroendocrine: bool
    in_liver: bool
    other_malignancy: bool
    primary_sites: frozenset[str]
    lymph_node_regions: frozenset[str]
    when: DateInterval | None  # recorded, else onset: the last date it speaks for
    own_dates: tuple[DateInterval, ...]
    abated: bool
    evidence: frozenset[str] = frozenset()  # the DiagnosticReports that it rests on


def conditions(chart: Chart) -> tuple[list[ConditionReading], list[Unused]]:
    """The Conditions that count and say anything to us; and of those that say anything, the ones that were left out.

    Left out, with the reason, is what is refuted, of an older FHIR, or malformed.
    """
    readings: list[ConditionReading] = []
    unused: list[Unused] = []
    for resource in chart.of_type("Condition"):
        if not _speaks_to_us(resource, chart.terminology):
            continue
        left_out = _left_out(resource, chart)
        if left_out is not None:
            unused.append(left_out)
        else:
            readings.append(_read(resource, _concepts(resource, chart), chart))
    return readings, unused


def every_condition_left_out(chart: Chart) -> list[Unused]:
    """The Conditions that were left out, and those that would have been had they said anything: for who explains."""
    found = (_left_out(resource, chart) for resource in chart.of_type("Condition"))
    return [unused for unused in found if unused is not None]


def _left_out(resource: Resource, chart: Chart) -> Unused | None:
    reason = _why_unused(resource)
    return None if reason is None else Unused(resource.reference, reason, _concepts(resource, chart))


def _why_unused(resource: Resource) -> WhyUnused | None:
    if isinstance(resource.clinicalStatus, str) or isinstance(resource.verificationStatus, str):
        # STU3 and DSTU2 wrote the statuses as bare codes; half-reading them is worse than saying so.
        return WhyUnused.NOT_SUPPORTED
    verification = _codes(resource.verificationStatus)
    if verification and verification <= _DROPPED:
        return WhyUnused.STATUS
    if problem(resource) is not None:
        return WhyUnused.MALFORMED
    return None


def _speaks_to_us(resource: Resource, terminology: Terminology) -> bool:
    """False of most diagnoses of most patients; those are not looked at further."""
    if resource.evidence:
        return True
    for element in (resource.code, *_morphologies(resource), *resource.body_sites()):
        for coding in element.codings() if element is not None else ():
            if terminology.knows(coding.system, coding.code):
                return True
    return False


def _read(resource: Resource, concepts: frozenset[Concept], chart: Chart) -> ConditionReading:
    verification = _codes(resource.verificationStatus)
    clinical = _codes(resource.clinicalStatus)
    stated_active = bool(clinical & _ACTIVE)
    abated = _is_abated(resource, chart)
    neuroendocrine = is_neuroendocrine(concepts)
    recorded = parse_date(resource.recordedDate)
    own_dates = tuple(date for date in (*_onset(resource), recorded) if date is not None)
    when = recorded or (own_dates[0] if own_dates else None)
    return ConditionReading(
        source=Source(resource.reference, when.day if when else None),
        concepts=concepts,
        label=quoted((resource.code.label() if resource.code else None) or "condition without a name"),
        # Several codes, or one we do not know ("suspected"): nobody has confirmed it.
        # A record that says both that it holds and that it has ended contradicts itself.
        confirmed=(resource.verificationStatus is None or verification == {"confirmed"})
        and not (stated_active and abated),
        # A status that is there and not understood (text, or a foreign code) is no licence to read it as active.
        active=bool(clinical & _ACTIVE) if resource.clinicalStatus is not None else not abated,
        resolved=bool(clinical & _RESOLVED) or (abated and not stated_active),
        stated_active=stated_active,
        recurrent=bool(clinical & {"recurrence", "relapse"}),
        from_codes=not verification,
        neuroendocrine=neuroendocrine,
        in_liver=_in_liver(concepts),
        other_malignancy=_other_malignancy(resource, chart, concepts, neuroendocrine=neuroendocrine),
        primary_sites=_mapped(resource, chart.terminology.primary_site),
        lymph_node_regions=_mapped(resource, chart.terminology.lymph_node_region),
        when=when,
        own_dates=own_dates,
        abated=abated,
        evidence=frozenset(_evidence(resource, chart)),
    )


def _concepts(resource: Resource, chart: Chart) -> frozenset[Concept]:
    found = chart.concepts(resource.code)
    for morphology in _morphologies(resource):
        found |= chart.concepts(morphology)
    for site in resource.body_sites():
        found |= chart.concepts(site)
    if {Concept.METASTASIS_SITE_UNSTATED, Concept.EXTRAHEPATIC_BODY_SITE} <= found:
        found |= {Concept.EXTRAHEPATIC_METASTASIS}
    return found


def _morphologies(resource: Resource) -> list[Coded | None]:
    return [each.valueCodeableConcept for each in resource.extension or () if each.url == _MORPHOLOGY]


def _codes(status: Coded | str | None) -> set[str]:
    if status is None or isinstance(status, str):
        return set()
    return {coding.code.lower() for coding in status.codings() if coding.code}


def _is_abated(resource: Resource, chart: Chart) -> bool:
    """True if the record gives an end that is not still to come; an empty element gives none."""
    span = resource.abatementPeriod
    ends = [resource.abatementDateTime, span.end if span else None]
    dates = [date for date in map(parse_date, ends) if date is not None]
    if any(date.certainly_after_instant(chart.as_of) for date in dates):
        return False
    unread = any(end and end.strip() for end in ends)
    started = bool(span and span.start)
    others = (resource.abatementAge, resource.abatementRange)
    return (
        unread
        or started
        or any(other is not None for other in others)
        or bool(resource.abatementString and resource.abatementString.strip())
    )


def is_neuroendocrine(concepts: frozenset[Concept]) -> bool:
    """True if the concepts, taken together, name a neuroendocrine tumour of the kind that this product knows."""
    if Concept.MERKEL_CELL in concepts:
        # A neuroendocrine carcinoma of the skin by some names, and never the tumour of this protocol.
        return False
    small_cell_of_the_gut = {Concept.SMALL_CELL_CARCINOMA, Concept.DIGESTIVE_BODY_SITE} <= concepts
    return Concept.NEUROENDOCRINE_NEOPLASM in concepts or small_cell_of_the_gut


def _in_liver(concepts: frozenset[Concept]) -> bool:
    if Concept.LIVER_METASTASIS in concepts:
        return True
    return Concept.METASTASIS_SITE_UNSTATED in concepts and Concept.LIVER_BODY_SITE in concepts


def _other_malignancy(resource: Resource, chart: Chart, concepts: frozenset[Concept], *, neuroendocrine: bool) -> bool:
    # A mixed or goblet-cell tumour carries an adenocarcinoma code too; it must end in a question, not in silence.
    if neuroendocrine or Concept.NEUROENDOCRINE_NOT_ENOUGH_ALONE in concepts:
        return False
    codings = resource.code.codings() if resource.code else ()
    return any(chart.terminology.is_other_malignancy(c.system, c.code) for c in codings)


def _mapped(resource: Resource, look_up: Callable[[str | None, str | None], str | None]) -> frozenset[str]:
    """Every site that a coding of the code or of the body site maps to."""
    elements = [resource.code, *resource.body_sites()]
    found = (look_up(c.system, c.code) for element in elements if element for c in element.codings())
    return frozenset(site for site in found if site is not None)


def _evidence(resource: Resource, chart: Chart) -> Iterator[str]:
    """The DiagnosticReports of this chart that the record names as its evidence, in R4's element or in R5's."""
    for evidence in resource.evidence or ():
        for named in (*(evidence.detail or ()), evidence.reference):
            target = (named.reference or "").partition("/_history/")[0] if named is not None else ""
            if target in chart.reports:
                yield chart.reports[target]


def _onset(resource: Resource) -> Iterator[DateInterval | None]:
    yield parse_date(resource.onsetDateTime)
    if resource.onsetPeriod is not None:
        yield period(resource.onsetPeriod.start, resource.onsetPeriod.end)
