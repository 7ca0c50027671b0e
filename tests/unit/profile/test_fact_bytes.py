"""Facts packed in one pass, and as lists: the same bytes, for the journal keeps either."""

from __future__ import annotations

import pytest

from models import canonical
from models.profile import facts
from models.profile.facts import (
    Born,
    Decided,
    EventApplied,
    Fact,
    HoldExpired,
    ItemChosen,
    OutcomeApplied,
    ScoresRefreshed,
)

ITEM = ItemChosen(
    "hero", 1, "a", "t", "g", "i", False, 0.5, 0.05, 1.25, 1_000, "click", 60, (("pool", 1, "2026-11", "accept"),),
)
DECIDED = Decided(
    "d1", "r1", b"f", {"channel": "web", "placements": [{"id": "hero"}]}, b"s", "c1", None, 3, 7, False, b"v", b"c",
    b"", {"pool": 9}, (ITEM, ITEM), b"reply", (("a", (("profile.x", 0.25), ("action.value", -1.5))),),
    (("colour", "red"), ("scorers", "new")), b"\x0d\x00\xff\xff", "held",
)
EVERY: tuple[Fact, ...] = (
    Born("c-1"), EventApplied("e", "view", 5, None, {"total": 1.5, "of": ["a", {"b": 2}]}, marks=("p", "q")), DECIDED,
    OutcomeApplied("o", "d1", "a", "click", 6, 6, None, "confirm", False, (("pool", "spend"),), True, "web", "held"),
    HoldExpired("d1", "a"), ScoresRefreshed((("churn_risk", 0.25, "xgb-1"), ("best_channel", "web", "xgb-2"))),
)


def test_facts_packed_in_one_pass_are_the_bytes_of_their_lists() -> None:
    assert facts.pack(EVERY) == canonical.pack([facts.to_wire(fact) for fact in EVERY])
    assert [facts.from_wire(wire) for wire in canonical.unpack(facts.pack(EVERY))] == list(EVERY)


def test_a_fact_with_what_msgpack_cannot_say_is_refused() -> None:
    with pytest.raises(TypeError, match="complex"):
        facts.pack([EventApplied("e", "view", 5, None, {"total": 1j})])
