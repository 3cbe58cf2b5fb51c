"""Bytes to the structs of `wire`.

A resource whose elements have impossible types is set aside as `Malformed` and never costs its neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.wire import NOTHING, Coded, Entry, EntryResponse, Link, Resource, Search


class Malformed(Struct, frozen=True, gc=False):
    """A resource that could not be decoded: what can still be said of it, and where it went wrong."""

    reference: str
    code: Coded | None
    where: str


class _LooseResource(Struct, frozen=True, gc=False):
    resourceType: Any = None
    id: Any = None
    code: Raw = NOTHING


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


_RESOURCE = msgspec.json.Decoder(Resource)
_LOOSE_RESOURCE = msgspec.json.Decoder(_LooseResource)
_LOOSE_ENTRY = msgspec.json.Decoder(_LooseEntry)
_LOOSE_BUNDLE = msgspec.json.Decoder(_LooseBundle)
_CODED = msgspec.json.Decoder(Coded)

# What msgspec raises of bytes that are not JSON of the expected shape.
UNREADABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
_DEEPEST_BUNDLE = 5


def decode(raw: bytes | Raw, depth: int = 0) -> tuple[Resource | None, list[Malformed]]:
    """Decode one resource or Bundle; what fails inside a Bundle is set aside alone.

    Returns (None, [...]) if nothing of it can be read. Never raises, whatever the bytes.
    """
    try:
        return _RESOURCE.decode(raw), []
    except UNREADABLE as error:
        return _decode_piece_by_piece(raw, str(error), depth)


def _decode_piece_by_piece(raw: bytes | Raw, complaint: str, depth: int) -> tuple[Resource | None, list[Malformed]]:
    try:
        bundle = _LOOSE_BUNDLE.decode(raw)
    except UNREADABLE:
        bundle = None
    if bundle is None or bundle.resourceType != "Bundle" or depth > _DEEPEST_BUNDLE:
        return None, [_malformed(raw, complaint)]
    entries: list[Entry] = []
    malformed: list[Malformed] = []
    for raw_entry in bundle.entry or []:
        _decode_entry(raw_entry, entries, malformed, depth)
    links = [Link(link.get("relation")) for link in _dicts(bundle.link) if isinstance(link.get("relation"), str)]
    if bundle.link is not None and not isinstance(bundle.link, list):
        links.append(Link("next"))  # a link that cannot be read may be the one to the next page
    total = bundle.total if isinstance(bundle.total, int) else None
    return Resource(resourceType="Bundle", entry=entries, link=links or None, total=total), malformed


def _decode_entry(raw: Raw, entries: list[Entry], malformed: list[Malformed], depth: int) -> None:
    try:
        loose = _LOOSE_ENTRY.decode(raw)
    except UNREADABLE as error:
        malformed.append(_malformed(raw, str(error)))
        return
    status = loose.response.get("status") if isinstance(loose.response, dict) else None
    response = EntryResponse(status) if isinstance(status, str) else None
    if bytes(loose.resource) in (b"", b"null"):
        entries += [Entry(response=response)] if response else []
        return
    resource, lost = decode(loose.resource, depth + 1)
    malformed += lost
    if resource is None:
        return
    mode = loose.search.get("mode") if isinstance(loose.search, dict) else None
    entries.append(
        Entry(
            fullUrl=loose.fullUrl if isinstance(loose.fullUrl, str) else None,
            resource=resource,
            search=Search(mode) if isinstance(mode, str) else None,
            response=response,
        )
    )


def _malformed(raw: bytes | Raw, complaint: str) -> Malformed:
    """Name a resource that failed, by the little of it that can be read; the complaint names no values."""
    where = complaint.rpartition(" - at ")[2].strip("`") if " - at " in complaint else "$"
    try:
        loose = _LOOSE_RESOURCE.decode(raw)
    except UNREADABLE:
        return Malformed("resource/unreadable", None, where)
    kind = loose.resourceType if isinstance(loose.resourceType, str) else "resource"
    identity = loose.id if isinstance(loose.id, str) else "without-id"
    code: Coded | None = None
    if loose.code != NOTHING:
        try:
            code = _CODED.decode(loose.code)
        except UNREADABLE:
            code = None
    return Malformed(f"{kind}/{identity}", code, where)


def _dicts(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, list):
        yield from (item for item in value if isinstance(item, dict))
