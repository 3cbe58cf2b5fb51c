"""The treatment options as one section in the order of listing, each with its safety; then what is withheld."""

from __future__ import annotations

from collections.abc import Iterable

from cds_service.guidelines.nelm_2006 import rules
from cds_service.guidelines.nelm_2006.advice import phrases
from cds_service.guidelines.nelm_2006.advice.currency import since_2006
from cds_service.guidelines.nelm_2006.advice.medicines import follow_up_cautions
from cds_service.guidelines.nelm_2006.advice.options import SYSTEMIC, option, withheld
from cds_service.guidelines.nelm_2006.advice.remarks import chart_remarks, histology, information
from cds_service.guidelines.nelm_2006.advice.trends import marker_trends
from cds_service.guidelines.nelm_2006.intake import ChartReading
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.guidelines.nelm_2006.order import MAKES_PROVISIONAL
from cds_service.guidelines.nelm_2006.pathway import EMBOLISATIONS
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.advice import LEAD_LIMIT, Block, Continuation, Guard, Order, Proposal, Section
from cds_service.reasoning.decision import Decision
from cds_service.reasoning.graph import Kind
from cds_service.reasoning.truth import is_known

_DATA = (
    "differentiation", "extrahepatic_disease", "lesion_count", "largest_lesion_cm", "carcinoid_syndrome",
    "symptoms_controlled",
)  # fmt: skip
_DATA_OF = {
    "T-RESECT": ("radical_resection_possible", "remnant_adequate"),
    "T-RESECT-POSTEMBO": ("radical_resection_possible", "remnant_adequate"),
    "T-DEBULK": ("radical_resection_possible", "remnant_adequate", "est_cytoreduction_pct"),
    "T-RADIO-ADJ": ("small_multiple_mets",),
    "T-EMBO": ("lobar_predominance", "portal_vein", "hepatic_failure", "biliary_anastomosis"),
    "T-EMBO-AGAIN": ("lobar_predominance", "portal_vein", "hepatic_failure", "biliary_anastomosis"),
    "T-MIBG": ("mibg_avid",),
    "T-OLT-EVAL": ("age_years", "hepatomegaly"),
}
_BRIEF_ROOM = 75  # characters of the sentence on what is missing
_READ_AS_NO = (
    "small_multiple_mets", "est_cytoreduction_pct", "failed_therapies", "context", "other_syndrome",
    "carcinoid_heart_disease", "liver_transplant",
)  # fmt: skip


def treatment_section(decision: Decision, reading: ChartReading) -> Section:
    """Every option of the list with its safety and its chart data, what is withheld, and the markers afterwards."""
    codes = decision.treatment
    named = any(code.startswith("T-") for code in codes)
    dated = (dates(reading.needs),)
    blocks = [
        # A team's question beside options rests on what they rest on.
        *(option(code, decision, reading, *(() if named and code == "R-MDT" else dated)) for code in codes),
        *_data(codes, reading.needs),
        *_about_the_order(decision, reading),
        *withheld(decision, reading),
        *information(decision, reading.needs),
        *_read_as_no(decision, reading),
        *chart_remarks(decision, reading),
        *follow_up(decision, reading),
        *marker_trends(reading),
        *since_2006((*codes, *decision.withhold), reading.needs),
    ]
    return Section(
        topic="treatment" if named else "refer",
        indicator="info",
        summary="Treatment to discuss (2006 protocol)" if named else _nothing_to_name(decision),
        lead=_lead(decision, reading),
        brief_lead=_brief_lead(decision, reading),
        blocks=tuple(blocks),
        continued=Continuation(
            f"More on these options (2006 protocol): {'withheld, ' if decision.withhold else ''}limits, follow-up",
            histology(reading, dated=False).strip() or "Continued.",
            "Further treatment to discuss (2006 protocol)",
        ),
        proposals=(*team_proposals(decision, reading), *referrals(decision, reading), *follow_up_proposals(decision)),
    )


def _nothing_to_name(decision: Decision) -> str:
    if any(item.endswith(":switched_off") for item in decision.withhold):
        return "Options of the 2006 text are switched off at this site: tumour board"
    if decision.state == "provisional":
        return "No option of the 2006 text while questions are open: tumour board"
    return "No option of the 2006 text left: tumour board"


def _lead(decision: Decision, reading: ChartReading) -> str:
    """Why these options: the first paragraph of a treatment card (at most 300 characters)."""
    opening, situation = histology(reading), _situation(reading)
    if decision.state != "provisional":
        return f"{opening}{situation}"
    room = LEAD_LIMIT - len(opening) - len(situation) - 1
    return f"{opening}{_provisional(decision, reading, room)} {situation}"


def _brief_lead(decision: Decision, reading: ChartReading) -> str:
    """Only what a treatment card may not leave out."""
    passed = rules.high_grade(reading.needs).no and is_known(reading.needs.differentiation).no
    unknown = "Differentiation not recorded." if passed else ""
    missing = _provisional(decision, reading, _BRIEF_ROOM) if decision.state == "provisional" else ""
    return f"{histology(reading)}{' '.join(filter(None, (missing, unknown)))}".strip() or "Options of the 2006 text."


def _provisional(decision: Decision, reading: ChartReading, room: int) -> str:
    """What is missing and may change the list (M13): by name as far as there is room; the other cards name it all."""
    short = [texts().of(code).short for code in decision.workup if code in MAKES_PROVISIONAL]
    asks = [finding for finding in decision.findings if finding.kind is Kind.ASK and finding.code in MAKES_PROVISIONAL]
    unread = {name for finding in asks for name in finding.inputs} & set(decision.unread)
    missing = list(dict.fromkeys((*short, *(phrases.NAMES[name] for name in decision.unread if name in unread))))
    warning = f" {texts().sentences['grade_unknown']}" if rules.high_grade(reading.needs).unknown else ""
    names = phrases.listed(missing, room - len("**Provisional:**  missing, may change this list.") - len(warning))
    return f"**Provisional:** {names} missing, may change this list.{warning}"


def _situation(reading: ChartReading) -> str:
    needs = reading.needs
    beyond = rules.extrahepatic(needs).yes
    parts = ["Disease beyond the liver" if beyond else "Disease confined to the liver"]
    if rules.high_grade(needs).no:
        parts.append("low grade by the paper's 2000 classes")
    if is_known(needs.differentiation).no:
        parts.append("differentiation not recorded")
    if rules.after_embolisation(needs).yes:
        parts.append("after embolisation")
    if rules.ablation_comes_first(needs).yes:
        parts.append("treated before")
    return f"{', '.join(parts)}."


def dates(needs: Needs) -> Guard:
    """The examinations that options rest on, with their dates, on every card that holds one (M3)."""
    return Guard("dates", phrases.dates_line(needs.fact), phrases.dates_line(needs.fact, noted=False), brief=("", ""))


def _data(codes: Iterable[str], needs: Needs) -> list[Block]:
    """The other chart data that the options rest on; where there is little room, the examinations alone and once."""
    names = dict.fromkeys((*_DATA, *(name for code in codes for name in _DATA_OF.get(code, ()))))
    line = phrases.data_line(needs.fact, names)
    return [Block(line, brief=phrases.dates_line(needs.fact, brief=True), movable=True)]


def _about_the_order(decision: Decision, reading: ChartReading) -> list[Block]:
    """What the order of listing means and what it does not (A17, A19, M9)."""
    said = texts().sentences
    codes = decision.treatment
    systemic = tuple(code for code in SYSTEMIC if code in codes)
    local = tuple(code for code in codes if code.startswith("T-") and code not in (*SYSTEMIC, "T-OLT-EVAL"))
    found = []
    if len(systemic) > 1:
        found.append(Block(said["not_a_ranking"], movable=True))
    if systemic and local and rules.extrahepatic(reading.needs).yes:
        found.append(Block(said["order_beyond_liver"], movable=True))
    elif "T-OCT" in codes and EMBOLISATIONS & set(codes):
        symptomatic = rules.syndrome(reading.needs).yes
        found.append(Block(said["order_symptoms" if symptomatic else "order_no_symptoms"], movable=True))
    if "T-OCT" in codes and local and rules.syndrome(reading.needs).yes:
        # After a local treatment it has to be said (A17); beside embolisation it may be left out.
        brief = "" if EMBOLISATIONS & set(codes) else None
        found.append(Block(said["order_of_listing"], brief=brief, movable=True))
    return found


def _read_as_no(decision: Decision, reading: ChartReading) -> list[Block]:
    """Each silence that was read as no (M3); beside a resection small metastases are named there (M6)."""
    names = [name for name in _READ_AS_NO if name != "small_multiple_mets" or "T-RESECT" not in decision.treatment]
    return phrases.read_as_no(reading.needs, names)


def follow_up(decision: Decision, reading: ChartReading) -> list[Block]:
    """The markers after treatment (R8, R55), and what disturbs them (C13, C14)."""
    if not decision.follow_up:
        return []
    cautions = follow_up_cautions(decision.follow_up, decision.workup, reading)
    names = " and ".join(texts().of(code).short for code in decision.follow_up)
    return [
        Block(
            " ".join(
                (f"After treatment: {names} (from the paper, R8, R55: *useful*).", *(full for full, _ in cautions))
            ),
            decision.follow_up,
            brief=" ".join(brief for _, brief in cautions),
            movable=True,
        )
    ]


def _drafts_allowed(decision: Decision, reading: ChartReading) -> bool:
    """No draft while the grade is unknown, or while histology is known from diagnosis codes only."""
    grade_open = decision.state == "provisional" and rules.high_grade(reading.needs).unknown
    return not grade_open and not reading.histology_from_codes


def team_proposals(decision: Decision, reading: ChartReading) -> tuple[Proposal, ...]:
    """One request to the tumour board: a referral, the options to discuss, or both; never a procedure or a drug.

    A treatment in progress needs no request.
    """
    named = (code for code in decision.treatment if code.startswith("T-") and code != "T-OLT-EVAL")
    options = [code for code in named if reading.medicines.running(code) is None]
    names = ", ".join(texts().of(code).short for code in options) if _drafts_allowed(decision, reading) else ""
    referral = next((texts().of(code) for code in decision.treatment if code.startswith("R-")), None)
    if referral is not None and referral.order is not None:
        text = f"{referral.order.text}; to discuss: {names}" if names else referral.order.text
        return (Proposal(referral.code, referral.label, text, Order(text)),)
    if not names:
        return ()
    description = f"Request to discuss in the tumour board: {names}"
    return (Proposal("R-MDT", "Discuss in tumour board", description, Order(f"Tumour board: discuss {names}")),)


def referrals(decision: Decision, reading: ChartReading) -> tuple[Proposal, ...]:
    """The referral for transplant evaluation."""
    if "T-OLT-EVAL" not in decision.treatment or not _drafts_allowed(decision, reading):
        return ()
    return _proposals(("T-OLT-EVAL",))


def follow_up_proposals(decision: Decision) -> tuple[Proposal, ...]:
    """Draft orders of the markers after treatment."""
    return _proposals(decision.follow_up)


def _proposals(codes: Iterable[str]) -> tuple[Proposal, ...]:
    found = []
    for recommendation in map(texts().of, codes):
        order = recommendation.order
        assert order is not None  # noqa: S101 - every F- code and T-OLT-EVAL has an order (a test proves it)
        found.append(Proposal(recommendation.code, recommendation.label, order.text, order))
    return tuple(found)
