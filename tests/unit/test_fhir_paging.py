"""The pages of a search: followed to their end, on one server, within limits."""

from __future__ import annotations

import asyncio
from typing import Any

import httpx
import pytest
import respx

from cds_service.errors import MissingData
from cds_service.fhir_client import Limits
from cds_service.gather import PREFETCH_KEYS
from fhir_mappings.answer import Answer, Availability
from tests.support.fhir_calls import (
    BASE,
    PATIENT_RESOURCE,
    TOKEN,
    answers,
    except_for,
    fhir,
    request,
    searchset,
)

NEXT = f"{BASE}?_getpages=abc&page=2"


def page(*ids: str, link: str | None = None, **more: Any) -> dict[str, Any]:
    """A page of Conditions, with a link to the next."""
    links = [{"relation": "self", "url": BASE}] + ([{"relation": "next", "url": link}] if link else [])
    return searchset("Condition", *ids, link=links, **more)


def ids(answer: Answer) -> list[str | None]:
    """The ids of the resources of an answer."""
    return [entry.resource.id for entry in answer.entries if entry.resource]


def test_pages_are_followed_to_the_end(played: respx.MockRouter) -> None:
    def conditions(asked: httpx.Request) -> httpx.Response:
        return fhir(page("1", "2", link=NEXT, total=3))

    played.get(NEXT).mock(return_value=fhir(page("3")))
    played.route().mock(side_effect=except_for("Condition", conditions))
    found = answers()["conditions"]
    assert found.availability is Availability.COMPLETE
    assert ids(found) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("first", "second"),
    [
        (page("1", link=NEXT, total=9), page("2")),
        (page("1", link=NEXT), page("2") | {"link": {"relation": "next"}}),
        (page("1", link=NEXT), page("2") | {"link": [{"relation": "next"}]}),
        (page("1", link=NEXT), page("2") | {"link": ["next"]}),
        (page("1", link=NEXT), {"resourceType": "OperationOutcome", "issue": []}),
        (page("1", link=NEXT), b"["),
        (page("1", link=NEXT), b'{"resourceType": "Bundle", "entry": 7}'),
        (page("1", link="https://evil.example.org/fhir?p=2"), page("2")),
        (page("1", link="http://ehr.example.org/fhir?p=2"), page("2")),
        (page("1", link="x" * 100_000), page("2")),
    ],
    ids=[
        "fewer than told", "unreadable link", "link without address", "text for a link", "outcome", "no JSON",
        "no entries", "other host", "http", "endless address",
    ],
)  # fmt: skip
def test_pages_that_do_not_come_to_an_end_are_part_of_an_answer(
    played: respx.MockRouter, first: object, second: object
) -> None:
    """Of an optional query; what was read is used."""
    played.get(NEXT).mock(return_value=fhir(second))
    played.route().mock(side_effect=except_for("Procedure", lambda asked: fhir(first)))
    found = answers()["procedures"]
    assert found.availability is Availability.PARTIAL
    assert ids(found)[:1] == ["1"]


def test_the_pages_after_one_that_was_sent_are_fetched(played: respx.MockRouter) -> None:
    """A port that says what the scheme says already is the same origin."""
    link = "https://ehr.example.org:443/fhir?_getpages=abc"
    played.get(url__startswith="https://ehr.example.org").mock(return_value=fhir(page("2")))
    prefetch = dict.fromkeys(PREFETCH_KEYS) | {"patient": PATIENT_RESOURCE, "conditions": page("1", link=link, total=2)}
    found = answers(request(prefetch))["conditions"]
    assert found.availability is Availability.COMPLETE
    assert ids(found) == ["1", "2"]
    assert [c.request.headers["authorization"] for c in played.calls] == [f"Bearer {TOKEN}"]


@pytest.mark.parametrize("link", ["https://evil.example.org/fhir?p=2", NEXT], ids=["foreign", "refused"])
def test_what_was_sent_stays_where_the_next_page_cannot_be_had(played: respx.MockRouter, link: str) -> None:
    played.get(NEXT).mock(return_value=httpx.Response(410))
    prefetch = dict.fromkeys(PREFETCH_KEYS) | {"patient": PATIENT_RESOURCE, "procedures": page("1", link=link)}
    found = answers(request(prefetch))["procedures"]
    assert (found.availability, ids(found)) == (Availability.PARTIAL, ["1"])
    assert all(c.request.url.host == "ehr.example.org" for c in played.calls)


@pytest.mark.parametrize("status", [401, 503])
def test_a_required_first_page_alone_is_412(played: respx.MockRouter, status: int) -> None:
    played.get(NEXT).mock(return_value=httpx.Response(status))
    prefetch = dict.fromkeys(PREFETCH_KEYS) | {"patient": PATIENT_RESOURCE, "conditions": page("1", link=NEXT)}
    with pytest.raises(MissingData) as refused:
        answers(request(prefetch))
    assert "'conditions' holds only the first of several pages, and the FHIR server " in str(refused.value)


@pytest.mark.parametrize(("pages", "call_bytes", "asked"), [(10, 10**9, 10), (50, 10_000, 8)], ids=["pages", "bytes"])
def test_pages_and_bytes_are_limited(played: respx.MockRouter, pages: int, call_bytes: int, asked: int) -> None:
    """Each page of these has between 1,200 and 1,400 bytes; the one that goes beyond is asked for and not read."""

    def endless(request_of_page: httpx.Request) -> httpx.Response:
        return fhir(page("1", link=f"{BASE}/Procedure?page={len(played.calls)}") | {"x": "y" * 1000})

    played.route().mock(side_effect=endless)
    prefetch = dict.fromkeys(PREFETCH_KEYS) | {"patient": PATIENT_RESOURCE}
    del prefetch["procedures"]
    limits = Limits(budget_seconds=20, request_seconds=20, pages=pages, call_bytes=call_bytes)
    assert answers(request(prefetch), limits=limits)["procedures"].availability is Availability.PARTIAL
    assert len(played.calls) == asked


def test_an_optional_answer_without_end_takes_no_bytes_from_a_required_one(played: respx.MockRouter) -> None:
    """The conditions come after the endless procedures have used up what they may."""
    procedures_are_cut = asyncio.Event()

    def endless(asked: httpx.Request) -> httpx.Response:
        if len(played.calls) > 8:
            procedures_are_cut.set()
        return fhir(page("1", link=f"{BASE}/Procedure?page={len(played.calls)}") | {"x": "y" * 3000})

    async def afterwards(asked: httpx.Request) -> httpx.Response:
        await procedures_are_cut.wait()
        return fhir(searchset("Condition", "1"))

    played.get(url__startswith=f"{BASE}/Procedure").mock(side_effect=endless)
    played.get(url__startswith=f"{BASE}/Condition").mock(side_effect=afterwards)
    prefetch = dict.fromkeys(PREFETCH_KEYS) | {"patient": PATIENT_RESOURCE}
    del prefetch["procedures"], prefetch["conditions"]
    limits = Limits(budget_seconds=20, request_seconds=20, pages=10**6, call_bytes=30_000)
    found = answers(request(prefetch), limits=limits)
    assert found["conditions"].availability is Availability.COMPLETE
    assert found["procedures"].availability is Availability.PARTIAL
