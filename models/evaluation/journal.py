"""From logged decisions and a candidate to a log and a policy.

A position is one item that was drawn; what it earns is known when its response window has ended, or, if nobody saw it,
when its hold has. Its probability is conditional on the items above as logged, its weight the product of the ratios of
all positions down to it. That is exact for what a position earns as long as items below it do not change that
(McInerney et al. 2020), and varies less than the product over the whole decision, exact without that proviso.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from dataclasses import dataclass, field
from typing import Final, Literal

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.arbitration.control import control_group
from models.catalog.plan import Plan
from models.errors import BadInput
from models.evaluation.candidate import Candidate, Considered, Step
from models.evaluation.log import Log, Matrix, Numbers, Policy, in_order
from models.profile import features
from models.profile.facts import ItemChosen, OutcomeApplied
from models.scoring.labels import default_features
from models.scoring.manifest import CUSTOMER_PREFIXES
from models.scoring.matrix import Layout, Vector
from models.turn.replay import Replayed

#: 1 for an item that was accepted within its window; or what that was worth.
Reward = Literal["accept", "value"]

_WHY: Final = {
    "held_out": "decisions of customers who are held out",
    "nothing_drawn": "decisions that showed fallbacks or nothing",
    "misfit": "decisions that do not fit the candidate's catalog or scorer",
    "open": "decisions whose outcome was not final yet",
    "sampled": "decisions beyond the sample",
    "fallbacks": "positions that showed a fallback",
}


@dataclass(slots=True)
class _Drawn:
    """A position, and what became of its item."""

    item: ItemChosen
    above: float
    #: Index of what was shown, and of everything that the candidate may show with its probability (int32, float64).
    shown: int
    choices: NDArray[np.int32]
    chances: Numbers
    #: What an acceptance is worth that says no value.
    worth: float
    confirmed_ms: int = 0
    accepted_ms: int = 0
    value: float | None = None

    def is_final(self, now_ms: int) -> bool:
        return now_ms >= self._ends_ms

    def reward(self, kind: Reward) -> float:
        if not self.confirmed_ms or not 0 < self.accepted_ms <= self._ends_ms:
            return 0.0
        if kind == "accept":
            return 1.0
        return self.worth if self.value is None else self.value

    @property
    def _ends_ms(self) -> int:
        if self.confirmed_ms:
            return self.confirmed_ms + self.item.accept_within_ms
        return self.item.hold_expires_ms + limits.HOLD_GRACE_MS


@dataclass(slots=True)
class _Round:
    hash: int
    drawn: dict[str, _Drawn]
    unseen: int
    layout: Layout
    vector: Vector


@dataclass(slots=True)
class Gathering:
    """Hears decisions and outcomes in the order of the journals; holds a bounded sample of the decisions."""

    candidate: Candidate
    reward: Reward = "accept"
    most: int = limits.EVALUATION_DECISIONS_MAX
    left_out: Counter[str] = field(default_factory=Counter)
    #: Positions of what ``finish`` gave at which the candidate would show an item, and the log showed none.
    unseen: int = 0
    _rounds: dict[str, _Round] = field(default_factory=dict)
    _below: int = 2**64
    _layouts: dict[str, Layout] = field(default_factory=dict)
    #: (action, treatment) -> its index.
    _names: dict[tuple[str, str], int] = field(default_factory=dict)

    def decision(self, met: Replayed) -> None:
        """One logged decision, with the customer before it."""
        fact = met.fact
        fallbacks = sum(item.fallback for item in fact.items)
        if control_group(met.plan, met.before.customer_id, met.now_ms) is not None:
            self.left_out["held_out"] += 1
            return
        self.left_out["fallbacks"] += fallbacks
        if fallbacks == len(fact.items):
            self.left_out["nothing_drawn"] += 1
            return
        hashed = int.from_bytes(hashlib.blake2b(fact.decision_id.encode(), digest_size=8).digest(), "big")
        if hashed >= self._below:
            self.left_out["sampled"] += 1
            return
        considered = self.candidate.consider(met)
        if considered is None:
            self.left_out["misfit"] += 1
            return
        self._rounds[fact.decision_id] = self._round(met, considered, hashed)
        if len(self._rounds) > self.most:
            self._halve()

    def outcome(self, fact: OutcomeApplied) -> None:
        round_ = self._rounds.get(fact.decision_id)
        drawn = round_.drawn.get(fact.action) if round_ is not None else None
        if drawn is None:
            return
        if fact.contact == "confirm" and not drawn.confirmed_ms:
            drawn.confirmed_ms = fact.counted_ms
        if fact.accepted:
            drawn.accepted_ms, drawn.value = fact.counted_ms, fact.value

    def finish(self, now_ms: int) -> tuple[Log, Policy]:
        """All whose outcomes are final at ``now_ms``. Raises ``BadInput`` when there are none."""
        final = {
            id_: round_ for id_, round_ in self._rounds.items()
            if all(drawn.is_final(now_ms) for drawn in round_.drawn.values())
        }
        self.left_out["open"] += len(self._rounds) - len(final)
        if not final:
            told = "; ".join(self.notes()) or "no decision was logged yet"
            raise BadInput(f"these journals hold no decision that can be evaluated: {told}")
        self.unseen = sum(round_.unseen for round_ in final.values())
        return _as_arrays(final, self._names, self.reward)

    def notes(self) -> tuple[str, ...]:
        """What was left out, as sentences."""
        return tuple(f"left out: {count} {_WHY[reason]}" for reason, count in self.left_out.items() if count)

    def doubts(self, positions: int) -> tuple[str, ...]:
        """Why the answer may stand on little, beside what the weights say."""
        share = self.unseen / (self.unseen + positions)
        if share <= limits.EVALUATION_NEVER_AT_RANK_WEAK:
            return ()
        return (
            f"the candidate would fill at least {self.unseen} positions that the log left to a fallback or to nothing "
            f"({share:.0%}); what those earn is not in the answer",
        )

    def _round(self, met: Replayed, considered: Considered, hashed: int) -> _Round:
        drawn = {}
        for step in considered.steps:
            action = met.plan.actions[met.plan.action_index[step.item.action]]
            drawn[step.item.action] = self._drawn(step, action.value)
        layout = self._layout(met.plan)
        record = features.read(met.before, met.plan, met.now_ms).record()
        vector = layout.customer_vector(record, met.fact.request["channel"], met.now_ms)
        return _Round(hashed, drawn, considered.unseen, layout, vector)

    def _drawn(self, step: Step, worth: float) -> _Drawn:
        names, item = self._names, step.item
        choices = np.array([names.setdefault(pair, len(names)) for pair in step.chances], np.int32)
        shown = names.setdefault((item.action, item.treatment), len(names))
        chances = np.fromiter(step.chances.values(), np.float64, len(choices))
        return _Drawn(item, step.above, shown, choices, chances, worth)

    def _layout(self, plan: Plan) -> Layout:
        if plan.version not in self._layouts:
            known = [name for name in default_features(plan) if name.startswith(CUSTOMER_PREFIXES)]
            self._layouts[plan.version] = Layout(known, plan)
        return self._layouts[plan.version]

    def _halve(self) -> None:
        self._below = sorted(round_.hash for round_ in self._rounds.values())[self.most // 2]
        kept = {id_: round_ for id_, round_ in self._rounds.items() if round_.hash < self._below}
        self.left_out["sampled"] += len(self._rounds) - len(kept)
        self._rounds = kept


def _as_arrays(
    rounds: dict[str, _Round], names: dict[tuple[str, str], int], reward: Reward
) -> tuple[Log, Policy]:
    drawn = [(at, rank, one) for at, round_ in enumerate(rounds.values())
             for rank, one in enumerate(round_.drawn.values(), 1)]
    features_, context = _context(list(rounds.values()), drawn)
    log = Log(
        list(rounds), [f"{action}/{treatment}" for action, treatment in names],
        np.array([at for at, _, _ in drawn], np.int64), np.array([one.shown for _, _, one in drawn], np.int64),
        np.array([rank for _, rank, _ in drawn], np.int64), np.array([one.reward(reward) for _, _, one in drawn]),
        np.array([one.item.selection_probability for _, _, one in drawn]), features_, context,
        np.array([one.above for _, _, one in drawn]),
    )
    position = np.repeat(np.arange(len(drawn)), [len(one.choices) for _, _, one in drawn])
    choices = np.concatenate([one.choices for _, _, one in drawn]).astype(np.int64)
    return log, in_order(position, choices, np.concatenate([one.chances for _, _, one in drawn]))


def _context(rounds: list[_Round], drawn: list[tuple[int, int, _Drawn]]) -> tuple[tuple[str, ...], Matrix]:
    """Customer columns (those of all catalogs by name) and the placement."""
    known: dict[str, int] = {}
    for round_ in rounds:
        for name in round_.layout.customer_features:
            known.setdefault(name, len(known))
    places = {id(round_.layout): [known[name] for name in round_.layout.customer_features] for round_ in rounds}
    customers = np.full((len(rounds), len(known)), np.nan, np.float32)
    for at, round_ in enumerate(rounds):
        customers[at, places[id(round_.layout)]] = round_.vector
    placements = list(dict.fromkeys(one.item.placement for _, _, one in drawn))
    which = np.array([placements.index(one.item.placement) for _, _, one in drawn])
    whole = np.concatenate(
        (customers[[at for at, _, _ in drawn]], np.eye(len(placements), dtype=np.float32)[which]), axis=1
    )
    return (*known, *(f"placement.{placement}" for placement in placements)), whole
