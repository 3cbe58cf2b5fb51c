"""What a FHIR server is asked and what came of it: raw pages and reasons. Pure; nothing here is decoded yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum


class Failure(StrEnum):
    """Why there is no answer, as a sentence about the FHIR server goes on."""

    TIMEOUT = "did not answer in time"
    UNREACHABLE = "could not be reached"
    CERTIFICATE = "shows a certificate that is not trusted here (SSL_CERT_FILE names an authority's file)"
    ADDRESS = "resolves to an address that is not allowed"
    BROKEN = "broke off its answer"
    UNAUTHORIZED = "refused the access token (401)"
    FORBIDDEN = "does not allow it (403)"
    NOT_FOUND = "does not have it (404 or 410)"
    REFUSED = "refused the query"
    BUSY = "is overloaded (429 or 503)"
    FAULT = "failed on it (5xx)"
    REDIRECT = "answered with a redirect, which is not followed"
    NOT_FHIR = "answered with something else than FHIR JSON"
    TOO_LARGE = "answered with more than is read"
    LEFT_ALONE = "did not answer the last calls and is left alone for some seconds"
    ABANDONED = "was not waited for, because another required query failed"


@dataclass(frozen=True, slots=True)
class Ask:
    """One query, relative to the base; or the pages that follow a first page which the caller sent."""

    query: str = field(repr=False)
    required: bool = False
    first_page: bytes | None = field(default=None, repr=False)

    @property
    def resource_type(self) -> str:
        """The type that is read or searched."""
        return self.query.partition("?")[0].partition("/")[0]


@dataclass(frozen=True, slots=True)
class Chain:
    """The pages of one search in their order; `ended` if the last of them was the last there is."""

    pages: tuple[bytes, ...] = field(repr=False)
    ended: bool


@dataclass(frozen=True, slots=True)
class Fetched:
    """What one query brought: a chain of pages for each request it took.

    `whole` is false where the requests together asked for less than the query, or not all of them were answered.
    """

    chains: tuple[Chain, ...] = ()
    whole: bool = True
    failure: Failure | None = None


@dataclass(frozen=True, slots=True)
class Retrieval:
    """What one call got from its FHIR server, or in `not_contacted` why that was left alone; `base` is as listed."""

    fetched: Mapping[str, Fetched] = field(default_factory=dict)
    not_contacted: str | None = None
    patient_id: str = field(default="", repr=False)
    server: str | None = field(default=None, repr=False)
    base: str = ""

    @property
    def size(self) -> int:
        """Bytes that were read."""
        return sum(len(page) for one in self.fetched.values() for chain in one.chains for page in chain.pages)


NOT_TRIED = Retrieval()
