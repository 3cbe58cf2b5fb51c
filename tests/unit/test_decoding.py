"""What cannot be read is set aside alone and named; nothing that is sent makes the reader fail."""

from __future__ import annotations

import json
from typing import Any

import pytest

from fhir_mappings.answer import Availability, read_answer
from fhir_mappings.decoding import decode
from tests.support.charts import Json, searchset

GOOD: Json = {"resourceType": "Condition", "id": "good"}


def bundle_with(raw_resource: str) -> bytes:
    """A Bundle with a good resource, the given text as a resource, and the good one again."""
    good = json.dumps({"resource": GOOD})
    return f'{{"resourceType": "Bundle", "entry": [{good}, {{"resource": {raw_resource}}}, {good}]}}'.encode()


@pytest.mark.parametrize(
    ("resource", "named", "why"),
    [
        ({"resourceType": "Observation", "id": "x", "code": 5}, "Observation/x", "a number for a code"),
        ({"resourceType": "Observation", "id": "x", "valueInteger": "3"}, "Observation/x", "a text for a number"),
        ({"resourceType": "Observation", "id": "x", "valueInteger": 3.5}, "Observation/x", "a fraction for an integer"),
        ({"resourceType": "Observation", "id": "x", "component": {}}, "Observation/x", "an object for a list"),
        ({"resourceType": "Observation", "id": "x", "component": [None]}, "Observation/x", "null in a list"),
        ({"resourceType": "Observation", "id": 5}, "Observation/without-id", "a number for the id"),
        ({"resourceType": 5}, "resource/without-id", "a number for the type"),
        ({"resourceType": "Observation", "id": "x", "valueQuantity": {"value": "many"}}, "Observation/x", "words"),
        ("text", "resource/unreadable", "a text for the resource"),
        ([1, 2], "resource/unreadable", "a list for the resource"),
    ],
)
def test_a_malformed_resource_is_named_and_costs_its_neighbours_nothing(resource: Any, named: str, why: str) -> None:
    found, malformed = decode(bundle_with(json.dumps(resource)))
    assert found is not None
    assert [entry.resource and entry.resource.id for entry in found.entry or ()] == ["good", "good"], why
    assert [item.reference for item in malformed] == [named], why


def test_the_code_of_a_malformed_resource_is_kept_if_it_can_be_read() -> None:
    broken = {"resourceType": "Observation", "id": "x", "status": 5, "code": {"text": "Ki-67"}}
    _, (item,) = decode(bundle_with(json.dumps(broken)))
    assert item.code is not None
    assert (item.code.text, item.where) == ("Ki-67", "$.status")


def test_where_it_went_wrong_names_no_value_of_the_chart() -> None:
    broken = {"resourceType": "Patient", "id": "x", "birthDate": ["secret-value"]}
    _, (item,) = decode(bundle_with(json.dumps(broken)))
    assert "secret-value" not in item.where


def test_a_malformed_resource_in_a_nested_bundle_costs_its_neighbours_nothing() -> None:
    inner = searchset([GOOD, {"resourceType": "Observation", "id": "x", "code": 5}])
    found, malformed = decode(json.dumps(searchset([inner, GOOD])).encode())
    assert found is not None
    nested, good = [entry.resource for entry in found.entry or ()]
    assert nested is not None and good is not None
    assert [entry.resource and entry.resource.id for entry in nested.entry or ()] == ["good"]
    assert good.id == "good"
    assert [item.reference for item in malformed] == ["Observation/x"]


def test_a_link_to_the_next_page_survives_a_malformed_neighbour() -> None:
    value = searchset([{"resourceType": "Observation", "code": 5}], link=[{"relation": "next"}, 5, {"relation": 7}])
    found, _ = decode(json.dumps(value).encode())
    assert found is not None
    assert [link.relation for link in found.link or ()] == ["next", "next"]  # what cannot be read may lead on


def test_an_odd_member_of_an_entry_costs_no_other() -> None:
    odd_address = {"fullUrl": 5, "resource": GOOD, "search": {"mode": "include"}, "response": {"status": 404}}
    odd_search = {"fullUrl": "urn:uuid:1", "resource": GOOD, "search": "match"}
    value = {"resourceType": "Bundle", "entry": [odd_address, odd_search, {"resource": None}, {}, 7]}
    found, malformed = decode(json.dumps(value).encode())
    assert found is not None
    assert found.entry is not None
    first, second, *rest = found.entry
    assert (first.fullUrl, first.search and first.search.mode) == (None, "include")
    assert first.response is not None
    assert first.response.status == "404"
    assert (second.fullUrl, second.search, second.response) == ("urn:uuid:1", None, None)
    assert first.resource == second.resource is not None
    assert [entry.resource for entry in rest] == [None, None], "announced, and not there"
    assert len(malformed) == 1


@pytest.mark.parametrize("issue", [[{"severity": "error"}], {"severity": "error"}, "error", [5]], ids=str)
def test_what_a_bundle_says_went_wrong_is_known_beside_an_odd_member(issue: Any) -> None:
    value = {"resourceType": "Bundle", "entry": [{"resource": GOOD}], "total": "3", "issue": issue}
    found, _ = decode(json.dumps(value).encode())
    assert found is not None
    assert found.issue
    assert read_answer(json.dumps(value).encode()).availability is Availability.FAILED


DEEP = 100_000


@pytest.mark.parametrize(
    ("raw", "why"),
    [
        (b"", "nothing"),
        (b'{"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Cond', "cut off"),
        (b'{"resourceType": "Bundle", "entry": {}}', "an object for the entries"),
        (b'"text"', "a text"),
        (b"[]", "a list"),
        (b"7", "a number"),
        (b"<html>", "a gateway's error page"),
        (b'{"resourceType": "Condition", "id": "\xff"}', "not UTF-8"),
        (b'{"resourceType": "Condition", "id": "\\ud800"}', "half a surrogate pair"),
        (b"[" * DEEP + b"]" * DEEP, "nested lists"),
        (b'{"resourceType":"Bundle","entry":[{"resource":' * DEEP + b"{}" + b"}]}" * DEEP, "nested Bundles"),
        (b'{"resourceType":"Condition","code":' + b'{"x":' * DEEP + b"1" + b"}" * DEEP + b"}", "a nested element"),
    ],
)
def test_what_is_no_resource_at_all_is_said_and_does_not_raise(raw: bytes, why: str) -> None:
    found, malformed = decode(raw)
    assert found is None, why
    assert malformed


def test_bundles_in_bundles_are_followed_only_so_far() -> None:
    value: Json = searchset([{"resourceType": "Observation", "id": "x", "code": 5}])
    for _ in range(20):
        value = searchset([value])
    _, malformed = decode(json.dumps(value).encode())
    assert [item.reference for item in malformed] == ["Bundle/without-id"]


def test_invalid_utf_8_in_one_resource_costs_only_that_one() -> None:
    raw = bundle_with('{"resourceType": "Condition", "id": "broken"}').replace(b"broken", b"\xff")
    found, malformed = decode(raw)
    assert found is not None
    assert len(found.entry or ()) == 2
    assert len(malformed) == 1
