"""A result in the terminal: the path, the facts with their sources, the cards. Text from a chart is never markup."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from rich.console import Console, Group
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cds_service.reasoning.markdown import printable

if TYPE_CHECKING:
    from cds_service.cli.replay import Result

_COLOURS = {"info": "blue", "warning": "yellow", "critical": "red"}


def show(out: Console, result: Result, *, explain: bool) -> None:
    """Print one result."""
    out.rule(Text(str(result.path), style="bold"), align="left")
    if result.error is not None:
        status = "no answer" if result.status is None else str(result.status)
        out.print(Text(f"{status}: {result.error}", style="red"))
        return
    decision = result.decision or {}
    if decision:
        out.print(Text(f"State {decision['state']}   path {' > '.join(decision.get('path', []))}"))
        for name in ("workup", "treatment", "safety", "withhold", "info", "follow_up", "unread"):
            if decision.get(name):
                out.print(Text(f"  {name:10} {', '.join(decision[name])}"))
        if decision["state"] != "out_of_scope" or explain:
            out.print(_facts(decision.get("inputs", {}), everything=explain))
    if explain and result.evaluation is not None:
        for item in result.evaluation.reading.unused:
            out.print(Text(printable(f"  not used: {item.reference} ({item.why.value})"), style="dim"))
        for found in result.evaluation.reading.not_understood:
            where = f"{found.source.reference} {found.source.date or ''}".strip()
            out.print(Text(printable(f"  found, not understood: {found.label} ({where})"), style="dim"))
    for card in result.cards:
        out.print(_card(card))
    if not result.cards:
        out.print(Text("  no cards", style="dim"))


def _facts(inputs: dict[str, dict[str, Any]], *, everything: bool) -> Table:
    table = Table(box=None, padding=(0, 2), show_header=True, header_style="dim")
    table.add_column("input", no_wrap=True)
    for heading in ("value", "from", "note"):
        table.add_column(heading, overflow="fold")
    for name, fact in inputs.items():
        if "unknown" in fact and fact["unknown"] == "not_recorded" and not fact.get("note") and not everything:
            continue
        value = f"unknown: {fact['unknown']}" if "unknown" in fact else str(fact.get("value"))
        sources = ", ".join(f"{s['reference']} {s.get('date', '')}".strip() for s in fact.get("sources", []))
        style = "dim" if "unknown" in fact else ""
        table.add_row(*(Text(printable(cell), style=style) for cell in (name, value, sources, fact.get("note") or "")))
    return table


def _card(card: dict[str, Any]) -> Panel:
    colour = _COLOURS.get(card.get("indicator", ""), "white")
    parts: list[Any] = [Text(card.get("summary", ""), style=f"bold {colour}"), Markdown(card.get("detail", ""))]
    labels = [suggestion.get("label", "") for suggestion in card.get("suggestions", [])]
    if labels:
        parts.append(Text("  ".join(f"[ {label} ]" for label in labels), style=colour))
    return Panel(Group(*parts), border_style=colour, title=Text(card.get("indicator", "")), title_align="left")
