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
    policy = SitePolicy.from_toml("transplant_age_limit = 60\nextended_ablation = false\nablation_limit_cm = 4.0")
    assert policy.departures() == {"transplant_age_limit": Decimal(60), "extended_ablation": False}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("transplant_age_limit = 17", "transplant_age_limit: must lie from 18 to 100"),
        ("ablation_limit_cm = 40", "ablation_limit_cm: must lie from 1 to 10"),  # millimetres by mistake
        ("ablation_limit_cm = true", "ablation_limit_cm: must be a number"),
        ("extended_ablation = 1", "extended_ablation: must be true or false"),
        ("imaging_days = 90", "imaging_days: no setting of this name"),
        ("ablation_limit_cm = 8.0", "ablation_limit_cm: must not exceed extended_ablation_limit_cm"),
        ("ablation_limit_cm =", "not TOML"),
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


@pytest.mark.parametrize(
    ("policy", "facts", "offered"),
    [
        ("", {"lesion_count": 2, "largest_lesion_cm": 4.5}, "T-ABLATE-EXT"),
        ("ablation_limit_cm = 5", {"lesion_count": 2, "largest_lesion_cm": 4.5}, "T-ABLATE"),
        ("extended_ablation_limit_cm = 8", {"lesion_count": 2, "largest_lesion_cm": 7.5}, "T-ABLATE-EXT"),
        ("ablation_most_lesions = 10", {"lesion_count": 9, "largest_lesion_cm": 3.0}, "T-ABLATE"),
    ],
)
def test_the_site_s_limits_decide(policy: str, facts: dict[str, object], offered: str) -> None:
    assert offered in _decided(policy, **facts).treatment


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
    policy = SitePolicy.from_toml("transplant_age_limit = 60\nextended_ablation = false")
    said = answer_to(replace(chart(), policy=policy)).text
    assert (
        "Set by this site, not by the paper: transplantation up to 60 years; extended ablation does not exist" in said
    )
    assert "Ours, not the paper's: imaging counts for 180 days, symptoms for 90." in said


def test_what_a_site_has_set_is_not_called_ours() -> None:
    policy = SitePolicy.from_toml("imaging_counts_days = 90")
    said = answer_to(replace(chart(), policy=policy)).text
    assert "Set by this site, not by the paper: imaging counts for 90 days." in said
    assert "Ours, not the paper's: symptoms for 90." in said
