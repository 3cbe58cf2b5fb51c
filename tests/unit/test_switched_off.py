"""Options that a site has switched off: withheld from everybody, said so, and nothing else changed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.policy import OPTIONS, PolicyError, SitePolicy
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.decision import Decision, decide
from tests.support.answers import answer_to
from tests.support.facts import chart, needs

VIGNETTES = json.loads((Path(__file__).parents[2] / "test_fixtures" / "vignettes.json").read_text(encoding="utf-8"))
every_vignette = pytest.mark.parametrize("vignette", VIGNETTES, ids=[v["id"] for v in VIGNETTES])


def off(*codes: str) -> SitePolicy:
    return SitePolicy.from_toml(f"switched_off = {json.dumps(codes)}")


def decided(facts: dict[str, Any], policy: SitePolicy) -> Decision:
    return decide(NELM_2006, replace(needs(facts), policy=policy))


def test_every_option_that_is_ever_offered_can_be_switched_off() -> None:
    assert {code for code in texts().recommendations if code.startswith("T-")} - {"T-IFN"} == OPTIONS


@every_vignette
def test_what_is_switched_off_is_withheld_and_the_rest_stays(vignette: dict[str, Any]) -> None:
    before = decided(vignette["facts"], SitePolicy())
    for code in sorted(OPTIONS):
        after = decided(vignette["facts"], off(code))
        gone = {code} | (
            {"T-RADIO-ADJ"} if not {"T-ABLATE", "T-ABLATE-EXT", "T-DEBULK"} & set(before.treatment) - {code} else set()
        )
        kept = [other for other in before.treatment if other not in gone]
        assert list(after.treatment) == (kept or (["R-MDT"] if before.treatment else []))
        withheld = (
            [f"{one}:switched_off" for one in gone if one in before.treatment] if code in before.treatment else []
        )
        assert sorted(after.withhold) == sorted([*before.withhold, *withheld])
        same = ("state", "workup", "info", "path", "unread")
        assert all(getattr(after, name) == getattr(before, name) for name in same)
        assert set(after.safety) <= set(before.safety)
        assert set(after.follow_up) <= set(before.follow_up)


@every_vignette
def test_with_everything_switched_off_the_team_is_asked_and_no_chart_falls_silent(vignette: dict[str, Any]) -> None:
    policy = off(*sorted(OPTIONS))
    before = answer_to(needs(vignette["facts"]))
    after = answer_to(replace(needs(vignette["facts"]), policy=policy))
    assert bool(after.cards) == bool(before.cards)
    assert not any(code.startswith("T-") for code in after.decision.treatment)
    assert after.decision.state == before.decision.state
    if before.decision.treatment:
        assert after.decision.treatment[0].startswith("R-MDT")


def test_a_warning_leaves_with_the_option_that_it_guards() -> None:
    facts = {"lesion_count": 2, "largest_lesion_cm": "3.0"}
    before = decide(NELM_2006, chart(**facts))
    assert {"T-ABLATE", "S-OCT-PERI"} <= {*before.treatment, *before.safety}
    invasive = [code for code in before.treatment if code.startswith("T-") and code != "T-OCT"]
    after = decide(NELM_2006, replace(chart(**facts), policy=off(*invasive)))
    assert "S-OCT-PERI" not in after.safety


def test_what_follows_an_operation_is_not_offered_without_one() -> None:
    facts = {"lesion_count": 4, "largest_lesion_cm": "2.0", "small_multiple_mets": True, "srs": "positive"}
    before = decide(NELM_2006, chart(**facts))
    assert {"T-ABLATE", "T-RADIO-ADJ"} <= set(before.treatment)
    after = decide(NELM_2006, replace(chart(**facts), policy=off("T-ABLATE", "T-DEBULK")))
    assert "T-RADIO-ADJ" not in after.treatment
    assert "T-RADIO-ADJ:switched_off" in after.withhold


def test_with_nothing_left_the_card_does_not_say_that_the_text_has_nothing() -> None:
    said = answer_to(replace(chart(lesion_count=2, largest_lesion_cm="3.0"), policy=off(*sorted(OPTIONS)))).text
    assert "Options of the 2006 text are switched off at this site: tumour board" in said
    assert "Our own step: what the text has for this patient is switched off by this site." in said
    assert "No option of the 2006 text" not in said


def test_the_card_says_that_it_is_the_site_s_doing() -> None:
    said = answer_to(replace(chart(lesion_count=2, largest_lesion_cm="3.0"), policy=off("T-ABLATE"))).text
    assert "Withheld: ablation (switched off by this site, not by the paper)." in said
    assert "Set by this site, not by the paper: switched off: ablation." in said


@pytest.mark.parametrize(
    ("policy", "complaint"),
    [
        ('switched_off = ["S-OCT-PERI"]', "S-OCT-PERI is no option that can be switched off; these are T-ABLATE,"),
        ('switched_off = ["T-OCT", "E-CRISIS", "W-CT"]', "E-CRISIS is no option.*; switched_off: W-CT is no option"),
        ('switched_off = ["ablation for everybody"]', "an entry is no option"),
        ("switched_off = [1]", "an entry is no option"),
        ('switched_off = [["T-OCT"], {a = 1}]', "an entry is no option"),
        ('switched_off = "T-OCT"', "switched_off: must be a list of codes"),
        ("switched_off = true", "switched_off: must be a list of codes"),
    ],
)
def test_nothing_else_can_be_switched_off(policy: str, complaint: str) -> None:
    with pytest.raises(PolicyError, match=complaint):
        SitePolicy.from_toml(policy)
