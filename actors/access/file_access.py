"""Keys of an embedded installation: ``<data-dir>/keys.json``.

Writers take a lock and replace the file atomically; readers see the old file or the new one.
"""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

from actors.access.record import KeyRecord
from actors.durable_file import replace_file
from models.errors import BadInput

T = TypeVar("T")
KEYS_FILE: Final = "keys.json"
_LOCK_FILE: Final = "keys.lock"
_FORMAT: Final = 2


class FileAccess:
    is_remote = False

    def __init__(self, data_dir: Path) -> None:
        self._data_dir = data_dir
        self._path = data_dir / KEYS_FILE

    def marker(self) -> object:
        try:
            stat = self._path.stat()
        except FileNotFoundError:
            return None
        return stat.st_mtime_ns, stat.st_size, stat.st_ino

    def records(self) -> list[KeyRecord]:
        try:
            stored = json.loads(self._path.read_bytes())
            if stored["format"] != _FORMAT:
                raise ValueError(f"format {stored['format']}, not {_FORMAT}")
            return [KeyRecord.from_plain(entry) for entry in stored["keys"]]
        except FileNotFoundError:
            return []
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise BadInput(
                f"{self._path} is damaged ({error}); restore it, or remove it and create the keys again"
            ) from error

    def change(self, edit: Callable[[Sequence[KeyRecord]], tuple[list[KeyRecord], T]]) -> T:
        with self._locked():
            records, result = edit(self.records())
            stored: dict[str, Any] = {"format": _FORMAT, "keys": [record.to_plain() for record in records]}
            replace_file(self._path, json.dumps(stored, indent=1).encode())
        return result

    def close(self) -> None:
        """Nothing is held."""

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self._data_dir / _LOCK_FILE, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)
