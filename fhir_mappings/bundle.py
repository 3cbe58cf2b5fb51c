"""A Bundle's entries as bytes: all of them from one scan, or a few cut out around where their codes stand.

Why a cut entry is the right one: docs/decisions/0008-wanted-results-are-cut-out-around-their-codes.md.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterable, Sequence

import msgspec
from msgspec import Raw, Struct

from fhir_mappings.decoding import DecodedEntry, decode_entry
from fhir_mappings.wire import UNREADABLE, Issue, Link


class RawBundle(Struct, frozen=True, gc=False):
    """A Bundle whose entries stay bytes."""

    resourceType: str
    entry: list[Raw] | None = None
    link: list[Link] | None = None
    issue: list[Issue] | None = None
    total: int | None = None


class TooDeepError(Exception):
    """What was left undecoded is nested too deeply to be found again."""


_BUNDLE = msgspec.json.Decoder(RawBundle)
_VALUE = msgspec.json.Decoder(Raw)

# How each entry begins, the first as the others: `{"fullUrl":`. A letter must follow the quote, so that it opens a
# name: no such bytes stand inside a string.
_OPENING = re.compile(rb'"entry":\[(\{"[A-Za-z]+":)')
# How far from its code the ends of an entry are looked for: most are near, and what is copied has to be small.
_NEAR, _FURTHEST = 2 * 1024, 16 * 1024


def read_bundle(raw: bytes | Raw) -> RawBundle | None:
    """The Bundle from one scan; None if it is not one."""
    try:
        bundle = _BUNDLE.decode(raw)
    except UNREADABLE:
        return None
    return bundle if bundle.resourceType == "Bundle" else None


class Entries:
    """The entries of a Bundle that was found to be one, by their number.

    `codes` are views into it: of each entry's resource the `code`, where it has one. `listed` are all of them, if they
    are at hand.
    """

    def __init__(self, raw: bytes | Raw, codes: Sequence[Raw], listed: Sequence[Raw] | None = None) -> None:
        self._raw = raw
        self._codes = codes
        self._listed = listed

    def of(self, numbers: Sequence[int]) -> Sequence[DecodedEntry]:
        """The entries of these numbers, in their order; raises TooDeepError where they cannot be found again."""
        if self._listed is None and len(numbers) * 2 < len(self._codes):
            cut = self._cut(numbers)
            if cut is not None:
                return cut
        return self._scanned(numbers)

    def _cut(self, numbers: Sequence[int]) -> Sequence[DecodedEntry] | None:
        """The same without a scan; None if one of them is not found around its code."""
        whole = memoryview(self._raw)
        opening = _OPENING.search(whole[:_FURTHEST])
        if opening is None:
            return None
        address, *of_codes = addresses_of([whole, *map(self._codes.__getitem__, numbers)])
        found: list[DecodedEntry] = []
        for of_code in of_codes:
            offset = of_code - address
            entry = _around(offset, whole, opening[1], _NEAR) or _around(offset, whole, opening[1], _FURTHEST)
            if entry is None:
                return None
            found.append(entry)
        return found

    def _scanned(self, numbers: Sequence[int]) -> Sequence[DecodedEntry]:
        if self._listed is None:
            try:
                self._listed = _BUNDLE.decode(self._raw).entry or ()
            except UNREADABLE as error:
                raise TooDeepError from error  # at a glance it fitted the limit, from higher up in the stack
        return [decode_entry(self._listed[number]) for number in numbers]


def _around(offset: int, whole: memoryview, opening: bytes, reach: int) -> DecodedEntry | None:
    """The entry around this offset; None if it is not found within reach.

    It seems to begin as the first entry does, and to end where what follows an element of an array stands. If what lies
    between is one JSON value, it is the entry (decision 8).
    """
    if not 0 <= offset < len(whole):
        return None
    first = max(0, offset - reach)
    window, inside = bytes(whole[first : offset + reach]), offset - first
    start = window.rfind(opening, 0, inside)
    if start < 0:
        return None
    end = window.find(b"," + opening, inside)
    if end < 0:
        end = window.rfind(b"}]", inside) + 1  # the last one
    element = window[start:end]
    decoded = decode_entry(element)
    # What gave an entry is one value; what gave none may be no JSON at all.
    return None if decoded[0] is None and not _is_one_value(element) else decoded


def _is_one_value(text: bytes) -> bool:
    try:
        _VALUE.decode(text)
    except UNREADABLE:
        return False
    return True


class _Buffer(ctypes.Structure):
    """Py_buffer, of Python's stable ABI since 3.11."""

    _fields_ = (
        ("buf", ctypes.c_void_p), ("obj", ctypes.c_void_p), ("len", ctypes.c_ssize_t), ("itemsize", ctypes.c_ssize_t),
        ("readonly", ctypes.c_int), ("ndim", ctypes.c_int), ("format", ctypes.c_void_p), ("shape", ctypes.c_void_p),
        ("strides", ctypes.c_void_p), ("suboffsets", ctypes.c_void_p), ("internal", ctypes.c_void_p),
    )  # fmt: skip


_get_buffer = ctypes.PYFUNCTYPE(ctypes.c_int, ctypes.py_object, ctypes.c_void_p, ctypes.c_int)(
    ("PyObject_GetBuffer", ctypes.pythonapi)
)
_release_buffer = ctypes.PYFUNCTYPE(None, ctypes.c_void_p)(("PyBuffer_Release", ctypes.pythonapi))


def addresses_of(views: Iterable[Raw | memoryview]) -> list[int]:
    """Where in memory the bytes of each view stand; two views of one object are as far apart as their bytes in it."""
    addresses: list[int] = []
    buffer = _Buffer()
    told_here = ctypes.addressof(buffer)
    for view in views:
        _get_buffer(view, told_here, 0)
        addresses.append(buffer.buf or 0)
        _release_buffer(told_here)  # the view still holds the bytes
    return addresses
