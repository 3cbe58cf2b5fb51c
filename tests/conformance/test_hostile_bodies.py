"""Bodies that break the rules: refused or read for what they are, never for something else, nor as silence."""

from __future__ import annotations

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from tests.support.conformance_call import JSON, SERVICE, Caller
from tests.support.stories import story, without_uuids

RESECTABLE = story("resectable")
BODY = RESECTABLE.body
MEBIBYTE = 1024 * 1024
DEEP = b"[" * 100_000
# After each: alive, right, no stack trace, no larger than it may become.
pytestmark = pytest.mark.usefixtures("unharmed")


@pytest.mark.parametrize(
    "body",
    [
        DEEP,
        DEEP + b"]" * 100_000,
        b'{"a":' * 100_000,
        BODY.replace(b'"extension"', b'"extension": ' + DEEP + b"]" * 100_000 + b', "x"', 1),
        BODY.replace(b'"prefetch": {', b'"prefetch": {"conditions": ' + DEEP + b"]" * 100_000 + b', "x": {', 1),
    ],
    ids=["array", "closed array", "object", "extension", "prefetch"],
)
def test_deep_nesting_is_refused(default_service: Caller, body: bytes) -> None:
    assert default_service.post(body).status_code == 400


def test_deep_nesting_where_nobody_looks_is_refused_or_passed_over(default_service: Caller, right: Any) -> None:
    deep = json.dumps(RESECTABLE.request | {"padding": "DEEP"}).encode().replace(b'"DEEP"', DEEP + b"]" * 100_000)
    answer = default_service.request("POST", SERVICE, content=deep, headers=JSON)
    assert answer.status_code == 400 or without_uuids(answer.json()) == right


def _twice(name: str, first: object, holder: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """The story's request with a member that stands twice in its holder, with another value first."""
    request = RESECTABLE.request
    place = holder(request)
    place["TWICE"] = first
    place[name] = place.pop(name)  # last, so that who reads the last reads the story
    return json.dumps(request).replace('"TWICE"', json.dumps(name)).encode()


OTHER = story("out-of-scope-diabetic").request
TWICE = {
    "patientId": _twice("patientId", "p-other", lambda request: request["context"]),
    "patientId, escaped": _twice("patientId", "p-other", lambda r: r["context"]).replace(
        b'"patientId": "p-other"', b'"patient\\u0049d": "p-other"'
    ),
    "userId": _twice("userId", "Practitioner/other", lambda request: request["context"]),
    "context": _twice("context", OTHER["context"], lambda request: request),
    "prefetch": _twice("prefetch", OTHER["prefetch"], lambda request: request),
    "patient": _twice("patient", OTHER["prefetch"]["patient"], lambda request: request["prefetch"]),
    "conditions": _twice("conditions", OTHER["prefetch"]["conditions"], lambda request: request["prefetch"]),
    "conditions, null first": _twice("conditions", None, lambda request: request["prefetch"]),
    "the same conditions": _twice(
        "conditions", RESECTABLE.request["prefetch"]["conditions"], lambda request: request["prefetch"]
    ),
    "hook": _twice("hook", "order-sign", lambda request: request),
    "fhirServer": _twice("fhirServer", "https://elsewhere.example.org/fhir", lambda request: request),
    "Patient.id": _twice("id", "p-other", lambda request: request["prefetch"]["patient"]),
}


@pytest.mark.parametrize("body", TWICE.values(), ids=TWICE)
def test_a_member_that_stands_twice_is_refused(default_service: Caller, body: bytes) -> None:
    """JSON does not say which one counts: what a proxy or a log read may be another patient than the one advised on."""
    assert json.loads(body)["context"] == RESECTABLE.request["context"]
    answer = default_service.post(body)
    assert answer.status_code == 400
    assert "p-other" not in answer.text


@pytest.mark.parametrize("number", [b"NaN", b"Infinity", b"-Infinity", b"0x10", b"+1", b"01", b"1.", b".5", b"1e"])
def test_a_number_that_is_none_is_refused(default_service: Caller, number: bytes) -> None:
    body = json.dumps(RESECTABLE.request | {"padding": "NUMBER"}).encode()
    assert default_service.post(body.replace(b'"NUMBER"', number)).status_code == 400
    assert default_service.post(_measured(number)).status_code in (400, 200)


@pytest.mark.parametrize("number", [b"1" * 100_000, b"0." + b"1" * 100_000, b"1e999999", b"-1e400", b"1e-999999"])
def test_a_number_that_is_too_long_or_too_large_is_no_value(default_service: Caller, number: bytes) -> None:
    answer = default_service.request("POST", SERVICE, content=_measured(number), headers=JSON)
    assert answer.status_code in (200, 400)
    assert b"inf" not in answer.content.lower().replace(b'"info"', b"")
    assert len(answer.content) < 50_000


@pytest.mark.parametrize("text", [b"\\ud800", b"\\udfff\\ud800", b"\\ud83d", b"\\u0000", b"\xed\xa0\x80", b"\xc0\xaf"])
def test_text_that_is_none_is_refused_or_made_readable(default_service: Caller, text: bytes) -> None:
    """What is answered is UTF-8 all the same."""
    answer = default_service.request("POST", SERVICE, content=BODY.replace(b"Anna Example", text), headers=JSON)
    assert answer.status_code in (200, 400, 412)
    json.loads(answer.content.decode("utf-8"))


SQUEEZED = gzip.compress(BODY)
BOMB = gzip.compress(b'{"hook": "' + b"x" * 50 * MEBIBYTE + b'"}')
ENCODED: dict[str, tuple[bytes, dict[str, str]]] = {
    "gzip": (SQUEEZED, {"Content-Encoding": "gzip"}),
    "gzip that is not said": (SQUEEZED, {}),
    "a bomb": (BOMB, {"Content-Encoding": "gzip"}),
    "deflate, which it is not": (BODY, {"Content-Encoding": "deflate"}),
    "two encodings": (SQUEEZED, {"Content-Encoding": "identity, gzip"}),
    "UTF-16": (BODY.decode().encode("utf-16"), {}),
    "UTF-16 that is said": (BODY.decode().encode("utf-16-le"), {"Content-Type": "application/json; charset=utf-16"}),
    "UTF-32": (BODY.decode().encode("utf-32"), {}),
    "a byte-order mark": (b"\xef\xbb\xbf" + BODY, {}),
    "Latin-1": (BODY.replace(b"Anna", b"Ren\xe9"), {"Content-Type": "application/json; charset=iso-8859-1"}),
}


@pytest.mark.parametrize(("body", "headers"), ENCODED.values(), ids=ENCODED)
def test_what_is_not_utf_8_is_refused(default_service: Caller, body: bytes, headers: dict[str, str]) -> None:
    """Never read as something else, nor as silence."""
    answer = default_service.request("POST", SERVICE, content=body, headers=JSON | headers)
    assert answer.status_code in (400, 412, 415)
    assert "cards" not in answer.text


def _measured(number: bytes) -> bytes:
    """The story with this as the value of every quantity."""
    request = RESECTABLE.request
    for entry in request["prefetch"]["observations"]["entry"]:
        if "valueQuantity" in entry["resource"]:
            entry["resource"]["valueQuantity"]["value"] = "NUMBER"
    return json.dumps(request).encode().replace(b'"NUMBER"', number)
