"""The trees that a worker grows on its share, together with the others on theirs."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cluster.many_rows.share import Share
from models.scoring.booster import DEFAULT_PARAMS, Streamed, grow
from models.scoring.splitting import Instants


@dataclass(frozen=True, slots=True)
class Job:
    """Trees to grow, as ``models.scoring.whole.Growth`` is asked for them."""

    instants: Instants
    features: tuple[str, ...]
    training: str
    validation: str | None
    rounds: int
    patience: int

    def done(self, share: Share, *, threads: int, workers: int, on_round: Callable[[int], None]) -> bytes:
        """The model, which is the same at every worker."""
        with tempfile.TemporaryDirectory(dir=share.folder) as cache:
            def part(name: str) -> Streamed:
                return share.part(self.instants, name, self.features, Path(cache), is_alone=workers == 1)

            return grow(
                self.features, part(self.training), None if self.validation is None else part(self.validation),
                rounds=self.rounds, patience=self.patience, threads=threads, params=DEFAULT_PARAMS, on_round=on_round,
            ).model
