"""Two copies of one resource: which is the later version, whatever the order in which they came."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mappings.facts import Known
from fhir_mappings.observation import markers
from fhir_mappings.terminology import Concept
from tests.support.charts import Json, chart, condition, observation


def copy(value: str, status: str = "final", **meta: Any) -> Json:
    found = observation("loinc:25587-7", f"{value} ug/L", id="cga", status=status)
    return found | ({"meta": meta} if meta else {})


RULE = [
    (copy("1", lastUpdated="2026-02-01T10:00:00Z"), copy("2", lastUpdated="2026-02-02T10:00:00Z"), "later"),
    (copy("1", lastUpdated="2026-02-01T23:30:00+01:00"), copy("2", lastUpdated="2026-02-01T23:00:00Z"),
     "as instants, not as text"),
    (copy("1", lastUpdated="2026-02-01T10:00:00Z", versionId="9"), copy("2", lastUpdated="2026-02-02", versionId="1"),
     "the time before the number"),
    (copy("1"), copy("2", lastUpdated="2026-02-01T10:00:00Z"), "one that has a time"),
    (copy("1", lastUpdated="yesterday"), copy("2", lastUpdated="2026-02-01T10:00:00Z"), "no time"),
    (copy("1", versionId="9"), copy("2", versionId="10"), "as numbers, not as text"),
    (copy("1", versionId="9", lastUpdated="2026-02-01T10:00:00Z"),
     copy("2", versionId="10", lastUpdated="2026-02-01T11:00:00+01:00"), "the same instant: the number decides"),
    (copy("1", versionId="W/x"), copy("2", versionId="1"), "one that has a number"),
    (copy("1", versionId="9" * 5000), copy("2", versionId="1"), "a number of thousands of digits is none"),
    (copy("1", "preliminary"), copy("2", "final"), "neither: the status that comes later in its life"),
    (copy("1", "final"), copy("2", "corrected"), ""),
    (copy("1"), copy("2"), "nothing tells them apart: one of them, and always the same"),
]  # fmt: skip


@pytest.mark.parametrize(("older", "newer", "why"), RULE)
def test_the_later_version_is_read(older: Json, newer: Json, why: str) -> None:
    for order in ((older, newer), (newer, older), (older, newer, older)):
        (reading,) = markers(chart(*order), Concept.CHROMOGRANIN_A)
        assert isinstance(reading.fact, Known)
        assert reading.fact.value.result == "2 ug/L", why


@pytest.mark.parametrize("verification", ["refuted", "entered-in-error"])
def test_a_withdrawn_diagnosis_is_not_outlived_by_its_older_copy(verification: str) -> None:
    older, newer = condition("icd:C7B.02", id="c"), condition("icd:C7B.02", id="c", verification=verification)
    for order in ((older, newer), (newer, older)):
        (resource,) = chart(*order).of_type("Condition")
        assert verification in repr(resource.verificationStatus)
