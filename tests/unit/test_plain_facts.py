"""Plain facts: what is read, what is refused, and that the complaint helps."""

from __future__ import annotations

from typing import Any

import pytest

from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.plain_facts import FACTS, BadFactError, json_schema, read_facts
from fhir_mappings.facts import Interval, Known, Unknown


def test_every_need_can_be_given_as_a_plain_fact() -> None:
    assert set(FACTS) == {name for name, _ in Needs().facts()}


def test_null_and_absent_are_both_unknown() -> None:
    given, absent = read_facts({"srs": None}), read_facts({})
    assert isinstance(given.srs, Unknown)
    assert given == absent


def test_no_failed_therapy_given_means_that_none_failed() -> None:
    assert read_facts({"failed_therapies": None}).failed_therapies == Known(frozenset())


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [
        ("ki67_percent", 2, Interval.point(2)),
        ("ki67_percent", 15.1, Interval.point("15.1")),  # a float is read by its shortest form, not its binary one
        ("largest_lesion_cm", 4.0, Interval.point("4.0")),
        ("lesion_count", 7, Interval.point(7)),
        ("primary_site", "caecum", "cecum"),  # British spelling of the same organ
        ("failed_therapies", ["T-OCT"], frozenset({"T-OCT"})),
        ("carcinoid_syndrome", False, False),
    ],
)
def test_reads(name: str, value: Any, read: Any) -> None:
    assert read_facts({name: value}).fact(name) == Known(read)


@pytest.mark.parametrize(
    ("name", "value", "why"),
    [
        ("ki67_percent", 100.1, "above 100"),
        ("ki67_percent", -1, "negative"),
        ("ki67_percent", True, "a yes is not a number"),
        ("ki67_percent", "12", "text is not a number"),
        ("ki67_percent", float("nan"), "not a number at all"),
        ("largest_lesion_cm", -0.1, "negative size"),
        ("largest_lesion_cm", 0, "a lesion without size"),
        ("lesion_count", 0, "no lesion contradicts the question"),
        ("lesion_count", 2.5, "half a lesion"),
        ("age_years", 131, "beyond human age"),
        ("carcinoid_syndrome", "yes", "a word for a yes/no"),
        ("carcinoid_syndrome", 1, "a number for a yes/no"),
        ("differentiation", "moderate", "a word the protocol does not know"),
        ("primary_site", "colon", "colon without its part is null"),
        ("context", "post-embolisation", "the FHIR code, not the word of this format"),
        ("failed_therapies", "T-OCT", "one code is still a list"),
        ("failed_therapies", ["octreotide"], "a name, not a code"),
    ],
)
def test_refuses_and_names_the_field_and_what_is_allowed(name: str, value: Any, why: str) -> None:
    with pytest.raises(BadFactError, match=f"^{name}: must be ") as caught:
        read_facts({name: value})
    assert FACTS[name].allowed in str(caught.value), why


def test_an_unknown_fact_name_lists_the_known_ones() -> None:
    with pytest.raises(BadFactError, match=r"^ki67: no fact of this name; known are .*ki67_percent"):
        read_facts({"ki67": 3})


def test_the_schema_describes_every_fact_and_no_other() -> None:
    facts = json_schema()["$defs"]["case"]["properties"]["facts"]
    assert set(facts["properties"]) == set(FACTS)
    assert facts["additionalProperties"] is False
