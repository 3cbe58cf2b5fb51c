"""The rows of the spec tables: a patient in a few words, what differs from the complete chart, what is expected, why.

Code lists are written as text with blanks. A column that a row leaves out is not checked by that row; an empty text
says that the list is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from cds_service.reasoning.decision import Decision
from tests.support.facts import advise


@dataclass(frozen=True, kw_only=True)
class Case:
    """One row. `offered` and `asked` are ordered and complete; the others are complete sets."""

    name: str
    facts: Mapping[str, Any]
    why: str
    state: str | None = None
    offered: str | None = None
    withheld: str | None = None
    asked: str | None = None
    safety: str | None = None
    follow_up: str | None = None
    info: str | None = None
    path: str | None = None


def table(*cases: Case) -> pytest.MarkDecorator:
    """The rows as the parameters of one test, each under its name."""
    assert len({case.name for case in cases}) == len(cases)
    return pytest.mark.parametrize("case", cases, ids=[case.name for case in cases])


def check(case: Case, *common: Mapping[str, Any]) -> Decision:
    """Compare what the protocol says with a row; `common` holds for the whole table."""
    decision = advise(*common, case.facts)
    if case.state is not None:
        assert decision.state == case.state, case.why
    ordered = {"offered": decision.treatment, "asked": decision.workup, "path": decision.path}
    for column, listed in ordered.items():
        if (expected := getattr(case, column)) is not None:
            assert list(listed) == expected.split(), case.why
    sets = {
        "withheld": decision.withhold,
        "safety": decision.safety,
        "follow_up": decision.follow_up,
        "info": decision.info,
    }
    for column, listed in sets.items():
        if (expected := getattr(case, column)) is not None:
            assert sorted(listed) == sorted(expected.split()), case.why
    return decision
