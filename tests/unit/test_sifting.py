"""Observations passed over by their code: nothing that matters is lost, and the rest is not built."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fhir_mappings.bundle import Entries, TooDeepError
from fhir_mappings.decoding import Decoded, decode
from fhir_mappings.sifting import Alike, Matters, sift

LOINC = "http://loinc.org"
KI67 = {"coding": [{"system": "urn:local", "code": "K67"}, {"system": LOINC, "code": "29593-1"}]}
POTASSIUM = {"coding": [{"system": LOINC, "code": "2823-3"}]}


SODIUM = {"coding": [{"system": LOINC, "code": "2951-2"}]}
MIB1 = {"coding": [{"system": LOINC, "code": "29593-1"}]}
ALBUMIN = {"coding": [{"system": LOINC, "code": "1751-7"}]}


def matters(system: str | None, code: str | None) -> Matters:
    known = {(LOINC, "29593-1"): Matters.AT_ONCE, (LOINC, "1751-7"): Matters.IF_OURS}
    return known.get((system or "", code or ""), Matters.NEVER)


def bundle(*resources: Any, **more: Any) -> bytes:
    entries = [{"fullUrl": f"urn:{n}", "resource": r} for n, r in enumerate(resources)]
    value = {"resourceType": "Bundle", "type": "searchset", "entry": entries, **more}
    return json.dumps(value, separators=(",", ":")).encode()  # as servers write it


def observation(**more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": "o", "status": "final", **more}


def ids(decoded: Iterable[Decoded]) -> list[str | None]:
    return [resource.id for resource, _ in decoded if resource is not None]


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
        (observation(code=KI67, component=[{"code": POTASSIUM}]), True),
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
    (decoded,) = sift(bundle(observation(code=KI67), passed_over), matters).undecoded.passed_over()
    assert decoded == decode(json.dumps(passed_over).encode())


def test_of_those_passed_over_the_wanted_ones_are_decoded() -> None:
    asked: list[int] = []

    def wanted(groups: Sequence[Alike]) -> Sequence[Alike]:
        asked.append(len(groups))
        return [alike for alike in groups if b"2823-3" in bytes(alike.code)]

    results = [observation(code=code, id=f"o{n}") for n, code in enumerate((POTASSIUM, ALBUMIN, SODIUM, POTASSIUM))]
    undecoded = sift(bundle(*results), matters).undecoded
    assert ids(undecoded.passed_over(wanted)) == ["o0", "o3"]
    assert asked == [2], "once for those that are alike"
    assert ids(undecoded.passed_over()) == ["o0", "o2", "o3"]


def test_the_order_of_the_entries_is_kept() -> None:
    codes = {"a": KI67, "b": POTASSIUM, "c": MIB1, "d": SODIUM, "e": KI67, "f": POTASSIUM}
    condition = {"resourceType": "Condition", "id": "x"}
    found = sift(bundle(*(observation(code=code, id=name) for name, code in codes.items()), condition), matters)
    assert found.resource is not None
    assert [entry.resource.id for entry in found.resource.entry or () if entry.resource] == ["a", "c", "e", "x"]
    assert ids(found.undecoded.passed_over()) == ["b", "d", "f"]


def test_panels_of_one_code_are_judged_each_by_its_own_components() -> None:
    panels = [observation(code=POTASSIUM, component=[{"code": code}]) for code in (POTASSIUM, KI67)]
    found = sift(bundle(*panels), matters)
    assert found.resource is not None
    assert (len(found.resource.entry or ()), found.undecoded.count) == (1, 1)


def test_codes_are_not_taken_for_components() -> None:
    parts = [{"code": POTASSIUM}]
    found = sift(bundle({"resourceType": "Observation", "component": parts}, observation(code=parts)), matters)
    assert [piece.reference for piece in found.malformed] == ["Observation/o"]
    assert found.undecoded.count == 1


def test_an_odd_entry_does_not_have_its_neighbours_decoded() -> None:
    entries = [{"resource": 5}, {"resource": observation(code=POTASSIUM)}]
    found = sift(json.dumps({"resourceType": "Bundle", "entry": entries}).encode(), matters)
    assert (found.undecoded.count, len(found.malformed)) == (1, 1)


def test_what_is_no_bundle_stays_what_it_is() -> None:
    found = sift(b'{"resourceType":"OperationOutcome","issue":[{"severity":"error"}],"entry":[]}', matters).resource
    assert found is not None
    assert found.resourceType == "OperationOutcome"


@pytest.mark.parametrize("entries", [[observation(code=KI67)], [observation(code=KI67), *[observation()] * 9]], ids=len)
def test_what_cannot_be_found_again_has_all_of_it_decoded(entries: list[Any], monkeypatch: pytest.MonkeyPatch) -> None:
    value = bundle(*entries)
    whole, _ = decode(value)
    monkeypatch.setattr(Entries, "of", too_deep)
    assert sift(value, matters).resource == whole


def too_deep(*_: Any) -> Any:
    raise TooDeepError


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
