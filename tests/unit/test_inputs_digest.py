"""What makes the inputs of an answer the same as before: what was asked and found, not from which record it came."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from cds_service.http.recording import inputs_digest
from cds_service.reasoning.decision import Decision
from fhir_mappings.facts import Fact, Known, Source, Unknown, WhyUnknown
from tests.support.answers import answer

KEY = bytes(32)
DECISION = answer().decision
ASKED = {name for step in DECISION.steps for name in step.inputs}


def with_input(name: str, fact: Fact[Any]) -> Decision:
    return replace(DECISION, inputs={**DECISION.inputs, name: fact})


def test_the_value_of_an_input_that_was_asked_about_counts() -> None:
    facts: list[Fact[Any]] = [
        Known(True), Known(False), Unknown(WhyUnknown.NOT_RECORDED), Unknown(WhyUnknown.TOO_OLD),
        Known(str(WhyUnknown.NOT_RECORDED)),
    ]  # fmt: skip
    assert "extrahepatic_disease" in ASKED
    assert len({inputs_digest(with_input("extrahepatic_disease", fact), KEY) for fact in facts}) == len(facts)


def test_an_input_that_no_step_asked_about_does_not_count() -> None:
    (name, *_) = sorted(DECISION.inputs.keys() - ASKED)
    assert inputs_digest(with_input(name, Known("another")), KEY) == inputs_digest(DECISION, KEY)


def test_where_it_was_read_does_not_count() -> None:
    elsewhere = (Source("Observation/measured-again", "2026-02-27"),)
    again = {name: replace(fact, sources=elsewhere, note="again") for name, fact in DECISION.inputs.items()}
    assert inputs_digest(replace(DECISION, inputs=again), KEY) == inputs_digest(DECISION, KEY)


def test_edition_path_and_key_count() -> None:
    others = [replace(DECISION, edition="2007.1"), replace(DECISION, steps=DECISION.steps[:-1])]
    digests = [*(inputs_digest(each, KEY) for each in (DECISION, *others)), inputs_digest(DECISION, b"1" * 32)]
    assert len(set(digests)) == 4
