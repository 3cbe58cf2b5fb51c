"""The site policy: what can be set, what is refused, and what it changes."""

from __future__ import annotations

import dataclasses
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from msgspec.structs import replace

from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.intake import read_chart
from cds_service.guidelines.nelm_2006.policy import DEFAULT, PolicyError, SitePolicy
from cds_service.http.answer import evaluate_request
from cds_service.http.wire import parse_request
from cds_service.reasoning.decision import Decision, decide
from cds_service.settings import Settings
from fhir_mappings.facts import Known, Unknown
from tests.support.answers import answer_to
from tests.support.charts import NELM, observation
from tests.support.charts import chart as small_chart
from tests.support.facts import chart
from tests.support.stories import story


def test_an_empty_policy_departs_from_nothing() -> None:
    assert SitePolicy.from_toml("") == DEFAULT
    assert DEFAULT.departures == {}


def test_a_policy_names_its_departures() -> None:
    policy = SitePolicy.from_toml("transplant_age_limit = 60\nplatelet_serotonin = false\nimaging_counts_days = 180")
    assert policy.departures == {"transplant_age_limit": Decimal(60), "platelet_serotonin": False}


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("transplant_age_limit = 17", "transplant_age_limit: must lie from 18 to 100"),
        ("imaging_counts_days = 0.5", "imaging_counts_days: must lie from 14 to 730"),  # years by mistake
        ("imaging_counts_days = true", "imaging_counts_days: must be a number"),
        ("platelet_serotonin = 1", "platelet_serotonin: must be true or false"),
        ("imaging_days = 90", "imaging_days: no setting of this name"),
        ("ablation_limit_cm = 40", "ablation_limit_cm: must lie from 1 to 10"),  # millimetres by mistake
        ("ablation_limit_cm = 8", "ablation_limit_cm: must not exceed extended_ablation_limit_cm"),
        ("ablation_most_lesions = 5.5", "ablation_most_lesions: must be a whole number"),
        ("cytoreduction_percent = 70", "cytoreduction_percent: no setting of this name"),  # the protocol stays
        ("imaging_counts_days =", "not TOML"),
        ('new_edition_since = "2026-12-01"', "new_edition_since: must be a day, written as 2026-12-01"),
        ("new_edition_since = 2026-12-01T00:00:00", "new_edition_since: must be a day"),
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


@pytest.mark.parametrize(
    ("policy", "facts", "treatment", "withheld"),
    [
        ("", {"largest_lesion_cm": "4.5"}, "T-ABLATE-EXT", ""),
        ("ablation_limit_cm = 4.5", {"largest_lesion_cm": "4.5"}, "T-ABLATE", ""),
        ("ablation_limit_cm = 4.5", {"largest_lesion_cm": "4.6"}, "T-ABLATE-EXT", ""),
        ("extended_ablation_limit_cm = 5", {"largest_lesion_cm": "5.0"}, "T-ABLATE-EXT", ""),
        ("extended_ablation_limit_cm = 5", {"largest_lesion_cm": "5.1"}, "", "T-ABLATE:size_gt_7cm"),
        ("extended_ablation = false", {"largest_lesion_cm": "4.0"}, "T-ABLATE", ""),
        ("extended_ablation = false", {"largest_lesion_cm": "4.1"}, "", "T-ABLATE:no_technique"),
        ("extended_ablation = false", {"largest_lesion_cm": "7.1"}, "", "T-ABLATE:size_gt_7cm"),
        ("extended_ablation = false", {"largest_lesion_cm": ">4.5"}, "", "T-ABLATE:no_technique"),
        ("ablation_most_lesions = 3", {"lesion_count": 3}, "T-ABLATE", ""),
        ("ablation_most_lesions = 3", {"lesion_count": 4}, "", "T-ABLATE:count_gt_7"),
    ],
)
def test_the_site_s_limits_of_ablation(policy: str, facts: dict[str, object], treatment: str, withheld: str) -> None:
    """A9: what can be ablated depends on what a site has; where that differs from the paper the site says so."""
    decided = _decided(policy, **({"lesion_count": 2, "largest_lesion_cm": "3.0"} | facts))
    ablations = [code for code in decided.treatment if code.startswith("T-ABLATE")]
    assert ablations == ([treatment] if treatment else [])
    assert [item for item in decided.withhold if item.startswith("T-ABLATE")] == ([withheld] if withheld else [])


@pytest.mark.parametrize("size", ["3.5-4.5", "6-8"])
def test_a_size_that_does_not_settle_the_site_s_limit_asks_for_the_map(size: str) -> None:
    decided = _decided("extended_ablation = false", lesion_count=2, largest_lesion_cm=size)
    asked = "W-MAP" in decided.workup
    assert asked == (size == "3.5-4.5")  # 6-8 cm is beyond 4 cm, whichever it is


def test_no_ablation_beside_symptoms_where_the_technique_is_missing() -> None:
    facts = {"extrahepatic_disease": True, "carcinoid_syndrome": True, "symptoms_controlled": False}
    decided = _decided("extended_ablation = false", lesion_count=2, largest_lesion_cm="5.0", **facts)
    assert "T-ABLATE:no_technique" in decided.withhold
    assert "T-ABLATE-PALL" not in decided.treatment


def test_an_option_that_rests_on_a_limit_of_the_site_says_whose_limit_it_is() -> None:
    policy = SitePolicy.from_toml("ablation_limit_cm = 5")
    facts = chart(lesion_count=2, largest_lesion_cm="4.8")
    said = answer_to(replace(facts, policy=policy)).text
    assert "Ablation (RFA or LITT, up to 5 cm)" in said
    assert "Limits set by this site; the paper has 4 cm, extended 7 cm, seven lesions (R21-R23)." in said
    assert "From the paper (R21" not in said
    assert "Set by this site, not by the paper: ablation up to 5 cm (paper: 4)." in said
    by_the_paper = answer_to(facts).text
    assert "above 4 to 7 cm" in by_the_paper
    assert "set by this site" not in by_the_paper.lower()


def test_a_reason_that_rests_on_a_limit_of_the_site_says_whose_limit_it_is() -> None:
    policy = SitePolicy.from_toml("extended_ablation = false\nablation_most_lesions = 3")
    said = answer_to(replace(chart(lesion_count=4, largest_lesion_cm="5.0"), policy=policy)).text
    assert "more than 3 lesions (limit of this site; the paper: seven, per session, R23)" in said
    assert "largest lesion above 4 cm, no extended ablation at this site (the paper: up to 7 cm where it exists" in said


@pytest.mark.parametrize(
    ("since", "said"),
    [("2026-03-03", False), ("2026-03-02", True), ("2026-01-31", True), ("2026-01-30", False)],
    ids=["tomorrow", "today", "a month ago", "longer ago"],
)
def test_a_new_edition_is_announced_for_a_month(since: str, said: bool) -> None:
    policy = SitePolicy.from_toml(f"new_edition_since = {since}")
    assert policy.departures == {}
    told = story("resectable")
    settings = dataclasses.replace(Settings(), policy=policy)
    evaluation = evaluate_request(parse_request(told.body), settings, datetime(2026, 3, 2, tzinfo=UTC))
    text = "\n".join(card["detail"] for card in evaluation.cards)
    assert (f"New here since {since}: edition {NELM_2006.edition} of these rules." in text) == said
