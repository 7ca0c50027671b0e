"""The variables under which Ray and Serve must start, on every node. See the README's decisions for each reason.

`kairos up` that starts Ray itself sets them here. On a cluster they must stand in the environment of `ray start`:
`kairos node-env` prints them, `kairos doctor --address` looks for them on every node.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path

from cluster.haproxy import VARIABLE, install_wrapper, wrapper_path
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

#: Where we start Ray ourselves. Ray replaces 127.0.0.1 by an address that others can reach, and then listens on every
#: interface, unless it is told that there is no cluster to make (as on the systems that this is named after).
EMBEDDED_VARIABLES = {"RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER": "0"}

#: On the nodes of a cluster also these: who may talk to Ray, and how soon a lost node is noticed.
CLUSTER_VARIABLES = {
    # Whoever reaches Ray's ports without the token gets no answer.
    "RAY_AUTH_MODE": "token",
    # The head asks each node every half second, waits a second, and gives a node up after three failures: a node that
    # was cut off is dead after at most about 5 s, and its shards start elsewhere (Ray's own values: 15 to 65 s). What
    # still runs there is fenced by the store.
    "RAY_health_check_initial_delay_ms": "5000",
    "RAY_health_check_period_ms": "500",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
    # Proxies of several machines hear of a replica that leaves in their own time: one renews itself, and what it was
    # before still asks the replica meanwhile.
    "RAY_SERVE_DIRECT_INGRESS_MIN_DRAINING_PERIOD_S": "5",
    # How long a node waits for the head to come back (where the head's state is kept outside) before it leaves.
    "RAY_gcs_rpc_server_reconnect_timeout_s": "600",
}

#: Ports that only Serve itself needs, on loopback. Embedded they are chosen free, so that two installations can share
#: a machine; a node of a cluster has them to itself.
SIDE_PORTS = {
    "RAY_SERVE_HAPROXY_METRICS_PORT": "9101",
    "RAY_SERVE_HAPROXY_STATS_PORT": "8404",
    "RAY_SERVE_FALLBACK_PROXY_HTTP_PORT": "8500",
}
_TIMEOUT = "RAY_SERVE_HAPROXY_TIMEOUT_SERVER_S"


def free_port() -> int:
    """A loopback port that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port


def set_variables(data_dir: Path, host: str) -> None:
    """Set what Ray reads at import and at start; must run before ``import ray``. What the caller set is kept. ``host``:
    where the API listens."""
    for name, value in SERVE_VARIABLES.items():
        os.environ.setdefault(name, value)
    os.environ[VARIABLE] = str(install_wrapper(data_dir, host))
    os.environ.update(EMBEDDED_VARIABLES)
    for name in SIDE_PORTS:
        os.environ.setdefault(name, str(free_port()))
    os.environ.setdefault(_TIMEOUT, _timeout_s())


def set_driver_variables() -> None:
    """Before ``import ray`` in a process that joins a cluster: its nodes have the variables already, this one must not
    deploy by others."""
    for name, value in {**SERVE_VARIABLES, **CLUSTER_VARIABLES, _TIMEOUT: _timeout_s()}.items():
        os.environ.setdefault(name, value)


def node_variables(data_dir: Path) -> dict[str, str]:
    """All that `ray start` must find in its environment, on every node. Writes nothing: see ``install_wrapper``."""
    return {
        **SERVE_VARIABLES, **CLUSTER_VARIABLES, **SIDE_PORTS, _TIMEOUT: _timeout_s(),
        VARIABLE: str(wrapper_path(data_dir)),
    }


def differing() -> dict[str, tuple[str | None, str]]:
    """Of the variables that must be the same on every node, those that are otherwise in this process: (found, wanted).
    Ports and paths may be a node's own."""
    wanted = {**SERVE_VARIABLES, **CLUSTER_VARIABLES, _TIMEOUT: _timeout_s()}
    return {name: (os.environ.get(name), value) for name, value in wanted.items() if os.environ.get(name) != value}


def _timeout_s() -> str:
    return str(2 * limits.DEADLINE_MS_MAX // limits.SECOND_MS)
