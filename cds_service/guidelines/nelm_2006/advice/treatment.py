"""The treatment options as sections: the local ones with their safety, the systemic ones, then what is withheld."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from cds_service.guidelines.nelm_2006 import rules
from cds_service.guidelines.nelm_2006.advice import phrases
from cds_service.guidelines.nelm_2006.advice.options import ABLATIONS, option, withheld
from cds_service.guidelines.nelm_2006.intake import ChartReading
from cds_service.guidelines.nelm_2006.order import MAKES_PROVISIONAL
from cds_service.guidelines.nelm_2006.pathway import EMBOLISATIONS, INVASIVE
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.advice import Block, Continuation, Order, Proposal, Section
from cds_service.reasoning.decision import Decision
from cds_service.reasoning.markdown import inert
from cds_service.reasoning.truth import NO, UNKNOWN, YES, holds, is_known
from fhir_mappings.facts import Fact

SYSTEMIC = ("T-OCT", "T-MIBG", "T-PRRT")
_LOCAL_DATA = (
    "liver_imaging", "lesion_count", "largest_lesion_cm", "extrahepatic_disease", "ki67_percent", "differentiation",
    "radical_resection_possible", "remnant_adequate", "carcinoid_syndrome",
)  # fmt: skip
_EMBOLISATION_DATA = ("lobar_predominance", "portal_vein", "hepatic_failure", "biliary_anastomosis")
_SYSTEMIC_DATA = (
    "liver_imaging", "srs", "mibg_avid", "extrahepatic_disease", "ki67_percent", "differentiation",
    "carcinoid_syndrome", "symptoms_controlled",
)  # fmt: skip
_READ_AS_NO = (
    "est_cytoreduction_pct", "other_syndrome", "carcinoid_heart_disease", "liver_transplant",
)  # fmt: skip


_CONTINUED = Continuation(
    "More on these options (2006 protocol): withheld, limits, follow-up", "Continued from the card with the options."
)


def treatment_sections(decision: Decision, reading: ChartReading) -> list[Section]:
    """One section for the local options, one for the others; either may be missing, never both."""
    local = tuple(code for code in decision.treatment if code in INVASIVE or code == "T-RADIO-ADJ")
    others = tuple(code for code in decision.treatment if code not in local)
    sections = []
    if local:
        sections.append(_local(local, decision, reading))
    if others:
        sections.append(_others(others, decision, reading))
    final = sections[-1]
    remainder = (*withheld(decision, reading.needs), *_chart_remarks(decision, reading), *_follow_up(decision))
    drafts = referral_proposals(decision.follow_up, decision, reading)
    sections[-1] = replace(final, blocks=(*final.blocks, *remainder), proposals=(*final.proposals, *drafts))
    return sections


def _local(codes: tuple[str, ...], decision: Decision, reading: ChartReading) -> Section:
    needs = reading.needs
    blocks: list[Block] = []
    if any(code in ABLATIONS for code in codes) and holds(needs.hepatic_failure) is YES:
        blocks.append(Block(texts().sentences["hepatic_failure"]))
    blocks += [option(code, decision, needs) for code in codes]
    if "T-RESECT" in codes and is_known(needs.small_multiple_mets) is NO:
        # M6 wants it in its own words beside the resection.
        blocks.append(Block("Small metastases besides this lesion: not recorded, read as no.", ("T-RESECT",)))
    names = _LOCAL_DATA + (_EMBOLISATION_DATA if EMBOLISATIONS & set(codes) else ())
    blocks.append(_data(needs.fact, names))
    return Section(
        topic="treatment",
        indicator="info",
        summary=_summary("Local treatment to discuss", codes),
        continued=_CONTINUED,
        lead=_lead(decision, reading),
        blocks=tuple(blocks),
        proposals=_discussion(codes, decision, reading),
    )


def _others(codes: tuple[str, ...], decision: Decision, reading: ChartReading) -> Section:
    needs = reading.needs
    said = texts().sentences
    blocks: list[Block] = []
    systemic = [code for code in codes if code in SYSTEMIC]
    if systemic and holds(needs.hepatic_failure) is YES:
        blocks.append(Block(said["hepatic_failure"]))
    blocks += [option(code, decision, needs) for code in codes]
    if "T-OCT" in codes:
        blocks.append(Block(said["not_advice_to_stop"], ("T-OCT",)))
    if len(systemic) > 1:
        blocks.append(Block(said["not_a_ranking"], tuple(systemic)))
    if rules.extrahepatic(needs) is YES:
        blocks.append(Block(said["systemic_first"]))
    elif "T-OCT" in codes and len(systemic) == 1:
        blocks.append(Block(said["order_of_listing"], ("T-OCT",)))
    blocks.append(_data(needs.fact, _SYSTEMIC_DATA))
    options = [code for code in codes if code.startswith("T-")]
    team_only = not options
    return Section(
        topic="refer" if team_only else "treatment",
        indicator="info",
        summary=_summary("Other treatment to discuss", codes)
        if options
        else "No option of the 2006 text left: tumour board",
        continued=_CONTINUED,
        lead=_lead(decision, reading),
        blocks=tuple(blocks),
        proposals=(*_discussion(codes, decision, reading), *referral_proposals(codes, decision, reading)),
    )


def _summary(start: str, codes: tuple[str, ...]) -> str:
    named = [texts().of(code).short for code in codes if code.startswith("T-")]
    return f"{start} (2006 protocol): {', '.join(named)}"


def _lead(decision: Decision, reading: ChartReading) -> str:
    """Why these options: the first paragraph of a treatment card (at most 300 characters)."""
    needs = reading.needs
    sentences = []
    if decision.state == "provisional":
        sentences.append(provisional(decision, reading))
    if reading.histology_from_codes:
        day = max((s.date or "" for s in needs.nelm_confirmed.sources), default="")
        dated = f" ({day})" if day else ""
        sentences.append(f"Histology taken from diagnosis codes{dated}, no pathology report read.")
    sentences.append(_situation(reading))
    return " ".join(sentences)


def provisional(decision: Decision, reading: ChartReading) -> str:
    """What is missing and may change the list (M13)."""
    short = [texts().of(code).short for code in decision.workup if code in MAKES_PROVISIONAL]
    short += [phrases.NAMES[name] for name in decision.unread]
    sentence = f"**Provisional:** {', '.join(dict.fromkeys(short))} missing, may change this list."
    if rules.high_grade(reading.needs) is UNKNOWN:
        sentence += f" {texts().sentences['grade_unknown']}"
    return sentence


def _situation(reading: ChartReading) -> str:
    needs = reading.needs
    beyond = rules.extrahepatic(needs) is YES
    parts = ["Disease beyond the liver" if beyond else "Disease confined to the liver"]
    if rules.high_grade(needs) is NO:
        parts.append("low grade by the paper's 2000 classes")
    if is_known(needs.differentiation) is NO:
        parts.append("differentiation not recorded")
    if rules.after_embolisation(needs) is YES:
        parts.append("after embolisation")
    if rules.ablation_comes_first(needs) is YES:
        parts.append("treated before")
    return f"{', '.join(parts)}."


def _data(facts: Callable[[str], Fact[Any]], names: tuple[str, ...]) -> Block:
    return Block(phrases.data_line(facts, names, noted=("liver_imaging", "ki67_percent")))


def _chart_remarks(decision: Decision, reading: ChartReading) -> list[Block]:
    """What was read as no, what was set aside, what could not be read (M3)."""
    needs = reading.needs
    silent = [phrases.NAMES[name] for name in _READ_AS_NO if is_known(needs.fact(name)) is NO]
    blocks = [Block(texts().of(code).must, (code,)) for code in decision.info]
    if "T-RESECT" not in decision.treatment and is_known(needs.small_multiple_mets) is NO:
        silent.insert(0, phrases.NAMES["small_multiple_mets"])
    blocks += [Block(f"Not recorded, read as no: {', '.join(silent)}.")] if silent else []
    return blocks + remarks(reading)


def remarks(reading: ChartReading) -> list[Block]:
    """Another malignancy, results set aside, and what could not be read."""
    blocks = []
    if reading.other_malignancies:
        names = "; ".join(inert(label, 40) for label in reading.other_malignancies[:2])
        blocks.append(Block(f"Another malignancy is recorded: {names}."))
    if reading.set_aside:
        blocks.append(Block(f"Set aside, not used: {reading.set_aside}."))
    if reading.unread_keys:
        blocks.append(Block(f"Could not be read: {', '.join(reading.unread_keys)}."))
    return blocks


def _follow_up(decision: Decision) -> list[Block]:
    if not decision.follow_up:
        return []
    names = " and ".join(texts().of(code).short for code in decision.follow_up)
    return [Block(f"After treatment: {names} (from the paper, R8, R55: *useful*).", decision.follow_up)]


def _drafts_allowed(decision: Decision, reading: ChartReading) -> bool:
    """No draft while the grade is unknown, or while histology is known from diagnosis codes only (4.3)."""
    grade_open = decision.state == "provisional" and rules.high_grade(reading.needs) is UNKNOWN
    return not grade_open and not reading.histology_from_codes


def _discussion(codes: tuple[str, ...], decision: Decision, reading: ChartReading) -> tuple[Proposal, ...]:
    """For treatments the draft is a request to discuss them in the team, never a procedure or a drug."""
    options = [code for code in codes if code.startswith("T-") and code != "T-OLT-EVAL"]
    if not options or not _drafts_allowed(decision, reading):
        return ()
    names = ", ".join(texts().of(code).short for code in options)
    order = Order(text=f"Tumour board: discuss {names}")
    return (Proposal("R-MDT", "Discuss in tumour board", f"Request to discuss in the tumour board: {names}", order),)


def referral_proposals(codes: tuple[str, ...], decision: Decision, reading: ChartReading) -> tuple[Proposal, ...]:
    """Drafts for referrals: the tumour board, and the evaluation for transplantation."""
    found = []
    for code in codes:
        recommendation = texts().of(code)
        if recommendation.order is None or (code.startswith("T-") and not _drafts_allowed(decision, reading)):
            continue
        found.append(Proposal(code, recommendation.label, recommendation.order.text, recommendation.order))
    return tuple(found)
