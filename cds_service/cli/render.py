"""A result in the terminal, 80 columns wide: the path, the inputs with their sources, the cards.

Text from a chart is never markup, and commands no terminal.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby
from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.markdown import Markdown
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cds_service.cli.settles import settled_by
from cds_service.guidelines.nelm_2006.advice.phrases import NAMES, WHY
from cds_service.guidelines.nelm_2006.intake import ChartReading
from cds_service.guidelines.nelm_2006.intake.account import Account, NotUsed
from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.reasoning.markdown import printable
from cds_service.web.words import in_words
from fhir_mappings.facts import Fact, Known, Source, WhyUnknown

if TYPE_CHECKING:
    from cds_service.cli.replay import Result

_COLOURS = {"info": "blue", "warning": "yellow", "critical": "red"}
_LISTS = ("workup", "treatment", "safety", "withhold", "info", "follow_up", "unread")
# The inputs in the order in which the protocol asks for them.
_GROUPS: Mapping[str, tuple[str, ...]] = {
    "Scope": ("age_years", "nelm_confirmed", "carcinoid_crisis_now", "liver_transplant"),
    "Markers and symptoms": (
        "primary_site", "cga", "platelet_serotonin", "carcinoid_syndrome", "symptoms_controlled", "other_syndrome",
        "carcinoid_heart_disease",
    ),
    "Imaging and grade": ("liver_imaging", "srs", "mibg_avid", "ki67_percent", "differentiation"),
    "Extent": (
        "extrahepatic_disease", "lesion_count", "largest_lesion_cm", "small_multiple_mets", "lobar_predominance",
    ),
    "Resection and ablation": ("radical_resection_possible", "remnant_adequate", "est_cytoreduction_pct"),
    "Embolisation": ("portal_vein", "hepatic_failure", "biliary_anastomosis", "hepatomegaly"),
    "Course": ("context", "response", "failed_therapies", "other_therapies_exhausted"),
}  # fmt: skip
_MOST_LINES = 20  # of a group
_NAME_WIDTH = max(map(len, NAMES.values()))


def show(out: Console, result: Result, *, explain: bool) -> None:
    """Print one result; `explain` adds every input, and what became of every resource."""
    _title(out, str(result.path))
    if result.error is not None:
        status = "no answer" if result.status is None else str(result.status)
        out.print(Text(printable(f"{status}: {result.error}"), style="red"))
        if result.alone is not None:
            out.print(Text("Read by itself, as if the chart were in scope:", style="bold"))
            out.print(_inputs(result.alone[1].needs, {}, told_only=True), crop=False)
            _beside_the_inputs(out, result.alone[1])
            _not_used(out, result.account())
        return
    decision = result.decision or {}
    if decision:
        _head(out, result, decision)
    if result.evaluation is not None and explain:
        told = result.account()
        if told is not None and told.silent:
            out.print(Padding(Text(printable(f"silent: {told.silent}")), (0, 0, 0, 2)))
        whole = result.evaluation.reading.read_whole
        out.print(
            _inputs(result.evaluation.reading.needs, settled_by(result.evaluation), told_only=not whole), crop=False
        )
        _beside_the_inputs(out, result.evaluation.reading)
        _not_used(out, told)
    elif result.evaluation is not None and decision["state"] != "out_of_scope":
        out.print(_inputs(result.evaluation.reading.needs, {}, told_only=True))
    elif decision and decision["state"] != "out_of_scope":
        out.print(_as_told(decision.get("inputs", {})))
    if result.evaluation is not None and not explain and (aside := len(result.evaluation.reading.unused)):
        what = f"{aside} resource{'' if aside == 1 else 's'} set aside: --explain tells which, and why"
        out.print(Text(f"  {what}", style="dim"))
    for card in result.cards:
        out.print(_card(card))
    if not result.cards:
        out.print(Text("  no cards", style="dim"))


def _title(out: Console, path: str) -> None:
    """The path, never cut: it is what a reader looks the input up by."""
    if len(path) + 2 <= out.width:
        out.rule(Text(path, style="bold"), align="left")
    else:
        out.print(Text(path, style="bold"), overflow="ignore", no_wrap=True, crop=False)


def _head(out: Console, result: Result, decision: Mapping[str, Any]) -> None:
    at = f" at {result.evaluation.chart.as_of.date()}" if result.evaluation else ""
    out.print(Text(printable(f"Patient {result.patient or 'not told'}, evaluated{at}: {decision['state']}")))
    rows = [("path", " > ".join(decision.get("path", [])))]
    rows += [(name, ", ".join(decision[name])) for name in _LISTS if decision.get(name)]
    table = Table.grid(padding=(0, 2))
    for name, text in rows:
        table.add_row(Text(f"  {name}"), Text(text))
    out.print(table)


def _inputs(needs: Needs, settled: Mapping[str, str], *, told_only: bool = False) -> Group:
    """Every input: its value or why it is unknown, where that comes from, and what would settle it.

    `told_only` leaves out those of which no resource says anything.
    """
    lines: list[Padding | Text] = []
    for group, names in _GROUPS.items():
        names = tuple(name for name in names if not told_only or _is_told_of(name, needs))
        lines += [Text(group, style="bold")] if names else []
        for name in names:
            fact = needs.fact(name)
            style = "" if isinstance(fact, Known) else "dim"
            lines.append(Text(f"  {NAMES[name]:<{_NAME_WIDTH}} {printable(_said(name, fact))}", style=style))
            # A reference that is cut in two cannot be looked up: it runs over the edge instead.
            lines += [
                Text(f"      {printable(_where(source))}", style="dim", no_wrap=True, overflow="ignore")
                for source in fact.sources
            ]
            lines += [
                Padding(Text(printable(line), style="dim"), (0, 0, 0, 6)) for line in _beside(name, fact, settled)
            ]
    return Group(*lines)


def _is_told_of(name: str, needs: Needs) -> bool:
    return bool(needs.fact(name).sources) and name != "age_years"


def _beside_the_inputs(out: Console, reading: ChartReading) -> None:
    """What a card may name and no rule reads: treatments in progress, medicines, courses of markers, other findings."""
    medicines = reading.medicines
    lines = [f"in progress: {item.code} {item.drug} ({_where(item.source)})" for item in medicines.in_progress]
    lines += [f"disturbs {item.code}: {item.drug} ({_where(item.source)})" for item in medicines.cautions]
    lines += [f"found, not counted: {name} ({_where(source)})" for name, source in reading.beside]
    lines += [f"found, not understood: {item.label} ({_where(item.source)})" for item in reading.not_understood]
    for course in reading.trends:
        results = ", ".join(f"{result.text} {result.source.date}" for result in course.results)
        why = f" ({course.why_not.replace('_', ' ')})" if course.why_not else ""
        lines.append(f"{course.marker.replace('-', ' ')} {course.direction.replace('_', ' ')}{why}: {results}")
    if lines:
        out.print(Text("Beside the inputs", style="bold"))
    for line in lines:
        out.print(Text(printable(f"  {line}")))


def _where(source: Source) -> str:
    return f"{source.reference} {source.date or 'undated'}"


def _said(name: str, fact: Fact[Any]) -> str:
    if isinstance(fact, Known):
        return in_words(name, fact)
    if fact.why is WhyUnknown.NOT_RECORDED:
        return "unknown: not recorded"
    return f"unknown: {WHY[fact.why]}"


def _beside(name: str, fact: Fact[Any], settled: Mapping[str, str]) -> Iterator[str]:
    if fact.note:
        yield fact.note
    if name in settled:
        yield f"settled by: {settled[name]}"


def _not_used(out: Console, told: Account | None) -> None:
    if told is None or not told.not_used:
        return
    out.print(Text("Not used", style="bold"))
    ordered = sorted(told.not_used, key=lambda item: (item.reason, item.reference, item.detail))
    for reason, items in groupby(ordered, key=lambda item: item.reason):
        group = list(items)
        out.print(Text(f"  {reason} ({len(group)})"))
        told_of = [_item(item, out.width) for item in group]
        shown = [lines for at, lines in enumerate(told_of) if sum(map(len, told_of[: at + 1])) <= _MOST_LINES]
        for line in (line for lines in shown for line in lines):
            out.print(Text(line, style="dim"), overflow="ignore", no_wrap=True, crop=False)
        if len(group) > len(shown):
            out.print(Text(f"    and {len(group) - len(shown)} more", style="dim"))


def _item(item: NotUsed, width: int) -> list[str]:
    """The reference whole, what else there is to say beside or below it, that cut off where the line ends."""
    reference, detail = f"    {printable(item.reference)}", printable(item.detail)
    if len(reference) + len(detail) + 2 <= width:
        return [f"{reference}: {detail}" if detail else reference]
    return [reference, f"      {detail}" if len(detail) + 6 <= width else f"      {detail[: width - 7]}…"]


def _as_told(inputs: Mapping[str, Mapping[str, Any]]) -> Table:
    """The inputs as the decision on the wire has them, those left out of which there is nothing to say."""
    table = Table.grid(padding=(0, 2))
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, fact in inputs.items():
        if fact.get("unknown") == "not_recorded" and not fact.get("note"):
            continue
        said = f"unknown: {WHY[WhyUnknown(fact['unknown'])]}" if "unknown" in fact else _in_words(fact.get("value"))
        note = f" ({fact['note']})" if fact.get("note") else ""
        style = "dim" if "unknown" in fact else ""
        table.add_row(Text(f"  {NAMES.get(name, name)}", style=style), Text(printable(f"{said}{note}"), style=style))
    return table


def _in_words(value: Any) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _card(card: Mapping[str, Any]) -> Panel:
    colour = _COLOURS.get(card.get("indicator", ""), "white")
    parts: list[Any] = [Text(card.get("summary", ""), style=f"bold {colour}"), Markdown(card.get("detail", ""))]
    labels = [suggestion.get("label", "") for suggestion in card.get("suggestions", [])]
    if labels:
        parts.append(Text("  ".join(f"[ {label} ]" for label in labels), style=colour))
    return Panel(Group(*parts), border_style=colour, title=Text(card.get("indicator", "")), title_align="left")
