"""Options that the site has switched off: withheld, with that as the reason, wherever the protocol would list them.

The walk itself is not changed: what the protocol says of the patient, and why, stays to be seen.
"""

from __future__ import annotations

from cds_service.guidelines.nelm_2006 import bases as on
from cds_service.guidelines.nelm_2006 import pathway
from cds_service.guidelines.nelm_2006.finding import offer, withhold
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.reasoning.graph import Finding, Findings, Kind

REASON = "switched_off"
# What follows an operation has no sense without one (N7).
_AFTER_OPERATIONS = {"T-RADIO-ADJ": frozenset({"T-ABLATE", "T-ABLATE-EXT", "T-DEBULK"})}
_FOLLOWS_FROM_OPTIONS = (Kind.PROTECT, Kind.FOLLOW_UP)


def without_switched_off(needs: Needs, findings: Findings) -> Findings:
    """The findings without those options, nor what stood there for their sake; the team is asked where none is left."""
    if not needs.policy.switched_off:
        return findings  # as at most sites: what is offered need not be looked through
    offered = findings.codes(Kind.OFFER)
    off = {code for code in offered if code in needs.policy.switched_off}
    if not off:
        return findings
    off |= {code for code, before in _AFTER_OPERATIONS.items() if code in offered and not (before & set(offered)) - off}
    kept = Findings(_instead(finding, off) for finding in findings if finding.kind not in _FOLLOWS_FROM_OPTIONS)
    if not kept.codes(Kind.OFFER):
        return Findings((*kept, offer("R-MDT", on.SWITCHED_OFF)))
    again = (*pathway.safety(needs, kept).findings, *pathway.follow_up(needs, kept).findings)
    before = {(finding.kind, finding.code) for finding in findings}
    return Findings((*kept, *(finding for finding in again if (finding.kind, finding.code) in before)))


def _instead(finding: Finding, off: set[str]) -> Finding:
    return withhold(finding.code, REASON) if finding.kind is Kind.OFFER and finding.code in off else finding
