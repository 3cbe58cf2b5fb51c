"""How the histology of the liver metastases is known: from a pathology report, or from diagnosis codes only.

A report turns "by diagnosis codes" into "by pathology report". It settles no contradiction between diagnoses, which
only a clinician's assessment does, and it never ends in silence: one that names our tumour beside no such diagnosis is
a question.
"""

from __future__ import annotations

from cds_service.guidelines.nelm_2006.intake.listing import joined
from fhir_mappings.condition import ConditionReading
from fhir_mappings.facts import Fact, Known, Unknown, WhyUnknown
from fhir_mappings.pathology import PathologyReading, evidence_of, pathology_reports
from fhir_mappings.select import Chart


def with_pathology(fact: Fact[bool], chart: Chart, found: list[ConditionReading]) -> tuple[Fact[bool], bool]:
    """The scope by codes beside what the reports say, and whether a report confirms the histology."""
    in_liver = [c for c in found if c.in_liver]
    if not any(not c.resolved for c in in_liver):
        return fact, False
    reports = [r for r in pathology_reports(chart)[0] if not _in_future(r, chart)]
    resting = [c for c in in_liver if c.neuroendocrine and c.confirmed and c.active]
    speaking = {r.source: r for r in (*(r for r in reports if r.of_liver), *evidence_of(reports, resting))}.values()
    final = [r for r in speaking if not r.preliminary]
    if final:
        return _by_report(fact, max(final, key=_when))
    if speaking:
        return _beside_preliminary(fact, max(speaking, key=_when)), False
    return fact, False


def _by_report(fact: Fact[bool], report: PathologyReading) -> tuple[Fact[bool], bool]:
    named = f"pathology report of {report.source.date or 'an unknown date'}"
    sources = tuple(dict.fromkeys((*fact.sources, report.source)))
    if isinstance(fact, Unknown):
        return Unknown(fact.why, sources, joined(fact.note, f"a {named} says neuroendocrine")), False
    if fact.value:
        return Known(True, sources, f"by {named}"), True
    return Unknown(WhyUnknown.WHICH_PRIMARY, sources, f"{named} says neuroendocrine, no diagnosis does"), False


def _beside_preliminary(fact: Fact[bool], report: PathologyReading) -> Fact[bool]:
    named = f"preliminary pathology report of {report.source.date or 'an unknown date'}"
    sources = tuple(dict.fromkeys((*fact.sources, report.source)))
    if isinstance(fact, Known) and fact.value:
        return Known(True, fact.sources, joined(fact.note, f"{named} not counted"))
    if isinstance(fact, Known):
        return Unknown(WhyUnknown.PRELIMINARY, sources, named)
    return Unknown(fact.why, sources, joined(fact.note, f"{named} not counted"))


def _in_future(report: PathologyReading, chart: Chart) -> bool:
    return report.when is not None and report.when.certainly_after_instant(chart.as_of)


def _when(report: PathologyReading) -> tuple[str, str]:
    return (report.when.last.isoformat() if report.when else "", report.source.reference)
