"""A searchset of Observations decoded only where a code matters; the others stay bytes.

A chart can hold thousands of results of which the protocol asks for a dozen. Finding them costs one scan for the
boundaries of the entries and one for the codes; only what is asked for becomes a `Resource`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import TypeAlias

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.decoding import Malformed, decode
from fhir_mappings.wire import (
    NOTHING,
    NULL,
    UNREADABLE,
    Coded,
    Component,
    Entry,
    EntryResponse,
    Issue,
    Link,
    Resource,
    Search,
)


class Matters(IntEnum):
    """When an Observation under a code is worth decoding; of several codes the one that matters soonest counts."""

    NEVER = 0
    IF_OURS = 1  # once the chart may be one of ours
    AT_ONCE = 2


# What a (system, code) means to us.
Judge: TypeAlias = Callable[[str | None, str | None], Matters]
# Observations whose codes, and components if they have any, are the same to the byte; at least one.
Alike: TypeAlias = Sequence[Raw]


@dataclass(frozen=True, slots=True)
class Sifted:
    """The Bundle with what was decoded of it, what could not be, and the Observations that were not decoded.

    `later` are those that matter once the chart may be one of ours, `passed_over` those that never do.
    """

    resource: Resource | None
    malformed: list[Malformed]
    later: tuple[Alike, ...] = ()
    passed_over: tuple[Alike, ...] = ()


class _Code(Struct, frozen=True, gc=False):
    system: str | None = None
    code: str | None = None


class _Concept(Struct, frozen=True, gc=False):
    coding: list[_Code] | None = None


class _Part(Struct, frozen=True, gc=False):
    code: _Concept | None = None


class _Peek(Struct, frozen=True, gc=False):
    resourceType: str | None = None
    code: Raw = NOTHING
    component: Raw = NOTHING


class _Entry(Struct, frozen=True, gc=False):
    fullUrl: str | None = None
    resource: Raw = NOTHING
    search: Search | None = None
    response: EntryResponse | None = None


class _Bundle(Struct, frozen=True, gc=False):
    resourceType: str
    entry: list[_Entry] | None = None
    link: list[Link] | None = None
    issue: list[Issue] | None = None
    total: int | None = None


_BUNDLE = msgspec.json.Decoder(_Bundle)
_PEEK = msgspec.json.Decoder(_Peek)
_NOTHING_SEEN = _Peek()
_CONCEPT = msgspec.json.Decoder(_Concept | None)
_PARTS = msgspec.json.Decoder(list[_Part] | None)


def sift(raw: bytes | Raw, judge: Judge) -> Sifted:
    """Decode a Bundle but for the Observations none of whose codes, nor of their components', matters at once.

    Anything but a Bundle of plain entries is decoded whole. Never raises, whatever the bytes.
    """
    try:
        bundle = _BUNDLE.decode(raw)
    except UNREADABLE:
        return Sifted(*decode(raw))
    if bundle.resourceType != "Bundle":
        return Sifted(*decode(raw))
    entries: list[Entry] = []
    malformed: list[Malformed] = []
    alike: dict[bytes, tuple[Matters, list[Raw]]] = {}  # thousands of results share a few dozen codes
    for entry in bundle.entry or ():
        if not entry.resource or entry.resource == NULL:
            entries.append(Entry(entry.fullUrl, None, entry.search, entry.response))
            continue
        try:
            peek = _PEEK.decode(entry.resource)
        except UNREADABLE:
            peek = _NOTHING_SEEN  # decoding it says where it is malformed
        if peek.resourceType == "Observation":
            codes = bytes(peek.code) + bytes(peek.component) if peek.component else bytes(peek.code)
            if codes not in alike:
                alike[codes] = (_soonest(peek, judge), [])
            matters, undecoded = alike[codes]
            if matters is not Matters.AT_ONCE:
                undecoded.append(entry.resource)
                continue
        resource, lost = decode(entry.resource, depth=1)
        malformed += lost
        if resource is not None:
            entries.append(Entry(entry.fullUrl, resource, entry.search, entry.response))
    found = Resource(resourceType="Bundle", entry=entries, link=bundle.link, issue=bundle.issue, total=bundle.total)
    groups = alike.values()
    later = tuple(undecoded for matters, undecoded in groups if matters is Matters.IF_OURS)
    passed_over = tuple(undecoded for matters, undecoded in groups if matters is Matters.NEVER)
    return Sifted(found, malformed, later, passed_over)


def _soonest(peek: _Peek, judge: Judge) -> Matters:
    """When the Observation matters; at once where a code cannot be read: decoding it says where it is malformed."""
    try:
        code = _CONCEPT.decode(peek.code) if peek.code else None
        parts = _PARTS.decode(peek.component) if peek.component else None
    except UNREADABLE:
        return Matters.AT_ONCE
    concepts = filter(None, (code, *(part.code for part in parts or ())))
    judged = (judge(coding.system, coding.code) for concept in concepts for coding in concept.coding or ())
    return max(judged, default=Matters.NEVER)


class _Named(Struct, frozen=True, gc=False):
    code: Coded | None = None
    component: list[Component] | None = None


_NAMED = msgspec.json.Decoder(_Named)


def names(raw: Raw) -> Iterator[str]:
    """Every name that an Observation's codes have, the codes themselves included; none where they cannot be read."""
    try:
        observation = _NAMED.decode(raw)
    except UNREADABLE:
        return
    for coded in (observation.code, *(part.code for part in observation.component or ())):
        if coded is not None:
            yield from coded.names()
