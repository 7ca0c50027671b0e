"""An embedded installation in its data directory: files that nobody else has open."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Final

from actors import naming
from actors.access import KEYS_FILE as ACCESS_FILE
from actors.access import FileAccess, KeyRecord
from actors.access.denials.file_denials import AUDIT_FOLDER, FileDenials
from actors.durable_file import replace_file
from actors.journal import schema
from actors.journal.sqlite_file import SqliteFile
from actors.scorer_registry import FOLDER as SCORERS_FOLDER
from actors.scorer_registry import ScorerRegistry
from actors.stores.interface import MOVING, Installation
from actors.stores.master_key import FILE as MASTER_FILE
from actors.stores.sqlite import KIND, MOVED_FILE, SqliteStore
from cluster.moving.place import Head, OwnerState, Shared, paged
from cluster.moving.shared_things import put_denials, put_keys, put_scorers, scorers_of
from cluster.moving.tables import JOURNAL_FILE, Row, Table
from models.errors import KairosError

_INSTALLATION: Final = "installation.json"
_SECRET: Final = "customer.secret"
#: What may lie in a data directory before anything is installed there.
_BEFORE: Final = frozenset({MASTER_FILE, "up.log", _SECRET})
#: All else that a move writes there.
_FOLDERS: Final = (naming.COORDINATOR_OWNER, naming.INSIGHT_OWNER, "shards", AUDIT_FOLDER, SCORERS_FOLDER)
_SCRIPTS: Final = {JOURNAL_FILE: schema.JOURNAL}


class SqlitePlace:
    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._store = SqliteStore(data_dir)
        self._files: dict[Path, SqliteFile] = {}

    @property
    def name(self) -> str:
        return str(self._data_dir)

    def head(self) -> Head | None:
        found = self._store.read_installation()
        if found is None:
            return None
        return Head(found.name, found.format, found.slots, found.shards, (self._data_dir / _SECRET).read_bytes())

    def owners(self) -> list[str]:
        head = self.head()
        shards = [naming.shard_owner(number) for number in range(head.shards if head else 0)]
        owners = (naming.COORDINATOR_OWNER, *shards, naming.INSIGHT_OWNER)
        return [owner for owner in owners if self._store.has_journal(owner)]

    def _file(self, owner: str, name: str, *, makes: bool = False) -> SqliteFile | None:
        """Opened once, and locked from then on. Raises ``JournalLocked`` when a process has it."""
        path = self._store.directory(owner) / name
        if path not in self._files:
            if not makes and not path.is_file():
                return None
            self._files[path] = SqliteFile(path, _SCRIPTS.get(name, schema.KEYS))
        return self._files[path]

    def _made(self, owner: str, name: str) -> SqliteFile:
        file = self._file(owner, name, makes=True)
        assert file is not None
        return file

    def state(self, owner: str) -> OwnerState | None:
        file = self._file(owner, JOURNAL_FILE)
        return None if file is None else OwnerState(*file.query("SELECT epoch, last_seq, incarnation FROM owner")[0])

    def pages(self, owner: str, table: Table, after: Row | None = None) -> Iterator[list[Row]]:
        return paged(self._page, owner, table, after)

    def _page(self, owner: str, table: Table, after: Row | None, limit: int) -> list[Row]:
        file = self._file(owner, table.file)
        if file is None:
            return []
        key, columns = ", ".join(table.key), ", ".join(table.columns)
        where = "" if after is None else f"WHERE ({key}) > ({', '.join('?' * len(table.key))})"
        return file.query(
            f"SELECT {columns} FROM {table.sqlite} {where} ORDER BY {key} LIMIT ?", (*(after or ()), limit)
        )

    def last_key(self, owner: str, table: Table) -> Row | None:
        file = self._file(owner, table.file)
        if file is None:
            return None
        key = ", ".join(table.key)
        order = ", ".join(f"{name} DESC" for name in table.key)
        found = file.query(f"SELECT {key} FROM {table.sqlite} ORDER BY {order} LIMIT 1")
        return found[0] if found else None

    def shared(self) -> Shared:
        denials = FileDenials(self._data_dir)
        return Shared(
            [record.to_plain() for record in FileAccess(self._data_dir).records()],
            {chain: list(denials.entries(chain)) for chain in denials.chains()},
            scorers_of(ScorerRegistry(self._data_dir), self._data_dir),
        )

    def moved_to(self) -> str | None:
        path = self._data_dir / MOVED_FILE
        return str(json.loads(path.read_bytes())["to"]) if path.exists() else None

    def mark_moved(self, to: str) -> None:
        replace_file(self._data_dir / MOVED_FILE, json.dumps({"to": to}).encode())

    def is_empty(self) -> bool:
        return not self._data_dir.exists() or {path.name for path in self._data_dir.iterdir()} <= _BEFORE

    def clear(self) -> None:
        self.close()
        for name in _FOLDERS:
            shutil.rmtree(self._data_dir / name, ignore_errors=True)
        (self._data_dir / ACCESS_FILE).unlink(missing_ok=True)
        (self._data_dir / _INSTALLATION).unlink()

    def begin(self, head: Head) -> None:
        self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
        replace_file(self._data_dir / _SECRET, head.secret)
        self._mark(head, MOVING)

    def _mark(self, head: Head, format_: int) -> None:
        made = Installation(head.name, format_, head.slots, head.shards, KIND)
        replace_file(self._data_dir / _INSTALLATION, json.dumps(asdict(made)).encode())

    def write(self, owner: str, table: Table, rows: Sequence[Row]) -> None:
        # A base is one row under an id of its own.
        columns = ("id", *table.columns) if table.sqlite == "base" else table.columns
        values = [(1, *row) for row in rows] if table.sqlite == "base" else rows
        marks = ", ".join("?" * len(columns))
        with self._made(owner, table.file).writing() as db:
            db.executemany(f"INSERT OR IGNORE INTO {table.sqlite} ({', '.join(columns)}) VALUES ({marks})", values)

    def put_state(self, owner: str, state: OwnerState) -> None:
        with self._made(owner, JOURNAL_FILE).writing() as db:
            db.execute(
                "UPDATE owner SET epoch = ?, last_seq = ?, incarnation = ?, owner = ''",
                (state.epoch, state.last_seq, state.incarnation),
            )

    def put_shared(self, shared: Shared) -> None:
        put_keys(FileAccess(self._data_dir), [KeyRecord.from_plain(plain) for plain in shared.keys])
        put_denials(FileDenials(self._data_dir), shared.denials)
        put_scorers(ScorerRegistry(self._data_dir), shared.scorers)

    def finish(self, head: Head) -> None:
        self.close()
        self._mark(head, head.format)

    def close(self) -> None:
        while self._files:
            self._files.popitem()[1].close()


def refuse_strangers(data_dir: Path) -> None:
    """Raises ``KairosError`` when there are things in a data directory that no installation record explains."""
    for name in (ACCESS_FILE, AUDIT_FOLDER, "shards", naming.COORDINATOR_OWNER, naming.INSIGHT_OWNER):
        if (data_dir / name).exists() and not (data_dir / _INSTALLATION).exists():
            raise KairosError(f"{data_dir} holds {name} but no {_INSTALLATION}; name an empty directory")
