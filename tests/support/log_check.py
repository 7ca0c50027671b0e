"""What the logs of an installation prove, row by row: lineage of epochs, and no unit used that was not granted.

Shares no code with what wrote them but the names of the facts. Together the two checks of units say that no more than
a cap was ever spent, at any prefix of the logs: shards use at most what they hold, and the coordinator gave away at
most the cap.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from actors.journal.interface import Row
from models.coordination import facts as coordinator_facts
from models.profile.facts import Decided, Erased, HoldExpired, OutcomeApplied, ResponseEnded
from models.turn.shard_facts import Granted, Returned

_Account = tuple[str, str]


def check_lineage(rows: Iterable[Row]) -> list[str]:
    """One line of epochs: sequences without a gap, epochs that never fall, no batch appended twice."""
    wrong = []
    seq, epoch, batches = 0, 0, set[bytes]()
    for row in rows:
        if seq and row.seq != seq + 1:
            wrong.append(f"row {row.seq} follows row {seq}")
        if row.epoch < epoch:
            wrong.append(f"row {row.seq} is of epoch {row.epoch}, after one of epoch {epoch}")
        if row.batch_id in batches:
            wrong.append(f"row {row.seq} repeats the batch of an earlier row")
        batches.add(row.batch_id)
        seq, epoch = row.seq, row.epoch
    return wrong


class Units:
    """The budgets of one shard, folded from its facts."""

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self._given: dict[_Account, int] = defaultdict(int)
        self._returned: dict[_Account, int] = defaultdict(int)
        self._held: dict[_Account, int] = defaultdict(int)
        self._spent: dict[_Account, int] = defaultdict(int)
        #: (customer, decision, action) -> account -> [units, whether they are held still].
        self._uses: dict[tuple[bytes, str, str], dict[_Account, list[int]]] = {}

    def row(self, seq: int, shard_facts: Iterable[Any], segments: Iterable[tuple[bytes, Iterable[Any]]]) -> None:
        for fact in shard_facts:
            if isinstance(fact, Granted):
                self._given[fact.budget, fact.period] = fact.total
            elif isinstance(fact, Returned):
                self._returned[fact.budget, fact.period] = fact.total
        for customer, facts in segments:
            for fact in facts:
                self._tell(customer, fact)
        for account in set(self._held) | set(self._spent) | set(self._returned):
            used, free = self._held[account] + self._spent[account], self._given[account] - self._returned[account]
            if used > free or self._held[account] < 0:
                self.wrong.append(f"after row {seq} {account} uses {used} of {free} units")

    @property
    def given(self) -> dict[_Account, int]:
        return dict(self._given)

    @property
    def spent(self) -> dict[_Account, int]:
        return dict(self._spent)

    def _tell(self, customer: bytes, fact: Any) -> None:
        if isinstance(fact, Decided):
            for item in fact.items:
                uses: dict[_Account, list[int]] = {}
                for budget, count, period, _ in item.budgets:
                    uses.setdefault((budget, period), [0, True])[0] += count
                    self._held[budget, period] += count
                self._uses[customer, fact.decision_id, item.action] = uses
        elif isinstance(fact, OutcomeApplied):
            uses = self._uses.get((customer, fact.decision_id, fact.action), {})
            for budget, effect in fact.budgets:
                for account in [account for account in uses if account[0] == budget and effect != "unfunded"]:
                    self._free(uses, account)
                    self._spent[account] += uses[account][0] if effect == "spend" else 0
        elif isinstance(fact, HoldExpired | ResponseEnded):
            self._release((customer, fact.decision_id, fact.action))
        elif isinstance(fact, Erased):
            for name in [name for name in self._uses if name[0] == customer]:
                self._release(name)

    def _release(self, name: tuple[bytes, str, str]) -> None:
        for account in self._uses.get(name, {}):
            self._free(self._uses[name], account)

    def _free(self, uses: dict[_Account, list[int]], account: _Account) -> None:
        count, is_held = uses[account]
        self._held[account] -= count if is_held else 0
        uses[account] = [count, False]


def check_told(told: Mapping[tuple[int, str, str], int], rows: Iterable[Iterable[Any]]) -> list[str]:
    """``told``: what shards logged as granted to them, by (shard, budget, period); never more than the coordinator
    (its rows) had granted. Both are totals that only grow."""
    given = {
        (fact.shard, fact.budget, fact.period): fact.total
        for facts in rows for fact in facts if isinstance(fact, coordinator_facts.GrantMade)
    }
    return [
        f"shard {name[0]} was granted {total} units of {name[1:]}, the coordinator knows of {given.get(name, 0)}"
        for name, total in told.items() if total > given.get(name, 0)
    ]


def check_grants(rows: Iterable[Iterable[Any]]) -> list[str]:
    """The coordinator's rows (their facts): never more given away than the cap that stood when it was given."""
    wrong: list[str] = []
    caps: dict[str, int] = {}
    given: dict[tuple[int, str, str], int] = {}
    returned: dict[tuple[int, str, str], int] = {}
    for number, facts in enumerate(rows, 1):
        for fact in facts:
            if isinstance(fact, coordinator_facts.CapSet):
                caps[fact.budget] = fact.cap
            elif isinstance(fact, coordinator_facts.ReturnCredited):
                returned[fact.shard, fact.budget, fact.period] = fact.total
            elif isinstance(fact, coordinator_facts.GrantMade):
                given[fact.shard, fact.budget, fact.period] = fact.total
                out = sum(
                    total - returned.get(name, 0) for name, total in given.items()
                    if name[1:] == (fact.budget, fact.period)
                )
                if out > caps.get(fact.budget, 0):
                    cap = caps.get(fact.budget, 0)
                    wrong.append(f"row {number} gives away {out} units of {fact.budget}, its cap is {cap}")
    return wrong
