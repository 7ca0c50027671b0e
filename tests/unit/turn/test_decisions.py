from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from simulation.catalog import plan
from simulation.desk import HELD_OUT, ME, OTHER, START_MS, Desk, items
from simulation.disk import SimulatedDisk
from simulation.shard import SimulatedShard, key_of
from support.roles import adopted, champion, crowned

from models import canonical, ids
from models.errors import InvariantBroken
from models.profile.facts import Decided
from models.turn.commands import DECISION, Command
from models.turn.wave_parts import UNSCORED, WavePart

FIELDS = [
    "decision_id", "request_id", "customer_id", "time", "state_version", "catalog_version", "scorer_version",
    "control_group", "degraded", "dry_run", "placements",
]


def test_a_decision_has_the_fields_of_the_contract_in_order(desk: Desk) -> None:
    body = desk.decide()
    assert list(body) == FIELDS
    assert (body["state_version"], body["catalog_version"]) == (1, plan().version)
    assert ids.customer_key_of_decision(body["decision_id"]) == key_of(ME)


def test_a_decision_tells_the_version_after_its_own_fact(desk: Desk) -> None:
    desk.event()
    assert desk.decide()["state_version"] == 2
    assert desk.read()["state_version"] == 2


def test_a_repeated_request_gets_the_same_bytes_in_the_turn_and_after(desk: Desk) -> None:
    command = desk.decision_command()
    first, second = desk.shard.turn([command, command])
    third = desk.shard.turn([command])[0]
    desk.shard.save_checkpoint()
    desk.shard.start()
    fourth = desk.shard.turn([command])[0]
    assert first == second == third == fourth
    assert desk.read()["state_version"] == 1


def test_deadline_and_wanted_version_do_not_make_another_request(desk: Desk) -> None:
    first = desk.decide(request_id="r")
    assert desk.decide(request_id="r", deadline_ms=50, min_state_version=99) == first


def test_a_request_id_with_another_body_is_a_conflict(desk: Desk) -> None:
    desk.decide(request_id="r")
    body = desk.decide(request_id="r", context={"page": "/"})
    assert body["status"] == 409
    assert body["request_id"] == "r"


def test_an_outcome_between_two_decisions_of_a_turn_is_seen_by_the_second(desk: Desk) -> None:
    desk.consent(marketing=True)
    item = items(desk.decide("push", ("message", 1)))[0]
    no, after = desk.send(desk.outcome_command("reject", item), desk.decision_command("push", ("message", 1)))
    assert no["status"] == "applied"
    assert item[1] not in [action for _, action in items(after)]


def test_two_decisions_of_one_turn_never_share_a_unit() -> None:
    poor = Desk({"pool": 2})
    one, two = poor.send(poor.decision_command(), poor.decision_command(customer=OTHER))
    assert [action for _, action in items(one) + items(two)] == ["ten_off"]
    assert poor.free("pool") == 0
    poor.check()


def test_a_decision_that_went_without_units_is_told_to_the_actor() -> None:
    poor = Desk({"pool": 1})
    command = poor.decision_command()
    turn = poor.shard.core.begin([command], {command.customer: None}, {}, START_MS, b"s" * 16)
    wave = turn.next_wave()
    assert wave is not None
    turn.resolve(wave, [UNSCORED])
    result = turn.finish()
    assert result.missed == [("pool", "")]
    poor.shard.core.note_missed(result.missed)
    wants = poor.shard.core.report(1, 1, START_MS).wants
    assert [(want.budget, want.unit) for want in wants if want.urgent] == [("pool", 2)]


def test_a_dry_run_changes_nothing_and_is_not_remembered(desk: Desk) -> None:
    desk.event()
    before = desk.image()
    body = desk.decide(dry_run=True, request_id="r", event={
        "event_id": "n", "type": "basket", "time_ms": None, "channel": "web", "properties": {"total": 1.0},
    })
    assert (body["decision_id"], body["state_version"], body["dry_run"]) == (None, 1, True)
    assert [i["hold_expires"] for p in body["placements"] for i in p["items"]] == [None]
    assert desk.image() == before
    assert desk.decide(request_id="r")["decision_id"]


def test_a_dry_run_on_a_stranger_begins_nobody(desk: Desk) -> None:
    before = desk.image()
    assert desk.decide(dry_run=True)["state_version"] == 0
    assert "candidates" in desk.explain()
    assert desk.image() == before
    assert desk.profile() is None


def test_a_dry_run_sees_what_is_due_without_logging_it(desk: Desk) -> None:
    desk.decide()
    desk.pass_time(3_600_000)
    before = desk.image()
    assert desk.decide(dry_run=True)["state_version"] == 2
    assert desk.image() == before


def test_an_unreached_version_is_answered_412_and_leaves_nothing(desk: Desk) -> None:
    body = desk.decide(min_state_version=1)
    assert body["status"] == 412
    assert desk.profile() is None
    desk.event()
    assert desk.decide(min_state_version=1)["state_version"] == 2


def test_a_request_that_does_not_fit_the_catalog_leaves_nothing_of_its_event(desk: Desk) -> None:
    event = {"event_id": "n", "type": "basket", "time_ms": None, "channel": "web", "properties": {}}
    body = desk.decide("web", ("nowhere", 1), event=event)
    assert body["status"] == 422
    assert desk.profile() is None
    assert desk.event(event_id="n")["status"] == "applied"


def test_a_refused_event_refuses_its_decision(desk: Desk) -> None:
    event = {"event_id": "n", "type": "basket", "time_ms": 0, "channel": "web", "properties": {}}
    assert desk.decide(event=event)["type"] == "too_late"
    assert desk.profile() is None


def test_a_nested_event_counts_before_its_decision_and_once(desk: Desk) -> None:
    event = {"event_id": "n", "type": "basket", "time_ms": None, "channel": "web", "properties": {"total": 60.0}}
    assert desk.decide(event=event)["state_version"] == 2
    assert desk.decide(event=event)["state_version"] == 3
    assert desk.read()["features"]["baskets"] == 1


def test_a_deadline_that_passed_while_scoring_leaves_no_fact(desk: Desk) -> None:
    command = desk.decision_command(event={
        "event_id": "n", "type": "basket", "time_ms": None, "channel": "web", "properties": {},
    })
    command = Command(DECISION, command.customer, ME, command.body, "r", deadline_ms=1_000)
    turn = desk.shard.core.begin([command], {command.customer: None}, {}, START_MS, b"s" * 16)
    wave = turn.next_wave()
    assert wave is not None
    turn.resolve(wave, [UNSCORED], wall_ms=1_000)
    result = turn.finish()
    assert result.is_empty
    assert result.replies[0].status == 504  # type: ignore[union-attr]


def test_a_shard_without_a_policy_decides_nothing() -> None:
    shard = SimulatedShard(SimulatedDisk(), START_MS)
    desk = Desk()
    reply = shard.turn([desk.decision_command()])[0]
    assert reply.status == 503
    assert shard.disk.rows() == []
    assert canonical.unpack(reply.body)["request_id"] == "r1"


def test_a_clock_that_runs_backwards_is_refused(desk: Desk) -> None:
    desk.event()
    with pytest.raises(InvariantBroken, match="never goes back"):
        desk.shard.core.begin([], {}, {}, START_MS - 1, b"s" * 16)
    desk.pass_time(-10_000)
    assert desk.decide()["time"] == desk.decide()["time"]


def test_withdrawn_consent_binds_the_very_next_decision(desk: Desk) -> None:
    desk.consent(marketing=True)
    assert items(desk.decide("push", ("message", 1), dry_run=True))
    desk.consent(marketing=False)
    assert items(desk.decide("push", ("message", 1))) == []


def test_a_held_out_customer_gets_fallbacks_and_no_holds(desk: Desk) -> None:
    body = desk.decide(customer=HELD_OUT)
    assert body["control_group"] == "held_out"
    assert [item["action"] for item in body["placements"][0]["items"]] == ["story"]
    assert items(body) == []


def test_scores_and_vector_are_logged_and_the_scorer_is_named(desk: Desk) -> None:
    desk.shard.adopt([crowned("x1", ["profile.baskets", "action.value"])])
    desk.event()
    seen: list[WavePart] = []

    def scorer(part: WavePart) -> tuple[NDArray[np.float32] | None, bool]:
        seen.append(part)
        return np.linspace(0.1, 0.9, part.rows, dtype=np.float32), False

    desk.scorer = scorer
    body = desk.decide("web", ("hero", 1), ("strip", 3))
    assert body["scorer_version"] == seen[0].version == "x1"
    assert seen[0].matrix[:, 0].tolist() == [1.0] * seen[0].rows
    fact = desk.facts()[-1]
    assert isinstance(fact, Decided)
    assert np.frombuffer(fact.vector, np.float32).tolist() == [1.0]
    assert len(fact.scores) == 4 * seen[0].rows == 2 * len(fact.candidates)


def test_without_an_answer_of_the_scorer_evidence_decides_and_says_so(desk: Desk) -> None:
    desk.shard.adopt([crowned("x1", ["action.value"])])
    desk.scorer = lambda wave: (None, True)
    body = desk.decide()
    assert body["degraded"] is True
    assert body["placements"][0]["items"][0]["propensity"] == 0.1


def test_a_scorer_of_another_catalog_is_adopted_but_not_asked(desk: Desk) -> None:
    desk.shard.adopt([adopted(champion("x1", ["profile.unheard_of"], 7))])
    assert desk.decide()["scorer_version"] is None
    assert desk.shard.core.report(1, 1, START_MS).roles_number == 7


def test_decisions_of_one_wave_share_one_matrix(desk: Desk) -> None:
    rows: list[int] = []

    def scorer(part: WavePart) -> tuple[None, bool]:
        rows.append(len(part.decisions))
        return None, False

    desk.scorer = scorer
    desk.send(*(desk.decision_command(customer=c) for c in (ME, OTHER, ME, ME, OTHER)))
    assert rows == [2, 2, 1]
