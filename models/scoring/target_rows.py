"""From a shard's journal to rows that teach a target: customers as they were now and then, and what followed.

A customer is looked at on a grid of its own (so that not everybody is looked at on a Monday at midnight), with features
as of that instant by the code that serves; the label is what the target's window from there on brought. Only looks
whose window has ended are rows. An event of a history import counts as having arrived when it happened, as long as
nothing later was known of its customer; so a history teaches like a life that was served.

Of ``hour`` a look is a row per hour of the day (label: it happened in that local hour), if it happened at all; of
``channel`` one per channel on which the customer was contacted in the window (label: answered).
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import limits
from models.catalog.check import compile_catalog
from models.catalog.plan import Plan, Target
from models.errors import BadInput
from models.profile import features
from models.profile.apply import apply
from models.profile.facts import Born, Erased, EventApplied, Fact
from models.profile.state import Profile
from models.scoring.happenings import Happenings
from models.scoring.matrix import Layout, Matrix
from models.scoring.rows import Rows, from_columns
from models.scoring.targets import HOURS, Question, target_features
from models.times import local_datetime
from models.turn.shard_facts import CatalogAdopted, ShardFact


@dataclass(frozen=True, slots=True)
class _Look:
    """A customer at an instant."""

    at_ms: int
    question: Question
    #: float32[question's columns], before an option is asked about.
    vector: NDArray[np.float32]


@dataclass(slots=True)
class _Customer:
    profile: Profile
    happenings: Happenings
    #: Of the newest fact that says when it was; 0 before the first.
    clock_ms: int = 0
    next_ms: int = 0
    looks: deque[_Look] = field(default_factory=lambda: deque(maxlen=limits.SNAPSHOTS_PER_CUSTOMER_MAX))


class TargetReader:
    """Reads one shard's turns in order; then gives its rows as columns."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._every_ms = min(
            max(target.within_ms // 4, limits.SNAPSHOT_EVERY_MS_MIN), limits.SNAPSHOT_EVERY_MS_MAX
        )
        self._plan: Plan | None = None
        self._question: Question | None = None
        self._customers: dict[bytes, _Customer] = {}
        #: The newest instant that any fact speaks of.
        self.end_ms = 0
        #: Customers whose beginning lies before the journal's: their features cannot be computed.
        self.headless: set[bytes] = set()

    def begin(self, plan: Plan, profiles: Iterable[tuple[bytes, Profile]]) -> None:
        """Where a truncated journal begins: what was live, and the customers, as of its base."""
        self._adopt(plan)
        for customer, profile in profiles:
            known = self._customers[customer] = _Customer(profile, Happenings(self._target))
            self._advance(customer, known, profile.last_ms)

    def turn(
        self, now_ms: int, shard_facts: Iterable[ShardFact], parts: Iterable[tuple[bytes, Sequence[Fact] | None]]
    ) -> None:
        """One row of the journal; a part is a customer and its facts in order, None where these were erased."""
        for shard_fact in shard_facts:
            if isinstance(shard_fact, CatalogAdopted):
                self._adopt(compile_catalog(shard_fact.catalog))
        for customer, facts in parts:
            for fact in facts or ():
                self._fact(customer, fact, now_ms)

    def columns(self, wanted: Sequence[str], end_ms: int) -> dict[str, Any]:
        """The rows whose windows had ended by ``end_ms``, in the form of ``models.scoring.rows``; what an older catalog
        lacked is NaN."""
        times: list[int] = []
        labels: list[float] = []
        matrices: list[Matrix] = [np.empty((0, len(wanted)), np.float32)]
        for key, customer in self._customers.items():
            self._advance(key, customer, end_ms)
            for look in customer.looks:
                told = self._labels(look, customer.happenings) if look.at_ms + self._final_ms <= end_ms else {}
                if told:
                    rows = look.question.asking(look.vector[np.newaxis])[list(told)]
                    matrices.append(_conformed(rows, look.question.features, wanted))
                    times += [look.at_ms] * len(told)
                    labels += told.values()
        matrix = np.concatenate(matrices)
        time_ms = np.array(times, np.int64)
        return {
            "time_ms": time_ms, "label_time_ms": time_ms + self._final_ms, "action": [self._target.id] * len(times),
            "label": np.array(labels, np.float32),
            **{name: matrix[:, column] for column, name in enumerate(wanted)},
        }

    @property
    def _final_ms(self) -> int:
        """How long after a look its label is final: a contact at the window's end has as long again to be answered."""
        return self._target.within_ms * (2 if self._target.predict == "channel" else 1)

    def _adopt(self, plan: Plan) -> None:
        self._plan = plan
        self._question = Question(self._target, Layout(target_features(self._target, plan), plan), plan)

    def _fact(self, key: bytes, fact: Fact, now_ms: int) -> None:
        if isinstance(fact, Erased):
            self._customers.pop(key, None)
            return
        plan, known = self._plan, self._customers.get(key)
        assert plan is not None, "a shard adopts a catalog before it has customers"
        if isinstance(fact, Born):
            self._customers[key] = _Customer(apply(None, fact, plan, now_ms), Happenings(self._target))
            return
        if known is None:
            self.headless.add(key)
            return
        said_ms = fact.time_ms if isinstance(fact, EventApplied) and fact.source else now_ms
        self._advance(key, known, max(known.clock_ms, said_ms))
        self.end_ms = max(self.end_ms, known.clock_ms)
        known.happenings.add(fact)
        known.profile = apply(known.profile, fact, plan, known.clock_ms)

    def _advance(self, key: bytes, known: _Customer, until_ms: int) -> None:
        """Look at the customer at every instant of its grid up to ``until_ms``; the first is after its first fact."""
        if not known.clock_ms:
            phase_ms = int.from_bytes(key[:8], "big") % self._every_ms
            known.next_ms = (until_ms - phase_ms) // self._every_ms * self._every_ms + phase_ms + self._every_ms
        known.clock_ms = max(known.clock_ms, until_ms)
        skipped = (until_ms - known.next_ms) // self._every_ms + 1 - limits.SNAPSHOTS_PER_CUSTOMER_MAX
        known.next_ms += max(skipped, 0) * self._every_ms
        while known.next_ms <= until_ms:
            self._look(known)
            known.next_ms += self._every_ms

    def _look(self, known: _Customer) -> None:
        plan, question = self._plan, self._question
        assert plan is not None
        assert question is not None
        record = features.read(known.profile, plan, known.next_ms).record()
        vector = question.vectors([record], known.next_ms)[0]
        known.looks.append(_Look(known.next_ms, question, vector))

    def _labels(self, look: _Look, happenings: Happenings) -> dict[int, float]:
        """Place of an option -> its label; empty when the look teaches nothing."""
        target = self._target
        until_ms = look.at_ms + target.within_ms
        if target.predict == "channel":
            answers = happenings.answers(look.at_ms, until_ms)
            places = {option: place for place, option in enumerate(look.question.options)}
            return {places[channel]: float(answers[channel]) for channel in sorted(answers) if channel in places}
        found = happenings.within(look.at_ms, until_ms)
        if target.predict == "hour":
            hours = {self._hour(at_ms) for at_ms, _ in found}
            return {hour: float(hour in hours) for hour in range(HOURS)} if found else {}
        return {0: _label(target, look.at_ms, found)}

    def _hour(self, at_ms: int) -> int:
        assert self._plan is not None
        return local_datetime(at_ms, self._plan.zone).hour


def _label(target: Target, at_ms: int, found: Sequence[tuple[int, float]]) -> float:
    if target.predict == "sum":
        return sum(amount for _, amount in found)
    if target.predict == "days":
        return (found[0][0] - at_ms if found else target.within_ms) / limits.DAY_MS
    return float(bool(found) == (target.predict == "any"))


def _conformed(rows: Matrix, names: Sequence[str], wanted: Sequence[str]) -> Matrix:
    """The columns ``wanted``, NaN where there was none of that name."""
    if tuple(names) == tuple(wanted):
        return rows
    at = {name: column for column, name in enumerate(names)}
    known = [(column, at[name]) for column, name in enumerate(wanted) if name in at]
    found = np.full((len(rows), len(wanted)), np.nan, np.float32)
    found[:, [into for into, _ in known]] = rows[:, [out_of for _, out_of in known]]
    return found


def target_rows(target: Target, plan: Plan, readers: Sequence[TargetReader]) -> Rows:
    """The rows of all shards. Raises ``BadInput`` when there is nothing to learn from."""
    wanted, end_ms = target_features(target, plan), max(reader.end_ms for reader in readers)
    if not wanted:
        raise BadInput(
            f"the scorer of target {target.id!r} would have nothing to read: declare features or attributes, and train "
            "again when some are known"
        )
    parts = [reader.columns(wanted, end_ms) for reader in readers]
    columns: Mapping[str, Any] = {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}
    rows = from_columns({**columns, "action": list(columns["action"])}, wanted, target.objective)
    _check(target, rows)
    return rows


def _check(target: Target, rows: Rows) -> None:
    about = f"event {target.event!r}" if target.event else f"outcome {target.outcome!r}"
    days = target.within_ms / limits.DAY_MS
    if not len(rows):
        what = {"hour": f"and had the {about} ", "channel": "and was contacted "}.get(target.predict, "")
        raise BadInput(
            f"no customer was known {what}at an instant that is {days:g} days past; target {target.id!r} needs a "
            "longer history, or a shorter within"
        )
    if np.all(rows.label == rows.label[0]):
        raise BadInput(
            f"target {target.id!r} is {rows.label[0]:g} in every one of {len(rows)} rows; there is nothing to learn "
            f"about the {about} within {days:g} days"
        )
