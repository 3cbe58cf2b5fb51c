"""What is on record and does not count, named so that nobody looks for it in vain (R5)."""

from __future__ import annotations

from collections.abc import Iterator

from fhir_mappings.condition import ConditionReading
from fhir_mappings.facts import Known, Source
from fhir_mappings.observation import coded_values, markers
from fhir_mappings.procedure import remarks
from fhir_mappings.reading import latest
from fhir_mappings.select import Chart
from fhir_mappings.terminology import Concept

_MARKERS = {
    Concept.URINARY_5_HIAA: "urinary 5-HIAA",
    Concept.SEROTONIN_OTHER_SPECIMEN: "serotonin in another specimen than platelets",
    Concept.KI_67_NOT_PERCENT: "Ki-67 without a percentage",
}
_PLACED = frozenset({
    Concept.LIVER_METASTASIS, Concept.EXTRAHEPATIC_METASTASIS, Concept.LIVER_BODY_SITE,
    Concept.LYMPH_NODE_METASTASIS, Concept.DISTANT_LYMPH_NODE_METASTASIS,
})  # fmt: skip


def found_beside(chart: Chart, found: list[ConditionReading]) -> tuple[tuple[str, Source], ...]:
    """Other markers, metastases without a site, procedures that change nothing: each once, with its latest source."""
    newest: dict[str, Source] = {}
    for name, source in (*_other_markers(chart), *_grades(chart), *_unplaced(found), *remarks(chart)):
        kept = newest.get(name)
        if kept is None or (kept.date or "", kept.reference) < (source.date or "", source.reference):
            newest[name] = source
    return tuple(newest.items())


def _other_markers(chart: Chart) -> Iterator[tuple[str, Source]]:
    for concept, name in _MARKERS.items():
        newest = latest(markers(chart, concept), chart.as_of).fact
        yield from ((name, source) for source in newest.sources[:1])


def _grades(chart: Chart) -> Iterator[tuple[str, Source]]:
    """A histologic grade, which the paper does not use: shown, not translated."""
    grade = latest(coded_values(chart, Concept.HISTOLOGIC_GRADE), chart.as_of).fact
    if isinstance(grade, Known):
        yield f"histologic grade ({grade.value})", grade.sources[0]


def _unplaced(found: list[ConditionReading]) -> Iterator[tuple[str, Source]]:
    """Metastases of no stated site are neither of the liver nor beyond it."""
    for condition in found:
        if Concept.METASTASIS_SITE_UNSTATED in condition.concepts and not condition.concepts & _PLACED:
            yield "metastasis without a stated site", condition.source
