"""The embedded store: one folder on one machine, a SQLite file per journal and per keyring."""

from __future__ import annotations

import json
import secrets
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Final

from actors.access.denials.file_denials import FileDenials
from actors.access.file_access import FileAccess
from actors.durable_file import create_file, replace_file
from actors.journal.keyring import Keyring
from actors.journal.sqlite import SqliteJournal, open_journal
from actors.journal.sqlite_keys import SqliteKeyTable
from actors.naming import shard_of_owner, shard_owner
from actors.shard.store import ShardStore
from actors.stores.interface import FORMAT, Installation
from actors.stores.master_key import MasterKeyPlace
from actors.stores.wrapping import SECRET, SECRET_BYTES
from models import limits
from models.errors import BadInput, KairosError

if TYPE_CHECKING:  # imports xgboost, for which a shard does not wait at its start
    from actors.scorer_registry import ScorerRegistry

KIND: Final = "sqlite"
_FILE: Final = "installation.json"
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
        found = self.read_installation()
        if found is None:
            self._data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._make_secret()
            found = Installation(FORMAT, slots, shards or limits.SHARDS_EMBEDDED, KIND)
            replace_file(self._data_dir / _FILE, json.dumps(asdict(found)).encode())
        check_installed(found, shards, slots, self.place)
        return found

    def _make_secret(self) -> None:
        path = self._data_dir / _SECRET_FILE
        if path.exists():
            return
        if any((self._data_dir / "shards").glob("*/journal.db")):
            raise KairosError(f"{path} is missing but journals exist; restore it from a backup")
        self.master.make()
        create_file(path, self.master.read().wrap(secrets.token_bytes(SECRET_BYTES), SECRET))

    def secret(self) -> bytes:
        path = self._data_dir / _SECRET_FILE
        try:
            wrapped = path.read_bytes()
        except FileNotFoundError:
            raise KairosError(f"{path} is missing; restore it from a backup") from None
        return self.master.read().unwrap(wrapped, SECRET, str(path))

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

    def close(self) -> None:
        """Nothing is held."""


def check_installed(found: Installation, shards: int | None, slots: int, place: str) -> None:
    """Raises ``BadInput`` when what is installed differs from what this process asks for."""
    if shards is not None and shards != found.shards:
        raise BadInput(
            f"{place} was installed with {found.shards} shards, not {shards}; "
            f"start it without --shards (the number of an installation is fixed)"
        )
    if (found.format, found.slots) != (FORMAT, slots):
        raise BadInput(f"{place} was written by another version (format {found.format}, {found.slots} slots)")
