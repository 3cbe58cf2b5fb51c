"""The OpenAPI document says what the service accepts and answers: held against the running service, both ways."""

from __future__ import annotations

import json
from functools import cache, partial
from typing import Any

import jsonschema_rs
import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from schemathesis.checks import not_a_server_error
from schemathesis.config import GenerationConfig
from schemathesis.generation import GenerationMode
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from cds_service.http.openapi import openapi
from cds_service.reasoning.advice import DETAIL_LIMIT, MOST_CARDS, SUMMARY_LIMIT
from tests.support.conformance_call import Caller
from tests.support.conformance_server import Server
from tests.support.stories import NAMES, STORIES, Story, story

DOCUMENT = openapi(story("nothing-known-yet").body)
HOOK, FEEDBACK = "/cds-services/{id}", "/cds-services/{id}/feedback"
READ = ("/cds-services", "/healthz", "/readyz", "/metrics")
_EXAMPLES = partial(settings, derandomize=True, deadline=None, database=None, suppress_health_check=list(HealthCheck))
CHECKS = [
    not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]


def test_the_document_is_served(service: Caller) -> None:
    answer = service.get("/openapi.json")
    assert answer.status_code == 200
    assert answer.json() == json.loads(json.dumps(DOCUMENT))


def test_the_document_is_openapi() -> None:
    """Against the JSON Schema of OpenAPI 3.1, and each of its shapes against that of JSON Schema."""
    schemathesis.openapi.from_dict(DOCUMENT).validate()
    for shape in DOCUMENT["components"]["schemas"].values():
        jsonschema_rs.meta.validate({"$schema": "https://json-schema.org/draft/2020-12/schema"} | shape)


def test_every_example_has_the_shape_that_it_is_an_example_of() -> None:
    examples = list(_examples(DOCUMENT["paths"]))
    assert len(examples) > 20
    for schema, example in examples:
        _validator(schema).validate(example)


def test_the_examples_are_what_the_service_answers(service: Caller) -> None:
    (request,) = DOCUMENT["paths"][HOOK]["post"]["requestBody"]["content"]["application/json"]["examples"].values()
    cards = service.cards(request["value"])["cards"]
    example = DOCUMENT["paths"][HOOK]["post"]["responses"]["200"]["content"]["application/json"]["example"]
    assert [card["detail"] for card in cards] == [card["detail"] for card in example["cards"]]
    told = DOCUMENT["paths"][FEEDBACK]["post"]["requestBody"]["content"]["application/json"]["examples"]
    assert {name: service.feedback(feedback["value"]).status_code for name, feedback in told.items()} == {
        "accepted": 200,
        "overridden": 200,
    }


@pytest.mark.parametrize("told", STORIES, ids=NAMES)
def test_a_story_and_its_answer_have_the_shapes_of_the_document(service: Caller, told: Story) -> None:
    _validator("HookRequest").validate(told.request)
    _validator("HookAnswer").validate(service.cards(told.body))


def test_the_limits_are_those_of_the_cards() -> None:
    shapes = DOCUMENT["components"]["schemas"]
    card = shapes["Card"]["properties"]
    assert card["summary"]["maxLength"] == SUMMARY_LIMIT
    assert card["detail"]["maxLength"] == DETAIL_LIMIT
    assert shapes["HookAnswer"]["properties"]["cards"]["maxItems"] == MOST_CARDS


@pytest.mark.parametrize("path", READ)
def test_whatever_is_read_is_answered_as_the_document_says(server: Server, path: str) -> None:
    _call(server, path, "GET", GenerationMode.POSITIVE, 5)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
@pytest.mark.parametrize("path", [HOOK, FEEDBACK])
def test_whatever_is_sent_is_answered_as_the_document_says(server: Server, path: str, mode: GenerationMode) -> None:
    """Data of the right shape and of a wrong one, which the service has to refuse as the document does."""
    _call(server, path, "POST", mode, 80)


def test_whatever_stands_around_a_story_it_is_answered_as_the_document_says(server: Server) -> None:
    """All that the document allows in a request is accepted, where prefetch and patient are a story's."""
    told = story("nothing-known-yet")
    answered: list[int] = []
    schema = schemathesis.openapi.from_dict(DOCUMENT)

    @given(case=schema[HOOK]["POST"].as_strategy(generation_mode=GenerationMode.POSITIVE))
    @_EXAMPLES(max_examples=60)
    def call(case: schemathesis.Case[Any]) -> None:
        body: Any = case.body
        body["prefetch"] = told.request["prefetch"]
        body["context"]["patientId"] = told.patient_id
        body.pop("extension", None)  # its date would have to be one
        answer = case.call_and_validate(base_url=server.address, checks=CHECKS)
        answered.append(answer.status_code)

    call()
    assert set(answered) == {200}


def _call(server: Server, path: str, method: str, mode: GenerationMode, examples: int) -> None:
    schema = schemathesis.openapi.from_dict(DOCUMENT)
    schema.config.generation = GenerationConfig(modes=[mode], deterministic=True)
    rejection = schema.config.checks.negative_data_rejection
    rejection.expected_statuses = [*rejection.expected_statuses, "413"]  # more than a call may hold
    checks = CHECKS + [negative_data_rejection] * (mode is GenerationMode.NEGATIVE)

    @given(case=schema[path][method].as_strategy(generation_mode=mode))
    @_EXAMPLES(max_examples=examples)
    def call(case: schemathesis.Case[Any]) -> None:
        case.call_and_validate(base_url=server.address, checks=checks)

    call()


@cache
def _validator(schema: str) -> Any:
    shapes = {"$ref": f"#/components/schemas/{schema}", "components": DOCUMENT["components"]}
    return jsonschema_rs.Draft202012Validator(shapes, validate_formats=True)


def _examples(value: Any) -> Any:
    """Every media type with an example: the name of its schema, and the example."""
    if isinstance(value, dict):
        if "schema" in value and "$ref" in value["schema"]:
            name = value["schema"]["$ref"].rpartition("/")[2]
            yield from ((name, value[member]) for member in ("example",) if member in value)
            yield from ((name, example["value"]) for example in value.get("examples", {}).values())
        else:
            for member in value.values():
                yield from _examples(member)
