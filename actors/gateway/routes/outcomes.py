"""What became of the items that decisions chose."""

from __future__ import annotations

from typing import Any

from actors.gateway.exchange import Answer, Exchange, validate
from actors.gateway.problems import Refused, bad_field
from actors.gateway.routes.batches import Element, given_id, item_result, results_answer, send
from actors.gateway.routing import Route
from actors.gateway.services import Services
from models import limits
from models.messages import answers
from models.messages.outcomes import Outcome, OutcomeBatch
from models.turn.commands import OUTCOME


async def post_outcomes(services: Services, exchange: Exchange) -> Answer:
    batch = validate(OutcomeBatch, await exchange.data(limits.BATCH_BODY_BYTES_MAX))
    elements = [_outcome(services, exchange, element) for element in batch.outcomes]
    answered = await send(services, elements)
    results = [
        item_result("outcome_id", given_id(element, "outcome_id"), answer, exchange)
        for element, answer in zip(batch.outcomes, answered.replies, strict=True)
    ]
    return results_answer(results, answered)


def _outcome(services: Services, exchange: Exchange, element: Any) -> Element:
    try:
        outcome = validate(Outcome, element)
    except Refused as refused:
        return refused
    body = outcome.to_command_body()
    if outcome.customer_id is not None:
        return services.command(exchange.caller, OUTCOME, outcome.customer_id, body, exchange.request_id)
    about = services.command_about(exchange.caller, OUTCOME, outcome.decision_id or "", body, exchange.request_id)
    return about or bad_field(["decision_id"], "unknown decision: not an id that a decision ever had")


ROUTES = (
    Route(
        "POST", "/v1/outcomes", "outcomes:write", post_outcomes, "outcomes", "Report what became of chosen items",
        "outcomes", {200: answers.OutcomeResults}, (400, 413, 504), OutcomeBatch, ("outcomes", Outcome),
        submits_at_once=True,
    ),
)
