"""One side of a comparison: a catalog, and what a decision under it knows beside the customer.

A decision here is a turn of its own on a scratch shard, of which nothing is kept: events, timers, held-out customers,
experiments and scores count exactly as they do in a live dry run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import canonical
from models.budgets.escrow import Escrow
from models.catalog.plan import Plan
from models.profile.state import Profile
from models.scoring.evidence import Evidence
from models.scoring.roles import Roles
from models.turn.commands import Command, Reply
from models.turn.keys import KeyPair, Remembered
from models.turn.results import Wait
from models.turn.shard_facts import RolesAdopted
from models.turn.shard_state import ShardState
from models.turn.wave_parts import DEGRADED, UNSCORED, Scored, WavePart
from models.turn.waves import Turn
from models.whatif.units import Units

Matrix = NDArray[np.float32]
#: Version, rows -> its scores; None where this scorer cannot be asked.
Score = Callable[[str, Matrix], NDArray[np.float32] | None]


@dataclass(frozen=True, slots=True)
class Asked:
    """One request, and all of it that is the same under both catalogs."""

    #: A decision that is a dry run.
    command: Command
    #: None for a customer who was never seen.
    profile: Profile | None
    #: Idempotency keys of its nested event.
    known: Mapping[KeyPair, Remembered]
    now_ms: int
    #: 16 bytes: every draw follows from it.
    seed: bytes


@dataclass(frozen=True, slots=True)
class Told:
    """What a side says."""

    #: The contract's Decision; None when the request does not fit the catalog.
    body: dict[str, Any] | None
    #: Why not.
    refusal: str = ""
    #: A ``min_state_version`` that the customer has not reached: neither side can say anything.
    is_early: bool = False


class Side:
    def __init__(self, plan: Plan, evidence: Evidence, roles: Roles, units: Units, score: Score) -> None:
        """``roles``: as adopted, or as they would be; those of scorers that do not fit the plan are nobody's here."""
        self.plan = plan
        self._score = score
        escrow = Escrow()
        for (budget, period), free in units.items():
            escrow.grant(budget, period, free)
        self._state = ShardState(0, plan=plan, evidence=evidence, escrow=escrow)
        self._state.apply_shard_fact(RolesAdopted(roles.to_wire()))

    @property
    def roles(self) -> Roles:
        """Those of scorers that fit the plan."""
        return self._state.active_roles

    def decide(self, asked: Asked) -> Told:
        """The same answer whenever it is asked. ``asked.profile`` stays as it is."""
        command = asked.command
        turn = Turn(
            self._state, [command], {command.customer: asked.profile}, asked.known, asked.now_ms, asked.seed, {}
        )
        while (wave := turn.next_wave()) is not None:
            turn.resolve(wave, [self._scored(part) for part in wave.parts])
        (answer,) = turn.finish().replies
        if isinstance(answer, Wait):
            answer = answer.as_reply()
        assert isinstance(answer, Reply), "a dry run has no answer in the journal"
        body = canonical.unpack(answer.body)
        if answer.status == 200:
            return Told(body)
        return Told(None, str(body["detail"]), answer.status == 412)

    def _scored(self, part: WavePart) -> Scored:
        if part.version is None or not part.rows:
            return UNSCORED
        scores = self._score(part.version, part.matrix)
        return DEGRADED if scores is None else Scored(scores, False)
