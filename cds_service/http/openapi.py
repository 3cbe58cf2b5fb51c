"""The service in OpenAPI 3.1: what it accepts and answers, with examples that it made itself from a made-up patient.

The shapes stand in `schemas.json` beside this file. https://spec.openapis.org/oas/v3.1.0
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import cache, partial
from importlib.resources import files
from typing import Any

import orjson

from cds_service import __version__
from cds_service.errors import NotStored, RequestError, Unauthenticated
from cds_service.http import problems
from cds_service.http.answer import answer_call
from cds_service.http.discovery import discovery
from cds_service.http.feedback import parse_feedback
from cds_service.http.services import SERVICES, Service, services_of
from cds_service.settings import Settings

JSON = "application/json"
_SCHEME = "signedByClient"
_MOMENT = datetime(2026, 1, 2, tzinfo=UTC)  # for a story that names no day of its own
_SAID = {
    400: "Not a request: the diagnostics name the place, never a value.",
    401: "No registered client signed the call; always the same answer.",
    404: "No service of this id, or one that takes no feedback.",
    405: "Another method; the Allow header names the right ones.",
    408: "The body did not arrive in time.",
    412: "Required data was neither prefetched nor obtainable from the FHIR server.",
    413: "The body is beyond the limit.",
    415: "The body does not say that it is JSON, or is compressed.",
    422: "The Patient that was sent is not the one whose chart is open.",
    500: "A fault of the service; it gave no advice.",
    503: "The feedback is not known to be stored: send all of it again, nothing counts twice.",
}
_HEADERS = {401: ("WWW-Authenticate",), 405: ("Allow",), 503: ("Retry-After",)}
_READ, _SENT = (405, 500), (400, 405, 408, 413, 415, 500)


@cache
def openapi(story: bytes, *, signed: bool = False, services: tuple[Service, ...] = SERVICES) -> dict[str, Any]:
    """The document, with examples made from this story, a hook request; `signed` where clients are registered."""
    tags = [{"name": "CDS Hooks"}, {"name": "Operation"}]
    security: list[dict[str, Any]] = [{_SCHEME: []}] if signed else [{}, {_SCHEME: []}]
    bearer = {"type": "http", "scheme": "bearer", "bearerFormat": "JWT", "description": _HOW_TO_SIGN}
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "nelm-cds",
            "version": __version__,
            "summary": "CDS Hooks 2.0.1 service",
            "description": _ABOUT,
        },
        "tags": tags,
        "paths": _hooks(story, services, security) | _operation(),
        "components": {"schemas": _schemas(services), "securitySchemes": {_SCHEME: bearer}},
    }


_ABOUT = (
    "Decision support for neuroendocrine liver metastases after a 2006 protocol, reconstructed from its text and not "
    "reviewed by clinicians. The patients in the examples are made up."
)
_HOW_TO_SIGN = (
    "CDS Hooks 2.0.1, trusting CDS clients: a JWT whose `aud` is the address that is called. Where no client is "
    "registered, anybody may call."
)


def _hooks(story: bytes, services: tuple[Service, ...], security: list[dict[str, Any]]) -> dict[str, Any]:
    request = orjson.loads(story)
    answer = _with_fixed_ids(answer_call(story, Settings(), _MOMENT))
    feedback = _feedback(answer)
    refused = [partial(answer_call, body, Settings(), _MOMENT) for body in _spoiled(request)]
    nowhere = partial(services_of, services, "of-this-id-there-is-none")
    service_id = {
        "name": "id", "in": "path", "required": True, "description": "The `id` of a service in discovery.",
        "schema": {"enum": [service.id for service in services]},
    }  # fmt: skip
    return {
        "/cds-services": {
            "get": {
                "operationId": "discover", "tags": ["CDS Hooks"], "security": security, "summary": "What is on offer",
                "responses": _answers(
                    _json("The services.", "Discovery", discovery(services=services)), (401, *_READ), {}
                ),
            }
        },
        "/cds-services/{id}": {
            "parameters": [service_id],
            "post": {
                "operationId": "callHook", "tags": ["CDS Hooks"], "security": security,
                "summary": "Cards for the patient whose chart is open",
                "requestBody": _body("HookRequest", {"story": request}),
                "responses": _answers(
                    _json("The cards; none where the chart is not this guideline's.", "HookAnswer", answer),
                    (401, 404, 412, 422, *_SENT),
                    _refusals([*refused, nowhere]),
                ),
            },
        },
        "/cds-services/{id}/feedback": {
            "parameters": [service_id],
            "post": {
                "operationId": "giveFeedback", "tags": ["CDS Hooks"], "security": security,
                "summary": "What became of cards",
                "requestBody": _body("FeedbackRequest", feedback),
                "responses": _answers(
                    {"description": "All of it is stored."},
                    (401, 404, 503, *_SENT),
                    _refusals([partial(parse_feedback, b"{}"), nowhere]),
                ),
            },
        },
    }  # fmt: skip


def _operation() -> dict[str, Any]:
    text = {"schema": {"type": "string"}}
    metrics = {
        "description": "Metrics for Prometheus.",
        "content": {"text/plain": text, "application/openmetrics-text": text},
    }
    pages = {
        "/healthz": ("isAlive", "Whether the process answers", _json("It does.", "Health", {"status": "ok"})),
        "/readyz": (
            "isReady", "Whether calls may come, and whether the store can be reached (advice needs none)",
            _json("They may.", "Readiness", {"status": "ready", "store": "reachable"}),
        ),
        "/metrics": ("metrics", "What was answered and how fast", metrics),
    }  # fmt: skip
    return {
        path: {
            "get": {
                "operationId": name, "tags": ["Operation"], "security": [{}], "summary": summary,
                "responses": _answers(answer, _READ, {}),
            }
        }
        for path, (name, summary, answer) in pages.items()
    }  # fmt: skip


def _schemas(services: Iterable[Service]) -> dict[str, Any]:
    """The shapes of `schemas.json`; the hook is one of those on offer."""
    shapes: dict[str, Any] = orjson.loads(files("cds_service.http").joinpath("schemas.json").read_bytes())
    shapes["HookRequest"]["properties"]["hook"]["enum"] = sorted({service.hook for service in services})
    return shapes


def _body(schema: str, examples: Mapping[str, Any]) -> dict[str, Any]:
    content = _shape(schema) | {"examples": {name: {"value": example} for name, example in examples.items()}}
    return {"required": True, "content": {JSON: content}}


def _json(description: str, schema: str, example: Any) -> dict[str, Any]:
    return {"description": description, "content": {JSON: _shape(schema) | {"example": example}}}


def _answers(good: dict[str, Any], errors: Iterable[int], examples: Mapping[int, Any]) -> dict[str, Any]:
    made = {401: _problem(Unauthenticated()), 405: _made(405), 500: _made(500), 503: _problem(NotStored())}
    examples = made | dict(examples)
    return {"200": good} | {str(status): _error(status, examples.get(status)) for status in sorted(errors)}


def _error(status: int, example: Any) -> dict[str, Any]:
    content = _shape("OperationOutcome") | ({"example": example} if example else {})
    error: dict[str, Any] = {"description": _SAID[status], "content": {problems.FHIR_JSON: content}}
    if status in _HEADERS:
        error["headers"] = {name: {"schema": {"type": "string"}} for name in _HEADERS[status]}
    return error


def _shape(schema: str) -> dict[str, Any]:
    return {"schema": {"$ref": f"#/components/schemas/{schema}"}}


def _refusals(calls: Iterable[Callable[[], object]]) -> dict[int, Any]:
    """What the service says to calls that it refuses, by status."""
    errors = (_refusal(call) for call in calls)
    return {error.status: _problem(error) for error in errors}


def _refusal(call: Callable[[], object]) -> RequestError:
    try:
        call()
    except RequestError as error:
        return error
    raise AssertionError("a call that is made to be refused is answered")


def _spoiled(request: Mapping[str, Any]) -> Iterator[bytes]:
    """The story's request without its instance, without the Conditions, and with another patient's Patient."""
    prefetch = request["prefetch"]
    unread = {key: value for key, value in prefetch.items() if key != "conditions"}
    stranger = prefetch | {"patient": prefetch["patient"] | {"id": "somebody-else"}}
    yield orjson.dumps({name: member for name, member in request.items() if name != "hookInstance"})
    yield orjson.dumps(dict(request, prefetch=unread))
    yield orjson.dumps(dict(request, prefetch=stranger))


def _problem(error: RequestError) -> Any:
    return orjson.loads(problems.of_request_error(error).body)


def _made(status: int) -> Any:
    response = problems.of_our_own_fault() if status == 500 else problems.of_status(status)
    return orjson.loads(response.body)


def _feedback(answer: Mapping[str, Any]) -> dict[str, Any]:
    """An entry of each kind on the cards of an answer that proposes something."""
    card = next(card for card in answer["cards"] if "suggestions" in card)
    reason = card["overrideReasons"][0]
    entry = {"card": card["uuid"], "outcomeTimestamp": "2026-03-02T09:30:00Z"}
    accepted = entry | {"outcome": "accepted", "acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}]}
    overridden = entry | {"outcome": "overridden", "overrideReason": {"reason": reason}}
    return {"accepted": {"feedback": [accepted]}, "overridden": {"feedback": [overridden]}}


def _with_fixed_ids(value: Any, place: str = "") -> Any:
    """The same with uuids that tell their place, so that the document is the same at every start."""
    if isinstance(value, list):
        return [_with_fixed_ids(member, f"{place}/{number}") for number, member in enumerate(value)]
    if isinstance(value, dict):
        return {
            name: str(uuid.uuid5(uuid.NAMESPACE_URL, place))
            if name == "uuid"
            else _with_fixed_ids(member, f"{place}/{name}")
            for name, member in value.items()
        }
    return value
