"""One paragraph per option: what it is, how it stands to the paper, and what must be said beside it (M4-M12)."""

from __future__ import annotations

from cds_service.guidelines.nelm_2006 import bases as on
from cds_service.guidelines.nelm_2006 import rules
from cds_service.guidelines.nelm_2006.advice.medicines import in_progress, still_given
from cds_service.guidelines.nelm_2006.intake import ChartReading
from cds_service.guidelines.nelm_2006.intake.course import HINT
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.pathway import EMBOLISATIONS, INVASIVE
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from cds_service.guidelines.nelm_2006.recommendations import Recommendation, Strength, texts, with_limits
from cds_service.reasoning.advice import Block, Guard
from cds_service.reasoning.decision import Decision
from cds_service.reasoning.graph import Basis, Kind, Status
from cds_service.reasoning.markdown import inert
from cds_service.reasoning.truth import equals, holds, is_known
from fhir_mappings.facts import Unknown

ABLATIONS = frozenset({"T-ABLATE", "T-ABLATE-EXT", "T-ABLATE-PALL"})
SYSTEMIC = ("T-OCT", "T-MIBG", "T-PRRT")
_RADIONUCLIDES = frozenset({"T-PRRT", "T-RADIO-ADJ"})
_HORMONAL_CRISIS = frozenset({"T-MIBG", "T-PRRT"})
_NO_LIMIT_IN_HEPATIC_FAILURE = ABLATIONS | frozenset(SYSTEMIC) | _RADIONUCLIDES

# The branches of the graph in which the paper has a word of its own for an option.
_BRANCHES = (
    (on.BESIDE_RESECTION, "beside_resection"),
    (on.ABLATION_BESIDE_POSTEMBO, "beside_postembo"),
    (on.POOR_RESPONSE, "after_embolisation"),
    (on.PARTIAL_RESPONSE_OCTREOTIDE, "partial_ablation"),
)
_WITHOUT_EXTENSIVE_DISEASE = frozenset({
    on.LOCAL_OCTREOTIDE, on.PARTIAL_RESPONSE_OCTREOTIDE, on.HIGH_GRADE_OCTREOTIDE,
})  # fmt: skip
_UNKNOWN = " not known"
_TEAM_REASONS = (
    (on.NOTHING_LEFT, "nothing_left"),
    (on.SWITCHED_OFF, "switched_off"),
    (on.TEAM_BESIDE_OPTIONS, "negative_scan"),
    (on.OTHER_SYNDROME, "other_syndrome"),
    (on.TRANSPLANTED, "transplanted"),
    (on.UNDER_18, "under_18"),
)


def option(code: str, decision: Decision, reading: ChartReading, *also: Guard) -> Block:
    """The paragraph of one option in the treatment list, with what its card must carry."""
    needs = reading.needs
    recommendation = texts().of(code)
    finding = decision.finding(Kind.OFFER, code)
    basis = finding.basis if finding else ()
    standing = _standing(recommendation, basis, needs)
    conditions = _conditions(basis, needs)
    said = recommendation.more
    conditional = [said[name] for name in conditions if name in said]
    in_brief = [said.get(f"brief_{name}", said[name]) for name in conditions if name in said]
    title, brief_title = (
        with_limits(name, needs.policy) for name in (recommendation.title, recommendation.brief_title)
    )
    given, given_brief = in_progress(code, reading.medicines)
    hint, hint_brief = _hint_of_a_syndrome(code, needs)
    text = [f"**{title}.** {standing}", given, recommendation.must, *conditional, hint]
    brief = [f"**{brief_title}.** {standing}", given_brief, recommendation.brief_must, *in_brief, hint_brief]
    codes = (code, "S-OLT-WARN") if code == "T-OLT-EVAL" else (code,)
    name = recommendation.short if code.startswith("T-") else ""
    return Block(
        " ".join(filter(None, text)),
        codes,
        (*guards(code, reading), *also),
        brief=" ".join(filter(None, brief)),
        name=name,
    )


def _hint_of_a_syndrome(code: str, needs: Needs) -> tuple[str, str]:
    """Beside octreotide: a diagnosis that points at another hormone syndrome without being one (A24, C27)."""
    fact = needs.other_syndrome
    if code != "T-OCT" or not isinstance(fact, Unknown) or HINT not in (fact.note or ""):
        return "", ""
    said = texts().sentences
    names = (fact.note or "").partition(HINT)[2]
    return said["syndrome_hint"].format(names=inert(names, 60)), said["syndrome_hint_brief"]


def _standing(recommendation: Recommendation, basis: tuple[Basis, ...], needs: Needs) -> str:
    """From the paper, inferred, or ours; the paper's bare word only where every step to it is explicit."""
    if reasons := [
        recommendation.more[name] for step, name in _TEAM_REASONS if step in basis and _is_team(recommendation)
    ]:
        return " ".join(reasons)
    strengths = _strengths(recommendation, basis, needs)
    named = ", ".join(dict.fromkeys(rule for strength in strengths for rule in strength.rules))
    of_the_paper = recommendation.code not in ABLATIONS or not needs.policy.sets_ablation
    if of_the_paper and all(step.status is Status.EXPLICIT for step in basis):
        return f"From the paper ({named}): {'; '.join(strength.word for strength in strengths)}."
    return f"Inferred from {named}: {'; '.join(strength.inferred for strength in strengths)}."


def _is_team(recommendation: Recommendation) -> bool:
    return recommendation.code == "R-MDT"


def _strengths(recommendation: Recommendation, basis: tuple[Basis, ...], needs: Needs) -> list[Strength]:
    """The paper's words for this branch; its word for extensive disease only where no local treatment is possible."""
    words = recommendation.in_context
    names = [name for step, name in _BRANCHES if step in basis]
    names += ["repeat"] if rules.ablation_comes_first(needs).yes else []
    names += ["for_syndrome"] if rules.syndrome(needs).yes else []
    found = [words[name] for name in names if name in words]
    extensive = recommendation.code == "T-OCT" and not _WITHOUT_EXTENSIVE_DISEASE & set(basis)
    if extensive or recommendation.code == "T-ABLATE-EXT":
        return [recommendation.strength, *found]
    return found or [recommendation.strength]


def _conditions(basis: tuple[Basis, ...], needs: Needs) -> list[str]:
    """Which of the sentences that stand only for some patients stand for this one."""
    applies = {
        "with_symptoms": rules.syndrome(needs).yes,
        "several": rules.several_lesions(needs).yes,
        "site_limit": needs.policy.sets_ablation,
        "several_radical": rules.several_lesions(needs).yes and rules.radically_resectable(needs).yes,
        "partial_portal_vein": equals(needs.portal_vein, "partial_occlusion").yes,
        "pancreas": equals(needs.primary_site, "pancreas").yes,
        "high_grade": on.HIGH_GRADE_OCTREOTIDE in basis,
        "small_not_recorded": is_known(needs.small_multiple_mets).no,
    }
    return [name for name, true in applies.items() if true]


def withheld(decision: Decision, reading: ChartReading) -> list[Block]:
    """The withheld options with their reasons, those with the same reasons together, and what "withheld" means (M5)."""
    said, needs = texts(), reading.needs
    by_code: dict[str, list[str]] = {}
    for item in decision.withhold:
        by_code.setdefault(item.partition(":")[0], []).append(item)
    together: dict[str, list[str]] = {}
    for code, items in by_code.items():
        together.setdefault(_reasons(items, needs.policy), []).append(code)
    blocks = []
    for reasons, codes in together.items():
        grouped = tuple(item for code in codes for item in by_code[code])
        names = ", ".join(said.withheld_names[code] for code in codes)
        blocks.append(Block(f"- Withheld: {names} ({reasons}).", grouped, movable=True))
    given = [pair for code in by_code if any(pair := still_given(code, reading.medicines))]
    if blocks:
        meaning = said.sentences["withheld"]
        running = f"{meaning} {said.sentences['not_advice_to_stop']}"
        said_there = "T-OCT" in decision.treatment
        if given or any(map(_may_be_running, decision.withhold)):
            blocks.insert(0, Block(running, brief=meaning if said_there else running, movable=True))
        else:
            blocks.insert(0, Block(meaning, movable=True))
        blocks += [Block(full, brief=brief, movable=True) for full, brief in given]
    if "T-OCT:srs_negative" in decision.withhold and rules.syndrome(needs).yes:
        blocks.append(Block(said.sentences["srs_negative"], movable=True))
    return blocks


def _reasons(items: list[str], policy: SitePolicy) -> str:
    """The reasons of one option, those that are not known together at the end."""
    reasons = [texts().reason(item, policy) for item in items]
    unknown = [reason.removesuffix(_UNKNOWN) for reason in reasons if reason.endswith(_UNKNOWN)]
    known = [reason for reason in reasons if not reason.endswith(_UNKNOWN)]
    return ", ".join((*known, *([f"{', '.join(unknown)}{_UNKNOWN}"] if unknown else [])))


def _may_be_running(item: str) -> bool:
    return item.endswith((":prior_failure", ":srs_negative"))


def guards(code: str, reading: ChartReading) -> tuple[Guard, ...]:
    """What must stand on the same card as an option (R30, R38, A23, A25, M9, M10)."""
    said, needs = texts(), reading.needs
    found = []
    if code in _NO_LIMIT_IN_HEPATIC_FAILURE and holds(needs.hepatic_failure).yes:
        sentence = said.sentences["hepatic_failure"]
        found.append(Guard("hepatic failure", sentence, sentence, opens=True))
    if code in INVASIVE:
        found.append(_cover(reading))
    if code in EMBOLISATIONS:
        diuresis, brief = said.of("S-DIURESIS").must, said.of("S-DIURESIS").more["brief"]
        found.append(Guard("forced diuresis", diuresis, diuresis, ("S-DIURESIS",), brief=(brief, brief)))
    if code in _HORMONAL_CRISIS:
        crisis, again = said.sentences["radionuclide_crisis"], said.sentences["radionuclide_crisis_again"]
        found.append(Guard("hormonal crisis", crisis, crisis, brief=(crisis, again)))
    if code in _RADIONUCLIDES:
        uptake, again = said.sentences["uptake"], said.sentences["uptake_again"]
        found.append(Guard("uptake", uptake, uptake, brief=(uptake, again)))
    return tuple(found)


def _cover(reading: ChartReading) -> Guard:
    """Octreotide before any invasive step, with what is known of crises, the heart, other hormones (C18, C24, A24)."""
    said, needs = texts(), reading.needs
    cover = said.of("S-OCT-PERI")
    specialist = said.sentences["specialist_first"] if rules.other_functioning_syndrome(needs).yes else ""
    diseased = said.sentences["heart_disease"] if equals(needs.carcinoid_heart_disease, True).yes else ""
    unexamined = is_known(needs.carcinoid_heart_disease).no and rules.syndrome(needs).yes
    heart, heart_brief = (said.sentences[name] if unexamined else diseased for name in ("heart", "heart_brief"))
    crisis, crisis_brief = (
        said.sentences[name].format(day=reading.earlier_crisis) if reading.earlier_crisis else ""
        for name in ("earlier_crisis", "earlier_crisis_brief")
    )
    start = "**Before an invasive step:**"
    whole, brief, again, brief_again = (
        " ".join(filter(None, (start, *parts)))
        for parts in (
            (cover.must, crisis, specialist, heart),
            (cover.more["brief"], crisis_brief, specialist, heart_brief),
            (cover.more["again"], specialist, diseased),
            (cover.more["brief_again"], diseased),
        )
    )
    return Guard("octreotide cover", whole, again, ("S-OCT-PERI",), brief=(brief, brief_again))
