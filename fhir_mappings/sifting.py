"""A searchset of Observations decoded only where a code matters; the others stay bytes.

A chart can hold thousands of results of which the protocol asks for a dozen. One scan tells whether any of them matters
now; where one does, another finds the boundaries of the entries, and only what is asked for becomes a `Resource`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
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


# When an Observation under a (system, code) matters.
Judge: TypeAlias = Callable[[str | None, str | None], Matters]
# Observations whose codes, and components if they have any, are the same to the byte; at least one.
Alike: TypeAlias = Sequence[Raw]
Groups: TypeAlias = Collection[tuple[Matters, Alike]]


class Undecoded:
    """The Observations of a Bundle that were not decoded: how many, and when they are asked for, which."""

    def __init__(self, count: int, find: Callable[[], Groups]) -> None:
        self.count = count
        self._find = find
        self._found: Groups | None = None

    @property
    def later(self) -> tuple[Alike, ...]:
        """Those that matter once the chart may be one of ours."""
        return self._of(Matters.IF_OURS)

    @property
    def passed_over(self) -> tuple[Alike, ...]:
        """Those that never matter."""
        return self._of(Matters.NEVER)

    def groups(self) -> Groups:
        """All of them, those alike together."""
        if self._found is None:
            self._found = self._find()
        return self._found

    def _of(self, wanted: Matters) -> tuple[Alike, ...]:
        return tuple(alike for matters, alike in self.groups() if matters is wanted and alike)


NONE_UNDECODED = Undecoded(0, tuple)


@dataclass(frozen=True, slots=True)
class Sifted:
    """The Bundle with what was decoded of it, what could not be, and the Observations that were not decoded."""

    resource: Resource | None
    malformed: list[Malformed]
    undecoded: Undecoded = NONE_UNDECODED


class _Code(Struct, frozen=True, gc=False):
    system: str | None = None
    code: str | None = None


class _Concept(Struct, frozen=True, gc=False):
    coding: list[_Code] | None = None


class _Part(Struct, frozen=True, gc=False):
    code: _Concept | None = None


class _Peek(Struct, frozen=True, gc=False):
    resourceType: str | None = None
    id: str | None = None  # one that cannot be read makes the result unreadable, whenever it matters
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


class _PeekedEntry(Struct, frozen=True, gc=False):
    """As strict as `_Entry`, so that what was seen at a glance is found again."""

    resource: _Peek
    fullUrl: str | None = None
    search: Search | None = None
    response: EntryResponse | None = None


class _PeekedBundle(Struct, frozen=True, gc=False):
    resourceType: str
    entry: list[_PeekedEntry]
    link: list[Link] | None = None
    issue: list[Issue] | None = None
    total: int | None = None


_BUNDLE = msgspec.json.Decoder(_Bundle)
_PEEKED_BUNDLE = msgspec.json.Decoder(_PeekedBundle)
_PEEK = msgspec.json.Decoder(_Peek)
_NOTHING_SEEN = _Peek()
_ASSESSMENTS = b"nelm-assessment"  # of the code system of our assessments; a short cut, which decides nothing
_CONCEPT = msgspec.json.Decoder(_Concept | None)
_PARTS = msgspec.json.Decoder(list[_Part] | None)


def sift(raw: bytes | Raw, judge: Judge) -> Sifted:
    """Decode a Bundle but for the Observations none of whose codes, nor of their components', matters at once.

    Anything but a Bundle of plain entries is decoded whole. Never raises, whatever the bytes.
    """
    # Where an assessment of ours stands, something matters now: one scan would not be enough.
    at_one_glance = _ASSESSMENTS not in bytes(raw) and _sifted_at_a_glance(raw, judge)
    return at_one_glance or _sift(raw, judge)


def _sifted_at_a_glance(raw: bytes | Raw, judge: Judge) -> Sifted | None:
    """The Bundle without its entries, where they are Observations of which none matters at once; else None."""
    try:
        bundle = _PEEKED_BUNDLE.decode(raw)
    except UNREADABLE:
        return None
    if bundle.resourceType != "Bundle" or not bundle.entry:
        return None
    judged: set[bytes] = set()
    for entry in bundle.entry:
        peek = entry.resource
        if peek.resourceType != "Observation" or entry.response is not None:
            return None
        codes = _codes(peek)
        if codes not in judged:
            if _soonest(peek, judge) is Matters.AT_ONCE:
                return None
            judged.add(codes)
    found = Resource(resourceType="Bundle", entry=[], link=bundle.link, issue=bundle.issue, total=bundle.total)
    return Sifted(found, [], Undecoded(len(bundle.entry), lambda: _sift(raw, judge).undecoded.groups()))


def _sift(raw: bytes | Raw, judge: Judge) -> Sifted:
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
        # What a batch says of its query stays with the result.
        if peek.resourceType == "Observation" and entry.response is None:
            codes = _codes(peek)
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
    return Sifted(found, malformed, Undecoded(sum(len(group) for _, group in alike.values()), alike.values))


def _codes(peek: _Peek) -> bytes:
    return bytes(peek.code) + bytes(peek.component) if peek.component else bytes(peek.code)


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
