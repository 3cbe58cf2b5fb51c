"""What the codes of a resource mean to us: concepts of the terminology, or assessments of our own code system."""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain

from fhir_mappings.systems import NELM_ASSESSMENT, normal_key
from fhir_mappings.terminology import Concept, Terminology
from fhir_mappings.wire import Coded, Resource


def codes_in(resource: Resource) -> list[Coded | None]:
    """The code of an Observation and those of its components."""
    if not resource.component:
        return [resource.code]
    return [resource.code, *(part.code for part in resource.component)]


def by_meaning(with_codes: Iterable[tuple[bytes, Resource]], terminology: Terminology) -> dict[str, list[Resource]]:
    """Observations by all that their codes mean; each comes with its codes as bytes, since many share few."""
    found: dict[str, list[Resource]] = {"": []}  # never empty, so that it is made once
    meanings_of: dict[bytes, set[str]] = {}
    for codes, resource in with_codes:
        if codes not in meanings_of:
            meanings_of[codes] = _meanings(codes_in(resource), terminology)
        for meaning in meanings_of[codes]:
            found.setdefault(meaning, []).append(resource)
    return found


def _meanings(codes: Iterable[Coded | None], terminology: Terminology) -> set[str]:
    meanings: set[str] = set()
    for coding in chain.from_iterable(coded.codings() for coded in codes if coded is not None):
        system, code = key = normal_key(coding.system, coding.code)
        meanings |= terminology.by_code.get(key, frozenset())  # not `concepts`: the key is made once
        if code and system == NELM_ASSESSMENT:
            meanings.add(assessment_meaning(code))
    return meanings


def assessment_meaning(code: str) -> str:
    """How `Chart.observations` is asked for an assessment: some codes are spelled like a concept."""
    return f"{NELM_ASSESSMENT}#{code}"


def concepts_of(coded: Coded | None, terminology: Terminology) -> frozenset[Concept]:
    """Every concept that any coding of the element stands for; text alone stands for nothing."""
    if coded is None:
        return frozenset()
    found: frozenset[Concept] = frozenset()
    for coding in coded.codings():
        found |= terminology.concepts(coding.system, coding.code)
    return found
