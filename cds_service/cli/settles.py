"""What would settle an unknown input: the work-up step that asks for it, or recording it where no step does."""

from __future__ import annotations

from cds_service.decide import Evaluation
from cds_service.guidelines.nelm_2006.intake.set_aside import assessment_of
from cds_service.guidelines.nelm_2006.open_inputs import could_change_treatment
from cds_service.guidelines.nelm_2006.recommendations import texts
from cds_service.reasoning.graph import Kind


def settled_by(evaluation: Evaluation) -> dict[str, str]:
    """In words, for every unknown that is asked for or could change the treatment list; what is unread has to be read.

    A chart that is silent asks for nothing.
    """
    decision, reading = evaluation.decision, evaluation.reading
    if not reading.read_whole:
        return {}
    found = {name: _recording(name) for name in could_change_treatment(reading.needs, decision)}
    for finding in decision.findings:
        if finding.kind is Kind.ASK:
            found |= dict.fromkeys(finding.inputs, f"{finding.code}, {texts().of(finding.code).title}")
    return found | dict.fromkeys(decision.unread, "reading what could not be retrieved")


def _recording(name: str) -> str:
    code = assessment_of(name)
    return f"recording it (assessment {code}); no step asks for it" if code else "recording it; no step asks for it"
