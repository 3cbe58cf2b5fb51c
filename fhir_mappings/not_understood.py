"""Observations whose name looks like one of our markers and whose code means nothing to us.

They are named so that nobody takes a marker for missing that stands in the chart under a code of the laboratory's own.
A name is never enough for a value: neither the result nor its elevation is read.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from fhir_mappings.assessment import codes_of
from fhir_mappings.facts import Source
from fhir_mappings.observation import COUNTED, source, when
from fhir_mappings.select import Chart
from fhir_mappings.sifting import names
from fhir_mappings.wire import Resource

# Whole words, in any case. CGA also stands for a geriatric assessment: naming one too many costs a line, no value.
WORDS: Final = (
    r"chromogranine?", r"cga", r"serotonine?(?!\s+(?:release|re-?uptake|transporter|receptor))", r"5-?ht", r"5-?hiaa",
    r"(?:5-?)?hydroxy-?indole?-?acet\w+", r"ki[- ]?67", r"mib[- ]?1",
)  # fmt: skip
# An underscore parts words here: LAB_CGA is a name that laboratories give.
_LOOKS_LIKE_OURS = re.compile(rf"(?<![^\W_])(?:{'|'.join(WORDS)})(?![^\W_])", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class NotUnderstood:
    """One result as the chart names it, and where it stands."""

    label: str
    source: Source


def not_understood(chart: Chart) -> tuple[NotUnderstood, ...]:
    """Every such name once, with the latest Observation that bears it; the latest first."""
    latest: dict[str, NotUnderstood] = {}
    looks_like_ours = cache(_looks_like_ours)  # thousands of results share a few dozen names
    for resource in chart.every_observation(lambda raw: any(map(looks_like_ours, names(raw)))):
        if resource.status not in COUNTED:
            continue
        for label in _labels(resource, chart, looks_like_ours):
            found = NotUnderstood(label, source(resource, when(resource)))
            latest[label] = max(latest.get(label, found), found, key=_age)
    return tuple(sorted(latest.values(), key=lambda found: (*_age(found), found.label), reverse=True))


def _looks_like_ours(name: str) -> bool:
    return _LOOKS_LIKE_OURS.search(name) is not None


def _age(found: NotUnderstood) -> tuple[str, str]:
    return found.source.date or "", found.source.reference


def _labels(resource: Resource, chart: Chart, looks_like_ours: Callable[[str], bool]) -> Iterator[str]:
    for coded in (resource.code, *(component.code for component in resource.component or ())):
        name = next(filter(looks_like_ours, coded.names()), None) if coded is not None else None
        if name is not None and not chart.concepts(coded) and not codes_of(coded):
            yield name
