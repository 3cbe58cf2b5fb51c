"""The worked cases that come with the protocol, each with all its expected lists."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.reasoning.decision import decide
from tests.support.facts import needs

VIGNETTES = json.loads((Path(__file__).parents[2] / "test_fixtures" / "vignettes.json").read_text(encoding="utf-8"))

ORDERED = ("workup", "treatment")
SETS = ("info", "safety", "follow_up", "withhold")


@pytest.mark.parametrize("vignette", VIGNETTES, ids=[f"{v['id']} {v['title']}" for v in VIGNETTES])
def test_the_protocol_answers_the_vignette(vignette: dict[str, Any]) -> None:
    decision = decide(NELM_2006, needs(vignette["facts"]))
    expected = vignette["expected"]
    assert set(expected) == {"state", *ORDERED, *SETS}
    assert decision.state == expected["state"], vignette["rationale"]
    for name in ORDERED:
        assert list(getattr(decision, name)) == expected[name], vignette["rationale"]
    for name in SETS:
        assert sorted(getattr(decision, name)) == sorted(expected[name]), vignette["rationale"]


@pytest.mark.verifies("R57")
def test_the_papers_own_patient_gets_the_papers_treatment() -> None:
    """Figure 1: a man of 34, pancreatic primary, lesions of 4.7 and 2.0 cm in segment VII, treated by LITT."""
    decision = decide(
        NELM_2006,
        needs({
            "age_years": 34, "nelm_confirmed": True, "primary_site": "pancreas", "cga": "elevated",
            "platelet_serotonin": "normal", "liver_imaging": "helical_ct", "srs": "positive", "ki67_percent": "3",
            "extrahepatic_disease": False, "lesion_count": 2, "largest_lesion_cm": "4.7", "carcinoid_syndrome": False,
        }),
    )  # fmt: skip
    assert decision.treatment == ("T-ABLATE-EXT",)
    assert decision.withhold == ("T-RESECT:multiple",)
