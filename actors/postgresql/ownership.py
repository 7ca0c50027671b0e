"""Whose a journal is: epoch, incarnation, and the one connection from which its owner writes.

The owner's row is the fence. An append moves it forward in its own statement; every other write locks it in its
transaction and goes on only while epoch and session are the ones this process knows. The session's number changes with
each connection: what an old one of ours still had in hand (a halted server, a network that was cut) comes too late.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from typing import Any, Final

from psycopg import errors

from actors.postgresql.connection import Connection
from actors.postgresql.owners import owner_number
from actors.postgresql.session import Session
from models.errors import Fenced, JournalFailed, Superseded

Cursor = Any
_TAKE_OVER: Final = """
INSERT INTO shard_owner AS o (owner, name, epoch, last_seq, incarnation, session, holder)
VALUES (%s, %s, 1, 0, %s, 1, %s)
ON CONFLICT (owner) DO UPDATE SET epoch = o.epoch + 1, session = o.session + 1, incarnation = excluded.incarnation,
    holder = excluded.holder WHERE o.incarnation <= excluded.incarnation
RETURNING epoch, last_seq, session
"""
_NEWEST_ROW: Final = "SELECT seq FROM shard_log WHERE owner = %s ORDER BY seq DESC LIMIT 1"
_RETURN: Final = "UPDATE shard_owner SET session = session + 1 WHERE owner = %s AND epoch = %s RETURNING session"
#: Locks the owner's row until the transaction ends; fails with a division by zero when it is not ours any more.
_HOLD: Final = """
SELECT 1 / count(*) FROM
    (SELECT 1 FROM shard_owner WHERE owner = %s AND epoch = %s AND session = %s FOR SHARE) AS mine
"""
_SOON: Final = "SELECT set_config('synchronous_commit', 'off', true)"


class Ownership:
    """Reading needs no ownership; whoever writes calls ``take_over`` first."""

    is_remote: bool = True

    def __init__(self, session: Session, owner: str) -> None:
        #: The keyring of the same owner shares it.
        self.session = session
        self.number = owner_number(owner)
        self.epoch: int = 0
        self._name = owner
        self._where = f"{session.where} {owner}"
        self._line = 0
        self.last_seq: int = self.newest_seq()
        session.on_return.append(self._come_back)

    def take_over(self, owner: str, incarnation: int = 0) -> int:
        holder = f"{owner} at {socket.gethostname()}, process {os.getpid()}"
        found = self.session.query(_TAKE_OVER, (self.number, self._name, incarnation, holder))
        if not found:
            raise Superseded(f"{self._where}: an incarnation after {incarnation} has taken over; leave it be")
        self.epoch, self.last_seq, self._line = found[0]
        newest = self.session.query(_NEWEST_ROW, (self.number,))
        if newest and newest[0][0] != self.last_seq:
            self.confirm()
            raise JournalFailed(f"{self._where}: the log ends at row {newest[0][0]}, its owner at {self.last_seq}")
        return self.epoch

    def incarnation(self) -> int:
        found = self.session.query("SELECT incarnation FROM shard_owner WHERE owner = %s", (self.number,))
        return int(found[0][0]) if found else 0

    def newest_seq(self) -> int:
        found = self.session.query("SELECT last_seq FROM shard_owner WHERE owner = %s", (self.number,))
        return int(found[0][0]) if found else 0

    def confirm(self) -> None:
        found = self.session.query("SELECT epoch FROM shard_owner WHERE owner = %s", (self.number,))
        epoch = found[0][0] if found else 0
        if epoch != self.epoch or epoch == 0:
            raise Fenced(f"{self._where}: epoch {epoch} owns the journal, mine is {self.epoch}")

    def write(self, work: Callable[[Cursor], None], *, soon: bool = False) -> int:
        """One transaction under the fence in one round trip: ``work`` executes and fetches nothing; returns how many
        rows its last statement changed. ``soon``: durable only with the next one that is not so."""
        return self.session.run(lambda connection: self._transact(connection, work, soon))

    def _transact(self, connection: Connection, work: Callable[[Cursor], None], soon: bool) -> int:
        try:
            with connection.pipeline(), connection.transaction():
                cursor = connection.cursor(binary=True)
                if soon:
                    cursor.execute(_SOON, prepare=True)
                cursor.execute(_HOLD, (self.number, self.epoch, self._line), prepare=True)
                work(cursor)
        except errors.DivisionByZero as error:
            raise self._not_mine() from error
        while cursor.nextset():
            continue
        return int(cursor.rowcount)

    def _come_back(self, connection: Connection) -> None:
        """A new connection: whatever an earlier one of ours has in hand does not count any more."""
        if not self.epoch:
            return
        row = connection.execute(_RETURN, (self.number, self.epoch)).fetchone()
        if row is None:
            raise self._not_mine()
        self._line = row[0]

    def _not_mine(self) -> Fenced:
        """The owner's row says another epoch or session."""
        return Fenced(f"{self._where}: epoch {self.epoch} does not own the journal any more")

    def close(self) -> None:
        self.session.close()
