"""CDS Hooks 2.0.1, section "CDS Service Response", as one check of an answer; the limits are those of this service.

https://cds-hooks.hl7.org/2.0/#cds-service-response. `complaints` lists everything that is wrong, `check` fails on it.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from fhir.resources.R4B.servicerequest import ServiceRequest
from pydantic import ValidationError

from cds_service.reasoning.advice import DETAIL_LIMIT, LEAD_LIMIT, MOST_CARDS, SUMMARY_LIMIT

INDICATORS = {"info", "warning", "critical"}
TOPICS = {"emergency", "workup", "treatment", "refer", "unread"}
TOPIC_SYSTEM = "https://nelm-cds.github.io/fhir/CodeSystem/nelm-card"

_ANSWER = {"cards", "extension"}
_CARD = {
    "uuid", "summary", "detail", "indicator", "source", "suggestions", "selectionBehavior", "overrideReasons", "links",
    "extension",
}  # fmt: skip
_SUGGESTION = {"label", "uuid", "isRecommended", "actions", "extension"}
_REVERSE_DOMAIN = re.compile(r"[a-z]+(\.[a-z0-9-]+){2,}")


def check(answer: Any, patient_id: str, seen: set[str] | None = None) -> None:
    """Fail naming every rule that the answer breaks; `seen` collects uuids over several answers."""
    found = list(complaints(answer, patient_id, set() if seen is None else seen))
    assert not found, "\n".join(found)


def complaints(answer: Any, patient_id: str, seen: set[str]) -> Iterator[str]:
    """Everything that is wrong with the answer to a call for this patient."""
    if not isinstance(answer, dict) or not isinstance(answer.get("cards"), list):
        yield "the answer is no object with an array 'cards'"
        return
    # systemActions would be applied without anyone reading them: never sent.
    yield from (f"unexpected member {name}" for name in answer.keys() - _ANSWER)
    yield from (f"empty: {place}" for place in _empties(answer, "") if place != "/cards")
    yield from _extension(answer, "answer")
    if len(answer["cards"]) > MOST_CARDS:
        yield f"{len(answer['cards'])} cards"
    for number, card in enumerate(answer["cards"]):
        yield from (f"card {number}: {text}" for text in _card(card, patient_id, seen))


def _card(card: Mapping[str, Any], patient_id: str, seen: set[str]) -> Iterator[str]:
    yield from (f"unexpected member {name}" for name in card.keys() - _CARD)
    yield from _uuid(card, seen)
    summary, detail = str(card.get("summary", "")), str(card.get("detail", ""))
    if not summary.strip() or len(summary) > SUMMARY_LIMIT or "\n" in summary:
        yield f"summary: {summary!r}"
    if not detail.strip() or len(detail) > DETAIL_LIMIT:
        yield f"detail of {len(detail)} characters"
    if len(lead := detail.split("\n\n")[0]) > LEAD_LIMIT:
        yield f"first paragraph of {len(lead)} characters"
    if card.get("indicator") not in INDICATORS:
        yield f"indicator: {card.get('indicator')!r}"
    yield from _source(card.get("source"))
    yield from _suggestions(card, patient_id, seen)
    for reason in card.get("overrideReasons", []):
        if not all(_is_text(reason.get(name)) for name in ("code", "system", "display")):
            yield f"override reason {reason}"
    for link in card.get("links", []):
        yield from _link(link)
    yield from _extension(card, "card")


def _source(source: Any) -> Iterator[str]:
    if not isinstance(source, dict) or not _is_text(source.get("label")):
        yield "source without a label"
        return
    yield from (
        f"source.{name} is not absolute" for name in ("url", "icon") if not _is_absolute(source.get(name, "https://x"))
    )
    topic = source.get("topic")
    if not isinstance(topic, dict) or topic.get("system") != TOPIC_SYSTEM or topic.get("code") not in TOPICS:
        yield f"topic: {topic!r}"


def _suggestions(card: Mapping[str, Any], patient_id: str, seen: set[str]) -> Iterator[str]:
    suggestions = card.get("suggestions", [])
    behavior = card.get("selectionBehavior")
    if bool(suggestions) != (behavior in ("at-most-one", "any")):
        yield f"selectionBehavior {behavior!r} with {len(suggestions)} suggestions"
    if behavior == "at-most-one" and sum(bool(s.get("isRecommended")) for s in suggestions) > 1:
        yield "several recommended suggestions with at-most-one"
    for suggestion in suggestions:
        # actionSelectionBehavior may only be sent to clients that are known to support it: never sent.
        yield from (f"suggestion: unexpected member {name}" for name in suggestion.keys() - _SUGGESTION)
        yield from _uuid(suggestion, seen)
        if not _is_text(suggestion.get("label")):
            yield "suggestion without a label"
        if not isinstance(suggestion.get("isRecommended", True), bool):
            yield "isRecommended is no boolean"
        if len(suggestion.get("extension", {}).get("io.github.nelm-cds.recommendations", ())) != 1:
            yield "suggestion for no recommendation, or for several"
        for action in suggestion.get("actions", []):
            yield from _action(action, patient_id)


def _action(action: Mapping[str, Any], patient_id: str) -> Iterator[str]:
    if not _is_text(action.get("description")):
        yield "action without a description"
    # Only new drafts are proposed: an update or a delete would touch resources of the chart.
    if action.get("type") != "create" or action.keys() != {"type", "description", "resource"}:
        yield f"action of type {action.get('type')!r} with {sorted(action)}"
        return
    resource = action["resource"]
    if not isinstance(resource, dict) or resource.get("resourceType") != "ServiceRequest":
        yield "an action's resource is no ServiceRequest"
        return
    try:
        ServiceRequest.model_validate(resource)
    except ValidationError as error:
        yield f"ServiceRequest: {error.error_count()} errors"
    if (resource.get("status"), resource.get("intent")) != ("draft", "proposal") or "id" in resource:
        yield "ServiceRequest is no draft proposal"
    if resource.get("subject") != {"reference": f"Patient/{patient_id}"}:
        yield "ServiceRequest for somebody else"


def _link(link: Mapping[str, Any]) -> Iterator[str]:
    if (
        not _is_text(link.get("label"))
        or not _is_absolute(link.get("url"))
        or link.get("type") not in ("absolute", "smart")
    ):
        yield f"link {link}"
    if "appContext" in link and (link.get("type") != "smart" or not isinstance(link["appContext"], str)):
        yield "appContext on a link that is not smart"
    if "autolaunchable" in link:
        yield "autolaunchable is unknown to 2.0.0 clients"


def _extension(holder: Mapping[str, Any], what: str) -> Iterator[str]:
    extension = holder.get("extension", {})
    if not isinstance(extension, dict):
        yield f"extension of the {what} is no object"
        return
    yield from (f"{what}: extension {name}" for name in extension if not _REVERSE_DOMAIN.fullmatch(name))


def _uuid(holder: Mapping[str, Any], seen: set[str]) -> Iterator[str]:
    text = holder.get("uuid")
    try:
        proper = str(uuid.UUID(text)) == text
    except (TypeError, ValueError):
        proper = False
    if not proper:
        yield f"uuid {text!r}"
    elif text in seen:
        yield f"uuid {text} used before"
    seen.add(str(text))


def _empties(value: Any, place: str) -> Iterator[str]:
    if value is None or value in ("", [], {}) or (isinstance(value, str) and not value.strip()):
        yield place
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _empties(member, f"{place}/{name}")
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from _empties(member, f"{place}/{number}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_absolute(url: Any) -> bool:
    parts = urlsplit(url) if isinstance(url, str) else None
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.netloc)
