"""What to do next: decisions alone and in batches, and their explanations."""

from __future__ import annotations

import os
from typing import Any, TypeVar

from actors.access import KeyRecord
from actors.gateway.denied import ANY_DECIDE, require
from actors.gateway.exchange import Answer, Exchange, validate
from actors.gateway.problems import Refused, bad_field
from actors.gateway.routes.batches import results_answer, send
from actors.gateway.routing import Handler, Route
from actors.gateway.services import Services
from models import canonical, limits
from models.messages import answers
from models.messages.decisions import DecisionBatch, DecisionRequest
from models.messages.past import ExplanationRequest
from models.turn.commands import DECISION, EXPLAIN_PAST, EXPLANATION, PAST_DECISION, RERUN, Command, Reply

R = TypeVar("R", bound=DecisionRequest)


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
    return _valid(DecisionRequest, data)


def _valid(model: type[R], data: Any) -> R:
    request = validate(model, data)
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
    request = _valid(ExplanationRequest, data)
    body = request.to_command_body(exchange.request_id)
    body["dry_run"] = body["explain"] = True
    if request.as_of is not None:
        return await _explain_past(services, exchange, request, body)
    command = services.command(
        exchange.caller, DECISION, request.customer_id, body, exchange.request_id, request.deadline_ms
    )
    return await services.ask(command, request.deadline_ms)


async def _explain_past(
    services: Services, exchange: Exchange, request: ExplanationRequest, body: dict[str, Any]
) -> Answer:
    """The journal is read for it: ``deadline_ms``, which is for decisions, does not bound that."""
    if request.min_state_version is not None:
        raise bad_field(["min_state_version"], "the past does not move: leave it out beside as_of")
    asked = {**body, "as_of": request.as_of}
    return await services.ask_alone(
        services.command(exchange.caller, EXPLAIN_PAST, request.customer_id, asked, exchange.request_id)
    )


def _about(kind: str) -> Handler:
    """A call about the decision in its path."""
    async def handle(services: Services, exchange: Exchange) -> Answer:
        decision_id = exchange.path_ids[0]
        body = {"decision_id": decision_id}
        command = services.command_about(exchange.caller, kind, decision_id, body, exchange.request_id)
        if command is None:
            raise Refused(404, "there is no such decision: not an id that a decision ever had")
        return await services.ask_alone(command)

    return handle


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
        "A dry run with the reasons for every candidate", "decisions", {200: answers.ExplainedDecision},
        (*_DECIDING, 404, 410), ExplanationRequest, submits_at_once=True,
        description="With `as_of`, a `state_version` or a time, it is decided on the customer, catalog, evidence and "
        "roles of that moment: 404 before the customer was seen or where it is erased, 410 beyond the retention. "
        "`as_of` of the answer tells the moment, and in `notes` what could not be had any more.",
    ),
    Route(
        "GET", "/v1/decisions/{decision_id}/explanation", "profiles:read", _about(EXPLANATION), "explanation",
        "Why a past decision was made so", "decisions", {200: answers.Explanation}, (404, 410, 504),
    ),
    # Before the path that would take the verb for a part of the id.
    Route(
        "POST", "/v1/decisions/{decision_id}:rerun", "profiles:read", _about(RERUN), "rerun",
        "Decide again what was decided, and compare", "decisions", {200: answers.Rerun}, (404, 410, 504),
        description="On the customer, catalog, evidence and roles of then; changes nothing. `same` is false where the "
        "answer does not come out byte for byte.",
    ),
    Route(
        "GET", "/v1/decisions/{decision_id}", "profiles:read", _about(PAST_DECISION), "decision",
        "What a past decision was asked and answered", "decisions", {200: answers.PastDecision}, (404, 410, 504),
        description="`request` is one that can be asked again: within seven days it gets the same answer.",
    ),
)
