"""A large request with its results cut out: what stands around them is small, and they are scanned once.

To find where the members of a request end, all of it is scanned, and its results again to find what is in them. Where
the results can be found without the first scan, the second one tells whether they were.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass

from msgspec import Raw

from cds_service.gather import OBSERVATIONS, PREFETCH_KEYS
from fhir_mappings.sifting import Glance, glance_at

_OPENING = b'"%b":' % OBSERVATIONS.encode()
_OF_REQUEST = ("hook", "hookInstance", "context", "fhirServer", "fhirAuthorization", "extension")
# What may follow the results, written without blanks: another key of the prefetch, or a member of the request.
_FOLLOWER = re.compile(
    rf'\}},"(?:{"|".join(PREFETCH_KEYS)}|(?<=\}}\}},")(?P<of_request>{"|".join(_OF_REQUEST)}))":'.encode()
)
_AT_THE_END = b"}}"
# Further from the end the results are not looked for: what is searched in vain is searched for nothing.
_FURTHEST = 64 * 1024
# Below this there is little to be saved.
_LARGE = 128 * 1024

# Stands where the results stood. Nobody can have sent it, so that where it is found again they were.
CUT_OUT = Raw(b'"%b"' % secrets.token_hex(16).encode())


@dataclass(frozen=True, slots=True)
class Parted:
    """A request without its results, the results, and what is seen in them at a glance."""

    around: bytes
    results: Raw
    glance: Glance


def without_results(body: bytes) -> Parted | None:
    """The request with `CUT_OUT` for a Bundle of results in its prefetch; None where it has to be read another way.

    The body is what `around` says, with the results in place of `CUT_OUT`, if that stands at `/prefetch/observations`
    and nowhere else: putting one JSON value for another leaves everything else as it is.
    """
    opening = body.find(_OPENING) if len(body) >= _LARGE else -1
    if opening < 0:
        return None
    start = opening + len(_OPENING)
    if body[start : start + 1] != b"{":
        return None
    end = _end(body, start)
    results = Raw(memoryview(body)[start:end])
    glance = glance_at(results)
    return None if glance is None else Parted(body[:start] + bytes(CUT_OUT) + body[end:], results, glance)


def _end(body: bytes, start: int) -> int:
    """Where the results seem to end."""
    follower = _FOLLOWER.search(body, max(start, len(body) - _FURTHEST))
    if follower is None:
        return len(body) - len(_AT_THE_END)
    # Before a member of the request, the brace that is found ends the prefetch.
    return follower.start() if follower["of_request"] else follower.start() + 1
