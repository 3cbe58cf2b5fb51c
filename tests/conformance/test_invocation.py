"""A service call that succeeds. Rows are those of the project's CDS Hooks checklist."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.support.conformance_call import JSON, SERVICE, Caller
from tests.support.conformance_ehr import Ehr
from tests.support.stories import story, without_uuids

RESECTABLE = story("resectable")


@pytest.mark.row(13)
def test_a_chart_in_scope_is_answered_with_cards(service: Caller) -> None:
    answer = service.post(RESECTABLE.body)
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert answer.json()["cards"]


@pytest.mark.row(14)
def test_nothing_to_say_is_an_empty_array_of_cards(service: Caller) -> None:
    answer = service.post(story("out-of-scope-diabetic").body)
    assert (answer.status_code, answer.content) == (200, b'{"cards":[]}')


@pytest.mark.row(15)
@pytest.mark.parametrize(
    "extension",
    [{"com.epic.cdshooks.request.bpa-trigger-action": "23"}, {"vendor": {"deep": [1, None, {}]}}, "text", [], None],
    ids=["vendor key", "vendor object", "text", "array", "null"],
)
def test_extensions_of_a_vendor_change_nothing(service: Caller, extension: object) -> None:
    """The story is read as of today here, so only its own extension is left out on both sides."""
    plain = RESECTABLE.request
    del plain["extension"]
    assert _answer(service, plain | {"extension": extension}) == _answer(service, plain)


@pytest.mark.row(16)
def test_unknown_members_change_nothing(service: Caller) -> None:
    request = RESECTABLE.request
    request["user"] = "Practitioner/1"
    request["context"]["launch"] = {"nested": [None]}
    assert _answer(service, request) == _answer(service, RESECTABLE.request)


@pytest.mark.row(17)
def test_prefetch_alone_is_enough(service: Caller) -> None:
    request = RESECTABLE.request
    del request["fhirServer"]
    assert service.cards(request)["cards"]


@pytest.mark.row(17)
def test_a_whole_prefetch_makes_no_call(service: Caller, ehr: Ehr) -> None:
    assert service.cards(ehr.told())["cards"]
    assert ehr.requests == []


@pytest.mark.row(18)
def test_the_encounter_is_optional(service: Caller) -> None:
    request = RESECTABLE.request
    del request["context"]["encounterId"]
    assert _answer(service, request) == _answer(service, RESECTABLE.request)


@pytest.mark.row(19)
@pytest.mark.parametrize("kind", ["Practitioner", "PractitionerRole", "Patient", "RelatedPerson"])
def test_every_kind_of_user_is_answered(service: Caller, kind: str) -> None:
    request = RESECTABLE.request
    request["context"]["userId"] = f"{kind}/example"
    assert _answer(service, request) == _answer(service, RESECTABLE.request)


@pytest.mark.row(20)
@pytest.mark.parametrize("value", ["123", None, {"resourceType": "Observation"}, [[]]], ids=str)
def test_prefetch_that_was_not_asked_for_is_ignored(service: Caller, value: object) -> None:
    request = RESECTABLE.request
    request["prefetch"]["user"] = value
    assert _answer(service, request) == _answer(service, RESECTABLE.request)


@pytest.mark.row(21)
def test_a_repeated_hook_instance_is_answered_again(service: Caller) -> None:
    assert _answer(service, RESECTABLE.request) == _answer(service, RESECTABLE.request)


@pytest.mark.row(22)
def test_a_hundred_calls_at_once_each_speak_of_their_own_patient(service: Caller) -> None:
    """Every other body is large enough to be answered beside the event loop."""
    template = json.dumps(RESECTABLE.request)

    def call(number: int) -> str:
        text = template.replace("p-resectable", f"p-{number:03}-x").replace("Anna Example", f"Name {number:03} Surname")
        answer = service.post(json.loads(text) | {"padding": "x" * (number % 2 * 70_000)})
        assert answer.status_code == 200
        return answer.text

    with ThreadPoolExecutor(100) as pool:
        answers = list(pool.map(call, range(100)))
    for number, answer in enumerate(answers):
        named = {other for other in range(100) if f"Name {other:03} Surname" in answer or f"p-{other:03}-x" in answer}
        assert named == {number}


@pytest.mark.row(23)
def test_cards_and_suggestions_have_fresh_ids_in_every_answer(service: Caller) -> None:
    suggesting = story("imaging-missing").request
    first, again = (list(_uuids(service.cards(suggesting))) for _ in range(2))
    assert len(first) == len(again) > 1
    assert len({*first, *again}) == len(first) + len(again)


@pytest.mark.row(24)
def test_names_in_any_script_arrive_as_they_were_sent(service: Caller) -> None:
    name = "Жанна Łukasiewicz-Ōkubo 山田"
    request = RESECTABLE.request
    request["prefetch"]["patient"]["name"] = [{"use": "official", "text": name}]
    answer = service.cards(json.dumps(request, ensure_ascii=False).encode())
    assert all(name in card["detail"] for card in answer["cards"])


@pytest.mark.row(24)
def test_the_limit_of_a_summary_counts_characters(service: Caller) -> None:
    """Text of four bytes a character is cut no sooner than plain text; the limits are checked on every answer."""
    request = RESECTABLE.request
    request["prefetch"]["patient"]["name"] = [{"use": "official", "text": "\N{GRINNING FACE}" * 30}]
    assert all("\N{GRINNING FACE}" * 30 in card["detail"] for card in service.cards(request)["cards"])


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/json; charset=utf-8", "application/fhir+json"]
)
def test_every_way_to_say_json_is_understood(service: Caller, content_type: str) -> None:
    assert service.post(RESECTABLE.body, {"Content-Type": content_type}).status_code == 200


def test_a_body_that_does_not_say_what_it_is_is_read_as_json(service: Caller) -> None:
    assert service.post(RESECTABLE.body, {}).status_code == 200


@pytest.mark.parametrize(
    "path", ["/cds-services//nelm-patient-view", "/cds-services/nelm-patient-view/", f"/{SERVICE}//"]
)
def test_slashes_of_a_client_that_concatenates_are_forgiven(service: Caller, path: str) -> None:
    answer = service.post(RESECTABLE.body, JSON, path)
    assert answer.status_code == 200
    assert answer.json()["cards"]


@pytest.mark.parametrize("path", ["/healthz", "/readyz", "/metrics"])
def test_health_and_metrics_are_answered(service: Caller, path: str) -> None:
    assert service.get(path).status_code == 200


def _answer(service: Caller, request: dict[str, Any]) -> Any:
    return without_uuids(service.cards(request))


def _uuids(answer: dict[str, Any]) -> list[str]:
    return [holder["uuid"] for card in answer["cards"] for holder in [card, *card.get("suggestions", [])]]
