"""A known input in words, for the terminal and the pages; its name stands beside it there."""

from __future__ import annotations

from typing import Any

from cds_service.guidelines.nelm_2006.advice.phrases import NAMES, value
from fhir_mappings.facts import Known


def in_words(name: str, fact: Known[Any]) -> str:
    """The value as a reader says it: `3 %`, `CT`, `no hepatic failure`."""
    if isinstance(fact.value, frozenset):
        return ", ".join(sorted(fact.value)) or "not recorded, read as none"
    if name == "nelm_confirmed" and fact.value is False:
        return "not in scope"  # which says less than the words of a card: there may be no liver metastases at all
    return value(name, fact).removeprefix(f"{NAMES[name]} ")
