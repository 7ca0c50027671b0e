"""The load tests are part of the checkout, not of the installed package: the checkout goes last on the path, so that
what is installed is still what is tested."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = str(Path(__file__).resolve().parents[2])
if ROOT not in sys.path:
    sys.path.append(ROOT)
