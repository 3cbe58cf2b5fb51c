"""What the store keeps, as the service hands it over: answers that were shown, and what became of their cards."""

from __future__ import annotations

import hashlib
import hmac
import json
from dataclasses import dataclass
from datetime import UTC, datetime


@dataclass(frozen=True, slots=True)
class ShownSuggestion:
    """A suggestion of a card, and the recommendation that it is for."""

    uuid: str
    code: str


@dataclass(frozen=True, slots=True)
class ShownCard:
    """A card that was shown, with the codes of its recommendations and a keyed digest of what they rest on."""

    uuid: str
    topic: str
    indicator: str
    recommendations: tuple[str, ...]
    suggestions: tuple[ShownSuggestion, ...]
    inputs_digest: str | None


@dataclass(frozen=True, slots=True)
class Shown:
    """An answer with cards; the patient is a pseudonym."""

    hook_instance: str
    client: str
    patient: str
    at: datetime
    guideline: str
    edition: str
    cards: tuple[ShownCard, ...]


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a card was overridden, as a coding; what a client sends of it varies."""

    system: str | None
    code: str | None
    display: str | None


@dataclass(frozen=True, slots=True)
class Feedback:
    """What became of a card: `accepted` or `overridden`. Of a user's comment only that there was one."""

    card: str
    outcome: str
    outcome_at: datetime
    accepted_suggestions: tuple[str, ...]
    reason: Reason | None
    commented: bool

    def digest(self, client: str) -> str:
        """The same for the same entry sent again, and for no other."""
        reason = (self.reason.system, self.reason.code, self.reason.display) if self.reason else None
        at = as_utc(self.outcome_at).isoformat()
        said = [client, self.card, self.outcome, at, sorted(self.accepted_suggestions), reason]
        return hashlib.sha256(json.dumps([*said, self.commented]).encode()).hexdigest()


@dataclass(frozen=True, slots=True)
class Overridden:
    """A recommendation whose latest outcome for a patient is `overridden`, and what the inputs were then."""

    code: str
    outcome_at: datetime
    inputs_digest: str | None


def keyed_digest(key: bytes, *parts: str) -> str:
    """HMAC-SHA256 of the parts, each with its length, in hexadecimal."""
    encoded = [part.encode("utf-8", "surrogatepass") for part in parts]
    message = b"".join(len(each).to_bytes(8, "big") + each for each in encoded)
    return hmac.digest(key, message, "sha256").hex()


def pseudonym(key: bytes, client: str, fhir_server: str | None, patient_id: str) -> str:
    """A patient of a client's FHIR server, known again only by who holds the key."""
    return keyed_digest(key, "patient", client, fhir_server or "", patient_id)


def as_utc(moment: datetime) -> datetime:
    """The moment in UTC; one without an offset is UTC already."""
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
