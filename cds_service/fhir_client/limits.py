"""How much time, how many bytes, pages and connections one call may take from a FHIR server."""

from __future__ import annotations

from dataclasses import dataclass

_MEBIBYTE = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits; the two times are settings, the rest is what no sound answer comes near.

    Bytes are counted after decompression; `call_bytes` for required and for optional queries each. `url_characters` is
    where a search goes by POST: proxies and servers refuse longer addresses. A server that failed `failures_to_open`
    whole calls in a row is left alone for `pause_seconds`.
    """

    budget_seconds: float = 3.0
    request_seconds: float = 2.5
    connect_seconds: float = 1.0
    answer_bytes: int = 16 * _MEBIBYTE
    call_bytes: int = 32 * _MEBIBYTE
    refusal_bytes: int = 64 * 1024
    pages: int = 50
    url_characters: int = 1800
    connections_per_server: int = 50
    failures_to_open: int = 5
    pause_seconds: float = 5.0
    way_remembered_seconds: float = 3600.0
