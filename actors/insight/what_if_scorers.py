"""The scorers of a what-if: those of the registry, loaded and verified in this process when they are first asked."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog
from numpy.typing import NDArray

from actors.stores.interface import Store
from models.errors import KairosError

if TYPE_CHECKING:  # imports xgboost, for which Insight does not wait at its start
    from actors.scoring.loaded import LoadedScorers

log = structlog.get_logger(__name__)
OpenScorers = Callable[[], "LoadedScorers"]


def registered(store: Store) -> OpenScorers:
    """Those of a store; xgboost is imported when they are opened."""
    return lambda: import_module("actors.scoring.loaded").LoadedScorers(store.scorers())


class WhatIfScorers:
    """Belongs to one thread."""

    def __init__(self, open_scorers: OpenScorers) -> None:
        self._open = open_scorers
        self._opened: LoadedScorers | None = None
        #: Versions of this what-if that could not be asked.
        self._failed: dict[str, None] = {}

    def begin(self) -> None:
        """Another what-if: what could not be asked is tried again."""
        self._failed = {}

    def score(self, version: str, matrix: NDArray[np.float32]) -> NDArray[np.float32] | None:
        """None where this version cannot be asked."""
        if version in self._failed:
            return None
        try:
            scores = self._loaded().load(version).predict(matrix)
        except KairosError as error:
            log.warning("a scorer cannot be asked", version=version, error=type(error).__name__, detail=str(error))
            self._failed[version] = None
            return None
        if not np.isfinite(scores).all():
            self._failed[version] = None
            return None
        return scores

    def manifest(self, version: str) -> dict[str, Any] | None:
        """Of a registered scorer of acceptance; None where there is none of this version."""
        try:
            manifest = self._loaded().load(version).manifest
        except KairosError:
            return None
        return None if manifest.target else manifest.to_wire()

    def notes(self) -> list[str]:
        return [
            f"Scorer {version} cannot be asked, for its file is missing, damaged or gives no numbers: evidence alone "
            "decides." for version in self._failed
        ]

    def _loaded(self) -> LoadedScorers:
        if self._opened is None:
            self._opened = self._open()
        return self._opened
