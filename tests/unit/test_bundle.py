"""Entries cut out of a Bundle are the ones that a scan finds, or they are scanned for."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from msgspec import Raw

from fhir_mappings import bundle
from fhir_mappings.bundle import Entries, TooDeepError, addresses_of
from fhir_mappings.decoding import DecodedEntry
from fhir_mappings.sifting import glance_at
from tests.benchmarks.bodies import SCENARIOS

CODE = {"coding": [{"system": "urn:x", "code": "1"}]}


def observation(identity: str, **more: Any) -> dict[str, Any]:
    return {"resourceType": "Observation", "id": identity, **more, "code": CODE}


def searchset(entries: Sequence[Any], **more: Any) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "searchset", "entry": list(entries), **more}


def written(value: Any) -> bytes:
    return json.dumps(value, separators=(",", ":"), ensure_ascii=False).encode()


def entries_of(text: bytes | Raw) -> Entries | None:
    glance = glance_at(text)
    return None if glance is None else Entries(text, [entry.resource.code for entry in glance.entry])


def cut(text: bytes | Raw, numbers: Sequence[int]) -> Sequence[DecodedEntry] | None:
    entries = entries_of(text)
    assert entries is not None
    return entries._cut(numbers)


def scanned(text: bytes | Raw, numbers: Sequence[int]) -> Sequence[DecodedEntry]:
    entries = entries_of(text)
    assert entries is not None
    return entries._scanned(numbers)


# What stands in an entry and looks like the beginning or the end of one.
CONFUSING: list[Any] = [
    [{"fullUrl": "urn:inner"}],
    [{"fullUrl": "urn:inner", "resource": observation("inner")}, {"fullUrl": "urn:other"}],
    [{"resource": observation("inner")}, {"resource": observation("other")}],
    {"fullUrl": {"fullUrl": [{}]}},
    ',{"fullUrl":"urn:x"}]',
    '"},{"fullUrl":"',
    "[[{}]]",
    [[{}], {}],
    "x" * 2500,
    1e400,
    None,
]
NAMES = ["contained", "note", "extension", "fullUrl", "valueString", "z"]
INSIDE = st.dictionaries(st.sampled_from(NAMES), st.sampled_from(CONFUSING), max_size=3)


@st.composite
def an_entry(draw: st.DrawFn) -> dict[str, Any]:
    before, after = draw(INSIDE), draw(INSIDE)
    resource = {"resourceType": draw(st.sampled_from(["Observation", "Condition"])), "id": "o", **before}
    if draw(st.booleans()):
        resource["code"] = draw(st.sampled_from([CODE, {"text": "c"}, 5, CONFUSING[0], CONFUSING[2], ',{"fullUrl":']))
    resource |= {name: value for name, value in after.items() if name not in resource}
    members: dict[str, Any] = {"fullUrl": draw(st.sampled_from(["urn:1", 5])), "resource": resource}
    members |= draw(st.sampled_from([{}, {"search": {"mode": "match"}}, {"link": CONFUSING[0]}, {"z": CONFUSING[1]}]))
    if draw(st.integers(0, 3)) == 0:
        del members["fullUrl"]
    if draw(st.booleans()):
        return members
    return {name: members[name] for name in draw(st.permutations(list(members)))}


@st.composite
def texts(draw: st.DrawFn) -> bytes:
    whole = searchset(draw(st.lists(an_entry(), min_size=1, max_size=5)))
    whole |= draw(st.sampled_from([{}, {"link": CONFUSING[1]}, {"z": [{"fullUrl": 1}]}, {"z": "}]"}]))
    if draw(st.booleans()):
        whole = dict(reversed(whole.items()))
    return json.dumps(whole).encode() if draw(st.integers(0, 3)) == 0 else written(whole)


# Within reach, the nearest beginning and the last end belong to what stands before the code.
BEFORE_THE_CODE = [
    {"fullUrl": "urn:1", "resource": {"resourceType": "Observation"}},
    {"resource": {"resourceType": "Observation", "z": CONFUSING[0], "code": {"text": "c"}, "valueString": "x" * 2500}},
]


@given(texts(), st.sampled_from([(2048, 16384), (2048, 2048), (1200, 3000)]))
@example(written(searchset(BEFORE_THE_CODE)), (1200, 1200))
def test_an_entry_that_is_cut_out_is_the_one_that_is_meant(text: bytes, reach: tuple[int, int]) -> None:
    compare(text, reach)


def compare(text: bytes, reach: tuple[int, int] = (2048, 16384)) -> None:
    entries = entries_of(text)
    if entries is None:
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(bundle, "_NEAR", reach[0])
        patch.setattr(bundle, "_FURTHEST", reach[1])
        for number in range(len(entries._codes)):
            alone = cut(text, [number])
            assert alone is None or alone == scanned(text, [number])


@given(texts(), st.data())
def test_of_a_damaged_bundle_only_the_meant_entry_is_cut_out(text: bytes, data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(text) - 1))
    piece = data.draw(st.sampled_from([b"", b"}", b",", b'"', b"{", b"]", b" ", b',{"fullUrl":', b"}]", b'"z":[{}],']))
    compare(text[:at] + piece + text[at + data.draw(st.integers(0, 2)) :])


@pytest.mark.parametrize("first", ["fullUrl", "resource", "link"])
@pytest.mark.parametrize("more", [{}, {"total": 9}], ids=["the entries come last", "something follows them"])
def test_entries_as_servers_write_them_are_cut_out(first: str, more: dict[str, Any]) -> None:
    members = {"fullUrl": "urn:x", "search": {"mode": "match"}, "link": [{"relation": "self", "url": "urn:y"}]}
    entries = [{first: members.get(first), **members, "resource": observation(f"o{n}")} for n in range(4)]
    if first == "resource":
        entries = [{"resource": observation(f"o{n}"), "search": {"mode": "match"}} for n in range(4)]
    text = written(searchset(entries, **more))
    for numbers in ([0], [1, 2], [3], [0, 1, 2, 3]):
        found = cut(text, numbers)
        assert found is not None
        assert found == scanned(text, numbers)
        assert [entry.resource.id for entry, _ in found if entry and entry.resource] == [f"o{n}" for n in numbers]


def test_a_last_entry_whose_end_is_not_told_from_another_is_scanned_for() -> None:
    entries = [{"fullUrl": "urn:x", "resource": observation(f"o{n}")} for n in range(4)]
    text = written(searchset(entries, link=[{"relation": "self"}]))
    assert cut(text, [3]) is None
    found = entries_of(text)
    assert found is not None
    assert found.of([3]) == scanned(text, [3])
    assert cut(text, [0, 1, 2]) == scanned(text, [0, 1, 2])


@pytest.mark.parametrize("scenario", SCENARIOS, ids=lambda scenario: scenario.name)
def test_the_results_of_a_large_chart_are_cut_out(scenario: Any) -> None:
    results = written(json.loads(scenario.body())["prefetch"]["observations"])
    glance = glance_at(results)
    assert glance is not None
    numbers = range(0, len(glance.entry), 3)
    assert cut(results, numbers) == scanned(results, numbers)


def test_a_resource_that_cannot_be_decoded_is_told_as_such() -> None:
    text = written(searchset([{"fullUrl": "urn:1", "resource": observation("bad", status=5)}] * 3))
    found = cut(text, [1])
    assert found is not None
    assert [[piece.reference for piece in lost] for _, lost in found] == [["Observation/bad"]]
    assert found == scanned(text, [1])


def test_many_are_scanned_for_once(monkeypatch: pytest.MonkeyPatch) -> None:
    text = written(searchset([{"fullUrl": "urn:1", "resource": observation(f"o{n}")} for n in range(9)]))
    entries = entries_of(text)
    assert entries is not None
    few = entries.of([2, 4])
    assert entries._listed is None
    assert entries.of(range(9))[2:5:2] == few
    listed = entries._listed
    monkeypatch.setattr(Entries, "_cut", lambda *_: pytest.fail("all are there already"))
    assert entries.of(range(9))[2:5:2] == entries.of([2, 4]) == few
    assert entries._listed is listed


@pytest.mark.parametrize(("wanted", "scans"), [(2, False), (3, True)])
def test_half_of_them_are_many(wanted: int, scans: bool) -> None:
    entries = entries_of(written(searchset([{"fullUrl": "urn:1", "resource": observation("o")}] * 6)))
    assert entries is not None
    entries.of(range(wanted))
    assert (entries._listed is not None) == scans


def test_entries_that_are_long_are_looked_for_further_away() -> None:
    for length, near in ((5_000, True), (40_000, False)):
        resource = observation("o", note="x" * length)
        text = written(searchset([{"fullUrl": "urn:1", "resource": resource}] * 4))
        assert (cut(text, [1]) is not None) == near
        entries = entries_of(text)
        assert entries is not None
        assert entries.of([1]) == scanned(text, [1])


def test_what_is_nested_too_deeply_to_be_found_again_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    class Deep:
        def decode(self, raw: Any) -> Any:
            raise RecursionError

    entries = entries_of(json.dumps(searchset([{"resource": observation("o")}] * 3)).encode())
    assert entries is not None
    monkeypatch.setattr(bundle, "_BUNDLE", Deep())
    with pytest.raises(TooDeepError):
        entries.of([1])


def test_no_view_is_held_for_its_address() -> None:
    view = memoryview(bytearray(9))
    addresses_of([view])
    view.release()  # refused while somebody holds it


def test_a_view_of_other_bytes_is_not_looked_for() -> None:
    text = written(searchset([{"fullUrl": "urn:1", "resource": observation("o")}] * 3))
    assert Entries(text, [Raw(b'{"text":"elsewhere"}')] * 3)._cut([1]) is None
    assert Entries(text, [Raw()] * 3)._cut([1]) is None


def test_a_view_of_the_bytes_before_is_not_looked_for() -> None:
    before = b" " * 100
    text = before + written(searchset([{"fullUrl": "urn:1", "resource": observation("o")}] * 3))
    entries = Entries(Raw(memoryview(text)[len(before) :]), [Raw(memoryview(text)[:1])] * 3)
    assert entries._cut([1]) is None


def test_addresses_are_as_far_apart_as_the_bytes() -> None:
    whole = memoryview(bytes(1000))
    begins, *others = addresses_of([whole, whole[3:5], Raw(whole[997:])])
    assert [other - begins for other in others] == [3, 997]
