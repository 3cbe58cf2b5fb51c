"""A request read with its results cut out is the request that was sent, or it is read another way."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from cds_service.errors import MalformedRequest, RequestError
from cds_service.gather import PREFETCH_KEYS
from cds_service.http import cutting
from cds_service.http.answer import read_call
from cds_service.http.cutting import without_results
from cds_service.http.wire import HookRequest, parse_with_glance
from tests.benchmarks.bodies import SCENARIOS
from tests.support.stories import STORIES, Story

RESULT = {"resourceType": "Observation", "id": "r", "code": {"coding": [{"system": "urn:x", "code": "1"}]}}
BUNDLE = {"resourceType": "Bundle", "entry": [{"resource": RESULT}]}
OF_REQUEST = [field for field in HookRequest.__struct_fields__ if field != "prefetch"]


@pytest.fixture(autouse=True)
def every_size(monkeypatch: pytest.MonkeyPatch) -> None:
    """Small requests are cut as well."""
    monkeypatch.setattr(cutting, "_LARGE", 0)


def read(body: bytes) -> Any:
    """What a request says: its members, each as it was sent, or the refusal."""
    try:
        request, glance = parse_with_glance(body)
    except RequestError as error:
        return type(error), str(error)
    assert glance is None or glance.resourceType == "Bundle"
    prefetch = request.prefetch
    values = None if prefetch is None else [(key, bytes(prefetch[key]).strip()) for key in sorted(prefetch)]
    return [getattr(request, field) for field in OF_REQUEST], values


def written(members: list[tuple[str, str]], blank: str = "") -> str:
    """An object of these members in their order, each as often as it is listed."""
    return "{" + f",{blank}".join(f'"{name}":{blank}{value}' for name, value in members) + "}"


def read_by_scanning(body: bytes) -> Any:
    """The same without cutting anything out."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(cutting, "_LARGE", len(body) + 1)
        return read(body)


# What results may hold that looks like the end of them, or like their beginning.
VALUES: list[dict[str, Any] | None] = [
    BUNDLE,
    {"resourceType": "Bundle", "entry": []},
    {"resourceType": "OperationOutcome"},
    None,
    BUNDLE | {"meta": {"observations": BUNDLE}},
    BUNDLE | {"meta": {"a": {"b": {}}, "context": {"patientId": "other"}, "imaging": None}},
    {"entry": [{"resource": RESULT | {"x": {"y": {}}, "conditions": {"z": {}}, "hook": "other"}}]} | BUNDLE,
    {"text": '"observations":{"a":{}},"hook":'},
]
CONFUSING = [json.dumps(value, separators=(",", ":")) for value in VALUES]
RIGHT = {
    "hook": '"patient-view"',
    "hookInstance": '"i"',
    "context": '{"patientId":"p","userId":"u"}',
    "fhirServer": '"https://ehr.example/fhir"',
    "fhirAuthorization": '{"access_token":"t"}',
    "extension": '{"observations":{"resourceType":"Bundle","entry":[]}}',
}
BLANK = st.sampled_from(["", "", "", " "])


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    value = st.sampled_from(CONFUSING)
    keys = ["observations", *draw(st.lists(st.sampled_from([*PREFETCH_KEYS, "context"]), max_size=3, unique=True))]
    keys = draw(st.permutations(keys))
    prefetch = written([(key, draw(value)) for key in keys], draw(BLANK))
    names = draw(st.permutations([*RIGHT, "prefetch"]))
    doubled = draw(st.lists(st.sampled_from([*RIGHT, "prefetch", "observations"]), max_size=1))
    values = RIGHT | {"prefetch": prefetch, "observations": draw(value), "extension": draw(value)}
    members = [(name, values[name]) for name in (*names, *doubled)]
    text = written(members, draw(BLANK)) + draw(st.sampled_from(["", "", "\n", "}"]))
    return text.encode()


@given(bodies())
@example(written([*RIGHT.items(), ("prefetch", written([("observations", CONFUSING[0])]))]).encode())
def test_what_is_read_is_what_scanning_all_of_it_reads(body: bytes) -> None:
    assert read(body) == read_by_scanning(body)


@given(st.data())
def test_bytes_lost_or_changed_are_read_alike(data: st.DataObject) -> None:
    body = bytearray(data.draw(bodies()))
    at = data.draw(st.integers(0, len(body) - 1))
    body[at : at + data.draw(st.integers(0, 3))] = data.draw(st.sampled_from([b"", b"}", b",", b'"', b"{"]))
    assert read(bytes(body)) == read_by_scanning(bytes(body))


@pytest.mark.parametrize("last", ["observations", "imaging", "context", "extension"])
def test_results_are_cut_out_whatever_follows_them(last: str) -> None:
    in_prefetch = [("patient", "null"), ("observations", CONFUSING[0])]
    if last in PREFETCH_KEYS and last != "observations":
        in_prefetch.append((last, '{"resourceType":"Bundle"}'))
    right = RIGHT | {"extension": '{"a":{}}'}
    after = [(last, right[last])] if last in right else []
    before = [(name, value) for name, value in right.items() if name != last]
    body = written([*before, ("prefetch", written(in_prefetch)), *after]).encode()
    parted = without_results(body)
    assert parted is not None
    assert bytes(parted.results).decode() == CONFUSING[0]
    assert parse_with_glance(body)[1] is not None


@pytest.mark.parametrize("between", [[], [("imaging", "null")]], ids=["one after the other", "with another between"])
def test_results_that_stand_twice_are_refused(between: list[tuple[str, str]]) -> None:
    prefetch = written([("observations", CONFUSING[0]), *between, ("observations", CONFUSING[0])])
    body = written([*RIGHT.items(), ("prefetch", prefetch)]).encode()
    with pytest.raises(MalformedRequest, match="/prefetch: a member stands there twice"):
        parse_with_glance(body)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: story.name)
def test_the_answers_of_a_story_are_the_same(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    body = json.dumps(story.request, separators=(",", ":")).encode()
    results = story.request["prefetch"].get("observations") or {}
    assert (without_results(body) is not None) == (results.get("resourceType") == "Bundle" and "entry" in results)
    cut = read_call(body)
    monkeypatch.setattr(cutting, "_LARGE", len(body) + 1)
    whole = read_call(body)
    assert cut.left == whole.left
    assert [*_readable(cut.sent)] == [*_readable(whole.sent)]


def _readable(sent: Any) -> Iterator[Any]:
    for key, answer in sent.items():
        left = answer.undecoded
        yield key, answer.availability, answer.entries, answer.malformed, left.later(), left.passed_over()


def test_large_charts_are_cut_and_small_ones_are_not(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    cut = {scenario.name: parse_with_glance(scenario.body())[1] is not None for scenario in SCENARIOS}
    assert cut == {name: not name.startswith("10 ") for name in cut}


@pytest.mark.parametrize("place", ["request", "extension", "context"])
def test_results_that_stand_elsewhere_are_not_taken_for_those_of_the_prefetch(place: str) -> None:
    elsewhere = [("observations", CONFUSING[0]), ("imaging", '{"resourceType":"Bundle"}')]
    right = RIGHT | {"extension": '{"a":{}}', "prefetch": written([("patient", "null")])}
    if place in right:
        right[place] = written([*elsewhere, ("patientId", '"p"'), ("userId", '"u"')])
    body = written([*(elsewhere if place == "request" else []), *right.items()]).encode()
    assert without_results(body) is not None
    request, glance = parse_with_glance(body)
    assert (glance, request.prefetch is not None and set(request.prefetch)) == (None, {"patient"})
    assert read(body) == read_by_scanning(body)
