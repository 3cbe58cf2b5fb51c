"""When a result is worth decoding: what the terminology knows of its code decides."""

from __future__ import annotations

from fhir_mappings.sifting import Judge, Matters
from fhir_mappings.systems import NELM_ASSESSMENT, normal_key
from fhir_mappings.terminology import Concept, Terminology

# Laboratory values that most patients have, dozens of times; they never tell whether a chart is one of ours.
_EVERYDAY = frozenset({Concept.ALBUMIN, Concept.BILIRUBIN_TOTAL, Concept.INR})


def judge_by(terminology: Terminology) -> Judge:
    """When an Observation under a code is worth decoding."""

    def judge(system: str | None, code: str | None) -> Matters:
        key = normal_key(system, code)
        concepts = terminology.by_code.get(key)
        if concepts:
            return Matters.IF_OURS if concepts <= _EVERYDAY else Matters.AT_ONCE
        return Matters.AT_ONCE if key[0] == NELM_ASSESSMENT else Matters.NEVER

    return judge
