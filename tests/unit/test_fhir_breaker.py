"""The circuit breaker: what opens it, what never does, and how it closes."""

from __future__ import annotations

import pytest

from cds_service.fhir_client.breaker import Admission, Breaker, CallRecord

BOTH = frozenset({"Patient", "Condition"})


class Clock:
    """Seconds that pass when told."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def clock() -> Clock:
    """A clock at zero."""
    return Clock()


@pytest.fixture
def breaker(clock: Clock) -> Breaker:
    """Opens after three failures, for five seconds."""
    return Breaker(3, 5.0, clock)


def silent(patient: str, types: frozenset[str] = BOTH) -> CallRecord:
    """A call that got no answer."""
    return CallRecord(patient, types, sent=True)


def unconnected() -> CallRecord:
    """A call that got no connection."""
    return CallRecord("p1", BOTH, sent=True, unconnected=True)


def answered() -> CallRecord:
    """A call that got an answer, of whatever status."""
    return CallRecord("p1", BOTH, sent=True, answered=True)


def fail(breaker: Breaker, *records: CallRecord) -> None:
    """Calls that are let through and fail."""
    for record in records:
        admission = breaker.admit()
        assert admission is Admission.NORMAL
        breaker.settle(admission, record)


def test_calls_of_several_patients_without_answer_open_it(breaker: Breaker) -> None:
    fail(breaker, silent("p1"), silent("p2"), silent("p3"))
    assert breaker.admit() is Admission.REFUSED


def test_calls_without_connection_open_it_whoever_the_patient_is(breaker: Breaker) -> None:
    fail(breaker, unconnected(), unconnected(), unconnected())
    assert breaker.admit() is Admission.REFUSED


def test_one_patient_never_opens_it(breaker: Breaker) -> None:
    fail(breaker, *[silent("p1")] * 20)
    assert breaker.admit() is Admission.NORMAL


def test_one_resource_type_never_opens_it(breaker: Breaker) -> None:
    fail(breaker, *[silent(f"p{n}", frozenset({"ImagingStudy"})) for n in range(20)])
    assert breaker.admit() is Admission.NORMAL


@pytest.mark.parametrize(
    "between", [answered(), CallRecord("p1", BOTH, sent=True, answered=True, unconnected=True)], ids=["all", "some"]
)
def test_an_answer_between_failures_starts_the_count_anew(breaker: Breaker, between: CallRecord) -> None:
    fail(breaker, unconnected(), unconnected(), between, unconnected(), unconnected())
    assert breaker.admit() is Admission.NORMAL


def test_a_call_that_never_got_its_turn_tells_nothing(breaker: Breaker) -> None:
    fail(breaker, *[CallRecord(f"p{n}", BOTH) for n in range(20)])
    assert breaker.admit() is Admission.NORMAL


def open_it(breaker: Breaker) -> None:
    """Open it."""
    fail(breaker, unconnected(), unconnected(), unconnected())


def test_after_the_pause_one_call_tries_and_the_others_wait_for_it(breaker: Breaker, clock: Clock) -> None:
    open_it(breaker)
    clock.seconds = 4.9
    assert breaker.admit() is Admission.REFUSED
    clock.seconds = 5.0
    assert breaker.admit() is Admission.PROBE
    assert breaker.admit() is Admission.REFUSED


def test_a_probe_that_is_answered_closes_it(breaker: Breaker, clock: Clock) -> None:
    open_it(breaker)
    clock.seconds = 5.0
    breaker.settle(breaker.admit(), answered())
    assert breaker.admit() is Admission.NORMAL
    fail(breaker, unconnected(), unconnected())
    assert breaker.admit() is Admission.NORMAL


def test_a_probe_that_fails_opens_it_for_another_pause(breaker: Breaker, clock: Clock) -> None:
    open_it(breaker)
    clock.seconds = 5.0
    breaker.settle(breaker.admit(), silent("p1"))
    clock.seconds = 9.9
    assert breaker.admit() is Admission.REFUSED
    clock.seconds = 10.0
    assert breaker.admit() is Admission.PROBE


def test_a_probe_that_is_cancelled_leaves_the_trial_to_the_next(breaker: Breaker, clock: Clock) -> None:
    open_it(breaker)
    clock.seconds = 5.0
    breaker.release(breaker.admit())
    assert breaker.admit() is Admission.PROBE


def test_a_call_from_before_that_fails_late_changes_nothing(breaker: Breaker, clock: Clock) -> None:
    before = breaker.admit()
    open_it(breaker)
    clock.seconds = 4.0
    breaker.settle(before, silent("p9"))
    clock.seconds = 5.0
    assert breaker.admit() is Admission.PROBE


def test_a_record_shows_no_patient() -> None:
    assert "p1" not in repr(silent("p1"))
