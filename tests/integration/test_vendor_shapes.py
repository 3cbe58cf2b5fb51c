"""The same charts on servers with the manners of vendors: what they give is read whole, what they keep back is told."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from cds_service.decide import DECISION_EXTENSION, as_json, without_empties
from cds_service.settings import Settings
from tests.support.evaluating import by_request
from tests.support.service import make_client, post
from tests.support.stories import Story, story
from tests.support.update_expected import shown
from tests.support.vendor_servers import TOKEN, VendorServer, vendor_server
from tests.support.vendors import EPIC, HAPI, IN_PART, ORACLE, WHOLE, Refusal, Vendor

# What each would miss: long charts; references inside a Bundle, and to one version; a MedicationStatement, which few
# servers have; a test that was not done; a chart that is nearly empty; rows of others; a chart that is not ours.
NAMES = (
    "resectable", "embolisable", "hindgut-primary", "extrahepatic-symptomatic", "srs-missing", "nothing-known-yet",
    "other-patients-results", "out-of-scope-diabetic",
)  # fmt: skip
IN_SCOPE = tuple(name for name in NAMES if story(name).in_scope)
# Imaging shows in three types of resource, and its absence is judged by those that the server has.
SHOWN_ELSEWHERE = frozenset({"liver_imaging", "srs"})
RESULTS = ("cga", "ki67_percent", "carcinoid_syndrome")  # these are found among Observations or nowhere
FORBIDDEN = Refusal(403, "forbidden")
SCOPES = {
    "Observation": "observations",
    "ImagingStudy": "imaging",
    "Procedure": "procedures",
    "MedicationRequest": "medication",
    "DiagnosticReport": "diagnostic reports",
    "QuestionnaireResponse": "questionnaire",
}


def call(server: VendorServer, told: Story, token: str | None = TOKEN) -> Any:
    """One call without prefetch."""
    request = told.request | {"fhirServer": server.base, "prefetch": {}}
    if token:
        request["fhirAuthorization"] = {"access_token": token, "token_type": "Bearer"}
    settings = Settings(fhir_servers=(server.base,), fhir_budget_seconds=60, fhir_request_seconds=60)
    with make_client(settings) as client:
        return post(client, request)


def astray(server: VendorServer) -> list[str]:
    """Requests without the token, or for an address that is not below the base as the server itself spells it."""
    below = tuple(f"{server.vendor.path.lower()}{end}" for end in "/?")
    return [
        asked.path
        for asked in server.requests
        if asked.authorization != f"Bearer {TOKEN}" or not asked.target.lower().startswith(below)
    ]


def inputs(answer: Any) -> dict[str, Any]:
    """The inputs of the decision."""
    found: dict[str, Any] = answer.json()["extension"][DECISION_EXTENSION]["inputs"]
    return found


def looked_for_in_vain(answer: Any) -> list[str]:
    """The results of which the answer says that there are none."""
    return [name for name in RESULTS if inputs(answer)[name].get("unknown") == "not_recorded"]


def changed(answer: Any, told: Story) -> dict[str, Any]:
    """The inputs of the decision that are neither what the chart holds nor called not retrieved."""
    whole = as_json(by_request(told).decision)["inputs"]
    known = {name: (fact.get("value"), fact.get("unknown")) for name, fact in inputs(answer).items()}
    as_told = {name: without_empties(fact) for name, fact in whole.items()}
    return {
        name: fact
        for name, fact in known.items()
        if fact not in ((as_told[name].get("value"), as_told[name].get("unknown")), (None, "not_retrieved"))
    }


def not_read(answer: Any) -> str:
    """What the cards say could not be read."""
    lines = [line for card in answer.json()["cards"] for line in card.get("detail", "").splitlines()]
    return " ".join(line for line in lines if line.startswith("Could not be read, or only in part: "))


@pytest.mark.parametrize("vendor", WHOLE.values(), ids=WHOLE)
@pytest.mark.parametrize("name", NAMES)
def test_a_chart_is_the_same_on_every_server(vendor: Vendor, name: str) -> None:
    told = story(name)
    with vendor_server(vendor, told) as server:
        answer = call(server, told)
    assert answer.status_code == 200
    assert shown(answer.json()["cards"]) == told.expected["cards"]
    if told.in_scope:
        assert changed(answer, told) == {}
        assert {fact.get("unknown") for fact in inputs(answer).values()} & {"not_retrieved"} == set()
    assert astray(server) == []


@pytest.mark.parametrize("vendor", IN_PART.values(), ids=IN_PART)
@pytest.mark.parametrize("name", IN_SCOPE)
def test_what_a_server_does_not_have_is_told(vendor: Vendor, name: str) -> None:
    told = story(name)
    with vendor_server(vendor, told) as server:
        answer = call(server, told)
    assert answer.status_code == 200
    assert "imaging" in not_read(answer)
    assert changed(answer, told).keys() <= SHOWN_ELSEWHERE
    assert astray(server) == []


@pytest.mark.parametrize("name", IN_SCOPE)
def test_results_asked_for_by_category_are_never_taken_for_all(name: str) -> None:
    """No way of asking by code is left, and what has no category is not found in this one."""
    told = story(name)
    with vendor_server(ORACLE, told) as server:
        answer = call(server, told)
    asked = [one.parameters for one in server.requests if "/Observation" in one.path]
    assert "code" in asked[0]
    assert any("category" in parameters and "code" not in parameters for parameters in asked)
    assert "observations" in not_read(answer)
    assert looked_for_in_vain(answer) == []


@pytest.mark.parametrize("name", ["resectable", "srs-missing", "nothing-known-yet"])
@pytest.mark.parametrize("resource_type", SCOPES)
def test_what_the_token_does_not_cover_is_told_and_never_read_as_nothing(resource_type: str, name: str) -> None:
    told = story(name)
    lacks = {"MedicationStatement": Refusal(404), resource_type: FORBIDDEN}
    with vendor_server(replace(HAPI, lacks=lacks), told) as server:
        answer = call(server, told)
    assert answer.status_code == 200
    assert SCOPES[resource_type] in not_read(answer)
    assert resource_type != "Observation" or looked_for_in_vain(answer) == []
    lost = changed(answer, told).keys()
    assert not lost


@pytest.mark.parametrize("resource_type", ["Patient", "Condition"])
def test_without_what_is_required_there_is_no_answer(resource_type: str) -> None:
    told = story("resectable")
    with vendor_server(replace(HAPI, lacks={resource_type: FORBIDDEN}), told) as server:
        answer = call(server, told)
    assert answer.status_code == 412
    assert "the FHIR server does not allow it (403)" in answer.text


def test_results_that_are_withheld_without_an_error_are_told() -> None:
    """A warning beside the hits says that some kinds of them were left out."""
    told = story("srs-missing")
    withholding = replace(EPIC, beside=(("warning", "suppressed"),), beside_types=frozenset({"Observation"}))
    with vendor_server(withholding, told) as server:
        answer = call(server, told)
    assert "observations" in not_read(answer)
    assert changed(answer, told) == {}
    with vendor_server(replace(withholding, beside_types=frozenset({"Condition"})), told) as server:
        answer = call(server, told)
    assert answer.status_code == 412
    assert "answered only in part" in answer.text


def test_an_answer_behind_a_byte_order_mark_is_read() -> None:
    told = story("resectable")
    with vendor_server(Vendor(byte_order_mark=True), told) as server:
        answer = call(server, told)
    assert shown(answer.json()["cards"]) == told.expected["cards"]


@pytest.mark.parametrize("vendor", (WHOLE | IN_PART).values(), ids=WHOLE | IN_PART)
def test_pages_that_are_lost_without_a_word_would_be_noticed_here(vendor: Vendor) -> None:
    """The chart has more than one page of results on each of these servers, and they matter."""
    told = story("resectable")
    with vendor_server(replace(vendor, keeps_pages=False), told) as server:
        answer = call(server, told)
    assert shown(answer.json()["cards"]) != told.expected["cards"]


def test_a_request_that_goes_astray_would_be_noticed_here() -> None:
    told = story("resectable")
    with vendor_server(replace(HAPI, next_page="/somewhere-else?page={key}"), told) as server:
        call(server, told)
    assert "/somewhere-else" in astray(server)
    with vendor_server(HAPI, told) as server:
        assert call(server, told, token=None).status_code == 412
    assert astray(server) == [asked.path for asked in server.requests] != []
