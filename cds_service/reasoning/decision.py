"""What a guideline says about one patient: the outcome of a walk, in the form that cards and the wire are made of."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from msgspec import Struct

from cds_service.reasoning.graph import Finding, Findings, Graph, Kind, Step, Walk
from fhir_mappings.facts import Fact, Unknown, WhyUnknown

N = TypeVar("N")


class Decision(Struct, frozen=True):
    """One decision with its trace; every list is in the order in which it is shown."""

    guideline: str
    edition: str
    state: str
    workup: tuple[str, ...]
    treatment: tuple[str, ...]
    info: tuple[str, ...]
    safety: tuple[str, ...]
    follow_up: tuple[str, ...]
    withhold: tuple[str, ...]
    unread: tuple[str, ...]  # names of inputs
    steps: tuple[Step, ...]
    findings: tuple[Finding, ...]
    inputs: Mapping[str, Fact[Any]]

    @property
    def path(self) -> tuple[str, ...]:
        """Node ids in the order walked."""
        return tuple(step.node for step in self.steps)

    def finding(self, kind: Kind, code: str) -> Finding | None:
        """The first finding of a kind and code."""
        return next((f for f in self.findings if f.kind is kind and f.code == code), None)

    def asked_inputs(self, code: str) -> tuple[str, ...]:
        """The unknown inputs that a work-up step would settle, without those that could not be retrieved."""
        asked = [f for f in self.findings if f.kind is Kind.ASK and f.code == code]
        names = dict.fromkeys(name for finding in asked for name in finding.inputs)
        return tuple(name for name in names if name not in self.unread)


@dataclass(frozen=True)
class Guideline(Generic[N]):
    """A guideline: its graph, the orders of its lists, the state a walk settles, and what the site makes of it."""

    id: str
    edition: str
    graph: Graph[N]
    facts: Callable[[N], Mapping[str, Fact[Any]]]
    workup_order: Sequence[str]
    treatment_order: Callable[[N], Sequence[str]]
    state: Callable[[Walk], str]
    as_the_site_has_it: Callable[[N, Findings], Findings] = lambda _, findings: findings


def decide(guideline: Guideline[N], needs: N) -> Decision:
    """Walk a guideline over a patient's needs, and leave out what the site has switched off. Pure.

    A question whose inputs could not be retrieved asks to read, not to repeat: the inputs go to `unread`, and the
    step into `workup` only if it would also settle an input that was looked for and not found.
    """
    walk = guideline.graph.walk(needs)
    inputs = guideline.facts(needs)
    findings = guideline.as_the_site_has_it(needs, walk.findings)
    asks = [finding for finding in findings if finding.kind is Kind.ASK]
    unread = dict.fromkeys(name for ask in asks for name in ask.inputs if _not_retrieved(inputs[name]))
    workup = {ask.code for ask in asks if any(not _not_retrieved(inputs[name]) for name in ask.inputs)}
    codes = findings.codes_by_kind()
    offered = codes.get(Kind.OFFER, ())
    return Decision(
        guideline=guideline.id,
        edition=guideline.edition,
        state=guideline.state(walk),
        workup=tuple([code for code in guideline.workup_order if code in workup]),
        # Most charts offer nothing and miss nothing: then no order is worked out.
        treatment=tuple([code for code in guideline.treatment_order(needs) if code in offered]) if offered else (),
        info=codes.get(Kind.INFORM, ()),
        safety=codes.get(Kind.PROTECT, ()),
        follow_up=codes.get(Kind.FOLLOW_UP, ()),
        withhold=tuple(findings.withheld()),
        unread=tuple([name for name in inputs if name in unread]) if unread else (),
        steps=walk.steps,
        findings=tuple(findings),
        inputs=inputs,
    )


def _not_retrieved(fact: Fact[Any]) -> bool:
    return isinstance(fact, Unknown) and fact.why is WhyUnknown.NOT_RETRIEVED
