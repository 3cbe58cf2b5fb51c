"""The guideline as the pages draw it, made from its declaration; `nelm_2006.document` makes the same for reading."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cds_service.guidelines.nelm_2006 import NELM_2006
from cds_service.guidelines.nelm_2006.advice.phrases import NAMES, UNITS
from cds_service.guidelines.nelm_2006.plain_facts import FACTS
from cds_service.guidelines.nelm_2006.policy import SitePolicy
from cds_service.guidelines.nelm_2006.recommendations import Recommendation, texts, with_limits
from cds_service.reasoning.graph import Edge, Node, Stop

_KINDS = {
    "W": "workup",
    "T": "treatment",
    "I": "info",
    "S": "safety",
    "F": "follow_up",
    "R": "refer",
}


def guideline(policy: SitePolicy) -> dict[str, Any]:
    """Nodes, edges, recommendations, inputs and reasons, with the limits of this site where a text names them."""
    nodes = NELM_2006.graph.nodes.values()
    return {
        "id": NELM_2006.id,
        "edition": NELM_2006.edition,
        "title": texts().sentences["source_label"],
        "nodes": [{"id": node.id, "question": node.question, "round": node.round} for node in nodes],
        "edges": [_edge(node, edge) for node in nodes for edge in node.edges],
        "recommendations": [_recommendation(found, policy) for found in texts().recommendations.values()],
        "inputs": [_input(name) for name in FACTS],
        "reasons": _reasons(policy),
    }


def _edge(node: Node[Any], edge: Edge) -> dict[str, Any]:
    return {
        "from": node.id,
        "to": edge.to,
        "answer": edge.answer,
        "status": edge.basis.status.value,
        "rules": list(edge.basis.rules),
        "remark": edge.basis.remark,
        "condition": edge.basis.condition,
        "stops": edge.stop is not Stop.NO,
        "state": edge.state,
    }


def _recommendation(found: Recommendation, policy: SitePolicy) -> dict[str, Any]:
    return {
        "code": found.code,
        "title": with_limits(found.title, policy),
        "kind": _KINDS[found.code.partition("-")[0]],
        "rules": list(found.strength.rules),
        # I where an inferred step weakens the paper's word; the standing of the steps themselves is on their edges.
        "status": "E" if found.strength.word == found.inferred else "I",
        "strength": found.strength.word,
    }


def _input(name: str) -> dict[str, Any]:
    kind, values = _kind(name)
    return {"name": name, "label": NAMES[name], "type": kind, "unit": UNITS.get(name), "values": values}


def _kind(name: str) -> tuple[str, list[str] | None]:
    """What may be entered for an input, by the format of plain facts; a choice without the synonyms it also takes."""
    fact = FACTS[name]
    if "enum" in fact.schema:
        words = [word for word in fact.schema["enum"] if word is not None]
        return "choice", [word for word in words if fact.read(word) == word]
    kinds: Mapping[str, str] = {"boolean": "boolean", "integer": "number", "number": "number", "array": "set"}
    kind = kinds[fact.schema["type"][0]]
    return kind, list(fact.schema["items"]["enum"]) if kind == "set" else None


def _reasons(policy: SitePolicy) -> list[dict[str, str]]:
    said = texts()
    codes = [*said.reasons, *said.reasons_of]
    if policy.sets_ablation:
        codes += [code for code in said.reasons_of_site if code not in said.reasons]
    return [{"code": code, "text": said.reason(code if ":" in code else f":{code}", policy)} for code in codes]
