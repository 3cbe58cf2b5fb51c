"""Patients for the tests, written as plain facts: what a case states, and nothing else.

The format is that of the vignettes: null is "not recorded", a number is exact. An interval is written as text, as a
laboratory or a radiologist writes it: `<2`, `>=5`, `5-20`. A complete chart stands in `BASELINE`, so that a case names
only what differs from it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any

from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.reasoning.decision import Decision, decide
from cds_service.reasoning.graph import Kind
from fhir_mappings.facts import Fact, Interval, Known, Unknown, WhyUnknown

NUMBERS = frozenset({"age_years", "ki67_percent", "lesion_count", "largest_lesion_cm", "est_cytoreduction_pct"})

UNREAD = Unknown(WhyUnknown.NOT_RETRIEVED)

# One resectable lesion of 3 cm in an adult without symptoms; the other facts are known and speak against nothing.
BASELINE: Mapping[str, Any] = {
    "age_years": 58,
    "nelm_confirmed": True,
    "primary_site": "ileum",
    "cga": "elevated",
    "platelet_serotonin": "elevated",
    "liver_imaging": "helical_ct",
    "srs": "positive",
    "ki67_percent": "3.0",
    "differentiation": "well",
    "extrahepatic_disease": False,
    "lesion_count": 1,
    "largest_lesion_cm": "3.0",
    "small_multiple_mets": False,
    "radical_resection_possible": True,
    "remnant_adequate": True,
    "lobar_predominance": True,
    "est_cytoreduction_pct": None,
    "portal_vein": "patent",
    "hepatic_failure": False,
    "biliary_anastomosis": False,
    "carcinoid_syndrome": False,
    "symptoms_controlled": None,
    "carcinoid_crisis_now": False,
    "hepatomegaly": False,
    "mibg_avid": True,
    "failed_therapies": [],
    "other_therapies_exhausted": False,
    "context": "initial",
    "response": None,
    "other_syndrome": False,
    "carcinoid_heart_disease": False,
    "liver_transplant": False,
}

# Nine lesions, the most of them in one lobe: beyond resection and ablation, so that the walk reaches N8 and N9.
EXTENSIVE: Mapping[str, Any] = {"lesion_count": 9, "radical_resection_possible": False}

# Beyond the liver, with symptoms that nothing controls: the only patients there for whom local treatment is offered.
BEYOND_LIVER: Mapping[str, Any] = {
    "extrahepatic_disease": True, "carcinoid_syndrome": True, "symptoms_controlled": False, "lesion_count": 3,
    "radical_resection_possible": False,
}  # fmt: skip

# Every criterion of N10 holds, and no other option is left.
TRANSPLANTABLE: Mapping[str, Any] = {
    "age_years": 40, "lesion_count": 12, "radical_resection_possible": False, "lobar_predominance": False,
    "carcinoid_syndrome": True, "symptoms_controlled": False, "hepatomegaly": True,
    "failed_therapies": ["T-OCT", "T-MIBG", "T-PRRT"], "other_therapies_exhausted": True,
}  # fmt: skip


def interval(text: str) -> Interval:
    """`3.0`, `<2`, `<=2`, `>5`, `>=5`, `5-20`."""
    if text.startswith("<"):
        return Interval(None, Decimal(text.lstrip("<=")), high_open=not text.startswith("<="))
    if text.startswith(">"):
        return Interval(Decimal(text.lstrip(">=")), None, low_open=not text.startswith(">="))
    low, dash, high = text.partition("-")
    return Interval(Decimal(low), Decimal(high)) if dash else Interval.point(text)


def fact(name: str, value: Any) -> Fact[Any]:
    """One plain fact as a three-valued one; what is an Unknown already stays one."""
    if isinstance(value, Unknown):
        return value
    if name == "failed_therapies":
        return Known(frozenset(value or ()))
    if value is None:
        return Unknown(WhyUnknown.NOT_RECORDED)
    return Known(interval(str(value)) if name in NUMBERS else value)


def needs(facts: Mapping[str, Any]) -> Needs:
    """The needs of exactly these facts; what is not named is not recorded."""
    read: dict[str, Any] = {name: fact(name, value) for name, value in facts.items()}
    return Needs(**read)


def chart(*differences: Mapping[str, Any], **more: Any) -> Needs:
    """The complete chart with what a case changes in it; the last word counts."""
    facts = dict(BASELINE)
    for difference in (*differences, more):
        facts.update(difference)
    return needs(facts)


def advise(*differences: Mapping[str, Any], **more: Any) -> Decision:
    """What the protocol says about the complete chart with these changes."""
    return decide(NELM_2006, chart(*differences, **more))


def words(codes: str | Iterable[str]) -> list[str]:
    """Codes as a table writes them, separated by blanks."""
    return codes.split() if isinstance(codes, str) else list(codes)


def reasons(decision: Decision, code: str) -> set[str]:
    """The reasons for which one code is withheld."""
    return {f.reason or "" for f in decision.findings if f.kind is Kind.WITHHOLD and f.code == code}
