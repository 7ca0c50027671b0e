"""Erase a customer: its holds are released, its generation ends, the receipt stays."""

from __future__ import annotations

from models import canonical
from models.times import format_time
from models.turn.commands import Command, Reply
from models.turn.context import TurnContext
from models.turn.receipts import Receipt
from models.turn.results import Segment
from models.turn.work import Work


def handle(context: TurnContext, work: Work, command: Command) -> tuple[Reply, Segment | None]:
    """The receipt, and the segment that ends the customer; None when there is nothing (more) to erase."""
    if work.profile is None:
        return _reply(command, work.receipt or Receipt(work.customer, 0, 0)), None
    receipt = Receipt(work.customer, work.generation, context.now_ms)
    return _reply(command, receipt), work.erase(receipt)


def _reply(command: Command, receipt: Receipt) -> Reply:
    time = format_time(receipt.at_ms) if receipt.generation else None
    return Reply(200, canonical.pack({"customer_id": command.customer_id, "receipt": receipt.text, "time": time}))
