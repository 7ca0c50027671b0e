"""An installation on PostgreSQL, through one connection; read in one snapshot where that is asked for."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from actors.access import KeyRecord
from actors.access.denials.postgresql_denials import PostgresqlDenials
from actors.access.denials.record import Entry
from actors.access.postgresql_access import PostgresqlAccess
from actors.postgresql.address import check_url, without_password
from actors.postgresql.connection import Lost, connect, translated
from actors.postgresql.owners import owner_name, owner_number
from actors.postgresql.schema import ensure_schema
from actors.stores.interface import MOVED, MOVING
from actors.stores.postgresql import PostgresqlStore
from cluster.moving.place import Head, OwnerState, Shared, paged
from cluster.moving.shared_things import put_denials, put_keys, put_scorers
from cluster.moving.tables import TABLES, Row, Table
from models.errors import KairosError, StoreAway

#: A page is written out in between.
_IDLE: Final = "SET idle_in_transaction_session_timeout = '60s'"
_SNAPSHOT: Final = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
#: Owners write nothing, and nobody becomes one, while this is held; readers do not notice.
_HOLD: Final = (
    "SET lock_timeout = '5s'", "SET idle_in_transaction_session_timeout = '10min'",
    "BEGIN ISOLATION LEVEL REPEATABLE READ", "LOCK TABLE shard_owner IN SHARE ROW EXCLUSIVE MODE",
)
#: Whoever served before is fenced, and whoever comes is superseded: the installation is where ``holder`` says.
_FENCING: Final = 2**62
_FENCE: Final = f"UPDATE shard_owner SET epoch = epoch + 1, incarnation = {_FENCING}, holder = %s"
_CONNECTED: Final = """
SELECT application_name FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND starts_with(application_name, 'kairos')
"""
#: All that an installation keeps, but the record of refusals' heads and of the installation itself.
_KEPT: Final = ("shard_owner", "scorer", "access_key", "denial", *(table.postgresql for table in TABLES))
_PUT_STATE: Final = """
INSERT INTO shard_owner (owner, name, epoch, last_seq, incarnation, session, holder)
VALUES (%s, %s, %s, %s, %s, 1, 'nobody yet') ON CONFLICT (owner) DO UPDATE
SET epoch = excluded.epoch, last_seq = excluded.last_seq, incarnation = excluded.incarnation
"""


class PostgresqlPlace:
    """``snapshot``: everything is read as it was at the first look, whatever the installation does meanwhile."""

    def __init__(self, url: str, data_dir: Path, *, snapshot: bool = False) -> None:
        self._url = check_url(url)
        self._data_dir = data_dir
        self.name = without_password(url)
        self._connection = connect(url, "kairos move")
        try:
            with self._translated():
                ensure_schema(self._connection, self.name)
                self._connection.execute(_IDLE)
                if snapshot:
                    self._connection.execute(_SNAPSHOT)
        except BaseException:
            self._connection.close()
            raise

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            with translated(self.name):
                yield
        except Lost as error:
            raise StoreAway(f"{self.name}: {error}; repeat the command, it goes on where it was") from error

    def _query(self, statement: str, values: Sequence[Any] = ()) -> list[Row]:
        with self._translated():
            return self._connection.execute(statement, values, binary=True).fetchall()

    def head(self) -> Head | None:
        found = self._query("SELECT name, format, slots, shards, secret FROM installation")
        return Head(*found[0]) if found else None

    def owners(self) -> list[str]:
        return [owner_name(number) for (number,) in self._query("SELECT owner FROM shard_owner ORDER BY owner")]

    def state(self, owner: str) -> OwnerState | None:
        found = self._query(
            "SELECT epoch, last_seq, incarnation FROM shard_owner WHERE owner = %s", (owner_number(owner),)
        )
        if not found:
            return None
        epoch, last_seq, incarnation = found[0]
        # What fences an installation that was left is no incarnation, and must fence no other one.
        return OwnerState(epoch, last_seq, incarnation if incarnation < _FENCING else 0)

    def pages(self, owner: str, table: Table, after: Row | None = None) -> Iterator[list[Row]]:
        return paged(self._page, owner, table, after)

    def _page(self, owner: str, table: Table, after: Row | None, limit: int) -> list[Row]:
        key, marks = ", ".join(table.key), ", ".join(["%s"] * len(table.key))
        where = "" if after is None else f"AND ({key}) > ({marks})"
        return self._query(
            f"SELECT {', '.join(table.columns)} FROM {table.postgresql} WHERE owner = %s {where}"
            f" ORDER BY owner, {key} LIMIT %s", (owner_number(owner), *(after or ()), limit),
        )

    def last_key(self, owner: str, table: Table) -> Row | None:
        order = ", ".join(f"{name} DESC" for name in ("owner", *table.key))
        found = self._query(
            f"SELECT {', '.join(table.key)} FROM {table.postgresql} WHERE owner = %s ORDER BY {order} LIMIT 1",
            (owner_number(owner),),
        )
        return found[0] if found else None

    def shared(self) -> Shared:
        denials: dict[str, list[Entry]] = {}
        for chain, seq, digest, body in self._query("SELECT chain, seq, hash, body FROM denial ORDER BY chain, seq"):
            denials.setdefault(chain, []).append(Entry(seq, body, digest))
        scorers = self._query("SELECT version, manifest, model FROM scorer ORDER BY version")
        records = self._query("SELECT record FROM access_key ORDER BY place, digest")
        keys = [json.loads(text) for (text,) in records]
        return Shared(keys, denials, {version: (manifest, model) for version, manifest, model in scorers})

    def is_empty(self) -> bool:
        return not any(self._query(f"SELECT 1 FROM {name} LIMIT 1") for name in ("installation", *_KEPT))

    def clear(self) -> None:
        with self._translated():
            self._connection.execute(f"TRUNCATE installation, denial_head, {', '.join(_KEPT)}")

    def begin(self, head: Head) -> None:
        self._query(
            "INSERT INTO installation (id, name, format, slots, shards, secret) VALUES (1, %s, %s, %s, %s, %s)"
            " ON CONFLICT (id) DO NOTHING RETURNING id", (head.name, MOVING, head.slots, head.shards, head.secret),
        )

    def write(self, owner: str, table: Table, rows: Sequence[Row]) -> None:
        columns = ("owner", *table.columns)
        statement = (
            f"INSERT INTO {table.postgresql} ({', '.join(columns)}) VALUES ({', '.join(['%s'] * len(columns))})"
            " ON CONFLICT DO NOTHING"
        )
        number = owner_number(owner)
        with self._translated(), self._connection.transaction(), self._connection.cursor() as cursor:
            cursor.executemany(statement, [(number, *row) for row in rows])

    def put_state(self, owner: str, state: OwnerState) -> None:
        with self._translated():
            self._connection.execute(
                _PUT_STATE, (owner_number(owner), owner, state.epoch, state.last_seq, state.incarnation)
            )

    def put_shared(self, shared: Shared) -> None:
        access, denials = PostgresqlAccess(self._url), PostgresqlDenials(self._url)
        store = PostgresqlStore(self._url, self._data_dir)
        try:
            put_keys(access, [KeyRecord.from_plain(plain) for plain in shared.keys])
            put_denials(denials, shared.denials)
            put_scorers(store.scorers(), shared.scorers)
        finally:
            for one in (access, denials, store):
                one.close()

    def finish(self, head: Head) -> None:
        with self._translated():
            self._connection.execute("UPDATE installation SET format = %s WHERE name = %s", (head.format, head.name))

    def hold(self) -> None:
        """Until this is closed nobody else writes as an owner or becomes one, and all is read as it is now. Raises
        ``KairosError`` while processes of an installation are connected."""
        self._refuse_live()
        with self._translated():
            for statement in _HOLD:
                self._connection.execute(statement)
        self._refuse_live()

    def _refuse_live(self) -> None:
        others = sorted({name for (name,) in self._query(_CONNECTED)})
        if others:
            raise KairosError(
                f"a running Kairos is connected to {self.name} ({', '.join(others[:5])}); stop it on every node first "
                f"(`kairos down`, or delete the RayService)"
            )

    def moved_to(self) -> str | None:
        head = self.head()
        if head is None or head.format != MOVED:
            return None
        ((to,),) = self._query("SELECT holder FROM shard_owner ORDER BY owner LIMIT 1")
        return str(to)

    def mark_moved(self, to: str) -> None:
        """After ``hold``. Who meant to serve from it is fenced."""
        with self._translated():
            self._connection.execute("UPDATE installation SET format = %s", (MOVED,))
            self._connection.execute(_FENCE, (to,))
            self._connection.execute("COMMIT")

    def close(self) -> None:
        self._connection.close()
