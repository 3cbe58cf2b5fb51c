"""The questions of the 2006 Utrecht protocol, one pure function each, named as the question.

Each returns a Truth over facts that may be unknown. R.. are the paper's rules, A.. the resolved ambiguities, P ours;
docs/guidelines/nelm-2006.md gives their texts. "Read as no" is said where silence counts as no, and only there.
"""

from cds_service.guidelines.nelm_2006 import thresholds as limit
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.reasoning.compare import at_least, at_most, less_than, more_than
from cds_service.reasoning.truth import (
    NO,
    YES,
    Truth,
    all_of,
    any_of,
    equals,
    holds,
    is_known,
    negate,
    one_of,
)
from fhir_mappings.facts import Unknown

HINDGUT = frozenset({"descending_colon", "sigmoid", "rectum", "anal_canal", "hindgut"})  # R2


def crisis_now(needs: Needs) -> Truth:
    """Is there a carcinoid crisis now? Silence is read as no: the emergency is the clinician's to call (R30, P)."""
    return _read_as_no(holds(needs.carcinoid_crisis_now))


def histology_confirmed(needs: Needs) -> Truth:
    """Are the liver metastases neuroendocrine by histology?"""
    return holds(needs.nelm_confirmed)


def under_18(needs: Needs) -> Truth:
    """Is the patient a child? An unknown age is read as adult (P)."""
    return _read_as_no(less_than(needs.age_years, limit.ADULT_FROM_YEARS))


def hindgut_primary(needs: Needs) -> Truth:
    """Is the primary in the hindgut, where no serotonin is made (R2, R6)? No known site does not prove it (A14)."""
    return _read_as_no(one_of(needs.primary_site, HINDGUT))


def imaging_complete(needs: Needs) -> Truth:
    """Are helical CT (or MRI) and somatostatin receptor scintigraphy there (R13, A12)?"""
    return all_of(is_known(needs.liver_imaging), is_known(needs.srs))


def ki67_answers_the_grade(needs: Needs) -> Truth:
    """Does the recorded Ki-67 tell on which side of 15 % it lies (R14)? "5-20 %" does not."""
    return NO if more_than(needs.ki67_percent, limit.HIGH_GRADE_KI67_ABOVE_PERCENT).unknown else YES


def ki67_high(needs: Needs) -> Truth:
    """Is Ki-67 above 15 % (R1)?"""
    return more_than(needs.ki67_percent, limit.HIGH_GRADE_KI67_ABOVE_PERCENT)


def poorly_differentiated(needs: Needs) -> Truth:
    """Is the tumour poorly differentiated (R1)?"""
    return equals(needs.differentiation, "poor")


def high_grade(needs: Needs) -> Truth:
    """Is the grade high by the paper's 2000 classes (R1, A2, A3)?

    Unknown differentiation with Ki-67 at most 15 % counts as low (A29); an unknown Ki-67 stays unknown.
    """
    return any_of(ki67_high(needs), _read_as_no(poorly_differentiated(needs)))


def grade_signs_disagree(needs: Needs) -> Truth:
    """Is only one of Ki-67 and differentiation high grade, the other low or unknown (A3)?"""
    by_both = all_of(_read_as_no(ki67_high(needs)), _read_as_no(poorly_differentiated(needs)))
    return all_of(high_grade(needs), negate(by_both))


def extrahepatic(needs: Needs) -> Truth:
    """Is there disease beyond the liver other than the primary and its regional nodes (A7)?"""
    return holds(needs.extrahepatic_disease)


def several_lesions(needs: Needs) -> Truth:
    """Is there more than one lesion (R16)?"""
    return more_than(needs.lesion_count, limit.SOLITARY)


def small_multiple(needs: Needs) -> Truth:
    """Are there small metastases besides the counted ones? Silence is read as no (P)."""
    return _read_as_no(holds(needs.small_multiple_mets))


def remnant_adequate(needs: Needs) -> Truth:
    """Is enough functional liver left (R16)? Never with hepatic failure, whatever is recorded (I)."""
    if holds(needs.hepatic_failure).yes:
        return NO
    return holds(needs.remnant_adequate)


def radically_resectable(needs: Needs) -> Truth:
    """Does the surgeon call a radical resection possible (R16)?"""
    return holds(needs.radical_resection_possible)


def ablation_failed(needs: Needs) -> Truth:
    """Has a clinician stated that ablation can no longer help this patient (A22)? It closes every tier."""
    return any_of(*(failed(needs, code) for code in ("T-ABLATE", "T-ABLATE-EXT", "T-ABLATE-PALL")))


def embolisation_failed(needs: Needs) -> Truth:
    """Has a clinician stated that embolisation can no longer help this patient (A22)?"""
    return any_of(failed(needs, "T-EMBO"), failed(needs, "T-EMBO-AGAIN"))


def failed(needs: Needs, code: str) -> Truth:
    """Is this therapy recorded as failed? Silence is read as no: tried is not failed (A22, P)."""
    if isinstance(needs.failed_therapies, Unknown):
        return NO
    return YES if code in needs.failed_therapies.value else NO


def too_many_lesions(needs: Needs) -> Truth:
    """Are there more lesions than can be ablated in one session (R23: seven, unless the site sets another number)?"""
    return more_than(needs.lesion_count, needs.policy.ablation_most_lesions)


def beyond_extended_ablation(needs: Needs) -> Truth:
    """Is the largest lesion beyond the reach of extended ablation (R22: 7 cm, unless the site sets another)?"""
    return more_than(needs.largest_lesion_cm, needs.policy.extended_ablation_limit_cm)


def beyond_ablation_here(needs: Needs) -> Truth:
    """Is the largest lesion beyond what can be ablated here: extended ablation only where it exists (A9)?"""
    return more_than(needs.largest_lesion_cm, needs.policy.largest_ablatable_cm)


def within_ordinary_ablation(needs: Needs) -> Truth:
    """Is the largest lesion within the reach of ordinary ablation (R21: 4 cm, unless the site sets another)?"""
    return at_most(needs.largest_lesion_cm, needs.policy.ablation_limit_cm)


def debulking_considered(needs: Needs) -> Truth:
    """Is cytoreduction on the table: a percentage recorded, or several lesions called radically resectable (A8)?"""
    several_radical = _read_as_no(all_of(several_lesions(needs), radically_resectable(needs)))
    return any_of(is_known(needs.est_cytoreduction_pct), several_radical)


def cytoreduction_sufficient(needs: Needs) -> Truth:
    """Can at least 90 % of the tumour be removed (R24, A11), or are several lesions radically resectable (A8)?"""
    several_radical = _read_as_no(all_of(several_lesions(needs), radically_resectable(needs)))
    return any_of(several_radical, at_least(needs.est_cytoreduction_pct, limit.CYTOREDUCTION_AT_LEAST_PERCENT))


def receptor_positive(needs: Needs) -> Truth:
    """Does the somatostatin receptor scan show uptake (R11)?"""
    return equals(needs.srs, "positive")


def syndrome(needs: Needs) -> Truth:
    """Is carcinoid syndrome on record (R42)?"""
    return holds(needs.carcinoid_syndrome)


def controlled(needs: Needs) -> Truth:
    """Are the symptoms controlled (A30)?"""
    return holds(needs.symptoms_controlled)


def other_functioning_syndrome(needs: Needs) -> Truth:
    """Is another hormone syndrome on record (A24)? Silence is read as no (P)."""
    return _read_as_no(holds(needs.other_syndrome))


def transplanted(needs: Needs) -> Truth:
    """Has the liver been transplanted? Silence is read as no (P)."""
    return _read_as_no(holds(needs.liver_transplant))


def all_else_failed(needs: Needs) -> Truth:
    """Does the clinician state that all other therapies failed (R47)? Not read after a transplantation (P)."""
    if transplanted(needs).yes:
        return NO
    return _read_as_no(holds(needs.other_therapies_exhausted))


def after_embolisation(needs: Needs) -> Truth:
    """Was the liver embolised lately? Silence is read as the initial context (P)."""
    return _read_as_no(equals(needs.context, "post_embolisation"))


def ablation_comes_first(needs: Needs) -> Truth:
    """Is this a recurrence or the follow-up of an ablation, where ablation is listed before resection (R56, A4)?

    Silence is read as the initial context (P). With disease beyond the liver the order does not look at the context.
    """
    if extrahepatic(needs).yes:
        return NO
    return _read_as_no(one_of(needs.context, ("recurrence", "post_ablation")))


def partial_response_to_ablation(needs: Needs) -> Truth:
    """Did an ablation leave a partial response (R33)? Silence is read as no."""
    return _read_as_no(all_of(equals(needs.context, "post_ablation"), equals(needs.response, "partial")))


def too_old_for_transplantation(needs: Needs) -> Truth:
    """Is the patient older than the age limit (R47 "young"; 55 is ours, A21)?"""
    return more_than(needs.age_years, needs.policy.transplant_age_limit)


def ki67_too_high_for_transplantation(needs: Needs) -> Truth:
    """Is Ki-67 10 % or more (R49)?"""
    return at_least(needs.ki67_percent, limit.TRANSPLANT_KI67_BELOW_PERCENT)


def symptoms_uncontrolled(needs: Needs) -> Truth:
    """Are there symptoms that nothing controls (R47)? No syndrome means no such symptoms."""
    return all_of(syndrome(needs), negate(controlled(needs)))


def _read_as_no(truth: Truth) -> Truth:
    """Silence read as no; each caller's docstring says that it is."""
    return NO if truth.unknown else truth
