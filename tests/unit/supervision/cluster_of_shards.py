"""Live incarnations as movers see them, with faults that come in the middle of a step."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from cluster.supervision.moving import Gone, Silent
from cluster.supervision.placement import State
from models.canonical import pack


@dataclass
class Live:
    state: State
    node: str = "a"
    seq: int = 100
    silent: bool = False


@dataclass
class FakeShards:
    """One shard's store and incarnations. Only who took the epoch last can serve; ``before`` runs ahead of each call
    and may break things."""

    live: dict[int, Live] = field(default_factory=dict)
    stored_incarnation: int = 0
    owner: int = 0
    calls: list[str] = field(default_factory=list)
    before: Callable[[str, int], None] = lambda _method, _incarnation: None

    def numbers(self, shard: int) -> list[int]:
        return list(self.live)

    def stored(self, shard: int) -> int:
        return self.stored_incarnation

    def make(self, shard: int, incarnation: int, node: str, standby: bool) -> None:
        self.live.setdefault(incarnation, Live(State.STARTING, node))

    def end(self, shard: int, incarnation: int) -> None:
        self.calls.append(f"end {incarnation}")
        self.live.pop(incarnation, None)

    def call(self, shard: int, incarnation: int, method: str, wait_s: float) -> bytes:
        self.before(method, incarnation)
        if method != "status":
            self.calls.append(f"{method} {incarnation}")
        one = self.live.get(incarnation)
        if one is None:
            raise Gone(f"no incarnation {incarnation}")
        if one.silent:
            raise Silent(f"incarnation {incarnation} does not answer")
        answer: dict[str, Any] = getattr(self, f"_{method}")(incarnation, one)
        return pack(answer)

    def _status(self, incarnation: int, one: Live) -> dict[str, Any]:
        if one.state is State.STARTING:  # by the next look it has replayed
            one.state = State.STANDBY
        return {"state": str(one.state), "seq": one.seq, "node_id": one.node, "incarnation": incarnation}

    def _release(self, _incarnation: int, one: Live) -> dict[str, Any]:
        one.state = State.RELEASED
        return {}

    def _resume(self, incarnation: int, one: Live) -> dict[str, Any]:
        if self.owner > incarnation:
            self.live.pop(incarnation)  # fenced: it leaves
            raise Gone("superseded")
        one.state = State.SERVING
        return {}

    def _serve(self, incarnation: int, one: Live) -> dict[str, Any]:
        self.owner = self.stored_incarnation = incarnation
        one.state = State.SERVING
        return {}

    def serving(self) -> list[int]:
        return [number for number, one in self.live.items() if one.state is State.SERVING and number >= self.owner]
