"""What to do next: decisions alone and in batches, and their explanations."""

from __future__ import annotations

import os
from typing import Any

from actors.access import KeyRecord
from actors.gateway.denied import ANY_DECIDE, require
from actors.gateway.exchange import Answer, Exchange, validate
from actors.gateway.problems import Refused, bad_field
from actors.gateway.routes.batches import results_answer, send
from actors.gateway.routing import Route
from actors.gateway.services import Services
from models import canonical, limits
from models.messages import answers
from models.messages.decisions import DecisionBatch, DecisionRequest
from models.turn.commands import DECISION, EXPLANATION, Command, Reply


async def post_decision(services: Services, exchange: Exchange) -> Answer:
    data = await exchange.data()
    exchange.adopt_request_id(data)
    request = _checked(exchange.caller, data)
    body = request.to_command_body(exchange.request_id)
    command = services.command(
        exchange.caller, DECISION, request.customer_id, body, exchange.request_id, request.deadline_ms
    )
    return await services.ask(command, request.deadline_ms)


def _checked(caller: KeyRecord, data: Any) -> DecisionRequest:
    """A valid request in a channel for which the caller may decide: the scope is judged before the content."""
    channel = data.get("channel") if type(data) is dict else None
    if type(channel) is str:
        require(caller, f"decide:{channel}")
    return _valid(data)


def _valid(data: Any) -> DecisionRequest:
    request = validate(DecisionRequest, data)
    if request.foreign_event():
        raise bad_field(["event", "customer_id"], "the event names another customer than the request")
    return request


async def post_decisions(services: Services, exchange: Exchange) -> Answer:
    batch = validate(DecisionBatch, await exchange.data(limits.BATCH_BODY_BYTES_MAX))
    request_ids = [_request_id(element) for element in batch.requests]
    elements: list[Command | Refused] = []
    wait_ms = limits.DEADLINE_MS_MIN
    for element, request_id in zip(batch.requests, request_ids, strict=True):
        try:
            request = _checked(exchange.caller, element)
        except Refused as refused:
            services.deny(refused, "decisions:batch", exchange)
            elements.append(refused)
            continue
        wait_ms = max(wait_ms, request.deadline_ms)
        body = request.to_command_body(request_id)
        elements.append(services.command(
            exchange.caller, DECISION, request.customer_id, body, request_id, request.deadline_ms
        ))
    answered = await send(services, elements, wait_ms)
    return results_answer(list(map(_result, answered.replies, request_ids)), answered)


def _request_id(element: Any) -> str:
    given = element.get("request_id") if type(element) is dict else None
    if type(given) is str and 0 < len(given) <= limits.ID_CHARS_MAX:
        return given
    return os.urandom(16).hex()


def _result(answer: Reply | Refused, request_id: str) -> dict[str, Any]:
    if isinstance(answer, Refused):
        return {"status": answer.status, "body": answer.body(request_id)}
    return {"status": answer.status, "body": canonical.unpack(answer.body)}


async def post_explanation(services: Services, exchange: Exchange) -> Answer:
    data = await exchange.data()
    exchange.adopt_request_id(data)
    if type(data) is dict and "as_of" in data:
        raise bad_field(["as_of"], "explaining the past is not supported yet; leave as_of out to ask about now")
    request = _valid(data)
    body = request.to_command_body(exchange.request_id)
    body["dry_run"] = body["explain"] = True
    command = services.command(
        exchange.caller, DECISION, request.customer_id, body, exchange.request_id, request.deadline_ms
    )
    return await services.ask(command, request.deadline_ms)


async def get_explanation(services: Services, exchange: Exchange) -> Answer:
    decision_id = exchange.path_ids[0]
    body = {"decision_id": decision_id}
    command = services.command_about(exchange.caller, EXPLANATION, decision_id, body, exchange.request_id)
    if command is None:
        raise Refused(404, "there is no such decision: not an id that a decision ever had")
    return await services.ask_alone(command)


_DECIDING = (400, 409, 412, 413, 504)
ROUTES = (
    Route(
        "POST", "/v1/decisions", ANY_DECIDE, post_decision, "decisions", "Ask what to do next for one customer",
        "decisions", {200: answers.Decision}, _DECIDING, DecisionRequest, submits_at_once=True,
    ),
    Route(
        "POST", "/v1/decisions:batch", ANY_DECIDE, post_decisions, "decisions:batch",
        "Ask for many customers, or many times for one", "decisions", {200: answers.DecisionResults},
        (400, 413, 504), DecisionBatch, ("requests", DecisionRequest), submits_at_once=True,
    ),
    Route(
        "POST", "/v1/explanations", "profiles:read", post_explanation, "explanations",
        "A dry run with the reasons for every candidate", "decisions", {200: answers.ExplainedDecision}, _DECIDING,
        DecisionRequest, submits_at_once=True,
    ),
    Route(
        "GET", "/v1/decisions/{decision_id}/explanation", "profiles:read", get_explanation, "explanation",
        "Why a past decision was made so", "decisions", {200: answers.Explanation}, (404, 410, 504),
    ),
)
