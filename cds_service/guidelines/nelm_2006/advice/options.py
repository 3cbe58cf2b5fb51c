"""One paragraph per option: what it is, how it stands to the paper, and what must be said beside it (M4-M12)."""

from __future__ import annotations

from cds_service.guidelines.nelm_2006 import rules
from cds_service.guidelines.nelm_2006.bases import BESIDE_RESECTION, LOCAL_OCTREOTIDE
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.pathway import EMBOLISATIONS, INVASIVE
from cds_service.guidelines.nelm_2006.recommendations import Recommendation, Strength, texts
from cds_service.reasoning.advice import Block, Guard
from cds_service.reasoning.decision import Decision
from cds_service.reasoning.graph import Basis, Kind, Status
from cds_service.reasoning.truth import YES, equals

ABLATIONS = frozenset({"T-ABLATE", "T-ABLATE-EXT", "T-ABLATE-PALL"})


def option(code: str, decision: Decision, needs: Needs) -> Block:
    """The paragraph of one option in the treatment list."""
    recommendation = texts().of(code)
    finding = decision.finding(Kind.OFFER, code)
    basis = finding.basis if finding else ()
    sentences = [
        f"**{recommendation.title}.** {_standing(recommendation, basis, needs)}",
        recommendation.must,
        *_conditional(recommendation, needs),
    ]
    return Block(" ".join(sentence for sentence in sentences if sentence), (code,), guards(code, needs))


def _standing(recommendation: Recommendation, basis: tuple[Basis, ...], needs: Needs) -> str:
    """From the paper, inferred, or ours; the paper's bare word only where every step to it is explicit."""
    strength = _in_context(recommendation, basis, needs) or recommendation.strength
    statuses = {step.status for step in basis}
    if statuses == {Status.EXPLICIT}:
        return f"From the paper ({', '.join(strength.rules)}): {strength.word}."
    if Status.PROJECT in statuses:
        remark = next(step.remark for step in basis if step.status is Status.PROJECT)
        return f"Our own step: {remark}."
    return f"Inferred from {', '.join(recommendation.strength.rules)}: {recommendation.inferred}."


def _in_context(recommendation: Recommendation, basis: tuple[Basis, ...], needs: Needs) -> Strength | None:
    """The paper's word where a branch has one of its own: beside resection, on repetition, beside local treatment."""
    words = recommendation.in_context
    if LOCAL_OCTREOTIDE in basis:
        after_ablation = equals(needs.context, "post_ablation") is YES and equals(needs.response, "partial") is YES
        return words.get("partial_ablation" if after_ablation else "beside_local")
    if BESIDE_RESECTION in basis:
        return words.get("beside_resection")
    if rules.ablation_comes_first(needs) is YES:
        return words.get("repeat")
    return None


def _conditional(recommendation: Recommendation, needs: Needs) -> list[str]:
    """The sentences that stand only for this patient."""
    applies = {
        "with_symptoms": rules.syndrome(needs) is YES,
        "several": rules.several_lesions(needs) is YES,
        "several_radical": rules.several_lesions(needs) is YES and rules.radically_resectable(needs) is YES,
        "partial_portal_vein": equals(needs.portal_vein, "partial_occlusion") is YES,
        "pancreas": equals(needs.primary_site, "pancreas") is YES,
    }
    return [recommendation.more[name] for name, holds in applies.items() if holds and name in recommendation.more]


def withheld(decision: Decision, needs: Needs) -> list[Block]:
    """The withheld options in one line with their reasons, and what "withheld" means (M5)."""
    if not decision.withhold:
        return []
    said = texts()
    by_code: dict[str, list[str]] = {}
    for item in decision.withhold:
        code, _, reason = item.partition(":")
        by_code.setdefault(code, []).append(said.reasons[reason])
    items = "; ".join(f"{said.withheld_names[code]}: {', '.join(reasons)}" for code, reasons in by_code.items())
    blocks = [Block(f"**Withheld:** {items}. {said.sentences['withheld']}", tuple(decision.withhold))]
    if _concerns_a_running_treatment(decision) and "T-OCT" not in decision.treatment:
        blocks.append(Block(said.sentences["not_advice_to_stop"]))
    if "T-OCT:srs_negative" in decision.withhold and rules.syndrome(needs) is YES:
        blocks.append(Block(said.sentences["srs_negative"]))
    return blocks


def _concerns_a_running_treatment(decision: Decision) -> bool:
    return any(item.endswith((":prior_failure", ":srs_negative")) for item in decision.withhold)


def guards(code: str, needs: Needs) -> tuple[Guard, ...]:
    """What must stand on the same card as an invasive option (R30, R38, A23)."""
    said = texts()
    if code not in INVASIVE:
        return ()
    cover = said.of("S-OCT-PERI")
    specialist = said.sentences["specialist_first"] if rules.other_functioning_syndrome(needs) is YES else ""
    heart = ""
    if equals(needs.carcinoid_heart_disease, True) is YES:
        heart = said.sentences["heart_disease"]
    elif rules.syndrome(needs) is YES:
        heart = said.sentences["heart"]
    whole = " ".join(filter(None, ("**Before it:**", cover.must, specialist, heart)))
    again = " ".join(filter(None, ("**Before it:**", cover.more["again"], specialist)))
    found = [Guard("S-OCT-PERI", whole, again)]
    if code in EMBOLISATIONS:
        diuresis = said.of("S-DIURESIS").must
        found.append(Guard("S-DIURESIS", diuresis, diuresis))
    return tuple(found)
