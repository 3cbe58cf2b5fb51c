"""How fast the tumour grows: Ki-67 with its specimen, and differentiation."""

from __future__ import annotations

from decimal import Decimal

from cds_service.guidelines.nelm_2006 import thresholds as limit
from cds_service.guidelines.nelm_2006.intake.carriers import OBSERVATIONS, unless_unread
from cds_service.guidelines.nelm_2006.intake.listing import joined
from fhir_mappings import assessment
from fhir_mappings.assessment import AssessmentCode
from fhir_mappings.condition import ConditionReading, is_neuroendocrine
from fhir_mappings.facts import Fact, Interval, Known, Unknown, WhyUnknown
from fhir_mappings.ki67 import Ki67Reading, ki67_readings
from fhir_mappings.pathology import PathologyReading
from fhir_mappings.quantities import highest
from fhir_mappings.reading import Reading, latest, reconcile, sources_of
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept


def ki67(chart: Chart) -> Fact[Interval]:
    """The highest Ki-67 of any counted specimen (P, C29); one that cannot be read leaves the top open."""
    found = ki67_readings(chart)
    past: list[Ki67Reading] = []
    future: list[Ki67Reading] = []
    for each in found:
        when = each.reading.when
        (future if when is not None and when.certainly_after_instant(chart.as_of) else past).append(each)
    known = _distinct([k for k in past if isinstance(k.reading.fact, Known)])
    if not known:
        return unless_unread(latest([k.reading for k in found], chart.as_of).fact, chart, OBSERVATIONS)
    top = highest([k.reading.fact.value for k in known if isinstance(k.reading.fact, Known)])
    sources = sources_of([k.reading for k in known])
    why_not = {k.reading.fact.why for k in past if isinstance(k.reading.fact, Unknown)} - _NO_VALUE
    if why_not:
        sources = sources_of([k.reading for k in past])
    if any(isinstance(k.reading.fact, Known) for k in future):
        why_not |= {WhyUnknown.FUTURE_DATE}
        sources = sources_of([k.reading for k in found])
    notes = [f"highest of {len(known)} results"] if len(known) > 1 else []
    notes += filter(None, [_specimens(known)])
    if why_not - {WhyUnknown.PRELIMINARY}:
        open_top = Interval(top.low, None, low_open=top.low_open)
        return Known(open_top, sources, joined(_lost(why_not), _specimens(known)))
    if why_not:
        notes.append("a preliminary Ki-67 is not counted")
    newest = [k.reading.when.days_before(chart.as_of)[0] for k in known if k.reading.when is not None]
    if newest and min(newest) > limit.KI67_OLD_DAYS:
        notes.append("more than 24 months old")
    return Known(top, sources, joined(*notes, _from_text(known)))


def _lost(why_not: set[WhyUnknown]) -> str:
    if why_not - {WhyUnknown.PRELIMINARY} == {WhyUnknown.FUTURE_DATE}:
        return "another Ki-67 is dated in the future"
    return "another specimen's Ki-67 could not be read"


_NO_VALUE = frozenset({WhyUnknown.DATA_ABSENT, WhyUnknown.RESULT_MISSING})


def _distinct(found: list[Ki67Reading]) -> list[Ki67Reading]:
    """One of each result: the same one arrives in a panel and by itself, or three times under three ids."""
    seen: dict[tuple[object, ...], Ki67Reading] = {}
    for each in found:
        kept = seen.setdefault(_meaning(each), each)
        if each.reading.fact.sources[0].reference < kept.reading.fact.sources[0].reference:
            seen[_meaning(each)] = each
    return list(seen.values())


def _meaning(found: Ki67Reading) -> tuple[object, ...]:
    value = found.reading.fact.value if isinstance(found.reading.fact, Known) else None
    return value, found.reading.when.day if found.reading.when else found.reading.fact.sources, found.site


def _specimens(known: list[Ki67Reading]) -> str | None:
    """The value from the liver with its year, or that there is none; nothing where no record names a site."""
    from_liver = [k for k in known if k.in_liver]
    if from_liver:
        return f"liver {_with_year(_highest(from_liver))}" if len(known) > 1 else "liver specimen"
    if not all(k.site for k in known):
        return None
    best = _highest(known)
    where = "only from the primary" if all(k.of_primary for k in known) else "specimen"
    return f"{where}: {best.site}, {_year(best)}"


def _highest(found: list[Ki67Reading]) -> Ki67Reading:
    """The one with the highest value; of equal ones the latest."""
    return max(found, key=lambda k: (_height(k), k.reading.when.last.isoformat() if k.reading.when else ""))


def _height(found: Ki67Reading) -> Decimal:
    fact = found.reading.fact
    ends = (fact.value.high, fact.value.low) if isinstance(fact, Known) else ()
    return next((end for end in ends if end is not None), Decimal(0))


def _with_year(found: Ki67Reading) -> str:
    value = found.reading.fact.value.text() if isinstance(found.reading.fact, Known) else "?"
    return f"{value} % ({_year(found)})"


def _year(found: Ki67Reading) -> str:
    return found.reading.when.day[:4] if found.reading.when else "undated"


def _from_text(known: list[Ki67Reading]) -> str | None:
    return next((k.reading.fact.note for k in known if isinstance(k.reading.fact, Known) and k.reading.fact.note), None)


def differentiation(chart: Chart, found: list[ConditionReading], reports: list[PathologyReading]) -> Fact[str]:
    """`well` or `poor`, by assessment or by a diagnosis, a morphology or a pathology report that says so."""
    assessed = latest(assessment.coded(chart, AssessmentCode.DIFFERENTIATION), chart.as_of)
    if isinstance(assessed.fact, Known) and assessed.fact.note == "preliminary":
        assessed = Reading(Unknown(WhyUnknown.PRELIMINARY, assessed.fact.sources), assessed.when)
    codes = [
        Reading(Known(word, (c.source,)), c.when)
        for c in found
        if c.confirmed and c.neuroendocrine
        for word in _graded(c.concepts)
    ]
    ours = [r for r in reports if is_neuroendocrine(r.concepts) and not r.contradicts]
    codes += [
        Reading(Known(word, (r.source,)), r.when) for r in ours if not r.preliminary for word in _graded(r.concepts)
    ]
    early = tuple(r.source for r in ours if r.preliminary and _graded(r.concepts))
    fact = one_of(reconcile(assessed, latest(codes, chart.as_of)).fact, "well", "poor")
    if early and isinstance(fact, Unknown) and fact.why is WhyUnknown.NOT_RECORDED:
        fact = Unknown(WhyUnknown.PRELIMINARY, early, "preliminary pathology report")
    return unless_unread(fact, chart, OBSERVATIONS)


def _graded(concepts: frozenset[Concept]) -> list[str]:
    poor = concepts & {Concept.POORLY_DIFFERENTIATED, Concept.SMALL_CELL_CARCINOMA}
    return [*(["poor"] if poor else []), *(["well"] if Concept.WELL_DIFFERENTIATED in concepts else [])]


def one_of(fact: Fact[str], *words: str) -> Fact[str]:
    """The fact, if it is one of the answers that the assessment has."""
    return fact if isinstance(fact, Unknown) or fact.value in words else Unknown(WhyUnknown.VALUE, fact.sources)
