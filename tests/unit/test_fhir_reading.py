"""One answer of a FHIR server: what is parsed, and how much of it."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest

from cds_service.fhir_client.outcome import Failure
from cds_service.fhir_client.reading import (
    Allowance,
    UnreadableAnswerError,
    failure_of,
    is_fhir_json,
    issue_codes,
    read_body,
    retry_after,
)

TEXT = b'{"resourceType": "Bundle"}' * 100


@pytest.mark.parametrize(
    ("header", "parsed"),
    [
        ("application/fhir+json", True),
        ("application/fhir+json; charset=utf-8; fhirVersion=4.0", True),
        ('application/json;charset="UTF-8"', True),
        ("Application/JSON+FHIR", True),
        ("application/fhir+json; charset=iso-8859-1", False),
        ("application/fhir+json; charset=utf-16", False),
        ("application/fhir+xml", False),
        ("text/html; charset=utf-8", False),
        ("text/json", False),
        ("", False),
    ],
)
def test_only_fhir_json_in_utf_8_is_parsed(header: str, parsed: bool) -> None:
    assert is_fhir_json(header) is parsed


def read(content: bytes, encoding: str = "identity", limit: int = 10_000, left: int = 10_000, piece: int = 7) -> bytes:
    """The body of an answer that comes in small pieces."""

    async def chunks() -> AsyncIterator[bytes]:
        for start in range(0, len(content), piece):
            yield content[start : start + piece]

    return asyncio.run(read_body(chunks(), {"content-encoding": encoding}, limit, Allowance(left)))


@pytest.mark.parametrize("piece", [1, 7, 100_000])
@pytest.mark.parametrize("encoding", ["identity", "gzip", "x-gzip", " GZIP "])
def test_a_body_is_read_whole(encoding: str, piece: int) -> None:
    content = TEXT if encoding == "identity" else gzip.compress(TEXT)
    assert read(content, encoding, piece=piece) == TEXT
    assert read(content, encoding, limit=len(TEXT), left=len(TEXT), piece=piece) == TEXT


@pytest.mark.parametrize("piece", [1, 7, 100_000])
@pytest.mark.parametrize("encoding", ["identity", "gzip"])
@pytest.mark.parametrize(
    ("limit", "left"), [(len(TEXT) - 1, 10_000), (10_000, len(TEXT) - 1), (10_000, 0), (10_000, -5), (0, 10_000)]
)
def test_a_body_beyond_either_limit_is_given_up(encoding: str, piece: int, limit: int, left: int) -> None:
    content = TEXT if encoding == "identity" else gzip.compress(TEXT)
    with pytest.raises(UnreadableAnswerError) as refused:
        read(content, encoding, limit=limit, left=left, piece=piece)
    assert refused.value.failure is Failure.TOO_LARGE


@pytest.mark.parametrize(
    ("content", "encoding", "failure"),
    [
        (gzip.compress(TEXT)[:-1], "gzip", Failure.BROKEN),
        (gzip.compress(TEXT) + b"more", "gzip", Failure.BROKEN),
        (b"not gzip at all", "gzip", Failure.BROKEN),
        (zlib.compress(TEXT), "gzip", Failure.BROKEN),
        (b"", "gzip", Failure.BROKEN),
        (TEXT, "br", Failure.NOT_FHIR),
        (zlib.compress(TEXT), "deflate", Failure.NOT_FHIR),
        (gzip.compress(gzip.compress(TEXT)), "gzip, gzip", Failure.NOT_FHIR),
    ],
)
def test_a_body_that_cannot_be_decompressed_is_given_up(content: bytes, encoding: str, failure: Failure) -> None:
    with pytest.raises(UnreadableAnswerError) as refused:
        read(content, encoding)
    assert refused.value.failure is failure


def test_the_bytes_of_several_answers_count_together() -> None:
    allowance = Allowance(3 * len(TEXT) - 1)

    async def chunks() -> AsyncIterator[bytes]:
        yield TEXT

    async def three() -> None:
        for _ in range(3):
            await read_body(chunks(), {}, 10_000, allowance)

    with pytest.raises(UnreadableAnswerError):
        asyncio.run(three())


@pytest.mark.parametrize(
    ("status", "failure"),
    [
        (200, None),
        (201, Failure.NOT_FHIR),
        (204, Failure.NOT_FHIR),
        (206, Failure.NOT_FHIR),
        (301, Failure.REDIRECT),
        (304, Failure.REDIRECT),
        (400, Failure.REFUSED),
        (401, Failure.UNAUTHORIZED),
        (403, Failure.FORBIDDEN),
        (404, Failure.NOT_FOUND),
        (410, Failure.NOT_FOUND),
        (418, Failure.REFUSED),
        (429, Failure.BUSY),
        (500, Failure.FAULT),
        (503, Failure.BUSY),
        (599, Failure.FAULT),
    ],
)
def test_every_status_but_200_is_a_failure(status: int, failure: Failure | None) -> None:
    assert failure_of(status) is failure


@pytest.mark.parametrize(
    ("body", "codes"),
    [
        (b'{"issue": [{"code": "required"}, {"code": "informational"}]}', {"required", "informational"}),
        (b'{"issue": [{"code": 7}, {}]}', set()),
        (b'{"issue": {"code": "required"}}', set()),
        (b'{"issue": null}', set()),
        (b"{}", set()),
        (b"[]", set()),
        (b"", set()),
        (b"\xff", set()),
        (b"[" * 100_000, set()),
    ],
)
def test_issue_codes_are_read_of_whatever_comes(body: bytes, codes: set[str]) -> None:
    assert issue_codes(body) == codes


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({}, None),
        ({"retry-after": "0"}, 0.0),
        ({"retry-after": "120"}, 120.0),
        ({"retry-after": "-1"}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "9" * 400}, None),
        ({"retry-after": "²"}, None),
        ({"retry-after": "Wed, 25 Nov 2026 10:00:05 GMT"}, None),
        ({"retry-after": "Wed, 25 Nov 2026 10:00:05 GMT", "date": "Wed, 25 Nov 2026 10:00:00 GMT"}, 5.0),
        ({"retry-after": "Wed, 25 Nov 2026 09:00:00 GMT", "date": "Wed, 25 Nov 2026 10:00:00 GMT"}, 0.0),
    ],
)
def test_what_the_server_asks_to_wait_is_told_by_its_own_clock(headers: dict[str, str], seconds: float | None) -> None:
    assert retry_after(headers) == seconds
