"""Where shards should be, as a pure function of where they are. It remembers nothing: what it sees is what there is,
so a supervisor that dies in the middle of a move leaves nothing behind that its successor does not see.

A shard lives as *incarnations*, numbered upwards. One of them serves. A newer one that does not serve yet is a move on
its way; an older one than the one that serves is superseded. Rules, in this order:

1. What is there and not needed ends: incarnations older than the one that serves, spare standbys.
2. A shard without any incarnation that may still serve is made, on the node with the fewest; not where one was lost,
   as long as there is another node.
3. A move that was begun goes on; one whose target leaves is abandoned.
4. A shard on a node that leaves (or takes none) moves away. One at a time; several against a deadline.
5. When nothing else is on its way and every shard serves, the fullest node gives one shard to the emptiest, if that
   makes the spread more even. So a difference of one stays as it is, and nothing moves twice.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set
from dataclasses import dataclass
from enum import StrEnum

from models import limits


class State(StrEnum):
    """What an incarnation says of itself, or that it says nothing."""

    STARTING = "starting"
    STANDBY = "standby"
    SERVING = "serving"
    RELEASED = "released"
    NO_CATALOG = "no_catalog"
    #: Its process is being started again, or does not answer.
    SILENT = "silent"
    #: It has not answered for so long that nobody waits for it any more. The next incarnation fences it.
    LOST = "lost"


SERVES = frozenset({State.SERVING, State.NO_CATALOG})


@dataclass(frozen=True, slots=True)
class Node:
    id: str
    #: Ray has announced that it leaves; ``deadline_ms`` (Unix) is when it will be gone, 0 when nobody said.
    draining: bool = False
    deadline_ms: int = 0
    #: 0: takes no shard as long as another node does.
    capacity: int = 1


@dataclass(frozen=True, slots=True)
class Incarnation:
    number: int
    #: "" when it is not known (yet).
    node: str
    state: State


@dataclass(frozen=True, slots=True)
class Make:
    """Nothing of this shard is alive, or nothing answers: start its next incarnation."""

    shard: int
    node: str


@dataclass(frozen=True, slots=True)
class Begin:
    """Start a standby of this shard on another node, then go on with the move."""

    shard: int
    node: str


@dataclass(frozen=True, slots=True)
class Continue:
    """Bring the move of this shard to its end, whoever began it: ``newest`` shall serve in the place of ``older``.
    None: there is no older one (any more)."""

    shard: int
    newest: int
    older: int | None


@dataclass(frozen=True, slots=True)
class Abandon:
    """The newest incarnation's node leaves: end it, let the older one go on."""

    shard: int
    newest: int
    older: int


@dataclass(frozen=True, slots=True)
class End:
    """A newer incarnation serves, or stands by in its place."""

    shard: int
    incarnation: int


Action = Make | Begin | Continue | Abandon | End
Shards = Mapping[int, Sequence[Incarnation]]


def plan(nodes: Sequence[Node], shards: Shards, wanted: int) -> list[Action]:
    """What to do next, in order; empty when all is well. ``shards`` holds the live incarnations of shards
    ``0 .. wanted - 1`` in any order. With no node alive there is nothing to do."""
    if not nodes:
        return []
    seen = {number: _Shard(number, shards.get(number, ())) for number in range(wanted)}
    homes = _homes(nodes)
    actions: list[Action] = [action for shard in seen.values() for action in shard.superfluous()]
    load = dict.fromkeys(homes, 0)
    # Where one was lost, the node itself may be cut off, which Ray takes a minute to notice.
    doubtful = {one.node for found in shards.values() for one in found if one.state is State.LOST}
    for shard in seen.values():
        if shard.home in load:
            load[shard.home] += 1
    for shard in seen.values():
        if shard.newest is None:
            actions.append(Make(shard.number, _take_emptiest(load, doubtful)))
    moving = [shard for shard in seen.values() if shard.is_moving]
    leaving = {node.id for node in nodes if node.draining} & {node.id for node in nodes if node.id not in load}
    for shard in moving:
        actions.append(shard.next_step(leaving))
    return [*actions, *_moves(nodes, list(seen.values()), load, doubtful, len(moving))]


class _Shard:
    def __init__(self, number: int, incarnations: Sequence[Incarnation]) -> None:
        self.number = number
        newest_first = sorted(incarnations, key=lambda one: -one.number)
        lost = [one for one in newest_first if one.state is State.LOST]
        newest_first = [one for one in newest_first if one.state is not State.LOST]
        #: The newest that serves, and all that is newer; what is older has been fenced by it.
        self.kept: list[Incarnation] = []
        for one in newest_first:
            self.kept.append(one)
            if one.state in SERVES:
                break
        self._fenced = newest_first[len(self.kept) :]
        if self.kept and self.kept[-1].state in SERVES:
            self._fenced += lost
        # Between the newest and the one that serves (or the oldest, which may come back) nobody is needed.
        self._spare = self.kept[1:-1]
        self.kept = [one for one in self.kept if one not in self._spare]

    @property
    def newest(self) -> Incarnation | None:
        return self.kept[0] if self.kept else None

    @property
    def home(self) -> str:
        """Where it is, or will be."""
        return self.kept[0].node if self.kept else ""

    @property
    def serves(self) -> bool:
        return len(self.kept) == 1 and self.kept[0].state in SERVES

    @property
    def is_moving(self) -> bool:
        """Two of it are alive, or one that waits for somebody to tell it to serve."""
        return len(self.kept) > 1 or (len(self.kept) == 1 and self.kept[0].state in (State.STANDBY, State.RELEASED))

    def superfluous(self) -> list[Action]:
        return [End(self.number, one.number) for one in (*self._spare, *self._fenced)]

    def next_step(self, leaving: set[str]) -> Action:
        """Of a move: on to its end, or back where the target leaves and the older one's node does not."""
        newest, older = self.kept[0], self.kept[1] if len(self.kept) > 1 else None
        if older is not None and newest.node in leaving and older.node not in leaving:
            return Abandon(self.number, newest.number, older.number)
        return Continue(self.number, newest.number, older.number if older is not None else None)


def _homes(nodes: Sequence[Node]) -> list[str]:
    """Nodes that may take shards: those that stay and have room; failing that those that stay; failing that all."""
    stay = [node for node in nodes if not node.draining]
    for some in ([node for node in stay if node.capacity > 0], stay, list(nodes)):
        if some:
            return sorted(node.id for node in some)
    return []


def _take_emptiest(load: dict[str, int], doubtful: Set[str]) -> str:
    """A doubtful one only where there is no other."""
    node = min(load, key=lambda one: (one in doubtful, load[one], one))
    load[node] += 1
    return node


def _moves(
    nodes: Sequence[Node], shards: list[_Shard], load: dict[str, int], doubtful: Set[str], moving: int
) -> list[Action]:
    """New moves, none beyond what may be on its way at once."""
    settled = [shard for shard in shards if shard.newest is not None and not shard.is_moving]
    known = {node.id: node for node in nodes}
    away = [shard for shard in settled if shard.home in known and shard.home not in load]
    away.sort(key=lambda shard: (known[shard.home].deadline_ms or float("inf"), shard.number))
    hurried = any(known[shard.home].deadline_ms for shard in away)
    room = (limits.MOVES_AGAINST_DEADLINE_MAX if hurried else limits.MOVES_AT_ONCE_MAX) - moving
    if away:
        return [Begin(shard.number, _take_emptiest(load, doubtful)) for shard in away[: max(0, room)]]
    if room < 1 or not all(shard.serves for shard in shards):
        return []
    return _evener(settled, load)


def _evener(settled: list[_Shard], load: dict[str, int]) -> list[Action]:
    fullest = max(load, key=lambda one: (load[one], one))
    emptiest = min(load, key=lambda one: (load[one], one))
    if load[fullest] - load[emptiest] < 2:
        return []
    chosen = max(shard.number for shard in settled if shard.home == fullest)
    return [Begin(chosen, emptiest)]
