"""Who calls: a registered client that signed the call, or anybody where no client is registered.

CDS Hooks 2.0.1: https://cds-hooks.hl7.org/2.0/#trusting-cds-clients
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING

from starlette.requests import Request

from cds_service.clients import Client, NotAuthenticated, UsedTokens, open_client
from cds_service.errors import Unauthenticated
from cds_service.settings import Settings
from cds_service.telemetry import CallReport

if TYPE_CHECKING:
    from cds_service.clients.tokens import Authenticator


class Callers:
    """Names the client of a request; an asynchronous context, because keys are fetched and kept."""

    def __init__(self, settings: Settings, used_tokens: UsedTokens, clock: Callable[[], datetime]) -> None:
        self._anybody = open_client(settings.fhir_servers)
        self._authenticator: Authenticator | None = None
        if settings.clients:
            from cds_service.clients.tokens import Authenticator  # here, since it loads the cryptography

            self._authenticator = Authenticator(settings.clients, settings.public_url, used_tokens, clock)

    async def __aenter__(self) -> Callers:
        """Open what fetches keys."""
        if self._authenticator is not None:
            await self._authenticator.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close it."""
        if self._authenticator is not None:
            await self._authenticator.__aexit__(kind, error, trace)

    async def client(self, request: Request, report: CallReport, *paths: str) -> Client:
        """The client that signed the request for one of these paths; raises Unauthenticated, and reports the reason."""
        if self._authenticator is None:
            report.client = self._anybody.name
            return self._anybody
        try:
            client = await self._authenticator.client(request.headers.get("authorization"), paths)
        except NotAuthenticated as error:
            report.refused = error.reason
            raise Unauthenticated from error
        report.client = client.name
        return client
