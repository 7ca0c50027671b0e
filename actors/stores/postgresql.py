"""The shared store: one PostgreSQL database, which every node reaches; a data directory holds copies at most."""

from __future__ import annotations

import secrets
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Final, TypeVar

from actors.access.denials.postgresql_denials import PostgresqlDenials
from actors.access.postgresql_access import PostgresqlAccess
from actors.journal.keyring import Keyring
from actors.naming import shard_owner
from actors.postgresql.address import check_url, without_password
from actors.postgresql.connection import Connection
from actors.postgresql.journal import PostgresqlJournal, open_journal
from actors.postgresql.keys import PostgresqlKeyTable
from actors.postgresql.owners import owner_name
from actors.postgresql.shared_connection import SharedConnection
from actors.sessions.postgresql_sessions import PostgresqlSessions
from actors.shard.store import ShardStore
from actors.stores.interface import FORMAT, Installation, check_installed
from actors.stores.master_key import MasterKeyPlace, wrapped_by
from actors.stores.wrapping import SECRET, SECRET_BYTES, wrapping_context
from models import limits
from models.errors import KairosError

if TYPE_CHECKING:  # imports xgboost, for which a shard does not wait at its start
    from actors.postgresql.scorers import PostgresqlScorers

T = TypeVar("T")
KIND: Final = "postgresql"
_INSTALL: Final = """
INSERT INTO installation (id, name, format, slots, shards, secret) VALUES (1, %s, %s, %s, %s, %s)
ON CONFLICT (id) DO NOTHING
"""


class PostgresqlStore:
    """``url``: see ``actors.postgresql.address``; a password comes better from PGPASSWORD or PGPASSFILE."""

    kind = KIND
    shards_may_move = True

    def __init__(self, url: str, data_dir: Path) -> None:
        self._url: Final = check_url(url)
        self._data_dir: Final = data_dir
        self._connection: Final = SharedConnection(url, "kairos store")
        self.place: Final = without_password(url)
        self.master: Final = MasterKeyPlace(data_dir)

    def _read(self, work: Callable[[Connection], T]) -> T:
        """Holds no connection in between: a server has not many, and each shard needs one all the time."""
        try:
            return self._connection.read(work)
        finally:
            self._connection.close()

    def read_installation(self) -> Installation | None:
        rows = self._read(
            lambda connection: connection.execute("SELECT name, format, slots, shards FROM installation").fetchall()
        )
        if not rows:
            return None
        name, made_by, slots, shards = rows[0]
        return Installation(name, made_by, slots, shards, KIND)

    def install(self, shards: int | None, slots: int) -> Installation:
        if self.read_installation() is None:
            self.master.make()
            wrapped = self.master.read().wrap(secrets.token_bytes(SECRET_BYTES), SECRET)
            values = (secrets.token_hex(8), FORMAT, slots, shards or limits.SHARDS_POSTGRESQL, wrapped)
            # One statement, and nothing when somebody else came first or it was done already.
            self._read(lambda connection: connection.execute(_INSTALL, values))
        found = self.read_installation()
        if found is None:
            raise KairosError(f"{self.place} does not keep what is written to it; see the server's log")
        check_installed(found, shards, slots, self.place)
        self.secret()
        return found

    def secret(self) -> bytes:
        wrapped = self._wrapped_secret()
        return self.master.read().unwrap(wrapped, SECRET, f"the store {self.place}")

    def _wrapped_secret(self) -> bytes:
        rows = self._read(
            lambda connection: connection.execute("SELECT secret FROM installation").fetchall()
        )
        if not rows:
            raise KairosError(f"{self.place} holds no installation; `kairos up --store {self.place}` makes one")
        return bytes(rows[0][0])

    def has_journal(self, owner: str) -> bool:
        """Made by its first owner; until then it is empty, and may be read as such."""
        return self.read_installation() is not None

    def journal(self, owner: str) -> PostgresqlJournal:
        self._read(lambda _: None)  # makes the tables when there are none
        return open_journal(self._url, owner)

    def keyring(self, owner: str) -> Keyring:
        return Keyring(PostgresqlKeyTable(self.journal(owner), is_alone=True), owner, self.master)

    def shard_store(self, shard: int) -> ShardStore:
        owner = shard_owner(shard)
        journal = self.journal(owner)
        return ShardStore(journal, Keyring(PostgresqlKeyTable(journal), owner, self.master))

    def scorers(self) -> PostgresqlScorers:
        from actors.postgresql.scorers import PostgresqlScorers  # import xgboost, see above
        from actors.scorer_registry import ScorerRegistry

        return PostgresqlScorers(self._read, ScorerRegistry(self._data_dir))

    def access(self) -> PostgresqlAccess:
        return PostgresqlAccess(self._url)

    def denials(self) -> PostgresqlDenials:
        return PostgresqlDenials(self._url)

    def sessions(self) -> PostgresqlSessions:
        return PostgresqlSessions(self._url)

    def wrapped(self) -> dict[str, int]:
        counted = {wrapped_by(self._wrapped_secret()): 1}
        for _, _, wrapped in self._wrapping_keys():
            counted[wrapped_by(wrapped)] = counted.get(wrapped_by(wrapped), 0) + 1
        return counted

    def _wrapping_keys(self) -> list[tuple[int, int, bytes]]:
        return self._read(lambda connection: [
            (number, month, bytes(wrapped))
            for number, month, wrapped in connection.execute("SELECT owner, month, wrapped FROM wrapping_key")
        ])

    def rewrap(self) -> int:
        """Each key in a statement of its own, which changes nothing when another came first: may be interrupted,
        repeated, and done while shards run."""
        keys = self.master.read()
        count = 0
        secret = self._wrapped_secret()
        if wrapped_by(secret) != keys.newest:
            fresh = keys.wrap(keys.unwrap(secret, SECRET, f"the store {self.place}"), SECRET)
            count += self._replace("UPDATE installation SET secret = %s WHERE secret = %s", fresh, secret)
        for number, month, wrapped in self._wrapping_keys():
            if wrapped_by(wrapped) != keys.newest:
                owner = owner_name(number)
                context = wrapping_context(owner, month)
                plain = keys.unwrap(wrapped, context, f"the wrapping key of {owner} for {month}")
                count += self._replace(
                    "UPDATE wrapping_key SET wrapped = %s WHERE owner = %s AND month = %s AND wrapped = %s",
                    keys.wrap(plain, context), number, month, wrapped,
                )
        return count

    def _replace(self, statement: str, *values: int | bytes) -> int:
        def replace(connection: Connection) -> int:
            return connection.execute(statement, values).rowcount

        return self._read(replace)

    def close(self) -> None:
        self._connection.close()
