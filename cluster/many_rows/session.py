"""The Ray cluster of a training: one that somebody started, or one of its own on this machine."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from cluster.doors import force_token
from cluster.launch import join_ray
from cluster.ray_environment import EMBEDDED_VARIABLES, SERVE_VARIABLES, set_driver_variables
from models.errors import KairosError
from models.scoring.training import Trained, Watch

#: What Ray Data and Ray Train need beyond Ray itself.
_NEEDED: Final = ("pandas", "fsspec")
_QUIET: Final = ("RAY_enable_metrics_collection", "RAY_USAGE_STATS_ENABLED", "RAY_worker_niceness")


def train_on_ray(
    place: Path, data_dir: Path, created_ms: int, *, address: str | None, workers: int, threads: int, holdout: float,
    every_feature: bool, watch: Watch,
) -> Trained:
    """A scorer out of Parquet files, by workers on the Ray cluster at ``address`` (every node reaches the files under
    the same path), or on one that is started here for as long (None). ``threads``: of each worker.

    Raises ``BadInput`` as training without Ray does, ``KairosError`` when there is no such cluster or it cannot do it.
    """
    refuse_without_libraries()
    watch("joining Ray", 0, 1)
    with _joined(address, data_dir, workers * threads):
        from cluster.many_rows.on_ray import RayShares  # these import ray, which reads its variables at import
        from cluster.many_rows.reading import Reading
        from cluster.many_rows.training import train_on_shares

        shares = RayShares(Reading.of(place), workers=workers, threads=threads)
        try:
            return train_on_shares(
                shares, created_ms, threads=threads, holdout=holdout, every_feature=every_feature, watch=watch
            )
        finally:
            shares.end()


def refuse_without_libraries() -> None:
    """Raises ``KairosError`` where Ray Data and Ray Train are not installed."""
    missing = [name for name in _NEEDED if find_spec(name) is None]
    if missing:
        raise KairosError(
            f"training on Ray needs {' and '.join(missing)}; install them with "
            "`pip install kairos-decisioning[train]`, on every node"
        )


@contextmanager
def _joined(address: str | None, data_dir: Path, cores: int) -> Iterator[None]:
    force_token(data_dir, address)
    if address is not None:
        set_driver_variables()
        join_ray(address)
    else:
        for name in _QUIET:
            os.environ.setdefault(name, SERVE_VARIABLES[name])
        os.environ.update(EMBEDDED_VARIABLES)
        # One core more than the workers have, for those that read.
        join_ray("local", include_dashboard=False, num_cpus=cores + 1, _node_ip_address="127.0.0.1")
    import ray

    # What Ray itself says is for people, and must not lie between what is printed for machines.
    with redirect_stdout(sys.stderr):
        try:
            yield
        finally:
            ray.shutdown()
