"""A searchset of Observations decoded only where a code matters; the others stay bytes.

A chart can hold thousands of results of which the protocol asks for a dozen. Finding them costs one scan for the
boundaries of the entries and one for the codes; only what is asked for becomes a `Resource`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
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

# Whether a (system, code) means anything to us.
Matters: TypeAlias = Callable[[str | None, str | None], bool]
# Observations whose codes, and components if they have any, are the same to the byte; at least one.
Alike: TypeAlias = Sequence[Raw]


@dataclass(frozen=True, slots=True)
class Sifted:
    """The Bundle with what was decoded of it, what could not be, and the Observations that were passed over."""

    resource: Resource | None
    malformed: list[Malformed]
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


def sift(raw: bytes | Raw, matters: Matters) -> Sifted:
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
    alike: dict[bytes, list[Raw] | None] = {}  # thousands of results share a few dozen codes; None: these matter
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
                alike[codes] = None if _any_matters(peek, matters) else []
            passed_over = alike[codes]
            if passed_over is not None:
                passed_over.append(entry.resource)
                continue
        resource, lost = decode(entry.resource, depth=1)
        malformed += lost
        if resource is not None:
            entries.append(Entry(entry.fullUrl, resource, entry.search, entry.response))
    found = Resource(resourceType="Bundle", entry=entries, link=bundle.link, issue=bundle.issue, total=bundle.total)
    return Sifted(found, malformed, tuple(group for group in alike.values() if group is not None))


def _any_matters(peek: _Peek, matters: Matters) -> bool:
    """Whether any of its codes matters, or one cannot be read: decoding it says where it is malformed."""
    try:
        code = _CONCEPT.decode(peek.code) if peek.code else None
        parts = _PARTS.decode(peek.component) if peek.component else None
    except UNREADABLE:
        return True
    concepts = filter(None, (code, *(part.code for part in parts or ())))
    return any(matters(coding.system, coding.code) for concept in concepts for coding in concept.coding or ())


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
