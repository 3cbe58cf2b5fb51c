"""No patient value leaves the service but in an answer: not in a log, an error's body, an exception or an error text.

Every story is sent, whole and spoiled in many ways, with every logger of the process at DEBUG.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import pytest

from cds_service.errors import NelmCdsError
from cds_service.http import answer as answering
from cds_service.http.wire import parse_request
from cds_service.settings import Settings
from tests.support.evaluating import LONG_AGO
from tests.support.service import JSON, SERVICE, TestClient, make_client, post
from tests.support.stories import NAMES, STORIES, Story

every_story = pytest.mark.parametrize("told", STORIES, ids=NAMES)

# Words of the service's own vocabulary that some chart happens to use as well.
_OURS = {"patient", "true", "false", "available", "final", "active", "Observation", "Condition", "Patient", "json"}
# What a chart holds that is no patient value: codes, systems, profiles, and the English displays of codes.
_NOT_OF_A_PATIENT = {
    "system",
    "url",
    "profile",
    "resourceType",
    "type",
    "status",
    "use",
    "mode",
    "intent",
    "code",
    "display",
}


@every_story
def test_answering_a_story_logs_nothing_of_it(
    client: TestClient, told: Story, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        assert post(client, told.body).status_code == 200
    _assert_absent(caplog.text, told)


@every_story
def test_no_refusal_repeats_a_value(told: Story, caplog: pytest.LogCaptureFixture) -> None:
    client = make_client(Settings(max_body_bytes=1024 * 1024))
    seen: set[int] = set()
    with caplog.at_level(logging.DEBUG):
        for body, headers, path in _spoiled(told):
            answer = post(client, body, headers, path)
            seen.add(answer.status_code)
            if answer.status_code != 200:
                _assert_absent(answer.text, told)
                _assert_absent(str(answer.headers), told)
    assert {400, 404, 412, 413, 415, 422} <= seen
    _assert_absent(caplog.text, told)


@every_story
def test_no_exception_of_ours_holds_a_value(told: Story) -> None:
    """Not in its message, nor in the errors that it was raised from: a debugger or an error tracker shows those."""
    raised = 0
    for body, _, _ in _spoiled(told):
        try:
            answering.evaluate_request(parse_request(body), Settings(), LONG_AGO)
        except NelmCdsError as error:
            raised += 1
            for link in _chain(error):
                _assert_absent(f"{link!s} {link!r}", told)
    assert raised > 10


@every_story
def test_a_fault_in_the_middle_of_a_chart_shows_nothing_of_it(
    client: TestClient, told: Story, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """The worst case: an exception whose message quotes the whole request."""

    def fail(answers: object, **known: object) -> object:
        raise ValueError(f"{told.body!r} {answers!r} {known!r}")

    monkeypatch.setattr(answering, "evaluate", fail)
    with caplog.at_level(logging.DEBUG):
        answer = post(client, told.body)
    assert answer.status_code == 500
    _assert_absent(answer.text, told)
    _assert_absent(caplog.text, told)
    assert "ValueError at " in caplog.text


def test_these_tests_know_what_they_look_for() -> None:
    """Names, dates, ids and measured values of every story are among what is searched for."""
    for told in STORIES:
        values = _values(told)
        patient = next(r for r in told.chart if r["resourceType"] == "Patient")
        assert patient["id"] in values
        assert patient["birthDate"] in values
        assert {r["id"] for r in told.chart if "id" in r} <= values
    resectable = _values(next(told for told in STORIES if told.name == "resectable"))
    assert {"Anna Example", "Anna", "1967-05-14", "TEST-06671921"} <= resectable
    with pytest.raises(AssertionError):
        _assert_absent("request of Anna Example failed", next(told for told in STORIES if told.name == "resectable"))


def _spoiled(told: Story) -> Iterator[tuple[bytes, dict[str, str], str]]:
    """Requests that fail, each in its own way, with the patient's values in them."""
    patient = told.request["prefetch"]["patient"]
    name = patient["name"][0].get("text") or patient["name"][0]["family"]

    def changed(**members: Any) -> bytes:
        return json.dumps(told.request | members).encode()

    def prefetched(key: str, value: Any) -> bytes:
        return changed(prefetch=told.request["prefetch"] | {key: value})

    def in_context(**members: Any) -> bytes:
        return changed(context=told.request["context"] | members)

    failed = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "x", "diagnostics": name}]}
    bodies = [
        told.body[:-1],
        told.body + told.body,
        told.body.replace(name.encode(), b"\xff" + name.encode()),
        json.dumps([told.request]).encode(),
        json.dumps(name).encode(),
        changed(hook=name),
        changed(hook=patient),
        changed(hookInstance=patient),
        changed(context=name),
        changed(context=patient),
        in_context(patientId=patient),
        in_context(patientId=name),
        in_context(patientId=f"Patient/{patient['id']}"),
        in_context(patientId="somebody-else"),
        in_context(userId=patient),
        in_context(encounterId=patient),
        changed(prefetch=[patient]),
        changed(prefetch={}),
        changed(prefetch=None),
        changed(fhirServer=patient),
        changed(fhirServer="", fhirAuthorization={"access_token": name}),
        changed(fhirAuthorization=name),
        changed(fhirAuthorization={"access_token": patient}),
        changed(extension={"io.github.nelm-cds.as-of": name}),
        changed(extension={"io.github.nelm-cds.as-of": patient}),
        prefetched("patient", name),
        prefetched("patient", [patient]),
        prefetched("patient", failed),
        prefetched("patient", patient | {"id": f"{patient['id']}-other"}),
        prefetched("patient", patient | {"birthDate": 17, "name": name}),
        prefetched("conditions", {"resource": patient}),
        prefetched("conditions", failed),
        prefetched(
            "conditions", {"resourceType": "Bundle", "link": [{"relation": "next", "url": f"https://x/{name}"}]}
        ),
    ]
    yield from ((body, JSON, SERVICE) for body in bodies)
    yield told.body, {"Content-Type": "text/plain"}, SERVICE
    yield told.body, JSON, "/cds-services/none"
    yield told.body, JSON, f"{SERVICE}/feedback"
    yield told.body + b" " * (1024 * 1024), JSON, SERVICE


def _chain(error: BaseException) -> Iterator[BaseException]:
    link: BaseException | None = error
    while link is not None:
        yield link
        link = link.__cause__ or link.__context__


def _assert_absent(text: str, told: Story) -> None:
    """No value of the story stands in the text as a word of its own; says which: these patients are made up."""
    found = [value for value in _values(told) if value in text and re.search(rf"(?<!\w){re.escape(value)}(?!\w)", text)]
    assert found == []


@cache
def _values(told: Story) -> set[str]:
    """Every text and number of the story's resources that is of the patient, and long enough to be recognised."""
    found = {v for resource in told.chart if resource["resourceType"] != "OperationOutcome" for v in _leaves(resource)}
    return {value for value in found if len(value) >= 4 and value not in _OURS}


def _leaves(value: Any) -> Iterator[str]:
    if isinstance(value, dict):
        for name, member in value.items():
            if name not in _NOT_OF_A_PATIENT:
                yield from _leaves(member)
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member)
    elif isinstance(value, str):
        yield value
        yield from re.findall(r"[^\W\d_]{4,}", value) if value.istitle() else ()
    elif isinstance(value, (int, float)) and not isinstance(value, bool):
        yield str(value)
