"""`POST /web/evaluate`: the hook's own answer, what it rests on, and what would be if a fact were another."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.decide import as_json
from cds_service.errors import MalformedRequest, RequestError
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from cds_service.settings import Settings
from cds_service.web.evaluation import evaluate_for_the_pages
from tests.support.charts import condition, procedure, searchset
from tests.support.evaluating import by_bundle, by_request
from tests.support.pages import LONG_AGO, pages
from tests.support.service import SERVICE, TestClient, make_client, post
from tests.support.stories import NAMES, STORIES, Story, story, without_uuids

RESECTABLE = story("resectable")
every_story = pytest.mark.parametrize("told", STORIES, ids=NAMES)


@pytest.fixture(scope="module")
def open_pages() -> TestClient:
    return pages()


def evaluated(chart: Any, settings: Settings | None = None, **more: Any) -> dict[str, Any]:
    body = json.dumps({"input": chart} | more).encode()
    return evaluate_for_the_pages(body, settings or Settings(), LONG_AGO)


@every_story
def test_a_request_gets_the_answer_of_the_hook(open_pages: TestClient, client: TestClient, told: Story) -> None:
    answer = open_pages.post("/web/evaluate", json={"input": told.request})
    assert (answer.status_code, answer.headers["cache-control"]) == (200, "no-store")
    assert without_uuids(answer.json()["response"]) == without_uuids(post(client, told.body).json())
    assert answer.json()["decision"] == json.loads(json.dumps(as_json(by_request(told).decision)))


@every_story
def test_a_bundle_gets_the_answer_of_replay(told: Story) -> None:
    if told.has_bundle:
        found = evaluated(told.bundle, as_of=told.expected["as_of"])
        assert without_uuids(found["response"]) == without_uuids(by_bundle(told).response())


@every_story
def test_what_the_answer_rests_on_is_told_beside_it(told: Story) -> None:
    found, decision = evaluated(told.request), by_request(told).decision
    assert found["status"] == 200
    assert found["patient"].startswith("Chart of ")
    assert [step["node"] for step in found["steps"]] == list(decision.path)
    listed = {name: [item["code"] for item in found["recommendations"] if item["list"] == name] for name in _LISTS}
    assert listed == {name: list(getattr(decision, name)) for name in _LISTS}
    assert [f"{item['code']}:{item['reason']}" for item in found["withheld"]] == list(decision.withhold)
    assert all(
        item["title"] and item["text"] for item in (*found["recommendations"], *found["withheld"]) if "text" in item
    )
    for item in found["inputs"]:
        assert (item["text"] is None, item["why"] is None) == (item["unknown"] is not None, item["unknown"] is None)
        assert item["changed"] is False


_LISTS = ("workup", "treatment", "info", "safety", "follow_up")


def test_of_a_chart_that_is_not_ours_only_what_was_read_is_told() -> None:
    """Not recorded is what was looked for."""
    found = evaluated(story("out-of-scope-diabetic").request)
    assert found["response"] == {"cards": []}
    assert [item["name"] for item in found["inputs"]] == ["nelm_confirmed", "carcinoid_crisis_now"]
    assert (found["trends"], found["treatments"]) == ([], [])


def test_every_resource_that_was_not_used_is_told_with_the_reason() -> None:
    found = evaluated(story("other-patients-results").request)
    assert any("of another patient" in item["why"] for item in found["unused"])


def test_a_supposed_fact_moves_the_path_and_is_marked() -> None:
    as_recorded, supposed = evaluated(RESECTABLE.request), evaluated(RESECTABLE.request, what_if={"ki67_percent": 16})
    assert as_recorded["decision"]["state"] == "treat"
    assert supposed["decision"]["state"] == "refer"
    assert supposed["decision"]["path"] != as_recorded["decision"]["path"]
    assert supposed["response"]["cards"][0]["summary"] != as_recorded["response"]["cards"][0]["summary"]
    assert [item["name"] for item in supposed["inputs"] if item["changed"]] == ["ki67_percent"]
    (ki67,) = [item for item in supposed["inputs"] if item["changed"]]
    assert (ki67["text"], ki67["value"], ki67["sources"]) == ("16 %", 16, [])
    assert "Ki-67 16 % supposed" in _said(supposed)
    assert "supposed" not in _said(as_recorded)


def _said(found: dict[str, Any]) -> str:
    return " ".join(card["detail"] for card in found["response"]["cards"])


@pytest.mark.parametrize(
    ("chart", "asked", "set_to", "said"),
    [
        (RESECTABLE.request, "2026-03-09", None, {"date": "2026-03-09", "from": "page"}),
        (RESECTABLE.request, None, None, {"date": "2026-03-02", "from": "chart"}),
        (RESECTABLE.bundle, None, datetime(2026, 3, 4, tzinfo=UTC), {"date": "2026-03-04", "from": "settings"}),
        (RESECTABLE.bundle, None, None, {"date": LONG_AGO.date().isoformat(), "from": "clock"}),
    ],
    ids=["the page", "the chart", "the settings", "the clock"],
)
def test_the_day_of_the_evaluation_is_told_and_who_said_it(
    chart: Any, asked: str | None, set_to: datetime | None, said: dict[str, str]
) -> None:
    assert evaluated(chart, Settings(as_of=set_to), as_of=asked)["as_of"] == said


def test_a_fact_may_be_supposed_not_to_be_known() -> None:
    found = evaluated(RESECTABLE.request, what_if={"srs": None})
    assert "W-SRS" in found["decision"]["workup"]
    (srs,) = [item for item in found["inputs"] if item["changed"]]
    assert (srs["unknown"], srs["text"], srs["why"]) == ("not_recorded", None, "not recorded")


def test_a_chart_that_is_supposed_to_be_ours_is_read_whole() -> None:
    """Else its imaging would be told as not recorded, and asked for, though it is there."""
    told, scope = RESECTABLE.request, ("-nelm-histology", "-primary", "-liver-metastases")
    for key in ("conditions", "observations"):
        kept = [e for e in told["prefetch"][key]["entry"] if not e["resource"]["id"].endswith(scope)]
        told["prefetch"][key] |= {"entry": kept, "total": len(kept)}
    assert evaluated(told)["decision"]["state"] == "out_of_scope"
    found = evaluated(told, what_if={"nelm_confirmed": True})
    assert found["decision"]["state"] != "out_of_scope"
    imaging = next(item for item in found["inputs"] if item["name"] == "liver_imaging")
    assert (imaging["text"], imaging["changed"]) == ("CT", False)


def test_supposing_nothing_changes_nothing() -> None:
    plain = without_uuids(evaluated(RESECTABLE.request))
    assert without_uuids(evaluated(RESECTABLE.request, what_if={})) == plain
    assert without_uuids(evaluated(RESECTABLE.request, what_if=None, as_of=None)) == plain


def test_the_limits_of_the_site_hold() -> None:
    told = story("ablatable-at-4-cm").request
    policy = SitePolicy.from_toml("ablation_limit_cm = 3")
    assert "T-ABLATE" in evaluated(told)["decision"]["treatment"]
    assert "T-ABLATE-EXT" in evaluated(told, Settings(policy=policy))["decision"]["treatment"]


BAD: dict[str, tuple[Any, str]] = {
    "no object": ([], "/: must be an object with the member 'input'"),
    "another member": ({"input": RESECTABLE.request, "x": 1}, "/: knows the members input, as_of, what_if only"),
    "no input": ({}, "/input: holds no JSON object to evaluate"),
    "neither FHIR nor a request": ({"input": {"name": "x"}}, "/input: neither a FHIR resource nor a hook request"),
    "no date": ({"input": RESECTABLE.request, "as_of": "today"}, "/as_of: must be a FHIR date such as 2026-03-02"),
    "no text": ({"input": RESECTABLE.request, "as_of": 7}, "/as_of: must be a FHIR date such as 2026-03-02"),
    "no facts": ({"input": RESECTABLE.request, "what_if": [1]}, "/what_if: must be an object of plain facts"),
    "a bad fact": (
        {"input": RESECTABLE.request, "what_if": {"ki67_percent": 101}},
        "/what_if/ki67_percent: must be a number from 0 to 100, or null",
    ),
    "another fact": ({"input": RESECTABLE.request, "what_if": {"ki67": 3}}, "/what_if/*: no fact of this name"),
    "no name": ({"input": RESECTABLE.request, "what_if": {"Anna Example": 3}}, "/what_if/*: no fact of this name"),
}


@pytest.mark.parametrize(("body", "says"), BAD.values(), ids=BAD)
def test_what_is_wrong_is_named_by_its_place(open_pages: TestClient, body: Any, says: str) -> None:
    answer = open_pages.post("/web/evaluate", json=body)
    assert answer.status_code == 400
    assert answer.json()["issue"][0]["diagnostics"].startswith(says)
    assert "Anna" not in answer.text


BROKEN = {
    "cut off": (b'{"input": {"resourceType": "Bundle",\n  "entry": [{"resource"', "line 2, column 24: "),
    "empty": (b"", "line 1, column 1: "),
    "NaN": (b'{"input": NaN}', "NaN is not JSON"),
    "nested too deeply": (b'{"input": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", "nested too deeply"),
    "no UTF-8": (b'{"input": "\xff"}', "not UTF-8 text, at byte 11"),
}


@pytest.mark.parametrize(("body", "says"), BROKEN.values(), ids=BROKEN)
def test_broken_json_is_named_by_line_and_column(open_pages: TestClient, body: bytes, says: str) -> None:
    answer = open_pages.post("/web/evaluate", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 400
    assert says in answer.json()["issue"][0]["diagnostics"]


def test_a_body_on_the_verge_of_too_deep_is_answered_or_refused() -> None:
    """Where exactly reading or writing it gives up is Python's business."""
    refusals = set()
    for depth in range(700, 1000):
        body = b'{"input": {"resourceType": "Patient", "id": "p", "x": ' + b"[" * depth + b"]" * depth + b"}}"
        try:
            evaluate_for_the_pages(body, Settings(), LONG_AGO)
        except MalformedRequest as error:
            refusals.add(str(error).rpartition(": ")[2])
    assert refusals == {"nested too deeply"}


def test_what_the_hook_refuses_is_refused_alike(open_pages: TestClient, client: TestClient) -> None:
    patient = RESECTABLE.request["prefetch"]["patient"]
    for changed in (
        {"prefetch": {"patient": patient, "conditions": searchset([condition("icd:C7B.02")])}},
        {"context": {"userId": "u"}},
        {"hook": "order-sign"},
        {"hookInstance": ""},
        {"fhirAuthorization": 7},
        {"extension": {"io.github.nelm-cds.as-of": "x"}},
        {"prefetch": RESECTABLE.request["prefetch"] | {"patient": patient | {"id": "somebody-else"}}},
    ):
        request = RESECTABLE.request | changed
        ours = open_pages.post("/web/evaluate", json={"input": request})
        theirs = post(client, request)
        assert (ours.status_code, ours.json()) == (theirs.status_code, theirs.json())
        assert ours.status_code >= 400


def test_the_limits_of_a_body_are_those_of_the_hook() -> None:
    small = Settings(max_body_bytes=1024, database_url=None)
    content, text = b" " * 1025, {"Content-Type": "text/plain"}
    ours, hook = pages(small), make_client(small)
    for headers in ({"Content-Type": "application/json"}, text):
        answers = [ours.post("/web/evaluate", content=content, headers=headers), post(hook, content, headers, SERVICE)]
        assert answers[0].json() == answers[1].json()
        assert answers[0].status_code in (413, 415)


@pytest.mark.parametrize("fact", ["lesion_count", "largest_lesion_cm"])
def test_a_number_of_any_size_may_be_supposed(open_pages: TestClient, fact: str) -> None:
    answer = open_pages.post("/web/evaluate", json={"input": RESECTABLE.request, "what_if": {fact: 10**30}})
    assert answer.status_code == 200
    assert {item["value"] for item in answer.json()["inputs"] if item["changed"]} == {10**30}


def test_half_a_surrogate_pair_is_refused_as_by_the_hook(open_pages: TestClient, client: TestClient) -> None:
    body = RESECTABLE.body.replace(b"resectable-hypertension", b"\\ud800")
    ours = open_pages.post("/web/evaluate", content=b'{"input": ' + body + b"}", headers=JSON_TYPE)
    assert (ours.status_code, ours.json()) == (400, post(client, body).json())


JSON_TYPE = {"Content-Type": "application/json"}


@every_story
def test_no_refusal_holds_a_value_of_the_chart(told: Story) -> None:
    """Not in its message, nor in the errors that it was raised from."""
    patient = told.request["prefetch"]["patient"]
    name = patient["name"][0].get("text") or patient["name"][0]["family"]
    bodies = [
        told.body.replace(name.encode(), b"\xff" + name.encode()),
        told.body[:-20],
        json.dumps({"input": name}).encode(),
        json.dumps({"input": told.request, "as_of": name}).encode(),
        json.dumps({"input": told.request, name: 1}).encode(),
        json.dumps({"input": told.request, "what_if": {name: name}}).encode(),
        json.dumps({"input": told.request, "what_if": {"srs": name}}).encode(),
    ]
    for body in bodies:
        with pytest.raises(RequestError) as refused:
            evaluate_for_the_pages(body, Settings(), LONG_AGO)
        error: BaseException | None = refused.value
        while error is not None:
            assert name not in f"{error!s} {error!r}"
            error = error.__cause__ or error.__context__


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60)
@given(chart=JSON | JSON.map(lambda x: RESECTABLE.request | {"prefetch": x}), what_if=JSON, as_of=JSON)
def test_anything_at_all_is_answered_or_refused(chart: Any, what_if: Any, as_of: Any) -> None:
    try:
        assert evaluated(chart, what_if=what_if, as_of=as_of)["status"] == 200
    except RequestError as error:
        assert 400 <= error.status < 500


@settings(max_examples=60)
@given(
    key=st.sampled_from(("procedures", "observations", "medicationRequests")), member=st.text(max_size=12), value=JSON
)
def test_an_odd_resource_is_no_fault(key: str, member: str, value: Any) -> None:
    told = RESECTABLE.request
    mine = {"reference": f"Patient/{RESECTABLE.patient_id}"}
    odd = procedure("sct:431475009") | {"subject": mine, member: value, "performedPeriod": value}
    told["prefetch"][key]["entry"].append({"resource": odd})
    assert evaluated(told)["status"] == 200
