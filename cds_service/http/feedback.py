"""Feedback: what became of cards, as CDS Hooks 2.0.1 and Epic's dialect tell it, acknowledged only once it is stored.

https://cds-hooks.hl7.org/2.0/#feedback; what a user typed may name a patient: of a comment all that is kept is that
there was one, of a reason its code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any

import msgspec
from msgspec import Raw, Struct
from starlette.requests import Request
from starlette.responses import Response

from cds_service.cards.make import OVERRIDE_REASONS, OVERRIDE_SYSTEM
from cds_service.errors import BodyTooLarge, MalformedRequest, NotStored, UnknownService
from cds_service.http.apart import apart
from cds_service.http.body import read_json_body
from cds_service.http.members import MemberTwiceError, members
from cds_service.http.parts import Parts
from cds_service.http.services import services_of
from cds_service.http.wire import pointer_of
from cds_service.store import Feedback, Reason, StoreUnavailableError
from cds_service.telemetry import CallReport
from fhir_mappings.wire import UNREADABLE

_OUR_WORDS = dict(OVERRIDE_REASONS)
_WORDED_ONLY = "worded-by-the-client"  # a reason without a code
_MOST_AT_ONCE = 64 * 1024  # bytes of a body: more take more than a few milliseconds
_MOST_ENTRIES, _MOST_SUGGESTIONS = 1000, 5000
_LONGEST = 255
_RFC_3339 = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}")
_SEEN_AT_EPIC = re.compile(r"(?i)reason")


class Coding(Struct, frozen=True):
    """CDS Hooks' Coding; what a client sends of it varies."""

    code: str | None = None
    system: str | None = None
    display: str | None = None


class OverrideReason(Struct, frozen=True):
    """Why a card was overridden."""

    reason: Coding | None = None
    userComment: str | None = None
    extension: Any = None


class AcceptedSuggestion(Struct, frozen=True):
    """A suggestion that was taken, by its uuid."""

    id: str


class Entry(Struct, frozen=True):
    """What became of one card; `overrideReasons` is Epic's name for it."""

    card: str
    outcome: str
    outcomeTimestamp: str
    acceptedSuggestions: list[AcceptedSuggestion] = []
    overrideReason: OverrideReason | None = None
    overrideReasons: list[OverrideReason] | OverrideReason | None = None
    extension: Any = None


class FeedbackRequest(Struct, frozen=True):
    """The body of a feedback call."""

    feedback: list[Entry]


_ENTRIES = msgspec.json.Decoder(list[Raw])
_DECODER = msgspec.json.Decoder(FeedbackRequest)


async def take_feedback(request: Request, report: CallReport, parts: Parts) -> Response:
    """The answer to `POST /cds-services/{id}/feedback`: 200 without a body once all of it is stored."""
    service_id = request.path_params["service_id"]
    service_path = f"/cds-services/{service_id}"
    client = await parts.callers.client(request, report, f"{service_path}/feedback", service_path)
    if parts.store is None or not any(s.feedback for s in services_of(parts.services, service_id)):
        raise UnknownService("This service takes no feedback.")
    body = await read_json_body(request, parts.settings.max_body_bytes)
    entries = await apart(len(body) > _MOST_AT_ONCE, partial(parse_feedback, body))
    try:
        await parts.store.feedback(client.name, entries, parts.clock())
    except StoreUnavailableError as error:
        raise NotStored from error
    parts.telemetry.feedback(entry.outcome for entry in entries)
    return Response(status_code=200)


def parse_feedback(body: bytes) -> list[Feedback]:
    """The entries of a feedback call.

    Raises MalformedRequest naming the place as a JSON pointer, never its value; BodyTooLarge beyond 1,000 entries.
    """
    try:
        entries = _DECODER.decode(body).feedback
        for entry in _ENTRIES.decode(members(body)["feedback"]):
            members(bytes(entry))
    except MemberTwiceError as error:
        raise MalformedRequest("/feedback: a member stands twice in the body or in an entry; send each once") from error
    except msgspec.ValidationError as error:
        raise MalformedRequest(pointer_of(error)) from error
    except UNREADABLE as error:
        raise MalformedRequest("The body is not JSON. Send one JSON object, UTF-8.") from error
    if len(entries) > _MOST_ENTRIES:
        raise BodyTooLarge(f"/feedback: send at most {_MOST_ENTRIES} entries in one call.")
    if sum(len(entry.acceptedSuggestions) for entry in entries) > _MOST_SUGGESTIONS:
        raise BodyTooLarge(f"/feedback: send at most {_MOST_SUGGESTIONS} accepted suggestions in one call.")
    return [_read(entry, f"/feedback/{number}") for number, entry in enumerate(entries)]


def _read(entry: Entry, where: str) -> Feedback:
    if entry.outcome not in ("accepted", "overridden"):
        raise MalformedRequest(f"{where}/outcome: must be 'accepted' or 'overridden'")
    if not _fits(entry.card):
        raise MalformedRequest(f"{where}/card: must be the uuid of a card")
    suggestions = tuple(suggestion.id for suggestion in entry.acceptedSuggestions)
    if entry.outcome == "accepted" and not suggestions:
        raise MalformedRequest(f"{where}/acceptedSuggestions: required where the outcome is 'accepted'")
    if not all(_fits(suggestion) for suggestion in suggestions):
        raise MalformedRequest(f"{where}/acceptedSuggestions: must hold uuids of suggestions")
    reasons = list(_reasons(entry))
    return Feedback(
        card=entry.card,
        outcome=entry.outcome,
        outcome_at=_moment(entry.outcomeTimestamp, f"{where}/outcomeTimestamp"),
        accepted_suggestions=suggestions,
        reason=next((reason for said in reasons if (reason := _reason(said)) is not None), None),
        commented=any(said.userComment for said in reasons),
    )


def _reasons(entry: Entry) -> Iterator[OverrideReason]:
    if entry.overrideReason is not None:
        yield entry.overrideReason
    plural = entry.overrideReasons
    yield from plural if isinstance(plural, list) else [plural] if plural is not None else []
    if entry.extension is not None:
        yield OverrideReason(extension=entry.extension)


def _reason(said: OverrideReason) -> Reason | None:
    coding = said.reason
    if coding is None or not (coding.code or coding.display):
        return _reason_in_extension(said.extension)
    return _kept(coding.system, coding.code)


def _kept(system: str | None, code: str | None) -> Reason:
    """A coded reason. How a client words it may be what a user typed: of words, only our own for our own codes."""
    display = _OUR_WORDS.get(code or "") if system == OVERRIDE_SYSTEM else None
    return Reason(_short(system), _short(code) or _WORDED_ONLY, display)


def _reason_in_extension(extension: Any) -> Reason | None:
    """A reason of the EHR's own, as Epic nests it in an extension: by its names, which tell what it is."""
    if not isinstance(extension, dict):
        return None
    for name, member in extension.items():
        if _SEEN_AT_EPIC.search(name) and isinstance(member, dict):
            told = {key.lower(): text for key, text in member.items() if isinstance(text, str)}
            code = told.get("code") or told.get("category")
            if code or told.get("display") or told.get("title"):
                return _kept(told.get("system") or name, code)
    return None


def _short(text: str | None) -> str | None:
    return text[:_LONGEST] if text else None


def _fits(text: str) -> bool:
    return 0 < len(text) <= _LONGEST


def _moment(text: str, where: str) -> datetime:
    """A moment of RFC 3339; one without an offset is taken as UTC, which CDS Hooks demands."""
    wrong = MalformedRequest(f"{where}: must be a moment such as 2026-05-04T09:30:00Z")
    if not _RFC_3339.match(text):
        raise wrong
    try:
        moment = datetime.fromisoformat(text.upper())
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise wrong from error
