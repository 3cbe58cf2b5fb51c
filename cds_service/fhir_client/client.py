"""The client of the callers' FHIR servers: one connection pool, and for each server its limits and its breaker.

Nothing of a patient outlives a call: no cookie, no token, no answer. Redirects are not followed.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from types import TracebackType

from cds_service.fhir_base import FhirBase
from cds_service.fhir_client.breaker import Admission, Breaker, CallRecord
from cds_service.fhir_client.exchange import Exchange
from cds_service.fhir_client.fallbacks import Ways
from cds_service.fhir_client.guard import Access, Guard, GuardedNetwork, GuardedTransport, Resolve, resolve
from cds_service.fhir_client.limits import Limits
from cds_service.fhir_client.outcome import Ask, Failure, Fetched
from cds_service.fhir_client.search import Collected, retrieve

_log = logging.getLogger("nelm_cds")


class _Server:
    """What is remembered of one server between calls; nothing of it comes from a chart."""

    def __init__(self, base: FhirBase, limits: Limits, monotonic: Callable[[], float]) -> None:
        self.base = base
        self.slots = asyncio.Semaphore(limits.connections_per_server)
        self.breaker = Breaker(limits.failures_to_open, limits.pause_seconds, monotonic)
        self.ways = Ways(limits.way_remembered_seconds, monotonic)

    def settle(self, admission: Admission, record: CallRecord) -> None:
        """Learn from a call, and tell the operator when that changes something."""
        before = self.breaker.is_open
        self.breaker.settle(admission, record)
        if self.breaker.is_open != before:
            state = "answers again" if before else "does not answer; further calls do without it for some seconds"
            _log.warning("FHIR server %s %s", self.base.url, state)


class FhirClient:
    """Reads what the prefetch leaves out from servers of the list; an asynchronous context."""

    def __init__(
        self,
        servers: Iterable[str] = (),
        *,
        production: bool = False,
        limits: Limits | None = None,
        monotonic: Callable[[], float] = time.monotonic,
        resolve: Resolve = resolve,
    ) -> None:
        # These two log addresses, which name the patient, on levels that an operator may switch on for everything.
        for name in ("httpx", "httpcore"):
            logging.getLogger(name).setLevel(logging.WARNING)
        self._limits = limits or Limits()
        self._guard = Guard(servers, production=production)
        self._servers = {base: _Server(base, self._limits, monotonic) for base in self._guard.bases}
        network = GuardedNetwork(self._guard, resolve)
        tls = any(base.scheme == "https" for base in self._servers)
        self._transport = GuardedTransport(network, tls=tls)

    async def __aenter__(self) -> FhirClient:
        """Open the pool."""
        await self._transport.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close every connection."""
        await self._transport.__aexit__(kind, error, trace)

    def access(self, server: str | None, token: str | None, among: Collection[str] | None = None) -> Access | str:
        """Access to the server of a request, or why it is not contacted and what to change.

        `among` are the bases of the list that this caller may name; None: all of them.
        """
        return self._guard.access(server, token, among)

    def leaves_alone(self, access: Access) -> bool:
        """Whether a call would be refused at this moment, because the server did not answer the last ones."""
        return self._servers[access.base].breaker.refuses

    def open_breakers(self) -> dict[str, bool]:
        """For every base of the list whether calls do without it at present."""
        return {base.url: server.breaker.is_open for base, server in self._servers.items()}

    async def fetch(self, access: Access, asks: Mapping[str, Ask], patient_id: str) -> dict[str, Fetched]:
        """Ask everything at once; every query has its result when the time budget is spent, at the latest.

        Ends early where the rest cannot matter: the token was refused, or a required query came to nothing.
        """
        server = self._servers[access.base]
        admission = server.breaker.admit()
        if admission is Admission.REFUSED:
            return {key: Fetched(failure=Failure.LEFT_ALONE) for key in asks}
        record = CallRecord(patient_id, frozenset(ask.resource_type for ask in asks.values()))
        deadline = asyncio.get_running_loop().time() + self._limits.budget_seconds
        # Two, with their own bytes: an optional answer without end takes nothing from a required one.
        exchanges = {
            required: Exchange(self._transport, access, self._limits, server.slots, record, deadline)
            for required in (True, False)
        }
        collected = {key: Collected() for key in asks}
        tasks = {
            asyncio.create_task(retrieve(ask, exchanges[ask.required], server.ways, collected[key])): key
            for key, ask in asks.items()
        }
        try:
            unfinished = await _wait(tasks, asks, collected, exchanges.values(), deadline)
        except BaseException:
            server.breaker.release(admission)  # cancelled by the caller, or a fault of ours: nothing was learnt
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
        server.settle(admission, record)
        if any(exchange.unauthorized for exchange in exchanges.values()):
            # Which queries came before the refusal is chance; advice must not depend on it.
            return {key: Fetched(failure=Failure.UNAUTHORIZED) for key in asks}
        return {key: found.as_fetched(unfinished) for key, found in collected.items()}


async def _wait(
    tasks: Mapping[asyncio.Task[None], str],
    asks: Mapping[str, Ask],
    collected: Mapping[str, Collected],
    exchanges: Iterable[Exchange],
    deadline: float,
) -> Failure:
    """Wait until everything is there or nothing more can matter; gives the reason for what is still missing then."""
    pending = set(tasks)
    while pending:
        left = deadline - asyncio.get_running_loop().time()
        done, pending = await asyncio.wait(pending, timeout=max(0, left), return_when=asyncio.FIRST_COMPLETED)
        if not done:
            return Failure.TIMEOUT
        for task in done:
            task.result()
        ended = [tasks[task] for task in done]
        refused = any(exchange.unauthorized for exchange in exchanges)
        if refused or any(asks[key].required and not collected[key].complete for key in ended):
            return Failure.ABANDONED
    return Failure.TIMEOUT
