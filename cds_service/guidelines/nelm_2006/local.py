"""The local options of the protocol: resection, ablation, cytoreduction, embolisation (nodes N5-LOCAL to N8).

Each function answers one node of `pathway`; the questions themselves are in `rules`.
"""

from collections.abc import Mapping

from cds_service.guidelines.nelm_2006 import bases as on
from cds_service.guidelines.nelm_2006 import rules
from cds_service.guidelines.nelm_2006.finding import ask, offer, withhold
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.reasoning.graph import Basis, Finding, Findings, Kind, Outcome
from cds_service.reasoning.truth import NO, UNKNOWN, Truth, any_of, equals, holds, is_known

ABLATION_INPUTS = ("lesion_count", "largest_lesion_cm", "failed_therapies")
RESECTION_INPUTS = (
    "lesion_count", "small_multiple_mets", "radical_resection_possible", "remnant_adequate", "hepatic_failure",
)  # fmt: skip
EMBOLISATION_INPUTS = (
    "lobar_predominance", "portal_vein", "hepatic_failure", "biliary_anastomosis", "failed_therapies",
)  # fmt: skip


def ablation_reasons(needs: Needs) -> tuple[Finding, ...]:
    """Every reason that closes ablation (R21-R23, A9, A22); a technique that the site has not is ours (P)."""
    too_large = rules.beyond_extended_ablation(needs)
    reasons = {
        "count_gt_7": rules.too_many_lesions(needs),
        "size_gt_7cm": too_large,
        "no_technique": NO if too_large.yes else rules.beyond_ablation_here(needs),
        "prior_failure": rules.ablation_failed(needs),
    }
    return tuple(withhold("T-ABLATE", reason) for reason, truth in reasons.items() if truth.yes)


def limits_not_settled(needs: Needs) -> tuple[str, ...]:
    """The measurements that do not tell whether the liver is within the limits of ablation."""
    return _not_known({
        "lesion_count": rules.too_many_lesions(needs),
        "largest_lesion_cm": rules.beyond_ablation_here(needs),
    })  # fmt: skip


def ablation_not_settled(needs: Needs) -> tuple[str, ...]:
    """The measurements without which ablation can be neither offered, in the tier that fits, nor withheld."""
    tier_unknown = UNKNOWN if rules.within_ordinary_ablation(needs).unknown else NO
    return _not_known({
        "lesion_count": rules.too_many_lesions(needs),
        "largest_lesion_cm": any_of(rules.beyond_ablation_here(needs), tier_unknown),
    })  # fmt: skip


def unmapped(needs: Needs) -> tuple[str, ...]:
    """Number and size of the lesions, each that is unknown or too vague for N6 and N7: what W-MAP asks in full."""
    count = _not_known({"lesion_count": rules.several_lesions(needs)})
    return tuple(dict.fromkeys((*count, *ablation_not_settled(needs))))


def _not_known(truths: Mapping[str, Truth]) -> tuple[str, ...]:
    return tuple(name for name, truth in truths.items() if truth.unknown)


def _response_not_known(needs: Needs) -> tuple[str, ...]:
    """The response to an embolisation, if it is to be asked for."""
    return ("response",) if rules.after_embolisation(needs).yes and is_known(needs.response).no else ()


def ablation_offer(needs: Needs, *branch: Basis) -> Finding:
    """The tier that the largest lesion calls for (R21, R22)."""
    code = "T-ABLATE" if rules.within_ordinary_ablation(needs).yes else "T-ABLATE-EXT"
    return offer(code, on.ABLATION_TIERS, *branch)


def palliation(needs: Needs, findings: Findings) -> Outcome:
    """N5-LOCAL: with extrahepatic disease, local treatment for symptoms only (R27, A5, A6, A30)."""
    asked = ("carcinoid_syndrome", "symptoms_controlled")
    match rules.syndrome(needs):
        case Truth.NO:
            return Outcome("no symptoms", asked, (withhold("T-ABLATE", "extrahepatic_asymptomatic"),))
        case Truth.UNKNOWN:
            # Whether symptoms are controlled is a question only where there are symptoms.
            return Outcome("not known", asked, (ask("W-SYMPT", "carcinoid_syndrome"),))
    match rules.controlled(needs):
        case Truth.YES:
            return Outcome("controlled", asked, (withhold("T-ABLATE", "symptoms_controlled"),))
        case Truth.UNKNOWN:
            return Outcome("not known", asked, (ask("W-SYMPT", "symptoms_controlled"),))
    inputs = (*asked, *ABLATION_INPUTS)
    if reasons := ablation_reasons(needs):
        return Outcome("beyond the limits of ablation", inputs, reasons)
    if open_inputs := limits_not_settled(needs):
        return Outcome("lesions not mapped", inputs, (ask("W-MAP", *open_inputs),))
    return Outcome("within the limits of ablation", inputs, (offer("T-ABLATE-PALL", on.EXTRAHEPATIC_ABLATION),))


def resection(needs: Needs, findings: Findings) -> Outcome:
    """N6: is radical resection feasible (R15, R16, R19, A4, A8)?"""
    response = _response_not_known(needs)
    if rules.after_embolisation(needs).yes and not response:
        return Outcome("embolised, response known", ("context", "response"))
    if rules.several_lesions(needs).unknown:
        questions = (ask("W-MAP", *unmapped(needs), *response),)
        return Outcome("number of lesions not known", ("lesion_count",), questions)
    found: tuple[Finding, ...] = (ask("W-MAP", *response),) if response else ()
    if any_of(rules.several_lesions(needs), rules.small_multiple(needs)).yes:
        found = (*found, withhold("T-RESECT", "multiple"))
        return Outcome("several lesions", ("lesion_count", "small_multiple_mets"), found)
    return _solitary(needs, found)


def _solitary(needs: Needs, found: tuple[Finding, ...]) -> Outcome:
    reasons = resection_reasons(needs)
    if reasons:
        return Outcome("not radical or too little liver left", RESECTION_INPUTS, (*found, *reasons))
    if open_inputs := _resection_not_settled(needs):
        return Outcome("not yet known", RESECTION_INPUTS, (*found, ask("W-RESECT", *open_inputs)))
    return Outcome("resectable", RESECTION_INPUTS, (*found, offer("T-RESECT", on.RESECTABLE, on.LIVER_ONLY)))


def resection_reasons(needs: Needs) -> tuple[Finding, ...]:
    """Why one lesion cannot be resected, each reason that holds (R16)."""
    reasons = {
        "not_radical": rules.radically_resectable(needs).no,
        "remnant": rules.remnant_adequate(needs).no,
    }
    return tuple(withhold("T-RESECT", reason) for reason, holds in reasons.items() if holds)


def _resection_not_settled(needs: Needs) -> tuple[str, ...]:
    return _not_known({
        "radical_resection_possible": rules.radically_resectable(needs),
        "remnant_adequate": rules.remnant_adequate(needs),
    })  # fmt: skip


def ablation(needs: Needs, findings: Findings) -> Outcome:
    """N7: ablatable? And, whether or not, is cytoreduction on the table (R18, R20-R25, A8-A11)?"""
    resectable = "T-RESECT" in findings.codes(Kind.OFFER)
    if resectable:
        return _beside_resection(needs, on.BESIDE_RESECTION)
    reasons = ablation_reasons(needs)
    if not reasons and (open_inputs := ablation_not_settled(needs)):
        # A stop keeps only the questions of this node: the response asked for in N6 is named again.
        found: tuple[Finding, ...] = (ask("W-MAP", *open_inputs, *_response_not_known(needs)),)
        return Outcome("lesions not mapped", ABLATION_INPUTS, found)
    offered = () if reasons else (ablation_offer(needs, on.ABLATION_BEFORE_REST),)
    debulked = _debulking(needs)
    found = (*offered, *reasons, *debulked)
    adjuvant = _adjuvant(needs, found)
    answer = "not ablatable" if reasons else "ablatable"
    return Outcome(answer, ABLATION_INPUTS, (*found, *adjuvant))


def _beside_resection(needs: Needs, *branch: Basis) -> Outcome:
    """The ablation named beside a resection: an unknown asks but takes nothing back (A4)."""
    if reasons := ablation_reasons(needs):
        found = reasons
    elif open_inputs := ablation_not_settled(needs):
        found = (ask("W-MAP", *open_inputs),)
    else:
        found = (ablation_offer(needs, *branch),)
    return Outcome("beside resection", ABLATION_INPUTS, found)


def _debulking(needs: Needs) -> tuple[Finding, ...]:
    if not rules.debulking_considered(needs).yes:
        return ()
    match rules.cytoreduction_sufficient(needs):
        case Truth.NO:
            return (withhold("T-DEBULK", "lt_90pct"),)
        case Truth.UNKNOWN:
            return ()  # a percentage too vague to answer is as good as none: not considered
    match rules.remnant_adequate(needs):
        case Truth.YES:
            return (offer("T-DEBULK", on.DEBULKING),)
        case Truth.NO:
            return (withhold("T-DEBULK", "remnant"),)
    return (ask("W-RESECT", "remnant_adequate"),)


def _adjuvant(needs: Needs, found: tuple[Finding, ...]) -> tuple[Finding, ...]:
    offered = {finding.code for finding in found if finding.kind is Kind.OFFER}
    local = offered & {"T-ABLATE", "T-ABLATE-EXT", "T-DEBULK"}
    if not local or not rules.small_multiple(needs).yes:
        return ()
    if rules.receptor_positive(needs).yes:
        return (offer("T-RADIO-ADJ", on.ADJUVANT),)
    return (withhold("T-RADIO-ADJ", "srs_negative"),)


def embolisation(needs: Needs, findings: Findings) -> Outcome:
    """N8: is the main mass in one lobe, and is nothing against embolisation (R34, R36, A18, A19)?"""
    beyond_liver = rules.extrahepatic(needs).yes
    where = "disease beyond the liver" if beyond_liver else "liver only"
    code, branch = "T-EMBO", on.EXTRAHEPATIC_EMBOLISATION if beyond_liver else on.EMBOLISATION_NOT_ABLATABLE
    if rules.after_embolisation(needs).yes:
        poor = any_of(equals(needs.response, "partial"), equals(needs.response, "none"))
        if not poor.yes:
            # Good: nothing to add. Unknown: asked in N6, or here where N6 was not walked.
            found = (ask("W-MAP", "response"),) if beyond_liver and poor.unknown else ()
            return Outcome(f"embolised before, {where}", ("context", "response"), found)
        code = "T-EMBO-AGAIN"
    return Outcome(f"read, {where}", EMBOLISATION_INPUTS, embolise(needs, code, on.EMBOLISATION, branch))


def embolise(needs: Needs, code: str, *basis: Basis) -> tuple[Finding, ...]:
    """Offer, withhold or ask about embolisation on the conditions of N8."""
    contraindications = {
        "portal_vein_occlusion": ("portal_vein", equals(needs.portal_vein, "complete_occlusion")),
        "hepatic_failure": ("hepatic_failure", holds(needs.hepatic_failure)),
        "biliary_anastomosis": ("biliary_anastomosis", holds(needs.biliary_anastomosis)),
    }
    one_lobe = holds(needs.lobar_predominance)
    reasons = ["no_lobar_predominance"] if one_lobe.no else []
    reasons += [reason for reason, (_, truth) in contraindications.items() if truth.yes]
    reasons += ["prior_failure"] if rules.embolisation_failed(needs).yes else []
    if reasons:
        return tuple(withhold("T-EMBO", reason) for reason in reasons)
    questions: tuple[Finding, ...] = (ask("W-MAP", "lobar_predominance"),) if one_lobe.unknown else ()
    unsafe = tuple(name for name, truth in contraindications.values() if truth.unknown)
    questions += (ask("W-EMBO", *unsafe),) if unsafe else ()
    return questions or (offer(code, *basis),)


def follow_on(needs: Needs, findings: Findings) -> Outcome:
    """N8-AFTER: embolised, response known: what follows (R39, R40)? Takes the place of N6 and N7."""
    if equals(needs.response, "good").yes:
        return _good_response(needs)
    inputs = ("response", *EMBOLISATION_INPUTS, *ABLATION_INPUTS)
    reasons = ablation_reasons(needs)
    open_inputs = ablation_not_settled(needs)
    # Without a count the walk stops whatever else holds, as in N6; without a size unless a reason holds, as in N7.
    if is_known(needs.lesion_count).no or (open_inputs and not reasons):
        return Outcome("lesions not mapped", inputs, (ask("W-MAP", *open_inputs),))
    again = embolise(needs, "T-EMBO-AGAIN", on.POOR_RESPONSE, on.FOLLOW_ON)
    if reasons:
        return Outcome("partial or no response, not ablatable", inputs, (*again, *reasons))
    return Outcome(
        "partial or no response, ablatable",
        inputs,
        (*again, ablation_offer(needs, on.POOR_RESPONSE, on.FOLLOW_ON)),
    )


def _good_response(needs: Needs) -> Outcome:
    inputs = ("response", "remnant_adequate", "radical_resection_possible", "hepatic_failure")
    if reasons := resection_reasons(needs):
        return Outcome("good response, not resectable", inputs, reasons)
    if rules.remnant_adequate(needs).unknown:
        return Outcome("good response, remnant not known", inputs, (ask("W-RESECT", "remnant_adequate"),))
    beside = _beside_resection(needs, on.ABLATION_BESIDE_POSTEMBO)
    resect = offer("T-RESECT-POSTEMBO", on.GOOD_RESPONSE_RESECTION, on.FOLLOW_ON)
    return Outcome("good response, resectable", (*inputs, *ABLATION_INPUTS), (resect, *beside.findings))
