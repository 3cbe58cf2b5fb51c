"""How the tumour markers have moved: one line beside the advice, never a conclusion from it (R7, R8, R55)."""

from __future__ import annotations

from cds_service.guidelines.nelm_2006.intake import ChartReading
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from cds_service.guidelines.nelm_2006.recommendations import with_limits
from cds_service.reasoning.advice import Block
from cds_service.reasoning.markdown import inert
from fhir_mappings.terminology import Concept
from fhir_mappings.trend import Direction, Result, Trend, WhyNot

_NAMES = {Concept.CHROMOGRANIN_A: "Chromogranin A", Concept.PLATELET_SEROTONIN: "Platelet serotonin"}
_MOVED = {Direction.RISING: "rising from", Direction.FALLING: "falling from", Direction.STABLE: "stable since"}
_NOT_COMPARED = {
    WhyNot.OTHER_ASSAY: "another assay",
    WhyNot.OTHER_UNIT: "another unit",
    WhyNot.SAME_DAY: "results of one day differ",
    WhyNot.TOO_VAGUE: "a limit, not a number",
    WhyNot.NOT_A_NUMBER: "not a number",
    WhyNot.ONE_RESULT: "one result",
    WhyNot.NO_DATE: "no date",
}
_LONGEST = 40


def marker_trends(reading: ChartReading) -> list[Block]:
    """The course of every marker of which there is more than one result, on one line; it may be left out for room."""
    told = [line for line in (_line(trend, reading.needs.policy) for trend in reading.trends) if line]
    return [Block(f"{'; '.join(told)}.", brief="", spare=("",), movable=True)] if told else []


def _line(trend: Trend, policy: SitePolicy) -> str:
    latest, name = trend.results[0], _NAMES[trend.marker]
    if trend.direction is Direction.CEILING:
        return f"{name} {_shown(latest)}: at the ceiling of the test, where it follows treatment poorly (C30)"
    if trend.other is None:
        return ""
    if trend.direction is Direction.NOT_COMPARABLE:
        why = _NOT_COMPARED[trend.why_not] if trend.why_not else "another kind of result"
        order = "beside" if trend.why_not is WhyNot.SAME_DAY else "before"
        return f"{name} {_shown(latest)}, {order} {_shown(trend.other)}: not compared ({why})"
    return f"{name} {_shown(latest)}, {_MOVED[trend.direction]} {_shown(trend.other)}{_within(trend, policy)}"


def _within(trend: Trend, policy: SitePolicy) -> str:
    """What is called stable, and whose limit that is."""
    whose = ", limit of this site" if "marker_change_percent" in policy.departures else ""
    if trend.direction is Direction.STABLE:
        return with_limits(" (within {marker_change_percent} %", policy) + f"{whose})"
    return f" ({whose.removeprefix(', ')})" if whose else ""


def _shown(result: Result) -> str:
    preliminary = ", preliminary" if result.preliminary else ""
    return f"{inert(result.text, _LONGEST)} ({result.source.date}{preliminary})"
