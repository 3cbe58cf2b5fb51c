"""What the 2006 protocol says about one patient, as sections in the order in which they are shown."""

from __future__ import annotations

from msgspec.structs import replace

from cds_service.guidelines.nelm_2006.advice.treatment import treatment_section
from cds_service.guidelines.nelm_2006.advice.workup import (
    emergency_section,
    refer_section,
    unread_section,
    workup_section,
)
from cds_service.guidelines.nelm_2006.intake import ChartReading
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.advice import Section
from cds_service.reasoning.decision import Decision

__all__ = ["advise"]


def advise(decision: Decision, reading: ChartReading) -> list[Section]:
    """Every section of the answer; none for a chart that is not ours. M1, M2 close the last (no emergency)."""
    if decision.state == "out_of_scope":
        return []
    if decision.state == "emergency":
        return [emergency_section(decision, reading)]
    sections: list[Section] = []
    if decision.state == "refer":
        sections.append(refer_section(decision, reading))
    elif decision.treatment:
        sections.append(treatment_section(decision, reading))
    if decision.workup:
        sections.append(workup_section(decision, reading))
    if decision.unread:
        sections.append(unread_section(decision, reading))
    return [*sections[:-1], _closed(sections[-1])]


def _closed(section: Section) -> Section:
    sentences = texts().sentences
    return replace(section, closing=f"{sentences['provenance']} {sentences['not_assessed']}")
