"""What a page shows, as values."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import requests

from tests.support.service import SERVICE

if TYPE_CHECKING:
    from playwright.sync_api import Page

_DECISION = "io.github.nelm-cds.decision"
_URGENCY = ("critical", "warning", "info")


def answered(service: str, request: Any) -> tuple[list[str], list[str]]:
    """The hook's own answer to a request: the summaries of its cards, the most urgent first, and its path."""
    answer = requests.post(service + SERVICE, json=request, timeout=30).json()
    cards = sorted(answer["cards"], key=lambda card: _URGENCY.index(card["indicator"]))
    return [card["summary"] for card in cards], answer.get("extension", {}).get(_DECISION, {}).get("path", [])


def story_of(service: str, name: str) -> dict[str, Any]:
    """The request of a demo patient, as the pages get it."""
    found: dict[str, Any] = requests.get(f"{service}/web/stories/{name}.json", timeout=30).json()
    return found


def summaries(page: Page) -> list[str]:
    """The cards that are shown, from above."""
    return page.locator(".card h3").all_inner_texts()


def path(page: Page) -> list[str]:
    """The nodes that light up, in the order of their steps."""
    boxes = page.locator(".box.taken").all()
    steps = {int(box.locator(".order").inner_text().removeprefix("step ")): box for box in boxes}
    return [steps[step].locator(".node-id").inner_text() for step in sorted(steps)]


def wait_for(page: Page, patient: str) -> None:
    """Wait until the chart of this patient has been evaluated."""
    page.locator(".patient", has_text=patient).first.wait_for()
