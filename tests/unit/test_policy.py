"""The site policy: what can be set, what is refused, and what it changes."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest

from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.intake import read_chart
from cds_service.guidelines.nelm_2006.policy import DEFAULT, PolicyError, SitePolicy
from cds_service.reasoning.decision import Decision, decide
from fhir_mappings.facts import Known, Unknown
from tests.support.answers import answer_to
from tests.support.charts import NELM, observation
from tests.support.charts import chart as small_chart
from tests.support.facts import chart


def test_an_empty_policy_departs_from_nothing() -> None:
    assert SitePolicy.from_toml("") == DEFAULT
    assert DEFAULT.departures() == {}


def test_a_policy_names_its_departures() -> None:
    policy = SitePolicy.from_toml("transplant_age_limit = 60\nplatelet_serotonin = false\nimaging_counts_days = 180")
    assert policy.departures() == {"transplant_age_limit": Decimal(60), "platelet_serotonin": False}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("transplant_age_limit = 17", "transplant_age_limit: must lie from 18 to 100"),
        ("imaging_counts_days = 0.5", "imaging_counts_days: must lie from 14 to 730"),  # years by mistake
        ("imaging_counts_days = true", "imaging_counts_days: must be a number"),
        ("platelet_serotonin = 1", "platelet_serotonin: must be true or false"),
        ("imaging_days = 90", "imaging_days: no setting of this name"),
        ("ablation_limit_cm = 5", "ablation_limit_cm: no setting of this name"),  # the paper's numbers stay
        ("imaging_counts_days =", "not TOML"),
    ],
)
def test_refuses(text: str, complaint: str) -> None:
    with pytest.raises(PolicyError, match=complaint):
        SitePolicy.from_toml(text)


def test_names_every_problem_at_once() -> None:
    with pytest.raises(PolicyError) as caught:
        SitePolicy.from_toml("transplant_age_limit = 1\nsymptoms_count_days = 1")
    assert len(caught.value.problems) == 2


def _decided(policy: str, **facts: object) -> Decision:
    return decide(NELM_2006, replace(chart(**facts), policy=SitePolicy.from_toml(policy)))


def test_the_site_s_age_limit_decides_on_transplantation() -> None:
    facts = {"other_therapies_exhausted": True, "age_years": 58}
    assert "T-OLT-EVAL:age" in _decided("", **facts).withhold
    assert "T-OLT-EVAL:age" not in _decided("transplant_age_limit = 60", **facts).withhold


def test_where_there_is_no_platelet_test_urinary_5_hiaa_answers_and_says_so() -> None:
    urine = observation("loinc:1695-6", "12 mg/d")
    without_test = SitePolicy.from_toml("platelet_serotonin = false")
    assert isinstance(read_chart(small_chart(NELM, urine)).needs.platelet_serotonin, Unknown)
    fact = read_chart(small_chart(NELM, urine), without_test).needs.platelet_serotonin
    assert isinstance(fact, Known)
    assert fact.note is not None
    assert fact.note.startswith("urinary 5-HIAA")


def test_a_card_says_what_the_site_has_set_and_what_is_ours() -> None:
    policy = SitePolicy.from_toml("transplant_age_limit = 60\nplatelet_serotonin = false")
    said = answer_to(replace(chart(), policy=policy)).text
    assert "transplantation up to 60 years; urinary 5-HIAA instead of platelet serotonin." in said
    assert "Ours, not the paper's: imaging counts for 180 days, symptoms for 90." in said


def test_what_a_site_has_set_is_not_called_ours() -> None:
    policy = SitePolicy.from_toml("imaging_counts_days = 90")
    said = answer_to(replace(chart(), policy=policy)).text
    assert "Set by this site, not by the paper: imaging counts for 90 days." in said
    assert "Ours, not the paper's: symptoms for 90." in said


def test_without_a_platelet_test_the_step_asks_for_the_urine() -> None:
    policy = SitePolicy.from_toml("platelet_serotonin = false")
    asked = answer_to(replace(chart(platelet_serotonin=None), policy=policy))
    assert "Order urinary 5-HIAA" in asked.labels
    assert "Order platelet serotonin" not in asked.labels
