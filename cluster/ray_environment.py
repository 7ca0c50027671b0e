"""The variables under which Ray and Serve must start, on every node. See the README's decisions for each reason."""

from __future__ import annotations

import os
import socket
from pathlib import Path

from cluster.haproxy import VARIABLE, install_wrapper
from models import limits

#: HAProxy in place of the Python proxy, user code on the replica's main loop, the collector frozen after start.
#: Together they make an empty request about 20 times cheaper than Serve's defaults.
SERVE_VARIABLES = {
    "RAY_SERVE_ENABLE_HA_PROXY": "1",
    "RAY_SERVE_THROUGHPUT_OPTIMIZED": "1",
    "RAY_SERVE_FREEZE_GC_ON_STARTUP": "1",
    "RAY_SERVE_HAPROXY_NBTHREAD": "1",
    "RAY_SERVE_HAPROXY_METRICS_ENABLED": "0",
    # The head of a request up to this size reaches the gateway, which says what is wrong with it; HAProxy says HTML.
    "RAY_SERVE_HAPROXY_TUNE_BUFSIZE": str(limits.REQUEST_HEAD_BYTES_MAX),
    # How long a replica that leaves goes on answering, until HAProxy has heard of it (within 0.1 s).
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "1",
    # Ray lowers its workers' priority by 15 steps, as for batch jobs: all others of the machine would go first.
    "RAY_worker_niceness": "0",
    "RAY_enable_metrics_collection": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_DEDUP_LOGS": "0",
    # On a busy machine the proxy is slow to start; Serve would kill it after 5 s and start it anew.
    "RAY_SERVE_PROXY_READY_CHECK_TIMEOUT_S": "60",
    # Ray serves two metrics pages on every interface without its token; a port that cannot be bound keeps them shut.
    "AUTOSCALER_METRIC_PORT": "-1",
    "DASHBOARD_METRIC_PORT": "-1",
}

#: Ports that only Serve itself needs; chosen free, so that two installations can share a machine.
_SIDE_PORTS = (
    "RAY_SERVE_HAPROXY_METRICS_PORT", "RAY_SERVE_HAPROXY_STATS_PORT", "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT",
)


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def set_variables(data_dir: Path) -> None:
    """Set what Ray reads at import and at start; must run before ``import ray``. What the caller set is kept."""
    for name, value in SERVE_VARIABLES.items():
        os.environ.setdefault(name, value)
    os.environ[VARIABLE] = str(install_wrapper(data_dir))
    for name in _SIDE_PORTS:
        os.environ.setdefault(name, str(free_port()))
    os.environ.setdefault("RAY_SERVE_HAPROXY_TIMEOUT_SERVER_S", str(2 * limits.DEADLINE_MS_MAX // limits.SECOND_MS))
