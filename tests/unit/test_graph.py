"""The decision graph and its walk: rounds, stops, and what a stop keeps."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from cds_service.reasoning.graph import Basis, Edge, Finding, Findings, Graph, Kind, Node, Outcome, Status, Stop

BASIS = Basis(Status.PROJECT)
ASK, OFFER, WITHHOLD = (
    Finding(Kind.ASK, "W", inputs=("x",)),
    Finding(Kind.OFFER, "T"),
    Finding(Kind.WITHHOLD, "T", reason="too_big"),
)
NOTE = Finding(Kind.INFORM, "I")


def edge(answer: str, to: str | None = None, stop: Stop = Stop.NO, state: str | None = None) -> Edge:
    return Edge(answer, to, BASIS, stop, state)


def node(id_: str, round_: int, *edges: Edge, found: tuple[Finding, ...] = (), answer: str = "yes") -> Node[None]:
    return Node(id_, f"{id_}?", round_, lambda needs, findings: Outcome(answer, ("x",), found), edges)


def test_a_walk_follows_the_answers_and_keeps_its_trace() -> None:
    graph = Graph.of([
        node("A", 1, edge("no", "B"), edge("yes", "C"), found=(ASK,)),
        node("B", 1, edge("yes")),
        node("C", 2, edge("yes"), found=(OFFER, WITHHOLD)),
    ])  # fmt: skip
    walk = graph.walk(None)
    assert [(step.node, step.question, step.answer, step.inputs) for step in walk.steps] == [
        ("A", "A?", "yes", ("x",)),
        ("C", "C?", "yes", ("x",)),
    ]
    assert walk.findings == (ASK, OFFER, WITHHOLD)
    assert not walk.stopped
    assert walk.state is None


def test_a_later_node_sees_what_earlier_ones_found() -> None:
    seen: list[Findings] = []

    def look(needs: None, findings: Findings) -> Outcome:
        seen.append(findings)
        return Outcome("yes")

    Graph.of([node("A", 1, edge("yes", "B"), found=(OFFER,)), Node("B", "?", 1, look, (edge("yes"),))]).walk(None)
    assert seen == [(OFFER,)]
    assert isinstance(seen[0], Findings)


def test_the_last_state_settled_stands() -> None:
    graph = Graph.of([
        node("A", 1, edge("yes", "B", state="refer")),
        node("B", 2, edge("yes", "C")),
        node("C", 3, edge("yes")),
    ])  # fmt: skip
    assert graph.walk(None).state == "refer"


def test_a_stop_at_the_end_of_the_round_asks_the_round_in_full() -> None:
    graph = Graph.of([
        node("A", 1, edge("yes", "B", Stop.END_OF_ROUND), found=(ASK, OFFER)),
        node("B", 1, edge("yes", "C"), found=(NOTE, WITHHOLD)),
        node("C", 2, edge("yes"), found=(Finding(Kind.ASK, "never asked"),)),
    ])  # fmt: skip
    walk = graph.walk(None)
    assert [step.node for step in walk.steps] == ["A", "B"]
    assert walk.stopped
    assert walk.findings == (ASK, NOTE), "questions and notes stay, advice does not"


def test_a_round_that_ends_the_walk_itself_is_not_stopped() -> None:
    """A referral that settles a state does not wait for what else the round asks."""
    graph = Graph.of([
        node("A", 1, edge("yes", "B", Stop.END_OF_ROUND), found=(ASK,)),
        node("B", 1, edge("yes", None, state="refer"), found=(OFFER,)),
    ])  # fmt: skip
    walk = graph.walk(None)
    assert (walk.stopped, walk.state, walk.findings) == (False, "refer", (ASK, OFFER))


def test_a_stop_now_keeps_the_first_round_and_its_own_questions() -> None:
    own = Finding(Kind.ASK, "own")
    graph = Graph.of([
        node("A", 1, edge("yes", "B"), found=(ASK, OFFER)),
        node("B", 2, edge("yes", "C"), found=(Finding(Kind.ASK, "of the round before"), WITHHOLD)),
        node("C", 3, edge("yes", "D", Stop.NOW, state="ignored"), found=(own, WITHHOLD)),
        node("D", 3, edge("yes"), found=(OFFER,)),
    ])  # fmt: skip
    walk = graph.walk(None)
    assert [step.node for step in walk.steps] == ["A", "B", "C"]
    assert walk.findings == (ASK, own)
    assert walk.stopped
    assert walk.state is None


def test_findings_list_each_code_once_in_order() -> None:
    findings = Findings((OFFER, ASK, OFFER, WITHHOLD, WITHHOLD, Finding(Kind.WITHHOLD, "T", reason="too_many")))
    assert findings.codes(Kind.OFFER) == ["T"]
    assert findings.withheld() == ["T:too_big", "T:too_many"]


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: Graph.of([node("A", 1, edge("yes")), node("A", 1, edge("yes"))]), "stands twice"),
        (lambda: Graph.of([node("A", 1, edge("yes", "B"))]), "leads nowhere"),
        (lambda: Graph.of([node("A", 2, edge("yes", "B")), node("B", 1, edge("yes"))]), "back to an earlier round"),
    ],
    ids=["duplicate id", "unknown edge", "back to an earlier round"],
)
def test_a_graph_that_makes_no_sense_is_refused(build: Callable[[], Graph[None]], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        build()


def test_an_answer_that_was_not_declared_is_a_programming_error() -> None:
    graph = Graph.of([node("A", 1, edge("yes"), answer="perhaps")])
    with pytest.raises(LookupError, match="A declares no edge 'perhaps'"):
        graph.walk(None)
