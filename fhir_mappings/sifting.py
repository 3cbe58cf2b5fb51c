"""A searchset of Observations decoded only where a code matters; the others stay bytes.

A chart can hold thousands of results of which the protocol asks for a dozen. Finding them costs one scan for the
boundaries of the entries and one for the codes; only what is asked for becomes a `Resource`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.decoding import Malformed, decode
from fhir_mappings.wire import (
    NOTHING,
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

# Whether a (system, code) means anything to us.
Matters: TypeAlias = Callable[[str | None, str | None], bool]


@dataclass(frozen=True, slots=True)
class Sifted:
    """The Bundle with what was decoded of it, what could not be, and the Observations that were passed over."""

    resource: Resource | None
    malformed: list[Malformed]
    passed_over: tuple[Raw, ...] = ()


class _Code(Struct, frozen=True, gc=False):
    system: str | None = None
    code: str | None = None


class _Concept(Struct, frozen=True, gc=False):
    coding: list[_Code] | None = None


class _Part(Struct, frozen=True, gc=False):
    code: _Concept | None = None


class _Peek(Struct, frozen=True, gc=False):
    resourceType: str | None = None
    code: _Concept | None = None
    component: list[_Part] | None = None


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
_ABSENT = (b"", b"null")


def sift(raw: bytes, matters: Matters) -> Sifted:
    """Decode a Bundle, passing over every Observation with no (system, code) that matters, nor in any component.

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
    passed_over: list[Raw] = []
    told: dict[_Code, bool] = {}  # thousands of results share a few dozen codes
    for entry in bundle.entry or ():
        if bytes(entry.resource) in _ABSENT:
            entries.append(Entry(entry.fullUrl, None, entry.search, entry.response))
            continue
        peek = _peek(entry.resource)
        if peek is not None and peek.resourceType == "Observation":
            codings = _codings(peek)
            told |= {c: matters(c.system, c.code) for c in codings if c not in told}
            if not any(map(told.__getitem__, codings)):
                passed_over.append(entry.resource)
                continue
        resource, lost = decode(entry.resource, depth=1)
        malformed += lost
        if resource is not None:
            entries.append(Entry(entry.fullUrl, resource, entry.search, entry.response))
    found = Resource(resourceType="Bundle", entry=entries, link=bundle.link, issue=bundle.issue, total=bundle.total)
    return Sifted(found, malformed, tuple(passed_over))


def _peek(raw: Raw) -> _Peek | None:
    try:
        return _PEEK.decode(raw)
    except UNREADABLE:
        return None  # decoding it says where it is malformed


def _codings(peek: _Peek) -> list[_Code]:
    found = list(peek.code.coding or ()) if peek.code else []
    for part in peek.component or ():
        found += (part.code and part.code.coding) or ()
    return found


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
