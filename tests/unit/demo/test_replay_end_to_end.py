"""Some weeks of the replay against a whole Kairos in one process: the demo's zeros hold, also over a lost shard."""

from __future__ import annotations

import asyncio
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.in_process import InProcess
from support.stores import installed
from support.through_httpx import ThroughHttpx

from actors.scorer_registry import ScorerRegistry
from cluster.client import AsyncKairos
from cluster.demo import report, stages
from cluster.demo.catalog import scorer_features
from cluster.demo.journey import Journey
from cluster.demo.mailings import mailing_columns
from cluster.demo.replay import Replay
from cluster.demo.schedule import schedule
from cluster.demo.verify import verify
from cluster.journal_rows import rows_of
from cluster.journal_source import open_journals
from cluster.training import promote
from models import limits
from models.scoring.blending import Learnt, blended, trust
from models.scoring.evidence import Evidence
from models.scoring.rows import from_columns
from models.times import format_time

#: Until the evening of 18 October: two mailings (campaigns 16 and 17) and two weeks of checkouts.
STEPS = 30


class _Bar:
    def advance(self) -> None: ...

    def reach(self, done: int) -> None: ...


@contextmanager
def no_bar(title: str, total: int) -> Any:
    yield _Bar()


@pytest.fixture(scope="module")
def small(journey: Journey) -> stages.Cast:
    """Twelve households that got the first mailing, among a few hundred that train."""
    kept = dict(list(journey.households.items())[:400])
    cast = stages.cast(replace(journey, households=kept), None)
    mailed = [home for home in cast.households if 16 in home.campaigns]
    assert len(mailed) >= 12
    return replace(cast, households=mailed[:12])


def test_two_weeks_with_a_lost_shard_keep_every_promise(
    small: stages.Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = installed(tmp_path, 2)
    manifest, judged = stages.train(small, tmp_path, no_bar)
    steps = schedule(small.journey, small.households, stages.CUT_OFF_MS)[:STEPS]

    async def run() -> report.Played:
        kairos = InProcess(tmp_path, stages.CUT_OFF_MS, monkeypatch)
        await kairos.start()
        through = ThroughHttpx(kairos.transport(), kairos.key)
        async with AsyncKairos("http://kairos", kairos.key, through=through, timeout_s=5) as client:
            await stages.publish(client, small.catalog)
            await promote(client, manifest.version)
            await stages.set_up(client, small.households, no_bar)
            progress, _, source = await stages.import_history(client, small, tmp_path, no_bar)
            replay = Replay(client, small.journey)
            await replay.play(steps[: STEPS // 2])
            for shard in range(2):
                await kairos.lose(shard)
            tally = await replay.play(steps[STEPS // 2 :])
            known = tally.acknowledged | {f"{source}:{place}" for place in range(progress.next_position)}
            verdict = await verify(client, small.households, known, tally.unfunded)
            lines = [item async for item in client.timeline(small.households[0].customer_id)]
            # All response windows end, and every contact becomes a row to learn from.
            far_ms = steps[-1].at_ms + 80 * limits.DAY_MS
            await client.set_clock(format_time(far_ms))
        await kairos.stop()
        with open_journals(store, None, "") as source:
            learnt, headless = rows_of(source)
        assert headless == 0
        assert len(learnt) == verdict.contacts
        assert learnt.label.sum() == tally.outcomes["accept applied"]
        assert {item.kind for item in lines} == {"event", "decision", "outcome"}
        return report.Played(
            len(small.households), "", progress.applied, 1.0, tally, 1.0, manifest, judged, verdict, None, 1.0, 0,
        )

    played = asyncio.run(run())
    assert played.verdict.is_clean, played.verdict
    assert played.verdict.contacts > 12
    assert played.tally.decisions == stages.count_decisions(steps)
    assert played.tally.degraded == 0
    assert {key.split()[1] for key in played.tally.outcomes} == {"applied"}
    body = report.report(played)
    assert body["promises"]["events_found"] == played.imported + body["events"]["replayed"]
    mailings = sum(len({16, 17} & set(home.campaigns)) for home in small.households)
    assert body["acceptance"]["logged"]["mailings"] == mailings
    assert 0 < body["acceptance"]["matched"]["mailings"] <= mailings
    assert body["scorer"]["live_scored"] > 0
    gates = list(body["funnel"].values())[1:]
    assert gates == sorted(gates, reverse=True)


def test_a_live_decision_scores_as_training_saw_that_mailing(
    small: stages.Cast, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a mailing decision goes by is what the scorer says of the training row of that mailing, believed as far as
    it learnt from campaigns of that type: of the campaign itself it has no row."""
    manifest, _ = stages.train(small, tmp_path, no_bar)
    campaign = small.journey.campaigns[16]
    homes = {home.id: home for home in small.households}
    wanted = scorer_features()
    rows = from_columns(
        mailing_columns(replace(small.journey, households=homes), small.plan, wanted, [campaign]), wanted
    )
    expected = ScorerRegistry(tmp_path).load(manifest.version).predict(rows.only(manifest.features).matrix)

    async def run() -> dict[int, float | None]:
        kairos = InProcess(tmp_path, stages.CUT_OFF_MS, monkeypatch)
        await kairos.start()
        through = ThroughHttpx(kairos.transport(), kairos.key)
        async with AsyncKairos("http://kairos", kairos.key, through=through, timeout_s=5) as client:
            await stages.publish(client, small.catalog)
            await promote(client, manifest.version)
            await stages.set_up(client, small.households, no_bar)
            await stages.import_history(client, small, tmp_path, no_bar)
            tally = await Replay(client, small.journey).play(
                schedule(small.journey, small.households, stages.CUT_OFF_MS)[:1]
            )
        await kairos.stop()
        return {mailing.household: mailing.propensity for mailing in tally.mailings}

    live = asyncio.run(run())
    plan = small.plan
    weights = trust(Learnt.of(plan, manifest.to_wire()), plan, Evidence(), plan.arbitration.evidence_blend)
    assert weights is not None
    place = plan.action_index[campaign.action]
    assert campaign.action not in manifest.actions
    assert 0.3 < weights[place] < 1.0
    mixed = blended(expected, Evidence().propensities(plan)[[place]], weights[[place]])
    compared = [(live[id_], said) for id_, said in zip(homes, mixed, strict=True) if live[id_] is not None]
    assert len(compared) > 3
    for said, told in compared:
        assert said == pytest.approx(float(told), rel=1e-6)
