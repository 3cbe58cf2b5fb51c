"""The decision graph of a guideline, and the walk through it that keeps its trace.

A node asks one question in clinical words and answers it from the facts; each answer is an edge with its basis: from
the paper, inferred, or ours. What a node finds (an option offered, an option withheld, a question that is open) goes
into the findings; the path, the figure in the documentation and the reason on a card all come from this one
declaration.

Questions come in rounds. A round is always asked in full: an edge that blocks lets the walk go on to the end of its
round and stops it there. A stop ends treatment advice, not the questions: what had been offered is dropped, what was
asked in the first round and at the node that stopped is kept.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import Enum, StrEnum, auto
from typing import Generic, Self, TypeVar

from msgspec import Struct

N = TypeVar("N")


class Status(StrEnum):
    """How a step relates to the paper."""

    EXPLICIT = "E"
    INFERRED = "I"
    PROJECT = "P"


class Basis(Struct, frozen=True):
    """Why a step is in the graph: its status, the rules (R..) it rests on, and a remark (A.., or a reason of ours).

    `edge` and `condition` name the step in the documented table of edges; a step without a name only leads on.
    """

    status: Status
    rules: tuple[str, ...] = ()
    remark: str = ""
    edge: str = ""
    condition: str = ""


class Stop(Enum):
    """What taking an edge does to the walk."""

    NO = auto()
    END_OF_ROUND = auto()
    NOW = auto()


class Kind(Enum):
    """What a finding says."""

    OFFER = auto()
    WITHHOLD = auto()
    ASK = auto()
    INFORM = auto()
    PROTECT = auto()
    FOLLOW_UP = auto()


class Finding(Struct, frozen=True):
    """One thing a node found: a code, with the reason (withheld) or the inputs (asked) and the basis (offered)."""

    kind: Kind
    code: str
    reason: str | None = None
    inputs: tuple[str, ...] = ()
    basis: tuple[Basis, ...] = ()


class Outcome(Struct, frozen=True):
    """The answer of a node, what it found, and the names of the inputs that decided it."""

    answer: str
    inputs: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()


class Edge(Struct, frozen=True):
    """One answer of a node: where it leads (None: the walk ends), on what basis, and the state it settles, if any."""

    answer: str
    to: str | None
    basis: Basis
    stop: Stop = Stop.NO
    state: str | None = None


class Findings(tuple[Finding, ...]):
    """The findings so far, with the questions that later nodes may put to them."""

    __slots__ = ()

    def codes(self, kind: Kind) -> list[str]:
        """The codes of one kind, in the order found, each once."""
        return list(dict.fromkeys([finding.code for finding in self if finding.kind is kind]))

    def codes_by_kind(self) -> Mapping[Kind, tuple[str, ...]]:
        """The codes of every kind that was found, at once: in the order found, each once."""
        found: dict[Kind, dict[str, None]] = {}
        for finding in self:
            found.setdefault(finding.kind, {})[finding.code] = None
        return {kind: tuple(codes) for kind, codes in found.items()}

    def withheld(self) -> list[str]:
        """Withheld items as `CODE:reason`, each once."""
        return list(dict.fromkeys([f"{f.code}:{f.reason}" for f in self if f.kind is Kind.WITHHOLD]))


class Node(Struct, Generic[N], frozen=True):
    """A question, the round it belongs to, the function that answers it, and its edges."""

    id: str
    question: str
    round: int
    ask: Callable[[N, Findings], Outcome]
    edges: tuple[Edge, ...]

    def edge(self, answer: str) -> Edge:
        """The edge of an answer; a node that answers what it did not declare is a programming error."""
        for edge in self.edges:
            if edge.answer == answer:
                return edge
        raise LookupError(f"node {self.id} declares no edge {answer!r}")


class Step(Struct, frozen=True):
    """One node of the path taken."""

    node: str
    question: str
    answer: str
    inputs: tuple[str, ...]
    basis: Basis


class Walk(Struct, frozen=True):
    """The path taken, what was found on it, the state it settled, and whether it was stopped."""

    steps: tuple[Step, ...]
    findings: Findings
    state: str | None
    stopped: bool


@dataclass(frozen=True)
class Graph(Generic[N]):
    """The nodes of a guideline by id, in the order they are declared; the first one starts the walk."""

    nodes: Mapping[str, Node[N]] = field(repr=False)

    @classmethod
    def of(cls, nodes: Iterable[Node[N]]) -> Self:
        """Build the graph; ids must be unique, every edge must lead to a node, and none back to an earlier round."""
        listed = list(nodes)
        by_id = {node.id: node for node in listed}
        if len(by_id) != len(listed):
            raise ValueError("a node id stands twice in the graph")
        for node in listed:
            for edge in node.edges:
                if edge.to is not None and edge.to not in by_id:
                    raise ValueError(f"edge {node.id} --{edge.answer}--> {edge.to} leads nowhere")
                if edge.to is not None and by_id[edge.to].round < node.round:
                    raise ValueError(f"edge {node.id} --{edge.answer}--> {edge.to} leads back to an earlier round")
        return cls(by_id)

    def walk(self, needs: N) -> Walk:
        """Walk from the first node until an edge ends the walk or a stop takes effect."""
        node: Node[N] | None = next(iter(self.nodes.values()))
        steps: list[Step] = []
        found = first_round = Findings()
        state: str | None = None
        blocked_in: int | None = None
        while node is not None:
            if blocked_in is not None and node.round > blocked_in:
                return self._stopped(steps, first_round)
            outcome = node.ask(needs, found)
            edge = node.edge(outcome.answer)
            steps.append(Step(node.id, node.question, outcome.answer, outcome.inputs, edge.basis))
            if edge.stop is Stop.NOW:
                return self._stopped(steps, (*first_round, *outcome.findings))
            if outcome.findings:
                found = Findings((*found, *outcome.findings))
            if node.round == 1:
                first_round = found
            state = edge.state or state
            if edge.stop is Stop.END_OF_ROUND:
                blocked_in = node.round
            node = self.nodes[edge.to] if edge.to is not None else None
        return Walk(tuple(steps), found, state, stopped=False)

    @staticmethod
    def _stopped(steps: list[Step], kept: tuple[Finding, ...]) -> Walk:
        questions = (finding for finding in kept if finding.kind in (Kind.ASK, Kind.INFORM))
        return Walk(tuple(steps), Findings(questions), None, stopped=True)
