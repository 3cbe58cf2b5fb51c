"""An answer takes as many instructions as it did before, whatever machine counts them."""

from __future__ import annotations

import shutil

import pytest

from tests.instruction_counts.counted import SLOWED_DOWN
from tests.instruction_counts.counting import KIND, RENEW, Record, count, read_record

USUAL = "100 resources, in scope"
RECORD = Record("a build", {"a": 1_000, "b": 1_000})


@pytest.fixture(scope="module")
def record() -> Record:
    """What was recorded; skipped where there is nothing to compare, or nothing to count with, which in CI fails."""
    if shutil.which("valgrind") is None:
        pytest.skip("valgrind is not installed")
    if (found := read_record()) is None:
        pytest.skip(f"nothing is recorded for {KIND}; {RENEW}")
    return found


@pytest.fixture(scope="module")
def counts(record: Record) -> dict[str, int]:
    """Counted once for all: it takes half a minute."""
    return count()


def test_an_answer_takes_as_many_instructions_as_recorded(record: Record, counts: dict[str, int]) -> None:
    usual = {name: instructions for name, instructions in counts.items() if name != SLOWED_DOWN}
    assert record.complaints(usual) == [], RENEW


@pytest.mark.parametrize("build", ["the same", "another"])
def test_a_full_model_per_observation_is_noticed(record: Record, counts: dict[str, int], build: str) -> None:
    slowed = dict(record.counts) | {USUAL: counts[SLOWED_DOWN]}
    (complaint,) = record.complaints(slowed, record.build if build == "the same" else "another build")
    assert complaint.startswith(USUAL)


def test_within_the_tolerance_nothing_is_said() -> None:
    assert RECORD.complaints({"a": 1_029, "b": 971}, "a build") == []


def test_dearer_and_cheaper_beyond_the_tolerance_are_both_told() -> None:
    assert RECORD.complaints({"a": 1_040, "b": 960}, "a build") == [
        "a: 1,000 instructions before, 1,040 now (+4.0%)",
        "b: 1,000 instructions before, 960 now (-4.0%)",
    ]


def test_of_another_build_only_what_is_far_dearer_is_told() -> None:
    assert RECORD.complaints({"a": 1_310, "b": 700}, "another build") == [
        "a: 1,000 instructions before, 1,310 now (+31.0%)"
    ]


def test_what_is_no_longer_counted_is_told() -> None:
    assert RECORD.complaints({"a": 1_000}, "a build") == ["counted: a; recorded: a, b"]
