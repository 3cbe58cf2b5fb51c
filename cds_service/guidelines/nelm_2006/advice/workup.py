"""The work-up that is missing, as one section; what could not be read, as another; emergency and referral."""

from __future__ import annotations

from msgspec.structs import replace

from cds_service.guidelines.nelm_2006 import rules
from cds_service.guidelines.nelm_2006.advice import phrases
from cds_service.guidelines.nelm_2006.advice.currency import since_2006
from cds_service.guidelines.nelm_2006.advice.medicines import if_taken, step_caution
from cds_service.guidelines.nelm_2006.advice.options import option, withheld
from cds_service.guidelines.nelm_2006.advice.remarks import chart_remarks, histology, information, no_answer
from cds_service.guidelines.nelm_2006.advice.treatment import dates, follow_up, follow_up_proposals, team_proposals
from cds_service.guidelines.nelm_2006.advice.trends import marker_trends
from cds_service.guidelines.nelm_2006.intake import ChartReading
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.advice import SUMMARY_LIMIT, Block, Continuation, Order, Proposal, Section
from cds_service.reasoning.decision import Decision
from cds_service.reasoning.markdown import inert
from cds_service.reasoning.truth import equals
from fhir_mappings.facts import Known, Unknown, WhyUnknown

_BIOPSY = frozenset({"W-PATH", "W-EXTRA"})
_BLOCKING = ("W-CT", "W-SRS")
_REFER_DATA = ("differentiation", "carcinoid_syndrome")
_WAITING = {"workup": "Treatment advice waits for it.", "provisional": "It may change the options."}
_ROOM_FOR_UNREAD = 200  # characters of the lead


def workup_section(decision: Decision, reading: ChartReading) -> Section:
    """One section for the whole work-up, one proposal per missing step."""
    stopped = decision.state == "workup"
    blocks = [_step(code, decision, reading) for code in decision.workup]
    blocks += _symptoms_need_not_wait(reading)
    if _BIOPSY & set(decision.workup):
        blocks.append(Block(texts().sentences["biopsy"], brief=texts().sentences["biopsy_brief"]))
    blocks += _not_counted(reading)
    blocks += _beside_a_stop(decision, reading)
    blocks += since_2006(decision.workup, reading.needs)
    return Section(
        topic="workup",
        indicator="warning" if stopped else "info",
        summary=_summary(decision, stopped=stopped),
        lead=_lead(decision, reading, stopped=stopped),
        brief_lead="" if stopped else "Not in this chart:",
        blocks=tuple(blocks),
        continued=Continuation("More on the work-up (2006 protocol)", "Continued from the work-up card."),
        proposals=tuple(_proposal(code, reading) for code in decision.workup),
    )


def _symptoms_need_not_wait(reading: ChartReading) -> list[Block]:
    return [Block(texts().sentences["symptoms_need_not_wait"])] if rules.syndrome(reading.needs).yes else []


def _beside_a_stop(decision: Decision, reading: ChartReading) -> list[Block]:
    """What the treatment card says of the chart, where a stop leaves no such card."""
    if decision.state != "workup":
        return []
    return [*information(decision, reading.needs), *chart_remarks(decision, reading), *marker_trends(reading)]


def _summary(decision: Decision, *, stopped: bool) -> str:
    """The missing steps by name; where not all names fit, those that block first and how many more there are."""
    start = f"{'Work-up before treatment' if stopped else 'Work-up still open'} (2006 protocol)"
    codes = decision.workup
    names = [texts().of(code).short for code in codes]
    room = SUMMARY_LIMIT - len(start) - len(": ")
    if len(", ".join(names)) > room:
        blocking_first = sorted(codes, key=lambda code: code not in _BLOCKING)
        names = [texts().of(code).short for code in blocking_first]
    return f"{start}: {phrases.listed(names, room)}"


def _lead(decision: Decision, reading: ChartReading, *, stopped: bool) -> str:
    if decision.state == "provisional":
        return "These steps of the protocol have no usable result in this chart; their results may change the options."
    if not stopped:
        return "These steps of the protocol have no usable result in this chart; the options do not wait for them."
    confirmed = reading.needs.nelm_confirmed
    if isinstance(confirmed, Unknown):
        why = inert(confirmed.note, 60) if confirmed.note else phrases.WHY[confirmed.why]
        return f"Liver metastases that may be neuroendocrine; histology not settled: {why}."
    ground = "Neuroendocrine liver metastases"
    if reading.histology_from_codes:
        ground += " by diagnosis codes, no pathology report read"
    return f"{ground}: the protocol asks for these results before it names a treatment."


def _step(code: str, decision: Decision, reading: ChartReading) -> Block:
    """One step, what it is for, and what the chart holds of it already."""
    recommendation = texts().of(code)
    report = code == "W-SRS" and _result_missing(reading)
    sentence = recommendation.more["report"] if report else recommendation.must
    brief = recommendation.more["report_brief" if report else "brief"]
    if _by_urine(code, reading):
        sentence, brief = recommendation.more["urine"], recommendation.more["urine_brief"]
    known = phrases.missing(reading.needs.fact, decision.asked_inputs(code))
    caution, caution_brief = step_caution(code, reading)
    parts = (f"- {sentence}", f"In the chart: {known}." if known else "", caution)
    full, brief = (" ".join(filter(None, said)) for said in (parts, (f"- {brief}", caution_brief)))
    hint = "" if caution else if_taken(code, reading)
    return Block(f"{full} {hint}".rstrip(), (code,), brief=brief, spare=(full,) if hint else ())


def _by_urine(code: str, reading: ChartReading) -> bool:
    return code == "W-SEROT" and not reading.needs.policy.platelet_serotonin


def _result_missing(reading: ChartReading) -> bool:
    scan = reading.needs.srs
    return isinstance(scan, Unknown) and scan.why is WhyUnknown.RESULT_MISSING


def _not_counted(reading: ChartReading) -> list[Block]:
    if not reading.beside:
        return []
    names = "; ".join(f"{name} {source.date or 'undated'}" for name, source in reading.beside)
    return [Block(f"Found, but not counted: {names}.", brief="", movable=True)]


def _proposal(code: str, reading: ChartReading) -> Proposal:
    recommendation = texts().of(code)
    if code == "W-SRS" and _result_missing(reading):
        report = Order(text=recommendation.more["report_order"])
        return Proposal(code, recommendation.more["report_label"], report.text, report, recommended=True)
    if _by_urine(code, reading):
        urine = Order(text=recommendation.more["urine_order"])
        return Proposal(code, recommendation.more["urine_label"], urine.text, urine)
    order = recommendation.order
    assert order is not None  # noqa: S101 - every W- code has an order (a test proves it)
    return Proposal(code, recommendation.label, order.text, order, recommended=code in _BLOCKING)


def unread_section(decision: Decision, reading: ChartReading) -> Section:
    """What the protocol asks for and could not be read: a request to read, never to repeat."""
    names = phrases.listed([phrases.NAMES[name] for name in decision.unread], _ROOM_FOR_UNREAD)
    alone = not decision.workup and decision.state == "workup"
    stops = _WAITING.get(decision.state, "The options do not wait for it.")
    return Section(
        topic="unread",
        indicator="warning",
        summary="Part of this chart could not be read; nothing in it is taken as normal",
        lead=f"Not read: {names}. {stops} Look in the chart before repeating any test.",
        brief_lead=f"Not read: {names}. Look in the chart before repeating a test.",
        blocks=(
            *([replace(no_answer(reading), brief="")] if reading.unread_keys else []),
            *(_symptoms_need_not_wait(reading) if alone else []),
            *(_beside_a_stop(decision, reading) if alone else []),
        ),
        folds=True,
    )


def emergency_section(decision: Decision, reading: ChartReading) -> Section:
    """The crisis card: alone, critical, nothing but what to do (M15)."""
    crisis = texts().of("S-OCT-CRISIS")
    fact = reading.needs.carcinoid_crisis_now
    day = max((source.date or "" for source in fact.sources), default="")
    suspected = isinstance(fact, Known) and fact.note == "suspected"
    recorded = f"{'Suspected carcinoid' if suspected else 'Carcinoid'} crisis recorded{f' on {day}' if day else ''}."
    return Section(
        topic="emergency",
        indicator="critical",
        summary="Carcinoid crisis recorded: call anaesthesia or intensive care",
        lead=f"{recorded} {crisis.more['recognition']}",
        blocks=(Block(crisis.must, ("S-OCT-CRISIS",)),),
    )


def refer_section(decision: Decision, reading: ChartReading) -> Section:
    """The referral: high grade, or a patient under 18."""
    needs = reading.needs
    high = "R-MDT-HG" in decision.treatment
    blocks = [option(code, decision, reading, dates(needs)) for code in decision.treatment]
    if high and equals(needs.differentiation, "well").yes and rules.ki67_high(needs).yes:
        blocks.append(Block(texts().sentences["grade_today"], movable=True))
    data = phrases.data_line(needs.fact, _REFER_DATA)
    blocks += [Block(data, movable=True)] if data else []
    blocks += [*withheld(decision, reading), *information(decision, needs)]
    blocks += phrases.read_as_no(needs, ("other_syndrome",)) if "T-OCT" in decision.treatment else []
    blocks += [*chart_remarks(decision, reading), *follow_up(decision, reading)]
    blocks += marker_trends(reading)
    blocks += since_2006((*decision.treatment, *decision.withhold), needs)
    summary = (
        "High grade by the paper's 2000 classes: refer to the tumour board"
        if high
        else "Under 18: outside the 2006 protocol, refer to the tumour board"
    )
    return Section(
        topic="refer",
        indicator="warning",
        summary=summary,
        lead=_refer_lead(reading, high=high),
        continued=Continuation(
            "More on this referral (2006 protocol): chart data and limits",
            histology(reading, dated=False).strip() or "Continued.",
        ),
        # The summary says what the card is for; the options on it are not named there.
        blocks=tuple(replace(block, name="") for block in blocks),
        proposals=(*team_proposals(decision, reading), *follow_up_proposals(decision)),
    )


def _refer_lead(reading: ChartReading, *, high: bool) -> str:
    needs = reading.needs
    start = histology(reading)
    if not high:
        return f"{start}The paper's patients are adults; for a child the protocol gives no options (ours)."
    signs = []
    if rules.ki67_high(needs).yes:
        signs.append("Ki-67 above 15 %")
    if rules.poorly_differentiated(needs).yes:
        signs.append("poorly differentiated")
    grade = f"{start}{' and '.join(signs)}: local treatment of this group is outside the paper's evidence."
    if not rules.imaging_complete(needs).yes:
        grade += " The referral does not wait for a scan."
    return grade
