"""Requests that are no hook call, and what the service says of them. Rows are those of the CDS Hooks checklist."""

from __future__ import annotations

import logging
import uuid
from typing import Any, NoReturn

import pytest
from httpx import Response

from cds_service.http import answer as answering
from cds_service.settings import Settings
from tests.support.service import JSON, ORIGIN, SERVICE, TestClient, make_client, post
from tests.support.stories import story

RESECTABLE = story("resectable")
MARKER = "Zebrafish-1234"  # stands where a patient's value could stand

AS_OF = "io.github.nelm-cds.as-of"

BROKEN = {
    "cut off": b'{"hook":',
    "empty": b"",
    "not UTF-8": b'{"hook": "\xff\xfe"}',
    "half a surrogate": b'{"hook": "\\ud800"}',
    "nested too deeply": b'{"prefetch":' + b"[" * 200_000,
    "two documents": b"{}{}",
    "NaN": b'{"hook": NaN}',
}


def _without(*path: str) -> dict[str, Any]:
    request = RESECTABLE.request
    holder = request
    for name in path[:-1]:
        holder = holder[name]
    del holder[path[-1]]
    return request


def _with(value: object, *path: str) -> dict[str, Any]:
    request = RESECTABLE.request
    holder = request
    for name in path[:-1]:
        holder = holder[name]
    holder[path[-1]] = value
    return request


# what is wrong: the request, and the pointer that the diagnostics start with
WRONG: dict[str, tuple[Any, str]] = {
    "an array": ([], "/"),
    "null": (None, "/"),
    "text": ("x", "/"),
    "no hook": (_without("hook"), "/"),
    "no hookInstance": (_without("hookInstance"), "/"),
    "no context": (_without("context"), "/"),
    "no patientId": (_without("context", "patientId"), "/context"),
    "no userId": (_without("context", "userId"), "/context"),
    "empty context": (_with({}, "context"), "/context"),
    "context is text": (_with(MARKER, "context"), "/context"),
    "prefetch is an array": (_with([MARKER], "prefetch"), "/prefetch"),
    "hook is a number": (_with(17, "hook"), "/hook"),
    "hookInstance is empty": (_with("", "hookInstance"), "/hookInstance"),
    "patientId is a number": (_with(98765, "context", "patientId"), "/context/patientId"),
    "patientId is empty": (_with("", "context", "patientId"), "/context/patientId"),
    "patientId is a reference": (_with(f"Patient/{MARKER}", "context", "patientId"), "/context/patientId"),
    "patientId has blanks": (_with(f"{MARKER} x", "context", "patientId"), "/context/patientId"),
    "encounterId is an object": (_with({"a": MARKER}, "context", "encounterId"), "/context/encounterId"),
    "fhirServer is a number": (_with(17, "fhirServer"), "/fhirServer"),
    "fhirAuthorization is text": (_with(MARKER, "fhirAuthorization"), "/fhirAuthorization"),
    "access_token is an object": (_with({"access_token": {}}, "fhirAuthorization"), "/fhirAuthorization/access_token"),
    "another hook": (_with(f"order-{MARKER}", "hook"), "/hook"),
    "as-of is no date": (_with({AS_OF: MARKER}, "extension"), f"/extension/{AS_OF}"),
    "as-of is a number": (_with({AS_OF: 2026}, "extension"), f"/extension/{AS_OF}"),
}  # fmt: skip


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_body_that_is_not_json_is_400(client: TestClient, body: bytes) -> None:
    """Row 43."""
    _refused(post(client, body), 400)


@pytest.mark.parametrize(("request_body", "pointer"), WRONG.values(), ids=WRONG)
def test_a_request_that_is_wrong_is_400_and_names_the_place_not_the_value(
    client: TestClient, request_body: Any, pointer: str
) -> None:
    """Rows 44 to 49 and 54."""
    diagnostics = _refused(post(client, request_body), 400)
    assert diagnostics.startswith(f"{pointer}: ")


def test_another_hook_gets_no_cards_and_hears_which_hook_is_answered(client: TestClient) -> None:
    """Row 49."""
    answer = post(client, RESECTABLE.request | {"hook": "order-sign"})
    assert "cards" not in answer.json()
    assert answer.json()["issue"][0]["code"] == "not-supported"
    assert "patient-view" in answer.text


def test_an_unknown_service_is_404(client: TestClient) -> None:
    """Row 50."""
    assert MARKER not in _refused(post(client, RESECTABLE.body, path=f"/cds-services/{MARKER}"), 404)


def test_the_wrong_method_on_the_service_is_405(client: TestClient) -> None:
    """Row 51."""
    answer = client.get(SERVICE)
    _refused(answer, 405)
    assert "POST" in answer.headers["allow"]


@pytest.mark.parametrize("declared", [True, False], ids=["by its length", "while it is read"])
def test_a_body_beyond_the_limit_is_413(declared: bool) -> None:
    """Row 52."""
    client = make_client(Settings(max_body_bytes=1024 * 1024))
    body = b"{" + b" " * (1024 * 1024)
    chunks = (body[start : start + 65536] for start in range(0, len(body), 65536))
    answer = client.post(SERVICE, content=body if declared else chunks, headers=JSON)
    assert "NELM_CDS_MAX_BODY_MB" in _refused(answer, 413)
    assert post(client, RESECTABLE.body).status_code == 200


def test_a_body_that_says_it_is_beyond_the_limit_is_not_waited_for(client: TestClient) -> None:
    """Row 52: refused by its Content-Length, before any of it is read."""
    _refused(post(client, RESECTABLE.body, JSON | {"Content-Length": str(33 * 1024 * 1024)}), 413)


def test_a_body_at_the_limit_is_read() -> None:
    client = make_client(Settings(max_body_bytes=len(RESECTABLE.body)))
    assert post(client, RESECTABLE.body).status_code == 200
    assert post(client, RESECTABLE.body + b" ").status_code == 413


@pytest.mark.parametrize("content_type", ["text/xml", "text/plain", "application/x-www-form-urlencoded", "jsonp"])
def test_what_does_not_say_that_it_is_json_is_415(client: TestClient, content_type: str) -> None:
    """Row 53."""
    _refused(post(client, RESECTABLE.body, {"Content-Type": content_type}), 415)


@pytest.mark.parametrize("entry", [[], {}, [{"card": str(uuid.uuid4()), "outcome": "accepted"}]], ids=str)
def test_feedback_is_not_offered(client: TestClient, entry: object) -> None:
    """Rows 74 and 87: 404, and the service itself is unaffected."""
    _refused(client.post(f"{SERVICE}/feedback", json=entry), 404)
    assert post(client, RESECTABLE.body).status_code == 200


def test_a_fault_of_ours_is_500_and_nothing_of_it_leaves_the_service(
    client: TestClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Row 54, and CORS headers, which the framework's own 500 would not have."""

    def fail(*_: Any, **__: Any) -> NoReturn:
        raise KeyError(f"no such key: {MARKER}")

    monkeypatch.setattr(answering, "evaluate", fail)
    with caplog.at_level(logging.DEBUG):
        answer = post(client, RESECTABLE.body, JSON | {"Origin": ORIGIN})
    _refused(answer, 500)
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert MARKER not in caplog.text
    assert "KeyError at " in caplog.text
    assert "test_refusals.py" in caplog.text


def test_a_fault_in_a_large_request_is_500_too(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Large bodies are answered on another thread."""

    def fail(*_: Any, **__: Any) -> NoReturn:
        raise RuntimeError(MARKER)

    monkeypatch.setattr(answering, "evaluate", fail)
    _refused(post(client, RESECTABLE.request | {"padding": "x" * 100_000}), 500)


def _refused(answer: Response, status: int) -> str:
    """Row 54: an OperationOutcome in JSON, without trace, markup or a value that was sent; gives its diagnostics."""
    assert answer.status_code == status
    assert answer.headers["content-type"] == "application/fhir+json"
    body = answer.json()
    assert set(body) == {"resourceType", "issue"}
    assert body["resourceType"] == "OperationOutcome"
    (issue,) = body["issue"]
    assert issue["severity"] == "error"
    assert issue["code"]
    for banned in (MARKER, "Traceback", "File ", ".py", "<", "98765", "p-resectable", "Anna"):
        assert banned not in answer.text
    return str(issue["diagnostics"])
