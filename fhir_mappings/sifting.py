"""A searchset of Observations decoded only where a code matters; the others stay bytes.

A chart can hold thousands of results of which the protocol asks for a dozen. One scan tells which of them matter, and
only what is asked for becomes a `Resource`.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Sequence
from enum import IntEnum
from typing import NamedTuple, TypeAlias

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.bundle import Entries, RawBundle, TooDeepError, read_bundle
from fhir_mappings.decoding import Decoded, Malformed, decode
from fhir_mappings.wire import NOTHING, UNREADABLE, EntryResponse, Issue, Link, Resource


class Matters(IntEnum):
    """When an Observation under a code is worth decoding; of several codes the one that matters soonest counts."""

    NEVER = 0
    IF_OURS = 1  # once the chart may be one of ours
    AT_ONCE = 2


# When an Observation under a (system, code) matters.
Judge: TypeAlias = Callable[[str | None, str | None], Matters]


class Alike(NamedTuple):
    """The numbers of Observations whose codes, and components if they have any, are the same to the byte."""

    matters: Matters
    code: Raw
    component: Raw
    numbers: list[int]


# Which of several groups are wanted, by their codes.
Choice: TypeAlias = Callable[[Sequence[Alike]], Iterable[Alike]]


class Undecoded:
    """The Observations of a Bundle that were not decoded: how many, and when they are asked for, which.

    What asks for them raises TooDeepError where they cannot be found again.
    """

    def __init__(self, groups: Collection[Alike], entries: Entries) -> None:
        self._groups = groups
        self._entries = entries
        self.count = sum(len(alike.numbers) for alike in groups)
        self.count_later = sum(len(alike.numbers) for alike in groups if alike.matters is Matters.IF_OURS)

    def later(self) -> Sequence[Decoded]:
        """Those that matter once the chart may be one of ours."""
        return self._of(alike for alike in self._groups if alike.matters is Matters.IF_OURS)

    def passed_over(self, wanted: Choice | None = None) -> Sequence[Decoded]:
        """Those that never matter: of these the wanted ones, or all."""
        never = [alike for alike in self._groups if alike.matters is Matters.NEVER]
        return self._of(never if wanted is None else wanted(never))

    def _of(self, groups: Iterable[Alike]) -> Sequence[Decoded]:
        numbers = sorted(number for alike in groups for number in alike.numbers)
        found = self._entries.of(numbers) if numbers else ()
        return [(None if entry is None else entry.resource, lost) for entry, lost in found]


NONE_UNDECODED = Undecoded((), Entries(b"", ()))


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


class _PeekedEntry(Struct, frozen=True, gc=False):
    resource: _Peek
    response: EntryResponse | None = None


class Glance(Struct, frozen=True, gc=False):
    """A Bundle as one scan sees it: of each entry the kind and the codes, not the values."""

    resourceType: str
    entry: list[_PeekedEntry]
    link: list[Link] | None = None
    issue: list[Issue] | None = None
    total: int | None = None


_GLANCE = msgspec.json.Decoder(Glance)
_PEEKED_ENTRY = msgspec.json.Decoder(_PeekedEntry)
_NOTHING_SEEN = _PeekedEntry(_Peek())
_CODED = msgspec.json.Decoder(_Coded | None)
_PARTS = msgspec.json.Decoder(list[_Part] | None)


def sift(raw: bytes | Raw, judge: Judge, glance: Glance | None = None) -> Sifted:
    """Decode a Bundle but for the Observations none of whose codes, nor of their components', matters at once.

    What is no Bundle, or one whose own members cannot be read, is decoded whole; an odd entry costs no other. Never
    raises. `glance` is what somebody has seen in it.
    """
    glance = glance or glance_at(raw)
    if glance is not None:
        entries = Entries(raw, [entry.resource.code for entry in glance.entry])
        groups, at_once = _sorted_out(glance.entry, judge)
        return _sifted(glance, groups, at_once, entries, raw)
    bundle = read_bundle(raw)
    if bundle is None:
        return Sifted(*decode(raw))
    listed = bundle.entry or []
    groups, at_once = _sorted_out([_peeked(entry) for entry in listed], judge)
    return _sifted(bundle, groups, at_once, Entries(raw, (), listed), raw)


def _sifted(
    bundle: RawBundle | Glance, groups: list[Alike], at_once: list[int], entries: Entries, raw: bytes | Raw
) -> Sifted:
    try:
        found = entries.of(at_once) if at_once else ()
    except TooDeepError:
        return Sifted(*decode(raw))
    decoded = [entry for entry, _ in found if entry is not None]
    malformed = [piece for _, lost in found for piece in lost]
    whole = Resource("Bundle", entry=decoded, link=bundle.link, issue=bundle.issue, total=bundle.total)
    return Sifted(whole, malformed, Undecoded(groups, entries))


def _sorted_out(entries: Sequence[_PeekedEntry], judge: Judge) -> tuple[list[Alike], list[int]]:
    """The Observations that do not matter at once, and the numbers of all else.

    Thousands of results share a few dozen codes, each of which is judged once.
    """
    found: dict[bytes, list[int]] = defaultdict(list)
    at_once: list[int] = []
    for number, entry in enumerate(entries):
        peek = entry.resource
        # What a batch says of its query stays with the result.
        if peek.resourceType != "Observation" or entry.response is not None:
            at_once.append(number)
            continue
        codes = b"" + peek.code  # half of what `bytes` takes, for thousands
        if peek.component is not NOTHING:
            codes += b"\0" + peek.component
        found[codes].append(number)
    groups: list[Alike] = []
    for numbers in found.values():
        peek = entries[numbers[0]].resource
        matters = _soonest(peek, judge)
        if matters is Matters.AT_ONCE:
            at_once += numbers
        else:
            groups.append(Alike(matters, peek.code, peek.component, numbers))
    return groups, sorted(at_once)


def glance_at(raw: bytes | Raw) -> Glance | None:
    """The Bundle with what its entries are, from one scan; None for what is no Bundle with a resource in each entry."""
    try:
        bundle = _GLANCE.decode(raw)
    except UNREADABLE:
        return None
    return bundle if bundle.resourceType == "Bundle" else None


def _peeked(entry: Raw) -> _PeekedEntry:
    try:
        return _PEEKED_ENTRY.decode(entry)
    except UNREADABLE:
        return _NOTHING_SEEN  # decoding it says where it is malformed


def _soonest(peek: _Peek, judge: Judge) -> Matters:
    """When the Observation matters; at once where a code cannot be read: decoding it says where it is malformed."""
    try:
        code = None if peek.code is NOTHING else _CODED.decode(peek.code)
        parts = None if peek.component is NOTHING else _PARTS.decode(peek.component)
    except UNREADABLE:
        return Matters.AT_ONCE
    codes = [] if code is None else code.codes()
    for part in parts or ():
        if part.code is not None:
            codes += part.code.codes()
    soonest = Matters.NEVER
    for system, each in codes:
        matters = judge(system, each)
        if matters > soonest:  # `max` takes six times as long
            soonest = matters
    return soonest
