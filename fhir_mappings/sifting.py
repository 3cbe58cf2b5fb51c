"""A searchset of Observations decoded only where a code matters; the others stay bytes.

A chart can hold thousands of results of which the protocol asks for a dozen. One scan tells whether any of them matters
now; where one does, another finds the boundaries of the entries, and only what is asked for becomes a `Resource`.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from enum import IntEnum
from functools import partial
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.decoding import Malformed, decode
from fhir_mappings.wire import (
    NOTHING,
    NULL,
    UNREADABLE,
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


class TooDeepError(Exception):
    """What was left undecoded is nested too deeply to be found again."""


class Undecoded:
    """The Observations of a Bundle that were not decoded: how many, and when they are asked for, which."""

    def __init__(self, count: int, count_later: int, find: Callable[[], Groups]) -> None:
        self.count = count
        self.count_later = count_later  # of them, those that matter once the chart may be one of ours
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


NONE_UNDECODED = Undecoded(0, 0, tuple)


class Sifted(NamedTuple):
    """The Bundle with what was decoded of it, what could not be, and the Observations that were not decoded."""

    resource: Resource | None
    malformed: list[Malformed]
    undecoded: Undecoded = NONE_UNDECODED


class _Code(Struct, frozen=True, gc=False):
    system: str | None = None
    code: str | None = None


class _Concept(Struct, frozen=True, gc=False):
    coding: list[_Code] | None = None


class _Coded(Struct, frozen=True, gc=False):
    """In the three shapes of `wire.Coded`."""

    coding: list[_Code] | None = None
    system: str | None = None
    code: str | None = None
    concept: _Concept | None = None

    def codes(self) -> list[tuple[str | None, str | None]]:
        found = [(each.system, each.code) for each in self.coding or ()]
        if self.concept is not None:
            found += [(each.system, each.code) for each in self.concept.coding or ()]
        if self.code is not None:
            found.append((self.system, self.code))
        return found


class _Part(Struct, frozen=True, gc=False):
    code: _Coded | None = None


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


class Glance(Struct, frozen=True, gc=False):
    """A Bundle as one scan sees it: of each entry the kind and the codes, not the values."""

    resourceType: str
    entry: list[_PeekedEntry]
    link: list[Link] | None = None
    issue: list[Issue] | None = None
    total: int | None = None


_BUNDLE = msgspec.json.Decoder(_Bundle)
_GLANCE = msgspec.json.Decoder(Glance)
_PEEK = msgspec.json.Decoder(_Peek)
_NOTHING_SEEN = _Peek()
_CODED = msgspec.json.Decoder(_Coded | None)
_PARTS = msgspec.json.Decoder(list[_Part] | None)


def sift(raw: bytes | Raw, judge: Judge, glance: Glance | None = None) -> Sifted:
    """Decode a Bundle but for the Observations none of whose codes, nor of their components', matters at once.

    Anything but a Bundle of plain entries is decoded whole. Never raises. `glance` is what somebody has seen in it.
    """
    glance = glance or glance_at(raw)
    kinds = _Kinds(glance.entry, judge) if glance is not None else None
    if glance is not None and kinds is not None and kinds.undecoded == len(glance.entry):
        # Where they stand takes another scan, which most charts never need.
        groups = partial(_sorted_out, raw, kinds)
        return Sifted(_with([], glance), [], Undecoded(kinds.undecoded, kinds.later, groups))
    try:
        bundle = _BUNDLE.decode(raw)
    except UNREADABLE:
        return Sifted(*decode(raw))
    if bundle.resourceType != "Bundle":
        return Sifted(*decode(raw))
    return _decoded(bundle, kinds or _Kinds([_peeked(entry) for entry in bundle.entry or ()], judge))


class _Kinds:
    """Entries by their codes: thousands of results share a few dozen, each of which is judged once.

    `undecoded` counts the Observations that do not matter at once, `later` those of them that matter if it is ours.
    """

    def __init__(self, entries: Sequence[_PeekedEntry], judge: Judge) -> None:
        found: dict[bytes, tuple[Matters, list[Raw]]] = {}
        of_each: list[list[Raw] | None] = []
        self.later = 0
        at_once, if_ours = Matters.AT_ONCE, Matters.IF_OURS  # looked up once for thousands of entries
        for entry in entries:
            peek = entry.resource
            # What a batch says of its query stays with the result.
            if peek.resourceType != "Observation" or entry.response is not None:
                of_each.append(None)
                continue
            codes = bytes(peek.code)
            if peek.component is not NOTHING:
                codes += bytes(peek.component)
            kind = found.get(codes)
            if kind is None:
                kind = found[codes] = (_soonest(peek, judge), [])
            matters, alike = kind
            self.later += matters is if_ours
            of_each.append(None if matters is at_once else alike)
        self.undecoded = len(of_each) - of_each.count(None)
        self._groups = found.values()
        self._of_each = of_each

    def sort_out(self, entries: Sequence[_Entry]) -> tuple[Groups, list[_Entry]]:
        """The Observations that are not decoded, those alike together, and the entries that are; asked for once."""
        decoded: list[_Entry] = []
        for entry, alike in zip(entries, self._of_each, strict=True):
            if alike is None:
                decoded.append(entry)
            else:
                alike.append(entry.resource)
        return self._groups, decoded


def glance_at(raw: bytes | Raw) -> Glance | None:
    """The Bundle with what its entries are, from one scan; None for what is no Bundle with a resource in each entry."""
    try:
        bundle = _GLANCE.decode(raw)
    except UNREADABLE:
        return None
    return bundle if bundle.resourceType == "Bundle" else None


def _peeked(entry: _Entry) -> _PeekedEntry:
    try:
        return _PeekedEntry(_PEEK.decode(entry.resource), response=entry.response)
    except UNREADABLE:
        return _PeekedEntry(_NOTHING_SEEN)  # decoding it says where it is malformed


def _sorted_out(raw: bytes | Raw, kinds: _Kinds) -> Groups:
    try:
        return kinds.sort_out(_BUNDLE.decode(raw).entry or ())[0]
    except UNREADABLE as error:
        raise TooDeepError from error  # at a glance it fitted the limit, from higher up in the stack


def _decoded(bundle: _Bundle, kinds: _Kinds) -> Sifted:
    groups, at_once = kinds.sort_out(bundle.entry or ())
    entries: list[Entry] = []
    malformed: list[Malformed] = []
    for entry in at_once:
        if not entry.resource or entry.resource == NULL:
            entries.append(Entry(entry.fullUrl, None, entry.search, entry.response))
            continue
        resource, lost = decode(entry.resource, depth=1)
        malformed += lost
        if resource is not None:
            entries.append(Entry(entry.fullUrl, resource, entry.search, entry.response))
    return Sifted(_with(entries, bundle), malformed, Undecoded(kinds.undecoded, kinds.later, lambda: groups))


def _with(entries: list[Entry], bundle: _Bundle | Glance) -> Resource:
    return Resource(resourceType="Bundle", entry=entries, link=bundle.link, issue=bundle.issue, total=bundle.total)


def _soonest(peek: _Peek, judge: Judge) -> Matters:
    """When the Observation matters; at once where a code cannot be read: decoding it says where it is malformed."""
    try:
        code = _CODED.decode(peek.code) if peek.code else None
        parts = _PARTS.decode(peek.component) if peek.component else None
    except UNREADABLE:
        return Matters.AT_ONCE
    soonest = Matters.NEVER
    for coded in (code, *[part.code for part in parts or ()]):
        for system, each in coded.codes() if coded is not None else ():
            matters = judge(system, each)
            if matters > soonest:  # `max` takes six times as long
                soonest = matters
    return soonest
