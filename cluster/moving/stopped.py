"""A store is moved while nobody serves from it."""

from __future__ import annotations

from pathlib import Path

from cluster import runfile
from models.errors import KairosError


def refuse_live(data_dir: Path) -> None:
    """Raises ``KairosError`` that says how to stop what runs in a data directory."""
    run = runfile.read_run(data_dir)
    if run is None:
        return
    if run.up.find() is not None:
        raise KairosError(f"Kairos runs in {data_dir} (pid {run.up.pid}); stop it with `kairos down` first")
    if any(other.find() for other in run.others):
        raise KairosError(
            f"a killed `kairos up` left processes behind in {data_dir}; `kairos down` ends them, then repeat this"
        )
