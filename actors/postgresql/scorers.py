"""Registered scorers in a table, so that every node has them; each node keeps verified copies as files.

A version is content-addressed and never changes, so a file that is there and sound is as good as the table's row.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from functools import partial
from typing import Any, Final

from actors.postgresql.connection import Connection
from actors.scorer_registry import ScorerRegistry, UnknownScorerError, oldest_first
from models.errors import BadInput, KairosError
from models.scoring.booster import Booster
from models.scoring.manifest import Manifest

_LOG: Final = logging.getLogger("kairos.scorers")
_ADD: Final = """
INSERT INTO scorer (version, sha256, manifest, model) VALUES (%s, %s, %s, %s) ON CONFLICT (version) DO NOTHING
"""


class PostgresqlScorers:
    """Implements ``scorer_registry.Scorers``. ``read``: does something with a connection, and returns what that does.
    ``cache``: this node's copies."""

    def __init__(self, read: Callable[[Callable[[Connection], Any]], Any], cache: ScorerRegistry) -> None:
        self._read = read
        self._cache = cache

    def register(self, model: bytes, manifest: Manifest) -> None:
        Booster(model, manifest)
        packed = json.dumps(manifest.to_wire()).encode()

        def add(connection: Connection) -> None:
            connection.execute(_ADD, (manifest.version, manifest.sha256, packed, model))

        self._read(add)  # one statement, and harmless when it is done twice
        self._cache.register(model, manifest)

    def manifests(self) -> list[Manifest]:
        rows = self._rows("SELECT version, manifest FROM scorer")
        return oldest_first(partial(_manifest, version, packed) for version, packed in rows)

    def newest(self) -> Manifest | None:
        found = self.manifests()
        return found[-1] if found else None

    def manifest(self, version: str) -> Manifest:
        rows = self._rows("SELECT manifest FROM scorer WHERE version = %s", version)
        if not rows:
            raise UnknownScorerError(f"no scorer {version[:80]!r} in the store; make one with `kairos train`")
        return _manifest(version, rows[0][0])

    def load(self, version: str) -> Booster:
        return self._copy(version) or self._fetched(version)

    def _copy(self, version: str) -> Booster | None:
        """None when it was never fetched, or is damaged."""
        try:
            return self._cache.load(version)
        except UnknownScorerError:
            return None
        except KairosError as error:
            _LOG.warning("a scorer's copy is fetched anew: %s", error)
            self._cache.drop(version)
            return None

    def _fetched(self, version: str) -> Booster:
        manifest = self.manifest(version)
        rows = self._rows("SELECT model FROM scorer WHERE version = %s", version)
        model = bytes(rows[0][0]) if rows else b""
        booster = Booster(model, manifest)
        self._cache.register(model, manifest)
        return booster

    def _rows(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        rows: list[tuple[Any, ...]] = self._read(
            lambda connection: connection.execute(statement, values, binary=True).fetchall()
        )
        return rows


def _manifest(version: str, packed: bytes) -> Manifest:
    """Raises ``BadInput`` when it is damaged or names another version."""
    try:
        manifest = Manifest.from_wire(json.loads(packed))
    except ValueError as error:
        raise BadInput(f"the manifest of scorer {version} is damaged ({error}); train again") from error
    if manifest.version != version:
        raise BadInput(f"the manifest of scorer {version} describes {manifest.version!r}; train again")
    return manifest
