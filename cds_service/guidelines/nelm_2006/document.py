"""The guideline as a document, made from its declaration: `make docs` writes docs/guidelines/nelm-2006.md.

Nothing here is said twice: the graph comes from `pathway`, the steps' standing from `bases`, the numbers from
`thresholds`, the texts from `recommendations.toml`, the evidence from `evidence.toml`.
"""

from __future__ import annotations

import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.resources import files
from typing import Any

from cds_service.guidelines.nelm_2006 import NELM_2006, bases
from cds_service.guidelines.nelm_2006.pathway import PATHWAY
from cds_service.guidelines.nelm_2006.policy import DEFAULT
from cds_service.guidelines.nelm_2006.recommendations import Recommendation, texts, with_limits
from cds_service.reasoning.graph import Basis, Edge, Node, Stop

_THRESHOLD = re.compile(r'^([A-Z0-9_]+) = (?:Decimal\("([\d.]+)"\)|(\d+))  # (.+)$', re.MULTILINE)
_STANDING = {"E": "from the paper", "I": "inferred", "P": "ours"}
_ENDS = {
    "emergency": "Emergency",
    "out_of_scope": "Not ours: no cards",
    "refer": "Refer to the tumour board",
    "stop": "Work-up first",
    "end": "Options listed",
}

_HEAD = """\
# Neuroendocrine liver metastases: the 2006 Utrecht protocol as this service walks it

<!-- Made by `make docs` from the declaration in cds_service/guidelines/nelm_2006; a test fails when it is stale. -->

Source: Veenendaal LM, Borel Rinkes IHM, Lips CJM, van Hillegersberg R. *Liver metastases of neuroendocrine tumours;
early reduction of tumour load to improve life expectancy.* World J Surg Oncol 2006;4:35. Guideline id `{id}`, edition
`{edition}`.

**This graph is a reconstruction.** The paper's flow chart (Figure 2) is an image whose boxes and arrows are not part
of its text; the graph was put together from the text alone. **No clinician has reviewed it.** The paper is a narrative
review plus one centre's experience and gives no evidence grades. Nothing here is more than decision support for a
multidisciplinary team.

Each step says how it stands to the paper: **E** explicit in its text, **I** inferred from it, **P** the project's own
(safety or computability). Every I and P is a deviation from the letter of the paper. R.. are the paper's rules
(section 7), A.. resolved ambiguities (section 8), C.. notes on where practice has moved since (section 9). Reference
numbers are the paper's own; its reference list was not available.
"""


_PLACE = re.compile(r"\{[a-z_]+\}")


def document() -> str:
    """The whole document as Markdown."""
    parts = [
        _HEAD.format(id=NELM_2006.id, edition=NELM_2006.edition),
        "## 1. The pathway\n\n" + _figure(),
        "## 2. The questions, one by one\n\n" + "\n\n".join(_node(node) for node in PATHWAY.nodes.values()),
        "## 3. Every edge and its standing\n\n" + _edges(),
        "## 4. What is recommended, and on what evidence\n\n" + _recommendations(),
        "## 5. Why something is withheld\n\n" + _reasons(),
        "## 6. The numbers\n\n" + _numbers(),
        *_evidence(),
    ]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def _figure() -> str:
    lines = ["```mermaid", "flowchart TD"]
    for node in PATHWAY.nodes.values():
        lines.append(f'  {_name(node.id)}["<b>{node.id}</b><br/>{_label(node.question)}"]')
    for node in PATHWAY.nodes.values():
        lines += [f"  {_name(node.id)} -- {_arrow(edge)} --> {_target(edge)}" for edge in node.edges]
    lines += [f'  {end}(["{title}"])' for end, title in _ENDS.items()]
    lines.append("```")
    note = (
        "An arrow names the answer and the standing of the step. *Then stops*: the questions of the round are "
        "asked to the end before the walk stops: a stop ends treatment advice, not the questions."
    )
    return "\n".join(lines) + "\n\n" + note


def _arrow(edge: Edge) -> str:
    stops = ", then stops" if edge.stop is Stop.END_OF_ROUND else ""
    return f'"{_label(edge.answer)}{stops} [{edge.basis.status}]"'


def _target(edge: Edge) -> str:
    if edge.to is not None:
        return _name(edge.to)
    if edge.stop is Stop.NOW:
        return "stop"
    return edge.state or "end"


def _name(node: str) -> str:
    return node.replace("-", "_")


def _label(text: str) -> str:
    return text.replace('"', "'")


def _node(node: Node[Any]) -> str:
    rows = [
        (edge.answer, _leads_to(edge), f"{edge.basis.status} {', '.join(edge.basis.rules)}".strip(), edge.basis.remark)
        for edge in node.edges
    ]
    table = _table(("answer", "leads to", "standing", "remark"), rows)
    return f"### {node.id}: {node.question}\n\nRound {node.round}.\n\n{table}"


def _leads_to(edge: Edge) -> str:
    if edge.to is None:
        end = "the walk stops: work-up first" if edge.stop is Stop.NOW else "the walk ends"
        return f"{end}; state `{edge.state}`" if edge.state else end
    stops = " to the end of the round, then stops" if edge.stop is Stop.END_OF_ROUND else ""
    return f"{edge.to}{stops}" + (f"; state `{edge.state}`" if edge.state else "")


def _edges() -> str:
    declared = [value for value in vars(bases).values() if isinstance(value, Basis) and value.edge]
    rows = [
        (b.edge, b.condition, f"{b.status} ({_STANDING[b.status]})", ", ".join(b.rules), b.remark) for b in declared
    ]
    return _table(("edge", "condition", "standing", "rules", "remark"), rows)


def _recommendations() -> str:
    return "\n\n".join(_recommendation(r) for r in texts().recommendations.values())


def _recommendation(r: Recommendation) -> str:
    title = with_limits(r.title, DEFAULT)
    lines = [f"### `{r.code}` {title}", "", f"Strength: {r.strength.word} ({', '.join(r.strength.rules)})."]
    if r.strength.inferred != r.strength.word:
        lines.append(f"Where a step is inferred: {r.strength.inferred}.")
    for context, strength in r.in_context.items():
        lines.append(f"{_sentence(context)}: {strength.word} ({', '.join(strength.rules)}).")
    said = [r.must] if r.must else []
    said += [f"*{_sentence(condition)}*: {text}" for condition, text in r.more.items()]
    for text in said:
        lines += ["", f"> {text}"]
    since = [note for note in texts().since_2006 if {r.code} & {item.partition(":")[0] for item in note.beside}]
    lines += ["", *(f"> *Since 2006*: {note.text}." for note in since)] if since else []
    if r.order is not None:
        code = f" ({r.order.system} {r.order.code})" if r.order.code else ""
        lines += ["", f"Draft order: {r.order.text}{code}."]
    return "\n".join(lines)


def _sentence(name: str) -> str:
    return name.replace("_", " ").capitalize()


def _reasons() -> str:
    said = texts()
    rows = [(f"`{reason}`", text) for reason, text in (dict(said.reasons) | dict(said.reasons_of)).items()]
    by_site = [(f"`{reason}`", _PLACE.sub("N", text)) for reason, text in said.reasons_of_site.items()]
    note = "Where the site has set a limit of ablation itself (docs/configuration.md); `no_technique` is ours (P):"
    return "\n\n".join((
        said.sentences["withheld"], _table(("reason", "as shown"), rows), note, _table(("reason", "as shown"), by_site)
    ))  # fmt: skip


def _numbers() -> str:
    source = files(__package__).joinpath("thresholds.py").read_text("utf-8")
    rows = [
        (name.replace("_", " ").lower(), decimal or whole, comment)
        for name, decimal, whole, comment in _THRESHOLD.findall(source)
    ]
    return _table(("number", "value", "where it comes from"), rows)


def _evidence() -> Iterator[str]:
    raw: Mapping[str, Mapping[str, Any]] = tomllib.loads(
        files(__package__).joinpath("evidence.toml").read_text("utf-8")
    )
    rules = [
        (
            i,
            r["section"],
            r["condition"],
            r["then"],
            r["strength"],
            r["numbers"],
            r["references"],
            f"\u201c{r['anchor']}\u201d",
        )
        for i, r in raw.items()
        if i.startswith("R")
    ]
    heads = ("rule", "section", "inputs and condition", "then", "strength", "numbers", "references", "anchor")
    yield "## 7. The rules of the paper\n\n" + _table(heads, rules)
    unclear = [(i, r["problem"], r["resolution"], r["why"]) for i, r in raw.items() if i.startswith("A")]
    yield "## 8. What was unclear, and how it was resolved\n\n" + _table(("", "problem", "resolution", "why"), unclear)
    notes = [(i, r["node"], r["sentence"], r["citation"], _verified(r)) for i, r in raw.items() if i.startswith("C")]
    yield (
        "## 9. Where practice has moved since 2006\n\nThe graph stays the 2006 protocol; these are dated notes "
        "beside it. Cards show verified ones only, with one exception: C22, a statement of absence, because leaving it "
        "out would oversell the option.\n\n" + _table(("", "node", "note", "citation", "status"), notes)
    )


def _verified(note: Mapping[str, Any]) -> str:
    return f"{'verified' if note['verified'] else '**not verified**'}: {note['status']}"


def _table(heads: Iterable[str], rows: Iterable[Iterable[str]]) -> str:
    heads = list(heads)
    lines = [f"| {' | '.join(heads)} |", f"|{'---|' * len(heads)}"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return "\n".join(lines)


def _cell(text: str) -> str:
    return text.replace("|", "\\|") or "-"


if __name__ == "__main__":
    sys.stdout.write(document())
