"""The embedded store: one folder on one machine, a SQLite file per journal and per keyring."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from actors.access.denials.file_denials import FileDenials
from actors.access.file_access import FileAccess
from actors.durable_file import create_file, replace_file
from actors.journal.keyring import Keyring
from actors.journal.sqlite import SqliteJournal, open_journal
from actors.journal.sqlite_keys import FILE as KEYS_FILE
from actors.journal.sqlite_keys import SqliteKeyTable
from actors.naming import shard_of_owner, shard_owner
from actors.sessions.sqlite_sessions import SqliteSessions
from actors.shard.store import ShardStore
from actors.stores.interface import FORMAT, Installation, check_installed
from actors.stores.master_key import MasterKeyPlace, wrapped_by
from actors.stores.wrapping import SECRET, SECRET_BYTES, wrapping_context
from models import limits
from models.errors import BadInput, KairosError

if TYPE_CHECKING:  # imports xgboost, for which a shard does not wait at its start
    from actors.scorer_registry import ScorerRegistry

KIND: Final = "sqlite"
_FILE: Final = "installation.json"
#: Says where an installation went that is here no more.
MOVED_FILE: Final = "moved.json"
_SECRET_FILE: Final = "customer.secret"


class SqliteStore:
    kind = KIND
    shards_may_move = False

    def __init__(self, data_dir: Path) -> None:
        self._data_dir: Final = data_dir
        self.master: Final = MasterKeyPlace(data_dir)

    @property
    def place(self) -> str:
        return str(self._data_dir)

    def read_installation(self) -> Installation | None:
        path = self._data_dir / _FILE
        try:
            return Installation(**json.loads(path.read_text()))
        except FileNotFoundError:
            return None
        except (ValueError, TypeError) as error:
            raise KairosError(f"{path} is damaged ({error}); restore it from a backup") from error

    def install(self, shards: int | None, slots: int) -> Installation:
        self._refuse_moved()
        found = self.read_installation()
        if found is None:
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._make_secret()
            made = Installation(secrets.token_hex(8), FORMAT, slots, shards or limits.SHARDS_EMBEDDED, KIND)
            create_file(self._data_dir / _FILE, json.dumps(asdict(made)).encode())
            found = self.read_installation() or made
        check_installed(found, shards, slots, self.place)
        self.secret()
        return found

    def _refuse_moved(self) -> None:
        moved = self._data_dir / MOVED_FILE
        if moved.exists():
            to = json.loads(moved.read_bytes())["to"]
            raise BadInput(f"the installation in {self._data_dir} was moved to {to}; start it there")

    def _make_secret(self) -> None:
        path = self._data_dir / _SECRET_FILE
        if path.exists():
            return
        if any((self._data_dir / "shards").glob("*/journal.db")):
            raise KairosError(f"{path} is missing but journals exist; restore it from a backup")
        self.master.make()
        create_file(path, self.master.read().wrap(secrets.token_bytes(SECRET_BYTES), SECRET))

    def secret(self) -> bytes:
        wrapped = self._wrapped_secret()
        return self.master.read().unwrap(wrapped, SECRET, str(self._data_dir / _SECRET_FILE))

    def _wrapped_secret(self) -> bytes:
        path = self._data_dir / _SECRET_FILE
        try:
            return path.read_bytes()
        except FileNotFoundError:
            raise KairosError(f"{path} is missing; restore it from a backup") from None

    def directory(self, owner: str) -> Path:
        """The folder of an owner's files."""
        shard = shard_of_owner(owner)
        return self._data_dir / owner if shard is None else self._data_dir / "shards" / str(shard)

    def has_journal(self, owner: str) -> bool:
        return (self.directory(owner) / "journal.db").is_file()

    def journal(self, owner: str) -> SqliteJournal:
        return open_journal(self.directory(owner))

    def keyring(self, owner: str) -> Keyring:
        return Keyring(SqliteKeyTable(self.directory(owner)), owner, self.master)

    def shard_store(self, shard: int) -> ShardStore:
        owner = shard_owner(shard)
        journal = self.journal(owner)
        try:
            return ShardStore(journal, self.keyring(owner))
        except BaseException:
            journal.close()
            raise

    def scorers(self) -> ScorerRegistry:
        from actors.scorer_registry import ScorerRegistry  # imports xgboost, see above

        return ScorerRegistry(self._data_dir)

    def access(self) -> FileAccess:
        return FileAccess(self._data_dir)

    def denials(self) -> FileDenials:
        return FileDenials(self._data_dir)

    def sessions(self) -> SqliteSessions:
        return SqliteSessions(self._data_dir)

    def wrapped(self) -> dict[str, int]:
        counted = {wrapped_by(self._wrapped_secret()): 1}
        for _, table in self._key_tables():
            for wrapped in table.wrapping_keys().values():
                counted[wrapped_by(wrapped)] = counted.get(wrapped_by(wrapped), 0) + 1
        return counted

    def rewrap(self) -> int:
        keys = self.master.read()
        count = 0
        secret = self._wrapped_secret()
        if wrapped_by(secret) != keys.newest:
            replace_file(self._data_dir / _SECRET_FILE, keys.wrap(self.secret(), SECRET))
            count += 1
        for owner, table in self._key_tables():
            old = {month: key for month, key in table.wrapping_keys().items() if wrapped_by(key) != keys.newest}
            contexts = {month: wrapping_context(owner, month) for month in old}
            table.replace_wrapping_keys({
                month: keys.wrap(keys.unwrap(key, contexts[month], f"{table.place}"), contexts[month])
                for month, key in old.items()
            })
            count += len(old)
        return count

    def _key_tables(self) -> Iterator[tuple[str, SqliteKeyTable]]:
        """Of every shard that has one, one at a time; held as long as the caller works with it."""
        for path in sorted((self._data_dir / "shards").glob(f"*/{KEYS_FILE}")):
            table = SqliteKeyTable(path.parent)
            try:
                yield shard_owner(int(path.parent.name)), table
            finally:
                table.close()

    def close(self) -> None:
        """Nothing is held."""
