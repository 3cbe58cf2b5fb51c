"""The ways a long search is asked, in their order, and what is remembered of each server."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from urllib.parse import parse_qs

import httpx
import pytest
import respx

from cds_service.fhir_client import Ask, Failure, Fetched, FhirClient
from cds_service.fhir_client.fallbacks import Query
from cds_service.gather import gather
from cds_service.http.answer import read_call
from cds_service.http.discovery import queries
from fhir_mappings.answer import Answer, Availability
from tests.support.fhir_calls import BASE, client, except_for, fhir, request, retrieved, searchset
from tests.support.fhir_calls import answers as answers_of_one_call

OUTCOME = {"resourceType": "OperationOutcome", "issue": [{"severity": "fatal", "code": "required"}]}
POST, CHUNK, CATEGORY = "POST", "GET code", "GET category"


def way(asked: httpx.Request) -> str:
    """Which way a search was asked."""
    if asked.method == "POST":
        return POST
    return CATEGORY if "category" in asked.url.params else CHUNK


def refusing(status: int, *ways: str, body: object = OUTCOME) -> Callable[[httpx.Request], httpx.Response]:
    """A server that takes Observation searches in no way of these."""

    def answer(asked: httpx.Request) -> httpx.Response:
        return fhir(body, status) if way(asked) in ways else fhir(searchset("Observation", way(asked)))

    return except_for("Observation", answer)


def ways_asked(played: respx.MockRouter) -> list[str]:
    """The ways in the order they were asked, chunks of one search counted as one."""
    asked = [way(c.request) for c in played.calls if c.request.url.path.startswith("/fhir/Observation")]
    return [one for i, one in enumerate(asked) if one != CHUNK or asked[i - 1] != CHUNK or i == 0]


def observations() -> Answer:
    """What one call learns of the observations."""
    return answers_of_one_call()["observations"]


def test_a_long_code_list_is_posted(played: respx.MockRouter) -> None:
    played.route().mock(side_effect=refusing(400))
    assert observations().availability is Availability.COMPLETE
    assert ways_asked(played) == [POST]
    posted = next(c.request for c in played.calls if c.request.method == "POST")
    assert str(posted.url) == f"{BASE}/Observation/_search"
    assert posted.headers["content-type"] == "application/x-www-form-urlencoded"
    form = parse_qs(posted.content.decode())
    assert form["patient"] == ["p1"]
    assert "http://loinc.org|29593-1" in form["code"][0].split(",")


@pytest.mark.parametrize("status", [400, 404, 405, 411, 413, 415, 422, 501])
def test_where_post_is_refused_the_codes_are_asked_in_chunks(played: respx.MockRouter, status: int) -> None:
    played.route().mock(side_effect=refusing(status, POST))
    assert observations().availability is Availability.COMPLETE
    assert ways_asked(played) == [POST, CHUNK]
    chunks = [c.request for c in played.calls if "code" in c.request.url.params]
    assert len(chunks) > 1
    assert all(len(str(chunk.url)) <= 1800 for chunk in chunks)
    asked = [code for chunk in chunks for code in chunk.url.params["code"].split(",")]
    assert asked == dict(Query.parse(queries("p1")["observations"]).parameters)["code"].split(",")
    assert all(chunk.url.params["patient"] == "p1" for chunk in chunks)


@pytest.mark.parametrize("status", [401, 403, 429, 500, 503])
def test_what_is_no_refusal_of_the_way_is_asked_no_other_way(played: respx.MockRouter, status: int) -> None:
    played.route().mock(side_effect=refusing(status, POST))
    with_observations = [c for c in _all_asked(played) if c.url.path.startswith("/fhir/Observation")]
    assert {way(asked) for asked in with_observations} == {POST}


def _all_asked(played: respx.MockRouter) -> list[httpx.Request]:
    async def call() -> None:
        async with client() as fhir_client:
            await retrieved(request(), fhir_client)

    asyncio.run(call())
    return [c.request for c in played.calls]


def test_where_codes_are_refused_categories_are_asked_and_the_answer_is_never_whole(played: respx.MockRouter) -> None:
    """An Observation without a category is not found that way."""
    played.route().mock(side_effect=refusing(400, POST, CHUNK))
    found = observations()
    assert found.availability is Availability.PARTIAL
    assert [entry.resource.id for entry in found.entries if entry.resource] == [CATEGORY]
    assert ways_asked(played) == [POST, CHUNK, CATEGORY]
    asked = next(c.request for c in played.calls if "category" in c.request.url.params)
    assert "laboratory" in asked.url.params["category"].split(",")
    assert "code" not in asked.url.params


def test_where_every_way_is_refused_the_search_failed(played: respx.MockRouter) -> None:
    played.route().mock(side_effect=refusing(400, POST, CHUNK, CATEGORY))
    assert observations().availability is Availability.FAILED


def test_one_chunk_that_fails_leaves_the_others(played: respx.MockRouter) -> None:
    seen: list[str] = []

    def answer(asked: httpx.Request) -> httpx.Response:
        if way(asked) == POST:
            return fhir(OUTCOME, 405)
        seen.append(str(asked.url))
        return fhir(searchset("Observation", "1")) if len(seen) > 1 else httpx.Response(500)

    played.route().mock(side_effect=except_for("Observation", answer))
    found = observations()
    assert found.availability is Availability.PARTIAL
    assert found.entries


def test_the_way_that_was_taken_is_remembered_for_a_while(played: respx.MockRouter) -> None:
    played.route().mock(side_effect=refusing(405, POST))
    seconds = [0.0]

    async def calls(*times: float) -> list[Availability]:
        found = []
        async with client(monotonic=lambda: seconds[0]) as fhir_client:
            for seconds[0] in times:
                found.append(await _observations(fhir_client))
        return found

    assert set(asyncio.run(calls(0.0, 1800.0, 3599.0))) == {Availability.COMPLETE}
    assert ways_asked(played) == [POST, CHUNK]
    asyncio.run(calls(0.0, 3600.0))
    assert ways_asked(played) == [POST, CHUNK, POST, CHUNK, POST, CHUNK]


async def _observations(fhir_client: FhirClient) -> Availability:
    return gather(read_call(request()).sent, await retrieved(request(), fhir_client))["observations"].availability


def test_what_one_server_takes_says_nothing_of_another() -> None:
    other = "https://other.example.org/fhir"
    with respx.mock(assert_all_called=False) as played:
        played.route(host="ehr.example.org").mock(side_effect=refusing(405, POST))
        played.route(host="other.example.org").mock(side_effect=refusing(405))

        async def calls() -> None:
            async with client(servers=(BASE, other)) as fhir_client:
                await retrieved(request(), fhir_client)
                await retrieved(request(fhirServer=other), fhir_client)

        asyncio.run(calls())
        asked = [c.request for c in played.calls if c.request.url.host == "other.example.org"]
        assert {way(one) for one in asked if one.url.path.startswith("/fhir/Observation")} == {POST}


def test_the_issue_code_decides_and_not_the_text(played: respx.MockRouter) -> None:
    """A short search is asked by GET; a server that wants a category as well says `required`."""
    short = "Observation?patient=p1&code=http://loinc.org|29593-1"
    wants_more = {**OUTCOME, "issue": [{"severity": "information"}, *OUTCOME["issue"]]}
    assert asyncio.run(_asked(played, short, fhir(wants_more, 400))) == [CHUNK, CATEGORY]


@pytest.mark.parametrize("code", ["invalid", "not-supported", 7])
def test_another_refusal_of_a_short_search_stands(played: respx.MockRouter, code: object) -> None:
    short = "Observation?patient=p1&code=http://loinc.org|29593-1"
    refusal = {"resourceType": "OperationOutcome", "issue": [{"code": code, "diagnostics": "category is required"}]}
    assert asyncio.run(_asked(played, short, fhir(refusal, 400))) == [CHUNK]


async def _asked(played: respx.MockRouter, query: str, first: httpx.Response) -> list[str]:
    played.route().mock(side_effect=[first, fhir(searchset("Observation", "1"))])
    async with client() as fhir_client:
        access = fhir_client.access(BASE, None)
        assert not isinstance(access, str)
        await fhir_client.fetch(access, {"observations": Ask(query)}, "p1")
    return ways_asked(played)


def test_a_long_search_of_another_type_has_no_categories_to_fall_back_to(played: respx.MockRouter) -> None:
    played.route().mock(return_value=fhir(OUTCOME, 400))
    query = "Procedure?patient=p1&code=" + ",".join(f"http://snomed.info/sct|{n}" for n in range(200))

    async def call() -> Fetched:
        async with client() as fhir_client:
            access = fhir_client.access(BASE, None)
            assert not isinstance(access, str)
            return (await fhir_client.fetch(access, {"procedures": Ask(query)}, "p1"))["procedures"]

    assert asyncio.run(call()) == Fetched(failure=Failure.REFUSED, whole=False)
    assert {c.request.method for c in played.calls} == {"POST", "GET"}
    assert all("category" not in c.request.url.params for c in played.calls)


def test_a_code_that_holds_a_comma_is_not_taken_apart() -> None:
    query = Query.parse("Observation?patient=p1&code=" + ",".join(f"http://lab|A%5C,{n}" for n in range(200)))
    chunks = list(query.chunks(BASE, 300))
    codes = [dict(chunk.parameters)["code"] for chunk in chunks]
    assert ",".join(codes) == dict(query.parameters)["code"]
    assert all(code.endswith(tuple("0123456789")) for code in codes)
    assert len(chunks) > 10


def test_a_code_too_long_for_any_address_is_asked_alone() -> None:
    query = Query.parse("Observation?patient=p1&code=" + "x" * 3000 + ",y")
    assert [len(dict(chunk.parameters)["code"]) for chunk in query.chunks(BASE, 1800)] == [3000, 1]
