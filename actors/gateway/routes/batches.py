"""Batches: every element is validated, sent and answered on its own; the order within one customer is kept."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from actors.gateway.exchange import Answer, Exchange
from actors.gateway.problems import Refused
from actors.gateway.services import Answered, Services
from models import canonical, limits
from models.turn.commands import Command, Reply

#: An element that became a command, or why it did not.
Element = Command | Refused


def given_id(element: Any, field: str) -> str | None:
    """The id that an element gives itself, however wrong the rest of it is; None without a usable one."""
    value = element.get(field) if type(element) is dict else None
    return value if type(value) is str and len(value) <= limits.ID_CHARS_MAX else None


def item_result(id_field: str, item_id: str | None, answer: Reply | Refused, exchange: Exchange) -> dict[str, Any]:
    """An item's result object: the shard's own, or ``rejected`` with a problem."""
    if isinstance(answer, Refused):
        return {id_field: item_id, "status": "rejected", "error": answer.body(exchange.request_id)}
    body: dict[str, Any] = canonical.unpack(answer.body)
    if answer.status != 200:
        return {id_field: item_id, "status": "rejected", "error": body}
    return body


def refuse_if_unavailable(elements: Sequence[Element], answers: Sequence[Reply | Refused]) -> None:
    """When no element that was sent got an answer, the call as a whole failed: raises that refusal (503, 504, 500)."""
    sent = [
        answer for element, answer in zip(elements, answers, strict=True) if isinstance(element, Command)
    ]
    if sent and all(isinstance(answer, Refused) for answer in sent):
        first = sent[0]
        assert isinstance(first, Refused)
        raise first


async def send(services: Services, elements: Sequence[Element], wait_ms: int = limits.CALL_WAIT_MS) -> Answered:
    """Send the commands among the elements; the replies stand at the elements' places."""
    answered = await services.ask_each([one for one in elements if isinstance(one, Command)], wait_ms)
    replies = iter(answered.replies)
    placed = [element if isinstance(element, Refused) else next(replies) for element in elements]
    refuse_if_unavailable(elements, placed)
    return Answered(placed, answered.timing, answered.waited_s)


def results_answer(results: list[dict[str, Any]], answered: Answered) -> Answer:
    return Answer(200, {"results": results}, timing=answered.timing, waited_s=answered.waited_s)
