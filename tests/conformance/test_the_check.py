"""The check that the other tests of this folder rest on: it passes what is right and finds what is wrong."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import pytest

from tests.support.cds_hooks import complaints

GOOD: dict[str, Any] = {
    "cards": [
        {
            "uuid": "5f7a1e52-6a52-4b1d-8a0c-1d2f0f0a7f11",
            "summary": "Something to say",
            "detail": "Why.",
            "indicator": "info",
            "source": {
                "label": "A paper",
                "url": "https://example.org/paper",
                "topic": {"system": "https://nelm-cds.github.io/fhir/CodeSystem/nelm-card", "code": "workup"},
            },
            "overrideReasons": [{"system": "https://example.org", "code": "no", "display": "No"}],
            "suggestions": [
                {
                    "uuid": "5f7a1e52-6a52-4b1d-8a0c-1d2f0f0a7f12",
                    "label": "Order",
                    "actions": [
                        {
                            "type": "create",
                            "description": "An order",
                            "resource": {
                                "resourceType": "ServiceRequest",
                                "status": "draft",
                                "intent": "proposal",
                                "subject": {"reference": "Patient/p1"},
                            },
                        }
                    ],
                }
            ],
            "selectionBehavior": "any",
        }
    ],
    "extension": {"io.github.nelm-cds.decision": {"state": "workup"}},
}

GONE = object()
LINK = {"label": "A page", "url": "https://example.org", "type": "absolute"}

_CARD = "cards/0"
_SUGGESTION = f"{_CARD}/suggestions/0"
_ACTION = f"{_SUGGESTION}/actions/0"

# what is spoiled: the place, and what stands there instead (GONE leaves it out)
SPOILED: dict[str, tuple[str, Any]] = {
    "null": ("extension/io.github.nelm-cds.decision/state", None),
    "empty text": ("extension/io.github.nelm-cds.decision/state", ""),
    "empty array": (f"{_CARD}/overrideReasons", []),
    "empty object": ("extension/io.github.nelm-cds.decision", {}),
    "system actions": ("systemActions", [{"type": "create"}]),
    "no uuid": (f"{_CARD}/uuid", GONE),
    "upper-case uuid": (f"{_CARD}/uuid", "5F7A1E52-6A52-4B1D-8A0C-1D2F0F0A7F11"),
    "repeated uuid": (f"{_SUGGESTION}/uuid", "5f7a1e52-6a52-4b1d-8a0c-1d2f0f0a7f11"),
    "long summary": (f"{_CARD}/summary", "x" * 101),
    "long detail": (f"{_CARD}/detail", "x\n\n" + "y" * 1200),
    "long lead": (f"{_CARD}/detail", "x" * 301),
    "indicator": (f"{_CARD}/indicator", "hard-stop"),
    "no source label": (f"{_CARD}/source/label", GONE),
    "relative source": (f"{_CARD}/source/url", "/paper"),
    "relative icon": (f"{_CARD}/source/icon", "icon.png"),
    "topic without a system": (f"{_CARD}/source/topic/system", GONE),
    "topic with a hyphen": (f"{_CARD}/source/topic/code", "work-up"),
    "override without display": (f"{_CARD}/overrideReasons/0/display", GONE),
    "suggestions without behaviour": (f"{_CARD}/selectionBehavior", GONE),
    "unknown behaviour": (f"{_CARD}/selectionBehavior", "all"),
    "behaviour without suggestions": (f"{_CARD}/suggestions", GONE),
    "no label": (f"{_SUGGESTION}/label", GONE),
    "recommended is text": (f"{_SUGGESTION}/isRecommended", "yes"),
    "action selection": (f"{_SUGGESTION}/actionSelectionBehavior", "any"),
    "no description": (f"{_ACTION}/description", GONE),
    "delete": (f"{_ACTION}/type", "delete"),
    "not FHIR": (f"{_ACTION}/resource/status", "proposed-by-us"),
    "an active order": (f"{_ACTION}/resource/status", "active"),
    "a drug": (f"{_ACTION}/resource/resourceType", "MedicationRequest"),
    "another patient": (f"{_ACTION}/resource/subject/reference", "Patient/p2"),
    "relative link": (f"{_CARD}/links", [LINK | {"url": "/x"}]),
    "appContext": (f"{_CARD}/links", [LINK | {"appContext": "x"}]),
    "autolaunchable": (f"{_CARD}/links", [LINK | {"type": "smart", "autolaunchable": True}]),
    "local extension": (f"{_CARD}/extension", {"recommendations": ["x"]}),
    "unknown member": (f"{_CARD}/priority", 1),
}  # fmt: skip


def test_the_check_passes_what_is_right() -> None:
    assert list(complaints(GOOD, "p1", set())) == []
    assert list(complaints({"cards": []}, "p1", set())) == []


@pytest.mark.parametrize(("place", "value"), SPOILED.values(), ids=SPOILED)
def test_the_check_finds_what_is_wrong(place: str, value: Any) -> None:
    """The other tests of this folder prove nothing if this check could not fail."""
    answer = deepcopy(GOOD)
    *path, last = place.split("/")
    holder: Any = answer
    for name in path:
        holder = holder[int(name)] if isinstance(holder, list) else holder[name]
    if value is GONE:
        del holder[last]
    else:
        holder[last] = value
    assert list(complaints(answer, "p1", set()))


def test_the_check_finds_too_many_cards_and_no_cards_member() -> None:
    five = [GOOD["cards"][0] | {"uuid": f"5f7a1e52-6a52-4b1d-8a0c-1d2f0f0a7f0{n}"} for n in range(5)]
    assert "5 cards" in list(complaints({"cards": five}, "p1", set()))
    assert list(complaints({}, "p1", set()))
    assert list(complaints([], "p1", set()))
