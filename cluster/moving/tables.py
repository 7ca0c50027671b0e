"""The rows that an owner keeps, as every store has them: columns in one order, pages in the order of a key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

Row = tuple[Any, ...]
JOURNAL_FILE: Final = "journal.db"
KEYS_FILE: Final = "keys.db"


@dataclass(frozen=True, slots=True)
class Table:
    name: str
    #: Its table in PostgreSQL, where a column ``owner`` comes before the others.
    postgresql: str
    #: The owner's file, and its table there.
    file: str
    sqlite: str
    columns: tuple[str, ...]
    #: Columns that order the rows and tell them apart.
    key: tuple[str, ...]

    def key_of(self, row: Row) -> Row:
        return tuple(row[self.columns.index(name)] for name in self.key)


_STATE: Final = ("seq", "at_ms", "checksum", "state")
_PROFILE: Final = ("customer", "seq", "generation", "due_ms", "checksum", "sealed")
KEY: Final = Table(
    "key", "customer_key", KEYS_FILE, "key", ("customer", "generation", "month", "wrapped"), ("customer", "generation"),
)
DESTROYED: Final = Table(
    "destroyed", "destroyed_key", KEYS_FILE, "destroyed", ("customer", "generation", "at_ms"), ("customer",),
)
PROFILE: Final = Table("profile", "profile", JOURNAL_FILE, "profile", _PROFILE, ("customer",))
BASE_PROFILE: Final = Table("base_profile", "base_profile", JOURNAL_FILE, "base_profile", _PROFILE, ("customer",))
LOG: Final = Table(
    "log", "shard_log", JOURNAL_FILE, "log", ("seq", "epoch", "batch_id", "at_ms", "checksum", "payload"), ("seq",),
)
WRAPPING_KEY: Final = Table(
    "wrapping_key", "wrapping_key", KEYS_FILE, "wrapping_key", ("month", "wrapped"), ("month",),
)
BASE: Final = Table("base", "base", JOURNAL_FILE, "base", _STATE, ("seq",))
CHECKPOINT: Final = Table("checkpoint", "checkpoint", JOURNAL_FILE, "checkpoint", _STATE, ("seq",))
IDEM: Final = Table(
    "idem", "idem", JOURNAL_FILE, "idem",
    ("period", "customer", "key", "seq", "at_ms", "fingerprint", "hint"), ("period", "customer", "key"),
)
TOUCHED: Final = Table(
    "touched", "touched", JOURNAL_FILE, "touched", ("customer", "newest", "seqs"), ("customer", "newest"),
)
#: In the order in which they are copied: keys before what they seal, and the log before what it explains.
TABLES: Final = (WRAPPING_KEY, KEY, DESTROYED, LOG, BASE, BASE_PROFILE, CHECKPOINT, PROFILE, IDEM, TOUCHED)
