"""Discovery: `GET /cds-services`. Rows are those of the project's CDS Hooks checklist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from tests.support.conformance_answer import empties
from tests.support.conformance_app import SECOND_HOOK
from tests.support.conformance_call import SERVICE, Caller, calling
from tests.support.conformance_server import serving
from tests.support.stories import story

_TOKEN = re.compile(r"\{\{(.*?)\}\}")
# patient-view: the context fields marked "Prefetch Token: Yes"
_LEGAL_TOKENS = {"context.patientId", "context.userId", "context.encounterId"}
_PARAMETERS = {
    "Condition": {"patient", "_count"},
    "Observation": {"patient", "code", "_count"},
    "ImagingStudy": {"patient", "_count"},
    "Procedure": {"patient", "_count"},
    "MedicationRequest": {"patient", "_count"},
    "MedicationStatement": {"patient", "_count"},
    "DiagnosticReport": {"patient", "_count"},
    "QuestionnaireResponse": {"patient", "_count"},
}


@pytest.fixture(scope="module")
def services(service: Caller) -> list[dict[str, Any]]:
    """The entries of the discovery document."""
    listed: list[dict[str, Any]] = service.get("/cds-services").json()["services"]
    return listed


@pytest.mark.row(1)
def test_discovery_answers_an_object_with_an_array_of_services(service: Caller) -> None:
    answer = service.get("/cds-services")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"services"}
    assert isinstance(answer.json()["services"], list)


@pytest.mark.row(2)
def test_every_service_has_a_hook_an_id_and_a_description(services: list[dict[str, Any]]) -> None:
    assert services
    for entry in services:
        for name in ("hook", "id", "description", "title"):
            assert isinstance(entry[name], str)
            assert entry[name].strip()


@pytest.mark.row(3)
def test_discovery_holds_nothing_empty(service: Caller) -> None:
    assert list(empties(service.get("/cds-services").json(), "")) == []


@pytest.mark.row(4)
def test_id_and_hook_are_unique_and_the_id_fits_a_url(services: list[dict[str, Any]]) -> None:
    pairs = [(entry["id"], entry["hook"]) for entry in services]
    assert len(set(pairs)) == len(pairs)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", entry["id"]) for entry in services)


@pytest.mark.row(5)
def test_prefetch_templates_are_relative_with_balanced_tokens(services: list[dict[str, Any]]) -> None:
    for template in _templates(services):
        parts = urlsplit(template)
        assert (parts.scheme, parts.netloc) == ("", "")
        assert not template.startswith("/")
        assert template.count("{{") == template.count("}}") == len(_TOKEN.findall(template)) > 0


@pytest.mark.row(6)
def test_tokens_are_first_level_fields_of_the_context(services: list[dict[str, Any]]) -> None:
    for template in _templates(services):
        assert set(_TOKEN.findall(template)) <= _LEGAL_TOKENS


@pytest.mark.row(7)
def test_queries_use_only_the_recommended_parameters(services: list[dict[str, Any]]) -> None:
    """Two `date=` parameters or a token that a client does not know would make false "no data"."""
    for template in _templates(services):
        path, _, query = template.partition("?")
        names = [name for name, _ in parse_qsl(query, strict_parsing=bool(query))]
        assert set(names) <= _PARAMETERS.get(path, set()), template
        assert len(set(names)) == len(names), template


@pytest.mark.row(8)
def test_a_server_without_services_answers_an_empty_array(tmp_path: Path) -> None:
    with serving(tmp_path, application="without_services") as server, calling(server) as caller:
        answer = caller.get("/cds-services")
    assert (answer.status_code, answer.json()) == (200, {"services": []})


@pytest.mark.row(9)
def test_one_id_on_two_hooks_is_two_entries_called_at_one_address(tmp_path: Path) -> None:
    told = story("resectable")
    with serving(tmp_path, application="one_id_on_two_hooks") as server, calling(server) as caller:
        listed = caller.get("/cds-services").json()["services"]
        for hook in ("patient-view", SECOND_HOOK):
            assert caller.cards(told.request | {"hook": hook})["cards"]
        assert caller.post(told.request | {"hook": "order-sign"}).status_code == 400
    assert {(entry["id"], entry["hook"]) for entry in listed} == {
        (SERVICE.rpartition("/")[2], hook) for hook in ("patient-view", SECOND_HOOK)
    }


@pytest.mark.row(10)
def test_posting_to_discovery_is_refused_and_says_what_is_allowed(service: Caller) -> None:
    answer = service.post({}, path="/cds-services")
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


def test_the_stories_are_prefetched_by_the_keys_that_discovery_names(services: list[dict[str, Any]]) -> None:
    """A key that nobody asks for would be tested and never sent."""
    assert set(services[0]["prefetch"]) <= set(story("resectable").request["prefetch"])


@pytest.mark.parametrize("path", ["/cds-services/", "//cds-services", "/cds-services//"])
def test_slashes_of_discovery_are_forgiven(service: Caller, path: str) -> None:
    answer = service.get(path)
    assert answer.status_code == 200
    assert answer.json()["services"]


def _templates(services: list[dict[str, Any]]) -> list[str]:
    return [template for entry in services for template in entry.get("prefetch", {}).values()]
