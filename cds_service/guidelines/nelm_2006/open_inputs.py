"""Which unknown inputs could still change the treatment list, found by trying what each of them could turn out to be.

Asked only where a chart is explained: it walks the protocol a few hundred times.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from typing import Any, Final

from msgspec.structs import replace

from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.plain_facts import FACTS
from cds_service.reasoning.decision import Decision, decide
from fhir_mappings.facts import Known, Unknown

# On every side of every limit of the protocol, and of those that a site may set.
_NUMBERS: Final = (0, 1, 2, 3, 4, 5, 6, 7, 8, 10, 12, 15, 16, 20, 21, 30, 50, 89, 90, 95, 100)


def could_change_treatment(needs: Needs, decision: Decision) -> tuple[str, ...]:
    """The unknown inputs of which at least one value would make another treatment list, in the order declared."""
    return tuple(name for name, fact in needs.facts() if isinstance(fact, Unknown) and _changes(name, needs, decision))


def _changes(name: str, needs: Needs, decision: Decision) -> bool:
    tried: Iterator[Needs] = (replace(needs, **_known(name, value)) for value in _possible(name))
    return any(decide(NELM_2006, other).treatment != decision.treatment for other in tried)


def _known(name: str, value: Any) -> dict[str, Any]:
    return {name: Known(value)}


def _possible(name: str) -> Iterator[Any]:
    kind = FACTS[name]
    for candidate in (True, False, *_NUMBERS, *kind.schema.get("enum", ())):
        with suppress(TypeError, ValueError):
            yield kind.read(candidate)
