"""Errors as HTTP: one shape (OperationOutcome), one place. Never a stack trace, never a value from a chart."""

from __future__ import annotations

from collections.abc import Mapping

import orjson
from starlette.responses import Response

from cds_service.errors import RequestError

FHIR_JSON = "application/fhir+json"
_ISSUE_OF_STATUS = {404: "not-found", 405: "not-supported", 413: "too-long", 415: "not-supported"}


def problem(status: int, issue: str, diagnostics: str, headers: Mapping[str, str] | None = None) -> Response:
    """An OperationOutcome with one issue."""
    body = {
        "resourceType": "OperationOutcome",
        "issue": [{"severity": "error", "code": issue, "diagnostics": diagnostics}],
    }
    return Response(orjson.dumps(body), status, headers=dict(headers or {}), media_type=FHIR_JSON)


def of_request_error(error: RequestError) -> Response:
    """The answer to a call that cannot be answered with cards."""
    return problem(error.status, error.issue, str(error), error.headers)


def of_status(status: int, headers: Mapping[str, str] | None = None) -> Response:
    """The answer to what the router refuses: unknown path, wrong method."""
    said = {404: "There is nothing at this address.", 405: "This method is not allowed here; see the Allow header."}
    issue = _ISSUE_OF_STATUS.get(status, "processing")
    return problem(status, issue, said.get(status, "The request cannot be answered."), headers)


def of_our_own_fault() -> Response:
    """The answer to a fault of ours: nothing of it leaves the service."""
    return problem(500, "exception", "The service failed on this request; it gave no advice. Its log holds the cause.")
