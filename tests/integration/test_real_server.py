"""Against a FHIR server that others wrote: whatever part of the prefetch is sent, the answer is the same."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any

import pytest
import requests

from cds_service.fhir_client import Ask, Fetched, FhirClient, Limits
from cds_service.gather import PREFETCH_KEYS
from cds_service.http.discovery import discovery
from cds_service.settings import Settings
from tests.integration.conftest import RealServer
from tests.support.service import TestClient, make_client, post
from tests.support.stories import STORIES, Story, story, without_uuids
from tests.support.update_expected import shown

# A search that failed at the caller is told in a request alone; a server that is asked answers it.
TOLD_IN_BOTH = [told for told in STORIES if told.has_bundle]
every_story = pytest.mark.parametrize("told", TOLD_IN_BOTH, ids=[told.name for told in TOLD_IN_BOTH])


@pytest.fixture(scope="module")
def reading(real_server: RealServer) -> Iterator[TestClient]:
    """The service, allowed to read from the server; with time enough on a busy machine."""
    settings = Settings(fhir_servers=(real_server.base,), fhir_budget_seconds=60, fhir_request_seconds=60)
    with make_client(settings) as client:
        yield client


def _request(told: Story, server: RealServer, token: str | None = None) -> dict[str, Any]:
    """The story's request to this server, without prefetch."""
    request = server.moved_here(told.request)
    request["prefetch"] = {}
    request["fhirAuthorization"] = {"access_token": token or server.token, "token_type": "Bearer"}
    return request


@cache
def _prefetch(told: Story, server: RealServer) -> Mapping[str, Any]:
    """What an EHR sends that resolves our templates on this server."""
    resolved = discovery()["services"][0]["prefetch"]
    return {
        key: requests.get(
            f"{server.base}/{template.replace('{{context.patientId}}', told.patient_id)}",
            headers={"Authorization": f"Bearer {server.token}"},
            timeout=60,
        ).json()
        for key, template in resolved.items()
    }


@every_story
@pytest.mark.parametrize(
    "kept",
    [PREFETCH_KEYS, PREFETCH_KEYS[::2], PREFETCH_KEYS[1::2], ()],
    ids=["all sent", "half", "the other half", "nothing sent"],
)
def test_what_is_fetched_is_as_good_as_what_is_sent(
    reading: TestClient, real_server: RealServer, told: Story, kept: tuple[str, ...]
) -> None:
    prefetch = _prefetch(told, real_server)
    whole = post(reading, _request(told, real_server) | {"prefetch": prefetch})
    part = post(reading, _request(told, real_server) | {"prefetch": {key: prefetch[key] for key in kept}})
    assert (whole.status_code, part.status_code) == (200, 200)
    assert without_uuids(part.json()) == without_uuids(whole.json())
    assert shown(part.json()["cards"]) == told.expected["cards"]


def test_a_wrong_token_is_412_and_the_answer_does_not_repeat_it(reading: TestClient, real_server: RealServer) -> None:
    answer = post(reading, _request(story("resectable"), real_server, token="not-the-token"))  # noqa: S106 - refused
    assert answer.status_code == 412
    assert "refused the access token (401)" in answer.text
    assert "not-the-token" not in answer.text


def test_a_patient_that_the_server_does_not_have_is_412(reading: TestClient, real_server: RealServer) -> None:
    request = _request(story("resectable"), real_server)
    request["context"]["patientId"] = "nobody-of-this-id"
    answer = post(reading, request)
    assert answer.status_code == 412
    assert "'patient' is not in the request, and the FHIR server does not have it" in answer.text


def test_neither_token_nor_patient_are_logged(
    reading: TestClient, real_server: RealServer, caplog: pytest.LogCaptureFixture
) -> None:
    told = story("resectable")
    with caplog.at_level(logging.DEBUG):
        post(reading, _request(told, real_server))
    assert real_server.token not in caplog.text
    assert told.patient_id not in caplog.text


def test_its_pages_are_followed_to_the_end(real_server: RealServer) -> None:
    """Its own links, with a page size that needs many of them."""
    told = story("resectable")
    query = f"Observation?patient={told.patient_id}&_count=3"

    async def fetch() -> Fetched:
        limits = Limits(budget_seconds=60, request_seconds=60)
        async with FhirClient((real_server.base,), limits=limits) as fhir:
            access = fhir.access(real_server.base, real_server.token)
            assert not isinstance(access, str)
            return (await fhir.fetch(access, {"observations": Ask(query)}, told.patient_id))["observations"]

    (chain,) = asyncio.run(fetch()).chains
    found = [entry["resource"]["id"] for page in chain.pages for entry in json.loads(page)["entry"]]
    assert chain.ended
    assert len(chain.pages) > 3
    assert sorted(found) == sorted(r["id"] for r in told.chart if r["resourceType"] == "Observation")
