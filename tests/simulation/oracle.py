"""What must hold of a journal, judged by brute force from its facts and the catalog's plain text alone.

Nothing here calls the code under test. Times are milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from simulation.shard import Row

from models.profile.facts import (
    ConsentChanged,
    Decided,
    Erased,
    HoldExpired,
    ItemChosen,
    OutcomeApplied,
    ResponseEnded,
)
from models.turn.shard_facts import Granted

MINUTE: Final = 60_000
HOUR: Final = 60 * MINUTE
DIRECTION: Final = {"web": "inbound", "push": "outbound", "desk": "inbound"}
#: (scope, limit, window, per): the ``limit`` policies of ``simulation.catalog``.
LIMITS: Final = (
    ({"channel": "push"}, 2, 3 * HOUR, ""),
    ({}, 4, 2 * HOUR, ""),
    ({"group": "coupons"}, 1, HOUR, "action"),
)
EXCLUSIVE: Final = ({"ten_off", "five_off"}, 2 * HOUR)
REST_AFTER_REJECT: Final = ("coupons", 4 * HOUR)
NO_GIFT_AFTER_HELP: Final = 90 * MINUTE


@dataclass
class Item:
    """One chosen item as its facts tell it."""

    decision_id: str
    item: ItemChosen
    channel: str
    decided_ms: int
    #: "held" | "confirmed" | "released"
    state: str = "held"
    counted_ms: int = 0
    late: bool = False
    rejected_ms: int = -1

    def span(self) -> tuple[int, int] | None:
        """When it counts: a point once confirmed, all the while it is open before."""
        if self.state == "released":
            return None
        if self.state == "confirmed":
            return self.counted_ms, self.counted_ms
        return self.decided_ms, self.item.hold_expires_ms

    def matches(self, scope: dict[str, str]) -> bool:
        return all(self.get(name) == wanted for name, wanted in scope.items())

    def get(self, name: str) -> str:
        return self.channel if name == "channel" else str(getattr(self.item, name))


class Story:
    """One generation of one customer."""

    def __init__(self) -> None:
        self.items: list[Item] = []
        self.consent: dict[str, bool] = {}
        self.version = 0

    def tell(self, fact: Any, now_ms: int) -> None:
        if isinstance(fact, ConsentChanged):
            self.consent |= fact.changes
        elif isinstance(fact, Decided):
            self._decided(fact, now_ms)
        elif isinstance(fact, OutcomeApplied):
            self._outcome(fact)
        elif isinstance(fact, HoldExpired):
            self._find(fact).state = "released"

    def _decided(self, fact: Decided, now_ms: int) -> None:
        channel = fact.request["channel"]
        if channel == "push" and not self.consent.get("marketing", False):
            assert not fact.items, f"{fact.decision_id} pushed without consent"
        for chosen in fact.items:
            if chosen.fallback:
                assert not chosen.budgets
                assert chosen.hold_expires_ms == 0
                continue
            item = Item(fact.decision_id, chosen, channel, now_ms)
            self.items.append(item)
            self._judge(item, now_ms)

    def _outcome(self, fact: OutcomeApplied) -> None:
        found = [i for i in self.items if (i.decision_id, i.item.action) == (fact.decision_id, fact.action)]
        for item in found:
            if fact.contact == "confirm":
                item.state, item.counted_ms, item.late = "confirmed", fact.counted_ms, fact.late
            elif fact.contact == "release":
                item.state = "released"
            if fact.type == "reject":
                item.rejected_ms = max(item.rejected_ms, fact.counted_ms)

    def _find(self, fact: HoldExpired) -> Item:
        return next(i for i in self.items if (i.decision_id, i.item.action) == (fact.decision_id, fact.action))

    def _judge(self, new: Item, now_ms: int) -> None:
        for scope, limit, window, per in LIMITS:
            if new.matches(scope):
                spans = [
                    span for item in self.items if item.matches(scope) and (span := item.span()) is not None
                    and (not per or item.get(per) == new.get(per))
                ]
                most = most_in_any_window(spans, window, (new.decided_ms, new.item.hold_expires_ms))
                assert most <= limit, f"{most} contacts in a window of {scope} at {now_ms}, limit {limit}"
        self._judge_rivals(new, now_ms)

    def _judge_rivals(self, new: Item, now_ms: int) -> None:
        group, rest = REST_AFTER_REJECT
        for item in self.items:
            same = item is not new and item.item.action == new.item.action
            if same and new.item.group == group and item.rejected_ms >= 0:
                assert now_ms >= item.rejected_ms + rest, f"{new.item.action} again at {now_ms} after a no"
            span = None if item is new else item.span()
            if span is None:
                continue
            if {item.item.action, new.item.action} == EXCLUSIVE[0]:
                assert span[1] <= now_ms - EXCLUSIVE[1], f"{new.item.action} beside its rival at {now_ms}"
            if (item.item.action, new.item.action) == ("help", "gift"):
                assert span[1] <= now_ms - NO_GIFT_AFTER_HELP, f"a gift after help at {now_ms}"

    def check_confirmed(self) -> None:
        """What channels that kept to their holds really did: no window above a limit."""
        kept = [item for item in self.items if item.state == "confirmed" and not item.late]
        for scope, limit, window, per in LIMITS:
            groups: dict[str, list[tuple[int, int]]] = {}
            for item in kept:
                if item.matches(scope):
                    key = item.get(per) if per else ""
                    groups.setdefault(key, []).append((item.counted_ms, item.counted_ms))
            for spans in groups.values():
                assert most_in_any_window(spans, window, None) <= limit


def most_in_any_window(spans: list[tuple[int, int]], window: int, touching: tuple[int, int] | None) -> int:
    """The most spans that one window [t, t + window) can meet, over all t (those that meet ``touching`` only)."""
    starts = {end for _, end in spans} | {start - window + 1 for start, _ in spans}
    most = 0
    for start in starts:
        last = start + window - 1
        if touching is not None and not (touching[0] <= last and touching[1] >= start):
            continue
        most = max(most, sum(1 for first, end in spans if first <= last and end >= start))
    return most


def check_journal(rows: list[Row]) -> dict[bytes, Story]:
    """Every promise that the facts can show. Returns the living customers' stories."""
    stories: dict[bytes, Story] = {}
    generations: dict[bytes, int] = {}
    ids: set[str] = set()
    for row in rows:
        for customer, generation, _, facts in row.segments:
            assert generation >= generations.get(customer, 1)
            generations[customer] = generation
            for fact in facts:
                story = stories.setdefault(customer, Story())
                if isinstance(fact, Decided):
                    assert fact.decision_id not in ids
                    ids.add(fact.decision_id)
                story.tell(fact, row.now_ms)
                if isinstance(fact, Erased):
                    del stories[customer]
    for story in stories.values():
        story.check_confirmed()
    return stories


def check_budgets(rows: list[Row]) -> dict[tuple[str, str], tuple[int, int, int]]:
    """(held, spent, unfunded) per budget and period from facts; after no row more than was granted."""
    granted: dict[tuple[str, str], int] = {}
    sums: dict[tuple[str, str], list[int]] = {}
    units: dict[tuple[str, str, str], list[tuple[tuple[str, str], int, bool]]] = {}
    for row in rows:
        for shard_fact in row.shard_facts:
            if isinstance(shard_fact, Granted):
                granted[shard_fact.budget, shard_fact.period] = shard_fact.total
        for customer, _, _, facts in row.segments:
            for fact in facts:
                _spend(sums, units, customer.hex(), fact)
        for key, (held, spent, _) in sums.items():
            assert held >= 0
            assert spent >= 0
            assert held + spent <= granted.get(key, 0), (
                f"{key}: {held} units held and {spent} spent after row {row.seq}, while the log grants "
                f"{granted.get(key, 0)}"
            )
    return {key: (held, spent, unfunded) for key, (held, spent, unfunded) in sums.items()}


def _spend(sums: dict[Any, list[int]], units: dict[Any, Any], customer: str, fact: Any) -> None:
    """``units``: (customer, decision, action) -> [((budget, period), units, still held)]."""
    if isinstance(fact, Decided):
        for item in fact.items:
            uses = [((budget, period), count, True) for budget, count, period, _ in item.budgets]
            units[customer, fact.decision_id, item.action] = uses
            for key, count, _ in uses:
                sums.setdefault(key, [0, 0, 0])[0] += count
    elif isinstance(fact, OutcomeApplied):
        effects = dict(fact.budgets)
        uses = units.get((customer, fact.decision_id, fact.action), [])
        for at, (key, count, held) in enumerate(uses):
            effect = effects.get(key[0], "")
            if effect:
                sums[key][0] -= count if held and effect != "unfunded" else 0
                sums[key][1] += count if effect == "spend" else 0
                sums[key][2] += count if effect == "unfunded" else 0
                uses[at] = (key, count, False)
    elif isinstance(fact, HoldExpired | ResponseEnded):
        _free(sums, units, (customer, fact.decision_id, fact.action))
    elif isinstance(fact, Erased):
        for name in list(units):
            if name[0] == customer:
                _free(sums, units, name)


def _free(sums: dict[Any, list[int]], units: dict[Any, Any], name: tuple[str, str, str]) -> None:
    uses = units.get(name, [])
    for at, (key, count, held) in enumerate(uses):
        if held:
            sums[key][0] -= count
            uses[at] = (key, count, False)


def held_by_open_items(stories: dict[bytes, Story]) -> Iterator[Item]:
    """Items whose contact hold is open."""
    for story in stories.values():
        yield from (item for item in story.items if item.state == "held")
