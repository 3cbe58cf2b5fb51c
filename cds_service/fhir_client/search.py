"""One query to its end: a read, or a search in whichever way the server takes, with all its pages."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from cds_service.fhir_client.exchange import Exchange
from cds_service.fhir_client.fallbacks import Query, Way, Ways, asks_for_another_way
from cds_service.fhir_client.outcome import Ask, Failure, Fetched
from cds_service.fhir_client.paging import Pages, follow
from cds_service.fhir_client.reading import Outcome


@dataclass(slots=True)
class Collected:
    """What one query has brought so far; what is here counts, as part of an answer, when time runs out."""

    requests: list[Pages] = field(default_factory=list)
    whole: bool = True
    done: bool = False

    @property
    def complete(self) -> bool:
        """True if everything that was asked for is here."""
        return self.done and self.whole and bool(self.requests) and all(pages.ended for pages in self.requests)

    def as_fetched(self, unfinished: Failure) -> Fetched:
        """The result; what has not even begun to arrive failed for the reason `unfinished`."""
        chains = tuple(pages.as_chain() for pages in self.requests if pages.bodies)
        failures = [pages.failure for pages in self.requests if pages.failure is not None]
        whole = self.done and self.whole and len(chains) == len(self.requests)
        return Fetched(chains, whole, None if chains else failures[0] if failures else unfinished)


async def retrieve(ask: Ask, exchange: Exchange, ways: Ways, into: Collected) -> None:
    """Ask one query and put what comes `into` the collection as it comes."""
    query = Query.parse(ask.query)
    base = exchange.base.url
    if ask.first_page is not None:
        into.requests = [Pages([ask.first_page])]
        # The caller's own search stands behind its link; where it stood is not known, so a relative one is of the base.
        await follow(into.requests[0], exchange, f"{base}/{query.path}")
    elif "/" in query.path:
        into.requests = [Pages()]
        await _one(query, exchange, into.requests[0])
    else:
        await _search(query, exchange, ways, into)
    into.done = True


async def _search(query: Query, exchange: Exchange, ways: Ways, into: Collected) -> None:
    base, limit = exchange.base.url, exchange.limits.url_characters
    for way in ways.for_query(query, base, limit):
        into.whole = way is not Way.BY_CATEGORY
        if way is Way.POST:
            outcomes = await _post(query, exchange, into)
        else:
            queries = list(query.chunks(base, limit)) if way is Way.CHUNKS else [query]
            if way is Way.BY_CATEGORY:
                queries = [query.by_category()]
            into.requests = [Pages() for _ in queries]
            outcomes = await _all(queries, exchange, into)
        if exchange.unauthorized:
            return
        if any(outcome.body is not None for outcome in outcomes):
            ways.remember(query, way)
            return
        if not all(asks_for_another_way(way, outcome) for outcome in outcomes):
            return


async def _all(queries: list[Query], exchange: Exchange, into: Collected) -> list[Outcome]:
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(_one(query, exchange, pages)) for query, pages in zip(queries, into.requests, strict=True)
        ]
    return [task.result() for task in tasks]


async def _one(query: Query, exchange: Exchange, pages: Pages) -> Outcome:
    url = query.url(exchange.base.url)
    outcome = await exchange.get(url)
    await _keep(outcome, pages, exchange, url)
    return outcome


async def _post(query: Query, exchange: Exchange, into: Collected) -> list[Outcome]:
    into.requests = [Pages()]
    url = f"{exchange.base.url}/{query.path}/_search"
    outcome = await exchange.post_search(url, query.parameters)
    await _keep(outcome, into.requests[0], exchange, url)
    return [outcome]


async def _keep(outcome: Outcome, pages: Pages, exchange: Exchange, url: str) -> None:
    if outcome.body is None:
        pages.failure = outcome.failure
    else:
        pages.bodies.append(outcome.body)
        await follow(pages, exchange, url)
