"""A past decision is told as a request that is the same request when it is asked again."""

from __future__ import annotations

from typing import Any

import pytest
from simulation.desk import ME, Desk
from simulation.workload import command_of

from models import canonical
from models.messages.past import ExplanationRequest
from models.profile.facts import Decided
from models.times import format_time
from models.turn.commands import DECISION
from models.turn.recalled import recalled


def decided(desk: Desk, command: Any) -> tuple[Decided, int]:
    desk.send(command)
    row = desk.shard.rows()[-1]
    (fact,) = [fact for _, _, _, facts in row.segments for fact in facts if isinstance(fact, Decided)]
    return fact, row.now_ms


@pytest.mark.parametrize("event", [
    None,
    {"event_id": "e", "type": "basket", "time_ms": None, "channel": "desk", "properties": {"total": 70.0}},
    {"event_id": "e", "type": "basket", "time_ms": 1_767_225_540_001, "channel": "web", "properties": {}},
], ids=["no event", "an event without a time", "an event with a time"])
def test_asked_again_it_gets_the_logged_answer(event: dict[str, Any] | None) -> None:
    desk = Desk()
    fact, now_ms = decided(desk, desk.decision_command("web", ("strip", 2), event=event, context={"page": "/help"}))
    told = recalled(fact, now_ms)
    assert (told["decision"], told["time"]) == (canonical.unpack(fact.reply), format_time(now_ms))
    assert told["state_version"] == told["decision"]["state_version"]
    asked = ExplanationRequest.model_validate(told["request"]).to_command_body("another")
    desk.pass_time(60_000)
    rows = len(desk.shard.rows())
    assert desk.send(command_of(DECISION, ME, asked)) == [told["decision"]]
    assert len(desk.shard.rows()) == rows
    assert told["customer_id"] == ME
