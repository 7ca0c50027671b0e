"""The stages of the demo. Everything after the start needs only a URL and a key, and uses only the public API."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import date
from hashlib import blake2b
from pathlib import Path
from typing import Any, Final, Protocol

import pyarrow as pa
import pyarrow.parquet as pq

from actors.scorer_registry import ScorerRegistry
from cluster.client import AsyncKairos
from cluster.demo import catalog as demo_catalog
from cluster.demo.chaos import Kill
from cluster.demo.journey import Household, Journey, local_ms
from cluster.demo.mailings import begun_after, ended_before, mailing_columns
from cluster.demo.replay import Replay
from cluster.demo.report import Judged, Played
from cluster.demo.schedule import Step, schedule
from cluster.demo.tally import Tally
from cluster.demo.verify import Verdict, verify
from cluster.history_file import source_of
from cluster.importing import Progress, send_file
from cluster.training import promote, read_rows, train_and_register, write_rows
from models.catalog.check import check_data
from models.catalog.plan import Plan
from models.errors import KairosError
from models.scoring import metrics
from models.scoring.manifest import Manifest
from models.scoring.rows import from_columns

#: The last day before the first campaign of autumn; from here to the end of the year is less than a journal keeps.
CUT_OFF: Final = date(2017, 10, 4)
CUT_OFF_MS: Final = local_ms(CUT_OFF)
_SETTING_UP: Final = 8
#: For how long one call is repeated, e.g. while a shard comes back.
_PATIENCE_S: Final = 120.0


class Bar(Protocol):
    """A progress bar: ``advance`` moves it by one, ``reach`` to a point."""

    def advance(self) -> None: ...

    def reach(self, done: int) -> None: ...


#: Opens a bar with a title and a total.
OpenBar = Callable[[str, int], AbstractContextManager[Bar]]


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays, and under which catalog."""

    journey: Journey
    households: list[Household]
    catalog: dict[str, Any]
    plan: Plan


def cast(journey: Journey, wanted: int | None) -> Cast:
    """``wanted`` households (None: all) out of those that were sent a campaign after the cut-off, in a fixed draw."""
    later = {one.id for one in journey.campaigns.values() if one.mailed_ms >= CUT_OFF_MS}
    among = [home for home in journey.households.values() if later.intersection(home.campaigns)]
    drawn = sorted(among, key=lambda home: blake2b(str(home.id).encode()).digest())[:wanted]
    catalog = demo_catalog.demo_catalog(journey, drawn, CUT_OFF_MS)
    return Cast(journey, drawn, catalog, check_data(catalog))


def train(cast_: Cast, data_dir: Path, bar: OpenBar) -> tuple[Manifest, Judged]:
    """Train on the campaigns that ended before the cut-off, judge on those that began after it, register."""
    journey, wanted = cast_.journey, demo_catalog.scorer_features()
    old, later = ended_before(journey, CUT_OFF_MS), begun_after(journey, CUT_OFF_MS)
    with bar("train", 2 * len(journey.households)) as on:
        columns = mailing_columns(journey, cast_.plan, wanted, old, on.advance)
        judging = from_columns(mailing_columns(journey, cast_.plan, wanted, later, on.advance), wanted)
    path = data_dir / "demo" / "mailings.parquet"
    write_rows(columns, path)
    rows = read_rows(path)
    registry = ScorerRegistry(data_dir)
    manifest = train_and_register(rows, registry, time.time_ns() // 1_000_000)
    scores = registry.load(manifest.version).predict(judging.only(manifest.features).matrix)
    judged = Judged(
        metrics.auc(judging.label, scores), metrics.log_loss(judging.label, scores),
        metrics.log_loss(judging.label, float(rows.label.mean())), len(judging), int(judging.label.sum()),
        tuple(one.id for one in later),
    )
    return manifest, judged


async def play(
    cast_: Cast, manifest: Manifest, judged: Judged, data_dir: Path, url: str, key: str, bar: OpenBar, *, chaos: bool,
    begun_s: float,
) -> Played:
    """Publish, promote, set up customers, import, replay, verify. Raises ``KairosError``."""
    async with AsyncKairos(url, key, transport="stream", timeout_s=_PATIENCE_S, connections=_SETTING_UP) as client:
        await publish(client, cast_.catalog)
        await promote(client, manifest.version)
        await set_up(client, cast_.households, bar)
        progress, imported_s, source = await import_history(client, cast_, data_dir, bar)
        tally, replay_s, struck = await replay(client, cast_, bar, chaos)
        known = {f"{source}:{position}" for position in range(progress.next_position)}
        verdict = await check(client, cast_, tally, known, bar)
        repeats = client.counts.repeats
    return Played(
        households=len(cast_.households), cut_off=CUT_OFF.isoformat(), imported=progress.applied, imported_s=imported_s,
        tally=tally, replay_s=replay_s, manifest=manifest, judged=judged, verdict=verdict, chaos=struck,
        total_s=time.perf_counter() - begun_s, repeats=repeats,
    )


async def publish(client: AsyncKairos, catalog: dict[str, Any]) -> None:
    """Publish and wait until every live shard has adopted it."""
    published = await client.publish_catalog(catalog)
    if published.waiting_for:
        raise KairosError(f"shards {list(published.waiting_for)} have not adopted the demo's catalog")


async def set_up(client: AsyncKairos, households: list[Household], bar: OpenBar) -> None:
    """Attributes and consent. Whoever was mailed in history is taken to have consented to it."""
    gate = asyncio.Semaphore(_SETTING_UP)
    with bar("customers", len(households)) as on:

        async def one(home: Household) -> None:
            async with gate:
                await client.set_consent(home.customer_id, {demo_catalog.CONSENT: True})
                if home.attributes:
                    await client.set_attributes(home.customer_id, home.attributes)
            on.advance()

        async with asyncio.TaskGroup() as group:
            for home in households:
                group.create_task(one(home))


def write_history(cast_: Cast, path: Path) -> int:
    """Every basket before the cut-off as a file for ``kairos import``, in time order; how many there are."""
    events = [
        {**basket.event(), "customer_id": home.customer_id, "channel": demo_catalog.CHANNEL_TILL}
        for home in cast_.households for basket in home.baskets if basket.time_ms < CUT_OFF_MS
    ]
    events.sort(key=lambda event: (event["time"], event["event_id"]))
    path.parent.mkdir(parents=True, exist_ok=True)
    pq.write_table(pa.Table.from_pylist(events), path)
    return len(events)


async def import_history(client: AsyncKairos, cast_: Cast, data_dir: Path, bar: OpenBar) -> tuple[Progress, float, str]:
    """(what became of it, seconds, source). By the same code as ``kairos import``."""
    path = data_dir / "demo" / "history.parquet"
    total = write_history(cast_, path)
    begun = time.perf_counter()
    with bar("import", total) as on:
        progress = await send_file(path, client, data_dir, lambda now: on.reach(now.next_position))
    if progress.rejected:
        raise KairosError(f"{progress.rejected} events of history were rejected, first {progress.reasons[0]}")
    return progress, time.perf_counter() - begun, source_of(path)


async def replay(
    client: AsyncKairos, cast_: Cast, bar: OpenBar, chaos: bool
) -> tuple[Tally, float, dict[str, Any] | None]:
    """(what was seen, seconds, what chaos did)."""
    steps = schedule(cast_.journey, cast_.households, CUT_OFF_MS)
    total = count_decisions(steps)
    kill = Kill(total // 2) if chaos else None
    begun = time.perf_counter()
    with bar("replay", total) as on:

        def on_decision() -> None:
            on.advance()
            if kill is not None:
                kill()

        tally = await Replay(client, cast_.journey, on_decision).play(steps)
    seconds = time.perf_counter() - begun
    if kill is None:
        return tally, seconds, None
    return tally, seconds, {
        "pid": kill.pid, "after_decisions": kill.after,
        "longest_wait_ms": round(max(tally.latencies_s[kill.after - 1 :]) * 1_000),
    }


def count_decisions(steps: list[Step]) -> int:
    return sum(len(visit.baskets) + bool(visit.mailed) for step in steps for visit in step.visits)


async def check(client: AsyncKairos, cast_: Cast, tally: Tally, imported: set[str], bar: OpenBar) -> Verdict:
    with bar("check", len(cast_.households)) as on:
        return await verify(client, cast_.households, tally.acknowledged | imported, tally.unfunded, on.advance)
