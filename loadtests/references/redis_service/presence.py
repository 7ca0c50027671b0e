"""Whether this machine has a Redis server, which comes from Debian and not from a lock file."""

from __future__ import annotations

import shutil

INSTALL = "apt-get install redis-server (Debian; it need not run as a service)"


def redis_server() -> str:
    """The path of the binary; "" when it is not installed."""
    return shutil.which("redis-server") or ""
