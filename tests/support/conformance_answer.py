"""Rows 55 to 73 of the checklist: what every answer of a hook has to keep, whatever the chart and the client.

CDS Hooks 2.0.1: https://cds-hooks.hl7.org/2.0/#cds-service-response. The narrower limits of this service's own cards
are `tests.support.cds_hooks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from markdown_it import MarkdownIt

from tests.support.stories import resources

ROWS = range(55, 74)
Violation = tuple[int, str]

_LONGEST_SUMMARY = 139
_ID = r"[A-Za-z0-9.-]{1,64}"
_REFERENCE = re.compile(rf"[A-Z][A-Za-z]+/{_ID}")
# As clients render it that let HTML through, and as GitHub does, whose own tag filter is not counted on here.
_RENDERERS = (
    MarkdownIt("commonmark", {"html": True}),
    MarkdownIt("gfm-like", {"html": True, "linkify": False}),
)
_ALIVE = {"html_block", "html_inline", "link_open", "image"}


def violations(answer: Any, request: Mapping[str, Any]) -> Iterator[Violation]:
    """Every row that this answer to this request breaks, and how; the client is known for no capability."""
    cards = answer.get("cards") if isinstance(answer, dict) else None
    if not isinstance(cards, list):
        yield 55, "no array of cards"
        return
    yield from ((69, f"empty: {place}") for place in empties(answer, "") if place != "/cards")
    if "systemActions" in answer:
        yield 70, "systemActions for a client that has not asked for them"
    seen = {f"{r['resourceType']}/{r.get('id')}" for r in resources(request)}
    for card in cards:
        yield from _card(card, seen)


def _card(card: Any, seen: set[str]) -> Iterator[Violation]:
    if not isinstance(card, dict):
        yield 55, "a card that is no object"
        return
    yield from _said(card)
    yield from _source(card.get("source"))
    yield from _suggestions(card, seen)
    for reason in card.get("overrideReasons", []):
        if not all(_is_text(reason.get(name)) for name in ("code", "system", "display")):
            yield 65, f"override reason with {sorted(reason)}"
    for link in card.get("links", []):
        yield from _link(link)


def _said(card: Mapping[str, Any]) -> Iterator[Violation]:
    if not _is_text(card.get("summary")):
        yield 55, "no summary"
    elif len(card["summary"]) > _LONGEST_SUMMARY:
        yield 56, f"summary of {len(card['summary'])} characters"
    if not _is_text(card.get("indicator")):
        yield 55, "no indicator"
    elif card["indicator"] not in ("info", "warning", "critical"):
        yield 57, f"indicator {card['indicator']!r}"
    for renderer in _RENDERERS:
        tokens = renderer.parse(str(card.get("detail", "")))
        alive = {token.type for block in tokens for token in [block, *(block.children or ())]} & _ALIVE
        yield from ((72, f"detail with {kind}") for kind in sorted(alive))


def _source(source: Any) -> Iterator[Violation]:
    if not isinstance(source, dict) or not _is_text(source.get("label")):
        yield 55, "no source.label"
        return
    for name in ("url", "icon"):
        if name in source and not _is_absolute(source[name]):
            yield 58, f"source.{name} is not absolute"
    topic = source.get("topic")
    if topic is not None and not (
        isinstance(topic, dict) and _is_text(topic.get("code")) and _is_text(topic.get("system"))
    ):
        yield 59, "source.topic without code or system"


def _suggestions(card: Mapping[str, Any], seen: set[str]) -> Iterator[Violation]:
    suggestions = card.get("suggestions", [])
    behavior = card.get("selectionBehavior")
    if suggestions and behavior not in ("at-most-one", "any"):
        yield 60, f"selectionBehavior {behavior!r}"
    if behavior == "at-most-one" and sum(s.get("isRecommended") is True for s in suggestions) > 1:
        yield 61, "several recommended suggestions where one may be taken"
    for suggestion in suggestions:
        if "actionSelectionBehavior" in suggestion:
            yield 71, "actionSelectionBehavior for a client that is not known to support it"
        for action in suggestion.get("actions", []):
            yield from _action(action, seen)


def _action(action: Mapping[str, Any], seen: set[str]) -> Iterator[Violation]:
    if not _is_text(action.get("description")):
        yield 64, "action without a description"
    kind, resource, target = action.get("type"), action.get("resource"), action.get("resourceId")
    if kind == "delete":
        if "resource" in action or not (isinstance(target, str) and _REFERENCE.fullmatch(target)):
            yield 63, "delete without resourceId alone"
        elif target not in seen:
            yield 73, "delete of a resource that nobody sent"
        return
    if kind not in ("create", "update") or not isinstance(resource, dict) or not _is_text(resource.get("resourceType")):
        yield 62, f"action of type {kind!r} without a resource of its own"
        return
    if kind == "update":
        if not _is_text(resource.get("id")):
            yield 62, "update of a resource without an id"
        elif f"{resource['resourceType']}/{resource['id']}" not in seen:
            yield 73, "update of a resource that nobody sent"


def _link(link: Mapping[str, Any]) -> Iterator[Violation]:
    kind = link.get("type")
    if not _is_text(link.get("label")) or not _is_absolute(link.get("url")) or kind not in ("absolute", "smart"):
        yield 66, f"link with {sorted(link)}"
    if "appContext" in link and (kind != "smart" or not _is_text(link["appContext"])):
        yield 67, "appContext on a link that is not smart"
    if "autolaunchable" in link:
        # A boolean of 2.0.1 that a client of 2.0.0 does not know; none is known here to speak 2.0.1.
        yield 68, "autolaunchable"


def empties(value: Any, place: str) -> Iterator[str]:
    """Where null, blank text, an empty array or an empty object stands."""
    if value is None or value in ([], {}) or (isinstance(value, str) and not value.strip()):
        yield place
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from empties(member, f"{place}/{name}")
    elif isinstance(value, list):
        for number, member in enumerate(value):
            yield from empties(member, f"{place}/{number}")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_absolute(url: Any) -> bool:
    parts = urlsplit(url) if isinstance(url, str) else None
    return parts is not None and parts.scheme in ("http", "https") and bool(parts.netloc)
