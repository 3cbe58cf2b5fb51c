"""One HTTP answer read within its limits: status, content type, size after decompression. Nothing else is parsed."""

from __future__ import annotations

import codecs
import zlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from email.utils import parsedate_to_datetime
from typing import Any

import msgspec
from msgspec import Struct

from cds_service.fhir_client.outcome import Failure
from fhir_mappings.wire import UNREADABLE

_FHIR_JSON = frozenset({"application/fhir+json", "application/json+fhir", "application/json"})
_OF_STATUS = {
    401: Failure.UNAUTHORIZED, 403: Failure.FORBIDDEN, 404: Failure.NOT_FOUND, 410: Failure.NOT_FOUND,
    429: Failure.BUSY, 503: Failure.BUSY,
}  # fmt: skip
# What a server says to a way of asking that it does not take: another way may do.
_WAY_REFUSED = frozenset({400, 404, 405, 406, 411, 413, 414, 415, 422, 501})
_GZIP = 16 + zlib.MAX_WBITS


@dataclass(slots=True)
class Allowance:
    """The bytes that one call may still read, over all its answers."""

    left: int


class UnreadableAnswerError(Exception):
    """An answer that is cut, too large or in no encoding we asked for; nothing of it is kept."""

    def __init__(self, failure: Failure) -> None:
        super().__init__(failure.value)
        self.failure = failure


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one request: the body of a 200, or a failure; `issues` are the codes of its OperationOutcome."""

    body: bytes | None = field(default=None, repr=False)
    failure: Failure | None = None
    status: int | None = None
    issues: frozenset[str] = frozenset()

    @property
    def way_refused(self) -> bool:
        """True if it is the way of asking that was refused, as far as a status can tell."""
        return self.status in _WAY_REFUSED


class _Issue(Struct, frozen=True):
    code: Any = None


class _OperationOutcome(Struct, frozen=True):
    issue: list[_Issue] | None = None


_OPERATION_OUTCOME = msgspec.json.Decoder(_OperationOutcome)


def failure_of(status: int) -> Failure | None:
    """The failure that a status stands for; None for the one status that carries an answer."""
    if status == 200:
        return None
    if status in _OF_STATUS:
        return _OF_STATUS[status]
    if status >= 500:
        return Failure.FAULT
    if status >= 400:
        return Failure.REFUSED
    return Failure.REDIRECT if status >= 300 else Failure.NOT_FHIR


def is_fhir_json(content_type: str) -> bool:
    """Whether the header says FHIR JSON in UTF-8; JSON has no other encoding (RFC 8259)."""
    media_type, *parameters = (part.strip().lower() for part in content_type.split(";"))
    charsets = [p.partition("=")[2].strip(' "') for p in parameters if p.partition("=")[0].strip() == "charset"]
    return media_type in _FHIR_JSON and all(charset in ("utf-8", "utf8") for charset in charsets)


async def read_body(
    chunks: AsyncIterator[bytes], headers: Mapping[str, str], limit: int, allowance: Allowance
) -> bytes:
    """The body, decompressed, within both limits; raises UnreadableAnswerError beyond.

    Decompresses by itself: the library inflates a chunk whole, and a small chunk may hold a thousand times its size.
    """
    encoding = headers.get("content-encoding", "identity").strip().lower()
    if encoding not in ("identity", "gzip", "x-gzip"):
        raise UnreadableAnswerError(Failure.NOT_FHIR)
    inflate = None if encoding == "identity" else zlib.decompressobj(_GZIP)
    parts: list[bytes] = []
    size = 0
    async for chunk in chunks:
        part = chunk if inflate is None else _inflated(inflate, chunk, min(limit - size, allowance.left) + 1)
        size += len(part)
        allowance.left -= len(part)
        if size > limit or allowance.left < 0:
            raise UnreadableAnswerError(Failure.TOO_LARGE)
        parts.append(part)
    if inflate is not None and (not inflate.eof or inflate.unused_data):
        raise UnreadableAnswerError(Failure.BROKEN)
    return b"".join(parts).removeprefix(codecs.BOM_UTF8)  # which a reader of JSON may pass over (RFC 8259)


def _inflated(inflate: Any, chunk: bytes, at_most: int) -> bytes:
    try:
        part: bytes = inflate.decompress(chunk, max(1, at_most))  # to zlib 0 means no limit
    except zlib.error as error:
        raise UnreadableAnswerError(Failure.BROKEN) from error
    return part


def issue_codes(body: bytes) -> frozenset[str]:
    """The issue codes of an OperationOutcome; none of anything else. Texts differ by vendor and may quote a chart."""
    try:
        outcome = _OPERATION_OUTCOME.decode(body)
    except UNREADABLE:
        return frozenset()
    return frozenset(issue.code for issue in outcome.issue or () if isinstance(issue.code, str))


def retry_after(headers: Mapping[str, str]) -> float | None:
    """The seconds that the server asks to wait; a date is compared with the server's own clock."""
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal() and len(text) < 10:
        return float(text)
    try:
        waits = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
    except (TypeError, ValueError):
        return None
    return max(0.0, waits.total_seconds())
