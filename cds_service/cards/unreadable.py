"""The card for clients that show an error as "all clear": the chart could not be read."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from cds_service.cards.make import CARD_SYSTEM
from cds_service.guidelines.nelm_2006.recommendations import texts


def unreadable_card(new_uuid: Callable[[], str]) -> dict[str, Any]:
    """One warning card; it says nothing of the patient, because nothing of the patient was read."""
    said = texts().sentences
    return {
        "uuid": new_uuid(),
        "summary": "This chart could not be read: no advice on neuroendocrine liver metastases",
        "detail": (
            "Patient or Condition did not arrive, so nobody can say whether this chart is one for the 2006 protocol. "
            "This is not an all-clear: open the chart again, or tell whoever runs the EHR's CDS Hooks configuration."
        ),
        "indicator": "warning",
        "source": {
            "label": said["source_label"],
            "url": said["source_url"],
            "topic": {"system": CARD_SYSTEM, "code": "unread"},
        },
    }
