"""From rows in shares to a scorer."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from cluster.many_rows.growing import Job
from cluster.many_rows.passes import Shares, boundaries, sample, take_census
from models import limits
from models.scoring.booster import Grown
from models.scoring.splitting import Instants
from models.scoring.training import HOLDOUT_DEFAULT, Trained, Watch, train
from models.scoring.whole import Whole


class GrowingShares(Shares, Protocol):
    def grow(self, job: Job, on_round: Callable[[int], None]) -> bytes:
        """The model that all shares grew together."""


def train_on_shares(
    shares: GrowingShares, created_ms: int, *, threads: int = 1, holdout: float = HOLDOUT_DEFAULT,
    every_feature: bool = False, watch: Watch = lambda stage, done, of: None,
    sample_rows: int = limits.TRAINING_SAMPLE_ROWS,
) -> Trained:
    """A scorer out of all rows. ``threads``: of each worker. ``sample_rows``: how many are held here.

    Raises ``BadInput`` as training on rows at once does.
    """
    watch("splitting", 0, 1)
    instants = boundaries(shares, holdout)
    counts = take_census(shares, instants)
    watch("sampling", 0, 1)
    held = sample(shares, counts.rows["all"], sample_rows)
    whole = Whole(instants, counts, _Growth(shares, instants))
    return train(
        held, created_ms, holdout=holdout, threads=threads, every_feature=every_feature, watch=watch, whole=whole
    )


class _Growth:
    """``models.scoring.whole.Growth`` by shares."""

    def __init__(self, shares: GrowingShares, instants: Instants) -> None:
        self._shares, self._instants = shares, instants

    def __call__(
        self, features: tuple[str, ...], training: str, validation: str | None, *, rounds: int, patience: int,
        on_round: Callable[[int], None],
    ) -> Grown:
        job = Job(self._instants, features, training, validation, rounds, patience)
        return Grown.of(self._shares.grow(job, on_round))
