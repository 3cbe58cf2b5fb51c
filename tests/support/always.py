"""What holds for the cards of every patient (interfaces, protocol 4.3 and 4.4): which texts or codes break it?"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from cds_service.guidelines.nelm_2006 import rules
from cds_service.guidelines.nelm_2006.order import WORKUP
from cds_service.guidelines.nelm_2006.pathway import INVASIVE
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.advice import DETAIL_LIMIT, LEAD_LIMIT, MOST_CARDS, SUMMARY_LIMIT
from tests.support.answers import Answer

SAID_ONCE = (texts().sentences["provenance"], texts().sentences["not_assessed"])  # M1, M2
FOLLOW_UP = {texts().of(code).label for code in ("F-CGA", "F-SEROT")}
REFERRALS = {texts().of(code).label for code in ("R-MDT", "R-MDT-HG")}
EVALUATION = texts().of("T-OLT-EVAL").label
DISCUSS = "Discuss in tumour board"


def _number_of_cards(answer: Answer) -> list[str]:
    silent = answer.decision.state == "out_of_scope"
    fits = not answer.cards if silent else 1 <= len(answer.cards) <= MOST_CARDS
    return [] if fits else [f"{len(answer.cards)} cards"]


def _lengths(answer: Answer) -> list[str]:
    long = [section.lead for section in answer.sections if len(section.lead) > LEAD_LIMIT]  # never cut short
    for card in answer.cards:
        long += [card.summary] if len(card.summary) > SUMMARY_LIMIT or "…" in card.summary else []
        long += [card.lead] if len(card.lead) > LEAD_LIMIT else []
        long += [card.detail] if len(card.detail) > DETAIL_LIMIT else []
    return long


def _said_once_and_last(answer: Answer) -> list[str]:
    expected = 0 if answer.decision.state in {"emergency", "out_of_scope"} else 1
    last = answer.cards[-1].detail if answer.cards else ""
    return [
        sentence
        for sentence in SAID_ONCE
        if answer.text.count(sentence) != expected or last.count(sentence) != expected
    ]


def _codes(answer: Answer) -> list[str]:
    """Every code of the decision on a card, and no other; options, withheld items and work-up each on one card."""
    decision = answer.decision
    spoken = Counter(code for card in answer.cards for code in card.codes)
    once = (*decision.treatment, *decision.withhold, *decision.workup, *decision.info)
    every = {*once, *decision.safety, *decision.follow_up}
    return [code for code in once if spoken[code] != 1] + sorted(every ^ set(spoken))


def _protection(answer: Answer) -> list[str]:
    """Every card with an invasive option has the octreotide sentence (R30), and no other card has it."""
    wrong = []
    for card in answer.cards:
        invasive = bool(set(card.codes) & INVASIVE)
        sentence = "**Before an invasive step:**" in card.detail and "an anaesthetic plan" in card.detail
        if (invasive, invasive) != ("S-OCT-PERI" in card.codes, sentence):
            wrong.append(card.summary)
    return wrong


def _opening(answer: Answer) -> list[str]:
    """Histology from codes opens every treatment card; hepatic failure every ablation and systemic card (A25)."""
    failing = getattr(answer.reading.needs.hepatic_failure, "value", None) is True
    sentence = texts().sentences["hepatic_failure"]
    concerned = {"T-ABLATE", "T-ABLATE-EXT", "T-ABLATE-PALL", "T-OCT", "T-MIBG", "T-PRRT", "T-RADIO-ADJ"}
    wrong = []
    for card in answer.cards:
        second = card.detail.split("\n\n")[1]
        if (failing and bool(concerned & set(card.codes))) != (second == sentence):
            wrong.append(card.summary)
        options = any(code.startswith("T-") and ":" not in code for code in card.codes)
        opened = card.lead.startswith("Histology taken from diagnosis codes")
        if options and opened != answer.reading.histology_from_codes:
            wrong.append(card.summary)
    return wrong


def _asked_by(code: str) -> set[str]:
    recommendation = texts().of(code)
    return {recommendation.label, recommendation.more.get("report_label", recommendation.label)}


def _one_proposal_each(answer: Answer) -> list[str]:
    labels = Counter(answer.labels)
    asked = {code: sum(labels[label] for label in _asked_by(code)) for code in WORKUP}
    wrong = [code for code, times in asked.items() if times != (code in answer.decision.workup)]
    return wrong + [label for label, times in labels.items() if times > 1]


def _drafts(answer: Answer) -> list[str]:
    """Only what may be drafted (4.3): nothing for safety, for options no more than a request to discuss them."""
    decision = answer.decision
    allowed = {label for code in decision.workup for label in _asked_by(code)}
    wrong = set(answer.labels) - allowed - FOLLOW_UP - REFERRALS - {DISCUSS, EVALUATION}
    grade_open = decision.state == "provisional" and rules.high_grade(answer.reading.needs).unknown
    running = {treatment.code for treatment in answer.reading.medicines.in_progress}
    options = [c for c in decision.treatment if c.startswith("T-") and c != "T-OLT-EVAL" and c not in running]
    discussed = [order for order in answer.orders if "discuss" in order]
    if grade_open or answer.reading.histology_from_codes:
        wrong |= {*discussed, *(label for label in answer.labels if label in {DISCUSS, EVALUATION})}
    elif len(discussed) != bool(options):
        wrong.add("the options are to be discussed once")
    return sorted(wrong)


ALWAYS: dict[str, Callable[[Answer], list[str]]] = {
    "one to four cards, none out of scope": _number_of_cards,
    "limits of length": _lengths,
    "M1 and M2 once, on the last card": _said_once_and_last,
    "every code on a card": _codes,
    "protection beside invasive options": _protection,
    "how a card opens": _opening,
    "one proposal for each missing result": _one_proposal_each,
    "drafts only where allowed": _drafts,
}
