"""Erase a customer: its holds are released, its generation ends, the receipt stays."""

from __future__ import annotations

import base64
import hashlib
from typing import Final

from models import canonical
from models.times import format_time
from models.turn.commands import Command, Reply
from models.turn.context import TurnContext
from models.turn.results import Segment
from models.turn.shard_state import Receipt
from models.turn.work import Work

_RECEIPT_BYTES: Final = 15


def handle(context: TurnContext, work: Work, command: Command) -> tuple[Reply, Segment | None]:
    """The receipt, and the segment that ends the customer; None when there is nothing (more) to erase."""
    if work.profile is None:
        receipt = work.receipt
        text = receipt.receipt if receipt else receipt_of(work.customer, 0)
        return _reply(command, text, receipt.at_ms if receipt else None), None
    receipt = Receipt(work.generation, receipt_of(work.customer, work.generation), context.now_ms)
    return _reply(command, receipt.receipt, receipt.at_ms), work.erase(receipt)


def receipt_of(customer: bytes, generation: int) -> str:
    """The same for each repetition; it names nobody."""
    digest = hashlib.blake2b(b"erased" + generation.to_bytes(8, "big"), key=customer, digest_size=_RECEIPT_BYTES)
    return "e" + base64.urlsafe_b64encode(digest.digest()).decode()


def _reply(command: Command, receipt: str, at_ms: int | None) -> Reply:
    time = None if at_ms is None else format_time(at_ms)
    return Reply(200, canonical.pack({"customer_id": command.customer_id, "receipt": receipt, "time": time}))
