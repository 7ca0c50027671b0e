"""What customers did: live events, and the pages of a history import."""

from __future__ import annotations

from typing import Any

from actors.gateway.exchange import Answer, Exchange, validate
from actors.gateway.problems import Refused
from actors.gateway.routes.batches import Element, given_id, item_result, results_answer, send
from actors.gateway.routing import Route
from actors.gateway.services import Services
from models import limits
from models.messages import answers
from models.messages.events import Event, EventBatch, HistoryBatch, HistoryEvent
from models.turn import commands


async def post_events(services: Services, exchange: Exchange) -> Answer:
    batch = validate(EventBatch, await exchange.data(limits.BATCH_BODY_BYTES_MAX))
    elements = [_event(services, exchange, element) for element in batch.events]
    answered = await send(services, elements)
    results = [
        item_result("event_id", given_id(element, "event_id"), answer, exchange)
        for element, answer in zip(batch.events, answered.replies, strict=True)
    ]
    return results_answer(results, answered)


def _event(services: Services, exchange: Exchange, element: Any) -> Element:
    try:
        event = validate(Event, element)
    except Refused as refused:
        return refused
    return services.command(
        exchange.caller, commands.EVENT, event.customer_id, event.to_command_body(), exchange.request_id
    )


async def post_history(services: Services, exchange: Exchange) -> Answer:
    batch = validate(HistoryBatch, await exchange.data(limits.BATCH_BODY_BYTES_MAX))
    names = [f"{batch.source}:{batch.first_position + place}" for place in range(len(batch.events))]
    elements = [
        _history(services, exchange, element, batch.source, batch.first_position + place)
        for place, element in enumerate(batch.events)
    ]
    answered = await send(services, elements)
    results = [
        item_result("event_id", name, answer, exchange) for name, answer in zip(names, answered.replies, strict=True)
    ]
    return results_answer(results, answered)


def _history(services: Services, exchange: Exchange, element: Any, source: str, position: int) -> Element:
    try:
        event = validate(HistoryEvent, element)
    except Refused as refused:
        return refused
    body = event.to_command_body(source, position)
    return services.command(exchange.caller, commands.HISTORY, event.customer_id, body, exchange.request_id)


ROUTES = (
    Route(
        "POST", "/v1/events", "events:write", post_events, "events", "Report what customers did", "events",
        {200: answers.EventResults}, (400, 413, 504), EventBatch, ("events", Event), submits_at_once=True,
    ),
    Route(
        "POST", "/v1/history", "history:write", post_history, "history",
        "Import events of any age, idempotent by source and position", "events",
        {200: answers.EventResults}, (400, 413, 504), HistoryBatch, ("events", HistoryEvent), submits_at_once=True,
    ),
)
