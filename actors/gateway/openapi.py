"""The OpenAPI 3.1 document, built from the table of calls and the message models."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from actors.gateway.problems import TITLES
from actors.gateway.routing import Query, Route
from models import limits
from models.messages.answers import Problem

_REF: Final = "#/components/schemas/{model}"
_DESCRIPTION: Final = (
    "Real-time customer decisioning. Bodies are JSON or msgpack (content-type application/msgpack), with the same "
    "field names; answers come as accept asks, by default as was asked. Times are RFC 3339 with an offset. Unknown "
    "fields are refused. Errors are problem documents (RFC 9457)."
)
_JSON: Final = "application/json"
_MSGPACK: Final = "application/msgpack"
_WITH_KEY: Final = (401, 403, 429)
_IF_NONE_MATCH: Final = {
    "name": "if-none-match", "in": "header", "required": False, "schema": {"type": "string"},
    "description": "The ETag of an answer that the caller has: 304 while it would be told the same",
}


def describe(routes: Sequence[Route]) -> dict[str, Any]:
    """The document as plain data."""
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Kairos", "version": "1", "description": _DESCRIPTION},
        "paths": paths,
        "components": {
            "schemas": _schemas(routes),
            "securitySchemes": {"key": {"type": "http", "scheme": "bearer", "description": "kairos key prints one"}},
        },
    }


def _schemas(routes: Sequence[Route]) -> dict[str, Any]:
    models: dict[type[BaseModel], None] = {Problem: None}
    for route in routes:
        elements = (route.element[1],) if route.element else ()
        for model in (route.body, *elements, *route.answers.values()):
            if model is not None:
                models[model] = None
    _, document = models_json_schema([(model, "validation") for model in models], ref_template=_REF)
    schemas: dict[str, Any] = document["$defs"]
    for route in routes:
        if route.body is not None and route.element is not None:
            field, element = route.element
            schemas[route.body.__name__]["properties"][field]["items"] = {
                "description": f"Judged on its own: what is no {element.__name__} is rejected, the others are not.",
                "anyOf": [_ref(element), {}],
            }
    return schemas


def _ref(model: type[BaseModel]) -> dict[str, Any]:
    return {"$ref": _REF.format(model=model.__name__)}


def _operation(route: Route) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": route.name.replace(":", "_").replace(" ", "_"), "summary": route.summary, "tags": [route.tag],
        "responses": _responses(route),
    }
    if route.description:
        operation["description"] = route.description
    parameters = [_path_parameter(name) for name in route.path_names]
    parameters += [_query_parameter(query) for query in route.query]
    if route.takes_catalog:
        parameters.append({
            "name": "if-match", "in": "header", "required": False, "schema": {"type": "string"},
            "description": "Publish only over this version; 409 when another one is live",
        })
    if route.is_conditional:
        parameters.append(_IF_NONE_MATCH)
    if parameters:
        operation["parameters"] = parameters
    if route.body is not None or route.takes_catalog:
        operation["requestBody"] = {
            "required": True, "content": _request_content(route),
            "description": "The same fields may come as msgpack, with content-type application/msgpack.",
        }
    if route.scope:
        operation["security"] = [{"key": []}]
        operation["x-scope"] = route.scope + "<channel>" if route.scope.endswith(":") else route.scope
    else:
        operation["security"] = []
    return operation


def _path_parameter(name: str) -> dict[str, Any]:
    schema = {"type": "string", "minLength": 1, "maxLength": limits.ID_CHARS_MAX}
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _query_parameter(query: Query) -> dict[str, Any]:
    return {
        "name": query.name, "in": "query", "required": query.required, "schema": query.schema,
        "description": query.description,
    }


def _request_content(route: Route) -> dict[str, Any]:
    if route.body is None:
        catalog = {"type": "object", "description": "See the catalog's own documentation; every error is told at once."}
        return {_JSON: {"schema": catalog}, "application/yaml": {"schema": catalog}}
    media: dict[str, Any] = {"schema": _ref(route.body)}
    example = _example(route)
    if example is not None:
        media["example"] = example
    return {_JSON: media}


def _example(route: Route) -> Any:
    assert route.body is not None
    model = route.element[1] if route.element else route.body
    extra = model.model_config.get("json_schema_extra")
    example = extra["examples"][0] if isinstance(extra, dict) and isinstance(extra.get("examples"), list) else None  # type: ignore[index]
    if example is None or route.element is None:
        return example
    outside = {"source": "shop-2026.jsonl", "first_position": 0} if "source" in route.body.model_fields else {}
    return {**outside, route.element[0]: [example]}


def _responses(route: Route) -> dict[str, Any]:
    responses: dict[str, Any] = {
        str(status): {"description": "Done" if status == 200 else "Accepted, not yet everywhere",
                      "content": _answer_content(route, model)}
        for status, model in route.answers.items()
    }
    if route.is_conditional:
        responses["304"] = {"description": "Nothing is new since the ETag that the call named"}
    statuses = {*route.errors, 422, 500, 503}
    if route.scope:
        statuses.update(_WITH_KEY)
    if route.path_names:
        statuses.add(404)
    for status in sorted(statuses):
        responses[str(status)] = _problem(status)
    return responses


def _answer_content(route: Route, model: type[BaseModel] | None) -> dict[str, Any]:
    if model is None:
        return {route.media: {}}
    return {_JSON: {"schema": _ref(model)}, _MSGPACK: {"schema": _ref(model)}}


def _problem(status: int) -> dict[str, Any]:
    schema = {"schema": _ref(Problem)}
    response: dict[str, Any] = {
        "description": TITLES[status],
        "content": {"application/problem+json": schema, "application/problem+msgpack": schema},
    }
    if status in (429, 503):
        response["headers"] = {
            "retry-after": {"description": "Seconds to wait", "schema": {"type": "integer", "minimum": 0}}
        }
    return response
