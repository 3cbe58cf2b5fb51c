"""The answer to one of our queries, keeping four kinds of nothing apart.

An answer is absent (not asked or not sent), failed (OperationOutcome, or not FHIR at all), partial (more pages exist)
or complete; a complete answer may be empty.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import StrEnum

from msgspec import Raw, Struct
from msgspec.structs import replace

from fhir_mappings.decoding import Malformed, decode
from fhir_mappings.sifting import NONE_UNDECODED, Glance, Judge, Undecoded, sift
from fhir_mappings.wire import Entry, EntryResponse, Resource


class Availability(StrEnum):
    """What became of one query; only COMPLETE lets "nothing there" mean "nothing recorded"."""

    COMPLETE = "complete"
    PARTIAL = "partial"
    FAILED = "failed"
    ABSENT = "absent"


class Answer(Struct, frozen=True):
    """The decoded answer to one query."""

    availability: Availability
    entries: tuple[Entry, ...] = ()
    malformed: tuple[Malformed, ...] = ()
    undecoded: Undecoded = NONE_UNDECODED  # Observations that do not matter now, as they were sent


ABSENT = Answer(Availability.ABSENT)

# Severities beside which the hits stand; any other, or none, says that the query failed.
_BESIDE_THE_HITS = frozenset({"success", "information", "warning"})
# Issue codes of a warning beside the hits: some results were left out (Epic 59204), so "nothing there" means nothing.
_WITHHELD = frozenset({
    "suppressed", "incomplete", "forbidden", "security", "login", "too-costly", "timeout", "throttled", "transient",
    "exception", "lock-error", "no-store",
})  # fmt: skip


_MORE_THAN_A_HIT = (None, "Bundle", "OperationOutcome")


def read_answer(
    raw: bytes | Raw | None,
    resource_type: str | None = None,
    judge: Judge | None = None,
    glance: Glance | None = None,
) -> Answer:
    """Decode the value of one prefetch key (or one server answer); `None` stands for a key that is not there.

    `resource_type` is what the query asked for: a lone resource of another type is no answer to it. Where it is
    Observation, `judge` tells which codes are worth decoding at once; the other Observations stay as they were sent.
    `glance` is what was seen of it already.
    """
    if raw is None:
        return ABSENT
    # Not every answer is copied to find out: most are megabytes, and objects.
    if bytes(memoryview(raw)[:1]) != b"{" and bytes(raw).strip() == b"null":
        return Answer(Availability.COMPLETE)
    if judge is not None and resource_type == "Observation":
        resource, malformed, undecoded = sift(raw, judge, glance)
    else:
        resource, malformed = decode(raw)
        undecoded = NONE_UNDECODED
    if resource is None or resource.resourceType is None:
        return Answer(Availability.FAILED, malformed=tuple(malformed))
    if resource.resourceType != "Bundle":
        if resource.resourceType == "OperationOutcome" or resource_type not in (None, resource.resourceType):
            return Answer(Availability.FAILED)
        return Answer(Availability.COMPLETE, (Entry(resource=_without_entries(resource)),), tuple(malformed))
    # As nearly all are; what else a Bundle may say needs no asking then.
    if not resource.issue and not malformed and all(map(_is_plain, resource.entry or ())):
        whole = tuple(resource.entry or ())
        partial = _announces_more(resource, len(whole) + undecoded.count) or _links_to_next(resource)
        return Answer(Availability.PARTIAL if partial else Availability.COMPLETE, whole, undecoded=undecoded)
    entries = tuple(_flatten(resource))
    if _query_failed(resource, malformed):
        return Answer(Availability.FAILED)
    issues = [issue for entry in entries if entry.resource for issue in entry.resource.issue or ()]
    if any(issue.severity not in _BESIDE_THE_HITS for issue in issues):
        return Answer(Availability.FAILED)
    found = len(entries) + len(malformed) + undecoded.count
    partial = _has_next(resource) or _lost_something(resource, entries, malformed, found)
    partial = partial or any(issue.code in _WITHHELD for issue in issues)
    usable = tuple(e for e in entries if e.resource and e.resource.resourceType != "OperationOutcome")
    availability = Availability.PARTIAL if partial else Availability.COMPLETE
    return Answer(availability, usable, tuple(malformed), undecoded)


def says_not_supported(raw: bytes | Raw) -> bool:
    """Whether a value is an OperationOutcome that says no more than that such a query is not supported."""
    resource, _ = decode(raw)
    issues = (resource.issue if resource is not None else None) or ()
    outcome = resource is not None and resource.resourceType == "OperationOutcome"
    return outcome and bool(issues) and all(issue.code == "not-supported" for issue in issues)


def _is_plain(entry: Entry) -> bool:
    """Whether an entry is a hit and nothing more, as nearly all are: of these nothing else has to be asked."""
    resource = entry.resource
    return (
        resource is not None
        and entry.response is None
        and resource.issue is None
        and resource.entry is None
        and resource.resourceType not in _MORE_THAN_A_HIT
    )


def _flatten(bundle: Resource) -> Iterator[Entry]:
    """The entries of a Bundle, and of the Bundles inside it (a batch-response holds one per query)."""
    for entry in bundle.entry or ():
        if entry.resource is not None and entry.resource.resourceType == "Bundle":
            yield from _flatten(entry.resource)
        elif entry.resource is not None:
            yield Entry(entry.fullUrl, _without_entries(entry.resource), entry.search)


def _without_entries(resource: Resource) -> Resource:
    """Only Bundles have entries; on anything else they are an endless nesting that no reader should walk into."""
    return resource if resource.entry is None else replace(resource, entry=None)


def _query_failed(bundle: Resource, malformed: Sequence[Malformed]) -> bool:
    """True if a Bundle, or one inside it, says that its query failed, in whatever shape it says so."""
    if bundle.issue or any(item.reference.startswith("OperationOutcome/") for item in malformed):
        return True
    for entry in bundle.entry or ():
        if entry.response is not None and _response_failed(entry.response):
            return True
        inner = entry.resource
        if inner is None:
            continue
        if inner.resourceType == "OperationOutcome" and not inner.issue:
            return True
        if inner.resourceType == "Bundle" and _query_failed(inner, ()):
            return True
    return False


def _response_failed(response: EntryResponse) -> bool:
    issues = (response.outcome.issue if response.outcome else None) or ()
    said_so = any(issue.severity not in _BESIDE_THE_HITS for issue in issues)
    return said_so or not (response.status or "2").startswith("2")


def _lost_something(bundle: Resource, entries: Sequence[Entry], malformed: Sequence[Malformed], found: int) -> bool:
    """True if there is less than was announced, or an entry of which not even the type can be told."""
    if any(item.reference.startswith("resource/") for item in malformed):
        return True
    if any(entry.resource is not None and entry.resource.resourceType is None for entry in entries):
        return True
    if _holds_empty_entries(bundle):
        return True
    return _announces_more(bundle, found)


def _announces_more(bundle: Resource, found: int) -> bool:
    """True if the Bundle announces more than was found."""
    # A total below zero is no count: beside hits it is ignored, but "nothing there" cannot rest on it.
    return bundle.total is not None and (bundle.total > found if found else bundle.total != 0)


def _holds_empty_entries(bundle: Resource) -> bool:
    """True if an entry, of the Bundle or of one inside it, announces a resource that is not there, or a Bundle does."""
    for entry in bundle.entry or ():
        inner = entry.resource
        if inner is None and entry.response is None:
            return True
        if inner is not None and inner.resourceType == "Bundle":
            if _announces_more(inner, len(inner.entry or ())):
                return True
            if _holds_empty_entries(inner):
                return True
    return False


def _links_to_next(bundle: Resource) -> bool:
    if not bundle.link:
        return False  # asked of every answer, and most have none: no generator is made for nothing
    return any((link.relation or "").strip().lower() == "next" for link in bundle.link)


def _has_next(bundle: Resource) -> bool:
    """True if more pages exist, of the Bundle or of one inside it."""
    if _links_to_next(bundle):
        return True
    inner = (entry.resource for entry in bundle.entry or () if entry.resource)
    return any(_has_next(resource) for resource in inner if resource.resourceType == "Bundle")
