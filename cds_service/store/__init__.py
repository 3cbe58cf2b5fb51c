"""What was shown and what became of it: the append-only store."""

from cds_service.store.database import StoreUnavailableError, problem_of_url
from cds_service.store.records import (
    Feedback,
    Overridden,
    Reason,
    Shown,
    ShownCard,
    ShownSuggestion,
    keyed_digest,
    pseudonym,
)
from cds_service.store.store import Store

__all__ = [
    "Feedback",
    "Overridden",
    "Reason",
    "Shown",
    "ShownCard",
    "ShownSuggestion",
    "Store",
    "StoreUnavailableError",
    "keyed_digest",
    "problem_of_url",
    "pseudonym",
]
