"""A shard looks again at what a gateway made of a call: what does not fit changes nothing, whoever sends it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from unit.shard.rig import SECRET, TENANT, Rig, decision, event, key, read, run, send

from models import ids
from models.canonical import unpack
from models.turn.commands import ERASE, EXPLANATION, OUTCOME, PROFILE, TICK, TIMELINE, Command
from models.turn.refreshing import refresh_command

ANNA = key("anna")
DECISION_ID = ids.decision_id(ANNA, b"seed")


def _outcome(customer: bytes, tenant: str, decision_id: str = DECISION_ID) -> Command:
    body = {"outcome_id": "o1", "decision_id": decision_id, "customer_id": None, "action": "a", "type": "click",
            "time_ms": None, "value": None}
    return Command(OUTCOME, customer, "", body, "o1", tenant=tenant)


FORGED = {
    "another tenant's customer under my tenant's name": replace(event("anna", "e2"), tenant="other"),
    "no tenant": replace(event("anna", "e2"), tenant=""),
    "another customer's key": replace(event("ben", "e2"), customer=ANNA),
    "another customer in the body": replace(event("anna", "e2"), body=event("ben", "e2").body),
    "a key that is none": replace(event("anna", "e2"), customer=ANNA[:15]),
    "a decision": replace(decision("anna", "r1"), tenant="other"),
    "a profile": replace(read("anna"), tenant="other"),
    "a timeline": replace(read("anna", TIMELINE), tenant="other"),
    "an erasure": replace(read("anna", ERASE), tenant="other"),
    "an outcome by another tenant's decision id": _outcome(ANNA, "other"),
    "an outcome under a key that the decision does not name": _outcome(key("ben"), TENANT),
    "an outcome without any decision": _outcome(ANNA, TENANT, ""),
    "an explanation by another tenant's decision id":
        Command(EXPLANATION, ANNA, "", {"decision_id": DECISION_ID}, "x", tenant="other"),
    "timers fired from outside": Command(TICK, ANNA, "", {}, tenant=TENANT),
    "scores refreshed from outside":
        replace(refresh_command(ANNA, 1, [("churn_risk", 0.0, "xgb-1")]), tenant=TENANT),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED)
def test_a_forged_command_is_refused_and_changes_nothing(rig: Rig, forged: Command) -> None:
    async def play() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            before = await send(shard, read("anna"), read("anna", TIMELINE))
            seq = (await _status(shard))["seq"]
            answers = await send(shard, read("anna"), forged, read("ben"))
            assert [status for status, _ in answers] == [200, 500, 404]
            assert "nothing was done" in answers[1][1]["detail"]
            status = await _status(shard)
            assert (status["misfits"], status["seq"]) == (1, seq)
            assert await send(shard, read("anna"), read("anna", TIMELINE)) == before

    run(play())


def test_a_slot_of_another_shard_is_refused(rig: Rig) -> None:
    async def play() -> None:
        async with rig.shard(shards=2) as shard:
            names = [f"c-{number}" for number in range(40)]
            for name in names:
                ((status, _),) = await send(shard, read(name))
                assert status == (404 if ids.shard_of(key(name), 2) == 0 else 500)

    run(play())


def test_a_refusal_is_logged_without_anybodys_id(rig: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    async def play() -> None:
        async with rig.shard() as shard:
            await send(shard, replace(read("anna-with-a-name", PROFILE), tenant="other-tenant"))

    run(play())
    said = capsys.readouterr()
    logged = said.out + said.err
    assert "does not fit its caller" in logged
    for secret in ("anna-with-a-name", "other-tenant", key("anna-with-a-name").hex(), SECRET.hex()):
        assert secret not in logged


def test_the_same_customer_id_of_two_tenants_is_two_customers(rig: Rig) -> None:
    async def play() -> None:
        async with rig.shard() as shard:
            mine, theirs = event("anna", "e1", total=1.0), _of_tenant(event("anna", "e1", total=2.0), "other")
            assert [status for status, _ in await send(shard, mine, theirs)] == [200, 200]
            answers = await send(shard, read("anna"), _of_tenant(read("anna"), "other"))
            assert [body["state_version"] for _, body in answers] == [1, 1]
            ((_, again),) = await send(shard, _of_tenant(event("anna", "e1", total=2.0), "other"))
            assert again["status"] == "duplicate"

    run(play())


def _of_tenant(command: Command, tenant: str) -> Command:
    return replace(command, tenant=tenant, customer=ids.customer_key(SECRET, tenant, command.customer_id))


async def _status(shard: Any) -> dict[str, Any]:
    return dict(unpack(await shard.status()))
