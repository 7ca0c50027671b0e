"""Trees in memory, a few versions of them, loaded from the registry's files when first asked for."""

from __future__ import annotations

import logging
from collections import OrderedDict
from threading import Lock

from actors.scorer_registry import Scorers
from models import limits
from models.errors import KairosError
from models.scoring.booster import Booster

_LOG = logging.getLogger("kairos.scorer")


class LoadedScorers:
    """May be asked by several threads; none waits for another's reading of a file."""

    def __init__(self, registry: Scorers) -> None:
        self._registry = registry
        self._loaded: OrderedDict[str, Booster] = OrderedDict()
        self._changing = Lock()

    def __len__(self) -> int:
        return len(self._loaded)

    def found(self, version: str) -> Booster | None:
        """None when it is not in memory. Reads no file."""
        with self._changing:
            found = self._loaded.get(version)
            if found is not None:
                self._loaded.move_to_end(version)
            return found

    def load(self, version: str) -> Booster:
        """Raises ``UnknownScorerError``; ``BadInput`` when a file is damaged."""
        found = self.found(version)
        if found is None:
            found = self._registry.load(version)
            with self._changing:
                self._loaded[version] = found
                while len(self._loaded) > limits.SCORERS_LOADED_MAX:
                    self._loaded.popitem(last=False)
        return found

    def warm(self) -> None:
        """Load the newest registered scorer ahead of its first request, if there is one and it is sound."""
        try:
            newest = self._registry.newest()
            if newest is not None:
                self.load(newest.version)
        except KairosError as error:
            _LOG.warning("the newest scorer cannot be loaded: %s", error)


def open_scorers(registry: Scorers) -> LoadedScorers:
    """The registered scorers of an installation; the newest is loaded already."""
    scorers = LoadedScorers(registry)
    scorers.warm()
    return scorers
