"""Pictures of customers, taken as they change, against which the past is held: folded from the journal's rows up to a
version it is the same, to the byte, and deciding there leaves nothing."""

from __future__ import annotations

import random
from typing import Any

from simulation.catalog import other_plan, plan
from simulation.shard import SimulatedShard
from simulation.workload import Workload, command_of

from models.catalog.plan import Plan
from models.profile import packing
from models.scoring.evidence import Evidence
from models.scoring.roles import Roles
from models.turn.commands import DECISION
from models.turn.past import Course, Moment, state_then
from models.turn.shard_facts import CatalogAdopted
from models.turn.wave_parts import UNSCORED
from models.turn.waves import Turn


class Album:
    def __init__(self, seed: int) -> None:
        self._rng = random.Random(f"album of {seed}")
        #: (customer, generation, version) -> the customer.
        self._pictures: dict[tuple[bytes, int, int], bytes] = {}

    def take(self, shard: SimulatedShard) -> None:
        for customer, profile in shard.profiles.items():
            if profile is not None and profile.state_version:
                key = (customer, profile.generation, profile.state_version)
                packed = packing.pack(profile)
                assert self._pictures.setdefault(key, packed) == packed, "one version is two customers"

    def check(self, shard: SimulatedShard) -> None:
        """Some of them; an erased generation too, whose rows a simulated disk still has."""
        for key in self._rng.sample(sorted(self._pictures), min(6, len(self._pictures))):
            moment = _look_back(shard, *key)
            assert packing.pack(moment.profile) == self._pictures[key], "the past is not what it was"
            self._decide(moment, key[0])
            assert packing.pack(moment.profile) == self._pictures[key], "a look back changed what it looked at"

    def _decide(self, moment: Moment, customer: bytes) -> None:
        name = moment.profile.customer_id
        body = Workload(self._rng).decision(name, moment.now_ms)
        command = command_of(DECISION, name, {**body, "dry_run": True, "min_state_version": None})
        turn = Turn(
            state_then(0, moment, Evidence(), Roles(), None), [command], {customer: moment.profile}, {},
            moment.now_ms, bytes(16), {},
        )
        while (wave := turn.next_wave()) is not None:
            turn.resolve(wave, [UNSCORED] * len(wave.parts))
        assert turn.finish().is_empty


def _look_back(shard: SimulatedShard, customer: bytes, generation: int, version: int) -> Moment:
    course, live = Course(generation, None, version), None
    for row in shard.rows():
        for fact in row.shard_facts:
            live = _plan(fact) if isinstance(fact, CatalogAdopted) else live
        for owner, part, _, facts in row.segments:
            if (owner, part) == (customer, generation) and course.follow(facts, live, row.now_ms):
                assert live is not None
                assert course.profile is not None
                return Moment(course.profile, live, row.now_ms, row.seq)
    raise AssertionError(f"version {version} is nowhere in the journal")


def _plan(adopted: Any) -> Plan:
    """Compiled once for all seeds."""
    return next(known for known in (plan(), other_plan()) if known.version == adopted.version)
