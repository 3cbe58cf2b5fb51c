"""How each option stands to the paper (protocol 4.3, M4): from it, inferred from it, or a step of our own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from tests.support.answers import answer
from tests.support.facts import BEYOND_LIVER, EXTENSIVE, TRANSPLANTABLE

SYNDROME: Mapping[str, Any] = {"carcinoid_syndrome": True, "symptoms_controlled": False}
EMBOLISED: Mapping[str, Any] = {**EXTENSIVE, "context": "post_embolisation", "response": "partial"}
ADJUVANT: Mapping[str, Any] = {"lesion_count": 3, "small_multiple_mets": True}
PARTLY_ABLATED: Mapping[str, Any] = {
    **SYNDROME, "lesion_count": 2, "context": "post_ablation", "response": "partial",
}  # fmt: skip
DEBULKABLE: Mapping[str, Any] = {**EXTENSIVE, "est_cytoreduction_pct": "95"}

# The step is explicit only where each basis is; otherwise the card says from which rules it is inferred (4.3).
STANDINGS: tuple[tuple[str, Mapping[str, Any], str], ...] = (
    ("T-RESECT", {}, "From the paper (R15, R16, R19): *consider*; *treatment of choice*."),
    ("T-ABLATE", {}, "From the paper (R18): *should be considered* also where resection is possible."),
    ("T-ABLATE", {"lesion_count": 3}, 'From the paper (R21, R23, R25): *may be ablated*, "we aim at" complete'),
    ("T-ABLATE", {"lesion_count": 3, "context": "recurrence"}, "From the paper (R56): *especially suitable for repeat"),
    ("T-ABLATE", {"context": "post_embolisation", "response": "good"}, "Inferred from R18: *should be considered*"),
    ("T-ABLATE", {"context": "post_embolisation", "response": "none"}, "Inferred from R39: *could be an option*"),
    ("T-ABLATE-EXT", {"lesion_count": 3, "largest_lesion_cm": 5}, 'From the paper (R22): one centre\'s experience,'),
    ("T-ABLATE-PALL", BEYOND_LIVER, "From the paper (R27): *may*."),
    ("T-DEBULK", DEBULKABLE, "Inferred from R20, R24: *accepted approach* (surgical, for hormonal symptoms)"),
    ("T-RADIO-ADJ", ADJUVANT, "From the paper (R31, R32): *can be combined with*."),
    ("T-EMBO", EXTENSIVE, "Inferred from R34: *palliative option*"),
    ("T-EMBO-AGAIN", EMBOLISED, "Inferred from R39: *could be an option* after partial or no response"),
    ("T-RESECT-POSTEMBO", {"context": "post_embolisation", "response": "good"}, "Inferred from R40: *may be"),
    ("T-OCT", EXTENSIVE, "From the paper (R11, R41): *should be attempted*."),
    ("T-OCT", {**EXTENSIVE, **SYNDROME}, "From the paper (R11, R41, R42): *should be attempted*; for the syndrome"),
    ("T-OCT", SYNDROME, "From the paper (R11, R42): for the syndrome *appears to be an efficacious treatment*."),
    ("T-OCT", PARTLY_ABLATED, "From the paper (R33"),
    ("T-OCT", {**BEYOND_LIVER, "carcinoid_syndrome": False}, "Inferred from R11, R41: *should be attempted*, said"),
    ("T-OCT", {**SYNDROME, "ki67_percent": 60}, "Inferred from R11, R42: for the syndrome"),
    ("T-MIBG", EXTENSIVE, "Inferred from R41, R43: *should be attempted*, said of extensive metastases."),
    ("T-PRRT", EXTENSIVE, "Inferred from R46: promising, experimental in 2006."),
    ("T-OLT-EVAL", TRANSPLANTABLE, "From the paper (R47, R48, R49): in metastatic disease"),
    ("R-MDT-HG", {"ki67_percent": 60}, "Inferred from R1: refer."),
    ("R-MDT", {"age_years": 9}, "Our own step: the paper's patients are adults."),
    ("R-MDT", {**EXTENSIVE, "other_syndrome": True}, "Our own step (A24): another hormone syndrome is recorded"),
    ("R-MDT", {**EXTENSIVE, "liver_transplant": True}, "Our own step: the liver has been transplanted"),
    ("R-MDT", {**EXTENSIVE, **SYNDROME, "srs": "negative"}, "Inferred (A16): octreotide is withheld"),
    ("R-MDT", {**TRANSPLANTABLE, "other_therapies_exhausted": False}, 'Inferred from R52 ("must be tailored for each'),
)  # fmt: skip


@pytest.mark.verifies("M4", "R25")
@pytest.mark.parametrize(("code", "facts", "standing"), STANDINGS)
def test_every_option_says_how_it_stands_to_the_paper(code: str, facts: Mapping[str, Any], standing: str) -> None:
    assert standing in answer(facts).card_with(code).detail


@pytest.mark.verifies("M4")
def test_the_standings_name_every_option() -> None:
    from cds_service.guidelines.nelm_2006.recommendations import texts

    offered = {code for code in texts().recommendations if code.startswith(("T-", "R-"))}
    assert {code for code, _, _ in STANDINGS} == offered - {"T-IFN"}, "interferon is only ever withheld"
