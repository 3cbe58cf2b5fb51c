"""Properties of what is fetched that hold whatever a FHIR server sends."""

from __future__ import annotations

import asyncio
import json

import httpx
import respx
from hypothesis import given, settings
from hypothesis import strategies as st

from cds_service.errors import MissingData
from cds_service.fhir_base import BadBaseError, FhirBase
from cds_service.fhir_client import Chain, Fetched, Limits, Retrieval
from cds_service.gather import PREFETCH_KEYS, gather
from fhir_mappings.answer import Availability
from tests.support.fhir_calls import client, fhir, request, retrieved

BASE = FhirBase.parse("https://ehr.example.org/fhir")
anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5) | st.just("next") | st.just("Bundle"),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(["resourceType", "link", "relation", "url", "entry", "resource", "total", "issue", "id"])
            | st.text(max_size=3),
            inner,
            max_size=4,
        )
    ),
    max_leaves=12,
)
pages = st.binary(max_size=60) | anything.map(lambda value: json.dumps(value).encode())
fetched = st.builds(
    Fetched,
    st.lists(st.builds(Chain, st.lists(pages, min_size=1, max_size=3).map(tuple), st.booleans()), max_size=3).map(
        tuple
    ),
    st.booleans(),
)


@given(st.dictionaries(st.sampled_from(PREFETCH_KEYS), fetched))
@settings(max_examples=60)
def test_any_pages_make_an_answer_or_a_412(found: dict[str, Fetched]) -> None:
    """Nothing is complete that did not come to an end."""
    try:
        answers = gather({}, Retrieval(found, patient_id="p1", server=BASE.url))
    except MissingData:
        return
    for key, one in found.items():
        if not (one.whole and one.chains and all(chain.ended for chain in one.chains)):
            assert answers[key].availability is not Availability.COMPLETE


@given(st.lists(pages, min_size=1, max_size=4))
@settings(max_examples=20)
def test_any_answers_of_a_server_end_the_call(bodies: list[bytes]) -> None:
    async def call() -> Retrieval:
        limits = Limits(budget_seconds=20, request_seconds=20, pages=4)
        async with client(limits=limits) as fhir_client:
            return await retrieved(request(), fhir_client)

    with respx.mock() as played:
        count = iter(range(10_000))
        played.route().mock(side_effect=lambda asked: fhir(bodies[next(count) % len(bodies)]))
        retrieval = asyncio.run(call())
        assert all(c.request.url.host == "ehr.example.org" for c in played.calls)
    assert set(retrieval.fetched) == set(PREFETCH_KEYS)


@given(st.text(max_size=40) | st.text("htps:/.@[]?#%2eE\\example0123456789", max_size=40).map("https://".__add__))
def test_any_text_is_a_base_or_is_refused(text: str) -> None:
    try:
        base = FhirBase.parse(text)
    except BadBaseError as error:
        assert not text or len(text) < 8 or text not in str(error)
        return
    assert FhirBase.parse(base.url) == base
    assert base.url.isascii()


@given(st.text(max_size=40) | st.from_regex(r"(https?:)?//[a-z.@:\[\]0-9\\]{1,30}/?[a-z]{0,3}", fullmatch=True))
def test_any_link_stays_on_the_server_or_is_not_followed(link: str) -> None:
    """By the reading of the library that connects, which is not the one that decides."""
    url = BASE.on_this_server(link, f"{BASE.url}/Condition")
    if url is None:
        return
    try:
        read = httpx.URL(url)
    except httpx.InvalidURL:
        return  # nothing is connected to
    assert (read.scheme, read.host, read.port, read.userinfo) == ("https", "ehr.example.org", None, b"")
