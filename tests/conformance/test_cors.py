"""CORS: a browser client must be able to read every answer, errors too. Rows are those of the CDS Hooks checklist."""

from __future__ import annotations

from typing import Any, NoReturn

import pytest

from cds_service.http import answer as answering
from cds_service.settings import Settings
from tests.support.service import JSON, ORIGIN, SERVICE, TestClient, make_client, post
from tests.support.stories import story

RESECTABLE = story("resectable")
FROM_A_BROWSER = JSON | {"Origin": ORIGIN}


@pytest.mark.parametrize(
    ("path", "method"),
    [("/cds-services", "GET"), (SERVICE, "POST"), (f"{SERVICE}/feedback", "POST"), ("/cds-services//x", "POST")],
)
def test_a_preflight_is_answered_without_credentials(client: TestClient, path: str, method: str) -> None:
    """Row 103; the sandbox sends `Authorization` on every call, so `*` for the headers would not do."""
    asked = {
        "Origin": ORIGIN,
        "Access-Control-Request-Method": method,
        "Access-Control-Request-Headers": "authorization,content-type",
    }
    answer = client.options(f"http://testserver{path}", headers=asked)
    assert answer.status_code in (200, 204)
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)
    assert method in answer.headers["access-control-allow-methods"]
    allowed = {name.strip().lower() for name in answer.headers["access-control-allow-headers"].split(",")}
    assert {"authorization", "content-type"} <= allowed
    assert "access-control-max-age" in answer.headers


def test_every_status_carries_the_header(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 104."""
    request = RESECTABLE.request
    del request["prefetch"]["patient"]
    stranger = RESECTABLE.request
    stranger["prefetch"]["patient"]["id"] = "other"
    small = make_client(Settings(max_body_bytes=10))
    answers = {
        200: post(client, RESECTABLE.body, FROM_A_BROWSER),
        400: post(client, b"[]", FROM_A_BROWSER),
        404: post(client, b"{}", FROM_A_BROWSER, path="/cds-services/none"),
        405: client.get(SERVICE, headers=FROM_A_BROWSER),
        412: post(client, request, FROM_A_BROWSER),
        413: post(small, RESECTABLE.body, FROM_A_BROWSER),
        415: post(client, b"<x/>", {"Origin": ORIGIN, "Content-Type": "text/xml"}),
        422: post(client, stranger, FROM_A_BROWSER),
    }
    monkeypatch.setattr(answering, "evaluate", _fail)
    answers[500] = post(client, RESECTABLE.body, FROM_A_BROWSER)
    assert {status: answer.status_code for status, answer in answers.items()} == {status: status for status in answers}
    for status, answer in answers.items():
        assert answer.headers.get("access-control-allow-origin") in ("*", ORIGIN), status


@pytest.mark.parametrize("path", ["/cds-services", "/healthz", "/nowhere"])
def test_what_is_read_carries_the_header(client: TestClient, path: str) -> None:
    assert client.get(path, headers={"Origin": ORIGIN}).headers["access-control-allow-origin"] in ("*", ORIGIN)


def test_only_the_named_origins_are_let_in() -> None:
    client = make_client(Settings(cors_origins=(ORIGIN,)))
    known = client.get("/cds-services", headers={"Origin": ORIGIN})
    unknown = client.get("/cds-services", headers={"Origin": "https://elsewhere.example.org"})
    assert known.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in unknown.headers


def test_nothing_is_added_for_a_caller_that_is_no_browser(client: TestClient) -> None:
    assert "access-control-allow-origin" not in client.get("/cds-services").headers


def _fail(*_: Any, **__: Any) -> NoReturn:
    raise RuntimeError
