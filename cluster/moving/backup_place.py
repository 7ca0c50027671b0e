"""A backup: a folder with a file of rows per owner and table, what is shared, and a manifest that is written last.

A file of rows is msgpack, one row after the other. The manifest has every file's size and SHA-256; a folder without
one, or with a file that differs, is no backup. Customers' keys are in it as they are stored, wrapped; the master key
that opens them is not.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import msgpack

from actors.access.denials.record import Entry
from actors.durable_file import replace_file, sync_folder
from cluster.moving.place import Head, OwnerState, Shared
from cluster.moving.tables import Row, Table
from models import limits
from models.canonical import pack
from models.errors import BadInput, KairosError

MANIFEST: Final = "manifest.json"
VERSION: Final = 3
_SHARED: Final = "shared.json"
_CHUNK: Final = 1 << 20


def rows_file(owner: str, table: Table) -> str:
    return f"{owner}.{table.name}.rows"


class BackupWriter:
    def __init__(self, folder: Path) -> None:
        """Raises ``BadInput`` when there is anything in the folder."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        if any(folder.iterdir()):
            raise BadInput(f"{folder} is not empty; name another folder for the backup")
        self._folder = folder
        self._files: dict[str, dict[str, Any]] = {}

    def rows(self, owner: str, table: Table, pages: Iterator[list[Row]]) -> int:
        """Write them out; returns how many. Nothing is left behind where there are none."""
        first = next(pages, None)
        if first is None:
            return 0
        name, digest, size, count = rows_file(owner, table), hashlib.sha256(), 0, 0
        descriptor = os.open(self._folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            page: list[Row] | None = first
            while page is not None:
                data = b"".join(pack(list(row)) for row in page)
                file.write(data)
                digest.update(data)
                size += len(data)
                count += len(page)
                page = next(pages, None)
            file.flush()
            os.fsync(file.fileno())
        self._files[name] = {"bytes": size, "rows": count, "sha256": digest.hexdigest()}
        return count

    def file(self, name: str, content: bytes) -> None:
        replace_file(self._folder / name, content)
        self._files[name] = {"bytes": len(content), "sha256": hashlib.sha256(content).hexdigest()}

    def shared(self, shared: Shared) -> None:
        plain = {
            "keys": shared.keys,
            "denials": {
                chain: [[entry.seq, entry.text, entry.hash] for entry in entries]
                for chain, entries in shared.denials.items()
            },
            "scorers": {
                version: [base64.b64encode(part).decode() for part in parts]
                for version, parts in shared.scorers.items()
            },
        }
        self.file(_SHARED, json.dumps(plain).encode())

    def finish(self, head: Head, owners: dict[str, OwnerState], at_ms: int, source: str) -> None:
        """From here on it is a backup."""
        manifest = {
            "version": VERSION, "made_ms": at_ms, "of": source,
            "installation": {
                "name": head.name, "format": head.format, "slots": head.slots, "shards": head.shards,
                "secret": base64.b64encode(head.secret).decode(),
            },
            "owners": {owner: [s.epoch, s.last_seq, s.incarnation] for owner, s in owners.items()},
            "files": self._files,
        }
        manifest["sha256"] = _own_digest(manifest)
        sync_folder(self._folder)
        replace_file(self._folder / MANIFEST, json.dumps(manifest, indent=1).encode())


class BackupPlace:
    """Reads a backup. Every file is verified before anything is told of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.name = str(folder)
        self.manifest = _manifest(folder)
        self._verify()

    def _verify(self) -> None:
        """Raises ``KairosError`` that names the first file that is missing or differs."""
        for name, told in self.manifest["files"].items():
            path = self._folder / name
            if not path.is_file():
                raise KairosError(f"{path} is missing: this backup is incomplete; take another one")
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
            if (path.stat().st_size, digest) != (told["bytes"], told["sha256"]):
                raise KairosError(f"{path} is damaged: it is not what the manifest says; take another backup")

    def head(self) -> Head | None:
        told = self.manifest["installation"]
        secret = base64.b64decode(told["secret"])
        return Head(told["name"], told["format"], told["slots"], told["shards"], secret)

    def owners(self) -> list[str]:
        return list(self.manifest["owners"])

    def state(self, owner: str) -> OwnerState | None:
        return OwnerState(*self.manifest["owners"][owner])

    def pages(self, owner: str, table: Table, after: Row | None = None) -> Iterator[list[Row]]:
        page: list[Row] = []
        for row in self._rows(owner, table):
            if after is not None and table.key_of(row) <= after:
                continue
            page.append(row)
            if len(page) == limits.MOVE_PAGE_ROWS:
                yield page
                page = []
        if page:
            yield page

    def _rows(self, owner: str, table: Table) -> Iterator[Row]:
        name = rows_file(owner, table)
        if name not in self.manifest["files"]:
            return
        with (self._folder / name).open("rb") as file:
            unpacker = msgpack.Unpacker(file, use_list=False, raw=False, read_size=_CHUNK)
            yield from unpacker

    def shared(self) -> Shared:
        plain = json.loads((self._folder / _SHARED).read_bytes())
        return Shared(
            plain["keys"],
            {chain: [Entry(*entry) for entry in entries] for chain, entries in plain["denials"].items()},
            {
                version: (base64.b64decode(manifest), base64.b64decode(model))
                for version, (manifest, model) in plain["scorers"].items()
            },
        )

    def close(self) -> None:
        """Nothing is held."""


def _own_digest(manifest: dict[str, Any]) -> str:
    """Of all that a manifest says but this."""
    told = {name: value for name, value in manifest.items() if name != "sha256"}
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()


def _manifest(folder: Path) -> dict[str, Any]:
    path = folder / MANIFEST
    try:
        manifest: dict[str, Any] = json.loads(path.read_bytes())
        if manifest["version"] != VERSION:
            raise ValueError(f"version {manifest['version']}, not {VERSION}")
        if manifest["sha256"] != _own_digest(manifest):
            raise ValueError("it is not what was written")
        _ = manifest["files"][_SHARED], manifest["installation"]["name"], manifest["owners"]
    except FileNotFoundError:
        raise BadInput(f"there is no {path}: not a backup, or one that was not finished") from None
    except (ValueError, KeyError, TypeError) as error:
        raise KairosError(f"{path} is damaged ({error!r}); take another backup") from error
    return manifest
