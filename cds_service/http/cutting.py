"""A large request with its results cut out, so that they are scanned once.

Where the results end is guessed from the bytes, and the guess may be wrong. `wire` proves it: what is left, with
`CUT_OUT` in it, is a request in which `CUT_OUT` stands at `/prefetch/observations`, and what was cut out is one JSON
value. If not, all of it is scanned. Why that is right: docs/decisions/0006-results-are-cut-out.md.
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
# What may follow the results, written without blanks. `},"imaging":`: the brace ends the results. `}},"context":`: the
# first one ends them, the second one the prefetch.
_FOLLOWER = re.compile(
    rf'\}},"(?:{"|".join(PREFETCH_KEYS)}|(?<=\}}\}},")(?P<of_request>{"|".join(_OF_REQUEST)}))":'.encode()
)
# Further from the end the results are not looked for: what is searched in vain is searched for nothing.
_FURTHEST = 64 * 1024
# Below this there is little to be saved.
_LARGE = 128 * 1024

# Put where the results stood, once. Nobody can know it, so that where it is found they have stood.
CUT_OUT = Raw(b'"%b"' % secrets.token_hex(16).encode())


@dataclass(frozen=True, slots=True)
class Parted:
    """A request without its results, the results, and what is seen in them at a glance."""

    around: bytes
    results: Raw
    glance: Glance


def without_results(body: bytes) -> Parted | None:
    """The request with `CUT_OUT` for a Bundle of results in its prefetch; None where it has to be read another way.

    Only if `CUT_OUT` stands at `/prefetch/observations` of what is around were these the results.
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
        return len(body) - len(b"}}")  # prefetch and request end there, too
    return follower.start() if follower["of_request"] else follower.start() + 1
