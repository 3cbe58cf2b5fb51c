"""CORS: a browser client must be able to read every answer, errors too. Rows are those of the CDS Hooks checklist."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.conformance_call import SERVICE, Caller, calling
from tests.support.conformance_cors import ADDRESSES, FROM_A_BROWSER, check_preflight
from tests.support.conformance_server import serving
from tests.support.service import ORIGIN
from tests.support.stories import story

RESECTABLE = story("resectable")


@pytest.mark.row(103)
@pytest.mark.parametrize(("path", "method"), ADDRESSES)
def test_a_preflight_is_answered(service: Caller, path: str, method: str) -> None:
    """The sandbox sends `Authorization` on every call, so `*` for the headers would not do."""
    check_preflight(service, path, method)


@pytest.mark.row(104)
def test_every_status_carries_the_header(service: Caller) -> None:
    missing, stranger = RESECTABLE.request, RESECTABLE.request
    del missing["prefetch"]["patient"]
    stranger["prefetch"]["patient"]["id"] = "other"
    answers = {
        200: service.post(RESECTABLE.body, FROM_A_BROWSER),
        400: service.post(b"[]", FROM_A_BROWSER),
        404: service.post(b"{}", FROM_A_BROWSER, path="/cds-services/none"),
        405: service.get(SERVICE, FROM_A_BROWSER),
        412: service.post(missing, FROM_A_BROWSER),
        413: service.post(RESECTABLE.body.ljust(3 << 20), FROM_A_BROWSER),
        415: service.post(b"<x/>", {"Origin": ORIGIN, "Content-Type": "text/xml"}),
        422: service.post(stranger, FROM_A_BROWSER),
    }
    assert {status: answer.status_code for status, answer in answers.items()} == {status: status for status in answers}
    for status, answer in answers.items():
        assert answer.headers.get("access-control-allow-origin") in ("*", ORIGIN), status


@pytest.mark.row(103)
@pytest.mark.parametrize(("path", "method"), ADDRESSES)
def test_a_preflight_needs_no_token(signing: Caller, path: str, method: str) -> None:
    check_preflight(signing, path, method)


@pytest.mark.row(104)
def test_a_browser_can_read_a_401(signing: Caller) -> None:
    answer = signing.post(RESECTABLE.body, FROM_A_BROWSER)
    assert answer.status_code == 401
    assert answer.headers["access-control-allow-origin"] in ("*", ORIGIN)


@pytest.mark.parametrize("path", ["/cds-services", "/healthz", "/nowhere"])
def test_what_is_read_carries_the_header(service: Caller, path: str) -> None:
    assert service.get(path, {"Origin": ORIGIN}).headers["access-control-allow-origin"] in ("*", ORIGIN)


def test_only_the_named_origins_are_let_in(choosy: Caller) -> None:
    known = choosy.get("/cds-services", {"Origin": ORIGIN})
    unknown = choosy.get("/cds-services", {"Origin": "https://elsewhere.example.org"})
    assert known.headers["access-control-allow-origin"] == ORIGIN
    assert "access-control-allow-origin" not in unknown.headers


@pytest.mark.parametrize(("path", "method"), ADDRESSES)
def test_the_named_origins_are_told_so_in_preflights(choosy: Caller, path: str, method: str) -> None:
    check_preflight(choosy, path, method)


def test_nothing_is_added_for_a_caller_that_is_no_browser(service: Caller) -> None:
    assert "access-control-allow-origin" not in service.get("/cds-services").headers


@pytest.fixture(scope="module")
def choosy(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Caller]:
    """A service that one origin may call."""
    folder: Path = tmp_path_factory.mktemp("choosy")
    with serving(folder, {"NELM_CDS_CORS_ORIGINS": ORIGIN}) as server, calling(server) as caller:
        yield caller
