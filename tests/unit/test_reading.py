"""Several recordings make one fact: the latest wins, conflicts show, old ones no longer count."""

from __future__ import annotations

from itertools import permutations

import pytest

from fhir_mappings.dates import parse_date
from fhir_mappings.facts import Fact, Known, Source, Unknown, WhyUnknown
from fhir_mappings.reading import Reading, Recency, hardest_to_outrank, latest, reconcile, sources_of
from tests.support.charts import AS_OF, said


def at(date: str | None, what: str) -> Reading[str]:
    """`?too_old` is an Unknown, anything else a value; the source is named by date and value."""
    sources = (Source(f"Observation/{what}", date),)
    fact: Fact[str] = Unknown(WhyUnknown(what[1:]), sources) if what.startswith("?") else Known(what, sources)
    return Reading(fact, parse_date(date))


def row(text: str) -> list[Reading[str]]:
    """`2026-03-01 yes, - no`: a list of readings; a hyphen is "no date"."""
    parts = [part.split() for part in text.split(",") if part.strip()]
    return [at(None if date == "-" else date, what) for date, what in parts]


LATEST = [
    ("", "?not_recorded", "nothing there"),
    ("2026-03-01 yes", "yes", "one"),
    ("2026-03-01 yes, 2026-02-01 no", "yes", "the latest wins"),
    ("2026-03-01 yes, 2026-03-01 yes", "yes", "twice the same"),
    ("2026-03-01 yes, 2026-03-01 no", "?conflicting", "the same day, different meaning"),
    ("2026-03-01T09:00:00Z yes, 2026-03-01T10:00:00Z no", "no", "the same day, with times"),
    ("2026-03-01 yes, 2026-03-01T10:00:00Z no", "?conflicting", "a bare day and a time of it"),
    ("2026 yes, 2026-02-01 no", "?conflicting", "a year that may be later"),
    ("2025 yes, 2026-02-01 no", "no", "a year that cannot"),
    ("- yes, 2026-02-01 no", "?conflicting", "an undated one may be later"),
    ("- yes, 2026-02-01 yes", "yes", "and agrees"),
    ("- yes", "yes", "undated alone"),
    ("2027-01-01 yes", "?future_date", "only in the future"),
    ("2027-01-01 yes, 2026-01-01 no", "?conflicting", "when the one of the future was made, nobody knows"),
    ("2027-01-01 no, 2026-01-01 no", "no", "it agrees"),
    ("2026-03-01 ?data_absent, 2026-02-01 no", "no", "no value does not hide a value"),
    ("2026-03-01 ?result_missing, 2026-02-01 no", "no", "nor does an empty row"),
    ("2026-03-01 ?data_absent", "?data_absent", "no value alone"),
    ("2026-03-01 ?unit_not_understood, 2026-02-01 no", "?unit_not_understood", "a result that is not understood does"),
    ("2026-03-01 ?unit_not_understood, 2026-03-01 no", "?conflicting", "on the same day neither stands"),
    ("2026-03-01 ?malformed, 2026-03-01 ?unit_not_understood", "?malformed", "two reasons: always the same one"),
]


@pytest.mark.parametrize(("readings", "expected", "why"), LATEST)
def test_the_reading_that_holds(readings: str, expected: str, why: str) -> None:
    for order in permutations(row(readings)):
        assert said(latest(order, AS_OF).fact) == expected, why


def test_a_conflict_names_both_sources() -> None:
    fact = latest(row("2026-03-01 yes, 2026-03-01 no"), AS_OF).fact
    assert [source.reference for source in fact.sources] == ["Observation/no", "Observation/yes"]


EMBOLISED = at("2026-02-10", "embolisation")


@pytest.mark.parametrize(
    ("date", "treatment", "expected", "why"),
    [
        ("2025-09-03", None, "yes", "180 days"),
        ("2025-09-02", None, "?too_old", "181 days"),
        ("2025-09", None, "?too_vague", "a month that straddles the limit"),
        ("2025-08", None, "?too_old", "a month beyond it"),
        (None, None, "?date_unknown", "no date where the rule needs one"),
        ("2026-02-11", EMBOLISED, "yes", "after the treatment"),
        ("2026-02-09", EMBOLISED, "?too_old", "before it"),
        ("2026-02-10", EMBOLISED, "?too_vague", "on the same day"),
        ("2026-02", EMBOLISED, "?too_vague", "in the same month"),
        ("2026-02-09", at(None, "embolisation"), "yes", "a treatment without a date bounds nothing"),
        ("2026-02-09", at("2026-02-10", "?malformed"), "yes", "nor does one that was not read"),
    ],
)
def test_an_old_recording_no_longer_counts(
    date: str | None, treatment: Reading[str] | None, expected: str, why: str
) -> None:
    assert said(latest([at(date, "yes")], AS_OF, Recency(180, treatment)).fact) == expected, why


def test_a_recording_before_the_treatment_names_both() -> None:
    fact = latest([at("2026-02-09", "yes")], AS_OF, Recency(180, EMBOLISED)).fact
    assert isinstance(fact, Unknown)
    assert fact.note == "before the embolisation of 2026-02-10"
    assert [source.reference for source in fact.sources] == ["Observation/yes", "Observation/embolisation"]


@pytest.mark.parametrize(
    ("reason", "expected", "why"),
    [
        ("?indeterminate", "?too_old", "a clinician looked, long ago"),
        ("?unit_not_understood", "?unit_not_understood", "the reason says more than the age"),
    ],
)
def test_an_old_answer_without_a_value(reason: str, expected: str, why: str) -> None:
    assert said(latest([at("2024-01-01", reason)], AS_OF, Recency(180)).fact) == expected, why


RECONCILE = [
    ("2026-02-01 no", "- ?not_recorded", "no", "nothing speaks against the assessment"),
    ("- ?not_recorded", "2026-02-01 yes", "yes", "no assessment"),
    ("2026-02-01 ?too_old", "2026-01-01 yes", "yes", "an assessment that no longer counts"),
    ("2026-02-02 no", "2026-02-01 yes", "no", "strictly later: the assessment outranks"),
    ("2026-02-01 no", "2026-02-01 yes", "?conflicting", "the same day"),
    ("2026-02-01 no", "2026-02-02 yes", "yes", "recorded after the assessment"),
    ("2026-02-01 no", "- yes", "?conflicting", "a contradiction without any date"),
    ("- no", "2026-02-01 yes", "?conflicting", "an assessment without any date"),
    ("2026-02-01 no", "2026 yes", "?conflicting", "a year that may be later"),
    ("2026-02-01 yes", "2026-02-01 yes", "yes", "they agree"),
    ("2026-02-01 yes", "- yes", "yes", "and agree without a date"),
    ("2026-02-01 no", "2026-02-02 ?unconfirmed", "?unconfirmed", "a suspicion after the assessment"),
    ("2026-02-02 no", "2026-02-01 ?unconfirmed", "no", "a suspicion before it"),
    ("2026-02-01 ?conflicting", "2026-01-01 yes", "?conflicting", "contradicting assessments are no silence"),
    ("2026-02-01 ?conflicting", "2026-02-02 yes", "yes", "what was recorded after them stands"),
    ("2026-02-01 ?indeterminate", "- ?not_recorded", "?indeterminate", "an answer of its own"),
]


@pytest.mark.parametrize(("assessed", "derived", "expected", "why"), RECONCILE)
def test_an_assessment_against_what_other_resources_say(assessed: str, derived: str, expected: str, why: str) -> None:
    (a,), (d,) = row(assessed), row(derived)
    assert said(reconcile(a, d).fact) == expected, why


def test_agreement_and_conflict_name_both_sources() -> None:
    (a, d) = row("2026-02-01 yes, 2026-01-01 yes")
    assert reconcile(a, d).fact.sources == sources_of([a, d])
    (a, d) = row("2026-02-01 yes, 2026-02-01 no")
    assert reconcile(a, d).fact.sources == sources_of([a, d])


def test_sources_are_named_once_and_in_a_stable_order() -> None:
    found = sources_of(row("2026-02-01 b, 2026-01-01 a, 2026-02-01 b, - c"))
    assert [source.reference for source in found] == ["Observation/c", "Observation/a", "Observation/b"]


@pytest.mark.parametrize(
    ("readings", "expected", "why"),
    [
        ("", "?not_recorded", "nothing there"),
        ("2026-02-01 ?degree_not_stated, 2026-01-01 ?history_of", "?degree_not_stated", "the latest"),
        ("- ?history_of, 2026-01-01 ?degree_not_stated", "?history_of", "an undated one"),
    ],
)
def test_of_unclear_findings_the_hardest_to_outrank_stands(readings: str, expected: str, why: str) -> None:
    for order in permutations(row(readings)):
        assert said(hardest_to_outrank(order).fact) == expected, why
