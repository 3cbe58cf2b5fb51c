"""Bytes to the structs of `wire`.

A resource whose elements have impossible types is set aside as `Malformed` and never costs its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, TypeAlias, TypeVar

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.wire import (
    NOTHING,
    UNREADABLE,
    Coded,
    Entry,
    EntryResponse,
    Issue,
    Link,
    Reference,
    Resource,
    ResponseOutcome,
    Search,
)

T = TypeVar("T")


class Malformed(Struct, frozen=True, gc=False):
    """A resource that could not be decoded: what can still be said of it, and where it went wrong."""

    reference: str
    code: Coded | None
    where: str
    subject: Reference | None = None


class _LooseResource(Struct, frozen=True, gc=False):
    resourceType: Any = None
    id: Any = None
    code: Raw = NOTHING
    subject: Raw = NOTHING
    patient: Raw = NOTHING


class _LooseEntry(Struct, frozen=True, gc=False):
    fullUrl: Any = None
    resource: Raw = NOTHING
    search: Any = None
    response: Any = None


class _LooseBundle(Struct, frozen=True, gc=False):
    resourceType: str
    entry: list[Raw] | None = None
    link: Any = None
    issue: Any = None
    total: Any = None


# What could be decoded, if anything, and what could not.
Decoded: TypeAlias = tuple[Resource | None, list[Malformed]]
DecodedEntry: TypeAlias = tuple[Entry | None, list[Malformed]]

_RESOURCE = msgspec.json.Decoder(Resource)
_ENTRY = msgspec.json.Decoder(Entry)
_LOOSE_RESOURCE = msgspec.json.Decoder(_LooseResource)
_LOOSE_ENTRY = msgspec.json.Decoder(_LooseEntry)
_LOOSE_BUNDLE = msgspec.json.Decoder(_LooseBundle)
_CODED = msgspec.json.Decoder(Coded)
_REFERENCE = msgspec.json.Decoder(Reference)

_DEEPEST_BUNDLE = 5


def decode(raw: bytes | Raw, depth: int = 0) -> Decoded:
    """Decode one resource or Bundle; what fails inside a Bundle is set aside alone.

    Returns (None, [...]) if nothing of it can be read. Never raises, whatever the bytes.
    """
    try:
        return _RESOURCE.decode(raw), []
    except UNREADABLE as error:
        return _decode_piece_by_piece(raw, str(error), depth)


def decode_entry(raw: bytes | Raw, depth: int = 0) -> DecodedEntry:
    """Decode one entry of a Bundle; None for it if there is nothing of it that could be used.

    `depth` is that of its Bundle. Never raises, whatever the bytes.
    """
    try:
        return _ENTRY.decode(raw), []
    except UNREADABLE:
        pass  # read loosely below, member by member
    try:
        loose = _LOOSE_ENTRY.decode(raw)
    except UNREADABLE as error:
        return None, [_malformed(raw, str(error))]
    mode = loose.search.get("mode") if isinstance(loose.search, dict) else None
    search = Search(mode) if isinstance(mode, str) else None
    full_url = loose.fullUrl if isinstance(loose.fullUrl, str) else None
    resource, lost = (None, []) if bytes(loose.resource) in (b"", b"null") else decode(loose.resource, depth + 1)
    if resource is None and lost:
        return None, lost
    return Entry(full_url, resource, search, _response(loose.response)), lost


def _decode_piece_by_piece(raw: bytes | Raw, complaint: str, depth: int) -> Decoded:
    try:
        bundle = _LOOSE_BUNDLE.decode(raw)
    except UNREADABLE:
        bundle = None
    if bundle is None or bundle.resourceType != "Bundle" or depth > _DEEPEST_BUNDLE:
        return None, [_malformed(raw, complaint)]
    entries: list[Entry] = []
    malformed: list[Malformed] = []
    for entry, lost in (decode_entry(raw_entry, depth) for raw_entry in bundle.entry or ()):
        malformed += lost
        if entry is not None:
            entries.append(entry)
    links = [Link(link.get("relation")) for link in _dicts(bundle.link) if isinstance(link.get("relation"), str)]
    linked = bundle.link if isinstance(bundle.link, list) else [bundle.link]
    if bundle.link is not None and len(links) < len(linked):
        links.append(Link("next"))  # a link that cannot be read may be the one to the next page
    total = bundle.total if isinstance(bundle.total, int) else None
    if bundle.total is not None and total is None:
        links.append(Link("next"))  # nor can it be told then whether everything is here
    issues = (_issues(bundle.issue) or [Issue()]) if bundle.issue else None
    return Resource(resourceType="Bundle", entry=entries, link=links or None, issue=issues, total=total), malformed


def _response(loose: Any) -> EntryResponse | None:
    """The status of a batch's query, whether it came as text or as a number; an outcome that is no success fails it."""
    if not isinstance(loose, dict):
        return None
    outcome = loose.get("outcome")
    issues = outcome.get("issue") if isinstance(outcome, dict) else None
    severities = _issues(issues)
    status = loose.get("status")
    return EntryResponse(None if status is None else str(status), ResponseOutcome(severities) if severities else None)


def _issues(loose: Any) -> list[Issue]:
    return [Issue(str(issue.get("severity"))) for issue in _dicts(loose)]


def _malformed(raw: bytes | Raw, complaint: str) -> Malformed:
    """Name a resource that failed, by the little of it that can be read; the complaint names no values."""
    where = complaint.rpartition(" - at ")[2].strip("`") if " - at " in complaint else "$"
    try:
        loose = _LOOSE_RESOURCE.decode(raw)
    except UNREADABLE:
        return Malformed("resource/unreadable", None, where)
    kind = loose.resourceType if isinstance(loose.resourceType, str) else "resource"
    identity = loose.id if isinstance(loose.id, str) else "without-id"
    subject = _if_readable(_REFERENCE, loose.subject) or _if_readable(_REFERENCE, loose.patient)
    return Malformed(f"{kind}/{identity}", _if_readable(_CODED, loose.code), where, subject)


def _if_readable(decoder: msgspec.json.Decoder[T], raw: Raw) -> T | None:
    if raw == NOTHING:
        return None
    try:
        return decoder.decode(raw)
    except UNREADABLE:
        return None


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
