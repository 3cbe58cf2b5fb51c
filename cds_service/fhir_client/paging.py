"""The pages of one search: `next` links are opaque, stay on the server that was asked, and come to an end."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import msgspec
from msgspec import Raw, Struct

from cds_service.fhir_client.exchange import Exchange
from cds_service.fhir_client.outcome import Chain, Failure
from fhir_mappings.wire import UNREADABLE


class _Links(Struct, frozen=True):
    link: Any = None


_LINKS = msgspec.json.Decoder(_Links)


class UnreadableLinkError(ValueError):
    """A page whose links cannot be read: whether it is the last cannot be told."""


@dataclass(slots=True)
class Pages:
    """The pages so far; what is here stays here when time runs out."""

    bodies: list[bytes] = field(default_factory=list)
    ended: bool = False
    failure: Failure | None = None

    def as_chain(self) -> Chain:
        """The pages as they are now."""
        return Chain(tuple(self.bodies), self.ended)


def next_link(page: bytes | Raw) -> str | None:
    """The address of the next page as the server wrote it; None on the last page.

    Raises UnreadableLinkError if there might be one.
    """
    try:
        link = _LINKS.decode(page).link
    except UNREADABLE as error:
        raise UnreadableLinkError("the page is no JSON object") from error
    if link is None:
        return None
    if not isinstance(link, list) or not all(isinstance(item, dict) for item in link):
        raise UnreadableLinkError("the links are no list of objects")
    for item in link:
        if str(item.get("relation")).lower() == "next":
            if not isinstance(item.get("url"), str):
                raise UnreadableLinkError("the next link has no address")
            return str(item["url"])
    return None


async def follow(pages: Pages, exchange: Exchange, seen_at: str) -> None:
    """Read the pages after the last one of `pages`, which came from the address `seen_at`.

    Stops early, with `ended` left false, at a link to another origin, a link seen before, a failure, or the limit.
    """
    seen = {seen_at}
    while len(pages.bodies) < exchange.limits.pages:
        try:
            link = next_link(pages.bodies[-1])
        except UnreadableLinkError:
            return
        if link is None:
            pages.ended = True
            return
        url = exchange.base.on_this_server(link, seen_at)
        if url is None or url in seen:
            return
        seen.add(url)
        outcome = await exchange.get(url)
        if outcome.body is None:
            pages.failure = outcome.failure
            return
        pages.bodies.append(outcome.body)
        seen_at = url
