"""A service call that succeeds. Rows are those of the project's CDS Hooks checklist."""

from __future__ import annotations

import asyncio
import json
import socket
from typing import Any, NoReturn

import httpx
import pytest

from cds_service.app import create_app
from cds_service.settings import Settings
from tests.support.cds_hooks import check
from tests.support.service import JSON, SERVICE, TestClient, post
from tests.support.stories import story, without_uuids

RESECTABLE = story("resectable")


@pytest.fixture
def no_way_out(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing in this process may open a connection or look up a name."""

    def refuse(*_: Any, **__: Any) -> NoReturn:
        raise AssertionError("an outbound call")

    for name in ("connect", "connect_ex", "sendto"):
        monkeypatch.setattr(socket.socket, name, refuse)
    for name in ("create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)


def test_a_chart_in_scope_is_answered_with_cards(client: TestClient) -> None:
    """Row 13."""
    answer = post(client, RESECTABLE.body)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["cards"]


def test_nothing_to_say_is_an_empty_array_of_cards(client: TestClient) -> None:
    """Row 14."""
    answer = post(client, story("out-of-scope-diabetic").body)
    assert (answer.status_code, answer.content) == (200, b'{"cards":[]}')


@pytest.mark.parametrize(
    "extension",
    [{"com.epic.cdshooks.request.bpa-trigger-action": "23"}, {"vendor": {"deep": [1, None, {}]}}, "text", [], None],
    ids=["vendor key", "vendor object", "text", "array", "null"],
)
def test_extensions_of_a_vendor_change_nothing(client: TestClient, extension: object) -> None:
    """Row 15; the story is read as of today here, so only its own extension is left out on both sides."""
    plain = RESECTABLE.request
    del plain["extension"]
    assert _answer(client, plain | {"extension": extension}) == _answer(client, plain)


def test_unknown_members_change_nothing(client: TestClient) -> None:
    """Row 16."""
    request = RESECTABLE.request
    request["user"] = "Practitioner/1"
    request["context"]["launch"] = {"nested": [None]}
    assert _answer(client, request) == _answer(client, RESECTABLE.request)


@pytest.mark.usefixtures("no_way_out")
def test_prefetch_alone_is_enough_and_nobody_is_called(client: TestClient) -> None:
    """Row 17."""
    request = RESECTABLE.request
    del request["fhirServer"]
    assert post(client, request).json()["cards"]


@pytest.mark.usefixtures("no_way_out")
def test_a_server_that_is_named_is_not_called_either(client: TestClient) -> None:
    """Row 17; a loopback address from a sandbox must not make this service call itself."""
    request = RESECTABLE.request | {"fhirServer": "http://127.0.0.1:1/fhir", "fhirAuthorization": {"access_token": "t"}}
    del request["prefetch"]["observations"]
    assert post(client, request).status_code == 200


def test_the_encounter_is_optional(client: TestClient) -> None:
    """Row 18."""
    request = RESECTABLE.request
    del request["context"]["encounterId"]
    assert _answer(client, request) == _answer(client, RESECTABLE.request)


@pytest.mark.parametrize("kind", ["Practitioner", "PractitionerRole", "Patient", "RelatedPerson"])
def test_every_kind_of_user_is_answered(client: TestClient, kind: str) -> None:
    """Row 19."""
    request = RESECTABLE.request
    request["context"]["userId"] = f"{kind}/example"
    assert post(client, request).status_code == 200


@pytest.mark.parametrize("value", ["123", None, {"resourceType": "Observation"}, [[]]], ids=str)
def test_prefetch_that_was_not_asked_for_is_ignored(client: TestClient, value: object) -> None:
    """Row 20."""
    request = RESECTABLE.request
    request["prefetch"]["user"] = value
    assert _answer(client, request) == _answer(client, RESECTABLE.request)


def test_a_repeated_hook_instance_is_answered_again_with_fresh_uuids(client: TestClient) -> None:
    """Rows 21 and 23."""
    seen: set[str] = set()
    for _ in range(2):
        answer = post(client, RESECTABLE.body)
        assert answer.status_code == 200
        check(answer.json(), RESECTABLE.patient_id, seen)


def test_a_hundred_calls_at_once_each_speak_of_their_own_patient() -> None:
    """Row 22; every other body is large enough to be answered beside the event loop."""
    template = json.dumps(RESECTABLE.request)

    def body(number: int) -> bytes:
        text = template.replace("p-resectable", f"p-{number:03}-x").replace("Anna Example", f"Name {number:03} Surname")
        return json.dumps(json.loads(text) | {"padding": "x" * (number % 2 * 70_000)}).encode()

    async def call_all() -> list[httpx.Response]:
        transport = httpx.ASGITransport(app=create_app(Settings()))
        async with httpx.AsyncClient(transport=transport, base_url="http://service") as client:
            calls = (client.post(SERVICE, content=body(number), headers=JSON) for number in range(100))
            return await asyncio.gather(*calls)

    for number, answer in enumerate(asyncio.run(call_all())):
        check(answer.json(), f"p-{number:03}-x")
        assert f"Name {number:03} Surname" in answer.text
        others = {f"Name {other:03} Surname" for other in range(100) if other != number}
        assert not [name for name in others if name in answer.text]


def test_names_in_any_script_arrive_as_they_were_sent(client: TestClient) -> None:
    """Row 24."""
    name = "Жанна Łukasiewicz-Ōkubo 山田"
    request = RESECTABLE.request
    request["prefetch"]["patient"]["name"] = [{"use": "official", "text": name}]
    answer = post(client, json.dumps(request, ensure_ascii=False).encode())
    assert all(name in card["detail"] for card in answer.json()["cards"])
    check(answer.json(), RESECTABLE.patient_id)


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "application/fhir+json"]
)
def test_every_way_to_say_json_is_understood(client: TestClient, content_type: str) -> None:
    assert post(client, RESECTABLE.body, {"Content-Type": content_type}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/cds-services//nelm-patient-view", "/cds-services/nelm-patient-view/", f"/{SERVICE}//"]
)
def test_slashes_of_a_client_that_concatenates_are_forgiven(client: TestClient, path: str) -> None:
    answer = client.post(f"http://testserver{path}", content=RESECTABLE.body, headers=JSON)
    assert answer.status_code == 200
    assert answer.json()["cards"]


@pytest.mark.parametrize("path", ["/cds-services/", "//cds-services", "/cds-services//"])
def test_slashes_of_discovery_are_forgiven(client: TestClient, path: str) -> None:
    answer = client.get(f"http://testserver{path}", follow_redirects=False)
    assert answer.status_code == 200
    assert answer.json()["services"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz"])
def test_health_is_answered(client: TestClient, path: str) -> None:
    assert client.get(path).status_code == 200


def _answer(client: TestClient, request: dict[str, Any]) -> Any:
    answer = post(client, request)
    assert answer.status_code == 200
    return without_uuids(answer.json())
