"""Facts as shards log them, of a small catalog, for those who count them."""

from __future__ import annotations

from typing import Any, Final

import numpy as np

from models.arbitration import fates
from models.canonical import pack
from models.insight.names import Concern, Names
from models.insight.rows import Part, Row
from models.profile.facts import Decided, EventApplied, Fact, ItemChosen, OutcomeApplied
from models.profile.facts import pack as pack_facts

VERSION: Final = "sha256:one"
ACTIONS: Final = ("coupon", "help", "note", "banner")
NAMES: Final = Names(
    VERSION, ACTIONS, ["banner"],
    [
        Concern("daily", "", "inbound", "", "", "", "", None), Concern("push_rest", "push", "", "", "", "", "", None),
        Concern("either", "", "", "", "", "", "", ["coupon", "help"]),
    ],
    ["pool", "minutes"], ["push"],
)


def code(gate: int, rule: int = -1) -> int:
    return gate | (rule + 1) << 4


def item(action: str, fallback: bool = False) -> ItemChosen:
    return ItemChosen(
        "hero", 1, action, f"{action}_hero", "offers", "sales", fallback, 1.0, None, None, 0, "accept", 1_000,
    )


def decided(
    decision_id: str = "d-1", channel: str = "web", codes: tuple[int, ...] = (), items: tuple[ItemChosen, ...] = (),
    *, degraded: bool = False, control: str | None = None, version: str = VERSION, customer_id: str = "c-1",
) -> Decided:
    """``codes``: per action of the catalog; the fallback's is added."""
    answer = {"decision_id": decision_id, "customer_id": customer_id, "scorer_version": None, "control_group": control}
    logged = np.array([*codes, fates.FALLBACK], "<u2").tobytes() if codes else b""
    request: dict[str, Any] = {"customer_id": customer_id, "channel": channel, "placements": [{"id": "hero"}]}
    return Decided(
        decision_id, f"r-{decision_id}", b"", request, b"seed", version, None, 0, 1, degraded, b"", b"", b"", {}, items,
        pack(answer), (), (), logged, control,
    )


def outcome(
    action: str = "coupon", type_: str = "accept", channel: str = "web", value: float | None = None, *,
    confirms: bool = True, accepted: bool = True, control: str | None = None,
) -> OutcomeApplied:
    return OutcomeApplied(
        "o-1", "d-1", action, type_, 0, 0, value, "confirm" if confirms else "", False, (), accepted, channel, control,
    )


def event() -> EventApplied:
    return EventApplied("e-1", "basket", 0, "web", {})


def row(seq: int, clock_ms: int, *facts: Fact, customer: bytes = b"c" * 16) -> Row:
    return Row(seq, clock_ms, [Part(customer, pack_facts(facts))])
