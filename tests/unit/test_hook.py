"""The hook inside one process: where a chart is read, what counts of headers, nesting, and faults after the answer."""

from __future__ import annotations

import json
import logging
import threading
from pathlib import Path
from typing import Any

import pytest

from cds_service.http import hook
from cds_service.http.answer import answer_request
from cds_service.http.apart import MOST_RESOURCES
from cds_service.settings import Settings
from tests.support.service import JSON, make_client, post
from tests.support.stories import STORIES, Story, story, without_uuids

LOOP = "on the event loop"


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Where each decision was made."""
    found: list[str] = []
    decide = answer_request

    def watched(*args: Any, **more: Any) -> Any:
        name = threading.current_thread().name
        found.append(name.rpartition("_")[0] if name.startswith("nelm-cds-chart") else LOOP)
        return decide(*args, **more)

    monkeypatch.setattr(hook, "answer_request", watched)
    return found


def with_results(told: Story, number: int, code: str) -> bytes:
    """The story with that many results of one code."""
    request = told.request
    result = {
        "resourceType": "Observation",
        "status": "final",
        "subject": {"reference": f"Patient/{told.patient_id}"},
        "effectiveDateTime": "2020-01-01",
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
        "valueQuantity": {"value": 3, "unit": "%", "system": "http://unitsofmeasure.org", "code": "%"},
    }
    request["prefetch"]["observations"]["entry"] += [
        {"resource": result | {"id": f"many-{count}"}} for count in range(number)
    ]
    request["prefetch"]["observations"].pop("total", None)
    return json.dumps(request, separators=(",", ":")).encode()


@pytest.mark.parametrize(
    ("number", "code", "where"),
    [
        (5, "29593-1", LOOP),
        (MOST_RESOURCES, "29593-1", "nelm-cds-chart"),
        (MOST_RESOURCES, "1751-7", "nelm-cds-chart"),
        (MOST_RESOURCES, "2823-3", LOOP),
    ],
    ids=["few", "that matter at once", "that matter to a chart of ours", "that never matter"],
)
def test_a_chart_with_much_that_matters_is_decided_beside_the_event_loop(
    number: int, code: str, where: str, turns: list[str]
) -> None:
    with make_client() as client:
        assert post(client, with_results(story("resectable"), number, code)).json()["cards"]
    assert turns == [where]


def test_a_large_body_is_decided_beside_the_event_loop(turns: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(hook, "MOST_BYTES", 0)
    with make_client() as client:
        assert post(client, story("resectable").body).json()["cards"]
    assert turns == ["nelm-cds-chart"]


@pytest.mark.parametrize(("at_most", "where"), [(0, LOOP), (-1, "nelm-cds-chart")], ids=["little", "much"])
def test_much_that_was_fetched_is_decided_beside_the_event_loop(
    at_most: int, where: str, turns: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hook, "MOST_BYTES_FETCHED", at_most)
    request = story("resectable").request
    del request["prefetch"]["imaging"]  # left to ask, and nobody to be asked: nothing is fetched
    with make_client() as client:
        assert post(client, request).json()["cards"]
    assert turns == [where]


@pytest.mark.parametrize("told", STORIES, ids=lambda told: told.name)
def test_the_answer_is_the_same_wherever_it_is_made(told: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    with make_client() as client:
        on_the_loop = post(client, told.body)
        monkeypatch.setattr(hook, "MOST_RESOURCES", -1)
        decided_apart = post(client, told.body)
        monkeypatch.setattr(hook, "MOST_BYTES", 0)
        all_apart = post(client, told.body)
    for answer in (decided_apart, all_apart):
        assert answer.status_code == on_the_loop.status_code
        assert without_uuids(answer.json()) == without_uuids(on_the_loop.json())


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ([("content-type", "text/plain"), ("content-type", "application/json")], 415),
        ([("content-type", "application/json"), ("content-type", "text/plain")], 200),
        ([("content-encoding", "gzip"), ("content-encoding", "identity")], 415),
    ],
    ids=str,
)
def test_of_a_header_that_stands_twice_the_first_counts(headers: list[tuple[str, str]], status: int) -> None:
    with make_client() as client:
        answer = client.post("/cds-services/nelm-patient-view", content=story("resectable").body, headers=headers)
    assert answer.status_code == status


def test_a_fault_after_the_answer_takes_nothing_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def failing(*_: Any, **__: Any) -> None:
        raise ValueError("Jansen")

    monkeypatch.setattr(hook, "as_shown", failing)
    settings = Settings(database_url=f"sqlite:///{tmp_path / 'store.db'}")
    with caplog.at_level(logging.INFO, "nelm_cds"), make_client(settings) as client:
        answers = [post(client, story("resectable").body) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 200]
    assert all(answer.json()["cards"] for answer in answers)
    faults = [record.getMessage() for record in caplog.records if record.levelno >= logging.ERROR]
    assert len(faults) == 2
    assert all(fault.startswith("request failed: ValueError at ") and "Jansen" not in fault for fault in faults)


@pytest.mark.parametrize("name", ["resectable", "out-of-scope-diabetic"])
def test_however_deep_a_result_is_nested_it_is_answered_or_refused(name: str) -> None:
    request = story(name).request
    result = {"resource": {"resourceType": "Observation", "status": "final", "x": "NESTED"}}
    request["prefetch"]["observations"] = {"resourceType": "Bundle", "entry": [result]}
    body = json.dumps(request)
    with make_client() as client:
        statuses = {
            post(client, body.replace('"NESTED"', "[" * depth + "]" * depth).encode(), JSON).status_code
            for depth in range(880, 1000)
        }
    assert statuses == {200, 400}
