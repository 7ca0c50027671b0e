"""The description of the API is valid, complete and true."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
from jsonschema import Draft202012Validator
from unit.gateway.doubles import DECISION, EVENT, Served

from actors.gateway.openapi import describe
from actors.gateway.routes import ROUTES

DOCUMENT = describe(ROUTES)
OPERATIONS = [
    (path, method, operation) for path, methods in DOCUMENT["paths"].items() for method, operation in methods.items()
]
CONTRACT = {
    "POST /v1/events", "POST /v1/decisions", "POST /v1/decisions:batch", "POST /v1/outcomes", "POST /v1/history",
    "GET /v1/customers/{customer_id}", "DELETE /v1/customers/{customer_id}", "GET /v1/customers/{customer_id}/timeline",
    "PUT /v1/customers/{customer_id}/attributes", "PUT /v1/customers/{customer_id}/consent",
    "GET /v1/decisions/{decision_id}", "POST /v1/decisions/{decision_id}:rerun",
    "GET /v1/decisions/{decision_id}/explanation", "POST /v1/explanations", "GET /v1/catalog", "PUT /v1/catalog",
    "GET /v1/budgets", "PUT /v1/budgets/{budget_id}", "GET /v1/scorers", "POST /v1/scorers/{version}:promote",
    "POST /v1/scorers/{version}:shadow", "POST /v1/scorers/{version}:canary", "POST /v1/scorers/{version}:retire",
    "POST /v1/scorers:rollback", "GET /v1/experiments", "GET /v1/experiments/{experiment_id}",
    "GET /v1/journal", "GET /v1/clock", "PUT /v1/clock", "GET /v1/caller", "GET /v1/live", "GET /v1/funnel",
    "POST /v1/whatif", "GET /v1/status", "GET /healthz", "GET /readyz",
    "GET /metrics", "GET /v1/stream", "GET /openapi.json", "GET /docs",
}


def walk(value: Any) -> Iterator[dict[str, Any]]:
    if isinstance(value, dict):
        yield value
        for inner in value.values():
            yield from walk(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from walk(inner)


def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator({**schema, "components": DOCUMENT["components"]})


def test_it_describes_exactly_the_calls_that_are_served() -> None:
    assert {f"{method.upper()} {path}" for path, method, _ in OPERATIONS} == CONTRACT


def test_every_reference_leads_somewhere_and_every_schema_is_one() -> None:
    refs = {part["$ref"] for part in walk(DOCUMENT) if "$ref" in part}
    schemas = DOCUMENT["components"]["schemas"]
    assert refs
    assert {ref.removeprefix("#/components/schemas/") for ref in refs} <= set(schemas)
    for schema in schemas.values():
        Draft202012Validator.check_schema(schema)


def test_operation_ids_are_unique_and_names_of_programs() -> None:
    names = [operation["operationId"] for _, _, operation in OPERATIONS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z_]+", name) for name in names)


@pytest.mark.parametrize(("path", "method", "operation"), OPERATIONS, ids=lambda part: str(part)[:40])
def test_examples_satisfy_their_schemas(path: str, method: str, operation: dict[str, Any]) -> None:
    media = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    if "$ref" in media.get("schema", {}):
        validator(media["schema"]).validate(media["example"])


@pytest.mark.parametrize("route", [route for route in ROUTES if route.body is not None], ids=lambda route: route.name)
def test_examples_are_accepted_by_the_gateway(served: Served, route: Any) -> None:
    operation = DOCUMENT["paths"][route.path][route.method.lower()]
    example = operation["requestBody"]["content"]["application/json"]["example"]
    url = re.sub(r"\{\w+\}", "x", route.path)
    served.backend.coordinator_answer = [200, {"budgets": []}]
    served.backend.insight_answers["what_if"] = [200, {}]
    response = served.ask(route.method, url, json=example)
    assert response.status_code == 200, response.text
    assert "rejected" not in response.text


def test_errors_are_as_described(served: Served) -> None:
    problem = validator({"$ref": "#/components/schemas/Problem"})
    asked = [
        ("POST", "/v1/decisions", {"json": {}}), ("POST", "/v1/decisions", {"content": b"{"}),
        ("GET", "/v1/customers/c?x=1", {}), ("GET", "/v1/catalog", {"key": ""}),
        ("POST", "/v1/decisions", {"content": b" " * 300_000}),
    ]
    for method, url, arguments in asked:
        response = served.ask(method, url, **arguments)
        problem.validate(response.json())
        documented = DOCUMENT["paths"].get(url.partition("?")[0]) or DOCUMENT["paths"]["/v1/customers/{customer_id}"]
        assert str(response.status_code) in documented[method.lower()]["responses"]


def test_a_wrong_decision_is_wrong_for_the_schema_too() -> None:
    schema = validator({"$ref": "#/components/schemas/DecisionRequest"})
    schema.validate(DECISION)
    for wrong in ({"surprise": 1}, {"deadline_ms": 9}, {"placements": []}, {"customer_id": "x" * 201}):
        with pytest.raises(jsonschema.ValidationError):
            schema.validate(DECISION | wrong)


def test_an_outcome_of_both_or_neither_is_wrong_for_the_schema_too() -> None:
    schema = validator({"$ref": "#/components/schemas/Outcome"})
    outcome = {"outcome_id": "o", "action": "a", "type": "click", "time": EVENT["time"]}
    schema.validate(outcome | {"decision_id": "d"})
    schema.validate(outcome | {"customer_id": "c", "decision_id": None})
    for wrong in ({}, {"decision_id": "d", "customer_id": "c"}, {"decision_id": None}):
        with pytest.raises(jsonschema.ValidationError):
            schema.validate(outcome | wrong)


def test_the_served_document_is_this_one_and_the_page_needs_no_other_host(served: Served) -> None:
    assert served.ask("GET", "/openapi.json", key="").json() == json.loads(json.dumps(DOCUMENT))
    page = served.ask("GET", "/docs", key="").text
    assert not re.search(r"https?://|src=|@import", page)
