"""Observations passed over by their code: nothing that matters is lost, and the rest is not built."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.decoding import decode
from fhir_mappings.sifting import Matters, sift

LOINC = "http://loinc.org"
KI67 = {"coding": [{"system": "urn:local", "code": "K67"}, {"system": LOINC, "code": "29593-1"}]}
POTASSIUM = {"coding": [{"system": LOINC, "code": "2823-3"}]}


ALBUMIN = {"coding": [{"system": LOINC, "code": "1751-7"}]}


def matters(system: str | None, code: str | None) -> Matters:
    known = {(LOINC, "29593-1"): Matters.AT_ONCE, (LOINC, "1751-7"): Matters.IF_OURS}
    return known.get((system or "", code or ""), Matters.NEVER)


def bundle(*resources: Any, **more: Any) -> bytes:
    entries = [{"fullUrl": f"urn:{n}", "resource": r} for n, r in enumerate(resources)]
    return json.dumps({"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}).encode()


def observation(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": "o", "status": "final", **more}


@pytest.mark.parametrize(
    ("resource", "kept"),
    [
        (observation(code=KI67), True),
        (observation(code=POTASSIUM, component=[{"code": KI67}]), True),
        (observation(code=KI67["coding"][1]), True),  # a Coding, as R4 has it elsewhere
        (observation(code={"concept": KI67}), True),  # as R5 has it elsewhere
        (observation(code=POTASSIUM, component=[{"code": KI67["coding"][1]}]), True),
        (observation(code=POTASSIUM), False),
        (observation(code={"text": "Ki-67"}), False),
        (observation(), False),
        (observation(code=POTASSIUM, valueString=7), False),  # odd, but nobody reads it
        ({"resourceType": "Condition", "id": "c", "code": POTASSIUM}, True),
        ({"resourceType": "OperationOutcome", "issue": [{"severity": "error"}]}, True),
        ({"resourceType": "Bundle", "entry": [{"resource": observation(code=POTASSIUM)}]}, True),
        ({"id": "without-type"}, True),
    ],
)
def test_passes_over_observations_of_no_code_that_matters(resource: dict[str, Any], kept: bool) -> None:
    found = sift(bundle(resource), matters)
    assert found.resource is not None
    assert len(found.resource.entry or ()) == kept
    assert len(found.undecoded.passed_over()) == (not kept)
    assert found.malformed == []


def test_what_is_passed_over_can_be_asked_for() -> None:
    passed_over = observation(code=POTASSIUM, valueString="x")
    ((entry, lost),) = sift(bundle(observation(code=KI67), passed_over), matters).undecoded.passed_over()
    assert entry is not None
    assert (entry.resource, lost) == decode(json.dumps(passed_over).encode())


@pytest.mark.parametrize(
    ("resource", "later", "passed_over"),
    [
        (observation(code=ALBUMIN), 1, 0),
        (observation(code=POTASSIUM, component=[{"code": ALBUMIN}]), 1, 0),
        (observation(code=ALBUMIN, component=[{"code": KI67}]), 0, 0),
        (observation(code=POTASSIUM), 0, 1),
        (observation(code={"coding": [*ALBUMIN["coding"], {"code": 5}]}), 0, 0),
    ],
    ids=["by its code", "by a component", "what matters at once comes first", "by none", "a code that cannot be read"],
)
def test_what_matters_to_a_chart_of_ours_is_left_for_later(resource: Any, later: int, passed_over: int) -> None:
    found = sift(bundle(resource, resource), matters)
    assert len(found.undecoded.later()) == found.undecoded.count_later == 2 * later
    assert len(found.undecoded.passed_over()) == 2 * passed_over


@pytest.mark.parametrize("code", [7, {"coding": "K"}, {"coding": [{"code": 5}]}], ids=str)
def test_a_code_that_cannot_be_read_is_told_as_malformed_and_costs_no_neighbour(code: Any) -> None:
    found = sift(bundle(observation(code=code), observation(code=KI67)), matters)
    assert [piece.reference for piece in found.malformed] == ["Observation/o"]
    assert found.resource is not None
    assert len(found.resource.entry or ()) == 1


def test_what_a_bundle_says_of_itself_is_kept() -> None:
    value = bundle(observation(code=KI67), total=5, link=[{"relation": "next", "url": "x"}])
    found = sift(value, matters).resource
    assert found is not None
    assert found.total == 5
    assert [link.relation for link in found.link or ()] == ["next"]
    assert [entry.fullUrl for entry in found.entry or ()] == ["urn:0"]


def test_a_batch_response_keeps_the_status_of_an_entry_without_resource() -> None:
    value = json.dumps({"resourceType": "Bundle", "entry": [{"response": {"status": "404"}}, {}]}).encode()
    found = sift(value, matters).resource
    assert found is not None
    assert [entry.response.status for entry in found.entry or () if entry.response] == ["404"]


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)
RESOURCES = st.fixed_dictionaries(
    {"resourceType": st.sampled_from(["Observation", "Condition", 7])},
    optional={
        "code": st.sampled_from([KI67, ALBUMIN, POTASSIUM, "odd"]) | JSON,
        "component": JSON,
        "valueString": JSON,
    },
)


ENTRIES = st.fixed_dictionaries(
    {"resource": RESOURCES | JSON},
    optional={
        "fullUrl": JSON,
        "search": JSON | st.just({"mode": "match"}),
        "response": JSON | st.just({"status": "200"}),
    },
)


@given(st.lists(ENTRIES, max_size=4), st.booleans())
def test_what_was_counted_at_a_glance_is_found_again(entries: list[Any], results_alone: bool) -> None:
    if results_alone:
        entries = [entry | {"resource": observation(code=ALBUMIN)} for entry in entries]
    found = sift(json.dumps({"resourceType": "Bundle", "entry": entries}).encode(), matters)
    assert len([*found.undecoded.later(), *found.undecoded.passed_over()]) == found.undecoded.count


@given(st.lists(RESOURCES | JSON, max_size=5))
def test_everything_that_decoding_whole_finds_is_there_but_for_what_is_passed_over(resources: list[Any]) -> None:
    value = bundle(*resources)
    whole, lost = decode(value)
    found = sift(value, matters)
    assert (whole is None) == (found.resource is None)
    if whole is not None and found.resource is not None:
        entries = [entry for entry in whole.entry or () if entry.resource is not None]
        kept = [entry for entry in found.resource.entry or () if entry.resource is not None]
        undecoded = len([*found.undecoded.later(), *found.undecoded.passed_over()])
        assert undecoded == found.undecoded.count
        assert len(kept) + len(found.malformed) + undecoded == len(entries) + len(lost)
        assert all(entry in entries for entry in kept)


@given(st.binary(max_size=40))
def test_never_raises_whatever_the_bytes(raw: bytes) -> None:
    assert sift(raw, matters).resource == decode(raw)[0]
