"""A candidate that is the live catalog changes nothing for anybody, and shows what a dry run would show right then."""

from __future__ import annotations

import hashlib
import random
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from simulation.catalog import CUSTOMERS, experiments
from simulation.workload import Workload
from support.roles import besides, champion
from unit.whatif.trials import Trials, changed

from models import canonical
from models.catalog.check import check_data
from models.turn.commands import DECISION, Command
from models.turn.results import Wait
from models.turn.wave_parts import UNSCORED, Scored

FEATURES = ("profile.baskets", "profile.spend", "action.value", "action.evidence")


def by_row(version: str, matrix: NDArray[np.float32]) -> NDArray[np.float32]:
    """A scorer: every row has a score of its own."""
    rows = np.ascontiguousarray(np.nan_to_num(matrix), np.float32)
    digests = [hashlib.blake2b(version.encode() + row.tobytes(), digest_size=2).digest() for row in rows]
    return np.array([int.from_bytes(digest) / 65_536 for digest in digests], np.float32)


def lived(seed: int, *, with_experiments: bool) -> tuple[Trials, Workload]:
    """Customers with a past, an hour or two of it, under roles of two scorers."""
    trials, rng = Trials(), random.Random(seed)
    trials.score = by_row
    if with_experiments:
        trials.desk.shard.adopt_plan(changed(lambda data: data.update(experiments=experiments())), {})
    trials.adopt(besides(champion("first", FEATURES), "second", 400_000, FEATURES))
    workload = Workload(rng)
    for _ in range(60):
        trials.desk.pass_time(rng.randint(0, 240_000))
        batch = workload.batch(trials.desk.shard.wall_ms)
        replies = trials.desk.shard.turn(batch, lambda part: (by_row(part.version, part.matrix), False))
        for command, reply in zip(batch, replies, strict=True):
            workload.heard(command, reply)
    return trials, workload


def explained(trials: Trials, command: Command) -> dict[str, Any] | None:
    """What ``POST /v1/explanations`` does: a turn of the live shard with a dry run in it. None: no decision."""
    asked, core = trials.asked(command), trials.desk.shard.core
    turn = core.begin(
        [asked.command], {command.customer: asked.profile}, trials.desk.shard.stored, asked.now_ms, asked.seed
    )
    while (wave := turn.next_wave()) is not None:
        turn.resolve(wave, [
            UNSCORED if part.version is None or not part.rows else Scored(by_row(part.version, part.matrix), False)
            for part in wave.parts
        ])
    (reply,) = turn.finish().replies
    if isinstance(reply, Wait) or reply.status != 200:
        return None
    body: dict[str, Any] = canonical.unpack(reply.body)
    return body


@pytest.mark.parametrize("seed", range(4))
def test_nothing_changes_for_anybody_and_the_live_side_is_what_a_dry_run_shows(seed: int) -> None:
    trials, workload = lived(seed, with_experiments=bool(seed % 2))
    before = trials.desk.image()
    candidate = check_data(dict(trials.stand().plan.catalog))
    commands = [
        command for customer in CUSTOMERS for _ in range(12)
        if (command := workload.command(trials.desk.shard.wall_ms)).kind == DECISION and customer
    ]
    answer = trials.compare(candidate, *commands)
    assert (answer["changed"], answer["notes"]) == (0, [])
    assert answer["asked"] == len(commands) == len(answer["results"]) + len(answer["skipped"])
    results, decided = iter(answer["results"]), 0
    for command in commands:
        expected = explained(trials, command)
        if expected is None:
            continue
        result = next(results)
        assert result["live"]["placements"] == result["candidate"]["placements"] == expected["placements"]
        assert result["live"]["scorer_version"] == expected["scorer_version"]
        assert result["live"]["experiments"] == expected.get("experiments", {})
        decided += 1
    assert decided == len(answer["results"]) > 5
    assert trials.desk.image() == before


def test_whoever_asks_again_is_told_the_same() -> None:
    trials, workload = lived(7, with_experiments=True)
    commands = [one for _ in range(30) if (one := workload.command(trials.desk.shard.wall_ms)).kind == DECISION]
    candidate = changed(lambda data: data["arbitration"]["exploration"].update(share=0.9))
    assert trials.compare(candidate, *commands) == trials.compare(candidate, *commands)
