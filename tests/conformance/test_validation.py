"""Requests that are no hook call, and what the service says of them. Rows are those of the CDS Hooks checklist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx import Response

from tests.support.conformance_call import JSON, SERVICE, Caller, calling
from tests.support.conformance_server import Server, serving
from tests.support.service import ORIGIN
from tests.support.stories import story

RESECTABLE = story("resectable")
MARKER = "Zebrafish-1234"  # stands where a patient's value could stand
AS_OF = "io.github.nelm-cds.as-of"
MEBIBYTE = 1024 * 1024  # the service under test reads two of them

BROKEN = {
    "cut off": b'{"hook":',
    "empty": b"",
    "zeros": b"\x00" * 1000,
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


def _row(number: int, request: Any, pointer: str, name: str) -> Any:
    return pytest.param(request, pointer, marks=pytest.mark.row(number), id=name)


# what is wrong: the row, the request, and the pointer that the diagnostics start with
WRONG = [
    _row(44, [], "/", "an array"),
    _row(44, None, "/", "null"),
    _row(44, "x", "/", "text"),
    _row(45, _without("hook"), "/", "no hook"),
    _row(45, _without("hookInstance"), "/", "no hookInstance"),
    _row(45, _without("context"), "/", "no context"),
    _row(46, _without("context", "patientId"), "/context", "no patientId"),
    _row(46, _without("context", "userId"), "/context", "no userId"),
    _row(47, _with({}, "context"), "/context", "empty context"),
    _row(48, _with(MARKER, "context"), "/context", "context is text"),
    _row(48, _with([MARKER], "prefetch"), "/prefetch", "prefetch is an array"),
    _row(48, _with(17, "hook"), "/hook", "hook is a number"),
    _row(48, _with("", "hookInstance"), "/hookInstance", "hookInstance is empty"),
    _row(48, _with(98765, "context", "patientId"), "/context/patientId", "patientId is a number"),
    _row(48, _with("", "context", "patientId"), "/context/patientId", "patientId is empty"),
    _row(48, _with(f"Patient/{MARKER}", "context", "patientId"), "/context/patientId", "patientId is a reference"),
    _row(48, _with(f"{MARKER} x", "context", "patientId"), "/context/patientId", "patientId has blanks"),
    _row(48, _with({"a": MARKER}, "context", "encounterId"), "/context/encounterId", "encounterId is an object"),
    _row(48, _with(17, "fhirServer"), "/fhirServer", "fhirServer is a number"),
    _row(48, _with(MARKER, "fhirAuthorization"), "/fhirAuthorization", "fhirAuthorization is text"),
    _row(48, _with({"access_token": {}}, "fhirAuthorization"), "/fhirAuthorization/access_token", "token is an object"),
    _row(49, _with(f"order-{MARKER}", "hook"), "/hook", "another hook"),
    _row(48, _with({AS_OF: MARKER}, "extension"), f"/extension/{AS_OF}", "as-of is no date"),
    _row(48, _with({AS_OF: 2026}, "extension"), f"/extension/{AS_OF}", "as-of is a number"),
]


@pytest.mark.row(43, 54)
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
def test_a_body_that_is_not_json_is_400(service: Caller, body: bytes) -> None:
    _refused(service.post(body), 400)


@pytest.mark.row(54)
@pytest.mark.parametrize(("request_body", "pointer"), WRONG)
def test_a_request_that_is_wrong_is_400_and_names_the_place_not_the_value(
    service: Caller, request_body: Any, pointer: str
) -> None:
    diagnostics = _refused(service.post(request_body), 400)
    assert diagnostics.startswith(f"{pointer}: ")


@pytest.mark.row(49)
def test_another_hook_gets_no_cards_and_hears_which_hook_is_answered(service: Caller) -> None:
    answer = service.post(RESECTABLE.request | {"hook": "order-sign"})
    assert "cards" not in answer.json()
    assert answer.json()["issue"][0]["code"] == "not-supported"
    assert "patient-view" in answer.text


@pytest.mark.row(50, 54)
def test_an_unknown_service_is_404(service: Caller) -> None:
    assert MARKER not in _refused(service.post(RESECTABLE.body, path=f"/cds-services/{MARKER}"), 404)


@pytest.mark.row(51, 54)
@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "PATCH"])
def test_the_wrong_method_on_the_service_is_405(service: Caller, method: str) -> None:
    answer = service.request(method, SERVICE)
    _refused(answer, 405)
    assert "POST" in answer.headers["allow"]


@pytest.mark.row(52, 54)
@pytest.mark.parametrize("declared", [True, False], ids=["by its length", "while it is read"])
def test_a_body_beyond_the_limit_is_413(service: Caller, declared: bool) -> None:
    """The caller reads an answer, and finds no broken connection."""
    body = b"{" + b" " * 2 * MEBIBYTE
    answer = service.post(body if declared else _chunks(body))
    assert "NELM_CDS_MAX_BODY_MB" in _refused(answer, 413)
    assert service.post(RESECTABLE.body).status_code == 200


@pytest.mark.row(52)
def test_a_body_at_the_limit_is_read(service: Caller) -> None:
    padded = RESECTABLE.body.ljust(2 * MEBIBYTE)
    assert service.post(padded).status_code == 200
    assert service.post(padded + b" ").status_code == 413


@pytest.mark.row(53, 54)
@pytest.mark.parametrize("content_type", ["text/xml", "text/plain", "application/x-www-form-urlencoded", "jsonp"])
def test_what_does_not_say_that_it_is_json_is_415(service: Caller, content_type: str) -> None:
    _refused(service.post(RESECTABLE.body, {"Content-Type": content_type}), 415)


@pytest.mark.row(54)
@pytest.mark.parametrize("padding", [0, 100_000], ids=["a small request", "a request answered on another thread"])
def test_a_fault_of_ours_is_500_and_nothing_of_it_leaves_the_service(failing: Server, padding: int) -> None:
    """And it carries the CORS headers that the framework's own 500 would not have."""
    request = _with([{"text": f"Anna {MARKER}"}], "prefetch", "patient", "name") | {"padding": "x" * padding}
    with calling(failing) as caller:
        answer = caller.post(request, JSON | {"Origin": ORIGIN})
    _refused(answer, 500)
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert MARKER not in failing.log
    assert "KeyError at " in failing.log
    assert "conformance_app.py" in failing.log


@pytest.fixture(scope="module")
def failing(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """The service with a fault whose message quotes the request."""
    folder: Path = tmp_path_factory.mktemp("failing")
    with serving(folder, application="that_fails") as running:
        yield running


def _chunks(body: bytes) -> Iterator[bytes]:
    return (body[start : start + 65536] for start in range(0, len(body), 65536))


def _refused(answer: Response, status: int) -> str:
    """An OperationOutcome in JSON, without trace, markup or a value that was sent; gives its diagnostics."""
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
