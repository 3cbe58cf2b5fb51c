"""Two copies of one resource, and the one that is read: servers repeat rows, and pages overlap.

FHIR: https://hl7.org/fhir/R4/resource.html#Meta
The rule, in this order: the later `meta.lastUpdated` as an instant (a copy without one is the older); the higher
`meta.versionId` where it is a number; the status that a resource reaches later in its life, so that a withdrawn or
corrected copy is not outlived by the one that it took the place of. Copies that are equal in all of these are settled
by their content, whatever the order in which they came.
"""

from __future__ import annotations

from datetime import UTC, datetime

from msgspec.json import encode

from fhir_mappings.dates import parse_date
from fhir_mappings.wire import Coded, Resource

_NEVER = datetime.min.replace(tzinfo=UTC)
_LONGEST_NUMBER = 18
_LATER_IN_LIFE = {
    "registered": 1, "partial": 2, "preliminary": 2, "final": 3, "available": 3, "completed": 3, "confirmed": 3,
    "appended": 4, "amended": 4, "corrected": 4, "stopped": 4, "not-done": 4, "cancelled": 5, "refuted": 5,
    "entered-in-error": 6,
}  # fmt: skip


def newer(kept: Resource | None, resource: Resource) -> Resource:
    """Of two copies of one resource the later version, by the rule above."""
    if kept is None or kept == resource:
        return resource
    ours, theirs = _version(kept), _version(resource)
    if ours == theirs:
        # Not repr: what is kept as bytes shows its place in memory there, which differs from run to run.
        ours, theirs = (*ours, encode(kept)), (*theirs, encode(resource))
    return kept if ours > theirs else resource


def _version(resource: Resource) -> tuple[datetime | int | bytes, ...]:
    updated = parse_date(resource.meta.lastUpdated) if resource.meta else None
    number = (resource.meta.versionId if resource.meta else None) or ""
    counted = int(number) if number.isascii() and number.isdigit() and len(number) <= _LONGEST_NUMBER else -1
    return (updated.last if updated else _NEVER, counted, _stage(resource))


def _stage(resource: Resource) -> int:
    verification = resource.verificationStatus
    stated = [resource.status, verification if isinstance(verification, str) else None]
    if isinstance(verification, Coded):
        stated += [coding.code for coding in verification.codings()]
    return max(_LATER_IN_LIFE.get(status or "", 0) for status in stated)
