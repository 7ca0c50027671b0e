"""The throw-away PostgreSQL of the tests, for the benchmarks too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parents[2] / "tests"))

from support.postgres import PostgresServer, binaries, without_password

__all__ = ["PostgresServer", "binaries", "without_password"]
