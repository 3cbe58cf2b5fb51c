"""The members of a JSON object, each of which stands there once.

JSON leaves open which of two members of one name counts (RFC 8259, section 4), and who else reads the same bytes may
take the other one: two patient ids are no patient id.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

import msgspec
from msgspec import Raw

_MEMBERS = msgspec.json.Decoder(dict[str, Raw])
_TEXT = msgspec.json.Decoder(str)
_OPENING = re.compile(rb"[ \t\n\r]*\{")
_NAME = re.compile(rb'[ \t\n\r]*,?[ \t\n\r]*("(?:[^"\\]|\\.)*")[ \t\n\r]*:[ \t\n\r]*')


class MemberTwiceError(Exception):
    """An object in which a member stands twice."""


def length_written_compactly(members: Mapping[str, Raw]) -> int:
    """Bytes of an object of these members, each once, without blanks and without escapes in the names.

    What is longer may have a member twice; what is just as long has not.
    """
    # Two quotes, a colon and a comma for each member; the last one has no comma.
    around = max(4 * len(members) - 1, 0) + len("{}")
    values = sum(map(len, members.values()))
    return around + len("".join(members).encode()) + values


def members(content: bytes) -> dict[str, Raw]:
    """The members of an object, their values as they stand.

    Raises MemberTwiceError, or what msgspec raises for what is no JSON object.
    """
    found = _MEMBERS.decode(content)
    if length_written_compactly(found) == len(content):
        return found
    opening = _OPENING.match(content)
    at = opening.end() if opening else 0
    # msgspec keeps the first one's place and the last one's value: written one after the other, what it kept is then
    # not what was sent. Lengths tell, without reading the values again.
    for name, value in found.items():
        match = _NAME.match(content, at)
        if match is None or _TEXT.decode(match[1]) != name:
            raise MemberTwiceError
        at = match.end() + len(value)
    if content[at:].strip() != b"}":
        raise MemberTwiceError
    return found
