"""One seeded run: random traffic on a shard whose disk fails and whose process dies, judged after every step."""

from __future__ import annotations

import hashlib
import random
from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray
from simulation.album import Album
from simulation.catalog import CUSTOMERS, other_plan, plan
from simulation.counted import recount
from simulation.disk import CrashError, RefusedError, SimulatedDisk
from simulation.oracle import check_budgets, check_journal
from simulation.promises import Promises
from simulation.shard import SimulatedShard, key_of, row_itself
from simulation.workload import Workload, command_of
from support.roles import adopted, besides, champion

from models.budgets.periods import period_key
from models.experiments.counting import Tally, from_row
from models.profile import packing
from models.scoring.roles import Roles
from models.turn.commands import DECISION, ERASE, EXPLAIN, PROFILE, Command
from models.turn.refreshing import refresh_command
from models.turn.shard_facts import CatalogAdopted, EvidenceAdopted, Granted, ShardFact
from models.turn.wave_parts import WavePart

START_MS: Final = 1_767_225_600_000
#: What the simulated scorer reads; its scores are a hash of the row.
FEATURES: Final = ("profile.baskets", "time.hour", "channel.push", "action.value", "action.evidence", "group.coupons")
#: Shown rows per action behind the scorer "two"; the others do not say what they learnt from.
LEARNT: Final = {"ten_off": 40, "gift": 4, "help": 1_000}
_STEPS_MS: Final = (0, 1, 1_000, 60_000, 300_000, 900_000, 3_600_000, 10_800_000)


def with_targets(roles: Roles) -> Roles:
    """The same, and a scorer for each target of ``simulation.catalog``, and the one that an experiment names there."""
    reads = {"eager-1": ["profile.baskets"], "channel-1": ["channel.push"], "named-1": ["score.eagerness"]}
    manifests = {version: {"features": features} for version, features in reads.items()}
    targets = {"eagerness": "eager-1", "best_channel": "channel-1"}
    return replace(roles, targets=targets, named=("named-1",), manifests={**roles.manifests, **manifests})


class World:
    def __init__(self, seed: int) -> None:
        self.rng = random.Random(seed)
        self.refreshes = random.Random(f"refreshes of {seed}")
        self.canaries = random.Random(f"canaries of {seed}")
        self.shard = SimulatedShard(SimulatedDisk(), START_MS)
        self.shard.seed = seed << 20
        self.shard.contribute = lambda rows: None if self.rng.random() < 0.2 else row_itself(rows)
        self.workload = Workload(self.rng)
        self.promises = Promises()
        self.album = Album(seed)
        self.shard.adopt_plan(other_plan() if seed % 2 else plan(), {})
        self.shard.adopt([adopted(with_targets(champion(None)))])
        self.grant()

    def grant(self) -> None:
        """What the coordinator would do: the whole cap of every budget that has nothing yet."""
        known = {(p.budget, p.period) for p in self.shard.core.state.escrow.positions() if p.granted}
        facts: list[ShardFact] = []
        for budget in plan().budgets.values():
            period = period_key(budget.period, self.shard.core.now_ms(self.shard.wall_ms), plan().zone)
            if (budget.id, period) not in known:
                facts.append(Granted(budget.id, period, budget.cap))
        if facts:
            self.shard.adopt(facts)

    def step(self) -> None:
        """Time passes, a batch arrives, perhaps something breaks."""
        self.shard.wall_ms += self.rng.choice(_STEPS_MS)
        self.grant()
        commands = self.workload.batch(self.shard.wall_ms)
        fault = self.rng.choices(("", "refuse", "torn", "unacknowledged"), (85, 5, 5, 5))[0]
        if fault == "unacknowledged":
            commands = [command for command in commands if command.kind != ERASE]
        self.send(commands, fault)
        self.refresh()
        chance = self.rng.random()
        self.look()
        if chance < 0.05:
            self.shard.save_checkpoint()
        elif chance < 0.10:
            self.shard.start()
        elif chance < 0.15:
            self.adopt_evidence()
        elif chance < 0.18:
            later = other_plan() if self.shard.core.state.catalog_version == plan().version else plan()
            self.shard.adopt([CatalogAdopted(later.version, dict(later.catalog))])
        elif chance < 0.22:
            version = self.rng.choice([None, "one", "two"])
            roles = with_targets(champion(version, FEATURES, actions=LEARNT if version == "two" else {}))
            # Half of the four customers, or another half, or nobody.
            canary = self.canaries.choice(["new", "newer", ""])
            self.shard.adopt([adopted(besides(roles, canary, 500_000, FEATURES[:2]) if canary else roles)])
        self.album.take(self.shard)
        self.shard.validate()

    def look(self) -> None:
        """Reads, explanations and dry runs change nothing, whatever they carry."""
        before, rows = self.image(), len(self.shard.disk.rows())
        customer = self.rng.choice(CUSTOMERS)
        body = self.workload.decision(customer, self.shard.wall_ms)
        self.send([
            command_of(PROFILE, customer, {}), command_of(EXPLAIN, customer, body),
            command_of(DECISION, customer, {**body, "dry_run": True, "min_state_version": None}),
        ])
        assert self.image() == before, "a look left something behind"
        assert len(self.shard.disk.rows()) == rows

    def send(self, commands: list[Command], fault: str = "", rng: random.Random | None = None) -> None:
        """One turn; what it answers is held against what was told before. A cut-off turn is sent again."""
        self.shard.disk.fault, self.shard.disk.torn_at = fault, (rng or self.rng).random()
        before = self.image()
        try:
            replies = self.shard.turn(commands, self.score)
        except RefusedError:
            assert self.image() == before, "a refused append left something behind"
            return
        except CrashError:
            self.promises.cut_off(commands)
            self.shard.start()
            assert fault == "unacknowledged" or self.image() == before, "a restart does not stand where it stood"
            replies = self.shard.turn(commands, self.score)
        finally:
            self.shard.disk.fault = ""
        for command, reply in zip(commands, replies, strict=True):
            self.promises.heard(command, reply, self.shard.core.state.last_ms)
            self.workload.heard(command, reply)

    def refresh(self) -> None:
        """What scorers of targets said meanwhile, some of it of customers who are erased by now, or of scorers that
        have been replaced."""
        rng, commands = self.refreshes, []
        if rng.random() < 0.5:
            return
        for customer in rng.sample(CUSTOMERS, 2):
            profile = self.shard.profiles.get(key_of(customer))
            generation = (profile.generation if profile else 1) + rng.choice([0, 0, 0, 0, -1, 1])
            said: list[tuple[str, float | str, str]] = [
                ("eagerness", rng.choice([0.0, 0.25, 0.75]), rng.choice(["eager-1", "eager-1", "eager-0"])),
                ("best_channel", rng.choice(["web", "push"]), "channel-1"),
            ]
            commands.append(refresh_command(key_of(customer), generation, rng.sample(said, rng.randint(1, 2))))
        self.send(commands, rng.choices(("", "refuse", "torn", "unacknowledged"), (85, 5, 5, 5))[0], rng)

    def adopt_evidence(self) -> None:
        """What the coordinator would publish: this shard's own counts."""
        state = self.shard.core.state
        changes = [count.to_wire() for count in state.counts.changes_since(0)]
        self.shard.adopt([EvidenceAdopted(state.evidence.version + 1, changes)])

    def score(self, part: WavePart) -> tuple[NDArray[np.float32] | None, bool]:
        """A scorer that is sometimes late; without a champion it has nothing to say."""
        if self.rng.random() < 0.2:
            return None, True
        if part.version is None:
            return None, False
        assert part.matrix.shape[1] == {"new": 2, "newer": 2, "named-1": 1}.get(part.version, len(FEATURES))
        digests = [hashlib.blake2b(row.tobytes(), digest_size=2).digest() for row in part.matrix]
        return np.array([int.from_bytes(digest, "big") / 65_536 for digest in digests], np.float32), False

    def image(self) -> tuple[bytes, dict[bytes, bytes]]:
        """All state as bytes."""
        profiles = {key: packing.pack(profile) for key, profile in self.shard.profiles.items() if profile}
        return self.shard.core.pack_state(), profiles

    def check_experiments(self) -> None:
        counted = dict(from_row(row) for row in self.shard.core.state.experiments.changes_since(0))
        expected = recount(self.shard.rows())
        assert {key: tally._asdict() for key, tally in counted.items()} == {
            key: {name: sums[name] for name in Tally._fields} for key, sums in expected.items()
        }

    def finish(self) -> None:
        """Judge the whole journal, and that time returns every unit that nobody spent."""
        shard = self.shard
        rows = shard.rows()
        check_journal(rows)
        expected = check_budgets(rows)
        actual = {(p.budget, p.period): (p.held, p.spent, p.unfunded) for p in shard.core.state.escrow.positions()}
        assert {key: sums for key, sums in expected.items() if any(sums)} == {
            key: sums for key, sums in actual.items() if any(sums)
        }
        self.check_experiments()
        image = self.image()
        self.album.check(shard)
        assert self.image() == image, "a look back left something behind"
        shard.start()
        assert self.image() == image, "a restart does not stand where it stood"
        shard.check_reexecution()
