"""Short constructors for the findings of the protocol's nodes."""

from cds_service.guidelines.nelm_2006.needs import Needs
from cds_service.reasoning.graph import Basis, Finding, Kind
from cds_service.reasoning.truth import NO, is_known


def offer(code: str, *basis: Basis) -> Finding:
    """An option, with the step that selects it and the step by which its branch was entered."""
    return Finding(Kind.OFFER, code, basis=basis)


def withhold(code: str, reason: str) -> Finding:
    """An option not supported by the text, for one known reason."""
    return Finding(Kind.WITHHOLD, code, reason=reason)


def ask(code: str, *inputs: str) -> Finding:
    """A work-up step, with the unknown inputs that it would settle."""
    return Finding(Kind.ASK, code, inputs=inputs)


def unknown_among(needs: Needs, names: tuple[str, ...]) -> tuple[str, ...]:
    """Those of the inputs that are not known."""
    return tuple(name for name in names if is_known(needs.fact(name)) is NO)
