"""Past decisions are told, decided again to the byte, and asked as if it were then."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from simulation.catalog import other_plan
from unit.shard.looking_back import (
    HOUR,
    about,
    at_time,
    at_version,
    checkpoint,
    deciding,
    image,
    move_clock,
    one,
    publish,
    quiet,
    same_draws,
    told_at,
)
from unit.shard.rig import START_MS, Rig, decision, event, key, read, run, send
from unit.shard.test_top_features import WHO, Scorer, scoring, told, trained

from actors.scorer_registry import ScorerRegistry
from actors.scoring.in_process import InProcessScorer
from actors.scoring.loaded import open_scorers
from actors.shard.deciding_then import BUDGETS_NOTE
from actors.shard.explanations import Rerun
from models.canonical import pack
from models.coordination.messages import Count, EvidenceNews, Instructions
from models.ids import decision_id
from models.scoring.roles import Roles
from models.scoring.training import Trained
from models.turn.commands import PAST_DECISION, RERUN, Command
from models.turn.replay import Reexecution

__all__ = ["trained"]


def asked_now(**more: Any) -> Command:
    return decision("anna", "again", dry_run=True, explain=True, **more)


def test_a_decision_is_told_with_what_was_asked_and_answered(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            decided = await one(shard, decision("anna", "r1", context={"page": "/"}))
            found = await one(shard, about(PAST_DECISION, "anna", decided["decision_id"]))
            assert found == {
                "decision_id": decided["decision_id"], "customer_id": "anna", "channel": "web", "time": told_at(0),
                "state_version": 1, "decision": decided, "request": {
                    "request_id": "r1", "customer_id": "anna", "channel": "web",
                    "placements": [{"id": "strip", "count": 1}], "context": {"page": "/"}, "event": None,
                    "exclude": [], "dry_run": False, "explain": False,
                },
            }
            never = decision_id(key("anna"), b"never")
            replies = await send(shard, about(PAST_DECISION, "anna", never), about(RERUN, "anna", never))
            assert [(status, body["title"]) for status, body in replies] == [(404, "no such decision")] * 2
            await send(shard, read("anna", "erase"), event("anna", "e2"))
            erased = decided["decision_id"]
            replies = await send(shard, about(PAST_DECISION, "anna", erased), about(RERUN, "anna", erased))
            assert [status for status, _ in replies] == [404, 404]

    run(scenario())


def test_every_decision_comes_out_the_same_over_catalogs_evidence_and_checkpoints(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            made = []
            for number in range(6):
                await send(shard, event("anna", f"e{number}", 60.0))
                made.append(await one(shard, decision("anna", f"r{number}", explain=number % 2 == 0)))
                news = EvidenceNews(number + 1, (Count("action", "help", number, 9),))
                await shard.advance(pack(Instructions(1, evidence=news).to_wire()))
                if number in (1, 4):
                    await checkpoint(shard)
                if number == 2:
                    await publish(rig, shard, other_plan())
                await move_clock(rig, shard, rig.coordinator.clock_ms + HOUR)
            await quiet(rig, shard)
            before = image(shard)
            for decided in made:
                again = await one(shard, about(RERUN, "anna", decided["decision_id"]))
                assert again == {
                    "same": True, "bytes": len(pack(decided)), "logged_sha256": again["rerun_sha256"],
                    "rerun_sha256": again["rerun_sha256"],
                }
                assert len(again["rerun_sha256"]) == 64
            assert image(shard) == before

    run(scenario())


def test_a_difference_is_told_and_not_raised(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            decided = await one(shard, decision("anna", "r1"))
            exact, again = await shard._reads._explainer.rerun(key("anna"), decided["decision_id"])
            other = Rerun(exact, replace(again, reply=again.reply + b"!")).told()
            assert not other["same"]
            assert other["logged_sha256"] != other["rerun_sha256"]
            assert isinstance(again, Reexecution)

    run(scenario())


def test_the_past_decides_as_it_would_have_decided_then(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            seen = []
            for number in range(8):
                nested = {"event_id": f"n{number}", "type": "basket", "time_ms": None, "channel": "web",
                          "properties": {"total": 70.0}}
                await send(shard, event("anna", f"e{number}", 12.0 * number, time_ms=rig.coordinator.clock_ms))
                asked = {"placements": [{"id": "hero", "count": 1}, {"id": "strip", "count": 2}],
                         "event": nested if number % 2 else None}
                now = await one(shard, asked_now(**asked))
                seen.append((rig.coordinator.clock_ms, now, asked))
                if number % 3 == 1:
                    await one(shard, decision("anna", f"r{number}"))
                news = EvidenceNews(number + 1, (Count("action", "gift", 3 * number, 30),))
                await shard.advance(pack(Instructions(1, evidence=news).to_wire()))
                if number == 2:
                    await checkpoint(shard)
                if number == 4:
                    await publish(rig, shard, other_plan())
                await move_clock(rig, shard, rig.coordinator.clock_ms + HOUR)
            await quiet(rig, shard)
            before = image(shard)
            for clock_ms, now, asked in seen:
                version = now["state_version"]
                then = await one(shard, deciding("anna", at_version(version), **asked))
                assert then.pop("as_of") == {
                    "state_version": version, "time": told_at(clock_ms - START_MS), "notes": [],
                }
                assert then == now
            assert image(shard) == before

    with same_draws(monkeypatch):
        run(scenario())


def test_between_two_versions_the_past_decides_at_the_time_itself(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    """A hold that had run out by then, though nobody had noticed yet, counts no more."""
    async def scenario() -> None:
        async with rig.shard() as shard:
            await one(shard, decision("anna", "r1", channel="push", placements=[{"id": "message", "count": 1}]))
            await send(shard, read("anna", "consent", marketing=True))
            await one(shard, decision("anna", "r2", channel="push", placements=[{"id": "message", "count": 1}]))
            await move_clock(rig, shard, START_MS + 9 * HOUR)
            held, free = [
                await one(shard, deciding("anna", at_time(START_MS + minutes * 60_000)))
                for minutes in (64, 66)
            ]
            assert held["as_of"]["state_version"] + 1 == free["as_of"]["state_version"]
            assert free["explanation"]["time"] == told_at(66 * 60_000)

    with same_draws(monkeypatch):
        run(scenario())


def test_where_nobody_knows_what_was_free_the_whole_cap_is_taken_and_told(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            await send(shard, event("anna", "e1"))
            then = await one(shard, deciding("anna", at_version(1)))
            assert then["as_of"]["notes"] == [BUDGETS_NOTE]
            assert then["explanation"]["funnel"]["budget"] == then["explanation"]["funnel"]["contact_policy"]

    monkeypatch.setattr("models.limits.PAST_ESCROW_ROWS_MAX", 0)
    run(scenario())


def test_an_event_that_had_happened_by_then_does_not_happen_again(rig: Rig) -> None:
    async def scenario() -> None:
        async with rig.shard() as shard:
            nested = {"event_id": "n", "type": "basket", "time_ms": None, "channel": "web", "properties": {"total": 1}}
            await send(shard, event("anna", "e1"), decision("anna", "r", event=nested), event("anna", "e2"))
            for version, state in ((1, 2), (2, 2), (3, 3)):
                then = await one(shard, deciding("anna", at_version(version), event=nested))
                assert then["explanation"]["versions"]["state"] == state

    run(scenario())


def test_a_scorer_of_then_is_asked_and_without_it_evidence_decides_and_says_so(
    rig: Rig, trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def scenario() -> None:
        async with scoring(rig, trained) as (shard, scorer):
            asked = decision(WHO, "again", dry_run=True, explain=True, placements=[{"id": "strip", "count": 2}])
            now = await one(shard, asked)
            assert told(now["explanation"])
            version = now["state_version"]
            await shard.advance(pack(Instructions(1, roles=Roles(2)).to_wire()))
            await send(shard, event(WHO, "e9"))
            then = await one(shard, deciding(WHO, at_version(version), placements=[{"id": "strip", "count": 2}]))
            assert then.pop("as_of")["notes"] == []
            assert then == now
            lost(scorer, rig)
            poor = await one(shard, deciding(WHO, at_version(version), placements=[{"id": "strip", "count": 2}]))
            assert any(trained.manifest.version in note for note in poor["as_of"]["notes"])
            assert (poor["degraded"], poor["scorer_version"]) == (True, trained.manifest.version)
            sources = {one.get("propensity_source") for one in poor["explanation"]["candidates"]} - {None}
            assert sources == {"evidence"}
            # Nobody who decides now is the worse for it.
            assert not shard._scorer.open
            assert not (await one(shard, decision(WHO, "r5", placements=[{"id": "strip", "count": 2}])))["degraded"]

    with same_draws(monkeypatch):
        run(scenario())


def lost(scorer: Scorer, rig: Rig) -> None:
    """Its files are gone, and it is in nobody's memory."""
    registry = ScorerRegistry(rig.directory / "empty")
    InProcessScorer.__init__(scorer, lambda: open_scorers(registry))
