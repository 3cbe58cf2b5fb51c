"""The page about faulty FHIR servers, made from the table that the tests prove: `make docs`."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from tests.support.faults import FAULTS


def page() -> str:
    """The page as Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield "# Faulty FHIR servers"
    yield ""
    yield "What becomes of a call when the FHIR server that it names does one of these things. Made from the table that"
    yield "`tests/integration/test_fault_server.py` proves; `make docs` writes it."
    yield ""
    yield "`failed` and `partial` make the facts that the query carries unknown (not retrieved): the chart is answered"
    yield "with what else is there, and the card names what could not be read. Without the required queries (`patient`,"
    yield "`conditions`) nobody can tell whether the chart is ours: 412. Where a key was sent, nothing is asked. A"
    yield "server that does not know QuestionnaireResponse (404, 410) holds none: that counts as not asked."
    yield ""
    yield "| the server, on one query | an optional query becomes | a required one makes the call | and the 412 says |"
    yield "|---|---|---|---|"
    for name, fault in FAULTS.items():
        said = f"... {fault.says}" if fault.says else ""
        optional = fault.optional.value if fault.others.value == "complete" else "the whole call is a 412"
        yield f"| {name} | {optional} | {fault.required} | {said} |"


if __name__ == "__main__":
    sys.stdout.write(page())
