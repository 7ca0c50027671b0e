"""Where and when it was measured: figures mean nothing without it."""

from __future__ import annotations

import platform
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

import psutil


def described() -> dict[str, Any]:
    """Cores, memory, versions, and how busy the machine was before the run: above 0.2 per core it was not quiet."""
    return {
        "taken": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"), "cores": psutil.cpu_count() or 0,
        "cpu": _processor(), "memory_gib": round(psutil.virtual_memory().total / 2**30),
        "load_before": round(psutil.getloadavg()[0], 2), "python": platform.python_version(), "ray": version("ray"),
        "xgboost": version("xgboost-cpu"),
    }


def _processor() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.split(":", 1)[1].strip()
    return platform.machine()
