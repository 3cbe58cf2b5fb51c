"""One call's requests to one server: within its time, bytes and connections, repeated only where that is safe.

Every failure is a value. No exception of the HTTP library leaves this module: theirs carry the request.
"""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Mapping
from urllib.parse import urlencode

import httpx

from cds_service import __version__
from cds_service.fhir_base import FhirBase
from cds_service.fhir_client.breaker import CallRecord
from cds_service.fhir_client.guard import Access, AddressRefusedError
from cds_service.fhir_client.limits import Limits
from cds_service.fhir_client.outcome import Failure
from cds_service.fhir_client.reading import (
    Allowance,
    Outcome,
    UnreadableAnswerError,
    failure_of,
    is_fhir_json,
    issue_codes,
    read_body,
    retry_after,
)

_PAUSE_SECONDS = 0.1
# Statuses after which the same read may do a moment later.
_PASSING = frozenset({429, 502, 503, 504})
_HEADERS = {
    "Accept": "application/fhir+json",  # without it some servers answer XML
    "Accept-Encoding": "gzip",
    "Cache-Control": "no-cache",  # a search from a cache misses what was written a moment ago
    "User-Agent": f"nelm-cds/{__version__}",
}
_FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def _names_a_certificate(error: BaseException) -> bool:
    """Whether this error, or one that it comes from, is about the server's certificate."""
    link: BaseException | None = error
    while link is not None:
        if isinstance(link, ssl.SSLCertVerificationError):
            return True
        link = link.__cause__ or link.__context__
    return False


class Exchange:
    """Requests of one call that share their bytes; forgotten with it, and the token too."""

    def __init__(
        self,
        transport: httpx.AsyncBaseTransport,
        access: Access,
        limits: Limits,
        slots: asyncio.Semaphore,
        record: CallRecord,
        deadline: float,
    ) -> None:
        # Not httpx's client: cookies, redirects, proxies and merged defaults are what we do without at every request.
        self._transport = transport
        self._access = access
        self._limits = limits
        self._slots = slots
        self._record = record
        self._deadline = deadline
        self._allowance = Allowance(limits.call_bytes)
        self._headers = _HEADERS if access.token is None else _HEADERS | {"Authorization": f"Bearer {access.token}"}
        self._timeouts = httpx.Timeout(limits.request_seconds, connect=limits.connect_seconds).as_dict()
        self.unauthorized = False

    @property
    def base(self) -> FhirBase:
        """The server that is asked."""
        return self._access.base

    @property
    def limits(self) -> Limits:
        """The limits of this call."""
        return self._limits

    async def get(self, url: str) -> Outcome:
        """Read one address of this server."""
        return await self._send("GET", url, None)

    async def post_search(self, url: str, parameters: list[tuple[str, str]]) -> Outcome:
        """Search by POST, which reads and changes nothing, so that it may be repeated."""
        return await self._send("POST", url, urlencode(parameters))

    async def _send(self, method: str, url: str, form: str | None) -> Outcome:
        outcome, wait = await self._once(method, url, form)
        if wait is None or wait >= self._left():
            return outcome
        await asyncio.sleep(wait)
        again, _ = await self._once(method, url, form)
        return again

    async def _once(self, method: str, url: str, form: str | None) -> tuple[Outcome, float | None]:
        """One request; with its outcome the seconds after which to repeat it, None for never."""
        async with self._slots:
            self._record.sent = True
            try:
                async with asyncio.timeout(self._limits.request_seconds):
                    return await self._exchange(method, url, form)
            except (TimeoutError, httpx.ReadTimeout, httpx.WriteTimeout):
                return Outcome(failure=Failure.TIMEOUT), None
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                self._record.unconnected = True
                if isinstance(error.__cause__, AddressRefusedError):
                    return Outcome(failure=Failure.ADDRESS), None
                if _names_a_certificate(error):
                    return Outcome(failure=Failure.CERTIFICATE), None
                return Outcome(failure=Failure.UNREACHABLE), _PAUSE_SECONDS
            except (httpx.RequestError, httpx.InvalidURL, httpx.StreamError):
                return Outcome(failure=Failure.BROKEN), _PAUSE_SECONDS
            except UnreadableAnswerError as error:
                self._record.answered = self._record.answered or error.failure is not Failure.BROKEN
                return Outcome(failure=error.failure), None

    async def _exchange(self, method: str, url: str, form: str | None) -> tuple[Outcome, float | None]:
        headers = self._headers if form is None else self._headers | _FORM
        request = httpx.Request(method, url, content=form, headers=headers, extensions={"timeout": self._timeouts})
        response = await self._transport.handle_async_request(request)
        try:
            return await self._judged(response)
        finally:
            await response.aclose()

    async def _judged(self, response: httpx.Response) -> tuple[Outcome, float | None]:
        status = response.status_code
        fhir = is_fhir_json(response.headers.get("content-type", ""))
        failure = failure_of(status)
        if failure is None and not fhir:
            failure = Failure.NOT_FHIR
        if failure is None:
            body = await self._body(response, self._limits.answer_bytes)
            self._record.answered = True
            return Outcome(body, status=status), None
        self._record.answered = True
        self.unauthorized = self.unauthorized or failure is Failure.UNAUTHORIZED
        return await self._refusal(response, failure, fhir), self._wait(response.headers, status)

    async def _refusal(self, response: httpx.Response, failure: Failure, fhir: bool) -> Outcome:
        outcome = Outcome(failure=failure, status=response.status_code)
        if not (fhir and outcome.way_refused):
            return outcome
        try:
            body = await self._body(response, self._limits.refusal_bytes)
        except (UnreadableAnswerError, httpx.RequestError):
            return outcome  # the status says enough
        return Outcome(failure=failure, status=response.status_code, issues=issue_codes(body))

    async def _body(self, response: httpx.Response, limit: int) -> bytes:
        declared = response.headers.get("content-length", "")
        if declared.isdecimal() and len(declared) < 20 and int(declared) > limit:
            raise UnreadableAnswerError(Failure.TOO_LARGE)
        return await read_body(response.aiter_raw(), response.headers, limit, self._allowance)

    def _wait(self, headers: Mapping[str, str], status: int) -> float | None:
        if status not in _PASSING:
            return None
        asked = retry_after(headers)
        return _PAUSE_SECONDS if asked is None else asked

    def _left(self) -> float:
        return self._deadline - asyncio.get_running_loop().time()
