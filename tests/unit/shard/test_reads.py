"""Timelines and explanations, from memory, index and truncated journals alike."""

from __future__ import annotations

from unit.shard.rig import START_MS, TENANT, Rig, decision, event, key, read, run, send

from actors.profile_shard import ProfileShard
from models.canonical import pack, unpack
from models.coordination.messages import Count, EvidenceNews, Instructions
from models.ids import decision_id
from models.limits import DAY_MS
from models.profile import packing
from models.turn.commands import EXPLANATION, TIMELINE, Command


def _explanation(customer_id: str, decision_id: str) -> Command:
    return Command(EXPLANATION, key(customer_id), "", {"decision_id": decision_id}, "x", tenant=TENANT)


async def _checkpoint(shard: ProfileShard) -> None:
    await shard._loop.at_boundary(shard._loop._checkpointer.finish)


async def _pages(shard: ProfileShard, customer_id: str, limit: int) -> list[str]:
    ids, before = [], None
    while True:
        ((status, page),) = await send(shard, read(customer_id, TIMELINE, limit=limit, before=before))
        assert status == 200
        assert len(page["items"]) <= limit
        ids += [item["id"] for item in page["items"]]
        before = page["next_before"]
        if before is None:
            return ids


def test_a_timeline_is_newest_first_and_pages_meet_without_gap_or_overlap(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            for number in range(30):
                await send(shard, event("anna", f"e{number}"), event("ben", f"e{number}"), event("anna", f"f{number}"))
                if number == 20:
                    await _checkpoint(shard)
            expected = [name for number in reversed(range(30)) for name in (f"f{number}", f"e{number}")]
            for limit in (1, 7, 60, 500):
                assert await _pages(shard, "anna", limit) == expected

    run(scenario())


def test_a_timeline_shows_events_decisions_and_outcomes_as_the_contract_writes_them(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1", total=2.5))
            ((_, decided),) = await send(shard, decision("anna", "r1"))
            item = decided["placements"][0]["items"][0]
            outcome = {
                "outcome_id": "o1", "decision_id": decided["decision_id"], "customer_id": None,
                "action": item["action"], "type": "impression", "time_ms": START_MS, "value": None,
            }
            await send(shard, Command("outcome", key("anna"), "", outcome, "o1", tenant=TENANT))
            ((_, page),) = await send(shard, read("anna", TIMELINE, limit=10))
            assert [(i["kind"], i["id"]) for i in page["items"]] == [
                ("outcome", "o1"), ("decision", decided["decision_id"]), ("event", "e1"),
            ]
            assert page["items"][1]["body"] == decided
            assert page["items"][2]["body"] == {
                "event_id": "e1", "type": "basket", "time": "2026-01-01T00:00:00Z", "channel": "desk",
                "properties": {"total": 2.5},
            }

    run(scenario())


def test_reads_of_nobody_and_nonsense_are_refused(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            replies = await send(
                shard, read("nobody", TIMELINE, limit=5), read("anna", TIMELINE, limit=5, before="soon"),
                _explanation("anna", decision_id(key("anna"), b"never")),
            )
            assert [status for status, _ in replies] == [404, 422, 404]

    run(scenario())


def test_a_past_decision_is_explained_on_what_it_was_made_on(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            ((_, first),) = await send(shard, decision("anna", "r1"))
            await send(shard, event("anna", "e1"), event("anna", "e2", total=70.0))
            news = EvidenceNews(3, (Count("action", "five_off", 40, 50),))
            await shard.advance(pack(Instructions(1, evidence=news).to_wire()))
            await _checkpoint(shard)
            ((_, second),) = await send(shard, decision("anna", "r2"))
            await shard.advance(pack(Instructions(1, evidence=EvidenceNews(4, ())).to_wire()))
            for decided, evidence in ((first, 0), (second, 3)):
                ((status, explained),) = await send(shard, _explanation("anna", decided["decision_id"]))
                assert status == 200
                assert explained["decision_id"] == decided["decision_id"]
                assert explained["versions"]["evidence"] in (evidence, str(evidence))
                assert explained["versions"]["state"] == decided["state_version"] - 1
        async with rig.shard() as shard:
            assert (await send(shard, _explanation("anna", second["decision_id"])))[0] == (200, explained)

    run(scenario())


def test_what_is_older_than_the_retention_is_gone_and_the_rest_still_explains_itself(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard(retention_ms=10 * DAY_MS) as shard:
            ((_, old),) = await send(shard, decision("anna", "r1"))
            await send(shard, event("anna", "e1"), event("ben", "e1"))
            rig.coordinator.clock_ms = START_MS + 11 * DAY_MS
            await shard.advance(pack(Instructions(1, clock_ms=rig.coordinator.clock_ms).to_wire()))
            ((_, young),) = await send(shard, decision("anna", "r2"))
            await _checkpoint(shard)
            page = unpack(await shard.journal(0, 100))
            assert page["base"]["seq"] == page["rows"][0]["seq"] - 1 > 0
            assert all(row["t"] > START_MS for row in page["rows"])
            base = {customer: packed for customer, _, packed in unpack(await shard.base())["profiles"]}
            assert packing.unpack(base[key("ben")]).state_version == 1
            assert [item["id"] for item in (await send(shard, read("anna", TIMELINE)))[0][1]["items"]] == [
                young["decision_id"],
            ]
            replies = await send(
                shard, _explanation("anna", old["decision_id"]), _explanation("anna", young["decision_id"])
            )
            assert [status for status, _ in replies] == [410, 200]
            await send(shard, read("anna", "erase"), event("anna", "e2"))
            never = _explanation("carl", decision_id(key("carl"), b"never"))
            replies = await send(shard, _explanation("anna", old["decision_id"]), never)
            assert [status for status, _ in replies] == [404, 404]
        async with rig.shard(retention_ms=10 * DAY_MS) as shard:
            ((_, profile),) = await send(shard, read("ben"))
            assert profile["state_version"] == 1

    run(scenario())
