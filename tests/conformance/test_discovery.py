"""Discovery: `GET /cds-services`. Rows are those of the project's CDS Hooks checklist."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from cds_service.http import routes
from tests.support.service import TestClient, make_client
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


@pytest.fixture
def services(client: TestClient) -> list[dict[str, Any]]:
    """The entries of the discovery document."""
    listed: list[dict[str, Any]] = client.get("/cds-services").json()["services"]
    return listed


def test_discovery_answers_an_object_with_an_array_of_services(client: TestClient) -> None:
    """Row 1."""
    answer = client.get("/cds-services")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/json"
    assert set(answer.json()) == {"services"}
    assert isinstance(answer.json()["services"], list)


def test_every_service_has_a_hook_an_id_and_a_description(services: list[dict[str, Any]]) -> None:
    """Row 2."""
    for service in services:
        for name in ("hook", "id", "description", "title"):
            assert isinstance(service[name], str)
            assert service[name].strip()


def test_discovery_holds_nothing_empty(client: TestClient) -> None:
    """Row 3."""
    assert [value for value in _leaves(client.get("/cds-services").json()) if value in (None, "", [], {})] == []


def test_id_and_hook_are_unique_and_the_id_fits_a_url(services: list[dict[str, Any]]) -> None:
    """Row 4."""
    pairs = [(service["id"], service["hook"]) for service in services]
    assert len(set(pairs)) == len(pairs)
    assert all(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", service["id"]) for service in services)


def test_prefetch_templates_are_relative_with_balanced_tokens(services: list[dict[str, Any]]) -> None:
    """Row 5."""
    for template in _templates(services):
        parts = urlsplit(template)
        assert (parts.scheme, parts.netloc) == ("", "")
        assert not template.startswith("/")
        assert template.count("{{") == template.count("}}") == len(_TOKEN.findall(template)) > 0


def test_tokens_are_first_level_fields_of_the_context(services: list[dict[str, Any]]) -> None:
    """Row 6."""
    for template in _templates(services):
        assert set(_TOKEN.findall(template)) <= _LEGAL_TOKENS


def test_queries_use_only_the_recommended_parameters(services: list[dict[str, Any]]) -> None:
    """Row 7; two `date=` parameters or a token that a client does not know would make false "no data"."""
    for template in _templates(services):
        path, _, query = template.partition("?")
        names = [name for name, _ in parse_qsl(query, strict_parsing=bool(query))]
        assert set(names) <= _PARAMETERS.get(path, set()), template
        assert len(set(names)) == len(names), template


def test_a_server_without_services_answers_an_empty_array(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 8."""
    monkeypatch.setattr(routes, "discovery", lambda _: {"services": []})
    answer = make_client().get("/cds-services")
    assert (answer.status_code, answer.json()) == (200, {"services": []})


def test_posting_to_discovery_is_refused_and_says_what_is_allowed(client: TestClient) -> None:
    """Row 10."""
    answer = client.post("/cds-services", json={})
    assert answer.status_code == 405
    assert "GET" in answer.headers["allow"]


def test_the_stories_are_prefetched_by_the_keys_that_discovery_names(services: list[dict[str, Any]]) -> None:
    """A key that nobody asks for would be tested and never sent."""
    assert set(services[0]["prefetch"]) <= set(story("resectable").request["prefetch"])


def _templates(services: list[dict[str, Any]]) -> list[str]:
    return [template for service in services for template in service.get("prefetch", {}).values()]


def _leaves(value: Any) -> Iterator[Any]:
    yield value
    if isinstance(value, dict):
        for member in value.values():
            yield from _leaves(member)
    elif isinstance(value, list):
        for member in value:
            yield from _leaves(member)
