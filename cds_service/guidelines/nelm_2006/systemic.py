"""The systemic options and transplantation (nodes N9, N9-LOCAL, N10).

Each function answers one node of `pathway`; the questions themselves are in `rules`.
"""

from cds_service.guidelines.nelm_2006 import bases as on
from cds_service.guidelines.nelm_2006 import rules
from cds_service.guidelines.nelm_2006.finding import ask, offer, withhold
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.reasoning.graph import Basis, Finding, Findings, Kind, Outcome
from cds_service.reasoning.truth import holds, is_known

OCTREOTIDE_INPUTS = ("srs", "other_syndrome", "failed_therapies")
OPTION_QUESTIONS = frozenset({"W-MAP", "W-RESECT", "W-EMBO", "W-MIBG"})


def octreotide(needs: Needs, *basis: Basis) -> tuple[Finding, ...]:
    """Long-acting octreotide by the lines of N9 (R11, R41, R42, R44, A16, A24)."""
    if rules.failed(needs, "T-OCT").yes:
        return (withhold("T-OCT", "prior_failure"), withhold("T-IFN", "limited_benefit"))
    reasons = ["srs_negative"] if rules.receptor_positive(needs).no else []
    reasons += ["other_syndrome"] if rules.other_functioning_syndrome(needs).yes else []
    if reasons:
        return tuple(withhold("T-OCT", reason) for reason in reasons)
    return (offer("T-OCT", *basis),)


def systemic(needs: Needs, findings: Findings) -> Outcome:
    """N9: which systemic options does the text support (R41-R46)?"""
    beyond_liver = rules.extrahepatic(needs).yes
    branch = on.EXTRAHEPATIC_SYSTEMIC if beyond_liver else on.SYSTEMIC_ENTRY
    found = (
        *octreotide(needs, on.OCTREOTIDE_NEEDS_SRS, branch),
        *_mibg(needs, branch),
        *_radionuclide(needs, branch),
    )
    answer = "disease beyond the liver" if beyond_liver else "liver only"
    return Outcome(answer, (*OCTREOTIDE_INPUTS, "mibg_avid"), found)


def _mibg(needs: Needs, branch: Basis) -> tuple[Finding, ...]:
    if rules.failed(needs, "T-MIBG").yes:
        return (withhold("T-MIBG", "prior_failure"),)
    avid = holds(needs.mibg_avid)
    if avid.unknown:
        return (ask("W-MIBG", "mibg_avid"),)
    if avid.no:
        return (withhold("T-MIBG", "not_avid"),)
    return (offer("T-MIBG", on.MIBG_NEEDS_UPTAKE, branch),)


def _radionuclide(needs: Needs, branch: Basis) -> tuple[Finding, ...]:
    if rules.failed(needs, "T-PRRT").yes:
        return (withhold("T-PRRT", "prior_failure"),)
    if rules.receptor_positive(needs).no:
        return (withhold("T-PRRT", "srs_negative"),)
    return (offer("T-PRRT", on.RADIONUCLIDE_NEEDS_SRS, branch),)


def beside_local(needs: Needs, findings: Findings) -> Outcome:
    """N9-LOCAL: carcinoid syndrome beside a local treatment: octreotide too (R33, R42, A17)?"""
    if not rules.syndrome(needs).yes:
        return Outcome("no carcinoid syndrome on record", ("carcinoid_syndrome",))
    partial = rules.partial_response_to_ablation(needs).yes
    basis = on.PARTIAL_RESPONSE_OCTREOTIDE if partial else on.LOCAL_OCTREOTIDE
    found = octreotide(needs, basis, on.ABLATION_BEFORE_REST)
    return Outcome("carcinoid syndrome", ("carcinoid_syndrome", *OCTREOTIDE_INPUTS), found)


def transplantation(needs: Needs, findings: Findings) -> Outcome:
    """N10: does the clinician state that all else failed, and does every criterion hold (R47-R51, A21, A22)?"""
    if not rules.all_else_failed(needs).yes:
        return Outcome("not stated", ("other_therapies_exhausted", "liver_transplant"))
    reasons = [reason for reason, applies in _transplant_reasons(needs, findings).items() if applies]
    found = tuple(withhold("T-OLT-EVAL", reason) for reason in reasons) or (
        offer("T-OLT-EVAL", on.TRANSPLANT_CRITERIA),
    )
    inputs = (
        "other_therapies_exhausted", "age_years", "extrahepatic_disease", "hepatomegaly", "carcinoid_syndrome",
        "symptoms_controlled", "differentiation", "ki67_percent",
    )  # fmt: skip
    return Outcome("stated", inputs, (*found, *_transplant_questions(needs)))


def _transplant_reasons(needs: Needs, findings: Findings) -> dict[str, bool]:
    too_old = rules.too_old_for_transplantation(needs)
    ki67 = rules.ki67_too_high_for_transplantation(needs)
    uncontrolled = rules.symptoms_uncontrolled(needs)
    remaining = any(code.startswith("T-") for code in findings.codes(Kind.OFFER))
    remaining = remaining or bool(OPTION_QUESTIONS & set(findings.codes(Kind.ASK)))
    return {
        "age": too_old.yes,
        "age_unknown": too_old.unknown,
        "extrahepatic": rules.extrahepatic(needs).yes,
        "no_hepatomegaly": holds(needs.hepatomegaly).no,
        "hepatomegaly_unknown": holds(needs.hepatomegaly).unknown,
        "symptoms_controlled": uncontrolled.no,
        "symptoms_unknown": uncontrolled.unknown,
        "differentiation_unknown": is_known(needs.differentiation).no,
        "ki67_ge_10": ki67.yes,
        "ki67_unknown": ki67.unknown,
        "option_remaining": remaining,
    }


def _transplant_questions(needs: Needs) -> tuple[Finding, ...]:
    """What would settle a criterion that is unknown; each is asked even if another criterion fails already."""
    found: tuple[Finding, ...] = ()
    if is_known(needs.differentiation).no:
        found += (ask("W-PATH", "differentiation"),)
    if is_known(needs.hepatomegaly).no:
        found += (ask("W-HEPMEG", "hepatomegaly"),)
    if rules.syndrome(needs).yes and rules.controlled(needs).unknown:
        found += (ask("W-SYMPT", "symptoms_controlled"),)
    return found


def team_question(needs: Needs, findings: Findings) -> tuple[Basis, ...]:
    """Does a question beside the options belong to the team (A16, A24, P)? The basis of each that does."""
    negative_scan = "T-OCT:srs_negative" in findings.withheld()
    symptomatic = rules.syndrome(needs).yes and not rules.controlled(needs).yes
    questions = (
        (on.TEAM_BESIDE_OPTIONS, negative_scan and symptomatic),
        (on.OTHER_SYNDROME, rules.other_functioning_syndrome(needs).yes),
        (on.TRANSPLANTED, rules.transplanted(needs).yes),
    )
    return tuple(basis for basis, asked in questions if asked)
