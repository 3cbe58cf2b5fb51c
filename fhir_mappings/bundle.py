"""A Bundle's entries as bytes: all of them from one scan, or a few cut out around where their codes stand.

Why a cut entry is the right one: docs/decisions/0008-wanted-results-are-cut-out.md.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.wire import NOTHING, UNREADABLE, EntryResponse, Issue, Link, Search


class RawEntry(Struct, frozen=True, gc=False):
    """An entry whose resource stays bytes."""

    fullUrl: str | None = None
    resource: Raw = NOTHING
    search: Search | None = None
    response: EntryResponse | None = None


class RawBundle(Struct, frozen=True, gc=False):
    """A Bundle whose resources stay bytes."""

    resourceType: str
    entry: list[RawEntry] | None = None
    link: list[Link] | None = None
    issue: list[Issue] | None = None
    total: int | None = None


class TooDeepError(Exception):
    """What was left undecoded is nested too deeply to be found again."""


_BUNDLE = msgspec.json.Decoder(RawBundle)
_ENTRY = msgspec.json.Decoder(RawEntry)

# How each entry begins, the first as the others: `{"fullUrl":`. A letter must follow the quote, so that it opens a
# name: no such bytes stand inside a string.
_OPENING = re.compile(rb'"entry":\[(\{"[A-Za-z]+":)')
# Further from its code the ends of an entry are not looked for.
_FURTHEST = 8 * 1024


def read_bundle(raw: bytes | Raw) -> RawBundle | None:
    """The Bundle from one scan; None for what is none, or has an entry that is not FHIR's."""
    try:
        bundle = _BUNDLE.decode(raw)
    except UNREADABLE:
        return None
    return bundle if bundle.resourceType == "Bundle" else None


class Resources:
    """The resources of a Bundle that was found to be one, by their number.

    `codes` are views into it: of each resource the `code`, where it has one.
    """

    def __init__(self, raw: bytes | Raw, codes: Sequence[Raw]) -> None:
        self._raw = raw
        self._codes = codes
        self._all: Sequence[Raw] | None = None

    def of(self, numbers: Sequence[int]) -> Sequence[Raw]:
        """The resources of these numbers, in their order; raises TooDeepError where they cannot be found again."""
        if self._all is None and len(numbers) * 2 < len(self._codes):
            cut = self._cut(numbers)
            if cut is not None:
                return cut
        return self._scanned(numbers)

    def _cut(self, numbers: Sequence[int]) -> Sequence[Raw] | None:
        """The same without a scan; None if one of them is not found around its code."""
        whole = memoryview(self._raw)
        opening = _OPENING.search(whole[:_FURTHEST])
        if opening is None:
            return None
        begins = address_of(whole)
        found: list[Raw] = []
        for number in numbers:
            code = self._codes[number]
            entry = _around(address_of(code) - begins, whole, opening[1]) if code else None
            if entry is None:
                return None
            found.append(entry.resource)
        return found

    def _scanned(self, numbers: Sequence[int]) -> Sequence[Raw]:
        if self._all is None:
            try:
                self._all = [entry.resource for entry in _BUNDLE.decode(self._raw).entry or ()]
            except UNREADABLE as error:
                raise TooDeepError from error  # at a glance it fitted the limit, from higher up in the stack
        return [self._all[number] for number in numbers]


def _around(place: int, whole: memoryview, opening: bytes) -> RawEntry | None:
    """The element of the Bundle's entries in which this place is; None if it is not found."""
    if not 0 <= place < len(whole):
        return None
    first = max(0, place - _FURTHEST)
    before, after = bytes(whole[first:place]), bytes(whole[place : place + _FURTHEST])
    start = before.rfind(opening)
    if start < 1 or before[start - 1] not in b",[":
        return None
    end = after.find(b"," + opening)
    if end < 0:
        end = after.rfind(b"}]") + 1  # the last one
    try:
        return _ENTRY.decode(whole[first + start : place + end])
    except UNREADABLE:
        return None


class _Buffer(ctypes.Structure):
    """Py_buffer, of Python's stable ABI since 3.11."""

    _fields_ = (
        ("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("len", ctypes.c_ssize_t), ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int), ("ndim", ctypes.c_int), ("format", ctypes.c_void_p), ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p), ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p),
    )  # fmt: skip


_OF_BUFFER = ctypes.POINTER(_Buffer)
_get_buffer = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, _OF_BUFFER, ctypes.c_int)(
    ("PyObject_GetBuffer", ctypes.pythonapi)
)
_release_buffer = ctypes.PYFUNCTYPE(None, _OF_BUFFER)(("PyBuffer_Release", ctypes.pythonapi))


def address_of(view: Raw | memoryview) -> int:
    """Where in memory the bytes of a view stand; two views of one object are as far apart as their bytes in it."""
    buffer = _Buffer()
    _get_buffer(view, buffer, 0)
    _release_buffer(buffer)  # the view itself still holds the bytes
    return int(buffer.buf)
