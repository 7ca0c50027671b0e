"""What copying needs of where an installation is, or is to be."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from actors.access.denials.record import Entry
from cluster.moving.tables import Row, Table
from models import limits


@dataclass(frozen=True, slots=True)
class Head:
    """What is chosen once; the secret as it is stored, wrapped by the master key."""

    name: str
    format: int
    slots: int
    shards: int
    secret: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Shared:
    """What belongs to no owner: small, and copied as a whole."""

    #: Of API keys, as ``KeyRecord.to_plain`` makes them.
    keys: list[dict[str, Any]]
    #: Refusals by chain.
    denials: dict[str, list[Entry]]
    #: Version -> (manifest, file of the model).
    scorers: dict[str, tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class OwnerState:
    """Where an owner's fence stands."""

    epoch: int
    last_seq: int
    incarnation: int


def paged(
    page: Callable[[str, Table, Row | None, int], list[Row]], owner: str, table: Table, after: Row | None
) -> Iterator[list[Row]]:
    """The pages of a place that reads one after a key: (owner, table, after, limit) -> rows."""
    while rows := page(owner, table, after, limits.MOVE_PAGE_ROWS):
        yield rows
        if len(rows) < limits.MOVE_PAGE_ROWS:
            return
        after = table.key_of(rows[-1])


class Source(Protocol):
    @property
    def name(self) -> str:
        """Where it is, for people."""

    def head(self) -> Head | None:
        """None when nothing is installed there."""

    def owners(self) -> list[str]:
        """Who keeps anything there."""

    def state(self, owner: str) -> OwnerState | None: ...

    def pages(self, owner: str, table: Table, after: Row | None = None) -> Iterator[list[Row]]:
        """All rows whose keys come after ``after``, in the order of their keys. No page is empty."""

    def shared(self) -> Shared: ...

    def close(self) -> None: ...


class Leaving(Source, Protocol):
    """What an installation moves away from."""

    def moved_to(self) -> str | None:
        """The ``name`` of the place where it went; None while it is here."""

    def mark_moved(self, to: str) -> None:
        """Durably: nobody starts it here any more; it may be read."""


class Target(Source, Protocol):
    def is_empty(self) -> bool: ...

    def clear(self) -> None:
        """Remove what an interrupted move left. May be interrupted, and repeated."""

    def begin(self, head: Head) -> None:
        """Make the installation, so marked that nobody starts it before ``finish``."""

    def last_key(self, owner: str, table: Table) -> Row | None:
        """The greatest key that is there."""

    def write(self, owner: str, table: Table, rows: Sequence[Row]) -> None:
        """Durable when this returns; rows that are there already stay as they are."""

    def put_state(self, owner: str, state: OwnerState) -> None: ...

    def put_shared(self, shared: Shared) -> None:
        """May be repeated."""

    def finish(self, head: Head) -> None:
        """Let it be started."""
