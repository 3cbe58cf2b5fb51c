"""What a call to a FHIR server leaves behind: no secret, no session, no connection; a breaker's count."""

from __future__ import annotations

import asyncio
import logging

import httpx
import pytest
import respx

from cds_service.errors import MissingData
from cds_service.fhir_client import FhirClient, Limits, Retrieval
from cds_service.gather import PREFETCH_KEYS, gather
from cds_service.http.answer import read_call
from tests.support.fhir_calls import (
    BASE,
    PATIENT_RESOURCE,
    TOKEN,
    client,
    request,
    retrieved,
    soundly,
)


def test_no_cookie_goes_from_one_call_to_another(played: respx.MockRouter) -> None:
    """A server's session belongs to the user of one call."""

    def with_cookie(asked: httpx.Request) -> httpx.Response:
        answer = soundly(asked)
        answer.headers["Set-Cookie"] = "session=of-the-first; Path=/"
        return answer

    played.route().mock(side_effect=with_cookie)

    async def calls() -> None:
        async with client() as fhir_client:
            await retrieved(request(), fhir_client)
            await retrieved(request(fhirAuthorization={"access_token": "another"}), fhir_client)

    asyncio.run(calls())
    assert len(played.calls) == 2 * len(PREFETCH_KEYS)
    assert all("cookie" not in c.request.headers for c in played.calls)
    tokens = [c.request.headers["authorization"] for c in played.calls]
    assert tokens == [f"Bearer {TOKEN}"] * len(PREFETCH_KEYS) + ["Bearer another"] * len(PREFETCH_KEYS)


FAULTS = [
    httpx.Response(500),
    httpx.ConnectError(f"{TOKEN} p1"),
    httpx.ReadError(f"{TOKEN} p1"),
    httpx.ReadTimeout("p1"),
]


@pytest.mark.parametrize("fault", [None, *FAULTS, httpx.Response(401)])
def test_neither_token_nor_patient_are_in_a_log_an_exception_or_a_repr(
    played: respx.MockRouter, fault: httpx.Response | Exception | None, caplog: pytest.LogCaptureFixture
) -> None:
    if fault is None:
        played.route().mock(side_effect=soundly)
    else:
        played.route().mock(side_effect=[fault] * 100)

    async def call() -> tuple[Retrieval, str]:
        async with client() as fhir_client:
            called = read_call(request()).request
            shown = repr((called.fhirAuthorization, fhir_client, vars(fhir_client)))
            return await retrieved(request(), fhir_client), shown

    with caplog.at_level(logging.DEBUG):
        retrieval, shown = asyncio.run(call())
        try:
            gather({}, retrieval)
        except MissingData as error:
            shown += f"{error!r} {error.__cause__!r} {error.__context__!r}"
    for text in (caplog.text, shown, repr(retrieval), str(retrieval)):
        assert TOKEN not in text
        assert "p1" not in text


def silence(played: respx.MockRouter) -> None:
    """A server that cannot be connected to."""
    played.route().mock(side_effect=httpx.ConnectError("refused"))


def test_after_failed_calls_a_server_is_left_alone_and_tried_again_later(
    played: respx.MockRouter, caplog: pytest.LogCaptureFixture
) -> None:
    seconds = [0.0]

    async def call(fhir_client: FhirClient) -> str:
        try:
            gather(read_call(request()).sent, await retrieved(request(), fhir_client))
        except MissingData as error:
            return str(error)
        return "answered"

    async def calls() -> None:
        async with client(monotonic=lambda: seconds[0]) as fhir_client:
            silence(played)
            for _ in range(5):
                assert "could not be reached" in await call(fhir_client)
            asked = len(played.calls)
            assert "is left alone for some seconds" in await call(fhir_client)
            assert len(played.calls) == asked
            seconds[0] = 5.0
            played.route().mock(side_effect=soundly)
            assert await call(fhir_client) == "answered"
            assert await call(fhir_client) == "answered"

    asyncio.run(calls())
    assert [record.getMessage().partition(BASE)[2] for record in caplog.records if record.name == "nelm_cds"] == [
        " does not answer; further calls do without it for some seconds",
        " answers again",
    ]


def test_refusals_never_make_a_server_left_alone(played: respx.MockRouter) -> None:
    played.route().mock(return_value=httpx.Response(403))

    async def calls() -> None:
        async with client() as fhir_client:
            for _ in range(20):
                await retrieved(request(), fhir_client)

    asyncio.run(calls())
    assert len(played.calls) >= 20


def test_a_cancelled_call_stops_its_fetches(played: respx.MockRouter) -> None:
    stopped: list[str] = []
    begun = asyncio.Event()

    async def waiting(asked: httpx.Request) -> httpx.Response:
        begun.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            stopped.append(asked.url.path)
            raise
        raise AssertionError

    played.route().mock(side_effect=waiting)

    async def call() -> None:
        async with client(limits=Limits(budget_seconds=60, request_seconds=60)) as fhir_client:
            task = asyncio.create_task(retrieved(request(), fhir_client))
            await begun.wait()
            await asyncio.sleep(0.05)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
            assert len(asyncio.all_tasks()) == 1

    asyncio.run(call())
    assert len(stopped) == len(PREFETCH_KEYS)


def test_a_thousand_calls_at_once_keep_to_the_connections_of_a_server(played: respx.MockRouter) -> None:
    at_once = [0, 0]

    async def slowly(asked: httpx.Request) -> httpx.Response:
        at_once[0] += 1
        at_once[1] = max(at_once)
        await asyncio.sleep(0.001)
        at_once[0] -= 1
        return soundly(asked)

    played.route().mock(side_effect=slowly)
    prefetch = dict.fromkeys(PREFETCH_KEYS) | {"patient": PATIENT_RESOURCE}
    del prefetch["imaging"]

    async def calls() -> list[Retrieval]:
        limits = Limits(budget_seconds=120, request_seconds=120, connections_per_server=20)
        async with client(limits=limits) as fhir_client:
            return await asyncio.gather(*(retrieved(request(prefetch), fhir_client) for _ in range(1000)))

    retrievals = asyncio.run(calls())
    assert all(one.fetched["imaging"].failure is None for one in retrievals)
    assert 1 < at_once[1] <= 20
