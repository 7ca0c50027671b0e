"""How a measured server talks with the benchmark: one JSON line when ready; the end of its input ends it."""

from __future__ import annotations

import json
import sys
from typing import Any


def say_ready(**facts: Any) -> None:
    """Tell the benchmark where to send requests (``port``) and what else it must know."""
    print(json.dumps({"ready": True, **facts}), flush=True)


def stopped() -> None:
    """Returns when the benchmark has closed the pipe, or died."""
    sys.stdin.read()
