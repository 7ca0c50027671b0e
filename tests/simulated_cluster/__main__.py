"""See ``command``."""

from __future__ import annotations

import sys
from pathlib import Path

_TESTS = Path(__file__).resolve().parents[1]
sys.path[:0] = [str(_TESTS), str(_TESTS.parent)]

from simulated_cluster.command import main  # noqa: E402

if __name__ == "__main__":
    sys.exit(main())
