"""An installation of the load test's own: a temporary directory, the real command, a trained scorer, gone after."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actors.scorer_registry import ScorerRegistry
from cluster.client import Kairos
from cluster.demo import stages
from cluster.demo.catalog import scorer_features
from cluster.demo.journey import Journey, data_folder, read_journey
from cluster.demo.mailings import ended_before, mailing_columns
from cluster.ray_environment import free_port
from cluster.training import train_and_register
from loadtests.locust_run.shop import shop_catalog
from models.catalog.check import check_data
from models.errors import KairosError
from models.scoring.rows import from_columns

#: Households whose mailings teach the scorer.
_TEACHERS: Final = 400
#: The command of the installed package, by this interpreter.
_KAIROS: Final = (sys.executable, "-P", "-c", "from cluster.cli import main; main()")
_START_S: Final = 240.0
_STOP_S: Final = 120.0


@dataclass(frozen=True, slots=True)
class Own:
    url: str
    key: str
    data_dir: Path


@contextmanager
def own_installation(*, flash: bool, say: Callable[[str], None]) -> Iterator[Own]:
    """``kairos up`` over the load test's catalog. Raises ``KairosError`` with the log's end when it does not start."""
    with tempfile.TemporaryDirectory(prefix="kairos-load-") as place:
        data_dir, catalog = Path(place) / "data", Path(place) / "catalog.json"
        data_dir.mkdir(mode=0o700)
        journey = read_journey(data_folder(), _TEACHERS)
        version = _train(journey, data_dir, catalog, flash=flash)
        say("starting an installation of its own (10 to 20 s)")
        port = free_port()
        done = subprocess.run(
            [*_KAIROS, "up", "--detach", "--data-dir", str(data_dir), "--port", str(port), "--catalog", str(catalog)],
            capture_output=True, text=True, check=False, timeout=_START_S, stdin=subprocess.DEVNULL,
        )
        if done.returncode:
            raise KairosError(f"the load test's own installation did not start: {done.stderr.strip()}")
        own = Own(f"http://127.0.0.1:{port}", (data_dir / "admin.key").read_text().strip(), data_dir)
        try:
            with Kairos(own.url, own.key) as client:
                client.promote(version)
            yield own
        finally:
            say("stopping the installation")
            subprocess.run([*_KAIROS, "down", "--data-dir", str(data_dir)], check=False, timeout=_STOP_S)


def _train(journey: Journey, data_dir: Path, catalog: Path, *, flash: bool) -> str:
    """Write the catalog; train a scorer on these households' real mailings; its version."""
    content = shop_catalog(journey, journey.households.values(), flash=flash)
    plan = check_data(content)
    catalog.write_text(json.dumps(content))
    wanted = scorer_features()
    columns = mailing_columns(journey, plan, wanted, ended_before(journey, stages.CUT_OFF_MS))
    manifest = train_and_register(from_columns(columns, wanted), ScorerRegistry(data_dir), time.time_ns() // 1_000_000)
    return manifest.version
