"""What a store gives to the processes of an installation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Protocol

if TYPE_CHECKING:  # imports xgboost, for which a shard does not wait at its start
    from actors.scorer_registry import Scorers
from actors.access.denials.interface import DenialStore
from actors.access.interface import AccessStore
from actors.journal.interface import Journal
from actors.journal.keyring import Keyring
from actors.sessions.interface import Sessions
from actors.shard.store import ShardStore
from actors.stores.master_key import MasterKeyPlace
from models.errors import BadInput

#: Raised with what an installation record or the secret's wrapping means.
FORMAT: Final = 2
#: The format of an installation that is being written by a move or a restore: nobody starts it.
MOVING: Final = 0
#: That of one that was rebuilt elsewhere: it is kept for audits, and nobody starts it.
MOVED: Final = -1


@dataclass(frozen=True, slots=True)
class Installation:
    """Chosen at the first start; never changed in place."""

    #: Drawn at the install: tells one installation from another.
    name: str
    format: int
    slots: int
    shards: int
    #: The kind of store.
    store: str


def check_installed(found: Installation, shards: int | None, slots: int, place: str) -> None:
    """Raises ``BadInput`` when what is installed differs from what this process asks for."""
    if found.format == MOVED:
        raise BadInput(f"the installation in {place} was rebuilt elsewhere and is kept for audits; start the new one")
    if found.format == MOVING:
        raise BadInput(
            f"what is being moved or restored to {place} is not whole yet; repeat that command, it goes on where it was"
        )
    if shards is not None and shards != found.shards:
        raise BadInput(
            f"{place} was installed with {found.shards} shards, not {shards}; "
            f"start it without --shards (the number of an installation is fixed)"
        )
    if (found.format, found.slots) != (FORMAT, slots):
        raise BadInput(f"{place} was written by another version (format {found.format}, {found.slots} slots)")


class Store(Protocol):
    """Opening one costs nothing and touches nothing. Each call may be made from any thread; what ``journal``,
    ``keyring`` and ``shard_store`` return belongs to one thread at a time.
    """

    @property
    def kind(self) -> str:
        """"sqlite" or "postgresql"."""

    @property
    def place(self) -> str:
        """Where it is, for people: a folder or a URL, never with a password."""

    @property
    def shards_may_move(self) -> bool:
        """Whether every node reaches the journals, so that a shard may start on any of them."""

    def read_installation(self) -> Installation | None:
        """None when nothing is installed there yet. Raises ``KairosError`` when what is there cannot be read."""

    def install(self, shards: int | None, slots: int) -> Installation:
        """Make the installation and its secret, or find them as they are; two at once make one. ``shards``: None for
        the store's default, or the number that is there. Raises ``BadInput`` when other numbers are there already."""

    def secret(self) -> bytes:
        """The installation's secret behind every customer key (32 bytes). Raises ``KairosError`` when it is missing."""

    def journal(self, owner: str) -> Journal:
        """The journal of an owner (see ``actors.naming``), made when absent. Raises ``JournalLocked`` when another
        process holds its files."""

    def keyring(self, owner: str) -> Keyring:
        """The customers' keys that this owner keeps. Raises as ``journal`` does."""

    def shard_store(self, shard: int) -> ShardStore:
        """Journal and keyring of a shard."""

    def has_journal(self, owner: str) -> bool:
        """Whether there is one already."""

    def scorers(self) -> Scorers:
        """The registered scorers."""

    def access(self) -> AccessStore:
        """The API keys."""

    def denials(self) -> DenialStore:
        """Who was refused."""

    def sessions(self) -> Sessions:
        """Who has the console open. It stays where it is: no copy of an installation has it."""

    @property
    def master(self) -> MasterKeyPlace:
        """Where this process finds the master key."""

    def wrapped(self) -> dict[str, int]:
        """How many keys, the secret among them, each master key wraps, by its id."""

    def rewrap(self) -> int:
        """Wrap what older master keys wrap anew with the newest; returns how many keys. May be interrupted, and
        repeated. Raises ``JournalLocked`` where the processes of the installation must be stopped for it."""

    def close(self) -> None:
        """Let go of what the store itself holds; journals and keyrings are closed by whoever opened them."""
