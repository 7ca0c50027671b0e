"""Denials of an installation on PostgreSQL: a row per entry, and each chain's head in a table of its own."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from actors.access.denials.record import Entry, Head
from actors.postgresql.connection import Connection
from actors.postgresql.shared_connection import SharedConnection

_PAGE: Final = 1_000


class PostgresqlDenials:
    def __init__(self, url: str) -> None:
        self._shared = SharedConnection(url, "kairos denials")

    def append(self, chain: str, entries: Sequence[Entry]) -> None:
        rows = [(chain, entry.seq, entry.hash, entry.text) for entry in entries]
        last = entries[-1].head

        def put(connection: Connection) -> None:
            with connection.cursor() as cursor:
                cursor.executemany(
                    "INSERT INTO denial (chain, seq, hash, body) VALUES (%s, %s, %s, %s) ON CONFLICT DO NOTHING", rows,
                )
            connection.execute(
                "INSERT INTO denial_head (chain, seq, hash) VALUES (%s, %s, %s) "
                "ON CONFLICT (chain) DO UPDATE SET seq = excluded.seq, hash = excluded.hash",
                (chain, last.seq, last.hash),
            )

        self._shared.write(put)

    def chains(self) -> list[str]:
        rows = self._shared.read(lambda connection: connection.execute(
            "SELECT chain FROM denial UNION SELECT chain FROM denial_head ORDER BY chain"
        ).fetchall())
        return [str(chain) for (chain,) in rows]

    def entries(self, chain: str) -> Iterator[Entry]:
        after = -1
        while True:
            page = self._page(chain, after)
            yield from page
            if len(page) < _PAGE:
                return
            after = page[-1].seq

    def _page(self, chain: str, after: int) -> list[Entry]:
        rows = self._shared.read(lambda connection: connection.execute(
            "SELECT seq, body, hash FROM denial WHERE chain = %s AND seq > %s ORDER BY seq LIMIT %s",
            (chain, after, _PAGE),
        ).fetchall())
        return [Entry(int(seq), str(body), str(digest)) for seq, body, digest in rows]

    def head(self, chain: str) -> Head | None:
        row = self._shared.read(lambda connection: connection.execute(
            "SELECT seq, hash FROM denial_head WHERE chain = %s", (chain,)
        ).fetchone())
        return None if row is None else Head(int(row[0]), str(row[1]))

    def close(self) -> None:
        self._shared.close()
