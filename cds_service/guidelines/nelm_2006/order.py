"""The order in which the protocol's codes are listed, and the state that a walk settles."""

from cds_service.guidelines.nelm_2006 import rules
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.reasoning.graph import Kind, Walk

WORKUP = (
    "W-PRIM", "W-CGA", "W-SEROT", "W-SYMPT", "W-CT", "W-SRS", "W-KI67", "W-PATH", "W-EXTRA", "W-MAP", "W-RESECT",
    "W-EMBO", "W-MIBG", "W-HEPMEG",
)  # fmt: skip

_RESECTION = ("T-RESECT", "T-RESECT-POSTEMBO")
_ABLATION = ("T-ABLATE", "T-ABLATE-EXT")
_EMBOLISATION = ("T-EMBO", "T-EMBO-AGAIN")
_TEAM = ("R-MDT",)

# An open one of these makes the advice provisional; an open W-PRIM, W-CGA or W-SEROT does not.
MAKES_PROVISIONAL = frozenset({
    "W-SYMPT", "W-KI67", "W-PATH", "W-MAP", "W-RESECT", "W-EMBO", "W-MIBG", "W-HEPMEG",
})  # fmt: skip


def treatment_order(needs: Needs) -> tuple[str, ...]:
    """The order of listing for this patient (A4, A19): an order of listing, not of time."""
    if rules.extrahepatic(needs).yes:
        # With disease beyond the liver systemic options come first (I).
        return (
            "R-MDT-HG",
            "T-OCT",
            "T-MIBG",
            "T-PRRT",
            "T-ABLATE-PALL",
            *_EMBOLISATION,
            "T-OLT-EVAL",
            *_TEAM,
        )
    local = (*_ABLATION, *_RESECTION) if rules.ablation_comes_first(needs).yes else (*_RESECTION, *_ABLATION)
    symptomatic = rules.syndrome(needs).yes
    middle = (*_EMBOLISATION, "T-OCT") if symptomatic else ("T-OCT", *_EMBOLISATION)
    rest = ("T-MIBG", "T-PRRT", "T-OLT-EVAL")
    return ("R-MDT-HG", *local, "T-DEBULK", "T-RADIO-ADJ", *middle, *rest, *_TEAM)


def state_of(walk: Walk) -> str:
    """The state of a decision: settled on the way, stopped, provisional while a question is open, or treat."""
    if walk.state is not None:
        return walk.state
    if walk.stopped:
        return "workup"
    return "provisional" if MAKES_PROVISIONAL & set(walk.findings.codes(Kind.ASK)) else "treat"
