"""What the 2006 protocol asks about a patient, each a three-valued fact.

The field names are the names of the plain-facts format (`nelm-cds assess`, docs) and of `decision.inputs`.
Units: percent, centimetres, completed years.
"""

from __future__ import annotations

from collections.abc import Iterator
from operator import attrgetter
from typing import Any

from msgspec import Struct, field

from cds_service.guidelines.nelm_2006.policy import DEFAULT, SitePolicy
from fhir_mappings.facts import Fact, Interval, Known, Unknown, WhyUnknown

NOT_RECORDED = Unknown(WhyUnknown.NOT_RECORDED)


def _none_failed() -> Fact[frozenset[str]]:
    """Silence about failed therapies: none failed (A22); every other input has no default but "not recorded"."""
    return Known(frozenset())


class Needs(Struct, frozen=True, kw_only=True):
    """The inputs of `docs/guidelines/nelm-2006.md`, every one of which may be Unknown, and the site's policy."""

    age_years: Fact[Interval] = NOT_RECORDED
    nelm_confirmed: Fact[bool] = NOT_RECORDED
    primary_site: Fact[str] = NOT_RECORDED
    cga: Fact[str] = NOT_RECORDED
    platelet_serotonin: Fact[str] = NOT_RECORDED
    liver_imaging: Fact[str] = NOT_RECORDED
    srs: Fact[str] = NOT_RECORDED
    ki67_percent: Fact[Interval] = NOT_RECORDED
    differentiation: Fact[str] = NOT_RECORDED
    extrahepatic_disease: Fact[bool] = NOT_RECORDED
    lesion_count: Fact[Interval] = NOT_RECORDED
    largest_lesion_cm: Fact[Interval] = NOT_RECORDED
    small_multiple_mets: Fact[bool] = NOT_RECORDED
    radical_resection_possible: Fact[bool] = NOT_RECORDED
    remnant_adequate: Fact[bool] = NOT_RECORDED
    lobar_predominance: Fact[bool] = NOT_RECORDED
    est_cytoreduction_pct: Fact[Interval] = NOT_RECORDED
    portal_vein: Fact[str] = NOT_RECORDED
    hepatic_failure: Fact[bool] = NOT_RECORDED
    biliary_anastomosis: Fact[bool] = NOT_RECORDED
    carcinoid_syndrome: Fact[bool] = NOT_RECORDED
    symptoms_controlled: Fact[bool] = NOT_RECORDED
    carcinoid_crisis_now: Fact[bool] = NOT_RECORDED
    hepatomegaly: Fact[bool] = NOT_RECORDED
    mibg_avid: Fact[bool] = NOT_RECORDED
    failed_therapies: Fact[frozenset[str]] = field(default_factory=_none_failed)
    other_therapies_exhausted: Fact[bool] = NOT_RECORDED
    context: Fact[str] = NOT_RECORDED
    response: Fact[str] = NOT_RECORDED
    other_syndrome: Fact[bool] = NOT_RECORDED
    carcinoid_heart_disease: Fact[bool] = NOT_RECORDED
    liver_transplant: Fact[bool] = NOT_RECORDED
    policy: SitePolicy = DEFAULT  # not a fact: the limits by which the facts are judged

    def facts(self) -> Iterator[tuple[str, Fact[Any]]]:
        """Name and fact of every input, in the order declared."""
        return zip(_NAMES, _VALUES(self), strict=True)

    def fact(self, name: str) -> Fact[Any]:
        """The fact of one input by its name."""
        found: Fact[Any] = getattr(self, name)
        return found


_NAMES = tuple(name for name in Needs.__struct_fields__ if name != "policy")
_VALUES = attrgetter(*_NAMES)  # every decision reads all of them
